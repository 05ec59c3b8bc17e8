"""generation: has a generative model learned the physics (Bianco et al. 2021, Figs. 4-11)? Phase that it makes of
unseen talkers' sequences, and of a direction alone, against free space."""

from ..benchmark.protocol import GenerationProtocol, Subset

PROTOCOL = GenerationProtocol(
    id="generation",
    version=1,
    title="Generation",
    reference="Bianco et al. 2021, Figs. 4-11",
    rooms=("dtu-twin",),
    labels=(1000,),
    train=Subset(speech="train"),
    selection=Subset(speech="validation"),
    scored=(("generation", Subset(speech="validation")),),
    reconstructed_per_doa=10,
    sampled_deg=(90.0, -30.0),
    samples=100,
    histogram_deg=20.0,
)
