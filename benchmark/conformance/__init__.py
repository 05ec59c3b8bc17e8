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

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import UserError
from ..method import FitFailed
from ..plugins.faults import described
from ..plugins.registry import METHODS
from ..plugins.spec import read_method
from . import checks, manners  # noqa: F401  # they register what they define
from .named import CHECKS, Fault, NotApplicable
from .subject import SEED, Subject
from .watch import Watch

__all__ = ["CHECKS", "Result", "Trial", "conform", "trial"]

State = Literal["passed", "failed", "skipped"]
NOTHING = "there is nothing to try"


@dataclass(frozen=True)
class Result:
    """How one check ended; ``reason`` says why it failed or was skipped, or is a note on how it passed."""

    check: str
    state: State
    reason: str = ""


@dataclass
class Trial:
    """One adapter and what its checks have found so far; ``problem`` says why it cannot be tried at all."""

    subject: Subject
    problem: str = ""
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
        if self.problem:
            return ("failed", self.problem) if name == next(iter(CHECKS)) else ("skipped", NOTHING)
        try:
            if name not in ("metadata", "skips_with_a_reason") and isinstance(why := self.subject.new().skip(), str):
                return "skipped", f"the method does not take part: {why}"
            for need in CHECKS[name].needs:
                if (found := self.result(need)).state != "passed":
                    return "skipped", found.reason if found.state == "skipped" else f"{need} failed"
            return "passed", CHECKS[name].run(self.subject) or ""
        except Fault as fault:
            return "failed", str(fault)
        except NotApplicable as reason:
            return "skipped", str(reason)
        except FitFailed as failure:
            return "failed", f"fit gave up: {failure}"
        except (Exception, SystemExit) as error:  # the adapter's own, whatever it is: shown with its place
            return "failed", described(error, SEED)


def trial(method: str | Path, watch: Watch | None = None) -> Trial:
    """A trial of a registered method, ``name[a=1]``, or of one in a file. Raises UserError where there is none."""
    watch, _ = watch or Watch(), METHODS.plugins()  # those of the suite are loaded before anybody watches
    if str(method).endswith(".py"):
        path = Path(method).absolute()
        name = watch.call("import", lambda: METHODS.add_file(path)) if path.is_file() else None
        if name is None:
            raise UserError(
                f"{method}: {'defines no Method' if path.is_file() else 'no such file'}; give a file with an adapter"
            )
        method = name
    spec = read_method(str(method))
    return Trial(Subject(str(method), watch), "" if spec.problem is None else spec.problem[1])


def conform(tried: Trial, name: str) -> None:
    """For pytest: fails with the reason of the check ``name``, or skips with it."""
    import pytest

    found = tried.result(name)
    if found.state == "skipped":
        pytest.skip(found.reason)
    assert found.state == "passed", f"{name}: {found.reason}"
