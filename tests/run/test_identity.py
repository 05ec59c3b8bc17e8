"""What identifies a number: every source that determines it is edited in a copy of the project, and keys, fingerprints and the
rows of the leaderboard are held against what such an edit must change, and must leave alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from doabench.benchmark.plugins.registry import ROOT

TOPS = ("benchmark", "methods", "datasets", "protocols", "leaderboard")
KEPT = {
    "methods": {"srp_phat.py", "rtf_1nn.py", "_spectra.py"},
    "protocols": {"label_sweep.py", "generation.py"},
    "datasets/rooms": set[str](),
}
"""Plugins that the copy has; the others would only take time to load."""

ROOM = """
import numpy as np
from .._test_response import LEVEL
from ...benchmark.dataset import Condition
from .._convolution import ImpulseResponseRoom, arc


class FreeField(ImpulseResponseRoom):
    spacing_m = 0.085
    conditions = (Condition("free", 0.0),)

    def positions(self, kind):
        return arc(range(-90, 91, 30), 1.5) if kind == "grid" else ()

    def responses(self, condition, kind):
        found = np.zeros((len(self.positions(kind)), 2, 64), np.float32)
        for index, position in enumerate(self.positions(kind)):
            found[index, 0, 32] = found[index, 1, 32 - round(4 * np.sin(np.radians(position.doa_deg)))] = LEVEL
        return found
"""

ECHO = """
import numpy as np
from ..benchmark.method import Generative, GeneratedPhase, MethodInfo, Prediction
from dataclasses import dataclass


@dataclass
class Echo(Generative):
    info = MethodInfo("Echo", "nobody, 2026")

    def predict(self, sequences):
        return Prediction(np.zeros(len(sequences)))

    def reconstruct(self, sequences, doa_deg):
        phase = sequences.phase(slice(None))
        return GeneratedPhase(phase, phase)

    def sample(self, doa_deg, count):
        phase = np.zeros((count, 31, 127), np.float32)
        return GeneratedPhase(phase, phase)
"""

ASK = """
import json, sys
from pathlib import Path
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.data.SPLITS import fingerprint
from doabench.benchmark.plugins.registry import PROTOCOLS
from doabench.benchmark.results.store import Store
from doabench.benchmark.run.plan import Request, make_plan

protocols, methods = ("label-sweep", "generation"), ("srp_phat", "rtf_1nn", "echo")
plan = make_plan(Request(protocols, methods, "talkers", "smoke", rooms=("free-field",)))
today = installed()
print(json.dumps({
    "fits": {fit.axes.method: fit.key for fit in plan.fits},
    "cells": {cell.key: [fit.axes.method, cell.protocol.id] for fit in plan.fits for cell in fit.cells},
    "fingerprints": {name: fingerprint(PROTOCOLS.get(name).found) for name in PROTOCOLS.names()},
    "shown": [record.key for record in Store(Path(sys.argv[1])).all_cells() if today.is_current(record)],
}))
"""

Answer: TypeAlias = dict[str, Any]


def copy_to(folder: Path) -> Path:
    """The project with few plugins, and with a room and a generative method that take no time."""
    for top in TOPS:
        shutil.copytree(ROOT / top, folder / "doabench" / top, ignore=shutil.ignore_patterns("__pycache__"))
    for place, kept in KEPT.items():
        for path in (folder / "doabench" / place).iterdir():
            if path.name not in {*kept, "__init__.py"}:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    (folder / "doabench/datasets/rooms/free_field.py").write_text(ROOM)
    (folder / "doabench/datasets/_test_response.py").write_text("LEVEL = 1.0\n")
    (folder / "doabench/methods/echo.py").write_text(ECHO)
    return folder


def python(folder: Path, *arguments: object) -> str:
    """Run Python on a copy, from a process of its own."""
    settings = os.environ | {"PYTHONPATH": str(folder), "DOABENCH_CACHE": str(folder / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    settings.pop("DOABENCH_SPEECH", None)
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(folder: Path, results: Path, splits: str = "splits") -> Answer:
    return json.loads(python(folder, "-c", ASK.replace("SPLITS", splits), results))


@dataclass(frozen=True)
class Made:
    """Results of the copy that nobody has edited, and what it says of itself."""

    results: Path
    answer: Answer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = copy_to(tmp_path_factory.mktemp("original"))
    results = folder / "results"
    named = [part for method in METHODS for part in ("--method", method)]
    named += [part for protocol in PROTOCOLS for part in ("--protocol", protocol)]
    python(folder, "-m", "doabench.benchmark", "run", "--scale=smoke", "--rooms=free-field", "--out", results, *named)
    found = answer(folder, results)
    assert sorted(found["shown"]) == sorted(found["cells"])
    assert len(found["cells"]) == 2 * len(METHODS) + 1
    return Made(results, found)


METHODS, PROTOCOLS = ("srp_phat", "rtf_1nn", "echo"), ("label-sweep", "generation")
ALL_CELLS = {*((method, "label-sweep") for method in METHODS), ("echo", "generation")}
SWEEP, GENERATION = {cell for cell in ALL_CELLS if cell[1] == "label-sweep"}, {("echo", "generation")}


@dataclass(frozen=True)
class Edit:
    """``old`` becomes ``new`` in a file; what that must change: the keys of which fits and cells, which fingerprints."""

    file: str
    old: str
    new: str
    cells: set[tuple[str, str]]
    fits: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()


EDITS = {
    "who is labelled": Edit(
        "benchmark/data/splits.py", 'per_class, "labelled", seed)', 'per_class, "other", seed)', ALL_CELLS, METHODS, PROTOCOLS
    ),
    "how labels are spread": Edit("benchmark/data/splits.py", "5**0.5 - 1", "5**0.5 - 2", ALL_CELLS, METHODS, PROTOCOLS),
    "how many labels": Edit("benchmark/protocol.py", "(n // classes)", "(n // classes + 1)", ALL_CELLS, METHODS, PROTOCOLS),
    "who is scored": Edit(
        "benchmark/data/splits.py", '(starts, "scored", seed)', '(starts[1:], "scored", seed)', ALL_CELLS, (), PROTOCOLS
    ),
    "who is made again": Edit(
        "benchmark/data/splits.py", '"generation", seed', '"again", seed', GENERATION, (), ("generation",)
    ),
    "what a method draws from": Edit("benchmark/data/splits.py", 'seed_of("fit"', 'seed_of("fits"', ALL_CELLS, METHODS),
    "a named seed": Edit("benchmark/seeds.py", "[:8]", "[8:16]", ALL_CELLS, METHODS, PROTOCOLS),
    "a sequence": Edit("benchmark/data/streams.py", "FRAMES_PER_SEQUENCE - 1)", "FRAMES_PER_SEQUENCE)", ALL_CELLS, METHODS),
    "a frame": Edit("benchmark/sequences.py", '"hamming"', '"hann"', ALL_CELLS, METHODS),
    "a draw": Edit("benchmark/data/segments.py", "VAD_MODE = 3", "VAD_MODE = 2", ALL_CELLS, METHODS),
    "a corpus": Edit("datasets/speech/talkers.py", "PAUSE_MS = (180.0", "PAUSE_MS = (181.0", ALL_CELLS, METHODS),
    "a room": Edit("datasets/rooms/free_field.py", "64), np", "65), np", ALL_CELLS, METHODS),
    "what a room imports": Edit("datasets/_test_response.py", "1.0", "2.0", ALL_CELLS, METHODS),
    "what rooms share": Edit("datasets/_convolution.py", "SNR_DB = 20.0", "SNR_DB = 21.0", ALL_CELLS, METHODS),
    "half of a grid": Edit("benchmark/data/half_grid.py", "angles[::2]", "angles[2::2]", ALL_CELLS, METHODS),
    "which condition": Edit(
        "benchmark/data/scene.py", "else room.conditions[0]", "else room.conditions[-1]", ALL_CELLS, METHODS
    ),
    "a method": Edit("methods/rtf_1nn.py", "2 * (rtf", "3 * (rtf", {("rtf_1nn", "label-sweep")}, ("rtf_1nn",)),
    "what methods share": Edit(
        "methods/_spectra.py", "np.finfo(np.float32).tiny", "1e-9", {("srp_phat", "label-sweep")}, ("srp_phat",)
    ),
    "the contract of methods": Edit(
        "benchmark/method.py", "log_probabilities: bool = False", "log_probabilities: bool = True", ALL_CELLS, METHODS
    ),
    "an import that brings other code": Edit(
        "methods/rtf_1nn.py",
        "import cross_spectrum, power_spectra",
        "import power_spectra\nfrom ._spectra import whitened_cross_spectrum as cross_spectrum",
        {("rtf_1nn", "label-sweep")},
        ("rtf_1nn",),
    ),
    "a leak": Edit("benchmark/run/scored_set.py", "before[scored.starts]\n", "before[scored.starts] + 1\n", ALL_CELLS),
    "what is kept of an answer": Edit("benchmark/run/answers.py", "astype(np.int16)", "astype(np.int8)", SWEEP),
    "an error": Edit("benchmark/results/metrics.py", "np.abs(estimated - true)", "np.abs(estimated - true) / 2", SWEEP),
    "an interval": Edit("benchmark/results/statistics.py", "ALPHA = 0.05", "ALPHA = 0.1", ALL_CELLS),
    "what is generated": Edit(
        "benchmark/run/generate.py", "np.repeat(sampled_deg, count)", "np.repeat(sampled_deg, 1)", GENERATION
    ),
    "a delay": Edit("benchmark/results/generation.py", "INTERPOLATION = 16", "INTERPOLATION = 8", GENERATION),
    "a protocol": Edit(
        "protocols/label_sweep.py", "    scored=(", "    balance=True,\n    scored=(", SWEEP, (), ("label-sweep",)
    ),
}


def edited(folder: Path, edit: Edit) -> Path:
    path = copy_to(folder) / "doabench" / edit.file
    text = path.read_text()
    assert edit.old in text, f"{edit.file} no longer holds {edit.old!r}: choose what to edit anew"
    path.write_text(text.replace(edit.old, edit.new))
    return folder


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_of_what_determines_a_number_changes_its_key_and_hides_its_rows(what: str, made: Made, tmp_path: Path) -> None:
    edit, before = EDITS[what], made.answer
    after = answer(edited(tmp_path, edit), made.results)
    changed = {tuple(cell) for key, cell in before["cells"].items() if key not in after["cells"]}
    hidden = {tuple(cell) for key, cell in before["cells"].items() if key not in after["shown"]}
    assert {name for name, key in before["fits"].items() if after["fits"][name] != key} == set(edit.fits)
    assert {name for name, value in before["fingerprints"].items() if after["fingerprints"][name] != value} == set(
        edit.fingerprints
    )
    assert changed == edit.cells
    assert hidden == edit.cells


def comment_everywhere(project: Path) -> None:
    for top in TOPS:
        for path in (project / top).rglob("*.py"):
            if "templates" not in path.parts:
                path.write_text(f"{path.read_text()}\n# a comment\n")


def document_everything(project: Path) -> None:
    for path in (project / "benchmark").rglob("*.py"):
        path.write_text(re.sub(r'^(    """[A-Z])', r"\1Truly: ", path.read_text(), flags=re.MULTILINE))


def spell_imports_otherwise(project: Path) -> None:
    rtf, streams = project / "methods/rtf_1nn.py", project / "benchmark/data/streams.py"
    rtf.write_text(rtf.read_text().replace("from ..benchmark", "from doabench.benchmark"))
    streams.write_text(
        streams.read_text()
        .replace(
            "from ..sequences import FRAMES_PER_SEQUENCE, HOP, N_FFT, FrameStore, stft", "from .. import sequences as parts"
        )
        .replace("HOP", "parts.HOP")
        .replace("N_FFT", "parts.N_FFT")
        .replace("FRAMES_PER_SEQUENCE", "parts.FRAMES_PER_SEQUENCE")
        .replace("FrameStore", "parts.FrameStore")
        .replace("stft(", "parts.stft(")
    )


SPREAD = "import numpy as np\nfrom numpy.typing import NDArray\nfrom ..seeds import seed_of\n\n"


def move_a_definition(project: Path) -> None:
    splits = project / "benchmark/data/splits.py"
    text = splits.read_text()
    begin, end = text.index("GOLDEN = "), text.index("@dataclass")
    (project / "benchmark/data/spread.py").write_text(f"{SPREAD}{text[begin:end]}")
    splits.write_text(f"{text[:begin]}{text[end:]}".replace("from ..seeds", "from .spread import spread_order\nfrom ..seeds"))


def rename_a_file(project: Path) -> None:
    (project / "benchmark/data/splits.py").rename(project / "benchmark/data/partition.py")
    for path in (project / "benchmark").rglob("*.py"):
        path.write_text(re.sub(r"(from \.+(?:data\.)?)splits import", r"\1partition import", path.read_text()))


def edit_what_makes_no_number(project: Path) -> None:
    for name in ("benchmark/run/engine.py", "benchmark/run/execute.py", "benchmark/cli/main.py", "leaderboard/build.py"):
        (project / name).write_text(f"{(project / name).read_text()}\n\nEXTRA = 1\n")


NEUTRAL: dict[str, Callable[[Path], None]] = {
    "a comment in every file": comment_everywhere,
    "docstrings": document_everything,
    "imports that are spelled otherwise": spell_imports_otherwise,
    "a definition that moves to another file": move_a_definition,
    "a file that is called otherwise": rename_a_file,
    "what makes no number": edit_what_makes_no_number,
}


@pytest.mark.parametrize("what", NEUTRAL)
def test_what_determines_no_number_changes_no_key_and_hides_no_row(what: str, made: Made, tmp_path: Path) -> None:
    project = copy_to(tmp_path) / "doabench"
    before = {path: path.read_bytes() for path in project.rglob("*.py")}
    NEUTRAL[what](project)
    assert before != {path: path.read_bytes() for path in project.rglob("*.py")}
    splits = "partition" if NEUTRAL[what] is rename_a_file else "splits"
    assert answer(tmp_path, made.results, splits) == made.answer
