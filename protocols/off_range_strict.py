"""off-range-strict: unheard speakers nearer and farther than those trained on."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="off-range-strict",
    version=1,
    title="Off-range, strict",
    reference="twin on unheard speakers of off-range",
    rooms=("dtu-twin",),
    labels=(1000,),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("off_range", Subset(speech="scored", positions="off_range")),),
    balance=True,
    by_default=False,
    seeds=3,
)
