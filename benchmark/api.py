"""The suite from Python: what the command does, in functions.

>>> from doabench.benchmark.api import load_fit, locate
>>> fit = load_fit("von_mises")
>>> track = locate(fit, "recording.wav")
>>> track.directions[0]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UserError
from .run.track import Fitted, Track, track, untrained
from .run.track import load_fit as _load_fit

if TYPE_CHECKING:
    import pandas as pd

    from .protocol import ScaleName
    from .results.records import CellRecord

__all__ = ["Fitted", "Track", "UserError", "leaderboard", "load_fit", "locate", "run", "untrained"]


def load_fit(fit: str | Path, out: str | Path = "results", *, spacing_m: float | None = None) -> Fitted:
    """A trained method: by its folder, by (the beginning of) its key, or by the method as ``doabench run`` was asked for it;
    from the results in ``out``, else from what comes with the suite. ``spacing_m`` is that of the array which is to be asked
    about. Raises UserError where there is no such fit, or it is for another array."""
    from ..leaderboard.shipping import FOLDER
    from .results.store import Stored

    return _load_fit(fit, Stored(Path(out)), Stored(FOLDER), spacing_m=spacing_m)


def locate(fit: Fitted, recording: str | Path, *, pair: str = "1-2") -> Track:
    """Directions over time in an audio file of any length, at any rate from 16 kHz up. ``pair`` says which of its channels are
    microphones 1 and 2; angles are positive toward microphone 2. Raises UserError where the file cannot be read."""
    from ..datasets.recording import TwoChannels

    heard = TwoChannels(Path(recording), pair)
    found = track(fit, heard.blocks(fit.setup.spacing_m))
    return replace(found, warnings=(*fit.notes, *heard.warnings(fit.setup.spacing_m), *found.warnings))


def run(
    *,
    protocols: Sequence[str] = (),
    methods: Sequence[str] = (),
    labels: Sequence[int] = (),
    seeds: Sequence[int] = (),
    scale: ScaleName = "quick",
    speech: str = "talkers",
    rooms: Sequence[str] = (),
    score_in: Sequence[str] = (),
    out: str | Path = "results",
    jobs: int | None = None,
    threads: int | None = None,
    time_limit_s: float | None = None,
    device: str = "cpu",
    plugins: Sequence[str | Path] = (),
    accept_findings: bool = False,
    publish: bool = True,
    quiet: bool = True,
) -> list[CellRecord]:
    """What ``doabench run`` does, with the same defaults: the records of all cells that were asked for, those that were there
    and those that failed included (``state``). It may stand in a script or a notebook as it is: its processes do not import
    that. Raises UserError."""
    from .cli.engines import Runs
    from .cli.options import plugin_file
    from .cli.printed import console_of
    from .cli.run import carry_out
    from .run.plan import Request

    asked = Request(tuple(protocols), tuple(methods), speech, scale, tuple(labels), tuple(seeds), tuple(rooms), tuple(score_in))
    runs = Runs("local", device, jobs, threads, time_limit_s, {}, None)
    files = [plugin_file(one) for one in plugins]
    return carry_out(asked, runs, Path(out), files, console_of(quiet), accept_findings, publish).records


def leaderboard(out: str | Path = "results") -> pd.DataFrame:
    """The rows of the leaderboard of ``out``, as ``leaderboard.csv`` has them. Raises UserError where there are no results."""
    import io

    import pandas as pd

    from ..leaderboard.build import read
    from ..leaderboard.pages.csv_files import to_csv
    from .cli.installed import installed
    from .cli.options import existing
    from .cli.shipped import shipped

    today = installed()
    board = read(existing(Path(out)), today, shipped(today))
    return pd.read_csv(io.StringIO(to_csv(row for one in board.sets for row in one.rows)))
