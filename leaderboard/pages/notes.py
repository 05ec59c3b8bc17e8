"""What a reader has to know beside the numbers, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ...benchmark.results.records import State
from ..analysis.claims import OUTCOMES, Claim, Verdict, paper_claims
from ..analysis.reference import CITATION
from ..analysis.tables import Table
from ..format import method_name


def sentence(claim: Claim, verdicts: Sequence[Verdict], titles: tuple[str, str]) -> str:
    """``VAE-SSL below CNN (source): holds at J = 247 (-5.73 deg [-6.49, -4.97]) and J = 988 (...); cannot be told at ...``"""
    parts = []
    for outcome in OUTCOMES:
        at = [str(verdict) for verdict in verdicts if verdict.outcome == outcome]
        if at:
            joined = " and ".join(filter(None, (", ".join(at[:-1]), at[-1])))
            parts.append(f"{outcome} {'at ' if joined.startswith('J') else ''}{joined}")
    return f"{titles[0]} below {titles[1]} ({claim.source}): {'; '.join(parts)}."


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
    if any(line.transductive for line in table.lines):
        found.append("\u2020 Transductive: the method was trained on these very sequences, without their labels.")
    if any(cell.tied for cell in table.cells):
        found.append(
            "\u2021 Cannot be told apart from the best of the methods with as many labels or with none: paired over clips, "
            "5 % level, corrected for the number of methods (Holm)."
        )
    if any(cell.fewer_seeds for cell in table.cells):
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


def absent(table: Table) -> list[tuple[State, str, str]]:
    """State, reason and names of the rows with a seed that did not come through, those of one reason together."""
    found: dict[tuple[State, str], list[str]] = {}
    for row in table.rows:
        if row.status != "ok":
            name = method_name(row.method, row.variant) + (f" at J = {row.labels}" if row.labels else "")
            found.setdefault((row.status, "; ".join(row.reasons)), []).append(name)
    return [(state, reason, ", ".join(names)) for (state, reason), names in found.items()]


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
