"""Which speakers talk, and which stretch of their speech: the draw that all methods of one data seed share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..dataset import SAMPLE_RATE_HZ, Segment, Sex, Speaker, Speech, SpeechDraw, SpeechRole
from ..digest import array_digest, digest
from ..errors import UserError
from ..seeds import generator
from ..voice import FRAME, speech_frames

VAD_MODE = 3
SEGMENT_S = (2.0, 3.0)
_Found: TypeAlias = tuple[str, NDArray[np.float32]]
ROLES: tuple[SpeechRole, ...] = ("train", "validation")
SMALLEST_SCALE = 2
"""Speakers per role of ``--scale smoke``."""
SCORED_PER_ROLE = 2
"""Speakers to be scored by strict protocols, for each of a published role's."""


def voiced(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 10 ms frames that WebRTC VAD (mode 3) takes for speech, concatenated."""
    keep = speech_frames(samples, VAD_MODE)
    return samples[: len(keep) * FRAME].reshape(-1, FRAME)[keep].reshape(-1)


def draw_segments(
    speech: Speech, corpus: str, seed: int, speakers_per_role: int, left_out: list[str] | None = None
) -> SpeechDraw:
    """One segment of 2-3 s of voiced speech from each of ``speakers_per_role`` speakers per role, all different.

    Half of each role's speakers are female as far as the corpus has them. Speakers without 2 s of voiced speech in one
    utterance are passed over. An utterance that cannot be used is passed over too; what is wrong with it is added to
    ``left_out``. Raises UserError if too few speakers remain.

    The role ``scored`` is drawn from those who are left, when first asked for: twice as many speakers, or all that there are.
    """
    speakers = speech.speakers()
    needed = speakers_per_role * len(ROLES)
    left_out = [] if left_out is None else left_out
    usable = _usable(speech, seed, left_out)
    dealt = _draw(usable, needed)
    if len(dealt) < needed:
        smaller = " or choose --scale smoke" if speakers_per_role > SMALLEST_SCALE else ""
        why = f"; {len(left_out)} left out, the first: {left_out[0]}" if left_out else ""
        raise UserError(
            f"speech {corpus!r}: {len(dealt)} of {len(speakers)} speakers have {SEGMENT_S[0]:g} s of voiced speech "
            f"in one utterance, this scale needs {needed}; add recordings of more speakers{smaller}{why}"
        )
    split: dict[SpeechRole, tuple[Segment, ...]] = {
        role: tuple(Segment(clip, *found) for clip, found in enumerate(dealt[offset :: len(ROLES)]))
        for offset, role in enumerate(ROLES)
    }
    content = {role: _content(segments) for role, segments in split.items()}
    roles = _Roles(split, lambda: _draw(usable, SCORED_PER_ROLE * speakers_per_role))
    return SpeechDraw(corpus, seed, roles, digest(content))


def role_digest(draw: SpeechDraw, role: SpeechRole) -> str:
    """A hash of all that determines what a role says; ``train`` and ``validation`` share that of the draw."""
    return draw.digest if role in ROLES else digest([draw.digest, role, _content(draw.segments[role])])


class _Roles(Mapping[SpeechRole, tuple[Segment, ...]]):
    """Segments by role. Those to be scored are looked for late, since most protocols do without them."""

    def __init__(self, drawn: Mapping[SpeechRole, tuple[Segment, ...]], late: Callable[[], list[_Found]]) -> None:
        self._segments, self._late = dict(drawn), late

    def __getitem__(self, role: SpeechRole) -> tuple[Segment, ...]:
        if role == "scored" and role not in self._segments:
            self._segments[role] = tuple(Segment(clip, *found) for clip, found in enumerate(self._late()))
        return self._segments[role]

    def __iter__(self) -> Iterator[SpeechRole]:
        return iter((*ROLES, "scored"))

    def __len__(self) -> int:
        return len(ROLES) + 1


def _draw(usable: Mapping[Sex, Iterator[_Found]], needed: int) -> list[_Found]:
    """The next speakers, fewer where no more are left; women, then whoever fills up, then men: dealt in turn, every role
    gets half of each."""
    by_sex = {sex: list(islice(usable[sex], needed // 2)) for sex in ("F", "M")}
    missing = needed - sum(map(len, by_sex.values()))
    filling = list(islice(chain.from_iterable(usable.values()), missing))
    return [*by_sex["F"], *filling, *by_sex["M"]]


def _content(segments: Iterable[Segment]) -> list[list[str]]:
    return [[segment.speaker, array_digest(segment.samples)] for segment in segments]


def _usable(speech: Speech, seed: int, left_out: list[str]) -> dict[Sex, Iterator[_Found]]:
    """By sex: speakers in seeded random order with their segment, looked for only when asked for."""
    speakers = speech.speakers()
    order = generator("speakers", seed).permutation(len(speakers))

    def search(sex: Sex) -> Iterator[_Found]:
        for index in order:
            speaker = speakers[index]
            if speaker.sex == sex:
                samples = _segment(speech, speaker, seed, left_out)
                if samples is not None:
                    yield speaker.id, samples

    return {"F": search("F"), "M": search("M"), "": search("")}


def _segment(speech: Speech, speaker: Speaker, seed: int, left_out: list[str]) -> NDArray[np.float32] | None:
    rng = generator("segment", seed, speaker.id)
    wanted = int(rng.uniform(*SEGMENT_S) * SAMPLE_RATE_HZ)
    best: NDArray[np.float32] = np.empty(0, np.float32)
    for index in rng.permutation(len(speaker.utterances)):
        try:
            samples = voiced(speech.load(speaker.utterances[index]))
        except UserError as error:
            left_out.append(str(error))
            continue
        if len(samples) >= wanted:
            start = int(rng.integers(len(samples) - wanted + 1))
            return samples[start : start + wanted]
        best = max(best, samples, key=len)
    return best if len(best) >= SEGMENT_S[0] * SAMPLE_RATE_HZ else None
