"""label-sweep-strict: accuracy against the number of labels, on speakers whom nothing was trained or selected on."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="label-sweep-strict",
    version=1,
    title="Label sweep, strict",
    reference="twin on unheard speakers of label-sweep",
    rooms=("dtu-twin",),
    labels=(250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("validation", Subset(speech="scored")),),
    by_default=False,
    seeds=3,
)
