"""The closed forms against pyroomacoustics, decision by decision, on real speech in a reverberant room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyroomacoustics as pra
import pytest
from doabench.benchmark.data.scene import Scene, Scenes, SceneSpec
from doabench.benchmark.method import Context, Method
from doabench.benchmark.protocol import Subset
from doabench.benchmark.seeds import generator
from doabench.benchmark.sequences import Sequences
from doabench.methods.music import Music
from doabench.methods.norm_music import NormMusic
from doabench.methods.srp_phat import SrpPhat
from numpy.typing import NDArray

SEQUENCES = 5000
BINS = np.arange(128)


@pytest.fixture(scope="module")
def scene(real_speech: Path) -> Scene:
    return Scenes().get(SceneSpec("dtu-twin", str(real_speech), 0, 20))


@pytest.fixture(scope="module")
def sequences(scene: Scene) -> Sequences:
    stream = scene.stream(Subset(speech="validation"))
    return Sequences(stream.store, generator("oracle").choice(stream.whole(), SEQUENCES, replace=False))


def decisions(name: str, scene: Scene, sequences: Sequences, **options: bool) -> NDArray[np.float64]:
    """What pyroomacoustics answers, from a fresh object per call, on the half-plane grid, by argmax."""
    setup = scene.setup
    half = setup.spacing_m / 2
    microphones = np.array([[-half, half], [0.0, 0.0]])
    azimuth = np.radians(90 - np.array(setup.candidates_deg))
    found = []
    for index in range(len(sequences)):
        frames = sequences.stft(slice(index, index + 1))[0].astype(complex)
        doa = pra.doa.algorithms[name](
            microphones, setup.sample_rate_hz, setup.n_fft, c=343.0, num_src=1, azimuth=azimuth, **options
        )
        doa.locate_sources(frames.transpose(1, 2, 0), freq_bins=BINS)
        found.append(90 - np.degrees(doa.grid.azimuth[doa.grid.values.argmax()]))
    return np.asarray(np.round(found, 6), np.float64)


@pytest.mark.parametrize(
    ("method", "name", "options"),
    [
        (SrpPhat(), "SRP", {}),
        (Music(), "MUSIC", {"frequency_normalization": False}),
        (NormMusic(), "NormMUSIC", {}),
    ],
    ids=["srp_phat", "music", "norm_music"],
)
def test_decisions_agree(method: Method, name: str, options: dict[str, bool], scene: Scene, sequences: Sequences) -> None:
    method.context = Context(scene.setup)
    ours = method.predict(sequences).doa_deg
    same = float((ours == decisions(name, scene, sequences, **options)).mean())
    print(f"{name}: {same:.4%} of {SEQUENCES} decisions the same")
    assert same >= 0.999


def test_as_released_srp_scores_the_magnitude(scene: Scene, sequences: Sequences) -> None:
    method = SrpPhat(variant="as-released")
    method.context = Context(scene.setup)
    index = np.arange(50)
    stft = sequences.stft(index)[..., :128].astype(complex)
    cross = stft[:, :, 1] * stft[:, :, 0].conj()
    steering = np.exp(-1j * scene.setup.steering_phase(128))
    power = np.einsum("bfk,tk->bt", cross / np.abs(cross), steering)
    expected = np.array(scene.setup.candidates_deg)[np.abs(power).argmax(-1)]
    np.testing.assert_array_equal(method.predict(sequences).doa_deg[index], expected)
