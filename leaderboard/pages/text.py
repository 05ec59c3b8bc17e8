"""Tables as text: CSV for programs, Markdown to read and paste, LaTeX (booktabs) for a paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress, groupby

from ..analysis.cells import Cell, Number
from ..analysis.reference import Reference
from ..analysis.tables import Line, Table
from ..format import RAISED, mae_text, one_line, pair_text, pct_text, raised
from .notes import absent, left_out_text, marked, notes, table_notes


@dataclass(frozen=True)
class Style:
    """How one kind of text marks things up; ``escape`` makes plain text safe."""

    bold: Callable[[str], str]
    quiet: Callable[[str], str]
    escape: Callable[[str], str]
    dagger: str


_MARKDOWN = re.compile(r"([\\`*_|<>\[\]]|&(?=#?\w+;))")
MARKDOWN = Style(lambda t: f"**{t}**", lambda t: f"*{t}*", lambda t: _MARKDOWN.sub(r"\\\1", one_line(t)), " \u2020")
LATEX = Style(lambda t: f"\\textbf{{{t}}}", lambda t: f"\\textit{{{t}}}", lambda t: _latex(t), "$^\\dagger$")

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


def _latex(text: str) -> str:
    """The end of a row would take a bracket or a star behind it for its own."""
    plain = one_line(text).translate(_LATEX)
    return f"{{}}{plain}" if plain.lstrip().startswith(("[", "*")) else plain


def grid(table: Table, style: Style) -> list[list[str]]:
    """Header and lines of a table, marked up. In a sweep the paper's values have a line of their own below the method's."""
    return _sweep(table, style) if table.sweep else _listing(table, style)


def _sweep(table: Table, style: Style) -> list[list[str]]:
    lines = [[style.escape("method, J ="), *(str(column) for column in table.columns)]]
    for method, group in groupby(table.lines, key=lambda line: line.row.method):
        of_method = list(group)
        lines += [[_name(line, style), *(_pair(cell, style) for cell in line.cells)] for line in of_method]
        if method in table.paper and method not in table.paper_only:
            lines.append(_paper_line(table, method, style))
    return lines + [_paper_line(table, method, style) for method in table.paper_only]


def _paper_line(table: Table, method: str, style: Style) -> list[str]:
    values = (style.quiet(pair_text(value.mae_deg, value.accuracy_pct)) if value else "" for value in table.paper_cells(method))
    return [style.quiet(style.escape(f"{method}, paper")), *values]


def _pair(cell: Cell | None, style: Style) -> str:
    """``3.56 / 76.0`` in a sweep, with marks and what did not run."""
    if cell is None:
        return ""
    numbers = [_error(cell, style), _number(cell.accuracy, style)]
    state = "" if cell.row.status == "ok" else style.quiet(style.escape(cell.row.status))
    return " ".join(filter(None, (" / ".join(filter(None, numbers)), state)))


def _number(number: Number | None, style: Style) -> str:
    if number is None:
        return ""
    return style.bold(number.text) if number.best else number.text


def _error(cell: Cell, style: Style) -> str:
    """An error and what stands behind it: that it is tied, and its number of seeds where others have more."""
    seeds = raised(cell.fewer_seeds) if cell.fewer_seeds else ""
    return _number(cell.mae, style) + style.escape("\u2021" * cell.tied + seeds)


def _listing(table: Table, style: Style) -> list[list[str]]:
    shown = [True, *[table.has_accuracy] * 2, table.has_accuracy and table.has_paper_accuracy]
    heads = ["paper MAE", "accuracy %", "95 %", "paper accuracy %"]
    header = ["method", "J", "MAE", "95 %", *compress(heads, shown), "status"]
    lines = [[style.escape(title) for title in header]]
    for line in table.lines:
        row, mae, accuracy = line.cell.row, line.cell.mae, line.cell.accuracy
        mae_deg, accuracy_pct = _paper_pair(row.reference, style)
        further = [mae_deg, _number(accuracy, style), style.escape(accuracy.interval if accuracy else ""), accuracy_pct]
        values = [_error(line.cell, style), style.escape(mae.interval if mae else ""), *compress(further, shown)]
        lines.append([_name(line, style), str(row.labels), *values, style.escape(row.status)])
    labels = {0, *(row.labels for row in table.rows)}
    for method, value in ((method, value) for method, values in table.paper_only.items() for value in values):
        if value.labels in labels:
            mae_deg, accuracy_pct = _paper_pair(value, style)
            name = style.quiet(style.escape(f"{method}, paper only"))
            lines.append([name, str(value.labels), "", "", *compress([mae_deg, "", "", accuracy_pct], shown), ""])
    return lines


def _paper_pair(value: Reference | None, style: Style) -> tuple[str, str]:
    """The paper's MAE and accuracy."""
    texts = (mae_text(value.mae_deg), pct_text(value.accuracy_pct)) if value else ("", "")
    mae_deg, accuracy_pct = (style.quiet(text) if text else "" for text in texts)
    return mae_deg, accuracy_pct


def _name(line: Line, style: Style) -> str:
    return style.escape(marked(line.row.name, line.row.origin)) + (style.dagger if line.transductive else "")


def absent_lines(table: Table) -> list[str]:
    """Why something is not there: ``failed: cnn at J = 988 (the loss is nan at step 40)``."""
    return [f"{state}: {names} ({reason})" for state, reason, names in absent(table)]


def to_markdown(tables: Sequence[Table], left_out: int) -> str:
    """All tables with what they need to be understood."""
    parts = ["# doabench leaderboard", "MAE in degrees, accuracy in %. The best of each column is bold."]
    parts += ["The paper's values are in italics.", left_out_text(left_out), "" if tables else "No results yet."]
    parts += [table_markdown(table) for table in tables]
    parts += ["## Notes", *(MARKDOWN.escape(note) for note in notes(tables))]
    return "\n\n".join(filter(None, parts)) + "\n"


def table_markdown(table: Table) -> str:
    """One table with its heading and what is said of it alone."""
    first, *rest = grid(table, MARKDOWN)
    lines = [first, [":--", *("--:" for _ in first[1:])], *rest]
    said = [f"{table.protocol}, {table.title}", f"Speech {table.speech}, scale {table.scale}."]
    parts = [f"{mark}{MARKDOWN.escape(text)}" for mark, text in zip(("## ", ""), said, strict=True)]
    parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts += [MARKDOWN.escape(note) for note in table_notes(table)]
    parts.append("\n".join(f"- {MARKDOWN.escape(line)}" for line in absent_lines(table)))
    return "\n\n".join(filter(None, parts))


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
