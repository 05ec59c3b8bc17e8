"""Do recordings of talkers fit what is said of them? As `verify` asks of responses, as far as a recording can tell.

The delay between the channels is that of GCC-PHAT over the whole recording, the cross-spectrum averaged over frames before it
is whitened. Thresholds stand clear of clean rooms. "Clean" is the worst value in `dtu-twin`, `mir-twin` (three reverberation
times) and the measured R3VIVAL (three settings), with synthetic talkers. Residuals there are below 13 us.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...benchmark.acoustics import tdoa_s
from ...benchmark.digest import array_digest
from .._measure import Floats, gcc_phat
from .measure import BAND_HZ, Measurements, reach_s
from .responses import GAIN_DB, SILENT_DB, Finding, at, faults_of_delays, without_delay

SCALE = 0.15
"""Of 1: reflections draw delays toward zero. Clean: 0.09."""
CLIPPED = 10
"""Samples within a thousandth of the peak. Clean: 3."""
DC = 0.1
"""Mean over root mean square. Clean: 0.001."""
FRAME, FINER = 4096, 16
LEAST_DIRECTIONS = 3


class _Heard(NamedTuple):
    """What is kept of one recording."""

    peak: Floats
    dc: Floats
    clipped: Floats
    gain_db: float
    alike: float
    tdoa_s: float
    same_polarity: bool
    content: str


def verify_recordings(
    waveforms: Iterable[NDArray[np.floating]], doa_deg: ArrayLike, spacing_m: float
) -> tuple[list[Finding], Measurements]:
    """Faults of P recordings ``[samples, 2]`` at 16 kHz, and what was measured. Each recording is read once and not kept.
    Delays are compared with the angles if there are at least three directions; reverberation and distances are not."""
    angles, heard = np.asarray(doa_deg, np.float64), [_listen(np.asarray(one, np.float64), spacing_m) for one in waveforms]
    peak, dc, clipped, gain_db, alike, delay_s, same_polarity, _ = (np.array(column) for column in zip(*heard, strict=True))
    blank, finite = np.full(len(heard), np.nan), np.ones(len(heard), bool)
    measured = Measurements(finite, peak, dc, clipped, gain_db, blank, blank, blank, delay_s, same_polarity, blank)
    silent, identical = without_delay(measured, alike, tdoa_s(angles, spacing_m))
    usable = ~silent & ~identical
    typical_db = float(np.median(gain_db[usable])) if usable.any() else 0.0
    loud = usable & (abs(typical_db) > GAIN_DB)
    checks = [
        ("silent", silent, f"a channel is silent or {SILENT_DB:g} dB below the other", "choose another pair or record again"),
        ("identical", identical, "both channels hold one signal", "export two microphones, not one twice"),
        ("clipped", (clipped >= CLIPPED).any(axis=1), "flat tops", "record at a lower level"),
        ("dc", (np.abs(dc) > DC).any(axis=1), "a constant is added", "take out the mean"),
        ("polarity", usable & ~same_polarity, "the channels have opposite polarity", "turn one channel's sign"),
        ("gain", loud, f"channel 2 is {typical_db:+.1f} dB over channel 1", "calibrate the gains"),
    ]
    findings = [Finding(kind, at(where), text, todo) for kind, where, text, todo in checks if where.any()]
    contents = [one.content for one in heard]
    for content in dict.fromkeys(content for content in contents if contents.count(content) > 1):
        copies, todo = at(np.array(contents) == content), "all but one are copies under a wrong name: export them again"
        findings.append(Finding("duplicate", copies, f"{len(copies)} files hold one recording", todo))
    if len(set(angles[usable])) >= LEAST_DIRECTIONS:
        more, measured = faults_of_delays(measured, angles, spacing_m, usable, None, SCALE)
        findings += more
    return findings, measured


def _listen(waveform: Floats, spacing_m: float) -> _Heard:
    full = waveform - waveform.mean(axis=0)
    peak, rms = np.abs(waveform).max(axis=0, initial=0), np.sqrt((waveform**2).mean(axis=0))
    power = (full**2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain_db, dc = float(10 * np.log10(power[1] / power[0])), np.where(rms > 0, waveform.mean(axis=0) / rms, 0)
    alike = float(full[:, 0] @ full[:, 1] / max(np.sqrt(power.prod()), 1e-300))
    clipped = ((np.abs(waveform) >= 0.999 * peak) & (peak > 0)).sum(axis=0)
    return _Heard(peak, dc, clipped, gain_db, alike, *_delay(full, spacing_m), array_digest(waveform))


def _delay(waveform: Floats, spacing_m: float) -> tuple[float, bool]:
    """The delay of a recording ``[samples, 2]``, as `gcc_phat` gives it."""
    window, cross = np.hanning(FRAME)[:, None], np.zeros(FRAME + 1, complex)
    padded = np.pad(waveform, ((0, max(0, FRAME - len(waveform))), (0, 0)))
    for start in range(0, len(padded) - FRAME + 1, FRAME // 2):
        first, second = np.fft.rfft(padded[start : start + FRAME] * window, 2 * FRAME, axis=0).T
        cross += first * second.conj()
    return gcc_phat(cross, 2 * FRAME, FINER, reach_s(spacing_m), 0.0, BAND_HZ, either_polarity=True)
