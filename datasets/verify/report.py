"""What `doabench data verify` says of a room."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

import click
import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from ...benchmark.dataset import SAMPLE_RATE_HZ, Condition, Position, PositionKind, Room
from .._convolution import ImpulseResponseRoom
from .._measured import MeasuredRoom
from .._recorded import RecordedRoom
from .measure import Measurements
from .recordings import verify_recordings
from .responses import GROSS, TELL_NOTHING, Finding, verify


@dataclass(frozen=True)
class Report:
    """One condition of a room: its positions of all kinds but unseen, or those of its recordings one by one, what was found
    and measured there, and ``label_s``, the RT60 that somebody has given."""

    condition: Condition
    positions: tuple[Position, ...]
    findings: list[Finding]
    measured: Measurements
    label_s: float | None
    what: str = "responses"

    def places(self, finding: Finding) -> str:
        """The positions of a finding, for people."""
        if len(finding.positions) == len(self.positions):
            return "all positions"
        at = [self.positions[index] for index in finding.positions]
        places = list(dict.fromkeys(f"{position.doa_deg:g} deg at {position.range_m:g} m" for position in at))
        return ", ".join(places[:4]) + (f" and {len(places) - 4} more" if len(places) > 4 else "")

    def is_gross(self, kind: str) -> bool:
        """Whether a kind of finding leaves no direction what it is called. Another spacing does where it moves the delay of a
        position by more than a sample: responses with delays of whole samples are off by half of one. So do channels that tell
        no direction, where it is all of them."""
        if kind == "spacing":
            moved_s = abs(1 - 1 / max(abs(self.measured.scale), 1e-9)) * np.nanmax(np.abs(self.measured.tdoa_s))
            return bool(moved_s > 1 / SAMPLE_RATE_HZ)
        mute = {index for finding in self.findings if finding.kind in TELL_NOTHING for index in finding.positions}
        return kind in GROSS or (kind in TELL_NOTHING and len(mute) == len(self.positions))

    def summary(self) -> dict[str, str]:
        """Column titles and what stands under them, over positions."""
        shown = self.measured
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            return {
                "\nn": str(len(self.positions)),
                "peak\ndB": f"{20 * np.log10(shown.peak.max()):.1f}",
                "gain\ndB": f"{np.nanmedian(shown.gain_db):+.1f}",
                "direct\ndB": f"{np.nanmedian(shown.direct_db):+.1f}",
                "RT60\ns": f"{np.nanmedian(shown.rt60_s):.2f}",
                "label\ns": f"{self.label_s:.2f}" if self.label_s else "-",
                "delay\nx": f"{shown.scale:.3f}",
                "offset\nus": f"{1e6 * shown.offset_s:+.1f}",
                "misfit\nus": f"{1e6 * np.nanmax(np.abs(shown.residual_s)):.1f}",
            }

    def as_json(self) -> dict[str, Any]:
        """All of it, null where nothing can be measured."""
        columns = {name: value.tolist() for name, value in vars(self.measured).items() if isinstance(value, np.ndarray)}
        positions = [
            vars(position) | {name: _no_nan(value[index]) for name, value in columns.items()}
            for index, position in enumerate(self.positions)
        ]
        fit = {"scale": _no_nan(self.measured.scale), "offset_s": _no_nan(self.measured.offset_s)}
        condition = vars(self.condition) | {"rt60_s": self.label_s}
        return condition | fit | {"findings": [vars(finding) for finding in self.findings], "positions": positions}


def _no_nan(value: Any) -> Any:
    if isinstance(value, list):
        return [_no_nan(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def verify_room(room: Room) -> list[Report]:
    """A report for every condition; none for a room that has neither responses nor recordings of its own. Raises UserError
    where they cannot be read."""
    if isinstance(room, ImpulseResponseRoom):
        return [_of_responses(room, condition) for condition in room.conditions]
    if isinstance(room, RecordedRoom):
        return [_of_recordings(room, condition) for condition in room.conditions]
    return []


def _of_responses(room: ImpulseResponseRoom, condition: Condition) -> Report:
    # unseen ones are of other rooms and conditions, or stand here under another kind
    kinds = [kind for kind in get_args(PositionKind) if kind != "unseen" and room.positions(kind)]
    stacks = [room.responses(condition.name, kind) for kind in kinds]
    longest = max(stack.shape[2] for stack in stacks)
    responses = np.concatenate([np.pad(stack, ((0, 0), (0, 0), (0, longest - stack.shape[2]))) for stack in stacks])
    positions = tuple(position for kind in kinds for position in room.positions(kind))
    angles, ranges = [p.doa_deg for p in positions], [p.range_m for p in positions]
    label_s = room.nominal_rt60_s.get(condition.name) if isinstance(room, MeasuredRoom) else condition.rt60_s
    return Report(condition, positions, *verify(responses, angles, ranges, room.spacing_m, label_s), label_s)


def _of_recordings(room: RecordedRoom, condition: Condition) -> Report:
    takes = [take for take in room.takes if take.condition == condition.name]
    positions = tuple(take.position for take in takes)
    found = verify_recordings((take.read() for take in takes), [p.doa_deg for p in positions], room.spacing_m)
    return Report(condition, positions, *found, condition.rt60_s or None, what="recordings")


class Told(NamedTuple):
    """A fault's kind; where it is in which conditions, what it is and what to do about it; and whether it is a gross one."""

    kind: str
    line: str
    gross: bool


def told(reports: list[Report]) -> list[Told]:
    """Each fault of a room once."""
    faults: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for report in reports:
        for finding in report.findings:
            key = finding.kind, report.places(finding), finding.todo
            faults.setdefault(key, []).append((report.condition.name, finding.found))
    lines = []
    for (kind, places, todo), shown in faults.items():
        named = dict.fromkeys(condition for condition, _ in shown)
        conditions = "" if len(named) == len(reports) else f", {', '.join(named)}"
        gross = any(report.is_gross(kind) for report in reports if report.condition.name in named)
        lines.append(Told(kind, f"({places}{conditions}): {shown[0][1]}; {todo}", gross))
    return lines


def show(name: str, reports: list[Report]) -> None:
    """One row per condition, then one line per fault, with the conditions and positions that show it."""
    table = Table("\ncondition", *(Column(title, justify="right") for title in reports[0].summary()), box=SIMPLE, title=name)
    for report in reports:
        table.add_row(
            report.condition.name, *(text.replace("+nan", "-").replace("nan", "-") for text in report.summary().values())
        )
    Console().print(table)
    faults = told(reports)
    for kind, line, _ in faults:
        click.echo(f"{click.style(kind, fg='red')} {line}")
    if not faults:
        click.echo(
            f"{name}: {click.style('nothing wrong', fg='green')} in {sum(len(r.positions) for r in reports)} {reports[0].what}"
        )
