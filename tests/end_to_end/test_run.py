"""`doabench run` from the outside: what a user sees, what is kept, and what a second run does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from support import plugins
from support.command import SMOKE, doabench, files, plugin, predictions, run


def test_one_failure_stops_nobody_and_only_it_runs_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    texts = {"guess": plugins.GUESS, "raises": plugins.RAISES, "dies": plugins.DIES, "refuses": plugins.REFUSES}
    texts |= {"needs_package": plugins.NEEDS_PACKAGE, "broken": plugins.BROKEN}
    options = [part for name, text in texts.items() for part in ("--plugin", plugin(tmp_path, name, text), "--method", name)]
    options += ["--protocol", "off-range", "--jobs", "2", "--threads", "1"]
    records, said = run(out, *options, check=1)
    state = {record["fit"]["method"]: record["state"] for record in records}
    reason = {record["fit"]["method"]: record["reason"] for record in records}
    assert state == {
        "guess": "ok",
        "raises": "failed",
        "dies": "failed",
        "refuses": "skipped",
        "needs_package": "not-installed",
        "broken": "failed",
    }
    assert "ZeroDivisionError in raises.py" in reason["raises"]
    assert "exit code 7" in reason["dies"]
    assert reason["refuses"] == "needs four microphones"
    assert reason["needs_package"] == "install a_package_that_is_not_there"
    assert "ZeroDivisionError at line" in reason["broken"]
    assert "Traceback" not in said
    # nobody sees bars here: a line for each fit that has ended, and what came out
    ended = [line for line in said.splitlines() if re.match(r"\d/(\d) after 0\.\d min: ", line)]
    assert len(ended) == int(ended[0][2])
    assert (
        sum(bool(re.search(r": guess in dtu-twin, J=\d+, seed 0: off-range off_range \d+\.\d\d deg$", line)) for line in ended)
        == 1
    )
    assert sum(line.endswith("off-range off_range failed") for line in ended) == 2
    assert re.search(r"^guess +\d+\.\d\d$", said, re.M)
    key = {record["fit"]["method"]: record["key"] for record in records}
    before = files(out)
    again, said = run(out, *options, "--quiet", check=1)
    lost = [f"{kind}: {name} on off-range" for name in texts if (kind := state[name]) in ("failed", "not-installed")]
    assert sorted(line.partition(",")[0] for line in said.splitlines()) == sorted(lost)
    assert [record["state"] for record in again] == [record["state"] for record in records]
    after = files(out)
    assert before.keys() == after.keys()
    unchanged = {path.partition("/cells/")[2] for path, when in before.items() if after[path] == when}
    assert {f"{key['guess']}/record.json", f"{key['guess']}/predictions.parquet"} <= unchanged
    assert not {f"{key[method]}/record.json" for method in ("raises", "dies")} & unchanged
    (tmp_path / "raises.py").write_text(plugins.GUESS)
    mended, _ = run(out, *options, check=1)
    assert {record["fit"]["method"]: record["state"] for record in mended}["raises"] == "ok"


def test_the_same_command_again_computes_nothing(tmp_path: Path) -> None:
    options = ("--method", "srp_phat", "--method", "rtf_1nn", "--protocol", "label-sweep", "--protocol", "rt60-transfer")
    records, _ = run(tmp_path, *options, publish=True)
    costs = {record["fit"]["method"]: (record["parameters"], record["fit_added_rss_mb"]) for record in records}
    assert costs["srp_phat"] == (0, None)
    assert costs["rtf_1nn"][0] in (2 * 19 * 128, 2 * 13 * 128)  # a complex number for each class and bin
    assert costs["rtf_1nn"][1] is None or 0 <= costs["rtf_1nn"][1] < 200  # MB
    before = files(tmp_path)
    table = (tmp_path / "leaderboard" / "leaderboard.csv").read_bytes()
    _, said = run(tmp_path, *options, publish=True)
    assert "0 computed now" in said
    assert "0 runs logged" in said
    assert files(tmp_path) == before
    assert (tmp_path / "leaderboard" / "leaderboard.csv").read_bytes() == table


def test_parameters_make_another_row(tmp_path: Path) -> None:
    path = plugin(tmp_path, "guess", plugins.GUESS)
    options = ("--plugin", path, "--method", "guess", "--method", "guess[angle_deg=30]", "--protocol", "off-grid")
    records, _ = run(tmp_path / "out", *options)
    assert {record["fit"]["variant"]: record["metrics"]["values"]["mae_deg"]["mean"] for record in records} == pytest.approx(
        {"": (25 + 28 + 45) / 3, "angle_deg=30.0": (5 + 2 + 15) / 3}
    )


def test_killed_fit_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    options = ("--method", "cnn_augmented[steps=30]", "--protocol", "label-sweep", "--threads", "1")
    whole, _ = run(tmp_path / "whole", *options)

    killed = tmp_path / "killed"
    arguments = [sys.executable, "-m", "doabench.benchmark", "run", *SMOKE, "--out", str(killed), *options]
    environment = {**os.environ, "DOABENCH_CHECKPOINT_S": "0"}
    process = subprocess.Popen(arguments, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(killed.glob("scratch/*/checkpoint.safetensors")):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(killed.glob("fits/*/record.json"))

    resumed, _ = run(killed, *options)
    assert not list(killed.glob("scratch/*"))
    expected, found = predictions(tmp_path / "whole", whole), predictions(killed, resumed)
    assert expected.keys() == found.keys()
    assert len(expected) == 2
    for key, table in expected.items():
        pd.testing.assert_frame_equal(found[key], table)
    curves = [next((out / "fits").glob("*/history.json")).read_text() for out in (tmp_path / "whole", killed)]
    assert curves[0] == curves[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--method", "srp_pat"], "did you mean srp_phat"),
        (["--method", "cnn[varant=x]"], "has no parameter 'varant'"),
        (["--method", "cnn[variant=x]"], "'corrected' or 'as-released'"),
        (["--method", "cnn[variant"], "write it like"),
        (["--protocol", "label-swep"], "did you mean label-sweep"),
        (["--rooms", "dtu-twn"], "did you mean dtu-twin"),
        (["--rooms", "sofa"], "give its files: sofa:PATH"),
        (["--rooms", "sofa:/no/such/file.sofa"], "no file or folder /no/such/file.sofa"),
        (["--rooms", "/no/such/file.sofa"], "write NAME or KIND[parameter=value]:PATH"),
        (["--rooms", "dtu-twin:/tmp"], "this room reads no files: write dtu-twin"),
        (["--rooms", "dtu-twin[pair=1-2]"], "has no parameter 'pair'"),
        (["--rooms", "sofa[pear=1-2]:."], "has no parameter 'pear'; it has: pair"),
        (["--speech", "/no/such/folder"], "no file or folder"),
        (["--speech", "librispeech:/no/such/folder"], "no such folder"),
        (["--labels", "10", "--method", "rtf_1nn"], "n must be between 19 and"),
        (["--labels", "10000000", "--method", "rtf_1nn"], "n must be between 19 and"),
        (["--plugin", "/no/such/file.py"], "no such file"),
        (["--device", "cuda:99"], "not available here"),
        (["--scale", "huge"], "huge"),
    ],
)
def test_bad_usage_is_one_clear_line_and_exit_code_2(arguments: list[str], says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["run", *SMOKE, "--out", str(tmp_path / "out"), *arguments])
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.count("doabench: ") + done.stderr.count("Error: ") == 1
    assert says in done.stderr
    assert not (tmp_path / "out").exists()


def test_bad_usage_ends_the_process_with_exit_code_2(tmp_path: Path) -> None:
    done = doabench("run", "--method", "srp_pat", "--out", tmp_path / "out", check=2)
    assert done.stderr.startswith("doabench: no method named 'srp_pat'")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_predictions_hold_what_the_metrics_need(tmp_path: Path) -> None:
    records, _ = run(tmp_path, "--method", "srp_phat", "--protocol", "label-sweep")
    assert [record["axes"]["split"] for record in records] == ["train", "validation"]
    for record in records:
        table = predictions(tmp_path, records)[record["key"]]
        error = np.abs(table["estimated_deg"] - table["true_deg"])
        assert record["metrics"]["values"]["mae_deg"]["mean"] == pytest.approx(error.mean(), rel=1e-6)
        assert record["metrics"]["sequences"] == len(table)
        assert record["metrics"]["clips"] == table["clip"].nunique() == 2


def test_probabilities_are_kept_and_measured_where_true_angles_are_candidates(tmp_path: Path) -> None:
    path = plugin(tmp_path, "probable", plugins.PROBABLE)
    wrong = {"excess=0.1": "whose exponentials sum to one", "certain=True": "needs finite scores: clip probabilities"}
    specs = ("probable", *(f"probable[{parameters}]" for parameters in wrong), "srp_phat")
    methods = [part for spec in specs for part in ("--method", spec)]
    options = ("--plugin", path, *methods, "--protocol", "label-sweep", "--protocol", "off-grid")
    records, _ = run(tmp_path / "out", *options, check=1)
    tables = predictions(tmp_path / "out", [record for record in records if record["state"] == "ok"])
    assert len(tables) == 6
    assert len(records) == 12  # four methods, three sets
    columns = ["true_log_probability", "estimated_log_probability"]
    for record in records:
        kept = record["fit"]["method"] == "probable" and record["axes"]["protocol"] == "label-sweep"
        if record["fit"]["variant"]:
            assert record["state"] == "failed"
            assert wrong[record["fit"]["variant"]] in record["reason"]
            continue
        table, found = tables[record["key"]], record["metrics"]["values"]
        assert [column in table for column in columns] == [kept, kept]
        if kept:
            assert [table[column].dtype for column in columns] == [np.float32, np.float32]
            assert found["nll_nats"] == pytest.approx(np.log(19), rel=1e-6)
            assert found["accuracy_pct"]["mean"] == pytest.approx(100 / 19)
            assert found["ece_pct"] == pytest.approx(0, abs=1e-4)
        else:
            assert (found["nll_nats"], found["ece_pct"]) == (None, None)


def test_a_room_that_does_not_suit_a_protocol_is_said(tmp_path: Path) -> None:
    options = ("--method", "srp_phat", "--protocol", "off-range", "--protocol", "rt60-transfer", "--rooms", "mir-twin")
    records, said = run(tmp_path, *options)
    assert {record["axes"]["protocol"] for record in records} == {"rt60-transfer"}
    assert "off-range does not run in mir-twin: the room has no off_range positions" in " ".join(said.split())
