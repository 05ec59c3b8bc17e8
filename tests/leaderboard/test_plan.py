"""Where methods err, seen from above."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from doabench.benchmark.cli.installed import installed
from doabench.benchmark.dataset import Position
from doabench.benchmark.results.records import Plan
from doabench.benchmark.run.scored_set import plan_of
from doabench.datasets.rooms.dtu_twin import DtuTwin
from doabench.leaderboard.analysis.plan import plan_views
from doabench.leaderboard.build import read
from support.leaderboard_files import add, cell


def test_walls_and_talkers_stand_to_the_array_as_they_do_in_the_room() -> None:
    room = object.__new__(DtuTwin)  # what it looks like needs no response
    found = plan_of(room, [Position(90.0, 1.5), Position(0.0, 2.0), Position(-30.0, 1.0, "array: moved 1 m, turned 60\u00b0")])
    assert found.talkers[0] == (1.5, 0.0, "")
    assert found.talkers[1] == (0.0, 2.0, "")
    assert found.talkers[2][:2] == (-0.5, 0.866)
    assert found.walls[""] == ((-4.1, -2.6), (4.9, -2.6), (4.9, 3.4), (-4.1, 3.4))
    moved = np.array(found.walls["array: moved 1 m, turned 60\u00b0"])
    sides = np.linalg.norm(np.roll(moved, -1, 0) - moved, axis=1)
    assert sides == pytest.approx([9.0, 6.0, 9.0, 6.0], abs=0.002)
    # the wall that lay ahead is 2.8 m away, and 60 degrees to the right of where the turned array looks
    nearest = (moved[2] + moved[3]) / 2
    ahead = np.array([np.sin(np.radians(60)), np.cos(np.radians(60))])
    assert (moved[2] @ ahead, moved[3] @ ahead) == pytest.approx((2.8, 2.8), abs=0.002)
    assert nearest[0] > 0


def test_every_talker_has_the_mean_error_of_its_sequences(tmp_path: Path) -> None:
    places = ("", "", "elsewhere", "elsewhere")
    plan = Plan(talkers=tuple((float(at), 1.0, place) for at, place in enumerate(places)), walls={"": ((0, 0), (1, 0), (1, 1))})
    add(tmp_path, cell("a", plan=plan.model_dump()), [10.0, 10.0, 30.0, 37.0])  # the first position in error by 10, and so on
    (table,) = read(tmp_path, installed()).tables
    here, there = plan_views(table)
    assert (here.place, here.walls_m) == ("where the grid is", ((0, 0), (1, 0), (1, 1)))
    assert (there.place, there.walls_m) == ("elsewhere", ())
    assert (here.talkers_m, there.talkers_m) == (((0.0, 1.0), (1.0, 1.0)), ((2.0, 1.0), (3.0, 1.0)))
    assert [view.spots[0].mae_deg for view in (here, there)] == [(10.0, 0.0), (10.0, 7.0)]
