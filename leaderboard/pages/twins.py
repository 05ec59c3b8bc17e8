"""Whether simulated rooms predict measured ones, as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from ...benchmark.results.statistics import RESAMPLES
from ..analysis.twins import SIGNATURE, Agreement, Entry
from ..format import csv_cell
from .text import LATEX, MARKDOWN

TITLE = "Do the simulated rooms predict the measured ones?"

ABOUT = (
    "Kendall's tau-b between the errors (MAE) of the same methods in a simulated and in a measured room: 1 where both put them "
    "in the same order, -1 where one reverses it, 0 where neither tells anything of the other. Learned methods are matched by "
    "the nominal number of labels n, since J differs between grids; methods without labels count at every n. With all n "
    "together, a method with few labels is also held against itself with more. The interval is 95 % over clips "
    f"({RESAMPLES} bootstrap draws of the clips of both rooms, the same for all methods). It does not cover the choice of "
    "methods: others may agree better or worse."
)

HEADS = ("Protocol", "Scored set", "Simulated", "Measured", "n", "Methods", "Compared", "Tau", "95 %")


def to_csv(found: Sequence[Agreement]) -> str:
    """One line for each agreement; ``compared`` spells its entries out."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    places = ("protocol", "protocol_version", "scale", "split", "simulated", "measured", "speech", "n", "methods", "entries")
    writer.writerow([*places, "tau_b", "tau_b_lo", "tau_b_hi", "simulated_clips", "measured_clips", "compared", "signature"])
    for one in found:
        table = one.simulated
        place = [table.protocol, table.rows[0].first.axes.protocol_version, table.scale, table.split, table.dataset]
        place += [one.measured.dataset, table.speech, "all" if one.n is None else one.n, one.methods, len(one.entries)]
        tau = (one.tau.mean, one.tau.low, one.tau.high)
        values = ["" if np.isnan(value) else f"{value:.4f}" for value in tau]
        writer.writerow(
            [*map(csv_cell, place), *values, *one.clips, csv_cell("; ".join(map(_entry_text, one.entries))), SIGNATURE]
        )
    return file.getvalue()


def to_markdown(found: Sequence[Agreement]) -> str:
    """The section; empty where there is nothing to say."""
    if not found:
        return ""
    lines = [HEADS, ("---",) * len(HEADS), *(one.texts for one in found)]
    table = "\n".join(f"| {' | '.join(map(MARKDOWN.escape, line))} |" for line in lines)
    return f"\n## {TITLE}\n\n{MARKDOWN.escape(ABOUT)}\n\n{table}\n"


def to_latex(found: Sequence[Agreement]) -> str:
    """The same as one ``table`` environment."""
    if not found:
        return ""
    heads, *lines = (" & ".join(map(LATEX.escape, line)) + r" \\" for line in (HEADS, *(one.texts for one in found)))
    begin = [
        r"\begin{table}",
        r"\centering\footnotesize",
        f"\\caption{{{LATEX.escape(f'{TITLE} {ABOUT}')}}}",
        r"\label{tab:twins}",
    ]
    body = [f"\\begin{{tabular}}{{{'l' * 4}{'r' * (len(HEADS) - 4)}}}", r"\toprule", heads, r"\midrule", *lines, r"\bottomrule"]
    return "\n" + "\n".join([*begin, *body, r"\end{tabular}", r"\end{table}"]) + "\n"


def _entry_text(entry: Entry) -> str:
    name, n = entry
    return name + (f" n={n}" if n else "")
