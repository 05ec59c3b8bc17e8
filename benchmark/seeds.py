"""Named seeds: every random choice has its own stream, derived from the names of the axes it depends on."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*axes: str | int | float) -> int:
    """A 63-bit seed for the named axes, e.g. ``seed_of("noise", "dtu-twin", 0, 17)``.

    Streams of different names are independent, so that drawing more in one place changes nothing in another.
    """
    text = "\x1f".join(repr(axis) for axis in axes)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*axes: str | int | float) -> np.random.Generator:
    """A numpy generator on the stream of the named axes."""
    return np.random.default_rng(seed_of(*axes))
