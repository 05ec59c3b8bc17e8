"""Where derived data that can be made again, and data that was fetched, are kept between runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from .errors import UserError


def cache_folder() -> Path:
    """``DOABENCH_CACHE``, or the user's cache folder. Raises UserError if nothing can be written there."""
    folder = Path(os.environ.get("DOABENCH_CACHE") or platformdirs.user_cache_dir("doabench"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"the cache {folder} cannot be written ({reason}); set DOABENCH_CACHE to a folder of yours") from error


def data_folder() -> Path:
    """Where ``doabench data fetch`` installs: ``DOABENCH_DATA``, or the user's data folder."""
    return Path(os.environ.get("DOABENCH_DATA") or platformdirs.user_data_dir("doabench"))
