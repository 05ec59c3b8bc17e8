"""Tables as text: CSV for programs, Markdown to read and paste, LaTeX (booktabs) for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...benchmark.results.catalogue import ACCURACY, MAE
from ..analysis.reference import Reference
from ..analysis.rows import Row
from ..analysis.tables import Table
from ..format import RAISED, interval_text, mae_text, pair_text, pct_text
from .notes import absent, fewer_seeds_text, is_tied, is_transductive, left_out_text, notes, table_notes


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
            style.escape(interval_text(MAE, score.mae_deg)) if score else "",
            style.quiet(mae_text(paper.mae_deg)) if paper else "",
        ]
        if wide:
            values += [
                style.bold(accuracy) if accuracy and accuracy == best_accuracy else accuracy,
                style.escape(interval_text(ACCURACY, score.accuracy_pct)) if score else "",
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
