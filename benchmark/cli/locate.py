"""`doabench locate`: where the talker is in a recording of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..errors import UserError
from .options import COMMAND, json_option, out_option, plugin_option
from .printed import clean_output, warn

if TYPE_CHECKING:
    from ..run.track import Fitted, Track

FORMATS = (".csv", ".json", ".png")
LISTED, LEAST_SHARE = 4, 0.05


@click.command(**COMMAND)
@click.argument("words", nargs=-1, required=True, metavar="[FIT] RECORDING")
@click.option("--method", help="A method that needs no training, instead of a FIT; --spacing-m says for which array.")
@click.option(
    "--spacing-m", type=click.FloatRange(0, 2, min_open=True), help="Distance of the two microphones in metres, such as 0.08."
)
@click.option("--pair", default="1-2", help="Which channels are microphones 1 and 2; angles are positive toward 2.")
@click.option(
    "--to", "targets", multiple=True, type=click.Path(path_type=Path), help="FILE.csv, .json or .png; may be repeated."
)
@out_option
@plugin_option
@json_option
def locate(
    words: tuple[str, ...],
    method: str | None,
    spacing_m: float | None,
    pair: str,
    targets: tuple[Path, ...],
    out: Path,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Say where the talker is in RECORDING, a file of two or more channels, every 64 ms. FIT is a trained method, by its key,
    its folder or its name, of --out or of those that come with the suite (doabench fits lists them)."""
    from .. import api
    from ..plugins.outside import add_plugin_files

    if len(words) != (1 if method else 2):
        wanted = "RECORDING" if method else "FIT RECORDING, or --method NAME --spacing-m METRES RECORDING"
        raise UserError(f"locate takes {wanted}; it was given: {' '.join(words)}")
    if strange := [path for path in targets if path.suffix not in FORMATS]:
        raise UserError(f"--to {strange[0]}: the name must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    with clean_output() as say:
        add_plugin_files(plugins)
        if method and spacing_m is None:
            raise UserError(f"--method {method}: add --spacing-m, the distance of the microphones in metres")
        fit = api.untrained(method, spacing_m or 0.0) if method else api.load_fit(words[0], out, spacing_m=spacing_m)
        recording = Path(words[-1])
        found = api.locate(fit, recording, pair=pair)
        for text in found.warnings:
            warn(f"{recording}: {text}")
        for path in targets:
            _write(path, found, fit, recording)
        say(json.dumps(_content(found, fit, recording)) if as_json else _summary(found, fit, pair))


def _summary(found: Track, fit: Fitted, pair: str) -> str:
    spoken_s = found.spoken.sum() / len(found.time_s) * (found.time_s[-1] + found.time_s[0])
    angles = fit.setup.candidates_deg
    steps = sorted({round(one, 3) for one in np.diff(angles)})
    every = f"every {steps[0]:g}" if len(steps) == 1 else f"{len(angles)} from {angles[0]:g} to {angles[-1]:g}"
    lines = [
        f"{fit.name}, microphones {100 * fit.setup.spacing_m:.3g} cm apart, candidates {every} deg: {spoken_s:.1f} s of speech"
    ]
    toward = f"angles are positive toward microphone 2, here channel {pair.partition('-')[2]}; --pair says otherwise"
    for angle, share in found.directions[:LISTED]:
        if share >= LEAST_SHARE:
            here = found.spoken & (found.doa_deg.round(1) == angle)
            sure = "" if found.probability is None else f", {found.probability[here].mean():.0%} sure"
            lines.append(f"{angle:+7.1f} deg  {share:4.0%} of it{sure}")
    return "\n".join([*lines, toward])


def _columns(found: Track) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "time_s": found.time_s.round(3).tolist(),
        "doa_deg": found.doa_deg.round(3).tolist(),
        "speech": found.speech.round(2).tolist(),
    }
    if found.probability is not None:
        columns["probability"] = found.probability.round(4).tolist()
    return columns


def _content(found: Track, fit: Fitted, recording: Path) -> dict[str, Any]:
    return {
        "recording": str(recording),
        "method": fit.name,
        "spacing_m": fit.setup.spacing_m,
        "warnings": list(found.warnings),
        "directions": [{"doa_deg": angle, "share_of_speech": round(share, 4)} for angle, share in found.directions],
        **_columns(found),
    }


def _write(path: Path, found: Track, fit: Fitted, recording: Path) -> None:
    from ..durable import replacing

    try:
        with replacing(path) as partial:
            if path.suffix == ".json":
                partial.write_text(json.dumps(_content(found, fit, recording)))
            elif path.suffix == ".csv":
                columns = _columns(found)
                rows = zip(*columns.values(), strict=True)
                partial.write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
            else:
                from ...leaderboard.figures.track import draw_track

                draw_track(found, f"{recording.name}: {fit.name}").savefig(partial, format="png")
    except OSError as error:
        raise UserError(f"--to {path}: cannot be written ({error.strerror})") from error
