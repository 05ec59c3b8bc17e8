"""Rows to tables: one for every scored set, methods down and, for sweeps, numbers of labels across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..benchmark.records import CellAxes, State
from .claims import paper_claims, sentence
from .reference import CITATION, Reference, published
from .rows import Row, row_axes

SPLIT_TITLES = {
    "train": "training set",
    "validation": "validation set",
    "off_grid": "directions between the candidates",
    "off_range": "talkers at other ranges",
}

RAISED = str.maketrans("0123456789", "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


@dataclass(frozen=True)
class Line:
    """A line of a table: one method and variant, and its row in each column of the table (None: not asked for)."""

    name: str
    method: str
    variant: str
    cells: tuple[Row | None, ...]

    @property
    def row(self) -> Row:
        """The line's only or last row, for what all of them share."""
        return next(row for row in reversed(self.cells) if row is not None)


@dataclass(frozen=True)
class Table:
    """All rows of one scored set. ``columns`` are numbers of labels where the table is a ``sweep``; else each row is a line."""

    slug: str
    protocol: str
    dataset: str
    speech: str
    scale: str
    split: str
    rows: tuple[Row, ...]
    columns: tuple[int, ...]
    lines: tuple[Line, ...]
    paper: dict[str, tuple[Reference, ...]]

    @property
    def sweep(self) -> bool:
        return bool(self.columns)

    @property
    def title(self) -> str:
        axes = self.rows[0].first.axes
        measured = "measured room" if self.rows[0].first.fit.measured else "simulated room"
        where = f"{self.dataset}, {measured}, {rt60_text(axes)}"
        return f"{SPLIT_TITLES.get(self.split, self.split)}: {where}"

    @property
    def has_accuracy(self) -> bool:
        return any(row.first.axes.counts_hits for row in self.rows)

    @property
    def has_paper_accuracy(self) -> bool:
        return any(value.accuracy_pct is not None for values in self.paper.values() for value in values)

    @property
    def floor_deg(self) -> float:
        """The least MAE that a choice among the candidates can reach; 0 where the true angles are candidates."""
        return max((row.score.floor_deg for row in self.rows if row.score), default=0.0)

    @property
    def paper_only(self) -> dict[str, tuple[Reference, ...]]:
        """The paper's values of methods that have no row here."""
        ours = {row.method for row in self.rows}
        return {method: values for method, values in self.paper.items() if method not in ours}

    @property
    def most_seeds(self) -> int:
        return max((row.seeds for row in self.rows), default=0)

    def best(self, row: Row) -> tuple[str, str]:
        """The best MAE and the best accuracy where ``row`` stands, its column or the whole table, as they are shown. Empty for
        a row with fewer seeds than others: a mean over more of them is of other speech."""
        if row.seeds < self.most_seeds:
            return "", ""
        rivals = [other for other in self.rows if other.seeds == row.seeds and (not self.sweep or other.labels == row.labels)]
        scores = [other.score for other in rivals if other.score]
        hits = [score.accuracy_pct for score in scores if score.accuracy_pct is not None]
        return mae_text(min((score.mae_deg for score in scores), default=None)), pct_text(max(hits, default=None))


def make_tables(rows: Sequence[Row]) -> list[Table]:
    """Tables in the order of their rows. Fingerprints never meet in one."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row_axes(row.first)[:-3], []).append(row)
    short = [(_slug(group), group) for group in groups.values()]
    slugs = [slug for slug, _ in short]
    return [_table(slug if slugs.count(slug) == 1 else _slug(group, long=True), group) for slug, group in short]


def _slug(group: list[Row], long: bool = False) -> str:
    fit, axes = group[0].first.fit, group[0].first.axes
    more = (fit.speech, axes.scale, f"rt{axes.rt60_s:g}", axes.protocol_fingerprint[:6]) if long else ()
    text = "_".join((axes.protocol, fit.dataset, axes.split, *more))
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in text)


def _table(slug: str, group: list[Row]) -> Table:
    fit, axes = group[0].first.fit, group[0].first.axes
    counts = sorted({row.labels for row in group})
    sweep = sum(count > 0 for count in counts) > 1
    by_line: dict[tuple[str, str, int], dict[int, Row]] = {}
    for row in group:
        by_line.setdefault((row.method, row.variant, 0 if sweep else row.labels), {})[row.labels if sweep else 0] = row
    columns = tuple(counts) if sweep else ()
    lines = tuple(
        Line(method_name(method, variant), method, variant, tuple(cells.get(column) for column in columns or (0,)))
        for (method, variant, _), cells in sorted(by_line.items())
    )
    paper = dict(published(axes.protocol, axes.split, fit.candidates_deg))
    return Table(slug, axes.protocol, fit.dataset, fit.speech, axes.scale, axes.split, tuple(group), columns, lines, paper)


def method_name(method: str, variant: str) -> str:
    """``cnn``, ``cnn (as released)``, ``vae_ssl (likelihood=normal)``."""
    return f"{method} ({variant.replace('as-released', 'as released')})" if variant else method


def mae_text(value: float | None) -> str:
    """Degrees with three digits, as in the paper."""
    return "" if value is None else f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def pct_text(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def rt60_text(axes: CellAxes, decimals: int | None = None) -> str:
    """``RT60 0.5 s``, or that nobody knows."""
    shown = f"{axes.rt60_s:g}" if decimals is None else f"{axes.rt60_s:.{decimals}f}"
    return f"RT60 {shown} s" if axes.rt60_known else "RT60 unknown"


def pair_text(mae_deg: float | None, accuracy_pct: float | None) -> str:
    return " / ".join(filter(None, (mae_text(mae_deg), pct_text(accuracy_pct))))


def left_out_text(count: int) -> str:
    if not count:
        return ""
    return f"{count} {'record' if count == 1 else 'records'} of older code or protocols not shown."


def table_notes(table: Table) -> list[str]:
    """What a reader of this one table has to know, one sentence each."""
    found = []
    if table.floor_deg > 0:
        found.append(
            f"Classifier floor: {table.floor_deg:.1f} deg. No choice among the candidate directions can have a smaller MAE, "
            "since the true angles lie between them."
        )
    if is_marked(table.rows):
        found.append("\u2020 Transductive: the method was trained on these very sequences, without their labels.")
    if any(is_tied(table, row) for row in table.rows):
        found.append(
            "\u2021 Cannot be told apart from the best of the methods with as many labels or with none: paired over clips, "
            "5 % level, corrected for the number of methods (Holm)."
        )
    if any(fewer_seeds_text(table, row) for row in table.rows):
        found.append(
            f"A raised number is that of the seeds behind an error where they are fewer than the {table.most_seeds} of others: "
            "it is no candidate for the best, and is compared on the seeds that both have."
        )
    found += [*_claim_notes(table), *_leak_note(table)]
    seeds = sorted({row.seeds for row in table.rows if row.seeds})
    if seeds and seeds != [1]:
        found.append(f"Over {' to '.join(map(str, (seeds[0], seeds[-1]) if len(seeds) > 1 else seeds))} seeds.")
    return found


def _leak_note(table: Table) -> list[str]:
    """How much of what is scored was seen with a label, at the number of labels where that is most."""
    leaks = [row.leaks for row in table.rows if row.leaks and row.labels]
    if not leaks:
        return []
    shares = [max(getattr(leak.labelled, name) for leak in leaks) for name in ("frame_pct", "clip_pct", "speaker_pct")]
    if not any(shares):
        return ["Leak-free: no sequence here shares a frame, a clip or a speaker with one that was labelled or selected on."]
    frame, clip, speaker = (f"{share:.0f} %" for share in shares)
    return [
        f"Leak: up to {frame} of these sequences share a frame with a labelled or selection sequence, {clip} the clip, "
        f"{speaker} the speaker."
    ]


def _claim_notes(table: Table) -> list[str]:
    """What this table says of each published claim about two of its methods."""
    titles = {row.method: row.first.fit.method_title for row in table.rows}
    found = []
    for claim in paper_claims():
        verdicts = [verdict for row in table.rows for verdict in row.verdicts if verdict.claim == claim]
        if verdicts:
            found.append(sentence(claim, verdicts, (titles[claim.better], titles[claim.worse])))
    return found


def is_tied(table: Table, row: Row) -> bool:
    """Whether a row cannot be told apart from the best of those that it is compared with, and is not itself the best shown."""
    if row.standing is None or row.score is None or not row.standing.tied:
        return False
    rivals = [other for other in table.rows if other.score and (not table.sweep or other.labels in (0, row.labels))]
    most = max(other.seeds for other in rivals)
    best_deg = min(other.score.mae_deg for other in rivals if other.score and other.seeds == most)
    return row.seeds < most or mae_text(row.score.mae_deg) != mae_text(best_deg)


def fewer_seeds_text(table: Table, row: Row) -> str:
    """The raised number of seeds behind a score, where others of the table have more; else empty."""
    return str(row.seeds).translate(RAISED) if row.score and row.seeds < table.most_seeds else ""


def absent(table: Table) -> list[tuple[State, str, str]]:
    """State, reason and names of the rows with a seed that did not come through, those of one reason together."""
    found: dict[tuple[State, str], list[str]] = {}
    for row in table.rows:
        if row.status != "ok":
            name = method_name(row.method, row.variant) + (f" at J = {row.labels}" if row.labels else "")
            found.setdefault((row.status, "; ".join(row.reasons)), []).append(name)
    return [(state, reason, ", ".join(names)) for (state, reason), names in found.items()]


def is_transductive(row: Row) -> bool:
    """Whether a score is for sequences that the method was trained on, be it without their labels."""
    return row.split == "train" and row.first.fit.transductive


def is_marked(rows: Iterable[Row]) -> bool:
    return any(is_transductive(row) for row in rows)


def notes(tables: Sequence[Table]) -> list[str]:
    """What a reader of all tables has to know, one paragraph each."""
    found = [
        "MAE: mean absolute error in degrees over all scored sequences of 31 frames (0.256 s). Accuracy: percentage of "
        "sequences whose estimate is the true candidate direction. Intervals: 95 % over speech clips, pooled over seeds, by "
        "Student's t with Hall's correction for skew; sequences of one clip overlap and are no independent samples. A speaker "
        "or recording that several seeds score counts once. Intervals and comparisons are about other speech for these trained "
        "models; another training run may differ by more.",
        f"Paper: {CITATION}. Its values were measured in real rooms; a simulated room here is a stand-in for one of them, "
        "not a copy, so agreement is to be expected in rank and size, not in the last digit.",
        "J is the number of labelled training sequences. As many labelled sequences of the selection set are given for "
        "choosing a model, so 2 J labels are really spent. J = 0: the method uses no labels.",
        "As released: the method as the program published with the paper computes it, known faults included; without that "
        "mark it is in its corrected form. The paper's value stands beside both.",
    ]
    if any(row.verdicts for table in tables for row in table.rows):
        found.append(
            "A claim holds where the 95 % interval of the paired difference over clips lies below 0, does not hold where it "
            "lies above, and cannot be told otherwise; each number of labels by itself, without correction for their number. "
            "Methods are judged in their default form, which is not always the paper's."
        )
    if any(table.scale == "smoke" for table in tables):
        found.insert(0, "Scale smoke is a test of the machinery on very little speech: its numbers say nothing about methods.")
    return found
