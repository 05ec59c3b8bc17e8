"""A request for runs, spelled out as fits and the cells that score them; both know their keys before anything is run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from ..acoustics import ArraySetup
from ..data import half_grid
from ..data.scene import Scene, Scenes, SceneSpec
from ..data.segments import SCORED_PER_ROLE
from ..data.splits import fingerprint
from ..dataset import Room
from ..digest import digest
from ..errors import UserError
from ..method import Context, Generative
from ..plugins.faults import described
from ..plugins.registry import PROTOCOLS
from ..plugins.spec import MethodSpec, read_method
from ..protocol import SCALES, GenerationProtocol, Protocol, ScaleName, Split, label_count
from ..results.records import CellAxes, CellRecord, FitAxes, State
from ..sequences import HOP
from .identity import cell_code, fit_code, room_code
from .jobs import Cell, Fit

SPACING = 0.03
"""How far the distances of two pairs of microphones may be from each other: that of microphones that are held alike."""


@dataclass(frozen=True)
class Request:
    """What `doabench run` was asked for, with the defaults filled in."""

    protocols: tuple[str, ...]
    methods: tuple[str, ...]
    speech: str
    scale: ScaleName = "quick"
    labels: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    rooms: tuple[str, ...] = ()
    score_in: tuple[str, ...] = ()


@dataclass
class Plan:
    """Fits to run, those that others run (`keep`), cells that are known not to run, with the reason, what else a person should
    be told, and the rooms of all this by name."""

    fits: list[Fit] = field(default_factory=list)
    elsewhere: list[Fit] = field(default_factory=list)
    not_run: list[CellRecord] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rooms: dict[str, Room] = field(default_factory=dict)

    def cells(self) -> Iterator[CellRecord]:
        """What is to be run, by whomever, as if nothing had been."""
        for fit in (*self.fits, *self.elsewhere):
            for cell in fit.cells:
                yield CellRecord(key=cell.key, fit_key=fit.key, state="missing", fit=fit.axes, axes=cell.axes)

    def add(self, fit: Fit) -> None:
        """Take a fit in; one that is there already gets the cells that it lacks."""
        known = next((other for other in self.fits if other.key == fit.key), None)
        if known is None:
            self.fits.append(fit)
            return
        there = {cell.key for cell in known.cells}
        known.cells += [cell for cell in fit.cells if cell.key not in there]

    def keep(self, shard: int, shards: int) -> None:
        """Keep one share of the fits, 1 to ``shards``, and leave the rest to others. The shares of one plan have no fit in
        common, are all fits together, and as many each, give or take one; dear and cheap ones are mixed: keys are hashes."""
        own = {fit.key for fit in sorted(self.fits, key=lambda fit: fit.key)[shard - 1 :: shards]}
        self.elsewhere = [fit for fit in self.fits if fit.key not in own]
        self.fits = [fit for fit in self.fits if fit.key in own]

    @property
    def cell_keys(self) -> list[str]:
        return [cell.key for fit in self.fits for cell in fit.cells] + [record.key for record in self.not_run]


def make_plan(request: Request, *others: MethodSpec) -> Plan:
    """Spell a request out, with ``others`` beside the methods that it names. Raises UserError for anything that a person asked
    for and cannot have."""
    plan, scenes = Plan(), Scenes()
    methods = [*(read_method(text) for text in dict.fromkeys(request.methods)), *others]
    for protocol, spec in _scenes(request, methods, scenes, plan.notes):
        for method in (method for method in methods if _takes_part(method, protocol)):
            scene = scenes.get(spec)
            state, reason = method.problem or _skipped(method, scene)
            for n in _label_counts(method, protocol, request):
                fit = _fit(method, protocol, scene, spec, n, request.scale)
                if state is None:
                    plan.add(fit)
                else:
                    plan.not_run += [_not_run(fit, cell, state, reason) for cell in fit.cells]
    plan.notes += scenes.notes()
    plan.rooms |= scenes.rooms
    return plan


def _scenes(
    request: Request, methods: Sequence[MethodSpec], scenes: Scenes, notes: list[str]
) -> Iterator[tuple[Protocol, SceneSpec]]:
    """Every protocol with each scene that it runs in; ``notes`` say where one does not run."""
    for protocol in (PROTOCOLS.get(name).found for name in dict.fromkeys(request.protocols)):
        if not any(_takes_part(method, protocol) for method in methods):
            notes.append(f"{protocol.id} does not run: no method that was asked for can generate sequences")
            continue
        for room, other in _rooms(protocol, request):
            for spec in _seeds(protocol, room, other, request, scenes, notes):
                yield protocol, spec


def _rooms(protocol: Protocol, request: Request) -> list[tuple[str, str]]:
    """The rooms to train in, each with the other one to score in, which is empty where it is the same. Raises UserError."""
    rooms = request.rooms or protocol.rooms
    if not protocol.needs_other:
        return [(room, "") for room in rooms]
    if request.score_in:
        return list(product(rooms, request.score_in))
    if protocol.trained_in is None:
        raise UserError(f"{protocol.id} scores in another room than it trains in: add --score-in NAME or --score-in KIND:PATH")
    return [(protocol.trained_in.format(room=room), room) for room in rooms]


def _seeds(
    protocol: Protocol, room: str, other: str, request: Request, scenes: Scenes, notes: list[str]
) -> Iterator[SceneSpec]:
    """The scenes of a room, seed by seed, as long as there is something to score."""
    speakers = SCALES[request.scale].speakers_per_role
    for seed in request.seeds or range(protocol.seeds):
        spec = SceneSpec(room, request.speech, seed, speakers, other)
        if _wants_half_grid(protocol, scenes.get(spec).room):
            spec = replace(spec, room=room + half_grid.SUFFIX)
        scene = scenes.get(spec)
        if (reason := scene.room.untrainable()) is not None:
            raise UserError(f"--rooms {room}: {reason}")
        if (reason := protocol.skip(scene.room, scene.other)) is not None:
            notes.append(f"{protocol.id} does not run in {scene.other_name or scene.room_name}: {reason}")
            return
        if scene.other is not None:
            _check_other(protocol, scene, scene.other)
        clips, wanted = _scored_clips(protocol, scene), SCORED_PER_ROLE * speakers
        notes += [note for line in scene.left_out if (note := f"left out: {line}") not in notes]
        if clips is not None and clips < wanted:
            left = f"{scene.draw.corpus} has {clips} speakers left to score at seed {seed}, {wanted} are meant to be"
            notes.append(f"{protocol.id}: {left}" if clips else f"{protocol.id} does not run: {left}")
        if clips == 0:
            return
        yield spec


def _check_other(protocol: Protocol, scene: Scene, other: Room) -> None:
    """Raises UserError where what is learned in a scene's room cannot be meant for its other one."""
    ratio = other.spacing_m / scene.room.spacing_m
    if abs(ratio - 1) > SPACING:
        raise UserError(
            f"{scene.other_name}: microphones {100 * other.spacing_m:.3g} cm apart, {100 * scene.room.spacing_m:.3g} cm in "
            f"{scene.room_name}: one direction has two delays; train in twin-of:{scene.other_name}"
        )
    strange = sorted(set(other.candidates_deg) ^ set(scene.room.candidates_deg))
    if protocol.adaptation and strange:
        raise UserError(
            f"{scene.other_name}: {protocol.id} gives labels of both rooms, and only one of it and {scene.room_name} has "
            f"{strange[0]:g} degrees; train in twin-of:{scene.other_name}"
        )


def _wants_half_grid(protocol: Protocol, room: Room) -> bool:
    """Whether a protocol asks for talkers between the directions of a room that has none there but could hold some out."""
    wanted = any(subset.positions == "off_grid" for subset in protocol.splits.values())
    return wanted and not room.positions("off_grid") and half_grid.HalfGrid.suits(room)


def _scored_clips(protocol: Protocol, scene: Scene) -> int | None:
    """How many clips nobody trains or selects on are there for a protocol that scores those; None for any other."""
    asked = [subset for subset in protocol.subsets if subset.speech == "scored"]
    if all(subset.room == "other" and scene.room_of(subset).brings_speech for subset in asked):
        return None
    return len(scene.draw.segments.get("scored", ()))


def _takes_part(spec: MethodSpec, protocol: Protocol) -> bool:
    return isinstance(spec.method, Generative) or not isinstance(protocol, GenerationProtocol)


def _label_counts(method: MethodSpec, protocol: Protocol, request: Request) -> tuple[int, ...]:
    """The nominal n that a method runs at; 0 where it uses no labels."""
    return request.labels or protocol.labels_at(SCALES[request.scale]) if method.uses_labels else (0,)


def _skipped(spec: MethodSpec, scene: Scene) -> tuple[State | None, str]:
    if spec.method is None:
        return None, ""
    spec.method.context = Context(scene.setup)
    try:
        reason = spec.method.skip()
    except (Exception, SystemExit) as error:
        return "failed", f"{spec.text} skip: {described(error)}"
    if reason is None or isinstance(reason, str):
        return ("skipped", reason) if reason is not None else (None, "")
    return "failed", f"{spec.text} skip gave {reason!r}: give None, or a reason in words"


def _fit(method: MethodSpec, protocol: Protocol, scene: Scene, spec: SceneSpec, n: int, scale: ScaleName) -> Fit:
    """A fit with the cells that the protocol scores of it."""
    setup, data = scene.setup, scene.draw.digest
    if method.uses_labels:
        _check_reachable(n, setup, scene, protocol)
        data = digest([scene.digest(subset) for subset in protocol.given])
    labels = label_count(n, len(setup.candidates_deg))
    axes = FitAxes(
        method=method.name,
        variant=method.variant,
        form=method.form.text,
        as_published=method.form.as_published,
        method_title=method.title,
        code=fit_code(method, scene),
        dataset=scene.room_name,
        measured=scene.room.measured,
        speech=scene.draw.corpus,
        data_digest=data,
        seed=scene.draw.seed,
        nominal_labels=n,
        labels=labels,
        transductive=method.uses_unlabelled,
        candidates_deg=setup.candidates_deg,
        spacing_m=setup.spacing_m,
    )
    counted = axes.model_dump(exclude={"form", "as_published", "method_title", "speech", "nominal_labels"})
    adapted = [protocol.adaptation.taught] if protocol.adaptation and method.uses_labels else []
    fit = Fit(digest([counted, method.parameters, *adapted]), axes, method.text, method.uses_labels, spec, protocol)
    fit.cells += [_cell(fit, protocol, split, scene, scale) for split in protocol.splits]
    return fit


def _check_reachable(n: int, setup: ArraySetup, scene: Scene, protocol: Protocol) -> None:
    classes = len(setup.candidates_deg)
    if protocol.adaptation and n == 0:
        return
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
    subset = protocol.splits[split]
    condition, room = scene.condition(subset), scene.room_of(subset)
    known = {position.doa_deg for position in room.positions(subset.positions)} <= set(scene.setup.candidates_deg)
    rt60_s, measured_rt60_s = condition.rt60_s, condition.measured_rt60_s
    if subset.positions == "unseen":  # each place has its own
        rt60_s, measured_rt60_s = 0.0, None
    axes = CellAxes(
        protocol=protocol.id,
        protocol_version=protocol.version,
        protocol_fingerprint=fingerprint(protocol),
        scale=scale,
        split=split,
        rt60_s=rt60_s,
        measured_rt60_s=measured_rt60_s,
        scored_digest=scene.digest(subset),
        code=cell_code(protocol),
        counts_hits=protocol.accuracy and known,
        scored_in=scene.other_name if room is scene.other else "",
        scored_in_measured=room.measured if room is scene.other else False,
        scored_in_code=room_code(room) if room is scene.other else "",
    )
    return Cell(digest([fit.key, axes.model_dump()]), protocol, split, axes)


def _not_run(fit: Fit, cell: Cell, state: State, reason: str) -> CellRecord:
    return CellRecord(key=cell.key, fit_key=fit.key, state=state, fit=fit.axes, axes=cell.axes, reason=reason)
