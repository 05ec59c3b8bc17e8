"""One sign convention: a plane wave from +30 degrees is found at +30 by every method (`benchmark/acoustics.py`)."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from doabench.benchmark.acoustics import ArraySetup, free_space_phase, tdoa_s
from doabench.benchmark.data.splits import fit_data, scored_set
from doabench.benchmark.method import Context, Method
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.plugins.spec import make_method
from support.streams import StreamOf
from support.training import train_cnn_for_a_quarter

LABELS, UNLABELLED = 19 * 13, 4000
TRAINED = [name for name in METHODS.names() if METHODS.get(name).found.info.uses_labels]
UNTRAINED = [name for name in METHODS.names() if name not in TRAINED]


def mean_error_deg(method: Method, stream_of: StreamOf, doa_deg: float) -> float:
    """Mean absolute error on anechoic speech of talkers that nothing was trained on."""
    chosen = scored_set(stream_of("validation", "grid"), np.empty(0, np.int64), False, 0)
    at = chosen.stream.doa_deg(chosen.starts) == doa_deg
    return float(np.abs(method.predict(chosen.sequences).doa_deg[at] - doa_deg).mean())


@pytest.mark.parametrize("doa_deg", [-30.0, 0.0, 30.0])
@pytest.mark.parametrize("name", UNTRAINED)
def test_plane_wave_without_training(name: str, doa_deg: float, anechoic_stream: StreamOf, anechoic_setup: ArraySetup) -> None:
    _, method = make_method(name)
    method.context = Context(anechoic_setup)
    assert mean_error_deg(method, anechoic_stream, doa_deg) < 5


@pytest.mark.parametrize("name", TRAINED)
def test_plane_wave_after_training_on_anechoic_speech(
    name: str, anechoic_stream: StreamOf, anechoic_setup: ArraySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_cnn_for_a_quarter(monkeypatch)
    parameters = {field.name for field in fields(METHODS.get(name).found)}
    shorter = [f"{parameter}={value}" for parameter, value in {"steps": 80, "passes": 1}.items() if parameter in parameters]
    _, method = make_method(f"{name}[{','.join(shorter)}]")  # enough without reverberation
    method.context = Context(anechoic_setup)
    data, _ = fit_data(anechoic_stream("train", "grid"), anechoic_stream("validation", "grid"), LABELS, anechoic_setup, 0)
    method.fit(replace(data, unlabelled=data.unlabelled.subset(slice(UNLABELLED))))
    for doa_deg in (-30.0, 30.0):
        assert mean_error_deg(method, anechoic_stream, doa_deg) < 5


def test_positive_angles_reach_microphone_2_first() -> None:
    assert tdoa_s(30, 0.085) == pytest.approx(0.085 * 0.5 / 343)
    assert tdoa_s(-90, 0.08) == pytest.approx(-0.08 / 343)


def test_free_space_phase_is_equation_22() -> None:
    phase = free_space_phase([-90, 0, 30], [0, 1000, 4000], 0.085)
    np.testing.assert_allclose(phase[2], 2 * np.pi * np.array([0, 1000, 4000]) * 0.085 * 0.5 / 343)
    np.testing.assert_allclose(phase[0, 1], -2 * np.pi * 1000 * 0.085 / 343)
    assert not phase[1].any()


def test_first_wrap_lies_where_the_paper_says() -> None:
    spacing_m, doa_deg = 0.085, 50.0
    wrap_hz = 343 / (2 * spacing_m * np.sin(np.radians(doa_deg)))
    assert free_space_phase(doa_deg, [wrap_hz], spacing_m).item() == pytest.approx(np.pi)


def test_nearest_class(anechoic_setup: ArraySetup) -> None:
    np.testing.assert_array_equal(anechoic_setup.class_of([-90, 25.1, 28, 45.1, 90]), [0, 12, 12, 14, 18])
