"""What a check is, and all of them by name, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .subject import Subject


class Fault(Exception):
    """What is wrong with the adapter."""


class NotApplicable(Exception):
    """Why a check says nothing about this adapter."""


Run: TypeAlias = Callable[[Subject], "str | None"]
"""Returns, perhaps with a note for people, or raises `Fault` or `NotApplicable`."""


@dataclass(frozen=True)
class Check:
    """``needs`` names checks without which this one would only repeat their fault."""

    name: str
    about: str
    run: Run
    needs: tuple[str, ...]


CHECKS: dict[str, Check] = {}


def check(*needs: str) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        assert run.__doc__
        CHECKS[run.__name__] = Check(run.__name__, run.__doc__, run, needs)
        return run

    return register


def must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Fault(otherwise)


def only_if(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotApplicable(otherwise)
