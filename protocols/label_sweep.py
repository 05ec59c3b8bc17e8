"""label-sweep: accuracy against the number of labels in one room (Bianco et al. 2021, Table 2 a and b)."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="label-sweep",
    version=1,
    title="Label sweep",
    reference="Bianco et al. 2021, Table 2 a and b",
    rooms=("dtu-twin",),
    labels=(120, 250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("train", Subset(speech="train")), ("validation", Subset(speech="validation"))),
)
