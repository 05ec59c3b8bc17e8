"""Plugins: every file dropped into a folder is registered under its name; one that is broken stops nobody else."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..dataset import Room, Speech
from ..errors import UserError
from ..method import Method, MethodInfo
from ..protocol import Protocol
from .contained import heard_exit
from .faults import ROOT, package_needed, place_of, said_by
from .neighbours import clash

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
    """All plugins of one kind: one public class (or instance) of ``base`` per file or folder below ``folder``. ``fault`` says
    what is wrong with one, if anything is."""

    def __init__(
        self, kind: str, folder: str, base: type[T], separator: str = "-", fault: Callable[[Any], str] = lambda _: ""
    ) -> None:
        self.kind, self.folder, self.base, self._separator, self._fault = kind, folder, base, separator, fault
        self.added: dict[str, Plugin] = {}
        self._loaded: dict[str, Plugin] = {}

    @cached_property
    def _files(self) -> dict[str, tuple[Path, str]]:
        """File and module of every plugin in the tree. Each is loaded when it is asked for: some need large packages."""
        found: dict[str, tuple[Path, str]] = {}
        for path in sorted((ROOT / self.folder).iterdir()):
            entry = path / "__init__.py" if path.is_dir() else path
            if path.stem.startswith(("_", ".")) or entry.suffix != ".py" or not entry.is_file():
                continue
            name = self.plain(path.stem)
            if name in found:
                raise UserError(f"{self.kind} {name!r} stands twice: {found[name][0]} and {entry}; rename one")
            found[name] = entry, ".".join([*(__package__ or "").split(".")[:-2], *Path(self.folder).parts, path.stem])
        return found

    def find(self, name: str) -> Plugin | None:
        """The plugin of that name, be it broken, or None."""
        name = self.plain(name)
        if name in self.added:
            return self.added[name]
        if name in self._files and name not in self._loaded:
            file, module = self._files[name]
            self._loaded[name] = self._load(name, file, lambda: importlib.import_module(module))
        return self._loaded.get(name)

    def plugins(self) -> dict[str, Plugin]:
        """All plugins by name, broken ones included."""
        return {name: plugin for name in [*self._files, *self.added] if (plugin := self.find(name))}

    def names(self) -> list[str]:
        return sorted({*self._files, *self.added})

    def add_file(self, path: Path) -> str | None:
        """Register a file outside the tree under its stem if it defines one of this kind; the name, or None if it does not. It
        may import what lies beside it. `__init__.py` stands for its folder."""
        name = self.plain(_stem(path))
        known = self.added[name].file if name in self.added else self._files.get(name, (None,))[0]
        module_name = f"doabench.{self.folder.replace('/', '.')}.{_stem(path)}"
        is_package = path.stem == "__init__"
        before = sys.modules.get(module_name)

        def load() -> Any:
            if reason := clash(path):
                raise ImportError(reason)
            if not is_package and str(path.parent) not in sys.path:
                sys.path.append(str(path.parent))
            inside = [str(path.parent)] if is_package else None
            spec = importlib.util.spec_from_file_location(module_name, path, submodule_search_locations=inside)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            return module

        plugin = self._load(name, path, load)
        defines = plugin.found is not None or bool(plugin.error)
        if (known or not defines) and before is not None:
            sys.modules[module_name] = before  # what is not taken must not stand in for what is there
        if not defines:
            return None
        if known:
            raise UserError(f"--plugin {path}: {self.kind} {name!r} exists already ({known}); rename the file")
        self.add(plugin)
        return name

    def add(self, plugin: Plugin) -> None:
        """Register a plugin from outside the tree, in the place of one that was added under its name."""
        self.added[plugin.name] = plugin

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is added inside the block is gone after it."""
        before = dict(self.added)
        try:
            yield
        finally:
            self.added = before

    def get(self, name: str) -> Plugin:
        """The plugin of that name. Raises UserError with the nearest names where there is none, or with its own failure."""
        plugin = self.find(name)
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
            with heard_exit():
                module = load()
        except (Exception, SystemExit) as error:  # a plugin's own failure, whatever it is, is reported with its place
            where = _where(error, file)
            return Plugin(name, file, error=f"{type(error).__name__}{where}: {said_by(error)}", needs=package_needed(error))
        own = [value for key, value in vars(module).items() if not key.startswith("_") and self._is_one(value, module)]
        if len(own) != 1:
            return Plugin(
                name, file, error="" if not own else f"defines {len(own)} public {self.base.__name__}s, one is needed"
            )
        fault = self._fault(own[0])
        return Plugin(name, file, error=fault) if fault else Plugin(name, file, own[0])

    def _is_one(self, value: Any, module: Any) -> bool:
        if inspect.isclass(value):
            return issubclass(value, self.base) and value.__module__ == module.__name__ and not inspect.isabstract(value)
        return isinstance(value, self.base)


def _stem(path: Path) -> str:
    return path.parent.name if path.stem == "__init__" else path.stem


def _where(error: BaseException, file: Path) -> str:
    """`` at line 12``, or of which other file."""
    place = place_of(error)
    in_file = f" in {file.name}, "
    return f" at {place.removeprefix(in_file)}" if place.startswith(in_file) else place


def _method_fault(kind: type[Method]) -> str:
    """What keeps a class from being run as a method, with its line."""
    where = f"class {kind.__name__} at line {inspect.getsourcelines(kind)[1]}"
    if not isinstance(getattr(kind, "info", None), MethodInfo):
        return f"{where}: info must be a MethodInfo"
    declared = [name for name, kept in inspect.get_annotations(kind).items() if "ClassVar" not in str(kept)]
    if not is_dataclass(kind) or not set(declared) <= {*getattr(kind, "__dataclass_fields__", ())}:
        return f"{where} is not a dataclass: write @dataclass above it, so that its fields are the method's parameters"
    return ""


METHODS: Registry[Method] = Registry("method", "methods", Method, separator="_", fault=_method_fault)
PROTOCOLS: Registry[Protocol] = Registry("protocol", "protocols", Protocol)
SPEECH: Registry[Speech] = Registry("speech", "datasets/speech", Speech)
ROOMS: Registry[Room] = Registry("room", "datasets/rooms", Room)
REGISTRIES: tuple[Registry[Any], ...] = (METHODS, PROTOCOLS, SPEECH, ROOMS)


def add_plugin_file(path: Path, error: str = "") -> None:
    """Register ``--plugin path.py`` with whichever kind it defines; one that must not be loaded, with the ``error`` that says
    why. Raises UserError for a file that is not there, defines nothing, or has the name of another."""
    if not path.is_file():
        what = "a folder without __init__.py" if path.parent.is_dir() and path.name == "__init__.py" else "no such file"
        raise UserError(f"--plugin {path}: {what}; give the path of a Python file, or of a folder that is a package")
    path = path.resolve()
    kinds = _kinds(path.read_text(encoding="utf-8", errors="replace"))
    if error:
        kinds[0].add(Plugin(kinds[0].plain(_stem(path)), path, error=error))
        return
    defined = False
    for registry in kinds:
        if name := registry.add_file(path):
            defined = True
            if registry.added[name].error:
                return  # what cannot be loaded is reported once
    if not defined:
        raise UserError(f"--plugin {path}: defines no Method, Protocol, Speech or Room")


def _kinds(text: str) -> list[Registry[Any]]:
    """The registries whose contract a file imports; all of them where it imports none by name."""
    return [one for one in REGISTRIES if re.search(rf"\b{one.base.__module__.rpartition('.')[2]} import\b", text)] or [
        *REGISTRIES
    ]
