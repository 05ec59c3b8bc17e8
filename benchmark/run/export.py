"""A draw of a protocol as files, for methods that run elsewhere."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..acoustics import SPEED_OF_SOUND_M_PER_S, ArraySetup
from ..data.scene import Scene
from ..data.streams import SEQUENCE_SAMPLES
from ..durable import write
from ..errors import UserError
from ..sequences import FRAMES_PER_SEQUENCE, HOP, N_FFT, PHASE_BINS, Sequences, waveform
from .elsewhere import Given, given_sets
from .jobs import Fit

Format: TypeAlias = Literal["phase.safetensors", "phase.mat", "stft.safetensors", "stft.mat", "wav"]
PER_FILE = 1000
TABLE, ABOUT, README = "sequences.csv", "draw.json", "README.txt"
BYTES = {
    "phase": 4 * FRAMES_PER_SEQUENCE * PHASE_BINS,
    "stft": 16 * FRAMES_PER_SEQUENCE * (N_FFT // 2 + 1),
    "wav": 8 * SEQUENCE_SAMPLES,
}
"""Of one sequence."""
SHAPES = {
    "phase": f"phase [n, {FRAMES_PER_SEQUENCE}, {PHASE_BINS}]: wrapped phase of d2 / d1 in radians, bins 0 to {PHASE_BINS - 1}",
    "stft": f"stft [n, {FRAMES_PER_SEQUENCE}, 2, {N_FFT // 2 + 1}], complex",
    "wav": f"two channels, {SEQUENCE_SAMPLES} samples of every sequence, one sequence after the other",
}


def export(fit: Fit, scene: Scene, folder: Path, form: Format, score_command: str, say: Callable[[str], None]) -> int:
    """Write all that ``fit`` is given and all that is scored of it into ``folder``, which is new or empty; how many sequences.
    Raises UserError where it is neither, or the disk has no room."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: is there already; name a new folder, or empty this one")
    folder.mkdir(parents=True, exist_ok=True)
    quantity, _, suffix = form.rpartition(".")
    quantity = quantity or suffix
    sets = list(given_sets(fit, scene))
    count = sum(len(one.sequences) for one in sets)
    needed, free = count * BYTES[quantity], shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(f"{folder}: {count} sequences need {needed / 1e9:.1f} GB there, {free / 1e9:.1f} GB are free")
    say(f"{count} sequences, {needed / 1e9:.2f} GB")
    rows = [row for one in sets for row in _write_set(one, folder, quantity, suffix, scene.setup)]
    table = folder / TABLE
    with table.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "set", "file", "row", "doa_deg"])
        writer.writerows(rows)
    write(folder / ABOUT, json.dumps(_about(fit, scene, sets, form), indent=1))
    write(folder / README, _readme(fit, quantity, suffix, sets, score_command))
    return count


def _write_set(
    given: Given, folder: Path, quantity: str, suffix: str, setup: ArraySetup
) -> Iterator[tuple[str, str, str, int, str]]:
    """Write a set in files of some sequences each; its lines of the table."""
    doa_deg = given.doa_deg
    for number, first in enumerate(range(0, len(given.sequences), PER_FILE)):
        index = np.arange(first, min(first + PER_FILE, len(given.sequences)))
        name = f"{given.name}-{number:03d}.{suffix}"
        _save(folder / name, suffix, quantity, _content(quantity, given.sequences, index), setup)
        for row, place in enumerate(index):
            yield given.ids[place], given.name, name, row, "" if doa_deg is None else f"{doa_deg[place]:.10g}"


def _content(quantity: str, sequences: Sequences, index: NDArray[np.int64]) -> NDArray[Any]:
    if quantity == "phase":
        return sequences.phase(index)
    frames = sequences.stft(index)
    return frames if quantity == "stft" else waveform(frames).reshape(-1, 2)


def _save(path: Path, suffix: str, quantity: str, content: NDArray[Any], setup: ArraySetup) -> None:
    if suffix == "wav":
        import soundfile

        soundfile.write(path, content, setup.sample_rate_hz, subtype="FLOAT")
    elif suffix == "mat":
        from scipy.io import savemat

        savemat(path, {quantity: content})
    else:
        from safetensors.numpy import save_file

        save_file({quantity: np.ascontiguousarray(content)}, path)


def _about(fit: Fit, scene: Scene, sets: list[Given], form: str) -> dict[str, Any]:
    setup = scene.setup
    return {
        "protocol": fit.protocol.id,
        "protocol_version": fit.protocol.version,
        "room": scene.room_name,
        "scored_in": scene.other_name or scene.room_name,
        "speech": scene.draw.corpus,
        "seed": fit.axes.seed,
        "labels": fit.axes.labels,
        "spacing_m": setup.spacing_m,
        "candidates_deg": setup.candidates_deg,
        "sample_rate_hz": setup.sample_rate_hz,
        "n_fft": N_FFT,
        "hop": HOP,
        "speed_of_sound_m_per_s": SPEED_OF_SOUND_M_PER_S,
        "form": form,
        "sets": {one.name: len(one.sequences) for one in sets},
    }


def _readme(fit: Fit, quantity: str, suffix: str, sets: list[Given], score_command: str) -> str:
    lines = [f"{one.name:12} {len(one.sequences):8} sequences, {_use(one)}" for one in sets]
    joined = "\n".join(lines)
    return f"""{fit.protocol.title}: a draw for methods that run elsewhere.

{joined}

{TABLE} names every sequence: its id, set, file, row in that file (from 0), and its direction where a method may know it.
{ABOUT} has the array, the candidate directions and the analysis.
Files, *.{suffix}: {SHAPES[quantity]}; n up to {PER_FILE}.

Angles are in degrees, 0 = broadside, positive toward microphone 2, the second channel, which then hears the talker first.
STFT: {N_FFT} samples at 16 kHz, Hamming window (periodic), hop {HOP}, {FRAMES_PER_SEQUENCE} frames a sequence, no padding.
Sequences are in random order. Each is a stretch of voiced speech of one talker who stands still; nothing tells which of them
are of one recording. What a method does with a set beyond the use that is said above makes its row mean something else.

Answers go into a CSV file with the columns id,estimated_deg, or id and a column of scores for every candidate, named by its
angle (higher is likelier; logarithms of probabilities are known by their sum). All sequences of at least one scored set need
an answer. Accuracy counts answers that are one of the candidates; the error in degrees takes any. Then:

{score_command}
"""


def _use(given: Given) -> str:
    uses = {
        "labelled": "to learn from, with labels",
        "selection": "to choose a model on, with labels",
        "unlabelled": "to learn from without labels (say so: --unlabelled)",
    }
    return uses.get(given.name, "to be answered")
