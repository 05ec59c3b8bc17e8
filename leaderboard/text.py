"""Tables as text: CSV for programs, Markdown to read and paste, LaTeX (booktabs) for a paper."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ..benchmark.metrics import signature
from ..benchmark.scoring import SIGNATURE
from .reference import Reference
from .rows import Row
from .tables import (
    RAISED,
    Table,
    absent,
    fewer_seeds_text,
    is_tied,
    is_transductive,
    left_out_text,
    mae_text,
    notes,
    pair_text,
    pct_text,
    table_notes,
)

AXES = ("protocol", "protocol_version", "scale", "dataset", "speech", "rt60_s", "split", "method", "variant", "labels")
COLUMNS = (
    *AXES,
    *("selection_labels", "seeds", "mae_deg", "mae_lo", "mae_hi", "accuracy_pct", "accuracy_lo", "accuracy_hi", "sequences"),
    *("clips", "reference_mae_deg", "reference_accuracy_pct", "fit_s", "predict_us_per_sequence", "status"),
    *("rank", "rank_lo", "rank_hi", "behind_best_deg", "behind_best_lo", "behind_best_hi", "p_holm", "tied_with_best"),
    *("median_deg", "within_10_pct", "gross_pct", "endfire_mae_deg", "nll_nats", "ece_pct", "parameters", "fit_added_rss_mb"),
    *("leak_frame_pct", "leak_clip_pct", "leak_speaker_pct", "signature"),
)

EXTRA = ("median_deg", "within_10_pct", "gross_pct", "endfire_mae_deg", "nll_nats", "ece_pct")
DOA_COLUMNS: tuple[str, ...] = (*AXES, "seeds", "true_deg", "sequences", "mae_deg", "signature")
DOA_SIGNATURE = signature("errors-by-direction", unit="sequence", seeds="pooled")


def to_csv(rows: Iterable[Row]) -> str:
    """One line per row; scores with 4 decimals, times with 2. Empty: does not apply or is not there."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_csv_row(row) for row in rows)
    return file.getvalue()


def to_doa_csv(rows: Iterable[Row]) -> str:
    """One line per row and true direction, over the sequences of all seeds."""
    file = io.StringIO()
    writer = csv.DictWriter(file, DOA_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        if row.score is not None:
            found, same = row.score.by_doa, _axes(row) | {"seeds": row.seeds, "signature": DOA_SIGNATURE}
            for true, mae, count in zip(found.true_deg, found.mae_deg, found.sequences, strict=True):
                writer.writerow(same | {"true_deg": f"{true:g}", "sequences": count, "mae_deg": _number(mae, 4)})
    return file.getvalue()


def _csv_row(row: Row) -> dict[str, object]:
    fit, score = row.first.fit, row.score
    values = _axes(row) | {
        "selection_labels": fit.selection_labels or "",
        "seeds": row.seeds,
        "status": row.status,
    }
    if score is not None:
        for name in ("mae_deg", "mae_lo", "mae_hi", "accuracy_pct", "accuracy_lo", "accuracy_hi"):
            values[name] = _number(getattr(score, name), 4)
        values |= {"sequences": score.sequences, "clips": score.clips, "parameters": score.parameters}
        values |= {name: _number(getattr(score, name), 2) for name in ("fit_s", "predict_us_per_sequence")}
        values |= {name: _number(getattr(score, name), 4) for name in EXTRA}
        values |= {"fit_added_rss_mb": _number(score.fit_added_rss_mb, 1), "signature": SIGNATURE}
    if row.standing is not None:
        standing = row.standing
        values |= {"rank": standing.rank, "rank_lo": standing.rank_lo, "rank_hi": standing.rank_hi}
        values |= {
            "behind_best_deg": _number(standing.difference_deg, 4),
            "behind_best_lo": _number(standing.difference_lo, 4),
            "behind_best_hi": _number(standing.difference_hi, 4),
            "p_holm": _number(standing.p_holm, 4),
            "tied_with_best": "yes" if standing.tied else "no",
        }
    if row.leaks is not None:
        values |= {f"leak_{name}": _number(value, 2) for name, value in row.leaks.labelled.model_dump().items()}
    if row.reference is not None:
        values["reference_mae_deg"] = f"{row.reference.mae_deg:g}"
        accuracy = row.reference.accuracy_pct
        values["reference_accuracy_pct"] = "" if accuracy is None else f"{accuracy:g}"
    return values


def _axes(row: Row) -> dict[str, object]:
    fit, axes = row.first.fit, row.first.axes
    return {
        "protocol": axes.protocol,
        "protocol_version": axes.protocol_version,
        "scale": axes.scale,
        "dataset": fit.dataset,
        "speech": fit.speech,
        "rt60_s": f"{axes.rt60_s:g}" if axes.rt60_known else "",
        "split": axes.split,
        "method": fit.method,
        "variant": fit.variant,
        "labels": fit.labels or "",
    }


def _number(value: float | None, decimals: int) -> str:
    """Empty for None and for NaN, which is no interval."""
    return "" if value is None or value != value else f"{value:.{decimals}f}"


@dataclass(frozen=True)
class Style:
    """How one kind of text marks things up; ``escape`` makes plain text safe."""

    bold: Callable[[str], str]
    quiet: Callable[[str], str]
    escape: Callable[[str], str]
    dagger: str


MARKDOWN = Style(lambda t: f"**{t}**", lambda t: f"*{t}*", lambda t: re.sub(r"([\\`*_|<>\[\]])", r"\\\1", t), " \u2020")
LATEX = Style(lambda t: f"\\textbf{{{t}}}", lambda t: f"\\textit{{{t}}}", lambda t: t.translate(_LATEX), "$^\\dagger$")

_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "\u2020": r"$^\dagger$",
        "\u2021": r"$^\ddagger$",
    }
    | {chr(raised): f"$^{chr(digit)}$" for digit, raised in RAISED.items()}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "\u2013": "--"}
)


def grid(table: Table, style: Style) -> list[list[str]]:
    """Header and lines of a table, marked up. In a sweep the paper's values have a line of their own below the method's."""
    if not table.sweep:
        return _listing(table, style)
    lines = [[style.escape("method, J ="), *(str(column) for column in table.columns)]]
    for method, group in groupby(table.lines, key=lambda line: line.method):
        for line in group:
            cells = (_sweep_cell(table, row, style) for row in line.cells)
            lines.append([_name(line.name, line.row, style), *cells])
        if method in table.paper:
            lines.append(_paper_line(method, table.paper[method], table.columns, style))
    for method, values in table.paper_only.items():
        lines.append(_paper_line(method, values, table.columns, style))
    return lines


def _marks(table: Table, row: Row, style: Style) -> str:
    """What stands behind an error: that it is tied, and its number of seeds where others have more."""
    return style.escape("\u2021" * is_tied(table, row) + fewer_seeds_text(table, row))


def _sweep_cell(table: Table, row: Row | None, style: Style) -> str:
    if row is None:
        return ""
    if row.score is None:
        return style.quiet(style.escape(row.status))
    shown = (mae_text(row.score.mae_deg), pct_text(row.score.accuracy_pct))
    best = table.best(row)
    mae, *hits = (style.bold(value) if value == top else value for value, top in zip(shown, best, strict=True) if value)
    text = " / ".join([mae + _marks(table, row, style), *hits])
    return text if row.status == "ok" else f"{text} {style.quiet(style.escape(row.status))}"


def _paper_line(method: str, values: Sequence[Reference], columns: Sequence[int], style: Style) -> list[str]:
    by_labels = {value.labels: style.quiet(pair_text(value.mae_deg, value.accuracy_pct)) for value in values}
    return [style.quiet(style.escape(f"{method}, paper")), *(by_labels.get(column, "") for column in columns)]


def _listing(table: Table, style: Style) -> list[list[str]]:
    wide, wider = table.has_accuracy, table.has_accuracy and table.has_paper_accuracy
    header = ["method", "J", "MAE", "95 %", "paper MAE"]
    header += ["accuracy %", "95 %"] * wide + ["paper accuracy %"] * wider + ["status"]
    lines = [[style.escape(title) for title in header]]
    for line in table.lines:
        row, score, paper = line.row, line.row.score, line.row.reference
        best_mae, best_accuracy = table.best(row)
        mae, accuracy = mae_text(score and score.mae_deg), pct_text(score and score.accuracy_pct)
        values = [
            (style.bold(mae) if mae and mae == best_mae else mae) + _marks(table, row, style),
            style.escape(interval_text(score.mae_lo, score.mae_hi, mae_text)) if score else "",
            style.quiet(mae_text(paper.mae_deg)) if paper else "",
        ]
        if wide:
            values += [
                style.bold(accuracy) if accuracy and accuracy == best_accuracy else accuracy,
                style.escape(interval_text(score.accuracy_lo, score.accuracy_hi, pct_text)) if score else "",
            ]
        if wider:
            values.append(_quiet_pct(paper, style))
        lines.append([_name(line.name, row, style), str(row.labels), *values, style.escape(row.status)])
    for method, references in table.paper_only.items():
        for value in references:
            if value.labels in {0, *(row.labels for row in table.rows)}:
                values = [
                    "",
                    "",
                    style.quiet(mae_text(value.mae_deg)),
                    *[""] * (2 * wide),
                    *[_quiet_pct(value, style)] * wider,
                    "",
                ]
                lines.append([style.quiet(style.escape(f"{method}, paper only")), str(value.labels), *values])
    return lines


def _quiet_pct(paper: Reference | None, style: Style) -> str:
    return style.quiet(pct_text(paper.accuracy_pct)) if paper and paper.accuracy_pct is not None else ""


def interval_text(low: float | None, high: float | None, show: Callable[[float | None], str]) -> str:
    """``3.1 - 4.4``; empty where there is no interval."""
    return "" if low is None or high is None or low != low or high != high else f"{show(low)}\u2013{show(high)}"


def _name(name: str, row: Row, style: Style) -> str:
    return style.escape(name) + (style.dagger if is_transductive(row) else "")


def absent_lines(table: Table) -> list[str]:
    """Why something is not there: ``failed: cnn at J = 988 (the loss is nan at step 40)``."""
    return [f"{state}: {names} ({reason})" for state, reason, names in absent(table)]


def to_markdown(tables: Sequence[Table], left_out: int) -> str:
    """All tables with what they need to be understood."""
    parts = ["# doabench leaderboard", "MAE in degrees, accuracy in %. The best of each column is bold."]
    parts += ["The paper's values are in italics.", left_out_text(left_out), "" if tables else "No results yet."]
    for table in tables:
        first, *rest = grid(table, MARKDOWN)
        lines = [first, [":--", *("--:" for _ in first[1:])], *rest]
        parts += [f"## {table.protocol}, {table.title}", f"Speech {table.speech}, scale {table.scale}."]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
        parts += [MARKDOWN.escape(note) for note in table_notes(table)]
        parts.append("\n".join(f"- {MARKDOWN.escape(line)}" for line in absent_lines(table)))
    parts += ["## Notes", *(MARKDOWN.escape(note) for note in notes(tables))]
    return "\n\n".join(filter(None, parts)) + "\n"


def to_latex(tables: Sequence[Table], left_out: int) -> str:
    """One ``table`` environment each, for ``\\input`` in a document with ``\\usepackage{booktabs}``."""
    parts = ["% doabench leaderboard; needs \\usepackage{booktabs}"]
    parts += [f"% {left_out_text(left_out)}"] if left_out else []
    for table in tables:
        first, *rest = grid(table, LATEX)
        caption = f"{table.protocol}, {table.title}. Speech {table.speech}, scale {table.scale}. MAE in degrees"
        caption += " / accuracy in %" if table.sweep and table.has_accuracy else ""
        caption += ". The paper's values in italics. " + " ".join((*table_notes(table), *absent_lines(table)))
        body = [" & ".join(line) + r" \\" for line in rest]
        parts.append(
            "\n".join(
                [
                    r"\begin{table}",
                    r"\centering\footnotesize",
                    f"\\caption{{{LATEX.escape(caption.strip())}}}",
                    f"\\label{{tab:{table.slug.replace('_', '-')}}}",
                    f"\\begin{{tabular}}{{l{'r' * (len(first) - 1)}}}",
                    r"\toprule",
                    " & ".join(first) + r" \\",
                    r"\midrule",
                    *body,
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table}",
                ]
            )
        )
    return "\n\n".join(parts) + "\n"
