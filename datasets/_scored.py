"""Rooms of still talkers who were recorded once each, wherever they stood: scored by what was trained elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from ..benchmark.dataset import SAMPLE_RATE_HZ, Condition, Position, PositionKind
from ..benchmark.digest import digest
from ..benchmark.errors import UserError
from ..benchmark.voice import FRAME, speech_frames
from ._recorded import RecordedRoom, Take

CONDITION = "as recorded"
CANDIDATES_DEG = tuple(float(angle) for angle in range(-90, 91, 5))
"""What twins of these rooms choose from. The talkers' own directions would give the answers away."""
VAD_MODE, CLICK_FRAMES, NEAR_FRAMES = 3, 3, 10
"""Those of the room `recordings`."""
LEAST_S = 0.5

Pauses: TypeAlias = Literal["cut", "keep"]


class Talker(NamedTuple):
    """One recording: where its talker stands, who that is, and what reads the waveform ``[samples, 2]`` at 16 kHz."""

    position: Position
    name: str
    read: Callable[[], NDArray[np.float32]]


class ScoredRoom(RecordedRoom):
    """A room in which nothing is trained. A subclass sets ``spacing_m`` and calls `tell`; every recording is a clip."""

    conditions = (Condition(CONDITION, 0.0),)
    notes: tuple[str, ...] = ()

    def tell(self, talkers: Sequence[Talker], where: object) -> None:
        """Take in all recordings. Raises UserError where there are none."""
        if not talkers:
            raise UserError(f"{where}: no talker before the pair is left; {'; '.join(self.notes) or 'choose another part'}")
        self.takes = tuple(
            Take("scored", "grid", CONDITION, one.position, clip, one.name, one.read) for clip, one in enumerate(talkers)
        )

    @property
    def candidates_deg(self) -> tuple[float, ...]:
        return CANDIDATES_DEG

    def untrainable(self) -> str | None:
        return (
            "its talkers were recorded once each, so nothing is trained here; train in twin-of: it, or in another room with "
            "this array, and score here: --score-in"
        )

    def digest(self, condition: str, kind: PositionKind) -> str:
        places = [take.position.place for take in self._in_order(condition, kind)]
        return digest([super().digest(condition, kind), places])


def heard_speech(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which 10 ms frames of ``samples [n]`` at 16 kHz a detector takes for speech, without clicks."""
    frames = speech_frames(samples, VAD_MODE)
    return np.asarray(scipy.ndimage.binary_opening(frames, np.ones(CLICK_FRAMES)), bool)


def near_speech(waveform: NDArray[np.float32], speech: NDArray[np.bool_], where: object) -> NDArray[np.float32]:
    """``waveform [samples, 2]`` at 16 kHz as far as it is `NEAR_FRAMES` or less from frames of ``speech``. Raises UserError
    where that is next to nothing."""
    count = -(-len(waveform) // FRAME)
    frames = np.zeros(count, bool)
    frames[: len(speech)] = speech[:count]
    near = np.asarray(scipy.ndimage.binary_dilation(frames, np.ones(2 * NEAR_FRAMES + 1)), bool)
    kept = waveform[np.repeat(near, FRAME)[: len(waveform)]]
    if len(kept) < LEAST_S * SAMPLE_RATE_HZ:
        raise UserError(f"{where}: less than {LEAST_S:g} s of speech in it; write [pauses=keep] to use it all")
    return kept
