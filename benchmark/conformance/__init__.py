"""Named checks that every adapter must pass: `doabench check METHOD`, and in a plugin author's own tests

    import pytest
    from doabench.benchmark.conformance import CHECKS, conform, trial

    method = trial("my_method.py")          # or the name of a registered method, with parameters if it has any

    @pytest.mark.parametrize("name", CHECKS)
    def test_conforms(name):
        conform(method, name)

which skips what does not apply, with the reason. The fits of one trial are shared by all its checks.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import UserError
from ..method import FitFailed
from ..plugins.registry import METHODS
from ..plugins.spec import make_method
from .checks import CHECKS, Fault, NotApplicable
from .subject import Subject

__all__ = ["CHECKS", "Result", "Trial", "conform", "trial"]

State = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    """How one check ended; ``reason`` says why it failed or was skipped."""

    check: str
    state: State
    reason: str = ""


@dataclass
class Trial:
    """One adapter and what its checks have found so far."""

    subject: Subject
    results: dict[str, Result] = field(default_factory=dict)

    def result(self, name: str) -> Result:
        """The result of one check; what it needs is run first, each check once."""
        if name not in self.results:
            self.results[name] = Result(name, *self._run(name))
        return self.results[name]

    def all(self) -> Iterator[Result]:
        """Every check, in order."""
        return (self.result(name) for name in CHECKS)

    def _run(self, name: str) -> tuple[State, str]:
        if name not in ("metadata", "skips_with_a_reason") and isinstance(why := self.subject.new().skip(), str):
            return "skipped", f"the method does not take part: {why}"
        for need in CHECKS[name].needs:
            if (found := self.result(need)).state != "passed":
                return "skipped", found.reason if found.state == "skipped" else f"{need} failed"
        try:
            CHECKS[name].run(self.subject)
        except Fault as fault:
            return "failed", str(fault)
        except NotApplicable as reason:
            return "skipped", str(reason)
        except FitFailed as failure:
            return "failed", f"fit gave up: {failure}"
        except Exception as error:  # the adapter's own, whatever it is: shown with its place
            last = traceback.extract_tb(error.__traceback__)[-1]
            return "failed", f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}: {error}"
        return "passed", ""


def trial(method: str | Path) -> Trial:
    """A trial of a registered method, ``name[a=1]``, or of one in a file. Raises UserError where there is none."""
    if str(method).endswith(".py"):
        path = Path(method)
        name = METHODS.add_file(path.resolve()) if path.is_file() else None
        if name is None:
            raise UserError(f"{path}: {'defines no Method' if path.is_file() else 'no such file'}; give a file with an adapter")
        method = name
    make_method(str(method))
    return Trial(Subject(str(method)))


def conform(tried: Trial, name: str) -> None:
    """For pytest: fails with the reason of the check ``name``, or skips with it."""
    import pytest

    found = tried.result(name)
    if found.state == "skipped":
        pytest.skip(found.reason)
    assert found.state == "passed", f"{name}: {found.reason}"
