"""Options that several commands have."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, get_args

import click

from ..errors import UserError
from ..protocol import ScaleName

COMMAND: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "show_default": True}}


class Seeds(click.ParamType):
    """``3`` is the seeds 0 to 2, ``200-204`` five others, and nothing is none."""

    name = "N|FIRST-LAST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(?:(\d+)-)?(\d+)|", value)
        first, last = (found[1], found[2]) if found else (None, None)
        seeds = () if last is None else range(int(last)) if first is None else range(int(first), int(last) + 1)
        if found is None or (value and not seeds):
            self.fail(f"{value!r} names no seeds; write how many, from 0 on, or which: 200-204", param, ctx)
        return tuple(seeds)


class Rooms(click.ParamType):
    """A room; in ``DOABENCH_ROOMS`` several, with spaces between them, and quotes round one that has a space in its path."""

    name = "NAME|KIND:PATH"

    def split_envvar_value(self, rv: str) -> list[str]:
        path = rv.partition(":")[2]
        if path and not rv.startswith(("'", '"')) and Path(path).expanduser().exists():
            return [rv]
        try:
            return shlex.split(rv)
        except ValueError as error:
            raise click.BadParameter(
                f"{rv} cannot be read ({error}); put quotes round a room with a space in its path"
            ) from error


class Shard(click.ParamType):
    """``2/8`` is the second of eight shares."""

    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = re.fullmatch(r"(\d+)/(\d+)", value) if isinstance(value, str) else None
        shard, shards = (int(found[1]), int(found[2])) if found else (0, 0)
        if not 1 <= shard <= shards:
            self.fail(f"{value!r} is no share; write which of how many, from 1/8 to 8/8", param, ctx)
        return shard, shards


class Sbatch(click.ParamType):
    """An option of sbatch without its dashes, with a value or without."""

    name = "KEY[=VALUE]"
    taken = ("array", "error", "job-name", "open-mode", "output", "signal")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str | bool]:
        key, equals, content = value.lstrip("-").partition("=")
        if not re.fullmatch(r"[a-z][a-z-]*", key) or "\n" in content:
            self.fail(f"{value!r} is no setting of sbatch; write partition=gpu, say", param, ctx)
        if key in self.taken:
            self.fail(f"{key} is set by the suite", param, ctx)
        if key == "time":
            minutes = self._minutes(content)
            if not minutes:
                self.fail(f"{value!r} is no time; write minutes, HOURS:MINUTES:SECONDS or DAYS-HOURS", param, ctx)
            content = str(minutes)
        return key.replace("-", "_"), content if equals else True

    @staticmethod
    def _minutes(text: str) -> int:
        """Whole minutes of a time as sbatch reads it: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S; 0 where it is none."""
        found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
        if found is None:
            return 0
        days, *parts = (int(part or 0) for part in found.groups())
        hours, minutes, seconds = parts if found[1] or found[4] else (0, *parts[:2])
        return (days * 24 + hours) * 60 + minutes + (seconds > 0)


def plugin_file(text: str | Path) -> Path:
    """A Python file as it is, and for a folder the ``__init__.py`` in it."""
    path = Path(text)
    return path / "__init__.py" if path.is_dir() else path


out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("results"), help="Folder of all results."
)
plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=plugin_file,
    metavar="FILE|FOLDER",
    help="A method, protocol, speech or room of your own: a file, or a folder with __init__.py.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
accept_option = click.option(
    "--accept-findings", is_flag=True, help="Run in a room though its delays do not fit its angles, spacing or sample rate."
)
_DRAW = (
    click.option("--labels", multiple=True, type=click.IntRange(min=0), help="Nominal number of labels n; may be repeated."),
    click.option(
        "--seeds",
        type=Seeds(),
        default="",
        show_default="of each protocol",
        help="How many, from 0 on (1: seed 0 alone), or which: 200-204.",
    ),
    click.option("--scale", type=click.Choice(get_args(ScaleName)), default="quick", help="How much of each protocol."),
    click.option(
        "--speech",
        default="talkers",
        envvar="DOABENCH_SPEECH",
        show_envvar=True,
        help="Corpus by name, or a LibriSpeech folder.",
    ),
    click.option(
        "--rooms",
        multiple=True,
        type=Rooms(),
        envvar="DOABENCH_ROOMS",
        show_envvar=True,
        help="Rooms instead of each protocol's own, by name or files, such as sofa:FILE; may be repeated.",
    ),
    click.option(
        "--score-in",
        multiple=True,
        type=Rooms(),
        help="Train in --rooms and score here, on the same array: by other-room, unless a protocol is named; may be repeated.",
    ),
)


@dataclass(frozen=True)
class Draw:
    """Which sequences, as `draw_options` were given; the fields are those of `plan.Request`."""

    labels: tuple[int, ...]
    seeds: tuple[int, ...]
    scale: ScaleName
    speech: str
    rooms: tuple[str, ...]
    score_in: tuple[str, ...]


def draw_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options that say which sequences; the command gets them as its argument ``draw``."""

    @wraps(command)
    def with_draw(**given: Any) -> None:
        draw = Draw(**{field.name: given.pop(field.name) for field in fields(Draw)})
        command(draw=draw, **given)

    for option in reversed(_DRAW):
        with_draw = option(with_draw)
    return with_draw


def existing(out: Path) -> Path:
    """Raises UserError where no results are."""
    if not (out / "cells").is_dir():
        raise UserError(f"--out {out}: no results there; make some with doabench run --out {out}")
    return out
