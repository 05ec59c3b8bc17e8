"""Downloading declared data sets: resumed, checked, unpacked into a hidden folder and renamed when all is there."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from ..cache import data_folder
from ..errors import UserError
from ..source import RemoteFile, Source
from .sources import SOURCES, place
from .unpack import BadArchive, unpack

TIMEOUT_S = 30.0
CHUNK = 2**16
DOWNLOADS = ".downloads"
ARCHIVES = (".zip", ".tar.gz")


def fetch(name: str, console: Console) -> Path:
    """Install a data set and return its folder; at once if it is there. What was downloaded before a failure is used by the
    next try, and who comes while another process fetches it waits for that. Raises UserError."""
    plugin = SOURCES.get(name)
    source: Source = plugin.found
    folder = place(name)
    console.print(f"{source.title}\nlicence: {source.licence}\nplease cite: {source.citation}", highlight=False, soft_wrap=True)
    if folder.exists():
        return folder
    if source.login:
        raise UserError(f"{plugin.name}: has to be fetched by hand. {source.login} Put it into {folder}")
    try:
        with _alone(plugin.name, console):
            if not folder.exists():
                _get(plugin.name, source, folder, console)
    except OSError as error:
        raise UserError(
            f"{plugin.name}: cannot be written to {data_folder()} ({error.strerror or error}); make room there or set"
            " DOABENCH_DATA to another folder, and run the same command again"
        ) from error
    return folder


def _get(name: str, source: Source, folder: Path, console: Console) -> None:
    downloads, unpacked = data_folder() / DOWNLOADS / name, data_folder() / f".{name}.new"
    try:
        downloads.mkdir(exist_ok=True)
        shutil.rmtree(unpacked, ignore_errors=True)
        with _progress(console) as progress:
            bar = progress.add_task(name, total=source.download_bytes)
            got = [download(file, downloads, progress, bar) for file in source.files]
        console.print(f"unpacking into {folder}", highlight=False, soft_wrap=True)
        unpacked.mkdir(parents=True)
        for file, path in zip(source.files, got, strict=True):
            _install(file, path, unpacked, source)
        unpacked.replace(folder)
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    shutil.rmtree(downloads, ignore_errors=True)


@contextmanager
def _alone(name: str, console: Console) -> Iterator[None]:
    """One process at a time fetches ``name`` into this folder; the others wait and say so. A killed one holds up nobody."""
    from filelock import FileLock, Timeout

    lock = FileLock(data_folder() / DOWNLOADS / f"{name}.lock")
    Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        console.print(f"another process is fetching {name}; waiting for it", highlight=False, soft_wrap=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def download(file: RemoteFile, folder: Path, progress: Progress, bar: Any) -> Path:
    """One file into ``folder``, checked. A file that is there and passes is not loaded again. Raises UserError, OSError."""
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    expected, url = file.sha256 or _pins().get(file.url), mirrored(file.url)
    path = folder / _local_name(file)
    try:
        downloader: Any = _Resuming(path, expected is not None, progress, bar)
        pooch.retrieve(url, expected, path.name, folder, downloader=downloader)
    except requests.HTTPError as error:
        raise UserError(f"{url}: the server does not send it ({error}); try later, or set DOABENCH_MIRROR") from error
    except requests.RequestException as error:
        slow = "timed out" in str(error)  # while the body is read, requests calls a timeout a ConnectionError
        what = f"no answer for {TIMEOUT_S:g} s" if slow else "the connection failed or was cut"
        raise UserError(f"{url}: {what}; run the same command again, it goes on from there") from error
    except ValueError as error:  # what pooch raises for a wrong hash
        where = "the published one" if file.sha256 else f"the one of the first download, kept in {_pin_file()}"
        hashed = "MD5 sum" if (expected or "").startswith("md5:") else "SHA-256"
        raise UserError(
            f"{url}: its {hashed} is not {where}; nothing is installed, fetch again or look at the source"
        ) from error
    if expected is None:
        if not _opens(path):
            path.unlink()
            raise UserError(f"{url}: is no archive; nothing is installed, try later or set DOABENCH_MIRROR")
        _pin(file.url, path)
    return path


def mirrored(url: str) -> str:
    """``https://host/path``, or ``DOABENCH_MIRROR/host/path`` where a mirror is named."""
    mirror = os.environ.get("DOABENCH_MIRROR", "").rstrip("/")
    return f"{mirror}/{url.partition('://')[2]}" if mirror else url


class _Resuming:
    """A downloader for pooch that keeps what came in ``NAME.part`` and asks only for the rest.

    The rest is asked for under If-Range where the server named the version; without that, only if a checksum will tell.
    """

    def __init__(self, path: Path, checked: bool, progress: Progress, bar: Any) -> None:
        self.part, self.tag = path.with_name(path.name + ".part"), path.with_name(path.name + ".tag")
        self.checked, self.progress, self.bar = checked, progress, bar

    def __call__(self, url: str, output_file: str, pooch: object) -> None:  # noqa: ARG002 - the name that pooch passes
        import requests

        have, tag = (self.part.stat().st_size if self.part.exists() else 0), self._kept_tag()
        headers = {"Accept-Encoding": "identity"}
        if have and (tag or self.checked):
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": tag} if tag else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
            if answer.status_code == 416:  # what is kept is not part of what is there now
                self._forget()
                raise requests.ConnectionError("the file has changed")
            answer.raise_for_status()
            self._refuse_page(url, answer)
            resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if answer.status_code == 206 and not resumed:
                self._forget()
                raise requests.ConnectionError("another part than was asked for")
            self.tag.write_text(_version(answer))
            self.progress.advance(self.bar, have if resumed else 0)
            with self.part.open("ab" if resumed else "wb") as file:
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                    self.progress.advance(self.bar, len(chunk))
        self.part.replace(output_file)
        self.tag.unlink(missing_ok=True)

    def _refuse_page(self, url: str, answer: Any) -> None:
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise UserError(f"{url}: the server sent a web page instead of the file; open it in a browser to see what it says")

    def _kept_tag(self) -> str:
        return self.tag.read_text() if self.tag.exists() else ""

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)


def _version(answer: Any) -> str:
    """A strong validator of what is being sent, or nothing."""
    etag = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _install(file: RemoteFile, path: Path, unpacked: Path, source: Source) -> None:
    if not path.name.endswith(ARCHIVES):
        target = unpacked / (file.path or path.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        return
    try:
        unpack(path, unpacked, source.largest_bytes, source.most_files)
    except BadArchive:
        path.unlink()  # the next try gets it anew
        raise


def _local_name(file: RemoteFile) -> str:
    return Path(file.path).name or unquote(Path(urlsplit(file.url).path).name)


def _opens(path: Path) -> bool:
    import tarfile
    import zipfile

    return zipfile.is_zipfile(path) if path.name.endswith(".zip") else not path.name.endswith(".gz") or tarfile.is_tarfile(path)


def _pin_file() -> Path:
    return data_folder() / "pinned.json"


def _pins() -> dict[str, str]:
    try:
        return TypeAdapter(dict[str, str]).validate_json(_pin_file().read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{_pin_file()}: is damaged; remove it, and checksums are pinned anew") from error


def _pin(url: str, path: Path) -> None:
    from filelock import FileLock

    with path.open("rb") as file:
        pin = {url: hashlib.file_digest(file, "sha256").hexdigest()}
    with FileLock(data_folder() / DOWNLOADS / "pinned.lock"):  # two data sets may be fetched at once
        beside = _pin_file().with_suffix(".new")
        beside.write_text(json.dumps(_pins() | pin, indent=1))
        beside.replace(_pin_file())


def _progress(console: Console) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=console)
