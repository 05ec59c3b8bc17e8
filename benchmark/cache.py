"""Where derived data that can be made again, and data that was fetched, are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``DOABENCH_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("DOABENCH_CACHE") or platformdirs.user_cache_dir("doabench"))


def data_folder() -> Path:
    """Where ``doabench data fetch`` installs: ``DOABENCH_DATA``, or the user's data folder."""
    return Path(os.environ.get("DOABENCH_DATA") or platformdirs.user_data_dir("doabench"))
