"""Imports run one way: plugins know the contract, machines know the contract, one door knows all."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
CONTRACT = {
    "acoustics",
    "cache",
    "checkpoint",
    "code",
    "dataset",
    "digest",
    "durable",
    "errors",
    "method",
    "paged",
    "protocol",
    "seeds",
    "sequences",
    "source",
    "voice",
    "weights",
}
MAY = {  # room: the rooms that it may import beside itself; the longest prefix counts
    "benchmark": set(),  # the contract imports itself alone
    "benchmark.plugins": {"benchmark"},
    "benchmark.results": {"benchmark"},
    "benchmark.fetch": {"benchmark", "benchmark.plugins"},
    "benchmark.data": {"benchmark", "benchmark.plugins", "benchmark.fetch"},
    "benchmark.run": {"benchmark", "benchmark.plugins", "benchmark.data", "benchmark.results"},
    "benchmark.conformance": {"benchmark", "benchmark.plugins", "benchmark.data", "benchmark.results"},
    "methods": {"benchmark"},
    "protocols": {"benchmark"},
    "datasets": {"benchmark"},
    "leaderboard": {"benchmark", "benchmark.results"},
}
DOORS = {"cli", "__main__.py", "api.py", "__init__.py"}  # in benchmark/; they may import everything


def room(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "benchmark" and (len(parts) < 3 and parts[-1] in CONTRACT | {"benchmark"}):
        return "benchmark"
    return next((name for n in (2, 1) if (name := ".".join(parts[:n])) in MAY and name != "benchmark"), None)


def imports(file: Path) -> set[str]:
    here, found = (*file.relative_to(ROOT).parts[:-1],), set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*here[: len(here) + 1 - node.level], *filter(None, (node.module or "").split("."))]
            names = [base] if node.module else [[*base, alias.name] for alias in node.names]
            found |= {".".join(name) for name in names}
    return found


FILES = [
    file for top in ("benchmark", "methods", "datasets", "protocols", "leaderboard") for file in (ROOT / top).rglob("*.py")
]


def test_every_room_has_files() -> None:
    assert {room(".".join(file.relative_to(ROOT).with_suffix("").parts)) for file in FILES} >= set(MAY)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_run_one_way(file: Path) -> None:
    place = file.relative_to(ROOT)
    if "templates" in place.parts:  # written for others
        return
    for node in ast.walk(ast.parse(file.read_bytes())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        assert not any(name.split(".")[0] == "doabench" for name in names), "imports inside the project are relative"
    own = room(".".join(place.with_suffix("").parts))
    if own is None:
        assert place.parts[0] == "benchmark", f"{place}: no room is known for it"
        assert place.parts[1] in DOORS, f"{place}: no room is known for it"
        return
    for module in imports(file):
        other = room(module)
        assert other == own or other in MAY[own], f"{own} must not import {module}"
