"""unseen-place-strict: unheard speakers at places that nothing was trained on."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="unseen-place-strict",
    version=1,
    title="Unseen places, strict",
    reference="twin on unheard speakers of unseen-place",
    rooms=("dtu-twin",),
    labels=(250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("unseen", Subset(speech="scored", positions="unseen", excerpts=1)),),
    by_default=False,
    seeds=3,
)
