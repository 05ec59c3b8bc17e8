"""What `doabench check` prints."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable

import click

from . import CHECKS, Result

_COLOUR = {"passed": "green", "failed": "red", "skipped": "yellow"}


def report(method: str, found: Iterable[Result], as_json: bool, say: Callable[[str], None]) -> bool:
    """Say the result of each check as it ends (or all as JSON), and how many ran; whether none failed."""
    results = []
    for result in found:
        results.append(result)
        if not as_json:
            shown = result.reason or CHECKS[result.check].about
            say(f"{click.style(f'{result.state:8}', fg=_COLOUR[result.state])} {result.check:24} {shown}")
    count = {state: sum(result.state == state for result in results) for state in _COLOUR}
    if as_json:
        say(json.dumps({"method": method, **count, "checks": [dataclasses.asdict(result) for result in results]}))
    else:
        ran = count["passed"] + count["failed"]
        say(f"{method}: {ran} checks ran, {count['passed']} passed, {count['failed']} failed; {count['skipped']} skipped")
    return not count["failed"]
