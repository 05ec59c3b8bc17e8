"""What code means, whatever it looks like: definitions, and the definitions that they use.

A definition is a top-level function, class or constant. Its text is its syntax tree, in which every name of another
definition of the project is replaced by a reference to that definition, and every name of a package by the package's own
name for it. So a comment, a docstring, the name of a file or of the definition, the spelling of an import, or the file that a
definition stands in change nothing. A change in anything that a definition uses, directly or not, changes its hash.

Followed are names, attributes of modules, base classes, and annotations, which tell the class of what is passed in. A module
that is used as a value counts whole. Statements that define nothing count as soon as their module is imported. A module that
is imported by a name in a string is not followed.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

Code: TypeAlias = ModuleType | type | Callable[..., Any]

_TOP = (__package__ or "").split(".")[0]
_ROOT = Path(__file__).resolve().parent.parent
_STATEMENTS = "<statements>"
_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
_IGNORED = {"ctx", "kind", "type_comment", "type_ignores"}


@dataclass(frozen=True)
class _Target:
    """What an import binds a name to: a module, or a ``name`` in it."""

    module: str
    name: str = ""


Binding: TypeAlias = "ast.stmt | _Target"
Place: TypeAlias = "tuple[_Module, str]"
"""A module and a name that it defines, or `_STATEMENTS`."""


@dataclass(frozen=True)
class Definition:
    """``text`` has a gap for each of ``uses``, in their order."""

    text: str
    uses: tuple[Place, ...]
    packages: frozenset[str]


def closure_of(things: Iterable[Code]) -> dict[Place, Definition]:
    """Every definition that ``things`` use, themselves included."""
    todo = [place for thing in things for place in _places(thing)]
    found: dict[Place, Definition] = {}
    while todo:
        place = todo.pop()
        if place not in found:
            found[place] = _definition(*place)
            todo += [*found[place].uses, *place[0].run_by_import]
    return found


def _places(thing: Code) -> list[Place]:
    module = _module(thing.__name__ if isinstance(thing, ModuleType) else thing.__module__)
    if module is None:
        raise ValueError(f"{thing} has no source file of its own")
    name = "" if isinstance(thing, ModuleType) else thing.__qualname__.partition(".")[0]
    return [(module, name)] if name in module.bindings else module.whole  # a lambda's own name leads nowhere


def hashes_of(closure: Mapping[Place, Definition]) -> dict[Place, str]:
    """A hash of each definition and of what it uses. Two definitions may look the same and use different ones of one name, so
    hashes are refined by those of what is used until no more of them differ (Weisfeiler and Lehman's test of graphs)."""
    hashes = {place: sha256(definition.text.encode()).hexdigest() for place, definition in closure.items()}
    while True:
        refined = {
            place: sha256("\n".join((definition.text, *(hashes[use] for use in definition.uses))).encode()).hexdigest()
            for place, definition in closure.items()
        }
        if len(set(refined.values())) == len(set(hashes.values())):
            return refined
        hashes = refined


class _Module:
    """A source file: what its names stand for, and the statements that define nothing."""

    def __init__(self, name: str, file: Path) -> None:
        self.name, self.package = name, name if file.name == "__init__.py" else name.rpartition(".")[0]
        self.bindings: dict[str, list[Binding]] = {}
        self._imported: list[str] = []
        for statement in ast.parse(file.read_bytes()).body:
            self._read(statement)

    def _read(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Import() | ast.ImportFrom():
                for name, target in _imports(statement, self.package).items():
                    self._bind(_STATEMENTS if name == "*" else name, target)
                    self._imported += [target.module, f"{target.module}.{target.name}"]
                self._imported += [alias.name for alias in statement.names if isinstance(statement, ast.Import)]
            case ast.If(test=ast.Name("TYPE_CHECKING")):  # annotations tell what is passed in, so these count
                for inner in statement.body:
                    self._read(inner)
            case ast.Expr(value=ast.Constant()):
                pass
            case _:
                names = _bound([statement], self.package)
                for name, target in names.items():
                    self._bind(name, target or statement)
                if not (names and isinstance(statement, _DEFINING)):
                    self._bind(_STATEMENTS, statement)

    def _bind(self, name: str, binding: Binding) -> None:
        self.bindings.setdefault(name, []).append(binding)

    @cached_property
    def whole(self) -> list[Place]:
        own = (name for name, found in self.bindings.items() if any(isinstance(one, ast.stmt) for one in found))
        return [(self, name) for name in sorted(own)]

    @cached_property
    def run_by_import(self) -> list[Place]:
        """Statements that define nothing, here and in every module that is imported with this one."""
        seen, todo, found = set[str](), [self.name], []
        while todo:
            name = todo.pop()
            if name not in seen and (module := _module(name)) is not None:
                found += [(module, _STATEMENTS)] if _STATEMENTS in module.bindings else []
                todo += [*module._imported, name.rpartition(".")[0]]
            seen.add(name)
        return found


@cache
def _module(name: str) -> _Module | None:
    """The module of that name if it is of this project, or another of the user's own; None for installed packages."""
    file = _file(name)
    return _Module(name, file) if file is not None else None


@cache
def _definition(module: _Module, name: str) -> Definition:
    return _Writer(module).definition(name, module.bindings[name])


def _file(name: str) -> Path | None:
    top, *rest = name.split(".")
    try:
        spec = importlib.util.find_spec(top) if top not in (_TOP, *sys.stdlib_module_names) else None
    except (ImportError, ValueError):
        return None
    home = Path([*(spec.submodule_search_locations or ()), spec.origin or ""][0]) if spec else _ROOT if top == _TOP else Path()
    if not home.is_absolute() or (spec and {"site-packages", "dist-packages"} & set(home.parts)):
        return None
    path = home.joinpath(*rest)
    loaded = getattr(sys.modules.get(name), "__file__", None) or path  # of a plugin outside the tree
    files = map(Path, (f"{path}.py", path / "__init__.py", path, loaded))
    return next((file for file in files if file.suffix == ".py" and file.is_file()), None)


def _imports(statement: ast.Import | ast.ImportFrom, package: str) -> dict[str, _Target]:
    """The names that an import binds, in a module of ``package``."""
    if isinstance(statement, ast.Import):
        names = [(alias.asname, alias.name) for alias in statement.names]
        return {own or name.partition(".")[0]: _Target(name if own else name.partition(".")[0]) for own, name in names}
    base = package.split(".")[: len(package.split(".")) + 1 - statement.level] if statement.level else []
    module = ".".join([*base, *filter(None, [statement.module])])
    return {alias.asname or alias.name: _Target(module, alias.name.strip("*")) for alias in statement.names}


def _bound(nodes: Iterable[ast.AST], package: str) -> dict[str, _Target | None]:
    """The names that ``nodes`` bind where they stand, without those of scopes inside; None for what is not imported."""
    found: dict[str, _Target | None] = {}
    elsewhere, todo = set[str](), list(nodes)
    while todo:
        node, inside = todo.pop(), True
        names: Sequence[str | None] = ()
        match node:
            case ast.Import() | ast.ImportFrom():
                found |= _imports(node, package)
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                names, inside = [walrus.target.id for walrus in ast.walk(node) if isinstance(walrus, ast.NamedExpr)], False
            case ast.Name(ctx=ast.Store() | ast.Del()):
                names = [node.id]
            case ast.arg():
                names = [node.arg]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names, inside = [node.name], False
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                names = [node.name]
            case ast.MatchMapping():
                names = [node.rest]
            case ast.Global():
                elsewhere |= set(node.names)
        found |= {name: found.get(name) for name in names if name}
        todo += ast.iter_child_nodes(node) if inside else ()
    return {name: target for name, target in found.items() if name not in elsewhere}


class _Writer:
    """Writes a definition of a module as text. Where a statement defines several names, it says which one is meant."""

    def __init__(self, module: _Module) -> None:
        self._module = module
        self._scopes: list[tuple[bool, dict[str, _Target | None]]] = []  # whether it is one of a class, and its names
        self._uses: list[Place] = []
        self._packages: set[str] = set()

    def definition(self, name: str, bindings: Iterable[Binding]) -> Definition:
        parts = [self._resolved(one, []) if isinstance(one, _Target) else self._node(one) for one in bindings]
        named = [str([*_bound([one], "")].index(name)) for one in bindings if name != _STATEMENTS and isinstance(one, ast.stmt)]
        return Definition("\n".join([*named, *parts]), tuple(self._uses), frozenset(self._packages))

    def _write(self, value: Any) -> str:
        if isinstance(value, list):
            return f"[{','.join(self._write(item) for item in value if not _says_nothing(item))}]"
        return self._node(value) if isinstance(value, ast.AST) else repr(value)

    def _node(self, node: ast.AST) -> str:
        package = self._module.package
        match node:
            case ast.Name(ctx=ast.Load()) | ast.Attribute():
                return self._name(node)
            case ast.Name() if not self._scopes:  # what a definition is called changes nothing
                return "Name"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                inner = [node.args, *(node.body if isinstance(node.body, list) else [node.body])]
                return self._fields(node, "body") + self._within(_bound(inner, package), node.body)
            case ast.ClassDef():
                return self._fields(node, "body") + self._within(_bound(node.body, package), node.body, of_class=True)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                first = self._node(node.generators[0].iter)  # the only part that does not see the targets
                targets = _bound([generator.target for generator in node.generators], package)
                return type(node).__name__ + first + self._within(targets, [value for _, value in ast.iter_fields(node)])
        return self._fields(node)

    def _fields(self, node: ast.AST, without: str = "") -> str:
        ignored = {*_IGNORED, without, *(["name"] if not self._scopes else [])}
        fields = [(name, value) for name, value in ast.iter_fields(node) if name not in ignored and value not in (None, [])]
        return f"{type(node).__name__}({','.join(f'{name}={self._write(value)}' for name, value in fields)})"

    def _within(self, names: dict[str, _Target | None], value: Any, of_class: bool = False) -> str:
        """``value`` in a scope of its own."""
        self._scopes.append((of_class, names))
        text = self._write(value)
        self._scopes.pop()
        return text

    def _name(self, node: ast.Name | ast.Attribute) -> str:
        """A name with the attributes behind it."""
        root, *attributes = ast.unparse(node).split(".")
        if not all(map(str.isidentifier, (root, *attributes))):
            return self._fields(node)
        return "".join(self._resolved(target, attributes) for target in self._meant(root)) or ".".join((root, *attributes))

    def _meant(self, name: str) -> list[_Target]:
        """What a name stands for here; nothing for a local or a builtin one."""
        for depth, (of_class, names) in enumerate(reversed(self._scopes)):
            if name in names and not (of_class and depth):  # functions in a class do not see its names
                target = names[name]
                return [] if target is None else [target]
        own = self._module.bindings.get(name, [])
        return [binding if isinstance(binding, _Target) else _Target(self._module.name, name) for binding in own]

    def _resolved(self, target: _Target, attributes: list[str]) -> str:
        """What an import, or the module's own name, leads to, with what is left of the attributes."""
        module, path = _module(target.module), [*filter(None, [target.name]), *attributes]
        if module is None and target.module != _TOP:
            self._packages.add(target.module.partition(".")[0])
        elif module is not None and not path:
            self._uses += module.whole
            return f"<{len(module.whole)}>"
        elif path:
            name, rest = path[0], path[1:]
            bindings = module.bindings.get(name, []) if module else []
            found = [one for one in bindings if one != _Target(target.module, name)]  # not a package's own name for its module
            if found and module:
                imported = [self._resolved(one, rest) for one in found if isinstance(one, _Target)]
                own = len(imported) < len(found)
                self._uses += [(module, name)] * own
                return "".join([*imported, *[".".join(("<>", *rest))] * own])
            if _module(f"{target.module}.{name}") is not None:
                return self._resolved(_Target(f"{target.module}.{name}"), rest)
        return ".".join((target.module, *path))


def _says_nothing(node: Any) -> bool:
    """Docstrings, and imports, whose names are resolved where they are used."""
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text or isinstance(node, ast.Import | ast.ImportFrom)
