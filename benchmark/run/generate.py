"""What a generative method makes, for the generation protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.scene import Scene
from ..data.splits import Grouped, choose_reconstructed
from ..method import Generative, Method
from ..protocol import GenerationProtocol
from ..results.generation import Generated, nearest_deg
from ..results.generation import score as generation_score
from ..sequences import Sequences
from .answers import asked, checked_phase
from .jobs import Cell, Fit
from .scored_set import scored_by


def generated_cell(fit: Fit, cell: Cell, method: Method, scene: Scene) -> tuple[dict[str, Any], Generated]:
    """What the record of a generation cell says, and what was generated."""
    protocol, setup = cell.protocol, scene.setup
    assert isinstance(protocol, GenerationProtocol)
    assert isinstance(method, Generative)
    chosen, leaks = scored_by(fit, cell, scene)
    scored = Grouped(chosen.starts, setup.class_of(chosen.stream.doa_deg(chosen.starts)))
    starts = choose_reconstructed(scored, protocol.reconstructed_per_doa, fit.axes.seed)
    inputs, doa_deg = Sequences(chosen.stream.store, starts), chosen.stream.doa_deg(starts)
    sampled_deg, count = [nearest_deg(angle, setup) for angle in protocol.sampled_deg], protocol.samples
    reconstruct, sample = method.reconstruct, method.sample
    again = asked(fit, "reconstruct", lambda: checked_phase(reconstruct(inputs, doa_deg), len(inputs)))
    samples = [asked(fit, "sample", lambda at=at: checked_phase(sample(at, count), count)) for at in sampled_deg]
    generated = Generated(
        doa_deg=doa_deg,
        input_rad=inputs.phase(slice(None)),
        mean_rad=again.mean_rad,
        draw_rad=again.draw_rad,
        sampled_doa_deg=np.repeat(sampled_deg, count),
        sampled_mean_rad=np.concatenate([sample.mean_rad for sample in samples]),
        sampled_draw_rad=np.concatenate([sample.draw_rad for sample in samples]),
        histogram_doa_deg=np.array(nearest_deg(protocol.histogram_deg, setup)),
    )
    return {"generation": generation_score(generated, setup), "leaks": leaks}, generated
