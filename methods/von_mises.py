"""von Mises: naive Bayes on the energy-weighted mean phasor, one direction and one concentration for each class and bin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive, softmax

from ..benchmark.method import FitData, FitFailed, Method, MethodInfo, Prediction
from ..benchmark.sequences import Sequences
from ..benchmark.weights import load_arrays, save_arrays
from ._calibration import log_probabilities, sharpness_of
from ._spectra import N_BINS, energy_weighted_phasor

LARGEST_CONCENTRATION, PSEUDO_COUNTS = 50.0, 5.0
STRENGTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
UNLABELLED, ROUNDS, POSTERIOR_POWER, LEAST_STRENGTH, LABEL_WEIGHT = 20_000, 3, 0.3, 1.0, 30.0
"""Of ``unlabelled=em``, chosen in development rooms (docs/development.md)."""


@dataclass
class VonMises(Method):
    """``log p(Z | y) = sum_k kappa_yk |Z_k| cos(arg Z_k - mu_yk) - log I0(kappa_yk)``, up to a constant, where Z is the mean
    phasor of a sequence (`_spectra.energy_weighted_phasor`): a bin whose frames disagree says little. ``mu`` is the direction
    of the labelled mean of Z, ``kappa`` the closed form of Banerjee et al., JMLR 6, 2005, of its length.

    The answer is that plus ``steered`` times the steered power of Z (`srp_phat[weight=energy]`), which knows free space and no
    room. With ``steered=search`` the selection sequences decide how many times; 0 leaves naive Bayes alone. With
    ``prior=free-space`` each class begins with five pseudo-counts at its free-space phase, in each bin as far as labelled
    sequences follow it. Scores get the factor that makes the selection sequences likeliest.

    ``unlabelled=em``: refitted three times to labelled sequences, which count 30 times, and unlabelled ones, which count for
    each class by a power of its posterior. Steered power has its say in every round: without it, classes drift away from their
    directions.
    """

    info = MethodInfo(
        "von Mises naive Bayes",
        "K. V. Mardia and P. E. Jupp, Directional Statistics, Wiley, 2000",
        also=("steered=0", "prior=free-space", "unlabelled=em"),
    )
    prior: Literal["none", "free-space"] = "none"
    steered: float | Literal["search"] = "search"
    unlabelled: Literal["none", "em"] = "none"

    @property
    def uses_unlabelled(self) -> bool:
        return self.unlabelled == "em"

    def fit(self, data: FitData) -> None:
        setup, y = self.context.setup, data.labelled.doa_class
        z, selected = energy_weighted_phasor(data.labelled), energy_weighted_phasor(data.selection)
        membership = np.eye(len(setup.candidates_deg), dtype=np.float32)[y]
        steering = np.exp(1j * setup.steering_phase(N_BINS)).astype(np.complex64)
        pseudo = self._pseudo_counts(z, steering[y])
        strengths = STRENGTHS if self.steered == "search" else (self.steered,)
        supervised = _concentrations(z, membership, pseudo, steering)
        losses = [sharpness_of(_Scorer.of(supervised, s, steering)(selected), data.selection.doa_class)[1] for s in strengths]
        strength = strengths[int(np.argmin(losses))]
        self._scorer = _Scorer.of(supervised, strength, steering)
        if self.unlabelled == "em":
            if not len(data.unlabelled):
                raise FitFailed("there are no unlabelled sequences, and unlabelled=em learns from them; leave it out")
            more = energy_weighted_phasor(data.unlabelled.subset(slice(UNLABELLED)))
            if self.steered == "search":
                strength = max(strength, LEAST_STRENGTH)
            for _ in range(ROUNDS):
                guessed = self.posterior(more, POSTERIOR_POWER)
                both = np.concatenate([z, more]), np.concatenate([LABEL_WEIGHT * membership, guessed])
                self._scorer = _Scorer.of(_concentrations(*both, pseudo, steering), strength, steering)
        self._sharpness, _ = sharpness_of(self._scorer(selected), data.selection.doa_class)

    def predict(self, sequences: Sequences) -> Prediction:
        scores = energy_weighted_phasor(sequences, self._scorer)
        return Prediction.best_candidate(log_probabilities(scores, self._sharpness), self.context.setup, log_probabilities=True)

    def posterior(self, z: NDArray[np.complex64], power: float) -> NDArray[np.float32]:
        """Of every class, of phasors ``z [N, K]``, to a ``power`` and made to sum to one again: ``[N, T]``."""
        return softmax(power * self._scorer(z), axis=1)

    def save(self, folder: Path) -> None:
        template = self._scorer.template
        arrays = {"real": template.real, "imag": template.imag, "normaliser": self._scorer.normaliser}
        save_arrays(folder, {**arrays, "sharpness": np.array(self._sharpness)})

    def load(self, folder: Path) -> None:
        arrays = load_arrays(folder)
        self._scorer = _Scorer((arrays["real"] + 1j * arrays["imag"]).astype(np.complex64), arrays["normaliser"])
        self._sharpness = float(arrays["sharpness"])

    def _pseudo_counts(self, z: NDArray[np.complex64], own_steering: NDArray[np.complex64]) -> NDArray[np.float32]:
        """How much each bin counts at the free-space phase of every class, ``[K]``, of labelled ``z [J, K]``."""
        followed = np.clip((z * own_steering.conj()).real.mean(0), 0, 1)
        return PSEUDO_COUNTS * followed if self.prior == "free-space" else np.zeros_like(followed)


def _concentrations(
    z: NDArray[np.complex64], membership: NDArray[np.float32], pseudo: NDArray[np.float32], steering: NDArray[np.complex64]
) -> NDArray[np.complex64]:
    """``kappa e^{j mu}`` of every class and bin, ``[T, K]``, of phasors ``z [N, K]`` that count ``membership [N, T]`` times."""
    total = membership.T.astype(np.complex64) @ z + pseudo * steering
    mean = total / np.maximum(membership.sum(0)[:, None] + pseudo, np.finfo(np.float32).tiny)
    length = np.minimum(np.abs(mean), 1 - 1e-6)
    kappa = np.minimum(length * (2 - length**2) / (1 - length**2), LARGEST_CONCENTRATION)
    return (kappa * np.exp(1j * np.angle(mean))).astype(np.complex64)


@dataclass(frozen=True)
class _Scorer:
    """Scores linear in the phasors: ``Re sum_k z_k conj(template_yk) - normaliser_y``."""

    template: NDArray[np.complex64]
    normaliser: NDArray[np.float32]

    @classmethod
    def of(cls, concentration: NDArray[np.complex64], strength: float, steering: NDArray[np.complex64]) -> _Scorer:
        kappa = np.abs(concentration).astype(np.float64)
        log_i0 = np.log(ive(0, kappa)) + kappa
        return cls((concentration + strength * steering).astype(np.complex64), log_i0.sum(1).astype(np.float32))

    def __call__(self, z: NDArray[np.complex64]) -> NDArray[np.float32]:
        return (z @ self.template.conj().T).real - self.normaliser
