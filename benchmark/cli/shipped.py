"""Rows that come with the suite, held against today's code.

``python -m doabench.benchmark.cli.shipped`` scores their weights in the protocols of `ANEW`, replays fits that need it, and
puts the verdicts beside the rows, so that who installs the suite need not; edited code is replayed where it is edited.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from ...leaderboard.analysis.current import Installed
from ...leaderboard.analysis.shipped import Shipped
from ...leaderboard.shipping import FOLDER, add_cell
from ..cache import cache_folder
from ..digest import digest
from ..durable import write
from ..results.records import CellRecord, plugin_name
from ..results.store import Stored
from ..run.environment import environment
from ..run.replay import replay, scored_anew
from ..weights import FILE
from .installed import installed as installed_today

ANEW, AT_HOME = ("unseen-place",), ("label-sweep", "validation")
"""Protocols that are younger than the rows, and the cells of fits that are scored in them."""
VERDICTS, NOT_KNOWN = FOLDER / "replays", "this is not known yet"


def shipped(installed: Installed, replayed: bool = True) -> Shipped:
    """Shipped rows. Where some of the code that made a fit is not today's, the fit is replayed, once on each machine unless the
    verdict comes with the suite; with ``replayed=False`` those that were not yet are left as they are."""
    stored, reasons = Stored(FOLDER), {}
    for key, cells in stale(installed).items():
        reasons[key] = _verdict(stored, cells, installed) if replayed else known(cells, installed, VERDICTS, _of_this_machine())
    return Shipped(FOLDER, {key: reason for key, reason in reasons.items() if reason})


def stale(installed: Installed) -> dict[str, list[CellRecord]]:
    """Shipped cells, by the key of their fit, where some of the code that made them is not today's."""
    by_fit: dict[str, list[CellRecord]] = {}
    for cell in Stored(FOLDER).all_cells():
        by_fit.setdefault(cell.fit_key, []).append(cell)
    return {key: cells for key, cells in by_fit.items() if not all(map(installed.is_current, cells))}


def known(cells: Sequence[CellRecord], installed: Installed, *folders: Path) -> str:
    """The verdict that is kept in one of ``folders``, or `NOT_KNOWN`."""
    files = [folder / _name(cells, installed) for folder in folders]
    for file in files:
        with suppress(OSError, ValueError):  # it is not there, or damaged
            return TypeAdapter(str).validate_json(file.read_bytes())
    return NOT_KNOWN


def _verdict(stored: Stored, cells: Sequence[CellRecord], installed: Installed) -> str:
    """That of `replay`, kept under all that it depends on."""
    reason = known(cells, installed, VERDICTS, _of_this_machine())
    if reason == NOT_KNOWN:
        reason = replay(stored, cells)
        _of_this_machine().mkdir(parents=True, exist_ok=True)
        write(_of_this_machine() / _name(cells, installed), json.dumps(reason))
    return reason


def _of_this_machine() -> Path:
    return cache_folder() / "replays" / digest(environment("cpu", 1)["cpu"])


def _name(cells: Sequence[CellRecord], installed: Installed) -> str:
    fit, protocols = cells[0].fit, sorted({cell.axes.protocol for cell in cells})
    code = [
        installed.data,
        installed.split,
        *(installed.protocols[name][0] for name in protocols if name in installed.protocols),
    ]
    code += [installed.methods.get(fit.method), installed.rooms.get(plugin_name(fit.dataset))]
    code += [installed.speech.get(plugin_name(fit.speech))]
    return f"{digest([sorted(cell.key for cell in cells), code])}.json"


def main() -> None:
    """Score anew, replay what needs it, here and now, and keep the verdicts beside the rows, in place of older ones."""
    shutil.rmtree(VERDICTS, ignore_errors=True)
    today, stored = installed_today(), Stored(FOLDER)
    for old in (cell for cell in stored.all_cells() if cell.axes.protocol in ANEW):
        shutil.rmtree(stored.cells / old.key)
    for made in (cell for cell in stored.all_cells() if (cell.axes.protocol, cell.axes.split) == AT_HOME):
        if (stored.fits / made.fit_key / FILE).is_file():
            for protocol in ANEW:
                for record, table in scored_anew(stored, made, protocol):
                    add_cell(record, table)
                    print(f"{record.fit.name} J={record.fit.labels} {protocol} {record.axes.split}", flush=True)
    for cells in stale(today).values():
        reason = _verdict(stored, cells, today)
        print(f"{cells[0].fit.name}: {reason or 'as before'}", flush=True)
        VERDICTS.mkdir(exist_ok=True)
        write(VERDICTS / _name(cells, today), json.dumps(reason))


if __name__ == "__main__":
    main()
