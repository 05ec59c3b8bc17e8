"""Where derived data that can be made again is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``DOABENCH_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("DOABENCH_CACHE") or platformdirs.user_cache_dir("doabench"))
