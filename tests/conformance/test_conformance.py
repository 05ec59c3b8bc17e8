"""`doabench check`: sound adapters pass, and every fault is caught by the check that is meant for it, and by no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.conformance import CHECKS, Trial, conform, trial
from doabench.benchmark.plugins.registry import METHODS
from support import broken, plugins
from support.training import train_cnn_for_a_quarter

FAST = ["srp_phat", "srp_phat[weight=energy]", "gcc_phat", "music", "norm_music", "rtf_1nn", "cnn"]
FAST += [
    "von_mises",
    "von_mises[prior=free-space]",
    "von_mises[unlabelled=em]",
    "kernel_ridge",
    "kernel_ridge[unlabelled=student]",
]
FAST += ["manifold_regularisation", "label_spreading"]
FAST += [f"{name}[steps=25]" for name in ("cnn_augmented", "pseudo_label", "fixmatch", "mean_teacher")]
TRIALS: dict[str, Trial] = {}


@pytest.fixture(autouse=True)
def _short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    train_cnn_for_a_quarter(monkeypatch)


@pytest.fixture(autouse=True)
def _own_plugins() -> Iterator[None]:
    """Plugins that a test adds are gone after it."""
    with METHODS.scope():
        yield


def failed_checks(folder: Path, text: str) -> set[str]:
    path = folder / "broken_adapter.py"
    path.write_text(broken.HEADER + text)
    return {result.check for result in trial(path).all() if result.state == "failed"}


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("method", FAST)
def test_shipped_methods_conform(method: str, name: str) -> None:
    conform(TRIALS.setdefault(method, trial(method)), name)


@pytest.mark.parametrize("name", broken.BROKEN)
def test_a_fault_is_caught_by_the_check_that_is_meant_for_it_and_by_no_other(name: str, tmp_path: Path) -> None:
    assert failed_checks(tmp_path, broken.BROKEN[name]) == {name}


def test_every_check_has_a_broken_adapter() -> None:
    assert set(broken.BROKEN) == set(CHECKS)


def test_secret_use_of_unlabelled_data_is_caught(tmp_path: Path) -> None:
    assert failed_checks(tmp_path, broken.UNUSED_BUT_LEARNT_FROM) == {"unlabelled_as_claimed"}


@pytest.mark.parametrize("text", [broken.LEARNING, broken.ASKING, broken.TRAINING])
def test_what_the_broken_adapters_are_made_of_is_sound(text: str, tmp_path: Path) -> None:
    assert failed_checks(tmp_path, text) == set()


def test_twenty_three_checks_run_for_a_method_that_learns_and_twenty_for_one_that_does_not() -> None:
    for method, ran in (("rtf_1nn", 23), ("srp_phat", 20)):
        done = CliRunner().invoke(main, ["check", method, "--json"])
        found = json.loads(done.output)
        assert done.exit_code == 0
        assert (found["passed"], found["failed"], found["skipped"]) == (ran, 0, len(CHECKS) - ran)
        assert all(check["reason"] for check in found["checks"] if check["state"] == "skipped")


def test_the_command_names_what_failed_and_how_many_ran(tmp_path: Path) -> None:
    path = tmp_path / "left_right.py"
    path.write_text(broken.HEADER + broken.BROKEN["plane_wave"])
    done = CliRunner().invoke(main, ["check", "left_right", "--plugin", str(path)])
    assert done.exit_code == 1
    assert "failed   plane_wave" in done.output
    assert "the answers are mirrored; positive is toward microphone 2" in done.output
    assert "left_right: 18 checks ran, 17 passed, 1 failed; 7 skipped" in done.output


@pytest.mark.parametrize(
    ("answer", "state", "says"),
    [
        ("-right", "failed", "the answers are mirrored; positive is toward microphone 2"),
        ("np.radians(right)", "failed", "they seem to be radians; give degrees"),
        ("-np.radians(right)", "failed", "they seem to be radians, and mirrored; give degrees"),
        ("(right + 75) / 15", "failed", "they seem to be classes; give setup.candidates_deg[class]"),
        ("right * 0 + 15", "failed", "no better than a guess"),
        ("45 * np.sign(right)", "passed", "weak, which is no fault: "),
        ("right", "passed", ""),
    ],
)
def test_plane_waves_tell_weak_from_wrong(answer: str, state: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "answers.py"
    answered = f"right = super().predict(sequences).doa_deg\n        return Prediction({answer})"
    path.write_text(f"{broken.HEADER}{broken.ASKING}\n    def predict(self, sequences):\n        {answered}\n")
    found = trial(path).result("plane_wave")
    assert found.state == state
    assert says in found.reason


def test_a_method_that_does_not_take_part_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "refuses.py"
    path.write_text(plugins.REFUSES.replace("class Mine(Method):", "class Mine(Method):\n    'Refuses.'"))
    results = {result.check: result for result in trial(path).all()}
    assert results["plane_wave"].reason == "the method does not take part: needs four microphones"
    assert {name for name, result in results.items() if result.state == "passed"} == {"metadata", "skips_with_a_reason"}
