"""Protocols are fixed: what defines their numbers is pinned here, and cannot change without a new version."""

from __future__ import annotations

import pytest
from doabench.benchmark import protocol as contract
from doabench.benchmark.data.splits import fingerprint
from doabench.benchmark.dataset import Room
from doabench.benchmark.plugins.registry import PROTOCOLS
from doabench.benchmark.protocol import SCALES, Adaptation, Protocol, Scale, Subset
from doabench.datasets.rooms.dtu_twin import DtuTwin
from doabench.datasets.rooms.mir_twin import MirTwin
from pydantic import ValidationError
from support.rooms import AnechoicRoom

PINNED = {
    "generation": (1, "d369402a43562cb402d96932d73f601b"),
    "label-sweep": (1, "d2f41af264c8ef33b572d39b7e5e6e26"),
    "label-sweep-strict": (1, "8609d1bd9d62fee50e78a3079a442961"),
    "other-room": (1, "f77e8daa97642c717c4c66567cc63e0c"),
    "sim-to-real": (1, "ed75308f7037ddce33aa201e4c6da584"),
    "off-grid": (1, "6451b2cb816967365a325c762230e584"),
    "off-grid-strict": (1, "6eb71bf6c473edc3a249f82deb23565d"),
    "off-range": (1, "46bf1af511d70dd8d9ae6aa7aa11881a"),
    "off-range-strict": (1, "f2bd94c47eea4e679637cca64ed8be5f"),
    "rt60-transfer": (1, "1524421546d0b57945d075ed3e5a3237"),
    "unseen-place": (1, "1c44e8fda6688f2cf5626687464e6852"),
    "unseen-place-strict": (1, "151c4ffc657d41ceaeeca3de2010fce8"),
    "rt60-transfer-strict": (2, "461a58067cf637709afb84b878c70d71"),
}

DEFINING = {
    "id": "another",
    "version": 99,
    "labels": (120, 250, 777),
    "train": Subset(speech="validation"),
    "selection": Subset(speech="validation", positions="off_range"),
    "scored": (("validation", Subset(speech="validation", condition="transfer", positions="off_grid")),),
    "adaptation": Adaptation(train=Subset(speech="train"), selection=Subset(speech="train"), taught=77),
}
SWITCHES = ("balance", "accuracy")
NOT_DEFINING = {
    "title": "Another",
    "reference": "Another et al. 2030",
    "rooms": ("another-room",),
    "trained_in": "another:{room}",
    "by_default": False,
    "seeds": 9,
}
ROOMS: dict[str, type[Room]] = {"dtu-twin": DtuTwin, "mir-twin": MirTwin, "anechoic": AnechoicRoom}


def protocol(name: str) -> Protocol:
    return PROTOCOLS.get(name).found


@pytest.mark.parametrize("name", sorted({*PINNED, *PROTOCOLS.names()}))
def test_fingerprints_are_pinned(name: str) -> None:
    assert name in PROTOCOLS.names(), f"protocol {name} is gone: stored results of it can no longer be explained"
    assert name in PINNED, f"pin the new protocol: {name!r}: ({protocol(name).version}, {fingerprint(protocol(name))!r})"
    assert protocol(name).id == name
    assert (protocol(name).version, fingerprint(protocol(name))) == PINNED[name], (
        f"what defines the numbers of {name} has changed: raise its version, then pin "
        f"({protocol(name).version}, {fingerprint(protocol(name))!r}) here"
    )


def test_every_field_either_defines_the_numbers_or_does_not() -> None:
    assert set(Protocol.model_fields) == {*DEFINING, *SWITCHES, *NOT_DEFINING}


@pytest.mark.parametrize("name", PINNED)
def test_an_edit_of_what_defines_the_numbers_changes_the_fingerprint(name: str) -> None:
    original = protocol(name)
    changes = {**DEFINING, **{switch: not getattr(original, switch) for switch in SWITCHES}}
    edited = [fingerprint(original.model_copy(update={field: value})) for field, value in changes.items()]
    assert len({fingerprint(original), *edited}) == len(changes) + 1


@pytest.mark.parametrize("field", ["speech", "condition", "positions", "room"])
def test_an_edit_inside_a_subset_changes_the_fingerprint(field: str) -> None:
    original = protocol("label-sweep")
    other = {"speech": "validation", "condition": "transfer", "positions": "off_grid", "room": "other"}[field]
    edited = original.model_copy(update={"train": original.train.model_copy(update={field: other})})
    assert fingerprint(edited) != fingerprint(original)


@pytest.mark.parametrize("field", NOT_DEFINING)
def test_names_for_people_and_default_rooms_do_not_change_the_fingerprint(field: str) -> None:
    original = protocol("label-sweep")
    edited = original.model_copy(update={field: NOT_DEFINING[field]})
    assert edited != original
    assert fingerprint(edited) == fingerprint(original)


@pytest.mark.parametrize("name", [name for name in PINNED if name.endswith("-strict")])
def test_a_strict_protocol_scores_the_conditions_and_positions_of_its_published_twin(name: str) -> None:
    """All that the twin scores but the set that was trained on, which no strict protocol can score."""
    strict, published = protocol(name), protocol(name.removesuffix("-strict"))
    wanted = {split: (subset.condition, subset.positions) for split, subset in published.scored if split != "train"}
    assert {split: (subset.condition, subset.positions) for split, subset in strict.scored} == wanted
    assert {subset.speech for _, subset in strict.scored} == {"scored"}
    assert set(strict.labels) <= set(published.labels)


EVERY_N = (120, 250, 500, 1000, 2000, 4000, 8000)


@pytest.mark.parametrize(
    ("name", "scale", "labels"),
    [
        ("label-sweep", "paper", EVERY_N),
        ("label-sweep", "quick", (120, 250, 1000)),
        ("label-sweep", "smoke", (120,)),
        ("rt60-transfer", "paper", EVERY_N),
        ("rt60-transfer", "quick", (120, 250, 1000)),
        ("off-grid", "paper", (1000,)),
        ("off-grid", "quick", (1000,)),
        ("off-grid", "smoke", (120,)),  # none in common: those of the scale
        ("off-range", "smoke", (120,)),
        ("label-sweep-strict", "paper", EVERY_N[1:]),
        ("label-sweep-strict", "quick", (250, 1000)),
        ("off-grid-strict", "quick", (1000,)),
    ],
)
def test_labels_at_a_scale(name: str, scale: contract.ScaleName, labels: tuple[int, ...]) -> None:
    assert protocol(name).labels_at(SCALES[scale]) == labels


def test_scales_are_as_promised() -> None:
    assert {name: (scale.labels, scale.speakers_per_role) for name, scale in SCALES.items()} == {
        "paper": (None, 20),
        "quick": ((120, 250, 1000), 20),
        "smoke": ((120,), 2),
    }


@pytest.mark.parametrize("name", PINNED)
def test_a_protocol_runs_in_its_own_rooms(name: str) -> None:
    assert protocol(name).rooms
    for room in set(protocol(name).rooms) - {"r3vival"}:
        assert protocol(name).skip(ROOMS[room]()) is None


@pytest.mark.parametrize(
    ("name", "room", "reason"),
    [
        ("rt60-transfer", "dtu-twin", "nothing to transfer to"),
        ("rt60-transfer", "anechoic", "nothing to transfer to"),
        ("off-grid", "mir-twin", "no off_grid positions"),
        ("off-range", "mir-twin", "no off_range positions"),
        ("off-range", "anechoic", "no off_range positions"),
        ("off-grid", "anechoic", None),
        ("label-sweep", "mir-twin", None),
        ("sim-to-real", "mir-twin", None),
    ],
)
def test_why_a_protocol_cannot_run_in_a_room(name: str, room: str, reason: str | None) -> None:
    given = protocol(name).skip(ROOMS[room]())
    assert given is None if reason is None else reason in str(given)


@pytest.mark.parametrize("field", Protocol.model_fields)
def test_protocols_are_frozen(field: str) -> None:
    sweep = protocol("label-sweep")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(sweep, field, getattr(sweep, field))


def test_subsets_and_scales_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        protocol("label-sweep").train.positions = "off_grid"
    with pytest.raises(ValidationError, match="frozen"):
        SCALES["smoke"].speakers_per_role = 20


def test_scored_sets_are_frozen() -> None:
    copy = Protocol.model_validate(protocol("label-sweep").model_dump())
    with pytest.raises(TypeError):
        copy.scored[0] = ("train", copy.train)  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize("kind", [Protocol, Subset, Scale])
def test_unknown_fields_are_forbidden(kind: type[Protocol | Subset | Scale]) -> None:
    known = {Protocol: protocol("label-sweep"), Subset: Subset(speech="train"), Scale: SCALES["smoke"]}[kind].model_dump()
    assert kind.model_validate(known)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        kind.model_validate({**known, "seed": 0})


@pytest.mark.parametrize("change", [{"speech": "test"}, {"condition": "outdoors"}, {"positions": "ceiling"}])
def test_unknown_values_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Subset.model_validate({"speech": "train", **change})
