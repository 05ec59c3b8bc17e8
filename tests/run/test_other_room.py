"""Trained in one room, scored in another: which sequences a fit is given, what is shared, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.data.scene import Scenes
from doabench.benchmark.errors import UserError
from doabench.benchmark.plugins.spec import default_protocols
from doabench.benchmark.results.records import CellRecord
from doabench.benchmark.run.given import given
from doabench.benchmark.run.jobs import Settings
from doabench.benchmark.run.plan import Request, make_plan
from doabench.benchmark.run.worker import Worker
from support.measured_files import write_folder, write_recordings

TWIN = "twin-of[rooms=4]:mir-twin"
ADAPTED = Request(("sim-to-real",), ("von_mises", "srp_phat"), "talkers", "smoke", (0, 120), (0,), (TWIN,), ("mir-twin",))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[int, CellRecord]:
    """Of von_mises, by J."""
    worker = Worker(Settings(tmp_path_factory.mktemp("out")))
    plan = make_plan(ADAPTED)
    found = [record for fit in plan.fits for record in worker.run(fit, lambda _fraction, _note: None)]
    assert {record.state for record in found} == {"ok"}, [record.reason for record in found]
    return {record.fit.labels: record for record in found if record.fit.method == "von_mises"}


def test_labels_of_the_other_room_come_to_those_of_the_first() -> None:
    by_labels = {fit.axes.labels: fit for fit in make_plan(ADAPTED).fits if fit.learns}
    assert sorted(by_labels) == [0, 117]
    scene = Scenes().get(by_labels[0].scene)
    none, some = (given(scene, by_labels[labels]) for labels in (0, 117))
    taught = len(none.data.labelled)
    assert len(some.data.labelled) == taught + 117
    assert taught == len(none.data.selection) > 1000, "as many as the twins have, and as many to select on"
    assert len(some.data.selection) == 117
    real = scene.stream(by_labels[0].protocol.adaptation.train)  # type: ignore
    assert len(none.data.unlabelled) == real.n_starts
    assert len(some.data.unlabelled) == real.n_starts - 117
    (taught_part, real_part, selected), _ = some.parts
    assert (len(taught_part), len(real_part), len(selected)) == (taught, 117, 117)
    assert real_part.stream is real


def test_the_data_are_the_sequences_that_the_parts_name() -> None:
    fit = next(fit for fit in make_plan(ADAPTED).fits if fit.axes.labels == 117)
    found = given(Scenes().get(fit.scene), fit)
    whole = np.concatenate([part.stream.doa_deg(part.starts) for part in found.parts[0][:2]])
    assert sorted(found.data.labelled.doa_deg) == sorted(whole)
    first = found.data.labelled.stft(slice(None))[:, 0]
    for part in found.parts[0][:2]:
        (place,) = np.flatnonzero((first == part.stream.store.frames[part.starts[0]]).all(axis=(1, 2)))
        assert found.data.labelled.doa_deg[place] == part.stream.doa_deg(part.starts[:1])[0]


def test_scored_speakers_were_never_heard_and_no_label_means_no_shared_response(records: dict[int, CellRecord]) -> None:
    for labels, record in records.items():
        assert record.leaks is not None
        shares = record.leaks.labelled.model_dump()
        assert shares.pop("response_pct") == (100.0 if labels else 0.0)
        assert set(shares.values()) == {0.0}
        assert record.leaks.unlabelled.response_pct == 100.0


def test_records_say_where_was_trained_and_where_was_scored(records: dict[int, CellRecord]) -> None:
    record = records[117]
    assert (record.room, record.trained_in, record.measured) == ("mir-twin", TWIN, False)
    assert record.axes.counts_hits
    assert record.learned


def test_fits_of_a_sweep_are_scored_in_another_room_without_another_training(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "attic")
    sweep = Request(("label-sweep", "other-room"), ("von_mises",), "talkers", "smoke", (120,), (0,), ("mir-twin",))
    (fit,) = make_plan(replace(sweep, score_in=(f"folder:{folder}",))).fits
    assert [(cell.axes.protocol, cell.axes.scored_in) for cell in fit.cells] == [
        ("label-sweep", ""),
        ("label-sweep", ""),
        ("other-room", "folder:attic"),
    ]
    assert not fit.cells[2].axes.counts_hits, "-40 and 40 degrees are no candidates"
    assert fit.key == make_plan(replace(sweep, protocols=("label-sweep",))).fits[0].key


def test_recordings_of_one_direction_are_scored_whole_by_what_was_trained_elsewhere(tmp_path: Path) -> None:
    table = write_recordings(tmp_path / "desk", speakers=("ann",), clips=3) / "recordings.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines if "_40.wav" in line and "_-40" not in line)]))
    room = f"recordings:{table.parent}"
    plan = make_plan(
        Request(("other-room",), ("srp_phat",), "talkers", "smoke", (), (0,), ("dtu-twin",), (room,)),
    )
    (record,) = Worker(Settings(tmp_path / "out")).run(plan.fits[0], lambda _fraction, _note: None)
    assert record.state == "ok", record.reason
    assert record.metrics is not None
    assert record.metrics.clips == 3
    assert record.metrics.values["mae_deg"].mean < 5  # type: ignore
    with pytest.raises(UserError, match="1 direction; methods need at least two"):
        make_plan(Request(("label-sweep",), ("srp_phat",), "talkers", "smoke", (), (0,), (room,)))


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (replace(ADAPTED, score_in=("dtu-twin",)), "microphones 8.5 cm apart, 8 cm in twin-of"),
        (replace(ADAPTED, rooms=("twin-of:mir-twin/half-grid",)), "only one of it and .* has -75 degrees"),
        (replace(ADAPTED, protocols=("other-room",), score_in=()), "other-room scores in another room .* add --score-in"),
        (replace(ADAPTED, rooms=("recordings",), score_in=()), "give its files"),
    ],
)
def test_what_cannot_be_scored_elsewhere_is_one_line(request_: Request, says: str) -> None:
    with pytest.raises(UserError, match=says):
        make_plan(request_)


def test_without_a_second_room_twins_of_the_one_are_trained_in() -> None:
    (fit, *_) = make_plan(replace(ADAPTED, rooms=("mir-twin",), score_in=(), labels=(0,))).fits
    assert (fit.scene.room, fit.scene.other) == ("twin-of:mir-twin", "mir-twin")


def test_a_second_room_alone_says_which_protocol_is_meant() -> None:
    assert default_protocols(other_room=True) == ["other-room"]
    assert not {"other-room", "sim-to-real"} & set(default_protocols())
