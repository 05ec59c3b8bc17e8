"""off-range: talkers nearer and farther than those trained on (Bianco et al. 2021, Table 3)."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="off-range",
    version=1,
    title="Off-range",
    reference="Bianco et al. 2021, Table 3",
    rooms=("dtu-twin",),
    labels=(1000,),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("off_range", Subset(speech="validation", positions="off_range")),),
    balance=True,
)
