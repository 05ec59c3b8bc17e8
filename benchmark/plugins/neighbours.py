"""What lies beside a plugin outside the tree and is part of it: helper modules, and files with data."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from .faults import is_own


def neighbours(file: Path) -> list[Path]:
    """Files beside a plugin that its text names, or that of a module beside it: ``helper`` names ``helper.py`` or a package,
    and ``table.npz`` itself. An import, a name in a string and a path count alike."""
    found, todo = {file}, [file]
    while todo:
        words = set(re.findall(r"[\w.-]+", todo.pop().read_text(encoding="utf-8", errors="replace")))
        words |= {word for dotted in words for word in dotted.split(".")}
        new = [path for path in _beside(file.parent, words) if path not in found]
        found.update(new)
        todo += [path for path in new if path.suffix == ".py"]
    return sorted(found - {file})


def _beside(folder: Path, words: set[str]) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or not {path.name, path.stem if path.suffix == ".py" else path.name} & words:
            continue
        if path.is_file():
            yield path
        elif (path / "__init__.py").is_file():
            yield from path.rglob("*.py")


def digests(file: Path, without: set[str]) -> list[str]:
    """Hashes of the `neighbours` of a plugin, but for the modules ``without``; comments and layout of code do not count."""
    tops = [(path, path.relative_to(file.parent).parts[0].removesuffix(".py")) for path in neighbours(file)]
    return sorted(_content(path, path.stat().st_mtime_ns) for path, top in tops if top not in without)


@cache
def _content(path: Path, _changed: int) -> str:
    content = path.read_bytes()
    if path.suffix == ".py":
        with suppress(SyntaxError):
            content = ast.dump(ast.parse(content)).encode()
    return hashlib.sha256(content).hexdigest()


def clash(file: Path) -> str:
    """Why a plugin would be given another plugin's helper instead of its own; empty if it would not."""
    for path in neighbours(file):
        loaded = getattr(sys.modules.get(path.stem), "__file__", None) if path.parent == file.parent else None
        if path.suffix == ".py" and loaded and is_own(loaded) and Path(loaded).resolve() != path.resolve():
            return f"{path} and {loaded} are two modules of one name, which Python cannot tell apart: rename one"
    return ""
