"""Numbers for generated phase: exact where theory gives them, and the whole protocol from a method to the page."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.acoustics import ArraySetup, free_space_phase, tdoa_s
from doabench.benchmark.cli.main import main
from doabench.benchmark.results import generation
from doabench.benchmark.results.store import Store
from hypothesis import given, settings
from hypothesis import strategies as st

SETUP = ArraySetup(0.085, tuple(np.arange(-90.0, 91.0, 10.0)))
STEP_US = 1e6 / (16 * 16_000)


def free(doa_deg: float, frames: int = 3) -> np.ndarray:
    """Wrapped free-space phase of one sequence ``[frames, 127]``."""
    phase = free_space_phase(doa_deg, SETUP.frequency_hz[:127], SETUP.spacing_m)
    return np.angle(np.exp(1j * np.repeat(phase, frames, 0)))


@given(st.floats(-90, 90))
@settings(deadline=None)
def test_delay_of_free_space_is_within_a_step_of_the_grid(doa_deg: float) -> None:
    found = generation.delay_us(free(doa_deg), SETUP)
    assert abs(found - 1e6 * tdoa_s(doa_deg, SETUP.spacing_m)) <= STEP_US / 2 + 1e-6


def test_delay_is_positive_where_microphone_2_hears_first() -> None:
    assert generation.delay_us(free(60), SETUP) > 200 * 0.85
    assert generation.delay_us(free(-60), SETUP) < -200 * 0.85


def test_correlation_is_one_in_free_space_and_nothing_for_noise() -> None:
    phases, doa_deg = np.stack([free(30), free(-70)]), np.array([30.0, -70.0])
    assert generation.circular_correlation(phases, doa_deg, SETUP) == pytest.approx(1)
    noise = np.random.default_rng(0).uniform(-np.pi, np.pi, (50, 31, 127))
    assert abs(generation.circular_correlation(noise, np.full(50, 30.0), SETUP)) < 0.01


def test_pull_is_what_delays_fall_short_of_free_space() -> None:
    doa_deg = np.array([-50.0, 0.0, 50.0])
    true = 1e6 * tdoa_s(doa_deg, SETUP.spacing_m)
    shrunk = generation.DelayByDoa(doa_deg, 0.9 * true, np.abs(0.1 * true))
    assert generation.pull_us(shrunk, SETUP) == pytest.approx(0.1 * true[2])


def test_histogram_distance_is_the_shift_between_two_sets() -> None:
    phase = np.random.default_rng(0).uniform(-1, 1, (4, 31, 127))
    assert generation.histogram_distance_rad(phase, phase) == 0
    assert generation.histogram_distance_rad(phase, phase + 0.25) == pytest.approx(0.25)


ECHO = '''
from dataclasses import dataclass
import numpy as np
from doabench.benchmark.acoustics import free_space_phase
from doabench.benchmark.method import GeneratedPhase, Generative, MethodInfo, Prediction

@dataclass
class Echo(Generative):
    """Reconstructs what it is given, samples free space."""

    info = MethodInfo("Echo", "nobody, 2026", uses_labels=False)
    broken: bool = False

    def predict(self, sequences):
        return Prediction(np.zeros(len(sequences)))

    def reconstruct(self, sequences, doa_deg):
        phase = sequences.phase(slice(None))
        return GeneratedPhase(phase[:, :, :5] if self.broken else phase, phase)

    def sample(self, doa_deg, count):
        setup = self.context.setup
        free = np.angle(np.exp(1j * free_space_phase(doa_deg, setup.frequency_hz[:127], setup.spacing_m)))
        phase = np.broadcast_to(free, (count, 31, 127)).astype(np.float32)
        return GeneratedPhase(phase, phase)
'''


def run(out: Path, plugin: Path, *methods: str) -> int:
    from click.testing import CliRunner

    chosen = [text for method in methods for text in ("--method", method)]
    arguments = ["run", "--scale", "smoke", "--threads", "1", "--protocol", "generation", "--plugin", str(plugin), *chosen]
    arguments += ["--jobs", "1", "--out", str(out)]
    return CliRunner().invoke(main, arguments).exit_code


def test_from_a_method_to_the_page(tmp_path: Path) -> None:
    """An echo: reconstructions are the input to the last number, samples are free space. Others do not take part."""
    plugin = tmp_path / "echo.py"
    plugin.write_text(ECHO)
    out = tmp_path / "out"
    assert run(out, plugin, "echo", "echo[broken=true]", "srp_phat") == 1
    records = {record.fit.variant: record for record in Store(out).all_cells()}
    assert set(records) == {"", "broken=True"}
    found = records[""].generation
    assert found is not None
    values = found.values
    assert list(values) == [metric.name for metric in generation.METRICS]
    assert values["reconstruction_delay_error_us"] == values["input_delay_error_us"]
    assert values["reconstruction_histogram_distance_rad"] == 0
    assert values["sample_delay_error_us"] <= STEP_US
    assert values["sample_circular_correlation"] == pytest.approx(1, abs=1e-6)
    assert found.sequences == 190
    failed = records["broken=True"]
    assert failed.state == "failed"
    assert "mean_rad must be finite and of shape (190, 31, 127)" in failed.reason
    folder = out / "leaderboard"
    page = (folder / "index.html").read_text()
    assert page.count('<img src="data:image/png;base64,') == len(list(folder.glob("generated_*.png"))) == 4
    assert not re.search(r"<img[^>]+src=\"(?!data:)", page)
    assert "echo" in (folder / "leaderboard.md").read_text()
    with (folder / "generation.csv").open(newline="") as file:
        own = [line["signature"].partition("|")[0] for line in csv.DictReader(file) if line["origin"] == "own"]
    assert own == ["generation:1", ""]
    assert "echo" not in (folder / "leaderboard.csv").read_text()


def test_nobody_who_can_generate_is_said(tmp_path: Path) -> None:
    from click.testing import CliRunner

    result = CliRunner().invoke(
        main, ["run", "--scale", "smoke", "--protocol", "generation", "--method", "srp_phat", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0
    assert "no method that was asked for can generate" in " ".join(result.output.split())
