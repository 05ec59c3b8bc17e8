"""off-grid-strict: unheard speakers between the candidate directions. MAE against the true angle."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="off-grid-strict",
    version=1,
    title="Off-grid, strict",
    reference="twin on unheard speakers of off-grid",
    rooms=("dtu-twin",),
    labels=(1000,),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("off_grid", Subset(speech="scored", positions="off_grid")),),
    balance=True,
    accuracy=False,
    by_default=False,
    seeds=3,
)
