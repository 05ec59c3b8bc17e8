"""Rows that come with the suite, held against today's code."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...leaderboard.analysis.current import Installed
from ...leaderboard.analysis.shipped import Shipped
from ...leaderboard.shipping import FOLDER
from ..cache import cache_folder
from ..digest import digest
from ..durable import write
from ..results.records import CellRecord, plugin_name
from ..results.store import Stored
from ..run.environment import environment
from ..run.replay import replay


def shipped(installed: Installed, replayed: bool = True) -> Shipped:
    """Shipped rows. Where some of the code that made a fit is not today's, the fit is replayed, once on each machine; with
    ``replayed=False`` those that were not yet are left as they are."""
    stored, by_fit = Stored(FOLDER), dict[str, list[CellRecord]]()
    for cell in stored.all_cells():
        by_fit.setdefault(cell.fit_key, []).append(cell)
    stale = {key: cells for key, cells in by_fit.items() if not all(map(installed.is_current, cells))}
    reasons = {key: _verdict(stored, cells, installed, replayed) for key, cells in stale.items()}
    return Shipped(FOLDER, {key: reason for key, reason in reasons.items() if reason})


def _verdict(stored: Stored, cells: Sequence[CellRecord], installed: Installed, replayed: bool) -> str:
    """That of `replay`, kept in the user's cache under all that it depends on."""
    fit, protocols = cells[0].fit, sorted({cell.axes.protocol for cell in cells})
    code = [
        installed.data,
        installed.split,
        *(installed.protocols[name][0] for name in protocols if name in installed.protocols),
    ]
    code += [installed.methods.get(fit.method), installed.rooms.get(plugin_name(fit.dataset))]
    code += [installed.speech.get(plugin_name(fit.speech)), environment("cpu", 1)["cpu"]]
    file = cache_folder() / "replays" / f"{digest([sorted(cell.key for cell in cells), code])}.json"
    if file.is_file():
        return json.loads(file.read_text())
    if not replayed:
        return "this is not known yet"
    reason = replay(stored, cells)
    file.parent.mkdir(parents=True, exist_ok=True)
    write(file, json.dumps(reason))
    return reason
