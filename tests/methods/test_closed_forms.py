"""Closed forms against theory and against implementations that others wrote."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from doabench.benchmark.acoustics import ArraySetup
from doabench.benchmark.data.splits import fit_data
from doabench.benchmark.data.streams import concatenate
from doabench.benchmark.dataset import Position, Recording, SpeechDraw
from doabench.benchmark.method import Context, FitData
from doabench.benchmark.sequences import Sequences
from doabench.methods import kernel_ridge, label_spreading, manifold_regularisation, von_mises
from doabench.methods._calibration import log_probabilities, sharpness_of
from doabench.methods._kernel import gaussian_kernel, phasor_features
from doabench.methods._spectra import energy_weighted_phasor
from doabench.methods.gcc_phat import GccPhat
from doabench.methods.srp_phat import SrpPhat
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.signal import fftconvolve
from scipy.special import log_softmax
from sklearn.kernel_ridge import KernelRidge as OtherRidge
from sklearn.semi_supervised import LabelSpreading as OtherSpreading
from support.rooms import plane_wave
from support.streams import StreamOf

INDEX = np.arange(40)


@pytest.fixture(scope="module")
def data(anechoic_stream: StreamOf, anechoic_setup: ArraySetup) -> FitData:
    return fit_data(anechoic_stream("train", "grid"), anechoic_stream("validation", "grid"), 19 * 4, anechoic_setup, 0)[0]


@pytest.fixture(scope="module")
def spectra(data: FitData) -> NDArray[np.complex128]:
    """``d2 conj(d1)`` of some sequences, ``[B, 31, 128]``."""
    stft = data.unlabelled.stft(INDEX)[..., :128].astype(complex)
    return stft[:, :, 1] * stft[:, :, 0].conj()


def noise(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.complex64]:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def other_ridge(ridge: float, width: float) -> OtherRidge:
    return OtherRidge(alpha=ridge, kernel="rbf", gamma=1 / width)  # pyright: ignore[reportArgumentType]


def test_weighted_srp_is_its_formula(data: FitData, spectra: NDArray[np.complex128], anechoic_setup: ArraySetup) -> None:
    steering = np.exp(-1j * anechoic_setup.steering_phase(128))
    stft = data.unlabelled.stft(INDEX)[..., :128].astype(complex)
    power = (np.abs(stft) ** 2).sum(1)
    of_frames = np.einsum("bfk,tk->bft", spectra / np.abs(spectra), steering).real
    height = np.abs(of_frames)
    weight = height.max(2) / height.mean(2)
    expected = {
        "energy": np.einsum("bk,tk->bt", spectra.sum(1) / np.abs(spectra).sum(1), steering).real,
        "coherence": np.einsum("bk,tk->bt", spectra.sum(1) / np.sqrt(power[:, 0] * power[:, 1]), steering).real,
        "peak": (of_frames * weight[:, :, None]).mean(1),
    }
    for name, scores in expected.items():
        method = SrpPhat(weight=name)  # pyright: ignore[reportArgumentType]
        method.context = Context(anechoic_setup)
        np.testing.assert_allclose(method.predict(data.unlabelled).scores[INDEX], scores, atol=2e-3)  # pyright: ignore


@pytest.mark.parametrize("weight", ["none", "energy"])
def test_gcc_finds_the_top_of_the_correlation(
    weight: str, data: FitData, spectra: NDArray[np.complex128], anechoic_setup: ArraySetup
) -> None:
    method = GccPhat(weight=weight)  # pyright: ignore[reportArgumentType]
    method.context = Context(anechoic_setup)
    found = method.predict(data.unlabelled).doa_deg[INDEX]
    mean = (spectra / np.abs(spectra)).mean(1) if weight == "none" else spectra.sum(1) / np.abs(spectra).sum(1)
    longest_s = anechoic_setup.spacing_m / 343
    for angle, own in zip(found, mean, strict=True):

        def correlation(sine: float, own: NDArray[np.complex128] = own) -> float:
            delayed = np.exp(-2j * np.pi * anechoic_setup.frequency_hz[:128] * sine * longest_s)
            return float((own * delayed).real.sum())

        coarse = np.linspace(-1, 1, 400)
        start = coarse[np.argmax([correlation(sine) for sine in coarse])]
        ends = np.clip([start - 0.01, start + 0.01], -1, 1)
        best = minimize_scalar(lambda sine: -correlation(sine), bounds=tuple(ends), method="bounded")
        assert np.sin(np.radians(angle)) == pytest.approx(best.x, abs=2e-3)


def test_gcc_finds_directions_between_candidates(talkers_draw: SpeechDraw, anechoic_setup: ArraySetup) -> None:
    samples = talkers_draw.segments["train"][0].samples
    method = GccPhat()
    method.context = Context(anechoic_setup)
    for doa_deg in (-63.0, -4.5, 17.0, 38.5):
        waveform = np.stack([fftconvolve(samples, h) for h in plane_wave(doa_deg, 0.085)], 1).astype(np.float32)
        stream = concatenate([Recording(Position(doa_deg, 1.5), 0, "one", waveform[500:-500])])
        found = method.predict(Sequences(stream.store, stream.whole())).doa_deg
        assert np.median(found) == pytest.approx(doa_deg, abs=0.5)


def test_silence_is_no_direction_and_no_error(anechoic_setup: ArraySetup) -> None:
    silent = concatenate([Recording(Position(0.0, 1.0), 0, "nobody", np.zeros((9000, 2), np.float32))])
    sequences = Sequences(silent.store, silent.whole())
    assert not energy_weighted_phasor(sequences).any()
    for method in (SrpPhat(weight="energy"), SrpPhat(weight="coherence"), SrpPhat(weight="peak"), GccPhat()):
        method.context = Context(anechoic_setup)
        assert np.isfinite(method.predict(sequences).doa_deg).all()


def test_the_naive_bayes_score_is_the_density_of_scipy() -> None:
    z = np.exp(1j * np.random.default_rng(0).uniform(-np.pi, np.pi, (5, 128))).astype(np.complex64)
    concentration = 3 * noise((4, 128))
    scores = von_mises._Scorer.of(concentration, 0.0, np.zeros_like(concentration))(z)
    densities = [[stats.vonmises.logpdf(np.angle(one), np.abs(own), np.angle(own)).sum() for own in concentration] for one in z]
    expected = np.array(densities) + 128 * np.log(2 * np.pi)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=0.05)


def test_concentrations_are_close_to_the_likeliest() -> None:
    """The closed form is an approximation of the maximum-likelihood estimate that scipy looks for."""
    angles = stats.vonmises.rvs([0.8, 2.0, 8.0], [0.3, -1.0, 3.0], size=(4000, 3), random_state=0)
    z, ones = np.exp(1j * angles).astype(np.complex64), np.ones((4000, 1), np.float32)
    found = von_mises._concentrations(z, ones, np.zeros(3, np.float32), np.ones((1, 3), np.complex64))[0]
    for own, column in zip(found, angles.T, strict=True):
        kappa, location, _ = stats.vonmises.fit(column, fscale=1)
        assert np.abs(own) == pytest.approx(kappa, rel=0.07)
        assert np.angle(own * np.exp(-1j * location)) == pytest.approx(0, abs=1e-3)


def test_pseudo_counts_pull_toward_free_space_and_lose_against_labels() -> None:
    steering, z = np.ones((1, 1), np.complex64), np.full((1, 1), 1j, np.complex64)
    pulled = [
        abs(np.angle(von_mises._concentrations(z.repeat(n, 0), np.ones((n, 1), np.float32), np.ones(1, np.float32), steering)))
        for n in (1, 10, 100)
    ]
    assert all(one.item() < other.item() for one, other in pairwise(pulled))
    assert pulled[-1].item() == pytest.approx(np.pi / 2, abs=0.02)


def test_kernel_ridge_is_that_of_scikit_learn(data: FitData, anechoic_setup: ArraySetup) -> None:
    method = kernel_ridge.KernelRidge()
    method.context = Context(anechoic_setup)
    method.fit(data)
    train, test = (phasor_features(energy_weighted_phasor(part)) for part in (data.labelled, data.selection))
    other = other_ridge(kernel_ridge.RIDGE, kernel_ridge.WIDTH)
    other.fit(train.astype(np.float64), np.eye(19)[data.labelled.doa_class])
    np.testing.assert_allclose(method._scores(energy_weighted_phasor(data.selection)), other.predict(test), atol=2e-3)


def test_without_smoothness_only_labels_count(data: FitData) -> None:
    points = phasor_features(energy_weighted_phasor(data.unlabelled.subset(slice(50))))
    targets = np.eye(20)
    found = manifold_regularisation.regularised(points, targets, 0.0)
    other = other_ridge(manifold_regularisation.RIDGE, manifold_regularisation.WIDTH)
    other.fit(points[:20].astype(np.float64), targets)
    np.testing.assert_allclose(found[:20], other.dual_coef_, atol=1e-5)
    np.testing.assert_allclose(found[20:], 0, atol=1e-12)


def test_the_regularised_solution_is_where_the_objective_is_least(data: FitData) -> None:
    points = phasor_features(energy_weighted_phasor(data.unlabelled.subset(slice(30))))
    targets, smoothness = np.eye(10), 2.0
    kernel = gaussian_kernel(points, points, manifold_regularisation.WIDTH).astype(np.float64)
    graph = gaussian_kernel(points, points, manifold_regularisation.NEIGHBOUR_WIDTH).astype(np.float64)
    graph /= graph.sum(1).mean()

    def objective(coefficients: NDArray[np.float64]) -> float:
        f = kernel @ coefficients
        apart = 0.5 * (graph * ((f[:, None] - f[None]) ** 2).sum(-1)).sum()  # = tr(f' L f)
        fit = ((f[:10] - targets) ** 2).sum() + manifold_regularisation.RIDGE * (coefficients * (kernel @ coefficients)).sum()
        return float(fit + smoothness * 10 / 30 * apart)

    found = manifold_regularisation.regularised(points, targets, smoothness)
    least, rng = objective(found), np.random.default_rng(0)
    for size in (1e-3, 1e-2, 0.1):
        assert all(objective(found + size * rng.standard_normal(found.shape)) > least for _ in range(20))


def test_sequences_beside_the_graph_get_what_scikit_learn_gives_them(data: FitData, anechoic_setup: ArraySetup) -> None:
    method = label_spreading.LabelSpreading()
    method.context = Context(anechoic_setup)
    method.fit(data)
    more = data.unlabelled.subset(slice(label_spreading.UNLABELLED))
    points, selected = (
        phasor_features(np.concatenate([energy_weighted_phasor(part) for part in parts]))
        for parts in ((data.labelled, more), (data.selection,))
    )
    labels = np.concatenate([data.labelled.doa_class, np.full(len(more), -1)])
    gamma = 1 / label_spreading.WIDTH
    other = OtherSpreading(kernel="rbf", gamma=gamma, alpha=label_spreading.CLAMPING, max_iter=100)  # pyright: ignore
    expected = other.fit(points, labels).predict_proba(selected)
    found = np.exp(method._scores(energy_weighted_phasor(data.selection)))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_calibrated_scores_are_as_sure_as_they_are_right() -> None:
    """Labels drawn from the softmax of scores: what finds the factor undoes any other."""
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((4000, 5)) * 2
    cumulative = np.exp(log_softmax(scores, 1)).cumsum(1)
    doa_class = (cumulative < rng.random((4000, 1))).sum(1)
    for factor in (0.05, 1.0, 30.0):
        sharpness, loss = sharpness_of((factor * scores).astype(np.float32), doa_class)
        assert sharpness * factor == pytest.approx(1, rel=0.08)
        assert loss == pytest.approx(-log_softmax(scores, 1)[np.arange(4000), doa_class].mean(), rel=1e-2)
        assert np.exp(log_probabilities(scores, sharpness)).sum(1) == pytest.approx(1, abs=1e-5)
