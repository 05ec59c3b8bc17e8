"""Where a talker is, moment by moment: a method that is ready to be asked, on a recording of any length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..acoustics import ArraySetup
from ..data.splits import method_seed
from ..data.streams import SEQUENCE_SAMPLES
from ..dataset import SAMPLE_RATE_HZ
from ..errors import UserError
from ..method import Context, Method
from ..plugins.spec import make_method, method_digest
from ..results.records import FitAxes, FitRecord
from ..results.store import Stored
from ..sequences import FRAMES_PER_SEQUENCE, HOP, FrameStore, Sequences, stft
from ..voice import FRAME, speech_frames
from .plan import SPACING

EVERY = 8
"""Frames from one answer to the next: 64 ms."""
VAD_MODE, LEAST_SPEECH = 2, 0.5
"""A sequence of which at least half is speech counts as such."""
EVERY_DEG = 5.0
SHORTEST_KEY = 4


@dataclass(frozen=True)
class Fitted:
    """A method that can be asked, with the array that it is for. ``axes`` say how it was trained; None where it needs none.
    ``notes`` are what a person should know of it."""

    method: Method
    setup: ArraySetup
    name: str
    axes: FitAxes | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Track:
    """N answers: seconds ``time_s`` at the middle of a sequence, ``doa_deg``, the ``probability`` that the method gives its
    answer (None where it gives none), the share of the sequence that is ``speech``, and how loud microphone 1 is,
    ``level_db [N, 129]``. ``warnings`` say what is odd about the recording, one line each."""

    time_s: NDArray[np.float64]
    doa_deg: NDArray[np.float64]
    probability: NDArray[np.float64] | None
    speech: NDArray[np.float64]
    level_db: NDArray[np.float32]
    warnings: tuple[str, ...] = ()

    @property
    def spoken(self) -> NDArray[np.bool_]:
        """Which answers are of speech; those of pauses mean nothing."""
        return self.speech >= LEAST_SPEECH

    @property
    def directions(self) -> list[tuple[float, float]]:
        """The directions that were answered while there was speech, the most frequent first, with their shares of it."""
        found = self.doa_deg[self.spoken].round(1).tolist()
        return [(angle, count / len(found)) for angle, count in Counter(found).most_common()]


def load_fit(fit: str | Path, *stores: Stored, spacing_m: float | None = None) -> Fitted:
    """A trained method: by its folder, by (the beginning of) its key in one of the ``stores``, or by the method as it was asked
    for, where one fit of it is there, or one for microphones ``spacing_m`` apart. Raises UserError, also where a fit is for
    another array."""
    folder, record = _found(fit, stores, spacing_m)
    if not _suits(record, spacing_m):
        raise UserError(
            f"{record.axes.name} is for microphones {100 * record.axes.spacing_m:.3g} cm apart, these are "
            f"{100 * (spacing_m or 0):.3g} cm apart: one direction has two delays; take a method that needs no training, or "
            "train it in such a room"
        )
    name, method = make_method(record.axes.spec)
    method.context = Context(record.axes.setup, method_seed(record.axes.seed))
    try:
        method.load(folder)
    except Exception as error:  # a plugin's own, or weights of other code
        raise UserError(f"{folder}: {name} cannot load it ({type(error).__name__}: {error}); train it again") from error
    changed = record.axes.code.method != method_digest(name)
    notes = (f"{name} was changed since this fit was trained: its answers may differ from those that were scored",) * changed
    return Fitted(method, record.axes.setup, record.axes.name, record.axes, notes)


def untrained(spec: str, spacing_m: float, candidates_deg: Sequence[float] = ()) -> Fitted:
    """A method that needs no training, for microphones ``spacing_m`` apart; candidates are every 5 degrees unless told. Raises
    UserError."""
    name, method = make_method(spec)
    if method.info.uses_labels:
        raise UserError(f"{spec} has to be trained: train it with doabench run, and name the fit (doabench fits lists them)")
    candidates = tuple(candidates_deg) or tuple(np.arange(-90, 90 + EVERY_DEG, EVERY_DEG).tolist())
    setup = ArraySetup(spacing_m, candidates)
    method.context = Context(setup)
    if (reason := method.skip()) is not None:
        raise UserError(f"{spec}: {reason}")
    return Fitted(method, setup, name)


def track(fitted: Fitted, blocks: Iterable[NDArray[np.float32]]) -> Track:
    """Ask ``fitted`` every 64 ms of a recording that comes in ``blocks [n, 2]`` at 16 kHz, of any lengths. Raises UserError
    where it is shorter than one sequence, 0.256 s."""
    parts = [_answers(fitted, piece) for piece in _pieces(blocks)]
    if not parts:
        raise UserError(f"the recording is shorter than {SEQUENCE_SAMPLES / SAMPLE_RATE_HZ:.2f} s, one sequence")
    doa_deg, probability, speech, level_db = zip(*parts, strict=True)
    time_s = np.arange(sum(map(len, doa_deg))) * EVERY * HOP / SAMPLE_RATE_HZ + SEQUENCE_SAMPLES / SAMPLE_RATE_HZ / 2
    known = [one for one in probability if one is not None]
    found = Track(
        time_s,
        np.concatenate(doa_deg),
        np.concatenate(known) if len(known) == len(parts) else None,
        np.concatenate(speech),
        np.concatenate(level_db),
    )
    return found if found.spoken.any() else replace(found, warnings=("no speech was found: the directions mean nothing",))


def _pieces(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The same samples in pieces of whole steps, each with what the next one's first sequences begin with."""
    step, kept = EVERY * HOP, np.empty((0, 2), np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        if (count := (len(kept) - SEQUENCE_SAMPLES) // step + 1) > 0:
            yield kept[: (count - 1) * step + SEQUENCE_SAMPLES]
            kept = kept[count * step :]


def _answers(
    fitted: Fitted, piece: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, NDArray[np.float64], NDArray[np.float32]]:
    """Directions, probabilities, shares of speech and levels of every step of ``piece``."""
    frames = stft(piece)
    starts = np.arange(0, len(frames) - FRAMES_PER_SEQUENCE + 1, EVERY)
    found = fitted.method.predict(Sequences(FrameStore(frames), starts))
    logs = found.scores if found.log_probabilities else None
    spoken = speech_frames(piece.mean(axis=1), VAD_MODE)
    first, last = starts * HOP // FRAME, (starts * HOP + SEQUENCE_SAMPLES) // FRAME
    before = np.concatenate([[0], np.cumsum(spoken)])
    share = (before[last] - before[first]) / (last - first)
    power = np.abs(frames[:, 0]) ** 2
    level_db = 10 * np.log10(np.array([power[start : start + EVERY].mean(0) for start in starts]) + 1e-12)
    probability = None if logs is None else np.exp(logs.max(axis=1)).astype(np.float64)
    return np.asarray(found.doa_deg, np.float64), probability, share, level_db.astype(np.float32)


def _suits(record: FitRecord, spacing_m: float | None) -> bool:
    return spacing_m is None or abs(spacing_m / record.axes.spacing_m - 1) <= SPACING


def _found(fit: str | Path, stores: Sequence[Stored], spacing_m: float | None) -> tuple[Path, FitRecord]:
    folder = Path(fit)
    if folder.is_dir() and (record := Stored(folder.resolve().parent.parent).fit(folder.resolve().name)):
        return folder, record
    text = str(fit)
    for store in stores:
        there = [
            (store.fits / key, found) for key in store.fit_keys() if (found := store.fit(key)) is not None and found.digests
        ]
        by_key = len(text) >= SHORTEST_KEY
        matching = [one for one in there if one[1].axes.spec == text or (by_key and one[0].name.startswith(text))]
        suiting = [one for one in matching if _suits(one[1], spacing_m)] or matching
        if len(suiting) == 1:
            return suiting[0]
        if suiting:
            several = ", ".join(
                f"{path.name[:8]} (J={found.axes.labels}, {found.axes.dataset}, {100 * found.axes.spacing_m:.3g} cm)"
                for path, found in suiting[:4]
            )
            raise UserError(f"{text}: may mean {len(suiting)} fits, say which by its key, or by --spacing-m: {several}")
    where = " or ".join(str(store.out) for store in stores)
    raise UserError(f"{text}: no such fit in {where}; doabench fits lists those that are there")
