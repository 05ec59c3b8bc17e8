"""off-grid: talkers between the candidate directions (Bianco et al. 2021, Table 3). MAE against the true angle."""

from ..benchmark.protocol import Protocol, Subset

PROTOCOL = Protocol(
    id="off-grid",
    version=1,
    title="Off-grid",
    reference="Bianco et al. 2021, Table 3",
    rooms=("dtu-twin",),
    labels=(1000,),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("off_grid", Subset(speech="validation", positions="off_grid")),),
    balance=True,
    accuracy=False,
)
