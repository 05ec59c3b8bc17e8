"""Where recipes are chosen: a room, positions and talkers that no protocol scores."""

from __future__ import annotations

from doabench.benchmark.data.scene import Scene
from doabench.benchmark.data.segments import draw_segments
from doabench.benchmark.data.splits import Given, fit_data
from doabench.benchmark.dataset import Speaker
from doabench.benchmark.method import FitData
from doabench.benchmark.protocol import Subset, label_count
from doabench.datasets._convolution import arc
from doabench.datasets._shoebox import Elsewhere, ShoeboxRoom
from doabench.datasets.speech import talkers

FIRST, COUNT = 100, 100
"""The corpus `talkers` ends before this one; the synthesis goes on."""


class DevelopmentRoom(ShoeboxRoom):
    """8.2 x 5.4 x 2.7 m, RT60 0.55 s, the array and the directions of dtu-twin, elsewhere."""

    name = "development"
    size_m = (8.2, 5.4, 2.7)
    array_centre_m = (3.5, 2.3, 1.4)
    spacing_m = 0.085
    directivity = 0.7
    rt60_s = (0.55,)
    places = {"grid": arc(tuple(range(-90, 91, 10)), 1.6)}
    elsewhere = (
        Elsewhere("near: 1 m", 1.0, array_centre_m),
        Elsewhere("far: 2.2 m", 2.2, array_centre_m),
        Elsewhere("array: moved 0.4 m", 1.6, (3.2, 2.6, 1.5)),
        Elsewhere("array: moved 0.7 m, turned 30\u00b0", 1.6, (4.1, 2.6, 1.2), 30.0),
        Elsewhere("room: 6.3 x 4.6 x 2.5 m", 1.6, (2.9, 1.9, 1.2), 0.0, (6.3, 4.6, 2.5), 0.3),
    )


class DevelopmentTalkers(talkers.Talkers):
    """Voices that the corpus does not have."""

    def speakers(self) -> list[Speaker]:
        numbers = range(FIRST, FIRST + COUNT)
        return [Speaker(f"{n}", talkers._Talker.number(n).sex, tuple(f"{n}-{u}" for u in range(2))) for n in numbers]

    def load(self, utterance: str):
        number, part = map(int, utterance.split("-"))
        return talkers._synthesise(talkers._Talker.number(number), part)


def development_scene(seed: int, speakers_per_role: int = 20) -> Scene:
    corpus = DevelopmentTalkers()
    return Scene("development", DevelopmentRoom(), draw_segments(corpus, "development", seed, speakers_per_role), corpus)


def development_data(scene: Scene, n: int, seed: int) -> tuple[FitData, Given]:
    """What a fit is given for nominal ``n``, as in `label-sweep`, and where that lies in its streams."""
    labels = label_count(n, len(scene.setup.candidates_deg))
    train, selection = (scene.stream(Subset(speech=role)) for role in ("train", "validation"))
    return fit_data(train, selection, labels, scene.setup, seed)
