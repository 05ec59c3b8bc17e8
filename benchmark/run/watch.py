"""What has come of a fit since somebody was asked to run it."""

from __future__ import annotations

from contextlib import suppress

from ..results.folders import RECORD
from ..results.records import CellRecord
from ..results.store import Store
from .jobs import Cell, Fit


class Watch:
    """A fit, and what was stored of its cells when the watch began."""

    def __init__(self, fit: Fit, store: Store) -> None:
        self.fit, self._store = fit, store
        self._earlier = {cell.key: self._written_ns(cell) for cell in fit.cells}

    @property
    def began_afresh(self) -> bool:
        """Whether nothing was stored of its cells."""
        return not any(self._earlier.values())

    def has_ended(self) -> bool:
        """Whether every cell is there, or was tried in vain since."""
        return not self._left()

    def fail(self, reason: str) -> None:
        """Record the cells that nothing new is known about as failed."""
        for cell in self._left():
            axes = {"fit_key": self.fit.key, "fit": self.fit.axes, "axes": cell.axes}
            self._store.add_cell(CellRecord(key=cell.key, state="failed", reason=reason, **axes))

    def _left(self) -> list[Cell]:
        return [cell for cell in self.fit.cells if not self._is_over(cell)]

    def _is_over(self, cell: Cell) -> bool:
        found = self._store.cell(cell.key)
        return found is not None and (found.state == "ok" or self._written_ns(cell) != self._earlier[cell.key])

    def _written_ns(self, cell: Cell) -> int:
        """When its record was written, which tells a failure from an earlier one that was the same; 0 where there is none."""
        with suppress(FileNotFoundError):
            return (self._store.cells / cell.key / RECORD).stat().st_mtime_ns
        return 0
