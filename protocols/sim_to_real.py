"""sim-to-real: trained in simulated rooms around the array of a measured one, with no, few or many labels from there, and
scored there, on unheard speakers. To train on simulated labels alone is what most do who have no others."""

from ..benchmark.protocol import Adaptation, Protocol, Subset

PROTOCOL = Protocol(
    id="sim-to-real",
    version=1,
    title="Simulated to real",
    reference="what a user without labels can do: simulated labels, unlabelled recordings of the real room",
    rooms=("r3vival",),
    labels=(0, 120, 1000),
    trained_in="twin-of:{room}",
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    adaptation=Adaptation(
        train=Subset(speech="train", room="other"),
        selection=Subset(speech="validation", room="other"),
        taught=8000,
    ),
    scored=(("validation", Subset(speech="scored", room="other")),),
    by_default=False,
    seeds=3,
)
