"""`doabench export` and `doabench score`: for methods that run elsewhere, in MATLAB or in another framework."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from ..errors import UserError
from .options import COMMAND, Draw, accept_option, draw_options, json_option, out_option, plugin_option
from .printed import clean_output, console_of, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..results.records import CellRecord
    from ..results.store import Store
    from ..run.answered import Answers
    from ..run.export import Format
    from ..run.plan import Request

FORMATS = ("phase.safetensors", "phase.mat", "stft.safetensors", "stft.mat", "wav")


@click.command(**COMMAND)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--protocol", required=True, metavar="ID", help="Of which protocol; doabench list protocols names them.")
@draw_options
@click.option("--as", "form", type=click.Choice(FORMATS), default="phase.safetensors", help="What is written, and how.")
@plugin_option
def export(
    folder: Path,
    protocol: str,
    draw: Draw,
    form: Format,
    plugins: tuple[Path, ...],
) -> None:
    """Write one draw of a protocol into FOLDER, for a method that runs elsewhere: with --labels all that it may learn from, and
    what is scored. Directions are written where a method may know them, and nowhere else."""
    from ..data.scene import Scenes
    from ..plugins.outside import add_plugin_files
    from ..results.store import written_to
    from ..run.elsewhere import elsewhere
    from ..run.execute import planned
    from ..run.export import export as write_draw
    from ..run.plan import Request

    with clean_output() as say:
        add_plugin_files(plugins)
        request = Request((protocol,), (), **vars(draw))
        plan = planned(
            request, console_of(quiet=False), elsewhere("my_method", "", learned=bool(draw.labels), unlabelled=False)
        )
        if len(plan.fits) != 1:
            draws = ", ".join(f"J={fit.axes.labels} in {fit.axes.dataset}, seed {fit.axes.seed}" for fit in plan.fits[:3])
            raise UserError(
                f"these options ask for {len(plan.fits)} draws ({draws}, ...), export writes one: give one each of --labels, "
                "--seeds (0-0, say) and --rooms"
                if plan.fits
                else "these options ask for no draw: see what was said above"
            )
        (fit,) = plan.fits
        with written_to(folder):
            write_draw(fit, Scenes().get(fit.scene), folder, form, _score_command(request), say)
        say(f"{folder / 'README.txt'} says how to read them, and how to score the answers")


@click.command(**COMMAND)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--method-name", required=True, help="What the tables call it.")
@click.option("--protocol", "protocols", multiple=True, required=True, metavar="ID", help="May be repeated.")
@draw_options
@click.option("--unlabelled", is_flag=True, help="It learned from the unlabelled sequences, too.")
@out_option
@accept_option
@click.option("--quiet", is_flag=True, help="Say only what is wrong.")
@plugin_option
@json_option
def score(
    file: Path,
    method_name: str,
    protocols: tuple[str, ...],
    draw: Draw,
    unlabelled: bool,
    out: Path,
    accept_findings: bool,
    quiet: bool,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Put answers that were made elsewhere on the leaderboard, from a CSV file with the columns id,estimated_deg, or id and one
    column of scores for each candidate. The other options are those of the export, --labels as it was given there."""
    from ...leaderboard.mlflow.database import store_uri
    from ..data.scene import Scenes
    from ..plugins.outside import add_plugin_files
    from ..results.store import Store, written_to
    from ..run.answered import read_answers
    from ..run.elsewhere import answered, elsewhere, score_answers
    from ..run.execute import Outcome, planned
    from ..run.places import keep_places, places_of
    from ..run.plan import Request
    from .closing import say_how_it_ended
    from .publish import Publisher
    from .rooms import look_at_rooms

    store_uri(out)
    with clean_output() as say:
        add_plugin_files(plugins)
        answers = read_answers(file)
        source = hashlib.sha256(file.read_bytes()).hexdigest()[:32]
        method = elsewhere(method_name, source, learned=bool(draw.labels), unlabelled=unlabelled)
        console, places = console_of(quiet), places_of((*draw.rooms, *draw.score_in), draw.speech, out)
        plan = planned(Request(protocols, (), **vars(draw)), console, method)
        cells = answered(plan.fits, answers)
        look_at_rooms(plan, accept_findings, console)
        with written_to(out):
            store, scenes = Store(out), Scenes(most=1)
            keep_places(places, out)
            records = [score_answers(fit, cell, scenes.get(fit.scene), answers, store) for fit, cell in cells]
            _say_what_may_surprise(method_name, answers, records, store)
            with console.status("bringing MLflow and the leaderboard up to date"):
                published = Publisher(out).finish()
        say_how_it_ended(Outcome(records, len(records)), published, out, console)
        if as_json:
            say(json.dumps([record.model_dump(mode="json") for record in records]))


def _say_what_may_surprise(name: str, answers: Answers, records: Sequence[CellRecord], store: Store) -> None:
    """Angles that no hit can be counted for, and earlier answers that these take the place of."""
    counted = next((record for record in records if record.axes.counts_hits), None)
    if counted is not None and answers.doa_deg is not None:
        off = float(np.mean(~np.isin(answers.doa_deg, counted.fit.candidates_deg)))
        if off:
            warn(
                f"{off:.0%} of the answers are none of the {len(counted.fit.candidates_deg)} candidate directions: accuracy "
                "counts those as wrong, the error in degrees does not"
            )
    keys, places = {record.key for record in records}, {_place(record) for record in records}
    earlier = [one for one in store.all_cells() if one.made_elsewhere and one.key not in keys and _place(one) in places]
    for key in dict.fromkeys(one.fit_key for one in earlier):
        warn(f"{name}: earlier answers of that name are no longer shown; doabench fits --remove {key[:12]} removes them")


def _place(record: CellRecord) -> tuple[str | int, ...]:
    return record.fit.method, record.fit.labels, record.fit.seed, record.room, record.axes.protocol, record.axes.split


def _score_command(request: Request) -> str:
    """What a person writes to have answers to a draw scored."""
    words: list[Any] = ["doabench", "score", "answers.csv", "--method-name", "my_method", "--protocol", request.protocols[0]]
    words += [word for n in request.labels for word in ("--labels", n)]
    words += ["--seeds", f"{request.seeds[0]}-{request.seeds[-1]}"] if request.seeds else []
    words += ["--scale", request.scale, "--speech", request.speech]
    words += [word for room in request.rooms for word in ("--rooms", room)]
    words += [word for room in request.score_in for word in ("--score-in", room)]
    return shlex.join(map(str, words))
