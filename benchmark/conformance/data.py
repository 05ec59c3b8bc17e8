"""What an adapter is tried on: plane waves of a few synthetic talkers, the same from the left as from the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..acoustics import ArraySetup, tdoa_s
from ..data.open import open_speech
from ..data.segments import draw_segments
from ..data.splits import fit_data, scored_set
from ..data.streams import Stream, concatenate
from ..dataset import SAMPLE_RATE_HZ, Position, Recording, SpeechDraw, SpeechRole
from ..method import FitData
from ..seeds import generator
from ..sequences import FRAMES_PER_SEQUENCE, FrameStore, LabelledSequences, Sequences

SETUP = ArraySetup(spacing_m=0.085, candidates_deg=tuple(float(angle) for angle in range(-75, 76, 15)))
LABELS = 6 * len(SETUP.candidates_deg)
SPEAKERS = 3
SNR_DB = 15.0
SCORED = 400


@dataclass(frozen=True)
class Bench:
    """Training and validation streams. Every call makes new copies, so that whoever writes into them spoils them for nobody."""

    train: Stream
    validation: Stream

    def fit_data(self, other: bool = False) -> FitData:
        """What `fit` is given; the ``other`` one has the roles of the talkers exchanged and half as many labels."""
        streams, labels = (self.train, self.validation), LABELS
        if other:
            streams, labels = (self.validation, self.train), LABELS // 2
        return copied(fit_data(*streams, labels, SETUP, "conformance")[0])

    def scored(self) -> tuple[Sequences, NDArray[np.float64]]:
        """Sequences of talkers that nobody trains on, and their true directions ``[N]``."""
        chosen = scored_set(self.validation, np.empty(0, np.int64), True, "conformance")
        starts = chosen.starts[:SCORED]
        return Sequences(_copy(self.validation.store), starts), self.validation.doa_deg(starts)


@cache
def bench() -> Bench:
    name, corpus = open_speech("talkers")
    draw = draw_segments(corpus, name, 0, SPEAKERS)
    return Bench(concatenate(_recordings(draw, "train")), concatenate(_recordings(draw, "validation")))


def _recordings(draw: SpeechDraw, role: SpeechRole) -> Iterator[Recording]:
    for segment in draw.segments[role]:
        for doa_deg in SETUP.candidates_deg:
            waveform = plane_wave(segment.samples, doa_deg)
            noise = generator("conformance-noise", role, segment.clip, doa_deg).standard_normal(waveform.shape)
            noisy = waveform + noise * np.sqrt(np.mean(waveform**2) * 10 ** (-SNR_DB / 10))
            yield Recording(Position(doa_deg, 1.5), segment.clip, segment.speaker, noisy.astype(np.float32))


def plane_wave(samples: NDArray[np.float32], doa_deg: float) -> NDArray[np.float64]:
    """``samples [S]`` as both microphones hear them in the free field, ``[S, 2]``: each half of the delay, by phase."""
    padded = len(samples) + 256
    earlier_s = float(tdoa_s(doa_deg, SETUP.spacing_m)) / 2 * np.array([-1.0, 1.0])
    shift = np.exp(2j * np.pi * np.fft.rfftfreq(padded, 1 / SAMPLE_RATE_HZ)[:, None] * earlier_s)
    return np.fft.irfft(np.fft.rfft(samples, padded)[:, None] * shift, padded, axis=0)[: len(samples)]


def copied(data: FitData) -> FitData:
    labelled, selection = _labelled_copy(data.labelled), _labelled_copy(data.selection)
    return FitData(labelled, copied_view(data.unlabelled), selection)


def copied_view(view: Sequences) -> Sequences:
    return Sequences(_copy(view._store), view._starts.copy())


def swapped(view: Sequences) -> Sequences:
    """The same sequences with the microphones exchanged."""
    return Sequences(FrameStore(view._store.frames[:, ::-1].copy()), view._starts.copy())


def silence(count: int) -> Sequences:
    """Digital zero in both microphones."""
    return Sequences(FrameStore(np.zeros((count + FRAMES_PER_SEQUENCE, 2, 129), np.complex64)), np.arange(count))


def contents(*views: Sequences) -> list[NDArray[np.generic]]:
    """Copies of all that a method could write into."""
    found: list[NDArray[np.generic]] = []
    for view in views:
        found += [view._store.frames.copy(), view._store.phase.copy(), view._starts.copy()]
        if isinstance(view, LabelledSequences):
            found += [view.doa_deg.copy(), view.doa_class.copy()]
    return found


def _copy(store: FrameStore) -> FrameStore:
    return FrameStore(store.frames.copy())


def _labelled_copy(view: LabelledSequences) -> LabelledSequences:
    return LabelledSequences(_copy(view._store), view._starts.copy(), view.doa_deg.copy(), view.doa_class.copy())
