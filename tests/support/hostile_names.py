"""Malformed words of a command line, and archives that strangers packed."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from doabench.benchmark.data.open import named_room, open_room
from doabench.benchmark.fetch.unpack import unpack
from doabench.benchmark.plugins.spec import read_method
from doabench.benchmark.run.plan import Request, make_plan
from support.archives import tar
from support.hostile import DAMAGE, Kind, Read, Reader

LARGEST, MOST = 5000, 10

METHODS = {
    "nothing": "",
    "a bracket": "cnn[",
    "brackets without end": "cnn[" + "[" * 5000 + "]",
    "a path": "../../evil",
    "a path from the root": "/etc/passwd",
    "a module of Python": "os.system",
    "a hidden piece": "_kernel",
    "a module of a method": "vae_ssl.published",
    "a zero byte": "cnn\0",
    "two lines": "cnn\nsrp_phat",
    "from right to left": "\u202ennc",
    "a letter that is none": "cnn[variant=\udcff]",
    "a hundred thousand letters": "x" * 100_000,
    "five thousand parameters": "cnn[" + ",".join(f"a{number}=1" for number in range(5000)) + "]",
    "a field of the class": "cnn[info=1]",
    "a field of the object": "cnn[context=1]",
    "a name of Python's": "cnn[__class__=1]",
    "not a number": "vae_ssl[passes=nan]",
    "a number of 5000 digits": f"vae_ssl[passes={'9' * 5000}]",
    "a value with a value": "srp_phat[weight=energy=peak]",
}
ROOMS = {
    "nothing": "",
    "a colon": ":",
    "no kind": ":PATH",
    "no path": "sofa:",
    "a zero byte": "sofa:a\0b",
    "longer than a name": "sofa:" + "x" * 5000,
    "longer than a path": "sofa:" + "/x" * 5000,
    "a letter that no disk has": "sofa:\ud800",
    "the home of nobody": "folder:~nobody-of-that-name/x",
    "a device": "folder:/dev/null",
    "a device without end": "sofa:/dev/zero",
    "brackets that never close": "sofa[pair=1-2",
    "brackets in brackets": "sofa[[pair=1-2]]:PATH",
    "a second path": "sofa[path=/etc/passwd]:PATH",
    "a room of a room": "twin-of:twin-of[room=3]:nowhere",
    "files of a room without": "dtu-twin:PATH",
    "twice a half": "dtu-twin/half-grid/half-grid",
    "a name that leads out": "folder[name=../../x]:PATH",
    "a name of two lines": "folder[name=a\nb]:PATH",
    "not a spacing": "folder[spacing_m=nan]:PATH",
    "digits of another script": "r3vival[pair=\u0661-\u0662]:PATH",
    "a layout of no numbers": "mir[layout=a-b-c-d-e-f-g]:PATH",
    "a path without a kind": "/etc/passwd",
    "nothing behind it": "twin-of:",
}
PROTOCOLS = {
    "nothing": "",
    "a path": "../label-sweep",
    "a path from the root": "/etc/passwd",
    "a zero byte": "label-sweep\0",
    "two lines": "label-sweep\n",
    "half a letter": "\ud800",
    "a module": "label_sweep.PROTOCOL",
    "a hidden piece": "_label_sweep",
    "a hundred thousand letters": "x" * 100_000,
    "from right to left": "\u202epeews-lebal",
    "parameters": "label-sweep[version=2]",
}


def method_is_named(found: object) -> bool:
    return isinstance(found, str) and found.replace("_", "a").isalnum()


def written(text: str, read: Callable[[str], object]) -> Kind:
    return lambda folder: lambda: read(text.replace("PATH", str(folder)))


def room(text: str) -> object:
    named_room(text)
    return open_room(text)


def plan(protocol: str) -> object:
    return make_plan(Request((protocol,), ("srp_phat",), "talkers", "smoke"))


def zipped(*names: str, mode: int = 0, content: bytes = b"0" * 100) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return made.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", **more: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    for attribute, value in more.items():
        setattr(info, attribute, value)
    return info


@cache
def bomb_of_headers() -> bytes:
    """A name of 64 MiB, in an archive of a few kilobytes."""
    size = 2**26
    head = member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=size).tobuf(tarfile.GNU_FORMAT)
    return gzip.compress(head + bytes(size) + tar({"a": b"x"}), 1)


def odd(content: bytes) -> bytes:
    return content.replace(b"name", b"\xff\xfe\0x")


ZIPS: dict[str, bytes] = {
    "from the root": zipped("/etc/evil"),
    "from above": zipped("a/../../evil"),
    "from above, another system": zipped("..\\evil"),
    "from another drive": zipped("C:/evil"),
    "a link": zipped("a", mode=0o120777, content=b"/etc"),
    "a device": zipped("a", mode=0o020666),
    "more files than there are": zipped(*map(str, range(12))),
    "more than there is": zipped("a", content=bytes(6000)),
    "no name": zipped(""),
    "a dot": zipped("."),
    "a name longer than any": zipped("x" * 300),
    "a path longer than any": zipped("/".join(["x" * 200] * 30)),
    "a file that is a folder": zipped("a", "a/b"),
    "a file twice": zipped("a", "a"),
    "a name that is no text": odd(zipped("name")),
    "a name of two lines": zipped("a\nb"),
    "from right to left": zipped("\u202egnp.fdp"),
    "a device of another system": zipped("CON", "aux.wav", "nul"),
}
TARS: dict[str, bytes] = {
    "from the root": tar({"/etc/evil": b"x"}),
    "from above": tar({"a/../../evil": b"x"}),
    "a link": tar({}, (member("a", tarfile.SYMTYPE, "/etc"),)),
    "through a link": tar({}, (member("a", tarfile.SYMTYPE, ".."), member("a/evil"))),
    "a hard link": tar({"b": b""}, (member("a", tarfile.LNKTYPE, "../../../etc/passwd"),)),
    "a pipe": tar({}, (member("a", tarfile.FIFOTYPE),)),
    "a device": tar({}, (member("a", tarfile.CHRTYPE, devmajor=1, devminor=5),)),
    "more files than there are": tar({str(number): b"" for number in range(12)}),
    "more than there is": tar({"a": bytes(6000)}),
    "a bomb of headers": bomb_of_headers(),
    "no name": tar({"": b"x"}),
    "a dot": tar({".": b"x"}),
    "a name longer than any": tar({"x" * 300: b"x"}),
    "a path deeper than any": tar({"/".join("x" * 3000): b"x"}),
    "a file that is a folder": tar({"a": b"x", "a/b": b"x"}),
    "a folder that is a file": tar({"a/b": b"x", "a": b"x"}),
    "the rights of another": tar({}, (member("a", mode=0o6777, uid=0, uname="root", mtime=2**40),)),
    "holes": tar({}, (member("a", tarfile.GNUTYPE_SPARSE),)),
    "nothing, packed": gzip.compress(b""),
    "noise, packed": gzip.compress(os.urandom(5000)),
    "a zip": zipped("a"),
}


def archive(content: bytes, suffix: str) -> Kind:
    def make(folder: Path) -> Read:
        path, into = folder / f"some{suffix}", folder / "out"
        path.write_bytes(content)
        into.mkdir()

        def read() -> list[Path]:
            unpack(path, into, LARGEST, MOST)
            return sorted(into.rglob("*"))

        return read

    return make


def small_and_plain(found: list[Path]) -> bool:
    files = [path for path in found if path.is_file()]
    plain = not any(path.is_symlink() or path.stat().st_mode & 0o6000 for path in found)
    return plain and len(files) <= MOST and sum(path.stat().st_size for path in files) <= LARGEST


def archives(suffix: str, whole: bytes, kinds: dict[str, bytes]) -> Reader:
    made = {name: change(whole) for name, change in DAMAGE.items()} | kinds
    return Reader({name: archive(content, suffix) for name, content in made.items()}, small_and_plain)


SPECS: dict[str, Reader] = {
    "method": Reader(
        {name: written(text, lambda text: read_method(text).name) for name, text in METHODS.items()}, method_is_named
    ),
    "room": Reader({name: written(text, room) for name, text in ROOMS.items()}),
    "protocol": Reader({name: written(text, plan) for name, text in PROTOCOLS.items()}, lambda _: False),
}
ARCHIVES: dict[str, Reader] = {
    "zip": archives(".zip", zipped("a", "b/c"), ZIPS),
    "tar": archives(".tar.gz", tar({"a": bytes(50), "b/c": bytes(50)}), TARS),
}
READERS = SPECS | ARCHIVES
