"""Synthetic talkers: a speech corpus that needs no download, made by source-filter synthesis when it is loaded.

It speaks no language. Syllables are drawn at random from English-like phones, so that the signal has what a method for
finding directions meets in read speech: voiced onsets, harmonics under moving formants, hiss, bursts, gaps and pauses.
Formants are those of Hillenbrand et al. (JASA 97, 1995, men) for vowels and of Klatt (JASA 67, 1980, table III) for
consonants; the voice source is Klatt and Klatt's (JASA 87, 1990). Levels, tilt, tempo, room and noise are set so that the
long-term spectrum, the spread of levels and the MAE of SRP-PHAT come out as with LibriSpeech's train-clean-100.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.typing import ArrayLike, NDArray

from ...benchmark.dataset import SAMPLE_RATE_HZ, Sex, Speaker, Speech
from ...benchmark.errors import UserError
from ...benchmark.seeds import generator

Floats = NDArray[np.float64]
Place = tuple[float, float, float]
"""F1, F2 and F3 of a mean man in Hz."""

N_TALKERS, UTTERANCES_EACH = 100, 2
DURATION_S, SPEECH_RMS, PEAK = 8.0, 0.06, 0.95

MEDIAN_PITCH_HZ = {"F": 205.0, "M": 118.0}
TRACT_SCALE = {"F": 1.17, "M": 1.0}
"""Formants relative to the mean man's: Hillenbrand's women lie about 17 % higher, their vocal tracts being shorter."""

VOWELS: tuple[Place, ...] = (  # heed hid head had, hod hawed hoed hood, who'd hud heard
    *((342, 2322, 3000), (427, 2034, 2684), (580, 1799, 2605), (588, 1952, 2601)),
    *((768, 1333, 2522), (652, 997, 2538), (497, 910, 2459), (469, 1122, 2434)),
    *((378, 997, 2343), (623, 1200, 2550), (474, 1379, 1710)),
)
SCHWA: Place = (500, 1500, 2500)
UPPER_FORMANTS_HZ, HIGHEST_HZ = (3500.0, 4500.0, 5500.0, 6500.0), 7800.0
"""F4 to F7 of a uniform tube of 17.5 cm: they hardly move with the vowel. SCHWA is the same tube's F1 to F3."""
BANDWIDTHS_HZ = (80.0, 100.0, 140.0, 220.0, 350.0, 500.0, 700.0)
NASAL_POLE_HZ, NASAL_ZERO_HZ, NASAL_BANDWIDTH_HZ = 270.0, 450.0, 100.0

VOWEL_MS, UNSTRESSED, FINAL = 130.0, 0.6, 1.3
"""How long a stressed vowel lasts, and what becomes of it in an unstressed and in a phrase's last syllable."""
STRESSED_SHARE, NO_ONSET_SHARE, NO_CODA_SHARE = 0.45, 0.12, 0.5
PHRASE_SYLLABLES = (4, 12)
PAUSE_MS = (180.0, 660.0)
DECLINATION_DB, UNSTRESSED_DB, SYLLABLE_DB = 4.0, 4.0, 2.0
TRACT_SMOOTHING_MS, VOICING_SMOOTHING_MS, HISS_SMOOTHING_MS, PITCH_SMOOTHING_MS = 60, 24, 10, 140
JITTER, SHIMMER = 0.007, 0.06

STEP, HOP, FRAME, N_FFT = SAMPLE_RATE_HZ // 1000, 128, 256, 1024
"""Samples per 1 ms step of the articulation and per filtered frame, whose formants have 48 ms to ring out."""
DELAY = np.exp(-2j * np.pi * np.arange(N_FFT // 2 + 1) / N_FFT)
"""The response of one sample's delay, z^-1, at every bin."""


@dataclass(frozen=True)
class _Phone:
    """What tract and sources aim at for a while; levels are linear, 1 being the voice of a stressed vowel."""

    duration_ms: float
    place: Place
    voicing: float = 0.0
    aspiration: float = 0.0
    frication: float = 0.0
    hiss_hz: float = 4000.0
    hiss_width_hz: float = 4000.0
    nasal_zero_hz: float = NASAL_POLE_HZ  # on the nasal pole, the two cancel

    def targets(self, level: float) -> tuple[float, ...]:
        tract = (*self.place, self.nasal_zero_hz, self.hiss_hz, self.hiss_width_hz)
        return (*tract, level * self.voicing, level * self.aspiration, level * self.frication)


def _stop(place: Place, burst_hz: float, width_hz: float, voiced: bool = False) -> tuple[_Phone, ...]:
    """Closure, burst and, if voiceless, aspiration."""
    closure = _Phone(55 if voiced else 65, (200, *place[1:]), voicing=0.08 if voiced else 0.0)
    burst = _Phone(8 if voiced else 12, place, frication=0.7, hiss_hz=burst_hz, hiss_width_hz=width_hz)
    return (closure, burst) if voiced else (closure, burst, _Phone(35, place, aspiration=0.25))


def _fricative(place: Place, hiss_hz: float, width_hz: float, level: float, voicing: float = 0.0) -> tuple[_Phone, ...]:
    return (_Phone(65 if voicing else 95, place, voicing, frication=level, hiss_hz=hiss_hz, hiss_width_hz=width_hz),)


CONSONANTS = {
    "p": _stop((400, 1100, 2150), 1000, 3000),
    "b": _stop((200, 1100, 2150), 800, 2000, voiced=True),
    "t": _stop((400, 1600, 2600), 4500, 4000),
    "d": _stop((200, 1600, 2600), 4000, 4000, voiced=True),
    "k": _stop((300, 1990, 2850), 2200, 1600),
    "g": _stop((200, 1990, 2850), 2200, 1600, voiced=True),
    "s": _fricative((320, 1390, 2530), 6000, 2600, 0.9),
    "z": _fricative((240, 1390, 2530), 6000, 2600, 0.4, voicing=0.25),
    "sh": _fricative((300, 1840, 2750), 3500, 2000, 0.8),
    "f": _fricative((340, 1100, 2080), 5500, 10000, 0.2),
    "v": _fricative((220, 1100, 2080), 5500, 10000, 0.1, voicing=0.3),
    "dh": _fricative((270, 1290, 2540), 5500, 10000, 0.1, voicing=0.3),
    "h": (_Phone(60, SCHWA, aspiration=0.25),),
    "m": (_Phone(65, (480, 1270, 2130), 0.5, nasal_zero_hz=NASAL_ZERO_HZ),),
    "n": (_Phone(60, (480, 1340, 2470), 0.5, nasal_zero_hz=NASAL_ZERO_HZ),),
    "w": (_Phone(60, (290, 610, 2150), 0.6),),
    "r": (_Phone(55, (310, 1060, 1380), 0.6),),
    "l": (_Phone(60, (310, 1050, 2880), 0.6),),
    "y": (_Phone(55, (260, 2070, 3020), 0.6),),
}
ONSETS = tuple(CONSONANTS.values())
CODAS = tuple(CONSONANTS[name] for name in ("p", "t", "k", "d", "s", "z", "m", "n", "n", "r", "l", "v"))


@dataclass(frozen=True)
class _Talker:
    """A voice and the way it was recorded."""

    index: int
    sex: Sex
    pitch_hz: float
    intonation: float  # octaves of an accent
    tract_scale: float
    slowness: float
    open_quotient: float  # share of a period with the glottis open
    tilt_hz: float  # where the source starts to fall faster than 12 dB per octave
    breathiness: float  # aspiration beside voicing
    hissing: float  # level of frication
    brightness: float  # of the microphone: positive lifts high frequencies
    low_cut_hz: float
    room_rt60_s: float
    room_db: float  # reverberation relative to direct sound
    floor_db: float  # noise floor relative to speech

    @classmethod
    def number(cls, index: int) -> _Talker:
        rng = generator("talkers", index)
        sex: Sex = "M" if index % 2 else "F"
        return cls(
            index,
            sex,
            pitch_hz=MEDIAN_PITCH_HZ[sex] * 2 ** np.clip(rng.normal(0, 0.18), -0.36, 0.36),
            intonation=rng.uniform(0.2, 0.45),
            tract_scale=TRACT_SCALE[sex] * np.clip(rng.normal(1, 0.035), 0.92, 1.08),
            slowness=rng.uniform(0.97, 1.23),
            open_quotient=rng.uniform(0.55, 0.75),
            tilt_hz=2200 * 2 ** rng.uniform(-1.2, 1.2),
            breathiness=0.03 * 2 ** rng.uniform(-1, 1),
            hissing=0.55 * 2 ** rng.uniform(-1, 1),
            brightness=rng.uniform(-0.4, 0.4),
            low_cut_hz=rng.uniform(40, 90),
            room_rt60_s=rng.uniform(0.15, 0.35),
            room_db=rng.uniform(-18, -10),
            floor_db=rng.uniform(-50, -34),
        )


class Talkers(Speech):
    """100 synthetic talkers, half of them female, with two utterances of 8 s each."""

    def speakers(self) -> list[Speaker]:
        return [
            Speaker(f"talker-{i:03d}", _Talker.number(i).sex, tuple(f"talker-{i:03d}-{u}" for u in range(UTTERANCES_EACH)))
            for i in range(N_TALKERS)
        ]

    def load(self, utterance: str) -> NDArray[np.float32]:
        match = re.fullmatch(r"talker-(\d{3})-(\d)", utterance)
        if match is None or int(match[1]) >= N_TALKERS or int(match[2]) >= UTTERANCES_EACH:
            last = f"talker-{N_TALKERS - 1:03d}-{UTTERANCES_EACH - 1}"
            raise UserError(f"synthetic talkers have no utterance {utterance!r}; use an id from talker-000-0 to {last}")
        return _synthesise(_Talker.number(int(match[1])), int(match[2]))


def _synthesise(talker: _Talker, utterance: int) -> NDArray[np.float32]:
    def rng(purpose: str) -> np.random.Generator:
        return generator("talkers", talker.index, utterance, purpose)

    targets, octaves = _plan(talker, rng("phones"))
    tract = _smooth(targets[:, :6], TRACT_SMOOTHING_MS)
    voicing, aspiration = np.repeat(_smooth(targets[:, 6:8], VOICING_SMOOTHING_MS), STEP, axis=0).T
    frication = np.repeat(_smooth(targets[:, 8:], HISS_SMOOTHING_MS)[:, 0], STEP)
    pitch_hz = np.repeat(talker.pitch_hz * 2 ** _smooth(octaves[:, None], PITCH_SMOOTHING_MS)[:, 0], STEP)

    breath = rng("breath").standard_normal(len(pitch_hz))
    excitation = voicing * _voice(talker, pitch_hz, rng("voice")) + (aspiration + talker.breathiness * voicing) * breath
    hiss = talker.hissing * frication * rng("hiss").standard_normal(len(pitch_hz))
    return _recorded(talker, _through_tract(talker, tract, excitation, hiss), rng("floor"))


def _plan(talker: _Talker, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Targets ``[steps, 9]`` of tract and sources and accents in octaves ``[steps]``: phrases of syllables, and pauses."""
    durations_ms: list[float] = []
    targets: list[tuple[float, ...]] = []
    accents: list[float] = []

    def say(phone: _Phone, level: float, accent: float) -> None:
        durations_ms.append(phone.duration_ms * talker.slowness * rng.uniform(0.85, 1.15))
        targets.append(phone.targets(level))
        accents.append(accent)

    while sum(durations_ms) < 1000 * DURATION_S:
        say(_Phone(rng.uniform(*PAUSE_MS), SCHWA), 0.0, -talker.intonation / 2)
        n_syllables = int(rng.integers(*PHRASE_SYLLABLES))
        for number in range(n_syllables):
            position = number / n_syllables
            stressed = bool(rng.random() < STRESSED_SHARE)
            level_db = rng.normal(0, SYLLABLE_DB) - DECLINATION_DB * position - (0 if stressed else UNSTRESSED_DB)
            accent = talker.intonation * (0.5 - position + (rng.uniform(0.4, 1) if stressed else 0.0))
            for phone in _syllable(stressed, number == n_syllables - 1, rng):
                say(phone, 10 ** (level_db / 20), accent)
    at_step = np.searchsorted(np.cumsum(durations_ms), np.arange(round(1000 * DURATION_S)), side="right")
    return np.array(targets)[at_step], np.array(accents)[at_step]


def _syllable(stressed: bool, last: bool, rng: np.random.Generator) -> Iterator[_Phone]:
    """The phones of one syllable: unstressed vowels are shorter and halfway to schwa, the last one is drawn out."""
    if rng.random() > NO_ONSET_SHARE:
        yield from ONSETS[rng.integers(len(ONSETS))]
    f1, f2, f3 = VOWELS[rng.integers(len(VOWELS))]
    if not stressed:
        f1, f2, f3 = (f1 + SCHWA[0]) / 2, (f2 + SCHWA[1]) / 2, (f3 + SCHWA[2]) / 2
    yield _Phone(VOWEL_MS * (1 if stressed else UNSTRESSED) * (FINAL if last else 1), (f1, f2, f3), voicing=1.0)
    if rng.random() > NO_CODA_SHARE:
        yield from CODAS[rng.integers(len(CODAS))]


def _smooth(tracks: Floats, width_ms: int) -> Floats:
    """Tracks ``[steps, n]`` averaged over a Hann window, since neither tract nor larynx jumps."""
    kernel = np.hanning(width_ms + 2)[1:-1, None]
    padded = np.pad(tracks, ((width_ms // 2, (width_ms - 1) // 2), (0, 0)), mode="edge")
    return scipy.signal.oaconvolve(padded, kernel / kernel.sum(), mode="valid", axes=0)


def _voice(talker: _Talker, pitch_hz: Floats, rng: np.random.Generator) -> Floats:
    """Glottal flow derivative of unit power for a pitch per sample: KLGLOTT88 pulses with jitter, shimmer and tilt."""
    n_samples, period = len(pitch_hz), SAMPLE_RATE_HZ / talker.pitch_hz
    cycles = np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    starts = np.interp(np.arange(1, int(cycles[-1]) + 1), cycles, np.arange(n_samples))
    starts += JITTER * period * rng.standard_normal(len(starts))
    starts = np.concatenate([[-1.0], starts, [n_samples + period]])
    samples = np.arange(n_samples + 1)
    pulse = np.searchsorted(starts, samples, side="right") - 1
    opening = (samples - starts[pulse]) / np.diff(starts)[pulse] / talker.open_quotient
    flow = np.where(opening < 1, opening**2 * (1 - opening), 0.0) * (1 + SHIMMER * rng.standard_normal(len(starts)))[pulse]
    # differences of the flow, not samples of its derivative: the mean over a sample damps the aliases of the closure
    pole = np.exp(-2 * np.pi * talker.tilt_hz / SAMPLE_RATE_HZ)
    voice = np.asarray(scipy.signal.lfilter([1 - pole], [1, -pole], np.diff(flow)))
    return voice / voice.std()


def _through_tract(talker: _Talker, tract: Floats, excitation: Floats, hiss: Floats) -> Floats:
    """Filter overlapping frames with the tract's response at their middle, hiss with its own resonance, and add them up."""
    n_frames = len(excitation) // HOP + 1
    track = tract[np.minimum(np.arange(n_frames) * HOP // STEP, len(tract) - 1)]
    nasal_zero_hz, hiss_hz, hiss_width_hz = track[:, 3:].T
    formants_hz = talker.tract_scale * np.hstack([track[:, :3], np.tile(UPPER_FORMANTS_HZ, (n_frames, 1))])
    poles = _antiresonance(NASAL_POLE_HZ, NASAL_BANDWIDTH_HZ)
    for frequency_hz, bandwidth_hz in zip(formants_hz.T, BANDWIDTHS_HZ, strict=True):
        poles = poles * _antiresonance(np.minimum(frequency_hz, HIGHEST_HZ), bandwidth_hz)
    response = _antiresonance(nasal_zero_hz, NASAL_BANDWIDTH_HZ) / poles
    response /= response[:, :1]
    # the mouth radiates the derivative of the flow: a zero at 0 Hz, which the voice source has built in
    hiss_response = (1 - DELAY) / _antiresonance(hiss_hz, hiss_width_hz)
    hiss_response /= np.sqrt(np.mean(np.abs(hiss_response) ** 2, axis=1, keepdims=True))
    frames = np.fft.irfft(_spectra(excitation) * response + _spectra(hiss) * hiss_response, N_FFT, axis=1)
    output = np.zeros((n_frames + N_FFT // HOP, HOP))
    for place, blocks in enumerate(frames.reshape(n_frames, -1, HOP).swapaxes(0, 1)):
        output[place : place + n_frames] += blocks
    return output.ravel()[HOP : HOP + len(excitation)]


def _spectra(signal: Floats) -> NDArray[np.complex128]:
    """Spectra of Hann frames centred on every HOP-th sample, padded for the filters to ring out."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(signal, HOP), FRAME)[::HOP]
    return np.fft.rfft(frames * np.hanning(FRAME + 1)[:-1], N_FFT, axis=1)


def _antiresonance(frequency_hz: ArrayLike, bandwidth_hz: ArrayLike) -> NDArray[np.complex128]:
    """``1 / response`` of Klatt's digital resonator, shape ``[frames, bins]``."""
    radius = np.exp(-np.pi * np.asarray(bandwidth_hz) / SAMPLE_RATE_HZ).reshape(-1, 1)
    cosine = np.cos(2 * np.pi * np.asarray(frequency_hz) / SAMPLE_RATE_HZ).reshape(-1, 1)
    return 1 + DELAY * (radius**2 * DELAY - 2 * radius * cosine)


def _recorded(talker: _Talker, speech: Floats, rng: np.random.Generator) -> NDArray[np.float32]:
    """Speech as recorded: microphone, preamplifier noise, level, 16 bits (which also hides rounding across machines)."""
    low_cut = scipy.signal.butter(2, talker.low_cut_hz, "highpass", fs=SAMPLE_RATE_HZ, output="sos")
    heard = np.asarray(scipy.signal.lfilter([1, -talker.brightness], [1], scipy.signal.sosfilt(low_cut, speech)))
    tail_s = np.arange(round(talker.room_rt60_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = 10 ** (-3 * tail_s / talker.room_rt60_s) * generator("talkers", talker.index, "room").standard_normal(len(tail_s))
    tail *= 10 ** (talker.room_db / 20) / np.linalg.norm(tail)
    heard += np.asarray(scipy.signal.oaconvolve(heard, tail))[: len(heard)]
    heard /= heard.std()
    # room noise falls above some 270 Hz
    floor = np.asarray(scipy.signal.lfilter([1], [1, -0.9], rng.standard_normal(len(heard))))
    heard += 10 ** (talker.floor_db / 20) / floor.std() * floor
    heard *= min(SPEECH_RMS, PEAK / np.abs(heard).max())
    return (np.round(heard * 2**15) / 2**15).astype(np.float32)
