"""Names in results stand for one room and one corpus each: two that would have one name are told apart, or refused."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import soundfile
from doabench.benchmark.data.open import named_room, named_speech, open_room, open_speech
from doabench.benchmark.errors import UserError
from doabench.benchmark.run.places import keep_places, places_of
from support.measured_files import run, write_folder, write_wav


@pytest.fixture
def rooms(tmp_path: Path) -> tuple[Path, Path]:
    """Two rooms in folders of one name, with one table and files of one size."""
    found = [write_folder(tmp_path / house / "attic") for house in ("north", "south")]
    for path in found[1].glob("*.wav"):
        write_wav(path, 0.5 * soundfile.read(path)[0])
    return found[0], found[1]


def corpus(folder: Path, speaker: int) -> Path:
    return write_wav(folder / f"{speaker}-1-0000.wav", 0.1 * open_speech("talkers")[1].load("talker-000-0")).parent


def test_a_file_has_the_name_of_its_folder_with_it(tmp_path: Path) -> None:
    made = [write_folder(tmp_path / name) for name in ("roomA", "roomB")]
    names = [open_room(f"folder[pair=1-2]:{folder / 'responses.csv'}")[0] for folder in made]
    assert names == ["folder[pair=1-2]:roomA/responses", "folder[pair=1-2]:roomB/responses"]
    assert open_room(f"folder:{made[0]}")[0] == "folder:roomA"
    assert open_room(f"folder:{made[0]}/half-grid")[0] == "folder:roomA/half-grid"


def test_a_name_may_be_given_and_is_no_parameter_of_the_room(rooms: tuple[Path, Path]) -> None:
    assert open_room(f"folder[name=my attic,pair=1-2]:{rooms[0]}")[0] == "folder[pair=1-2]:my attic"
    assert named_room(f"folder[name=attic-2]:{rooms[0]}/half-grid") == ("folder:attic-2", rooms[0])
    for wrong in ("name=/etc", "name=a:b", "name=.."):
        with pytest.raises(UserError, match="may hold letters"):
            open_room(f"folder[{wrong}]:{rooms[0]}")
    with pytest.raises(UserError, match="no parameter 'name'"):
        open_room("dtu-twin[name=mine]")


def test_a_corpus_may_be_given_a_name_too(tmp_path: Path) -> None:
    folder = corpus(tmp_path / "speech", 7)
    assert open_speech(str(folder))[0] == "librispeech:speech"
    assert named_speech(f"librispeech[name=mine]:{folder}") == ("librispeech:mine", folder)
    for wrong in (f"librispeech[rate=8]:{folder}", "talkers[name=x]"):
        with pytest.raises(UserError, match="has no parameter"):
            open_speech(wrong)


def test_the_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_folder(tmp_path / "mine")
    assert open_room("folder:~/mine")[0] == "folder:mine"
    corpus(tmp_path / "speech", 7)
    assert open_speech("~/speech")[0] == open_speech("librispeech:~/speech")[0] == "librispeech:speech"


def test_two_of_one_name_in_one_request_are_refused(rooms: tuple[Path, Path], tmp_path: Path) -> None:
    first, second = rooms
    with pytest.raises(UserError, match=r"would both be called folder:attic; give one .* --rooms 'folder\[name=mine\]:PATH'"):
        places_of([f"folder:{first}", f"folder:{second}"], "talkers", tmp_path / "out")
    assert places_of([f"folder:{first}", f"folder:{first}/half-grid"], "talkers", tmp_path / "out").keys() == {"folder:attic"}
    both = places_of([f"folder:{first}", f"folder[name=south]:{second}"], "talkers", tmp_path / "out")
    assert both.keys() == {"folder:attic", "folder:south"}


@pytest.mark.parametrize("file", ["", "/responses.csv"])
def test_another_room_of_the_name_is_refused_in_the_same_results(rooms: tuple[Path, Path], tmp_path: Path, file: str) -> None:
    first, second = (f"{room}{file}" for room in rooms)
    out, name = tmp_path / "out", "folder:attic/responses" if file else "folder:attic"
    keep_places(places_of([f"folder:{first}"], "talkers", out), out)
    before = (out / "places.json").read_bytes()
    assert str(tmp_path).encode() not in before
    with pytest.raises(UserError, match=rf"holds results of another {name} than {second}; give one a name"):
        places_of([f"folder:{second}"], "talkers", out)
    assert (out / "places.json").read_bytes() == before
    named = places_of([f"folder[name=south]:{second}"], "talkers", out)
    assert named.keys() == {name, "folder:south"}


def test_a_room_that_was_mended_or_moved_is_the_same(rooms: tuple[Path, Path], tmp_path: Path) -> None:
    first, _ = rooms
    out = tmp_path / "out"
    keep_places(places_of([f"folder:{first}"], "talkers", out), out)
    moved = Path(shutil.move(first, tmp_path / "elsewhere" / "attic"))
    keep_places(places_of([f"folder:{moved}"], "talkers", out), out)
    (moved / "responses.csv").write_text((moved / "responses.csv").read_text().replace(",0.08", ",0.0805"))
    keep_places(places_of([f"folder:{moved}"], "talkers", out), out)


def test_two_corpora_of_one_name_are_refused_in_the_same_results(tmp_path: Path) -> None:
    out, (first, second) = tmp_path / "out", (corpus(tmp_path / house / "speech", n) for house, n in (("a", 7), ("b", 8)))
    keep_places(places_of([], str(first), out), out)
    with pytest.raises(UserError, match=r"another librispeech:speech than .* --speech 'librispeech\[name=mine\]:PATH'"):
        places_of([], str(second), out)
    assert places_of([], f"librispeech[name=b]:{second}", out).keys() == {"librispeech:speech", "librispeech:b"}


def test_both_rooms_have_their_rows(tmp_path: Path) -> None:
    tables = [write_folder(tmp_path / name) / "responses.csv" for name in ("roomA", "roomB")]
    rooms = [option for table in tables for option in ("--rooms", f"folder:{table}")]
    run(tmp_path / "out", "--protocol", "label-sweep", "--method", "srp_phat", *rooms)
    rows = list(csv.DictReader((tmp_path / "out/leaderboard/leaderboard.csv").open()))
    assert {row["dataset"] for row in rows if row["origin"] == "own"} == {"folder:roomA/responses", "folder:roomB/responses"}
