"""rt60-transfer: trained at one reverberation time, scored at another, the same speech in both (Table 2 c and d)."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="rt60-transfer",
    version=1,
    title="RT60 transfer",
    reference="Bianco et al. 2021, Table 2 c and d",
    rooms=("mir-twin",),
    labels=(120, 250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="train", condition="transfer"),
    scored=(("train", Subset(speech="train")), ("validation", Subset(speech="train", condition="transfer"))),
)
