"""mir-twin: a simulated stand-in for the Bar-Ilan acoustic lab of the MIR database (docs/paper.md)."""

from __future__ import annotations

from .._convolution import arc
from .._shoebox import ShoeboxRoom


class MirTwin(ShoeboxRoom):
    """6 x 6 x 2.4 m at RT60 0.61, 0.36 and 0.16 s, microphones 8 cm apart, 13 directions at 2 m. Trained on at 0.61 s,
    transferred to 0.36 s."""

    name = "mir-twin"
    size_m = (6.0, 6.0, 2.4)
    array_centre_m = (3.05, 2.9, 1.25)
    spacing_m = 0.08
    directivity = 0.25
    rt60_s = (0.61, 0.36, 0.16)
    transfer = "rt60=0.36"
    places = {"grid": arc(tuple(range(-90, 91, 15)), 2.0)}
