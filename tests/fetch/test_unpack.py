"""Archives that may do harm are refused, and nothing of them is left."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from doabench.benchmark.fetch.unpack import BadArchive, unpack
from support.archives import tar


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zipped(*names: str, mode: int = 0) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, b"0" * 1000)
    return made.getvalue()


EVIL = {
    "absolute.tar.gz": tar({"/etc/evil": b"x"}),
    "parent.tar.gz": tar({"a/../../evil": b"x"}),
    "symlink.tar.gz": tar({}, (link("a", "/etc", tarfile.SYMTYPE),)),
    "hardlink.tar.gz": tar({"b": b""}, (link("a", "b", tarfile.LNKTYPE),)),
    "device.tar.gz": tar({}, (link("a", "", tarfile.CHRTYPE),)),
    "many.tar.gz": tar({f"{index}": b"" for index in range(12)}),
    "large.tar.gz": tar({"a": b"0" * 6000}),
    "cut.tar.gz": tar({"a": os.urandom(4000)})[:2000],
    "absolute.zip": zipped("/etc/evil"),
    "parent.zip": zipped("../evil"),
    "backslash.zip": zipped("..\\evil"),
    "drive.zip": zipped("C:/evil"),
    "symlink.zip": zipped("a", mode=0o120777),
    "many.zip": zipped(*(f"{index}" for index in range(12))),
    "large.zip": zipped("a", "b", "c", "d", "e", "f"),
    "cut.zip": zipped("a")[:60],
    "page.zip": b"<html></html>",
    "page.tar.gz": b"<html></html>",
}


@pytest.mark.parametrize("name", EVIL)
def test_an_archive_that_may_do_harm_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(EVIL[name])
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(BadArchive, match=name):
        unpack(tmp_path / name, inside, largest_bytes=5000, most_files=10)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "inside"])
