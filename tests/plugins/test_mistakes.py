"""A newcomer's mistakes, each as a file of its own: `doabench check` finds them, and `doabench run` does all that is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from support.command import doabench, files, plugin, run
from support.mistakes import LOADS_DATA, LOOPS, LOOPS_WHEN_IMPORTED, MISTAKES, READINGS, line_of

PROTOCOL = ("--protocol", "label-sweep")
Ran: TypeAlias = tuple[dict[str, list[dict[str, Any]]], str, Path]
"""The records of a run by method, what it said, and the folder that it ran in."""


def checked(path: Path, *options: str, check: int = 1) -> tuple[dict[str, dict[str, str]], str]:
    """The results of `doabench check` by name, and what went to standard error."""
    words = ["check", path.stem, "--plugin", str(path), "--json", *options]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["doabench", *words])  # that of the tests' own process may be empty
        done = CliRunner().invoke(main, words)
    assert done.exit_code == check
    return {result["check"]: result for result in json.loads(done.stdout)["checks"]}, done.stderr


@pytest.mark.parametrize("name", MISTAKES)
def test_check_finds_it_and_names_the_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mistake = MISTAKES[name]
    here = tmp_path / "here"
    here.mkdir()
    path = plugin(tmp_path, name, mistake.text)
    monkeypatch.chdir(here)
    found, said = checked(path)
    assert [check for check, result in found.items() if result["state"] == "failed"] == [mistake.check]
    assert mistake.says.replace("LINE", line_of(mistake.text)) in found[mistake.check]["reason"]
    assert "Traceback" not in said
    assert list(here.iterdir()) == []


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The records of one run of all of them, by method, what was said, and the folder that it ran in."""
    folder, out = tmp_path_factory.mktemp("mistakes"), tmp_path_factory.mktemp("results")
    texts = {name: mistake.text for name, mistake in MISTAKES.items()} | {name: text for name, (text, _) in READINGS.items()}
    paths = [plugin(folder, name, text) for name, text in (texts | {"loads_data": LOADS_DATA}).items()]
    options = [part for path in paths for part in ("--plugin", path, "--method", path.stem)]
    (folder / "here").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "here")
        records, said = run(out, *options, "--method", "srp_phat", *PROTOCOL, "--jobs", "2", check=1)
    by_method: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_method.setdefault(record["fit"]["method"], []).append(record)
    return by_method, said, folder / "here"


def test_all_others_are_done(ran: Ran) -> None:
    by_method, said, here = ran
    assert by_method.keys() == {*MISTAKES, *READINGS, "loads_data", "srp_phat"}
    lost = {name for name, records in by_method.items() if {record["state"] for record in records} != {"ok"}}
    assert lost == {name for name, mistake in MISTAKES.items() if mistake.lost}
    assert all(len(records) == 2 for records in by_method.values())
    assert "Traceback" not in said
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, mistake in MISTAKES.items() if mistake.lost])
def test_the_run_says_what_was_lost_and_names_the_line(name: str, ran: Ran) -> None:
    by_method, said, _ = ran
    states = {record["state"] for record in by_method[name]}
    assert states == {"not-installed" if name.startswith("needs_a_package") else "failed"}
    for record in by_method[name]:
        assert MISTAKES[name].lost.replace("LINE", line_of(MISTAKES[name].text)) in record["reason"]
        assert record["reason"] in said


@pytest.mark.parametrize("name", READINGS)
def test_the_run_says_where_answers_seem_to_be_in_another_unit(name: str, ran: Ran) -> None:
    by_method, said, _ = ran
    for record in by_method[name]:
        assert READINGS[name][1] in record["hint"]
        assert f"look at: {name} on label-sweep, {record['axes']['split']}, J=0: {record['hint']}" in said
    assert {record["hint"] for record in (*by_method["srp_phat"], *by_method["loads_data"])} == {""}


def test_a_loader_of_data_may_have_processes_of_its_own(tmp_path: Path) -> None:
    found, _ = checked(plugin(tmp_path, "loads_data", LOADS_DATA), check=0)
    assert [found[name]["state"] for name in ("no_network", "global_rng_untouched", "threads_as_given")] == ["passed"] * 3


def test_numbers_of_others_are_those_of_a_run_without_them(ran: Ran, tmp_path: Path) -> None:
    alone, _ = run(tmp_path, "--method", "srp_phat", *PROTOCOL)
    assert [(one["key"], one["digests"]) for one in alone] == [(one["key"], one["digests"]) for one in ran[0]["srp_phat"]]


def test_an_endless_loop_is_ended_and_its_line_named(tmp_path: Path) -> None:
    path = plugin(tmp_path, "loops", LOOPS)
    found, _ = checked(path, "--time-limit", "20")
    (reason,) = [result["reason"] for result in found.values() if result["state"] == "failed"]
    where = f"and was ended in loops.py, line {line_of(LOOPS)}"
    assert reason == f"took longer than --time-limit, 20 s, {where}"
    records, _ = run(tmp_path / "out", "--plugin", path, "--method", "loops", *PROTOCOL, "--time-limit", "20", check=1)
    assert {record["reason"] for record in records} == {f"it took longer than --time-limit, 20 s, {where}"}


@pytest.mark.parametrize("arguments", [("check", "prints"), ("list", "methods")])
def test_programs_can_read_what_is_said_whatever_a_plugin_prints(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Also from C, from a process of its own, and when it is all over."""
    text = (
        "import atexit, os, subprocess\natexit.register(print, 'over')\nos.write(1, b'C')\nsubprocess.run(['echo', 'more'])\n"
    )
    path, failed = plugin(tmp_path, "prints", text + MISTAKES["prints"].text), int(arguments[0] == "check")
    done = doabench(*arguments, "--json", "--plugin", path, check=failed)
    assert json.loads(done.stdout)
    assert "imported" in done.stderr


def test_list_survives_whatever_a_file_does_when_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from doabench.benchmark.plugins import outside

    names = ("exits_when_imported", "dies_when_imported", "reads_the_command_line", "prints")
    options = [part for name in names for part in ("--plugin", plugin(tmp_path, name, MISTAKES[name].text))]
    listed = {row["name"]: row["problem"] for row in json.loads(doabench("list", "methods", "--json", *options).stdout)}
    for name in names[:-1]:
        assert (
            MISTAKES[name].lost.removeprefix("cannot be loaded: ").replace("LINE", line_of(MISTAKES[name].text)) in listed[name]
        )
    assert (listed["prints"], listed["srp_phat"]) == ("", "")

    monkeypatch.setattr(outside, "LOADS_WITHIN_S", 10.0)
    path = plugin(tmp_path, "loops_when_imported", LOOPS_WHEN_IMPORTED)
    found = outside._first_fatal([path])
    assert found == (path, "its import takes longer than 10 s in loops_when_imported.py, line 1")


def test_a_helper_beside_the_plugin_is_part_of_it(tmp_path: Path) -> None:
    """Also where it is named in a string, or holds data."""
    ways = {
        "imports": "import angles; ANGLE = angles.ANGLE",
        "imports_by_a_string": "import importlib; ANGLE = importlib.import_module('angles').ANGLE",
        "reads": "from pathlib import Path; ANGLE = float(Path(__file__).with_name('angle.txt').read_text())",
    }
    text = MISTAKES["prints"].text.partition("\n")[2].partition("    def predict")[0]
    text += "    def predict(self, sequences):\n        return Prediction(np.full(len(sequences), ANGLE))\n"
    options = [
        part for name, way in ways.items() for part in ("--plugin", plugin(tmp_path, name, f"{way}\n{text}"), "--method", name)
    ]
    before: dict[str, int] = {}
    for angle_deg, comment in ((10.0, ""), (20.0, ""), (20.0, "  # broadside is 0")):
        (tmp_path / "angles.py").write_text(f"ANGLE = {angle_deg}{comment}\n")
        (tmp_path / "angle.txt").write_text(f"{angle_deg}")
        records, _ = run(tmp_path / "out", *options, "--protocol", "off-grid")
        mae_deg = {one["fit"]["method"]: one["metrics"]["values"]["mae_deg"]["mean"] for one in records}
        assert mae_deg == pytest.approx(dict.fromkeys(ways, (25 + 28 + 45) / 3 - angle_deg))
        if comment:
            assert files(tmp_path / "out") == before
        before = files(tmp_path / "out")
