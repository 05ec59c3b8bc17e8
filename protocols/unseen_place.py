"""unseen-place: all directions of the grid from places that nothing was trained on. Was it directions that a method learned, or
one room?"""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="unseen-place",
    version=1,
    title="Unseen places",
    reference="twin of label-sweep that shares no room response with training",
    rooms=("dtu-twin",),
    labels=(120, 250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("unseen", Subset(speech="validation", positions="unseen", excerpts=1)),),
)
