"""Plugins: every file dropped into a folder is registered under its name; one that is broken stops nobody else."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..dataset import Room, Speech
from ..errors import UserError
from ..method import Method
from ..protocol import Protocol

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")


@dataclass(frozen=True)
class Plugin:
    """A registered file. ``found`` is what it defines; if it cannot be imported, ``error`` says why, and ``needs`` names the
    package to install if one that is not there was the cause."""

    name: str
    file: Path
    found: Any = None
    error: str = ""
    needs: str = ""


class Registry(Generic[T]):
    """All plugins of one kind: one public class (or instance) of ``base`` per file or folder below ``folder``."""

    def __init__(self, kind: str, folder: str, base: type[T], separator: str = "-") -> None:
        self.kind, self.folder, self.base, self._separator = kind, folder, base, separator
        self._outside: dict[str, Plugin] = {}

    @cached_property
    def _inside(self) -> dict[str, Plugin]:
        found: dict[str, Plugin] = {}
        for path in sorted((ROOT / self.folder).iterdir()):
            entry = path / "__init__.py" if path.is_dir() else path
            if path.stem.startswith(("_", ".")) or entry.suffix != ".py" or not entry.is_file():
                continue
            name = self.plain(path.stem)
            if name in found:
                raise UserError(f"{self.kind} {name!r} stands twice: {found[name].file} and {entry}; rename one")
            module = ".".join([*(__package__ or "").split(".")[:-2], *Path(self.folder).parts, path.stem])
            found[name] = self._load(name, entry, lambda module=module: importlib.import_module(module))
        return found

    def plugins(self) -> dict[str, Plugin]:
        """All plugins by name, broken ones included."""
        return {**self._inside, **self._outside}

    def names(self) -> list[str]:
        return sorted(self.plugins())

    def add_file(self, path: Path) -> str | None:
        """Register a file outside the tree under its stem if it defines one of this kind; the name, or None if it does not."""
        name, known = self.plain(path.stem), self.plugins()
        module_name = f"doabench.{self.folder.replace('/', '.')}.{path.stem}"
        before = sys.modules.get(module_name)

        def load() -> Any:
            spec = importlib.util.spec_from_file_location(module_name, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            return module

        plugin = self._load(name, path, load)
        defines = plugin.found is not None or bool(plugin.error)
        if (name in known or not defines) and before is not None:
            sys.modules[module_name] = before  # what is not taken must not stand in for what is there
        if not defines:
            return None
        if name in known:
            raise UserError(f"--plugin {path}: {self.kind} {name!r} exists already ({known[name].file}); rename the file")
        self.add(plugin)
        return name

    def add(self, plugin: Plugin) -> None:
        """Register a plugin from outside the tree, in the place of one that was added under its name."""
        self._outside[plugin.name] = plugin

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is added inside the block is gone after it."""
        before = dict(self._outside)
        try:
            yield
        finally:
            self._outside = before

    def get(self, name: str) -> Plugin:
        """The plugin of that name. Raises UserError with the nearest names where there is none, or with its own failure."""
        plugin = self.plugins().get(self.plain(name))
        if plugin is None:
            near = difflib.get_close_matches(self.plain(name), self.names(), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(self.names())}"
            raise UserError(f"no {self.kind} named {name!r}; {hint}")
        if plugin.error:
            raise UserError(f"{self.kind} {plugin.name!r} ({plugin.file}) cannot be loaded: {plugin.error}")
        return plugin

    def plain(self, name: str) -> str:
        """Names are the same with hyphens and underscores."""
        return name.replace("-", "_").replace("_", self._separator)

    def _load(self, name: str, file: Path, load: Any) -> Plugin:
        try:
            module = load()
        except Exception as error:  # a plugin's own failure, whatever it is, is reported with its place
            frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == file]
            where = f" at line {frames[-1].lineno}" if frames else ""
            absent = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
            needs = "" if absent.startswith("doabench") else absent
            return Plugin(name, file, error=f"{type(error).__name__}{where}: {error}", needs=needs)
        own = [value for key, value in vars(module).items() if not key.startswith("_") and self._is_own(value, module)]
        if len(own) == 1:
            return Plugin(name, file, own[0])
        return Plugin(name, file, error="" if not own else f"defines {len(own)} public {self.base.__name__}s, one is needed")

    def _is_own(self, value: Any, module: Any) -> bool:
        if inspect.isclass(value):
            return issubclass(value, self.base) and value.__module__ == module.__name__ and not inspect.isabstract(value)
        return isinstance(value, self.base)


METHODS: Registry[Method] = Registry("method", "methods", Method, separator="_")
PROTOCOLS: Registry[Protocol] = Registry("protocol", "protocols", Protocol)
SPEECH: Registry[Speech] = Registry("speech", "datasets/speech", Speech)
ROOMS: Registry[Room] = Registry("room", "datasets/rooms", Room)
REGISTRIES: tuple[Registry[Any], ...] = (METHODS, PROTOCOLS, SPEECH, ROOMS)


def add_plugin_file(path: Path) -> None:
    """Register ``--plugin path.py`` with whichever kind it defines."""
    if not path.is_file():
        raise UserError(f"--plugin {path}: no such file; give the path of a Python file")
    if not [name for registry in REGISTRIES if (name := registry.add_file(path.resolve()))]:
        raise UserError(f"--plugin {path}: defines no Method, Protocol, Speech or Room")
