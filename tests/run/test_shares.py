"""`--shard`: the shares of a plan are disjoint and, together, all of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.run.plan import Plan, Request, make_plan

METHODS = ("srp_phat", "music", "rtf_1nn", "von_mises", "kernel_ridge")


@pytest.fixture(scope="module")
def whole() -> Plan:
    return make_plan(Request(("off-range",), METHODS, "talkers", "smoke", seeds=(0, 1)))


@pytest.mark.parametrize("shards", [1, 2, 3, 10, 11])
def test_shares_are_disjoint_and_all_together(shards: int, whole: Plan) -> None:
    shares = [replace(whole) for _ in range(shards)]
    for number, share in enumerate(shares, 1):
        share.keep(number, shards)
        order = [fit.key for fit in whole.fits if fit in share.fits]
        assert [fit.key for fit in share.fits] == order, "in the order of the plan: fits of one scene follow each other"
        assert {cell.key for cell in share.cells()} == {cell.key for cell in whole.cells()}
    keys = [fit.key for share in shares for fit in share.fits]
    assert sorted(keys) == sorted(fit.key for fit in whole.fits)
    sizes = [len(share.fits) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/0", "3", "1/3/2", "-1/3", "a/b", "1.5/3", "", "1/ 3"])
def test_what_is_no_share_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    said = refused("--shard", text, "--out", tmp_path)
    assert f"Error: Invalid value for '--shard': {text!r} is no share; write which of how many, from 1/8 to 8/8" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--engine", "slurm"), "--engine slurm needs the package submitit; install it with: pip install 'doabench[slurm]'"),
        (("--engine", "slurm", "--shard", "1/2"), "--shard is for other schedulers than Slurm"),
        (("--engine", "slurm", "--device", "cuda:1"), "--device cuda:1: with --engine slurm a job sees its own GPU only"),
        (("--slurm", "partition=gpu"), "--slurm is for --engine slurm: give both, or neither"),
        (("--engine", "slurm", "--slurm", "=gpu"), "'=gpu' is no setting of sbatch"),
        (("--engine", "slurm", "--slurm", "a\nb=1"), "is no setting of sbatch"),
        (("--engine", "slurm", "--slurm", "--array=1-2"), "array is set by the suite"),
        (("--engine", "slurm", "--slurm", "time=soon"), "'time=soon' is no time"),
        (("--engine", "slurm", "--slurm", "time=0"), "'time=0' is no time"),
        (("--engine", "cloud"), "'cloud' is not one of 'local', 'slurm'"),
    ],
)
def test_options_that_cannot_be_are_said_in_one_line(
    options: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    assert said in refused(*options, "--out", tmp_path)


def test_without_slurm_it_says_where_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "submitit.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", "")
    assert "there is no sbatch here; run it where jobs can be submitted" in refused("--engine", "slurm", "--out", tmp_path)


def refused(*arguments: str | Path) -> str:
    done = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    return done.output
