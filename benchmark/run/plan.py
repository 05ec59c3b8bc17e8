"""A request for runs, spelled out as fits and the cells that score them; both know their keys before anything is run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ..acoustics import ArraySetup
from ..data import half_grid
from ..data.scene import Scene, make_scene
from ..data.segments import SCORED_PER_ROLE
from ..data.splits import fingerprint
from ..dataset import Room
from ..digest import digest
from ..errors import UserError
from ..method import Context, Generative, Method
from ..plugins.registry import METHODS, PROTOCOLS
from ..plugins.spec import make_method, split_spec, variant_of
from ..protocol import SCALES, GenerationProtocol, Protocol, ScaleName, Split, label_count
from ..results.records import CellAxes, CellRecord, FitAxes, State
from ..sequences import HOP
from .identity import fit_code
from .jobs import Cell, Fit


@dataclass(frozen=True)
class Request:
    """What `doabench run` was asked for, with the defaults filled in."""

    protocols: tuple[str, ...]
    methods: tuple[str, ...]
    speech: str
    scale: ScaleName = "quick"
    labels: tuple[int, ...] = ()
    seeds: int | None = None
    rooms: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()


@dataclass
class Plan:
    """Fits to run, cells that are known not to run, with the reason, and what else a person should be told."""

    fits: list[Fit] = field(default_factory=list)
    not_run: list[CellRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def cells(self) -> Iterator[CellRecord]:
        """What is to be run, as if nothing had been."""
        for fit in self.fits:
            for cell in fit.cells:
                yield CellRecord(key=cell.key, fit_key=fit.key, state="missing", fit=fit.axes, axes=cell.axes)

    @property
    def cell_keys(self) -> list[str]:
        return [cell.key for fit in self.fits for cell in fit.cells] + [record.key for record in self.not_run]


def make_plan(request: Request) -> Plan:
    """Spell a request out. Raises UserError for anything that a person asked for and cannot have."""
    scale = SCALES[request.scale]
    plan, fits = Plan(), {}
    methods = [(spec, *_method(spec)) for spec in dict.fromkeys(request.methods)]
    for protocol in (PROTOCOLS.get(name).found for name in dict.fromkeys(request.protocols)):
        taking_part = [entry for entry in methods if _takes_part(entry[2], protocol)]
        if not taking_part:
            plan.notes.append(f"{protocol.id} does not run: no method that was asked for can generate sequences")
            continue
        for room in request.rooms or protocol.rooms:
            for seed in range(request.seeds or protocol.seeds):
                scene = _scene(room, request.speech, seed, scale.speakers_per_role)
                if _wants_half_grid(protocol, scene.room):
                    room += half_grid.SUFFIX
                    scene = _scene(room, request.speech, seed, scale.speakers_per_role)
                if (reason := protocol.skip(scene.room)) is not None:
                    plan.notes.append(f"{protocol.id} does not run in {scene.room_name}: {reason}")
                    break
                clips, wanted = _scored_clips(protocol, scene), SCORED_PER_ROLE * scale.speakers_per_role
                if clips is not None and clips < wanted:
                    left = f"{scene.draw.corpus} has {clips} speakers left to score at seed {seed}, {wanted} are meant to be"
                    plan.notes.append(f"{protocol.id}: {left}" if clips else f"{protocol.id} does not run: {left}")
                if clips == 0:
                    break
                for spec, name, method, problem in taking_part:
                    n_values = request.labels or protocol.labels_at(scale) if _uses_labels(method) else (0,)
                    state, why = problem or _skipped(method, scene)
                    for n in n_values:
                        fit = _fit(spec, name, method, protocol, scene, request.speech, room, n, scale.speakers_per_role)
                        cells = [_cell(fit, protocol, split, scene, request.scale) for split in protocol.splits]
                        if state is not None:
                            plan.not_run += [_not_run(fit, cell, state, why) for cell in cells]
                            continue
                        known = fits.setdefault(fit.key, fit)
                        known.cells += [cell for cell in cells if cell.key not in {other.key for other in known.cells}]
    plan.fits = list(fits.values())
    return plan


_scene = cache(make_scene)


def _wants_half_grid(protocol: Protocol, room: Room) -> bool:
    """Whether a protocol asks for talkers between the directions of a room that has none there but could hold some out."""
    wanted = any(subset.positions == "off_grid" for subset in protocol.splits.values())
    return wanted and not room.positions("off_grid") and half_grid.HalfGrid.suits(room)


def _scored_clips(protocol: Protocol, scene: Scene) -> int | None:
    """How many clips nobody trains or selects on are there for a protocol that scores those; None for any other."""
    asked = any(subset.speech == "scored" for subset in protocol.subsets)
    return len(scene.draw.segments.get("scored", ())) if asked else None


def _method(spec: str) -> tuple[str, Method | None, tuple[State, str] | None]:
    """Name and method of a spec; a plugin that is broken or lacks a package comes with the state its cells get."""
    plugin = METHODS.plugins().get(METHODS.plain(split_spec(spec)[0]))
    if plugin is not None and plugin.needs:
        return plugin.name, None, ("not-installed", f"install {plugin.needs}")
    if plugin is not None and plugin.error:
        return plugin.name, None, ("failed", f"{plugin.file.name} cannot be loaded: {plugin.error}")
    return *make_method(spec), None


def _takes_part(method: Method | None, protocol: Protocol) -> bool:
    return isinstance(method, Generative) or not isinstance(protocol, GenerationProtocol)


def _uses_labels(method: Method | None) -> bool:
    return method is None or method.info.uses_labels


def _skipped(method: Method | None, scene: Scene) -> tuple[State | None, str]:
    if method is None:
        return None, ""
    method.context = Context(scene.setup)
    reason = method.skip()
    return ("skipped", reason) if reason is not None else (None, "")


def _fit(
    spec: str, name: str, method: Method | None, protocol: Protocol, scene: Scene, speech: str, room: str, n: int, speakers: int
) -> Fit:
    setup = scene.setup
    labels = label_count(n, len(setup.candidates_deg))
    if _uses_labels(method):
        _check_reachable(n, setup, scene, protocol)
        data = digest([scene.digest(protocol.train), scene.digest(protocol.selection)])
    else:
        data = scene.draw.digest
    parameters = dataclasses.asdict(method) if method is not None else {}  # pyright: ignore
    axes = FitAxes(
        method=name,
        variant=variant_of(method) if method is not None else "",
        method_title=method.info.title if method is not None else name,
        code=fit_code(name, scene),
        dataset=scene.room_name,
        measured=scene.room.measured,
        speech=scene.draw.corpus,
        data_digest=data,
        seed=scene.draw.seed,
        nominal_labels=n,
        labels=labels,
        transductive=method is not None and method.info.uses_unlabelled,
        candidates_deg=setup.candidates_deg,
        spacing_m=setup.spacing_m,
    )
    counted = axes.model_dump(exclude={"method_title", "speech", "nominal_labels"})
    return Fit(digest([counted, parameters]), axes, spec, room, speech, speakers, protocol)


def _check_reachable(n: int, setup: ArraySetup, scene: Scene, protocol: Protocol) -> None:
    classes = len(setup.candidates_deg)
    if scene.room.brings_speech:  # how much there is, only its files tell: the split says so where it is too little
        if n < classes:
            raise UserError(f"--labels {n}: with {classes} directions n must be at least {classes}")
        return
    per_class = sum(len(segment.samples) // HOP for segment in scene.draw.segments[protocol.train.speech])
    if not classes <= n <= classes * per_class:
        raise UserError(
            f"--labels {n}: with {classes} directions and this speech n must be between {classes} and {classes * per_class}"
        )


def _cell(fit: Fit, protocol: Protocol, split: Split, scene: Scene, scale: ScaleName) -> Cell:
    from .identity import cell_code  # which imports this module

    subset = protocol.splits[split]
    condition = scene.condition(subset)
    axes = CellAxes(
        protocol=protocol.id,
        protocol_version=protocol.version,
        protocol_fingerprint=fingerprint(protocol),
        scale=scale,
        split=split,
        rt60_s=condition.rt60_s,
        measured_rt60_s=condition.measured_rt60_s,
        scored_digest=scene.digest(subset),
        code=cell_code(protocol),
        counts_hits=protocol.accuracy,
    )
    return Cell(digest([fit.key, axes.model_dump()]), protocol, split, axes)


def _not_run(fit: Fit, cell: Cell, state: State, reason: str) -> CellRecord:
    return CellRecord(key=cell.key, fit_key=fit.key, state=state, fit=fit.axes, axes=cell.axes, reason=reason)
