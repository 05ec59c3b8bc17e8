"""Methods and rooms as a person writes them, ``name[parameter=value,...]``: what they mean, and what is run by default."""

from __future__ import annotations

import dataclasses
import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from ..code import closure_of
from ..dataset import Room
from ..digest import digest, source_digest
from ..errors import UserError
from ..method import Form, Method
from ..protocol import Protocol
from .faults import ROOT, described
from .neighbours import digests
from .registry import METHODS, PROTOCOLS, ROOMS, Plugin


@dataclass(frozen=True)
class MethodSpec:
    """A method as it was asked for, read once.

    ``method`` is None where its plugin cannot be loaded; ``problem`` then says which state its cells get, and why.
    """

    text: str
    name: str
    method: Method | None
    problem: tuple[Literal["failed", "not-installed"], str] | None = None

    @property
    def digest(self) -> str:
        """A hash of its code."""
        return method_digest(self.name)

    @property
    def title(self) -> str:
        return self.method.info.title if self.method else self.name

    @property
    def uses_labels(self) -> bool:
        return self.method is None or self.method.info.uses_labels

    @property
    def uses_unlabelled(self) -> bool:
        return self.method is not None and self.method.uses_unlabelled

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, those with their defaults included."""
        return dataclasses.asdict(self.method) if self.method else {}  # pyright: ignore

    @property
    def variant(self) -> str:
        """What tables show beside the name: parameters that differ from their defaults; ``as-released`` for itself."""
        own = dataclasses.fields(self.method) if self.method else ()  # pyright: ignore
        changed = {field.name: value for field in own if (value := getattr(self.method, field.name)) != field.default}
        return ",".join(str(value) if name == "variant" else f"{name}={value}" for name, value in changed.items())

    @property
    def form(self) -> Form:
        """What the method is with its parameters: what it says itself, else ``variant`` in words."""
        bare = self.method.info.bare if self.method else ""
        found = self.method.form() if self.method else None
        if found is not None:
            return found
        if not self.variant:
            return Form("" if bare == "as published" else bare, as_published=bare == "as published")
        words = self.variant.replace("as-released", "as released").replace(",", ", ")
        return Form(", ".join(filter(None, [bare, words])), as_published=self.variant in ("as-published", "as-released"))


def read_method(text: str) -> MethodSpec:
    """The method of ``name[parameter=value,...]``. Raises UserError for a name or a parameter that is not there."""
    name, parameters = split_spec(text)
    plugin = METHODS.find(name)
    if plugin is not None and plugin.needs:
        return MethodSpec(text, plugin.name, None, ("not-installed", f"install {plugin.needs}"))
    if plugin is not None and plugin.error:
        return MethodSpec(text, plugin.name, None, ("failed", f"{plugin.file.name} cannot be loaded: {plugin.error}"))
    plugin = METHODS.get(name)
    try:
        spec = MethodSpec(text, plugin.name, _made("method", plugin, parameters))
        json.dumps([spec.parameters, spec.variant, spec.form.text, spec.uses_unlabelled], allow_nan=False)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        return MethodSpec(text, plugin.name, None, ("failed", f"it cannot be made: {described(error)}"))
    return spec


def method_digest(name: str) -> str:
    """A hash of a method's code with all that it uses; for a file outside the tree, also of the files beside it that it uses. A
    file that cannot be loaded has its failure for a source."""
    plugin = METHODS.find(name)
    assert plugin is not None, name
    if not plugin.found:
        return digest(plugin.error)
    source = source_digest(plugin.found)
    if plugin.file.is_relative_to(ROOT):
        return source
    followed = {module.name.partition(".")[0] for module, _ in closure_of([plugin.found])}
    beside = digests(plugin.file, without=followed)
    return digest([source, beside]) if beside else source


def default_protocols(other_room: bool = False) -> list[str]:
    """Every protocol that runs unless another is named, and those that cannot be loaded, so that someone hears of it. For an
    ``other_room`` to score in: those that only score there."""

    def runs(protocol: Protocol) -> bool:
        return protocol.needs_other and protocol.adaptation is None if other_room else protocol.by_default

    return [name for name, plugin in PROTOCOLS.plugins().items() if plugin.found is None or runs(plugin.found)]


def default_methods() -> Iterator[str]:
    """Every method that takes part unasked, broken ones too, so that they are seen, with the forms that do so beside it."""
    for name, plugin in METHODS.plugins().items():
        if plugin.found is None:
            yield name
        elif plugin.found.info.by_default:
            yield from (name, *(f"{name}[{parameters}]" for parameters in plugin.found.info.also))


_SPEC = re.compile(r"(?P<name>[\w-]+)(\[(?P<parameters>.*)\])?")


def split_spec(spec: str) -> tuple[str, dict[str, str]]:
    """``name[a=1,b=x]`` -> name and parameters as text. Raises UserError on anything else."""
    match = _SPEC.fullmatch(spec.strip())
    parameters: dict[str, str] = {}
    for item in filter(None, (match["parameters"] or "").split(",") if match else []):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value) or key in parameters:
            match = None
            break
        parameters[key] = value
    if match is None or not spec.isprintable():
        raise UserError(f"cannot read {spec!r}; write it like srp_phat[variant=as-released]")
    return match["name"], parameters


def make_method(spec: str) -> tuple[str, Method]:
    """The method of ``name[parameter=value,...]``, values checked against its fields. Raises UserError."""
    name, parameters = split_spec(spec)
    plugin = METHODS.get(name)
    return plugin.name, _made("method", plugin, parameters)


def make_room(spec: str, **given: Path | Room) -> Room:
    """The room of ``name[parameter=value,...]``, made with what it is ``given``: the ``path`` that it reads, the ``room`` that
    it is made from, or nothing. Raises UserError."""
    name, parameters = split_spec(spec)
    return _made("room", ROOMS.get(name), parameters, **given)


def _made(kind: str, plugin: Plugin, parameters: dict[str, str], **given: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    known = [field.name for field in fields(plugin.found) if field.name not in given] if is_dataclass(plugin.found) else []
    for key in parameters:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1) or sorted(known)
            raise UserError(f"{kind} {plugin.name!r} has no parameter {key!r}; it has: {', '.join(near) or 'none'}")
    if not is_dataclass(plugin.found):
        return plugin.found()
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(plugin.found)  # pyright: ignore
        return adapter.validate_python({**parameters, **given})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{kind} {plugin.name!r}: parameter {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
