"""Hashes of everything that determines a number: values, files, source code with what it imports, package versions."""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROOT = Path(__file__).resolve().parent.parent


def digest(value: Any) -> str:
    """SHA-256 (first 32 hex digits) of a JSON-able value in canonical form."""
    return _sha(json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode())


def array_digest(*arrays: NDArray[np.generic]) -> str:
    """SHA-256 of the type, shape and content of arrays."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()[:32]


@cache
def source_digest(file: Path) -> str:
    """SHA-256 of a source file and of every project file that it imports, directly or not.

    Comments and layout do not count: what is hashed is the syntax tree without docstrings.
    """
    closure = sorted(_closure(file.resolve()), key=str)
    return digest([[path.name, _tree(path)] for path in closure])


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, without local build tags; 'absent' for what is not installed."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package).split("+")[0]
        except metadata.PackageNotFoundError:
            found[package] = "absent"
    return found


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _closure(file: Path) -> set[Path]:
    seen: set[Path] = set()
    todo = [file]
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _project_imports(path)
    return seen


def _project_imports(path: Path) -> list[Path]:
    """Files that ``path`` imports from the project; imports for type checkers only do not run and do not count."""
    found = []
    for node in _running_nodes(ast.parse(path.read_bytes())):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = path.parents[node.level - 1]
        elif (node.module or "").split(".")[0] == "doabench":
            base = _ROOT
        else:
            continue
        parts = (node.module or "").removeprefix("doabench").strip(".").split(".") if node.module else []
        module = base.joinpath(*filter(None, parts))
        for target in (module, *(module / alias.name for alias in node.names)):
            candidates = (target.with_suffix(".py"), target / "__init__.py")
            found += [candidate for candidate in candidates if candidate.is_file()]
    return found


def _running_nodes(tree: ast.AST) -> list[ast.AST]:
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        found.append(node)
        for child in ast.iter_child_nodes(node):
            is_typing = isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"
            if not is_typing:
                todo.append(child)
    return found


def _tree(path: Path) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() if ast.get_docstring(node, clean=False) is not None:
                node.body.pop(0)
    return _sha(ast.dump(tree).encode())
