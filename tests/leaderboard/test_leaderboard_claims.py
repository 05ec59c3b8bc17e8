"""How rows of the leaderboard are held against each other: ties with the best, and published claims."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from doabench.benchmark.plugins.registry import METHODS
from doabench.benchmark.results.scoring import score
from doabench.benchmark.results.statistics import Estimate
from doabench.leaderboard.analysis.claims import OUTCOMES, Claim, Verdict, paper_claims
from doabench.leaderboard.analysis.clips import Clips
from doabench.leaderboard.analysis.comparison import verdicts_by_entry
from doabench.leaderboard.analysis.rows import Row, make_row
from scipy import stats
from support.leaderboard_files import GRID, HITS, add, build, cell, own_html, predictions, table_of, text_of


def test_methods_are_compared_on_the_sequences_that_both_have(tmp_path: Path) -> None:
    true = [0.0] * 40
    add(tmp_path, cell("a", "srp_phat"), [10.0] * 20 + [20.0] * 20, true)
    add(tmp_path, cell("b", "music"), [11.0] * 20 + [21.0] * 20, true)
    add(tmp_path, cell("c", "cnn", labels=988), [12.0] * 20 + [19.0] * 20, true)
    rows = table_of(tmp_path).set_index("method")
    assert rows["rank"].astype(int).to_dict() == {"srp_phat": 1, "music": 3, "cnn": 2}
    assert rows["behind_best_deg"].astype(float).to_dict() == {"srp_phat": 0.0, "music": 1.0, "cnn": 0.5}
    assert rows["tied_with_best"].to_dict() == {"srp_phat": "yes", "music": "no", "cnn": "yes"}
    md = text_of(tmp_path, "md")
    assert "\n‡ Cannot be told apart from the best of the methods" in md
    shown = re.findall(r"\| (\w+) \| \d+ \| (\S+) \|", md.replace("\\_", "_"))
    assert shown == [("cnn", "15.5‡"), ("music", "16.0"), ("srp_phat", "**15.0**")]
    assert re.findall(r"cnn & 988 & (\S+)", text_of(tmp_path, "tex")) == [r"15.5$^\ddagger$"]
    page = own_html(text_of(tmp_path, "html"))
    assert page.count('title="Cannot be told apart from the best">‡') == 1
    assert '15.5</b><abbr class="dagger"' in page


def test_a_row_with_fewer_seeds_takes_no_seeds_from_the_others(tmp_path: Path) -> None:
    """Errors of srp_phat 2, 9, 9 in seeds 0 to 2, of music 3, 4, 4, of norm_music 2.5 in seed 0 alone."""
    errors = {"srp_phat": (2.0, 9.0, 9.0), "music": (3.0, 4.0, 4.0), "norm_music": (2.5,)}
    for method, of_seeds in errors.items():
        for seed, error in enumerate(of_seeds):
            add(tmp_path, cell(f"{method}{seed}", method, seed=seed, scored_digest=f"draw {seed}"), [error] * 4, [0.0] * 4)
    rows = table_of(tmp_path).set_index("method")
    assert rows["rank"].astype(int).to_dict() == {"srp_phat": 2, "music": 1, "norm_music": 2}
    assert rows["behind_best_deg"].astype(float).to_dict() == {"srp_phat": 3.0, "music": 0.0, "norm_music": -0.5}
    md = text_of(tmp_path, "md").replace("\\_", "_")
    assert dict(re.findall(r"\| (\w+) \| 0 \| (\S+) \|", md)) == {
        "srp_phat": "6.67‡",
        "music": "**3.67**",
        "norm_music": "2.50¹",
    }
    assert "fewer than the 3 of others" in md
    assert r"2.50$^1$" in text_of(tmp_path, "tex")
    page = own_html(text_of(tmp_path, "html"))
    assert 'others have">¹</abbr>' in page
    assert re.findall(r'<b class="best">(.*?)</b>', page)[0] == "3.67"


def test_in_a_sweep_ties_are_with_the_best_of_as_many_labels_or_none(tmp_path: Path) -> None:
    true = [0.0] * 40
    for labels, errors in ((114, (20.0, 30.0)), (988, (10.0, 21.0))):
        add(tmp_path, cell(f"c{labels}", "cnn", labels=labels), [errors[0]] * 20 + [errors[1]] * 20, true)
        add(tmp_path, cell(f"r{labels}", "rtf_1nn", labels=labels), [errors[0] + 1] * 20 + [errors[1] + 1] * 20, true)
    add(tmp_path, cell("s", "srp_phat"), [10.0] * 20 + [20.0] * 20, true)
    build(tmp_path)
    # at J = 114 all are worse than srp_phat by the same in both clips; at 988 cnn by 0 and 1, rtf_1nn by 1 and 2
    text = text_of(tmp_path, "md").replace("\\_", "_")
    assert "| cnn |  | **25.0** / **0.0** | **15.5**‡ / **0.0** |" in text
    assert "| rtf_1nn |  | 26.0 / **0.0** | 16.5‡ / **0.0** |" in text
    assert "| srp_phat | **15.0** / **0.0** |  |  |" in text


CLAIM = "the paper's claim, Tables 2 and 3"


def test_tables_say_which_published_claims_hold(tmp_path: Path) -> None:
    # errors by clip: vae_ssl 0, 0 at J = 247 and 20, 20 at 988; cnn 10, 10; srp_phat 10, 0. Two clips that differ by 10 have a
    # half-width of 12.7062 * 7.0711 / sqrt(2) = 63.53
    add(tmp_path, cell("a", "vae_ssl", "as-published", labels=247))
    add(tmp_path, cell("b", "vae_ssl", "as-published", labels=988), [20.0, 30.0, 40.0, 50.0])
    add(tmp_path, cell("c", "vae_ssl", labels=247), [90.0] * 4)
    for key, labels in (("d", 247), ("e", 988)):
        add(tmp_path, cell(key, "cnn", "as-released", labels=labels), [10.0, 20.0, 30.0, 40.0])
        add(tmp_path, cell(key + "c", "cnn", labels=labels), [90.0] * 4)
    add(tmp_path, cell("f", "srp_phat", "as-released"), [10.0, 20.0, 20.0, 30.0])
    add(tmp_path, cell("g", "srp_phat", split="train"))
    build(tmp_path)
    ours = "vae_ssl (as published, top-1 estimate)"
    first = (
        f"{ours} below cnn (as released) ({CLAIM}): holds at J = 247 (-10.00 deg [-10.00, -10.00]); does not hold at J = 988 "
        "(10.00 deg ["
    )
    second = (
        f"{ours} below srp_phat (as released) ({CLAIM}): cannot be told at J = 247 (-5.00 deg [-68.53, 58.53]) and J = 988 "
        "(15.00 deg [-48.53, 78.53]); not run at J = 494, 1995, 3990, 7999."
    )
    for suffix in ("md", "html", "tex"):
        text = html.unescape(text_of(tmp_path, suffix)).replace("\\", "")
        assert "A claim holds where" in text or suffix == "tex"  # which has no general notes
        assert text.count(first) == text.count(second) == 1
        assert len(re.findall(r"estimate\) below \w+ \(", text)) == 2


def test_claims_are_judged_by_their_test_and_need_two_methods_of_one_table() -> None:
    claim = Claim("a", "b", 10, "somewhere")
    cases = ((-2, -3, -1), 0.01), ((2, 1, 3), 0.01), ((-2, -3, -1), 0.06)
    outcomes = [Verdict(claim, "a", "b", 10, Estimate(*values), p_holm).outcome for values, p_holm in cases]
    assert outcomes == list(OUTCOMES)
    one_clip = Verdict(claim, "a", "b", 10, Estimate(-2, float("nan"), float("nan")), float("nan"))
    assert (one_clip.outcome, str(one_clip)) == ("cannot be told", "J = 10 (-2.00 deg)")
    better, worse = row_of("a", 10, HITS), row_of("b", 0, [20.0, 20.0, 30.0, 30.0])
    (found,) = verdicts_by_entry([claim], [better, worse])[better.entry]
    assert (found.labels, found.difference.mean) == (10, -10.0)
    for others in (
        [row_of("b", 20, HITS)],  # other numbers of labels
        [row_of("b", 10, HITS, as_published=False)],
        [row_of("c", 10, HITS)],
        [replace(worse, totals=None)],  # without predictions
        [],
    ):
        assert verdicts_by_entry([claim], [better, *others]) == {}
    assert verdicts_by_entry([Claim("a", "b", 11, "somewhere")], [better, worse]) == {}
    assert verdicts_by_entry([claim], [replace(better, totals=None), worse]) == {}


def test_claims_are_corrected_for_the_numbers_of_labels_at_which_they_are_judged() -> None:
    """Two clips that differ by 1 and 3, and by 4 and 5: Student's t with one degree of freedom, 2 and 9."""
    claim, p = Claim("a", "b", 10, "somewhere"), [2 * stats.t.sf(2, 1), 2 * stats.t.sf(9, 1)]
    rows = [
        *(row_of("a", labels, HITS) for labels in (10, 20, 30)),
        row_of("b", 10, [1.0, 11.0, 23.0, 33.0]),
        row_of("b", 20, [4.0, 14.0, 25.0, 35.0]),
        row_of("b", 40, [9.0, 19.0, 29.0, 39.0]),
    ]
    found = [verdict for verdicts in verdicts_by_entry([claim], rows).values() for verdict in verdicts]
    assert [(one.labels, one.difference.mean) for one in found] == [(10, -2), (20, -4.5)]
    assert [one.p_holm for one in found] == pytest.approx([p[0], 2 * p[1]])


def test_a_claim_may_be_about_some_protocols_and_about_one_method_with_fewer_labels() -> None:
    fewer, more = row_of("a", 120, [10.0, 20.0, 30.0, 40.0]), row_of("a", 1000, HITS)
    falls = Claim("a", "a", 1000, "somewhere", worse_n=120)
    (found,) = verdicts_by_entry([falls], [fewer, row_of("a", 250, HITS), more])[more.entry]
    assert (found.labels, found.difference.mean) == (1000, -10.0)
    (protocol,) = {more.first.axes.protocol}
    for about, judged in (((protocol,), True), (("another",), False)):
        claim = Claim("a", "b", 1, "somewhere", protocols=about)
        assert bool(verdicts_by_entry([claim], [more, row_of("b", 1000, HITS)])) == judged


def row_of(method: str, labels: int, estimated_deg: Sequence[float], as_published: bool = True) -> Row:
    record = cell(method, method, "", labels, nominal_labels=labels, as_published=as_published)
    table = predictions(estimated_deg)
    record = record.model_copy(update={"metrics": score(table, GRID, True)})
    return make_row([record], Clips([record]), lambda _: table, with_confusion=False)


def test_claims_of_the_paper_are_about_methods_that_there_are() -> None:
    worse = [claim.worse for claim in paper_claims()]
    assert worse == ["cnn", "srp_phat", "music", "rtf_1nn", "vae_ssl"]
    assert {claim.better for claim in paper_claims()} == {"vae_ssl"}
    assert {name for claim in paper_claims() for name in (claim.better, claim.worse)} <= set(METHODS.names())
