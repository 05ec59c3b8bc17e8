"""other-room: trained in one room, scored in another, on unheard speakers; the directions there need not be candidates."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="other-room",
    version=1,
    title="Another room",
    reference="any two rooms: --rooms A --score-in B",
    rooms=("dtu-twin",),
    labels=(120, 250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("validation", Subset(speech="scored", room="other")),),
    by_default=False,
    seeds=3,
)
