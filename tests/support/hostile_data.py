"""Malformed files of speech and rooms."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import netCDF4
import numpy as np
import scipy.io
import soundfile
from doabench.benchmark.data.open import open_speech
from doabench.benchmark.run.answered import Answers, read_answers
from doabench.datasets import _matlab
from doabench.datasets._audio import read_audio
from doabench.datasets._matlab import read_variable, real_matrix
from doabench.datasets._table import read_table
from doabench.datasets.rooms import mir
from support.hostile import DAMAGE, Kind, Read, Reader
from support.measured_files import responses_of
from support.rooms import RATE_HZ
from support.sofa_scenes import Writing, edited, replace_variable, write_scene

Change = Callable[[bytes], bytes]
SOUND = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, 2)).astype(np.float32)


@cache
def audio_bytes(kind: str = "WAV", subtype: str = "PCM_16") -> bytes:
    with tempfile.TemporaryFile() as file:
        soundfile.write(file, SOUND, RATE_HZ, subtype, format=kind)
        file.seek(0)
        return file.read()


def put(content: Callable[[], bytes], change: Change, read: Callable[[Path], object], name: str) -> Kind:
    def make(folder: Path) -> Read:
        (folder / name).write_bytes(change(content()))
        return partial(read, folder / name)

    return make


def at(place: int, new: bytes) -> Change:
    return lambda content: content[:place] + new + content[place + len(new) :]


def behind(mark: bytes, offset: int, new: bytes) -> Change:
    """``new``, so far behind where a mark begins."""
    return lambda content: at(content.index(mark) + offset, new)(content)


def wav(*chunks: tuple[bytes, bytes]) -> Change:
    body = b"".join(name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2) for name, content in chunks)
    return lambda _: b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def floats(value: float) -> Change:
    def make(_: bytes) -> bytes:
        samples = SOUND.copy()
        samples[7] = value
        made = io.BytesIO()
        soundfile.write(made, samples, RATE_HZ, "FLOAT", format="WAV")
        return made.getvalue()

    return make


FORMAT = struct.pack("<HHIIHH", 1, 2, RATE_HZ, RATE_HZ * 4, 4, 16)
WAVS: dict[str, Change] = {
    "no channels": behind(b"fmt ", 10, b"\0\0"),
    "all channels there are": behind(b"fmt ", 10, b"\xff\xff"),
    "no rate": behind(b"fmt ", 12, bytes(4)),
    "a rate beyond all": behind(b"fmt ", 12, b"\xff" * 4),
    "no bits": behind(b"fmt ", 22, b"\0\0"),
    "no such coding": behind(b"fmt ", 8, b"\xfe\xca"),
    "frames of no size": behind(b"fmt ", 20, b"\0\0"),
    "no format": wav((b"data", bytes(4000))),
    "the sound before its format": wav((b"data", bytes(4000)), (b"fmt ", FORMAT)),
    "two formats": wav((b"fmt ", FORMAT), (b"fmt ", FORMAT[::-1]), (b"data", bytes(range(250)) * 8)),
    "chunks without end": wav((b"fmt ", FORMAT), *[(b"junk", b"")] * 20_000, (b"data", bytes(range(250)) * 8)),
    "a file in the file": lambda content: wav((b"fmt ", FORMAT), (b"data", content))(content),
    "infinite": floats(np.inf),
    "not a number": floats(np.nan),
    "louder than anything": floats(3e38),
}
OTHERS: dict[str, tuple[tuple[str, str], Change]] = {
    "wave64 that goes back": (("W64", "PCM_16"), behind(b"fmt ", 16, bytes(8))),
    "wave64 that stands still": (("W64", "PCM_16"), behind(b"fmt ", 16, struct.pack("<q", 0))),
    "caf beyond all files": (("CAF", "PCM_16"), behind(b"desc", 4, b"\x7f" + b"\xff" * 7)),
    "aiff beyond all files": (("AIFF", "PCM_16"), behind(b"COMM", 4, b"\xff" * 4)),
    "rf64 without sizes": (("RF64", "PCM_16"), behind(b"ds64", 8, bytes(24))),
    "nist of words": (("NIST", "PCM_16"), lambda content: content.replace(b" -i ", b" -s4 ")),
    "au that begins behind its end": (("AU", "PCM_16"), at(4, b"\x7f\xff\xff\xff")),
    "flac of a year": (("FLAC", "PCM_16"), at(21, b"\xff" * 5)),
    "mp3 of a year": (
        ("MP3", "MPEG_LAYER_III"),
        lambda content: behind(b"Info" if b"Info" in content else b"Xing", 8, b"\x7f" * 4)(content),
    ),
    "opus of another stream": (("OGG", "OPUS"), lambda content: content.replace(b"OpusHead", b"OpusTail")),
}


def audio_kinds() -> dict[str, Kind]:
    made = {name: put(audio_bytes, change, read_audio, "a.wav") for name, change in (DAMAGE | WAVS).items()}
    made |= {name: put(partial(audio_bytes, *which), change, read_audio, "a") for name, (which, change) in OTHERS.items()}

    def placed(place: Callable[[Path], object]) -> Kind:
        def make(folder: Path) -> Read:
            place(folder / "a.wav")
            return lambda: read_audio(folder / "a.wav")

        return make

    links = {"a folder": Path.mkdir, "a link to itself": lambda path: path.symlink_to(path), "nothing": lambda _: None}
    return made | {name: placed(place) for name, place in links.items()}


def sound_is_finite(found: tuple[Any, int]) -> bool:
    samples, rate_hz = found
    return samples.ndim == 2 and len(samples) > 0 and bool(np.isfinite(samples).all()) and rate_hz > 0


def speech(text: str, **files: bytes | None) -> Kind:
    """A corpus ``text`` of files by name with ``__`` for ``-``; None is a folder."""

    def make(folder: Path) -> Read:
        for name, content in files.items():
            path = folder / name.replace("__", "-").replace("_DOT_", ".")
            path.mkdir() if content is None else path.write_bytes(content)
        return lambda: _heard(text.replace("PATH", str(folder)))

    return make


def _heard(text: str) -> list[Any]:
    _, corpus = open_speech(text)
    return [corpus.load(one) for speaker in corpus.speakers() for one in speaker.utterances]


def mono(samples: np.ndarray = SOUND[:, 0], rate_hz: int = RATE_HZ) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, rate_hz, format="WAV")
    return made.getvalue()


def linked(folder: Path) -> Read:
    (folder / "round").symlink_to(folder, target_is_directory=True)
    (folder / "1-2-3.wav").symlink_to(folder / "nowhere")
    return lambda: _heard(str(folder))


SPEECH: dict[str, Kind] = {
    "no such folder": speech("librispeech:PATH/nowhere"),
    "an empty folder": speech("librispeech:PATH"),
    "no text at all": speech(""),
    "a zero byte": speech("librispeech:PATH\0"),
    "longer than a path": speech("librispeech:" + "x/" * 4000),
    "the home of nobody": speech("librispeech:~nobody-of-that-name/x"),
    "a device": speech("table:/dev/null"),
    "a folder of a corpus without files": speech("talkers:PATH"),
    "a name that leads out": speech("librispeech[name=../x]:PATH", **{"1__2__3_DOT_wav": mono()}),
    "a parameter of the program": speech("librispeech[cls=1]:PATH", **{"1__2__3_DOT_wav": mono()}),
    "nobody": speech("librispeech[only=nobody]:PATH", **{"1__2__3_DOT_wav": mono()}),
    "no sound": speech("librispeech:PATH", **{"1__2__3_DOT_wav": b""}),
    "a folder called an utterance": speech("librispeech:PATH", **{"1__2__3_DOT_wav": None}),
    "digits of another script": speech("librispeech:PATH", **{"\u0661__2__3_DOT_wav": mono()}),
    "an endless number": speech("librispeech:PATH", **{f"{'9' * 200}__2__3_DOT_wav": mono()}),
    "speakers of noise": speech("PATH", **{"1__2__3_DOT_wav": mono(), "SPEAKERS_DOT_TXT": DAMAGE["noise"](bytes(999))}),
    "speakers in a folder": speech("PATH", **{"1__2__3_DOT_wav": mono(), "SPEAKERS_DOT_TXT": None}),
    "stereo": speech("PATH", **{"1__2__3_DOT_wav": audio_bytes()}),
    "a low rate": speech("PATH", **{"1__2__3_DOT_wav": mono(rate_hz=8000)}),
    "clipped": speech("PATH", **{"1__2__3_DOT_wav": mono(np.sign(SOUND[:, 0]))}),
    "silent": speech("PATH", **{"1__2__3_DOT_wav": mono(0 * SOUND[:, 0])}),
    "links that go round": linked,
}

TABLE = b"file,doa_deg,clip,speaker,range_m\na.wav,-30,1,ann,1\nb.wav,0,1,ann,1\nc.wav,30,1,ann,1.5\n"
TABLES: dict[str, Change] = {
    "a number of 400 digits": lambda text: text.replace(b"-30", b"9" * 400),
    "beyond all numbers": lambda text: text.replace(b"-30", b"1e999"),
    "a formula": lambda text: text.replace(b"-30", b"=2+3"),
    "a file above": lambda text: text.replace(b"a.wav", b"../../../../etc/shadow"),
    "a file from the root": lambda text: text.replace(b"a.wav", b"/dev/zero"),
    "a zero byte": lambda text: text.replace(b"a.wav", b"a\0.wav"),
    "a line break in a name": lambda text: text.replace(b"a.wav", b'"a\nb.wav"'),
    "a name longer than any": lambda text: text.replace(b"a.wav", b"a" * 5000),
    "a field of a million letters": lambda text: text.replace(b"ann", b"a" * 1_000_000),
    "thirty thousand columns": lambda text: text.replace(b"file", b"," * 30_000 + b"file"),
    "a quote that never ends": lambda text: text.replace(b"0,1,ann", b'0,"1,ann'),
    "comments alone": lambda text: b"".join(b"#" + line for line in text.splitlines(keepends=True)),
    "parted by what there is not": lambda text: b"sep=\xff\n" + text,
    "utf-32": lambda text: text.decode().encode("utf-32"),
    "half of utf-16": lambda text: text.decode().encode("utf-16")[:41],
    "from right to left": lambda text: text.replace(b"ann", "\u202e\u05d0".encode()).replace(b"-30", "\u202e-30".encode()),
    "line breaks of other scripts": lambda text: text.replace(b"\n", "\u2028".encode()),
}


def table(change: Change) -> Kind:
    def make(folder: Path) -> Read:
        for name in "abc":
            (folder / f"{name}.wav").touch()
        return put(lambda: TABLE, change, read_rows, "t.csv")(folder)

    return make


def read_rows(path: Path) -> list[tuple[float, float, Path]]:
    rows = read_table(path, ("file", "doa_deg", "clip", "speaker"), ("range_m",))
    return [(row.number("doa_deg", -90, 90), row.number("range_m", 0.01, 100), row.file) for row in rows]


def rows_are_numbers(rows: list[tuple[float, float, Path]]) -> bool:
    return all(-90 <= doa_deg <= 90 and 0 < range_m <= 100 and file.is_file() for doa_deg, range_m, file in rows)


ANSWERS = b"id,estimated_deg\na1,-30\nb2,0\nc3,30.5\n"
OF_ANSWERS: dict[str, Change] = {
    "an id twice": lambda text: text.replace(b"b2", b"a1"),
    "a column twice": lambda text: text.replace(b"id,", b"id, id,").replace(b",-30", b",x,-30").replace(b",0", b",y,0"),
    "angles twice": lambda text: text.replace(b"id,estimated_deg", b"id,estimated_deg, estimated_deg").replace(b"30", b"3,0"),
    "no id": lambda text: text.replace(b"id,", b"key,"),
    "not a number": lambda text: text.replace(b"-30", b"nan"),
    "beyond all numbers": lambda text: text.replace(b"-30", b"1e999"),
    "a formula": lambda text: text.replace(b"-30", b"=2+3"),
    "a value too many": lambda text: text.replace(b"-30", b"-30,1,2,3"),
    "a quote that never ends": lambda text: text.replace(b"b2", b'"b2'),
    "a candidate twice": lambda text: text.replace(b"estimated_deg", b"10,10.0").replace(b"30", b"3,0").replace(b",0", b",0,1"),
    "a zero byte": lambda text: text.replace(b"b2", b"b\0"),
    "thirty thousand columns": lambda text: text.replace(b"id", b"," * 30_000 + b"id"),
    "half of utf-16": lambda text: text.decode().encode("utf-16")[:31],
}


def answers_are_numbers(found: Answers) -> bool:
    numbers = found.scores if found.doa_deg is None else found.doa_deg
    return numbers is not None and len(numbers) == len(found.ids) and bool(np.isfinite(numbers).all())


@cache
def mat_bytes(**changed: Any) -> bytes:
    made = io.BytesIO()
    scipy.io.savemat(made, {"impulse_response": np.arange(320.0).reshape(40, 8)}, **changed)
    return made.getvalue()


def saved(**content: Any) -> Change:
    def make(_: bytes) -> bytes:
        made = io.BytesIO()
        scipy.io.savemat(made, content)
        return made.getvalue()

    return make


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def packed(body: bytes) -> bytes:
    return struct.pack("<II", 15, len(found := zlib.compress(body))) + found


def array(kind: int, shape: bytes, *rest: bytes, name: bytes = b"impulse_response") -> bytes:
    head = element(6, struct.pack("<II", kind, 0)) + element(5, shape) + element(1, name)
    return element(14, head + b"".join(rest))


def mat(*elements: bytes) -> Change:
    return lambda content: content[:128] + b"".join(elements)


def nested(depth: int) -> bytes:
    made = array(6, struct.pack("<ii", 1, 1), element(9, bytes(8)))
    for _ in range(depth):
        made = array(1, struct.pack("<ii", 1, 1), made)
    return made


SHAPE, NUMBERS = struct.pack("<ii", 40, 8), element(9, bytes(2560))
MATS: dict[str, Change] = {
    "numbers of a type that there is not": behind(b"\x09\0\0\0\x00\x0a", 0, b"\x08"),
    "numbers of a type beyond the table": behind(b"\x09\0\0\0\x00\x0a", 0, b"\x5b"),
    "an array where numbers are": behind(b"\x09\0\0\0\x00\x0a", 0, b"\x0e"),
    "fewer numbers than its shape": mat(array(6, struct.pack("<ii", 41, 8), NUMBERS)),
    "a negative shape": mat(array(6, struct.pack("<ii", -40, -8), NUMBERS)),
    "a shape beyond memory": mat(array(6, struct.pack("<ii", 2**31 - 1, 2**31 - 1), NUMBERS)),
    "no shape": mat(array(6, b"", NUMBERS)),
    "a hundred dimensions": mat(array(6, struct.pack("<i", 1) * 100, element(9, bytes(8)))),
    "cells beyond memory": mat(array(1, struct.pack("<ii", 2**31 - 1, 2**31 - 1))),
    "cells in cells": mat(nested(2000)),
    "no class": mat(array(0, SHAPE, NUMBERS)),
    "an object": mat(array(17, SHAPE, NUMBERS)),
    "a function": mat(array(16, SHAPE, NUMBERS)),
    "no name": mat(array(6, SHAPE, NUMBERS, name=b"\xff\xfe\0")),
    "no array": mat(element(9, bytes(2560))),
    "packed and cut": lambda content: content[:128] + packed(content[128:])[:-9],
    "packed twice": lambda content: content[:128] + packed(packed(content[128:])),
    "a bomb": lambda content: content[:128] + packed(array(6, SHAPE, element(9, bytes(2**21)))),
    "version 4": lambda _: mat_bytes(format="4"),
    "of another byte order": lambda content: content[:124] + b"\x01\0MI" + content[128:],
    "a record": saved(impulse_response={"a": 1}),
    "words": saved(impulse_response=["left", "right"]),
    "numbers beyond single precision": saved(impulse_response=np.full((40, 8), 1e300)),
}


def read_mat(path: Path) -> np.ndarray:
    with patch.object(_matlab, "LARGEST_BYTES", 2**20):
        return real_matrix(read_variable(path, "impulse_response", path), 8, path)


@cache
def zip_bytes() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.mat", mat_bytes())
    return made.getvalue()


ZIPS: dict[str, Change] = {
    "behind a password": lambda content: behind(b"PK\x01\x02", 8, b"\x01")(at(6, b"\x01")(content)),
    "packed in no known way": lambda content: behind(b"PK\x01\x02", 10, b"\x63")(at(8, b"\x63")(content)),
    "says that it is large": behind(b"PK\x01\x02", 24, b"\xff" * 4),
    "says that it is small": behind(b"PK\x01\x02", 24, bytes(4)),
    "another name inside": lambda content: content.replace(b"a/b.mat", b"../.mat", 1),
    "a wrong sum": behind(b"PK\x01\x02", 16, b"\x01\x02"),
}


def read_zip(path: Path) -> list[bytes]:
    return [content() for _, content in mir._files(path)]


@cache
def sofa_bytes() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_scene(Path(folder) / "room.sofa", Writing(delay="IR")).read_bytes()


def text_of_numbers(file: netCDF4.Dataset) -> None:
    file.renameVariable("Data.IR", "Old")
    file.createVariable("Data.IR", str, ("M",))[:] = np.array(["a"] * len(file.dimensions["M"]), object)


def group(file: netCDF4.Dataset) -> None:
    file.renameVariable("SourcePosition", "Old")
    file.createGroup("SourcePosition")


def without_samples(file: netCDF4.Dataset) -> None:
    file.createDimension("Z", 0)
    file.renameDimension("N", "Old")
    file.renameDimension("Z", "N")
    replace_variable(file, "Data.IR", "MRN", np.zeros((len(file.dimensions["M"]), 2, 0)))


SOFAS: dict[str, Callable[[netCDF4.Dataset], object]] = {
    "words for numbers": text_of_numbers,
    "a group for a variable": group,
    "no samples": without_samples,
    "units of numbers": lambda file: file["SourcePosition"].setncattr("Units", np.arange(9.0)),
    "type of many lines": lambda file: file["SourcePosition"].setncattr("Type", "cartesian\nTraceback\n\u2028x"),
    "units of a million letters": lambda file: file["SourcePosition"].setncattr("Units", "m" * 60_000),
    "a convention of numbers": lambda file: file.setncattr("SOFAConventions", np.arange(3)),
    "a convention that leads out": lambda file: file.setncattr("SOFAConventions", "../../../etc/passwd"),
    "a version that is code": lambda file: file.setncattr("SOFAConventionsVersion", "__import__('os').getcwd()"),
    "a room type of quotes": lambda file: file.setncatts({"SOFAConventions": "SimpleFreeFieldHRIR", "RoomType": "'\"`$(x)"}),
    "infinite responses": lambda file: file["Data.IR"].__setitem__(slice(None), np.inf),
    "responses of 1e300": lambda file: file["Data.IR"].__setitem__(slice(None), 1e300),
    "a rate of half a hertz": lambda file: file["Data.SamplingRate"].__setitem__(slice(None), 44100.5),
    "sources of 1e300 m": lambda file: file["SourcePosition"].__setitem__(slice(None), 1e300),
}


def sofa_kind(change: Callable[[netCDF4.Dataset], object]) -> Kind:
    def make(folder: Path) -> Read:
        (folder / "room.sofa").write_bytes(sofa_bytes())
        edited(folder / "room.sofa", change)
        return lambda: read_room(folder / "room.sofa")

    return make


def read_room(path: Path) -> np.ndarray:
    return responses_of(f"sofa:{path}").responses("as measured", "grid")


def finite(found: np.ndarray) -> bool:
    return bool(np.isfinite(found).all())


READERS: dict[str, Reader] = {
    "audio": Reader(audio_kinds(), sound_is_finite),
    "speech": Reader(SPEECH),
    "table": Reader({name: table(change) for name, change in (DAMAGE | TABLES).items()}, rows_are_numbers),
    "answers": Reader(
        {name: put(lambda: ANSWERS, change, read_answers, "a.csv") for name, change in (DAMAGE | OF_ANSWERS).items()}
        | {
            f"packed as {end}": put(lambda: ANSWERS, bytes, read_answers, f"a.csv{end}")
            for end in (".zip", ".gz", ".xz", ".tar")
        },
        answers_are_numbers,
    ),
    "mat": Reader({name: put(mat_bytes, change, read_mat, "a.mat") for name, change in (DAMAGE | MATS).items()}, finite),
    "zip of a room": Reader({name: put(zip_bytes, change, read_zip, "a.zip") for name, change in (DAMAGE | ZIPS).items()}),
    "sofa": Reader(
        {name: put(sofa_bytes, change, read_room, "room.sofa") for name, change in DAMAGE.items()}
        | {name: sofa_kind(change) for name, change in SOFAS.items()},
        finite,
    ),
}
