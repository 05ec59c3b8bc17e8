"""rt60-transfer-strict: trained and selected at one reverberation time, scored at another on speakers that were never heard.

At the training time the same fits are scored by `label-sweep-strict` in that room.
"""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="rt60-transfer-strict",
    version=2,
    title="RT60 transfer, strict",
    reference="twin on unheard speakers of rt60-transfer",
    rooms=("mir-twin",),
    labels=(250, 500, 1000, 2000, 4000, 8000),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("validation", Subset(speech="scored", condition="transfer")),),
    by_default=False,
    seeds=3,
)
