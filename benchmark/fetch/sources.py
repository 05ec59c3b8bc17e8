"""The public data sets that are declared, and where each lies once it was fetched. Nothing here touches the network."""

from __future__ import annotations

from pathlib import Path

from ..cache import data_folder
from ..errors import UserError
from ..plugins.registry import Registry
from ..source import Source

SOURCES: Registry[Source] = Registry("data set", "datasets/sources", Source)


def place(name: str) -> Path:
    """Where the data set of that name is, or would be."""
    return data_folder() / SOURCES.get(name).name


def fetched(name: str) -> Path | None:
    """The folder of a declared data set, for its reader; None where no data set is called so. Raises UserError if it is not
    there."""
    if SOURCES.plain(name) not in SOURCES.names():
        return None
    folder = place(name) / SOURCES.get(name).found.inner
    if not folder.is_dir():
        raise UserError(f"{name}: not here ({folder}); get it with doabench data fetch {name}, or give the files: KIND:PATH")
    return folder
