"""R3VIVAL: measured responses of a variable acoustics lab (Meta Reality Labs Research; CC BY 4.0;
github.com/facebookresearch/R3VIVAL, ``RIRs/FRL_array``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...benchmark.dataset import Position
from ...benchmark.errors import UserError
from .._audio import read_audio
from .._files import files_below
from .._measured import MeasuredRoom, Read, response_at_16_khz
from .._pair import parse_pair, see

NAMES = (
    re.compile(r"RLRVarAcLab_Absorptive_(?P<setting>\w+)_S(?P<azimuth>\d{3})-(?P<cm>\d{3})_R1_FRL10cm\.wav"),
    re.compile(r"r3vival_abs(?P<setting>\w+)_az(?P<azimuth>\d{3})_d(?P<cm>\d{3})\.(flac|wav)"),
)
CHANNELS = 7
GRID_M = 1.5
# T20 of the responses, median over positions
RT60_S = {"000": 0.64, "025": 0.56, "050": 0.48, "075": 0.46, "100": 0.43, "R": 0.53, "RB": 0.51, "RBL": 0.45}
# Front and left in cm. The upstream table prints channels 4 and 5 on each other's side; the delays say that 4 is left. The
# nominal figure gives directions; the one fitted to the direct sound of all 240 responses gives spacings.
NOMINAL_CM = ((5, 0), (-5, 0), (0, -3.54), (0, 3.54), (0, -3.54), (0, 3.54), (0, 0))
FITTED_CM = ((4.63, -0.2), (-4.72, 0.19), (0.11, -3.46), (-0.12, 3.25), (-0.19, -3.17), (-0.18, 3.21), (0, 0))


@dataclass(eq=False)
class R3Vival(MeasuredRoom):
    """Eight settings of absorbing panels, talkers at 1.5, 2 and 3 m every 30 degrees; the half plane that the pair looks into.

    Parameters: ``pair`` (microphones 1 and 2 of channels 1 to 7), ``train`` and ``transfer`` (settings, `RT60_S`). Reads the
    original 48 kHz files or 16 kHz copies of them, in any folder below ``path``; where both are there, those of which there are
    more, else the originals, so that no scene is made of both.
    """

    path: Path
    pair: str = "4-3"
    train: str = "000"
    transfer: str | None = "100"

    def __post_init__(self) -> None:
        pair = parse_pair(self.pair, CHANNELS, self.path)
        first, second = pair
        axis = np.subtract(NOMINAL_CM[second], NOMINAL_CM[first])
        if not axis.any():
            raise UserError(f"{self.path}: pair={self.pair} are one above the other; choose two that stand apart")
        files = sorted(files_below(self.path))
        named = [[(file, match) for file in files if (match := name.fullmatch(file.name))] for name in NAMES]
        places: dict[str, dict[Position, Read]] = {}
        for file, match in max(named, key=len):
            clockwise = np.radians(float(match["azimuth"]))
            doa_deg, _, depth = see((np.cos(clockwise), -np.sin(clockwise), 0.0), (*axis, 0.0))
            if depth > -1e-6:
                position = Position(round(doa_deg, 2) + 0.0, int(match["cm"]) / 100)
                places.setdefault(match["setting"], {}).setdefault(position, partial(_read, file, pair))
        if not places:
            raise UserError(f"{self.path}: no file named like r3vival_abs000_az030_d150.flac in it; give the folder of R3VIVAL")
        spacing_m = round(float(np.linalg.norm(np.subtract(FITTED_CM[second], FITTED_CM[first]))) / 100, 4)
        in_order = {name: places[name] for name in (*RT60_S, *places) if name in places}
        transfer = self.transfer if self.transfer in places or self.transfer != "100" else None
        ranges = {position.range_m for position in places.get(self.train, {})}
        self.describe(self.path, spacing_m, in_order, RT60_S, self.train, transfer, GRID_M if GRID_M in ranges else None)


def _read(file: Path, pair: list[int]) -> NDArray[np.float32]:
    samples, rate_hz = read_audio(file)
    if samples.shape[1] != CHANNELS:
        raise UserError(f"{file}: {samples.shape[1]} channels; responses of this array have {CHANNELS}: download it again")
    return response_at_16_khz(samples[:, pair], rate_hz, file)
