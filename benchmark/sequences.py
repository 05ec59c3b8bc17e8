"""Sequences: P consecutive STFT frames each, kept as start indices into one shared array of frames.

Nothing is stored expanded. A method sees `Sequences` (or `LabelledSequences`) in a seeded random order; where a sequence
starts and which clip it comes from stay behind the view, since a stream sorted by DOA would give the class away by position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from .paged import paged
from .seeds import generator

if TYPE_CHECKING:
    import torch

N_FFT = 256
HOP = 128
FRAMES_PER_SEQUENCE = 31
PHASE_BINS = 127
"""Bins 0..126: the two highest are dropped so that two unpadded stride-2 kernels fit exactly (Table 1)."""

_RUN = 256
_ROWS_PER_BLOCK = 4096
_FRAMES_PER_BLOCK = 8192
_WINDOW = np.asarray(scipy.signal.get_window("hamming", N_FFT), np.float32)

Index: TypeAlias = slice | NDArray[np.int64]
Array: TypeAlias = NDArray[Any]


def stft(waveform: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Frames of a two-channel waveform ``[samples, 2]`` -> ``[frames, 2, 129]``: Hamming, 256 samples, hop 128, no padding.

    A waveform shorter than one frame gives no frames.
    """
    if len(waveform) < N_FFT:
        return np.empty((0, 2, N_FFT // 2 + 1), np.complex64)
    windows = np.lib.stride_tricks.sliding_window_view(waveform.astype(np.float32, copy=False), N_FFT, axis=0)[::HOP]
    return np.asarray(scipy.fft.rfft(windows * _WINDOW, axis=-1))


def waveform(frames: NDArray[np.complex64]) -> NDArray[np.float32]:
    """The two-channel waveforms ``[..., samples, 2]`` that consecutive ``frames [..., P, 2, 129]`` were made of by `stft`, for
    methods with an analysis of their own: weighted overlap and add (Griffin and Lim 1984, eq. 6)."""
    pieces = np.asarray(scipy.fft.irfft(frames, N_FFT, axis=-1)) * _WINDOW
    count = frames.shape[-3]
    summed = np.zeros((*frames.shape[:-3], 2, N_FFT + (count - 1) * HOP), np.float32)
    weight = np.zeros(summed.shape[-1], np.float32)
    for number in range(count):
        where = slice(number * HOP, number * HOP + N_FFT)
        summed[..., where] += pieces[..., number, :, :]
        weight[where] += _WINDOW**2
    return np.swapaxes(summed / weight, -1, -2)


class FrameStore:
    """STFT frames ``[frames, 2, 129]`` (complex64) of many recordings, one after the other, each kept once. Whatever of their
    memory ``hand_back`` can hand back is handed back by `rest`."""

    def __init__(self, frames: NDArray[np.complex64], hand_back: Sequence[Callable[[], None]] = ()) -> None:
        self.frames, self._hand_back = frames, [*hand_back]

    def __len__(self) -> int:
        return len(self.frames)

    @cached_property
    def phase(self) -> NDArray[np.float32]:
        """Wrapped RTF phase ``angle(d2 conj(d1))`` of bins 0..126 in radians, shape ``[frames, 127]``."""
        return self._derived(lambda frames: np.angle(frames[:, 1] * frames[:, 0].conj()))

    @cached_property
    def level(self) -> NDArray[np.float32]:
        """Amplitude ``sqrt(|d1 d2|)`` of bins 0..126, shape ``[frames, 127]``."""
        return self._derived(lambda frames: np.sqrt(np.abs(frames).prod(1)))

    def rest(self) -> None:
        """Hand back memory, which is there again when frames or what is derived of them are read."""
        for hand_back in self._hand_back:
            hand_back()

    def _derived(self, of_frames: Callable[[NDArray[np.complex64]], NDArray[np.float32]]) -> NDArray[np.float32]:
        """A quantity of every pixel of bins 0..126, ``[M, 2, 127]`` -> ``[M, 127]``, block by block."""
        found, hand_back = paged((len(self.frames), PHASE_BINS), np.float32)
        self._hand_back.append(hand_back)
        for first in range(0, len(self.frames), _FRAMES_PER_BLOCK):
            found[first : first + _FRAMES_PER_BLOCK] = of_frames(self.frames[first : first + _FRAMES_PER_BLOCK, :, :PHASE_BINS])
        return found


class Sequences:
    """A view of N sequences of 31 frames. Order carries no meaning; indexing never shows where a sequence starts."""

    def __init__(self, store: FrameStore, starts: NDArray[np.int64]) -> None:
        self._store = store
        self._starts = np.ascontiguousarray(starts, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._starts)

    def subset(self, index: Index) -> Sequences:
        """Some of them, in the order of ``index``. Where labels are, they stay behind."""
        return Sequences(self._store, self._starts[index])

    def stft(self, index: Index) -> NDArray[np.complex64]:
        """STFT of the chosen sequences, shape ``[B, 31, 2, 129]``."""
        return self._store.frames[self._rows(index)]

    def phase(self, index: Index) -> NDArray[np.float32]:
        """Wrapped RTF phase of the chosen sequences in radians, shape ``[B, 31, 127]``."""
        return self._store.phase[self._rows(index)]

    def phase_on(self, device: torch.device | str) -> Callable[[torch.Tensor], torch.Tensor]:
        """A gatherer for training loops: the frame phases go to ``device`` once, then every call takes int64 indices
        ``[B]`` on that device and returns ``[B, 31, 127]`` float32 radians, with no trip to the host.
        """
        return self._gatherer(self._store.phase, device)

    def level_on(self, device: torch.device | str) -> Callable[[torch.Tensor], torch.Tensor]:
        """Like `phase_on`, for the amplitude ``sqrt(|d1 d2|)`` of the same pixels: how loud each of them was."""
        return self._gatherer(self._store.level, device)

    def _gatherer(self, frames: NDArray[np.float32], device: torch.device | str) -> Callable[[torch.Tensor], torch.Tensor]:
        import torch

        table = torch.from_numpy(frames).to(device)
        starts = torch.from_numpy(self._starts).to(device)
        offsets = torch.arange(FRAMES_PER_SEQUENCE, device=device)
        return lambda index: table[starts[index][:, None] + offsets]

    def frame_mean(
        self, per_frame: Callable[[NDArray[np.complex64]], Array], then: Callable[[Array], Array] = lambda mean: mean
    ) -> Array:
        """Mean over each sequence's 31 frames of a quantity of single frames, then a function of that mean.

        ``per_frame`` maps frames ``[M, 2, 129]`` to ``[M, ...]``, ``then`` maps means ``[B, ...]`` to ``[B, ...]``; the
        result has shape ``[N, ...]``. Neighbouring sequences share 30 of 31 frames, so each frame is computed about once
        instead of 31 times. Both functions see frames and means of scattered stretches in random order.
        """
        parts: list[Array] = []
        places: list[NDArray[np.int64]] = []
        for block, rows, first in self._blocks():
            shuffle = generator("frame-mean", len(block), int(rows[0])).permutation(len(rows))
            shuffled = per_frame(self._store.frames[rows[shuffle]])
            values = np.empty_like(shuffled)
            values[shuffle] = shuffled
            order = generator("frame-mean-order", len(block), int(rows[0])).permutation(len(block))
            parts.append(then(_window_sums(values)[first[order]] / FRAMES_PER_SEQUENCE))
            places.append(block[order])
        if not parts:
            return then(per_frame(self._store.frames[:0]))
        stacked = np.concatenate(parts)
        result = np.empty_like(stacked)
        result[np.concatenate(places)] = stacked
        return result

    def _rows(self, index: Index) -> NDArray[np.int64]:
        return self._starts[index][:, None] + np.arange(FRAMES_PER_SEQUENCE)

    def _blocks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
        """Blocks of random stretches: members (indices of self), frame rows to load, and where among those each starts."""
        if not len(self):
            return
        by_start = np.argsort(self._starts, kind="stable")
        starts = self._starts[by_start]
        new_run = np.diff(starts, prepend=-FRAMES_PER_SEQUENCE) >= FRAMES_PER_SEQUENCE
        new_run |= np.arange(len(starts)) % _RUN == 0
        runs = np.split(np.arange(len(starts)), np.flatnonzero(new_run)[1:])
        shuffled = generator("frame-mean-runs", len(runs)).permutation(len(runs))
        members: list[NDArray[np.int64]] = []
        n_rows = 0
        for number, run in enumerate(shuffled, 1):
            members.append(runs[run])
            n_rows += int(starts[runs[run][-1]] - starts[runs[run][0]]) + FRAMES_PER_SEQUENCE
            if n_rows >= _ROWS_PER_BLOCK or number == len(runs):
                rows: list[NDArray[np.int64]] = []
                first: list[NDArray[np.int64]] = []
                offset = 0
                for run_members in members:
                    begin, end = int(starts[run_members[0]]), int(starts[run_members[-1]]) + FRAMES_PER_SEQUENCE
                    rows.append(np.arange(begin, end))
                    first.append(starts[run_members] - begin + offset)
                    offset += end - begin
                yield by_start[np.concatenate(members)], np.concatenate(rows), np.concatenate(first)
                members, n_rows = [], 0


class LabelledSequences(Sequences):
    """Sequences with their true direction: ``doa_deg [N]`` and its class index ``doa_class [N]`` among the candidates."""

    def __init__(
        self, store: FrameStore, starts: NDArray[np.int64], doa_deg: NDArray[np.float64], doa_class: NDArray[np.int64]
    ) -> None:
        super().__init__(store, starts)
        self.doa_deg = doa_deg
        self.doa_class = doa_class


def joined(first: LabelledSequences, second: LabelledSequences, rng: np.random.Generator) -> LabelledSequences:
    """Those of both in random order, on a copy of the frames of both."""
    one, other = first._store, second._store
    order = rng.permutation(len(first) + len(second))
    starts = np.concatenate([first._starts, second._starts + len(one)])
    doa_deg, doa_class = (
        np.concatenate([getattr(part, name) for part in (first, second)]) for name in ("doa_deg", "doa_class")
    )
    return LabelledSequences(
        FrameStore(np.concatenate([one.frames, other.frames])), starts[order], doa_deg[order], doa_class[order]
    )


def _window_sums(values: Array) -> Array:
    """Sum over every 31 consecutive rows, ``[M, ...]`` -> ``[M - 30, ...]``, as 16 + 8 + 4 + 2 + 1 by doubling.

    Unlike a running sum it cannot cancel, and each window's result depends on its own rows alone.
    """
    n_windows = len(values) - FRAMES_PER_SEQUENCE + 1
    if not np.issubdtype(values.dtype, np.inexact):
        values = values.astype(np.float32)  # flags and counts are averaged too
    total = np.zeros((n_windows, *values.shape[1:]), values.dtype)
    width, offset, sums = 1, 0, values
    while width <= FRAMES_PER_SEQUENCE:
        if FRAMES_PER_SEQUENCE & width:
            total += sums[offset : offset + n_windows]
            offset += width
        sums = sums[:-width] + sums[width:]
        width *= 2
    return total
