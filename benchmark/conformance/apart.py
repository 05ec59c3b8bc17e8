"""An adapter tried in a process of its own, which it may end, or never come back from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from ..errors import UserError
from ..plugins.child import Child
from ..plugins.registry import REGISTRIES, add_plugin_file
from . import CHECKS, NOTHING, Result, trial
from .watch import Watch

LOADING = "loading"
IS_SAID_AFTER_S = 5.0
"""A check that takes longer is named while it runs."""


def checked_apart(
    method: str, plugins: Sequence[Path], time_limit_s: float, tell: Callable[[str], None] = lambda _: None
) -> Iterator[Result]:
    """Every check, in order. One that ends its process, or takes longer than ``time_limit_s``, has failed; those behind it run
    in a new process. ``tell`` hears what is under way. Raises UserError where there is no such method or file."""
    known: dict[str, Result] = {}
    while len(known) < len(CHECKS):
        child = Child(_serve, method, [path.absolute() for path in plugins], dict(known))
        try:
            for result in _heard(child, known, time_limit_s, tell):
                known[result.check] = result
                yield result
        finally:
            child.stop()


def _heard(child: Child, known: dict[str, Result], time_limit_s: float, tell: Callable[[str], None]) -> Iterator[Result]:
    """The results of one process; the last is that of a check which it did not survive."""
    left = [name for name in CHECKS if name not in known]
    for name in (LOADING, *left):
        try:
            if _comes(child, name, time_limit_s, tell):
                said, reason = child.line.recv(), ""
            else:
                said, reason = None, f"took longer than --time-limit, {time_limit_s:g} s, and was ended{child.halt()}"
        except (EOFError, OSError):
            said, reason = None, f"its process {child.cause_of_death()}"
        if isinstance(said, UserError):
            raise said
        if isinstance(said, Result):
            yield said
        elif name == LOADING and reason:
            yield Result(left[0], "failed", f"{LOADING}: {reason}")
            yield from (Result(other, "skipped", NOTHING) for other in left[1:])
            return
        elif reason:
            yield Result(name, "failed", reason)
            return


def _comes(child: Child, name: str, time_limit_s: float, tell: Callable[[str], None]) -> bool:
    """Whether something is said within the time; from some time on it is told that ``name`` is waited for."""
    patience = min(IS_SAID_AFTER_S, time_limit_s)
    if child.line.poll(patience):
        return True
    tell(f"{name} is under way, for {time_limit_s:g} s at most (--time-limit)")
    return child.line.poll(time_limit_s - patience)


def _serve(line: Connection, method: str, plugins: Sequence[Path], known: dict[str, Result]) -> None:
    watch = Watch()
    for registry in REGISTRIES:
        registry.plugins()  # those of the suite, and the libraries they need, are loaded before anybody watches
    try:
        for path in plugins:
            watch.call("import", lambda path=path: add_plugin_file(path))
        tried = trial(method, watch)
    except UserError as error:
        line.send(error)
        return
    line.send(LOADING)
    tried.results.update(known)
    for name in CHECKS:
        if name not in known:
            line.send(tried.result(name))
