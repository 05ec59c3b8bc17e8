"""Recordings, one after the other, as one stream of STFT frames that remembers which recording each frame is from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..dataset import Position, Recording
from ..paged import paged
from ..sequences import FRAMES_PER_SEQUENCE, HOP, N_FFT, FrameStore, stft

SEQUENCE_SAMPLES = N_FFT + (FRAMES_PER_SEQUENCE - 1) * HOP
GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Stream:
    """Frames of R recordings, concatenated in order. Arrays of length R: first frame, position index, clip number.

    ``positions`` lists the distinct places, ``speakers`` the speaker of every recording.
    """

    store: FrameStore
    first_frame: NDArray[np.int64]
    position: NDArray[np.int64]
    clip: NDArray[np.int64]
    positions: tuple[Position, ...]
    speakers: tuple[str, ...]

    @property
    def n_starts(self) -> int:
        """How many sequences fit into the stream, those that straddle two recordings included."""
        return max(0, len(self.store) - FRAMES_PER_SEQUENCE + 1)

    @property
    def clip_speakers(self) -> tuple[str, ...]:
        """The speaker of every clip by its number; empty for a number that no recording has."""
        names = dict(zip(self.clip.tolist(), self.speakers, strict=True))
        return tuple(names.get(number, "") for number in range(max(names, default=-1) + 1))

    def recording_of(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the recording in which each sequence starts."""
        return np.searchsorted(self.first_frame, starts, side="right") - 1

    def whole(self) -> NDArray[np.int64]:
        """Starts of the sequences that lie within one recording, ascending."""
        starts = np.arange(self.n_starts)
        return starts[self.recording_of(starts) == self.recording_of(starts + FRAMES_PER_SEQUENCE - 1)]

    def doa_deg(self, starts: NDArray[np.int64]) -> NDArray[np.float64]:
        """True direction of the recording in which each sequence starts."""
        angles = np.array([position.doa_deg for position in self.positions])
        return angles[self.position[self.recording_of(starts)]]


def excerpts(recordings: Iterable[Recording], count: int) -> Iterator[Recording]:
    """``count`` stretches of each recording as recordings of their own, each as long as one sequence, spread over it so that
    they share no sample; fewer where it is too short. Where they lie differs from one recording to the next, evenly."""
    for place, recording in enumerate(recordings):
        spare = len(recording.waveform) - SEQUENCE_SAMPLES
        fitting = min(count, max(1, spare // SEQUENCE_SAMPLES)) if spare >= 0 else 0
        for number in range(fitting):
            first = int((number + place * GOLDEN % 1) / fitting * spare)
            yield replace(recording, waveform=recording.waveform[first : first + SEQUENCE_SAMPLES])


def concatenate(recordings: Iterable[Recording]) -> Stream:
    """The stream of ``recordings`` in their order; those shorter than one frame are left out."""
    frames: list[NDArray[np.complex64]] = []
    kept: list[tuple[Position, int, str]] = []
    for recording in recordings:
        spectra = stft(recording.waveform)
        if len(spectra):
            frames.append(spectra)
            kept.append((recording.position, recording.clip, recording.speaker))
    first_frame = np.cumsum([0, *map(len, frames)])
    whole, hand_back = paged((int(first_frame[-1]), *stft(np.empty((0, 2), np.float32)).shape[1:]), np.complex64)
    for begin, end in zip(first_frame[-2::-1], first_frame[:0:-1], strict=True):
        whole[begin:end] = frames.pop()  # never two copies of the whole in memory
    positions = tuple(dict.fromkeys(position for position, _, _ in kept))
    index = {position: number for number, position in enumerate(positions)}
    return Stream(
        store=FrameStore(whole, [hand_back]),
        first_frame=first_frame[:-1],
        position=np.array([index[position] for position, _, _ in kept], np.int64),
        clip=np.array([clip for _, clip, _ in kept], np.int64),
        positions=positions,
        speakers=tuple(speaker for _, _, speaker in kept),
    )
