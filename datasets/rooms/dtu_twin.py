"""dtu-twin: a simulated stand-in for the classroom of Bianco et al. 2021 at DTU (docs/paper.md)."""

from __future__ import annotations

from ...benchmark.dataset import Position
from .._convolution import arc
from .._shoebox import Elsewhere, ShoeboxRoom

ABSORPTION = (0.328, 0.326, 0.264, 0.284)
"""Of the other rooms: what gives the RT60 that stands in their names, as it is measured over their responses."""


class DtuTwin(ShoeboxRoom):
    """9 x 6 x 3 m, RT60 0.5 s, microphones 8.5 cm apart, 19 directions at 1.5 m, and the paper's off-grid and off-range
    positions. Unseen: three other ranges, the array moved by 0.1 to 1 m and turned, four other rooms."""

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
    elsewhere = (
        Elsewhere("range: 1 m", 1.0, (4.1, 2.6, 1.3)),
        Elsewhere("range: 2.2 m", 2.2, (4.1, 2.6, 1.3)),
        Elsewhere("range: 2.8 m", 2.8, (4.1, 2.6, 1.3)),
        Elsewhere("array: moved 0.1 m", 1.5, (4.2, 2.6, 1.3)),
        Elsewhere("array: moved 0.2 m", 1.5, (3.96, 2.74, 1.3)),
        Elsewhere("array: moved 0.4 m", 1.5, (4.38, 2.32, 1.3)),
        Elsewhere("array: moved 0.6 m, turned 20\u00b0", 1.5, (3.7, 2.2, 1.5), 20.0),
        Elsewhere("array: moved 0.8 m, turned -35\u00b0", 1.5, (4.9, 2.6, 1.2), -35.0),
        Elsewhere("array: moved 1 m, turned 60\u00b0", 1.5, (4.9, 3.2, 1.4), 60.0),
        Elsewhere("room: 5 x 4 x 2.5 m, RT60 0.3 s", 1.5, (2.4, 1.7, 1.2), 0.0, (5.0, 4.0, 2.5), ABSORPTION[0]),
        Elsewhere("room: 7 x 5 x 2.7 m, RT60 0.4 s", 1.5, (3.3, 2.2, 1.4), 0.0, (7.0, 5.0, 2.7), ABSORPTION[1]),
        Elsewhere("room: 6.2 x 8.1 x 3 m, RT60 0.6 s", 1.5, (2.7, 3.9, 1.5), 0.0, (6.2, 8.1, 3.0), ABSORPTION[2]),
        Elsewhere("room: 11 x 7 x 3.4 m, RT60 0.7 s", 1.5, (5.8, 3.1, 1.4), 0.0, (11.0, 7.0, 3.4), ABSORPTION[3]),
    )
