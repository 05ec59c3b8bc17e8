"""Hashes of everything that determines a number: values, arrays, code with all that it uses, package versions."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .code import Code, closure_of, hashes_of

PLUMBING = {"pandas", "platformdirs", "pydantic", "safetensors"}
"""Packages that carry values from one place to another and make none: their versions do not count."""


def digest(value: Any) -> str:
    """SHA-256 (first 32 hex digits) of a JSON-able value in canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def array_digest(*arrays: NDArray[np.generic]) -> str:
    """SHA-256 of the type, shape and content of arrays."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]


@cache
def code_digest(*things: Code) -> str:
    """A hash of functions, classes or whole modules, and of all project code that they use (`code`). Versions of packages do
    not count. Raises ValueError for what has no source file.
    """
    return digest(sorted(hashes_of(closure_of(things)).values()))


@cache
def source_digest(*things: Code) -> str:
    """Like `code_digest`, with the versions of the installed packages that the code uses."""
    packages = {package for definition in closure_of(things).values() for package in definition.packages} - PLUMBING
    names = sorted({name for package in packages for name in _distributions().get(package, ())})
    return digest([code_digest(*things), versions(*names)])


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, without local build tags; 'absent' for what is not installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package).split("+")[0]
        except metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


@cache
def _distributions() -> dict[str, list[str]]:
    """The distributions that bring each importable package."""
    return dict(metadata.packages_distributions())
