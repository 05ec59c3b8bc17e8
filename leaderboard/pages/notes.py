"""What a reader has to know beside the numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...benchmark.protocol import label_count
from ...benchmark.results.records import State
from ..analysis.claims import OUTCOMES, Claim, Verdict, paper_claims
from ..analysis.reference import CITATION
from ..analysis.rows import largest_shares
from ..analysis.shipped import Origin, command
from ..analysis.tables import Table


def sentence(claim: Claim, names: tuple[str, str], verdicts: Sequence[Verdict], asked: Iterable[int]) -> str:
    """``vae_ssl (as published) below cnn (as released) (source): holds at J = 247 (-5.73 deg [-6.49, -4.97]) and J = 988 (...);
    cannot be told at ...; not run at J = 114``, that is at numbers of labels ``asked`` for without a verdict."""
    parts = []
    for outcome in OUTCOMES:
        at = [str(verdict) for verdict in verdicts if verdict.outcome == outcome]
        if at:
            joined = " and ".join(filter(None, (", ".join(at[:-1]), at[-1])))
            parts.append(f"{outcome} {'at ' if joined.startswith('J') else ''}{joined}")
    if missing := sorted(set(asked) - {verdict.labels for verdict in verdicts}):
        parts.append(f"not run at J = {', '.join(map(str, missing))}")
    what = f"{names[0]} below {names[1]}"
    if claim.worse_n:
        what = f"{what} with n = {claim.worse_n} labels"
    return f"{what} ({claim.source}): {'; '.join(parts)}."


def marked(name: str, origin: Origin) -> str:
    """A row's name with where it comes from, if that is not a run of one's own."""
    return name if origin.name == "own" else f"{name} [{origin.text}]"


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
    if any(row.origin.name == "predictions" for row in table.rows):
        found.append(
            "[predictions] The answers were made elsewhere and scored here like all others; nothing proves that the method saw "
            "no more than the export gives, and its costs are not known. Shares with training are those of the export."
        )
    if any(line.transductive for line in table.lines):
        found.append("\u2020 Transductive: the method was trained on these very sequences, without their labels.")
    if any(cell.tied for cell in table.cells):
        found.append(
            "\u2021 Cannot be told apart from the best of the methods with as many labels or with none: paired over what "
            "intervals are over, 5 % level, corrected for the number of methods (Bonferroni), since the same errors say which "
            "is the best."
        )
    if any(cell.fewer_seeds for cell in table.cells):
        found.append(
            f"A raised number is that of the seeds behind an error where they are fewer than the {table.most_seeds} of others: "
            "it is no candidate for the best, and is compared on the seeds that both have."
        )
    found += [*_claim_notes(table), *_leak_note(table), *_shipped_notes(table), *_doubts(table)]
    seeds = sorted({row.seeds for row in table.rows if row.seeds})
    if seeds and seeds != [1]:
        found.append(f"Over {' to '.join(map(str, (seeds[0], seeds[-1]) if len(seeds) > 1 else seeds))} seeds.")
    return found


def _leak_note(table: Table) -> list[str]:
    """How much of what is scored was seen with a label, at the number of labels where that is most."""
    most = largest_shares(table.rows)
    if most is None:
        return []
    shares = list(most.model_dump().values())
    if not any(shares) and None not in shares:
        return ["Leak-free: no sequence here shares a frame, clip, speaker or room response with a labelled or selection one."]
    frame, clip, speaker, response = ("? %" if share is None else f"{share:.0f} %" for share in shares)
    return [
        f"Leak: up to {frame} of these sequences share a frame with a labelled or selection sequence, {clip} the clip, "
        f"{speaker} the speaker, {response} the room response."
    ]


def _doubts(table: Table) -> list[str]:
    """What is wrong with the room's files, and which answers do not seem to be degrees."""
    records = [row.first for row in table.rows]
    findings = dict.fromkeys(line for record in records for line in record.findings)
    hints = dict.fromkeys(f"{record.fit.name}: {record.hint}" for record in records if record.hint)
    return [*(f"Found in the room's files: {line}." for line in findings), *(f"Look at {line}." for line in hints)]


def _claim_notes(table: Table) -> list[str]:
    """What this table says of each published claim, for every two rows of methods as they were published; where there are none,
    that they were not run, if the claim is about this table."""
    found = []
    for claim in paper_claims():
        asked, by_names = _asked(claim, table), dict[tuple[str, str], list[Verdict]]()
        for verdict in (verdict for row in table.rows for verdict in row.verdicts if verdict.claim == claim):
            by_names.setdefault((verdict.better, verdict.worse), []).append(verdict)
        if asked and not by_names:
            by_names[f"{claim.better} as published", claim.worse] = []
        found += [sentence(claim, names, verdicts, asked) for names, verdicts in by_names.items()]
    return found


def _asked(claim: Claim, table: Table) -> list[int]:
    """The numbers of labels at which the paper makes a claim about this scored set."""
    if claim.worse not in table.paper or (claim.protocols and table.protocol not in claim.protocols):
        return []
    least = label_count(claim.from_n, len(table.rows[0].first.fit.candidates_deg))
    counts = [value.labels for value in table.paper.get(claim.better, ()) if value.labels >= least]
    return counts[:1] if claim.worse_n else counts


def _shipped_notes(table: Table) -> list[str]:
    """Where shipped rows were made, how to make them again, and which of them today's code would not give again."""
    found = []
    for row in (row for row in table.rows if row.origin.name == "shipped"):
        place, name = row.first.environment, f"{row.name} at J = {row.labels}"
        made = f"commit {place.get('commit', '?')[:10]}, {place.get('cpu', '?')}, {place.get('device', '?')}"
        if row.origin.outdated:
            found.append(
                f"Outdated, and compared with nothing: {name}. Today's code gives other numbers: {row.origin.outdated}."
            )
        found.append(f"Shipped: {name} comes with the suite ({made}). To make it again: {command(row.first)}")
    return found


def absent(table: Table) -> list[tuple[State, str, str]]:
    """State, reason and names of the rows with a seed that did not come through, those of one reason together."""
    found: dict[tuple[State, str], list[str]] = {}
    for row in table.rows:
        if row.status != "ok":
            name = row.name + (f" at J = {row.labels}" if row.labels else "")
            found.setdefault((row.status, "; ".join(row.reasons)), []).append(name)
    return [(state, reason, ", ".join(names)) for (state, reason), names in found.items()]


def notes(tables: Sequence[Table]) -> list[str]:
    """What a reader of all tables has to know, one paragraph each."""
    found = [
        "MAE: mean absolute error in degrees over all scored sequences of 31 frames (0.256 s). Accuracy: percentage of "
        "sequences whose estimate is the true candidate direction. Intervals and comparisons: 95 % over "
        "speech clips, by the studentised bootstrap; sequences of one clip overlap and are no independent samples. A speaker "
        "or recording that several seeds score counts once. At unseen places they are over places as well. Over several seeds "
        "they are over fits as well, each with training data of its own, and few fits make them wide. With one seed they take "
        "the fit as fixed and are about other speech for these trained models; another training run may differ by more.",
        f"Paper: {CITATION}. Its values were measured in real rooms; a simulated room here is a stand-in for one of them, "
        "not a copy, so agreement is to be expected in rank and size, not in the last digit.",
        "J is the number of labelled training sequences. As many labelled sequences of the selection set are given for "
        "choosing a model, so 2 J labels are really spent. J = 0: the method uses no labels.",
        "As published: the method as its publication describes it. As released: as the program published with the paper "
        "computes it, known faults included. Only these, and methods that have no other form, stand beside the paper's values "
        "and are judged by its claims. Suite's recipe: another model or another training than the publication's; docs/paper.md "
        "lists the differences. Without a mark a method is in its corrected form.",
    ]
    if any(row.verdicts for table in tables for row in table.rows):
        found.append(
            "A claim holds where the paired difference is below 0 for sure, does not hold where it is above, and cannot be "
            "told otherwise: at the 5 % level for all numbers of labels together (Holm). The 95 % interval beside a difference "
            "is of that number of labels by itself. Where nothing was run nothing is claimed."
        )
    if any(table.scale == "smoke" for table in tables):
        found.insert(0, "Scale smoke is a test of the machinery on very little speech: its numbers say nothing about methods.")
    return found
