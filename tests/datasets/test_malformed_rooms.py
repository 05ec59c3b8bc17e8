"""What people may give for a room and cannot mean: each one clear line that names the place, and nothing written."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import soundfile
from click.testing import CliRunner
from doabench.benchmark.cli.main import main
from doabench.benchmark.data.open import open_room
from doabench.benchmark.errors import UserError
from doabench.benchmark.run.plan import Request, make_plan
from support.malformed_rooms import (
    MIR_NAME,
    audio,
    damaged_inside,
    dtu_mixed,
    dtu_rows,
    dtu_with,
    free_field_hrir,
    good,
    header_alone,
    in_parts,
    mir_file,
    mir_of_random_angles,
    mir_without,
    mir_zip,
    not_sofa,
    one_receiver,
    r3vival_with,
    silent_side,
    sofa,
    sofa_bytes,
    table,
    two_tables,
    v73,
    with_nan,
    without_table,
    zip_of,
)
from support.measured_files import (
    write_mir,
    write_wav,
)

CASES: dict[str, tuple[Callable[[Path], str], str]] = {
    "zip: an HTML page": (mir_zip(lambda _: b"<html>Not here</html>"), "cannot be read as a zip archive"),
    "zip: cut short": (mir_zip(lambda content: content[: len(content) // 2]), "cannot be read as a zip archive"),
    "zip: damaged inside": (mir_zip(damaged_inside), "download the archive again"),
    "zip: empty": (zip_of("readme.txt", b""), "no responses named like"),
    "zip: a bomb": (zip_of(MIR_NAME, bytes(257 * 2**20)), "unpacks to more than 256 MiB"),
    "mir: no such layout": (
        lambda folder: f"mir[layout=8-8-8-8-8-8-8]:{write_mir(folder / 'mir', False, False)}",
        "8-8-8-8-8-8-8_2m",
    ),
    "mir: no such RT60": (
        lambda folder: f"mir[train=0.5]:{write_mir(folder / 'mir', False, False)}",
        "no responses of condition 0.5",
    ),
    "mir: no such transfer": (lambda folder: f"mir[transfer=0.16]:{write_mir(folder / 'mir', False, False)}", "condition 0.16"),
    "mir: no such channel": (lambda folder: f"mir[pair=4-9]:{write_mir(folder / 'mir', False, False)}", "pair=4-9"),
    "mir: one angle missing": (mir_without("*0.360*_2m_030.mat"), "condition 0.36 has no response from 30 degrees"),
    "mir: angles that the delays deny": (mir_of_random_angles, "do not follow the labelled angles"),
    "mat: another variable": (mir_file({"ir": np.zeros((9, 8))}), "has no variable 'impulse_response'"),
    "mat: version 7.3": (mir_file(v73()), "MATLAB 7.3"),
    "mat: not MATLAB": (mir_file(b"PK" * 400), "cannot be read as a MATLAB file"),
    "mat: empty": (mir_file(b""), "cannot be read as a MATLAB file"),
    "mat: complex": (mir_file({"impulse_response": np.ones((900, 8)) * 1j}), "is complex"),
    "mat: NaN": (mir_file({"impulse_response": np.full((900, 8), np.nan)}), "NaN"),
    "mat: one channel": (mir_file({"impulse_response": np.ones((900, 1))}), "expected numbers [samples, 8]"),
    "mat: text": (mir_file({"impulse_response": "none"}), "expected numbers [samples, 8]"),
    "mat: no samples": (mir_file({"impulse_response": np.empty((0, 8))}), "holds no samples"),
    "dtu: file missing": (dtu_with(Path.unlink), "no such file"),
    "dtu: another variable": (dtu_with(lambda path: scipy.io.savemat(path, {"x": 1})), "has no variable 'data'"),
    "dtu: version 7.3": (dtu_with(lambda path: path.write_bytes(v73())), "MATLAB 7.3"),
    "dtu: numbers instead of pairs": (
        dtu_with(lambda path: scipy.io.savemat(path, {"data": np.ones((5, 2))})),
        "expected pairs",
    ),
    "dtu: complex": (dtu_rows((0, good), (10, good * 1j)), "row 2: is complex"),
    "dtu: NaN": (dtu_rows((0, good * np.nan)), "row 1: holds NaN"),
    "dtu: three channels": (dtu_rows((0, np.ones((2000, 3)))), "expected numbers [samples, 2]"),
    "dtu: too short": (dtu_rows((0, good[:100])), "too short or silent"),
    "dtu: an angle that is none": (dtu_rows((120, good)), "expected one number from -90 to 90"),
    "dtu: an angle in words": (dtu_rows(("left", good)), "expected one number from -90 to 90"),
    "dtu: other directions": (dtu_mixed, "not the same"),
    "sofa: cut short": (sofa_bytes(lambda content: content[: len(content) // 2]), "cannot be read as a SOFA file"),
    "sofa: text": (sofa_bytes(lambda _: b"SOFA so good"), "cannot be read as a SOFA file"),
    "sofa: netCDF of another kind": (not_sofa, "cannot be read as a SOFA file"),
    "sofa: free-field convention": (free_field_hrir, "SimpleFreeFieldHRIR is not of a room"),
    "sofa: one receiver": (one_receiver, "does not name two of its 1 channels"),
    "sofa: a folder": (lambda folder: f"sofa:{folder}", "is a folder"),
    "sofa: all behind": (sofa(angles=(120, 180, 240)), "no talker stands before the pair"),
    "sofa: no such receiver": (sofa("[pair=1-3]"), "pair=1-3"),
    "sofa: NaN": (sofa(Data_IR=np.full((3, 2, 64), np.nan)), "NaN"),
    "sofa: silent microphone": (sofa(Data_IR=np.ones((3, 2, 64)) * [[[1], [0]]]), "is silent"),
    "sofa: 8 kHz": (sofa(Data_SamplingRate=8000.0), "8000 Hz"),
    "sofa: microphones in one place": (sofa(ReceiverPosition=np.zeros((2, 3))), "in one place"),
    "sofa: one microphone above the other": (sofa(ReceiverPosition=np.diag([0, 0, 0.1])[1:]), "above the other"),
    "r3vival: nothing in it": (lambda folder: f"r3vival:{folder}", "no file named like"),
    "r3vival: other channels": (r3vival_with(4), "4 channels"),
    "r3vival: no such setting": (lambda folder: r3vival_with(7)(folder).replace(":", "[train=33]:", 1), "condition 33"),
    "r3vival: one above the other": (
        lambda folder: r3vival_with(7)(folder).replace(":", "[pair=3-5]:", 1),
        "one above the other",
    ),
    "csv: none": (without_table, "holds 0 CSV files"),
    "csv: two": (two_tables, "holds 2 CSV files"),
    "csv: empty": (lambda folder: f"folder:{shutil.copy('/dev/null', folder / 'a.csv')}", "no column 'file'"),
    "csv: a header alone": (header_alone, "lists no files"),
    "csv: column missing": (table("folder", "doa_deg", "angle"), "no column 'doa_deg'"),
    "csv: column unknown": (table("folder", "spacing_m", "spacing_cm"), "column 'spacing_cm' is unknown"),
    "csv: no spacing": (table("folder", ",0.08", ","), "needs one microphone spacing"),
    "csv: two spacings": (table("folder", ",0.08", ",0.1", count=1), "needs one microphone spacing"),
    "csv: angle out of range": (table("folder", ",40,", ",140,"), "is behind the pair"),
    "csv: angle in words": (table("recordings", ",40,", ",right,"), "doa_deg is 'right'"),
    "csv: angle not a number": (table("recordings", ",40,", ",nan,"), "doa_deg is 'nan'"),
    "csv: angle empty": (table("recordings", ",40,", ",,"), "doa_deg is empty"),
    "csv: thousands": (table("folder", ",0.08", ',"1,000.08"'), "spacing_m is '1,000.08'"),
    "csv: column misspelt": (table("recordings", "file,doa_deg", "file,Range,doa_deg"), "is it range_m?"),
    "csv: column twice": (table("folder", "spacing_m", "Range_m"), "'range_m' stands twice"),
    "csv: a value without a column": (table("folder", "spacing_m", ""), "5 values for 5 columns"),
    "csv: a quote that never ends": (table("folder", ",40,1,0.3", ',"40,1,0.3', count=1), "mend the line"),
    "csv: folders of another system": (table("folder", "rt0.3_40_1m", ".\\rt0.3_40_1m"), "write / between folders"),
    "csv: file twice": (table("folder", "rt0.3_40_1m.wav", "rt0.3_0_1m.wav"), "stands on line 3 already"),
    "csv: place twice": (table("folder", ",40,", ",0,"), "a second response from the same place"),
    "csv: no such file": (table("folder", "rt0.3_40", "rt0.4_40"), "line 4: no file"),
    "csv: a value too many": (table("folder", ",0.08", ",0.08,x", count=1), "6 values for 5 columns"),
    "csv: not UTF-8": (table("folder", "rt0.3_40_1m", "Büro", encoding="latin-1"), "save it as CSV UTF-8"),
    "csv: UTF-16 without a BOM": (table("folder", "file", "file", encoding="utf-16-le"), "it holds zero bytes"),
    "csv: a part beyond the end": (in_parts((0, 99)), "end_s is 99, and"),
    "csv: a part too short": (in_parts((0.5, 0.6)), "0.10 s of"),
    "csv: a part that ends first": (in_parts((0.5, 0.2)), "0.00 s of"),
    "csv: a part within another": (in_parts((0, 1.5), (1.25, 2)), "begins before that of line 2 ends"),
    "csv: condition without a position": (table("folder", ",40,1,0.2", ",41,1,0.2"), "no response from 40 degrees"),
    "csv: clip of two speakers": (table("recordings", "bob1,bob", "bob1,eve", count=1), "has two speakers"),
    "csv: one clip": (table("recordings", "ann1,ann", "ann0,ann"), "stands on line"),
    "audio: mono": (audio("folder", lambda path: write_wav(path, good[:, 0])), "does not name two of its 1 channels"),
    "audio: no such channel": (audio("folder", lambda _: None, "[pair=1-5]"), "pair=1-5"),
    "audio: not a pair": (audio("folder", lambda _: None, "[pair=left]"), "pair=left"),
    "audio: one microphone twice": (audio("folder", lambda _: None, "[pair=2-2]"), "pair=2-2"),
    "audio: 8 kHz": (audio("folder", lambda path: write_wav(path, good, 8000)), "8000 Hz"),
    "audio: no samples": (audio("folder", lambda path: write_wav(path, good[:0])), "holds no samples"),
    "audio: empty file": (audio("folder", lambda path: path.write_bytes(b"")), "cannot be read as audio"),
    "audio: text": (audio("folder", lambda path: path.write_text("boom " * 99)), "cannot be read as audio"),
    "audio: NaN": (audio("folder", lambda path: write_wav(path, with_nan())), "NaN"),
    "audio: silent": (audio("folder", lambda path: write_wav(path, 0 * good)), "is silent"),
    "audio: one side silent": (audio("folder", lambda path: write_wav(path, silent_side)), "is silent"),
    "audio: cut short": (audio("folder", lambda path: path.write_bytes(path.read_bytes()[:900])), "cut short"),
    "audio: mono recording": (audio("recordings", lambda path: write_wav(path, good[:, 0])), "of its 1 channels"),
    "audio: recording too short": (audio("recordings", lambda path: write_wav(path, good[:999])), "must last 0.5 s"),
    "audio: recording at 8 kHz": (audio("recordings", lambda path: soundfile.write(path, good, 8000)), "8000 Hz"),
}


def read_all(text: str) -> None:
    room = open_room(text)[1]
    for kind in ("grid", "off_grid", "off_range"):
        room.digest(room.conditions[0].name, kind)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("make", "says"), CASES.values(), ids=CASES)
def test_a_malformed_room_gives_one_clear_line(tmp_path: Path, make: Callable[[Path], str], says: str) -> None:
    text = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError) as caught:
        read_all(text)
    message = str(caught.value)
    assert says in message
    assert str(tmp_path) in message
    assert "\n" not in message
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(sofa(angles=(0,)), "1 direction; methods need at least two", id="one direction"),
        pytest.param(table("recordings", ",-40,bob", ",-41,bob"), "no train clip from -41 degrees", id="half without one"),
    ],
)
def test_a_room_that_nothing_can_be_trained_in_is_one_line(tmp_path: Path, make: Callable[[Path], str], says: str) -> None:
    room = make(tmp_path)
    with pytest.raises(UserError, match=f"^--rooms {re.escape(room)}: .*{says}"):
        make_plan(Request(("label-sweep",), ("srp_phat",), "talkers", "smoke", rooms=(room,)))


@pytest.mark.parametrize("case", ["mat: version 7.3", "sofa: cut short", "csv: no such file", "audio: recording at 8 kHz"])
def test_the_command_line_says_so_ends_with_2_and_writes_nothing(tmp_path: Path, case: str) -> None:
    make, says = CASES[case]
    out = tmp_path / "out"
    arguments = ["run", "--scale", "smoke", "--method", "srp_phat", "--rooms", make(tmp_path), "--out", str(out)]
    done = CliRunner().invoke(main, arguments, env={"DOABENCH_SPEECH": "talkers"})
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert not out.exists()
