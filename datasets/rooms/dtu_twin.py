"""dtu-twin: a simulated stand-in for the classroom of Bianco et al. 2021 at DTU (docs/paper.md)."""

from __future__ import annotations

from ...benchmark.dataset import Position
from .._convolution import arc
from .._shoebox import ShoeboxRoom


class DtuTwin(ShoeboxRoom):
    """9 x 6 x 3 m, RT60 0.5 s, microphones 8.5 cm apart, 19 directions at 1.5 m, and the paper's off-grid and off-range
    positions."""

    name = "dtu-twin"
    size_m = (9.0, 6.0, 3.0)
    array_centre_m = (4.1, 2.6, 1.3)
    spacing_m = 0.085
    directivity = 0.75
    rt60_s = (0.5,)
    places = {
        "grid": arc(tuple(range(-90, 91, 10)), 1.5),
        "off_grid": arc((25, 28, 45), 1.5),
        "off_range": tuple(
            Position(doa_deg, range_m)
            for doa_deg, range_m in ((0.0, 1.0), (10.0, 2.0), (40.0, 2.0), (-30.0, 2.5), (-40.0, 2.5), (-30.0, 3.0))
        ),
    }
