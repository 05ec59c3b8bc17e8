"""The `doabench run` command: run what is missing, then bring MLflow and the leaderboard up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from ..errors import UserError
from ..protocol import ScaleName
from .options import COMMAND, Rooms, Seeds, json_option, out_option, plugin_option
from .printed import clean_output

if TYPE_CHECKING:  # only a run needs them, and they take a second to import
    from rich.console import Console

    from ..run.execute import Outcome
    from .publish import Published


@click.command(**COMMAND)
@click.option(
    "--protocol", "protocols", multiple=True, help="May be repeated.  [default: all but the strict ones]", metavar="ID"
)
@click.option(
    "--method", "methods", multiple=True, help="May be repeated; takes parameters: 'cnn[variant=as-released]'.  [default: all]"
)
@click.option("--labels", multiple=True, type=click.IntRange(min=0), help="Nominal number of labels n; may be repeated.")
@click.option("--seeds", type=Seeds(), default="", help="How many from 0 on, or which: 200-204.  [default: of each protocol]")
@click.option("--scale", type=click.Choice(get_args(ScaleName)), default="quick", help="How much of each protocol.")
@click.option(
    "--speech", default="talkers", envvar="DOABENCH_SPEECH", show_envvar=True, help="Corpus by name, or a LibriSpeech folder."
)
@click.option(
    "--rooms",
    multiple=True,
    type=Rooms(),
    envvar="DOABENCH_ROOMS",
    show_envvar=True,
    help="Rooms instead of each protocol's own, by name or files, such as sofa:FILE; may be repeated.",
)
@click.option(
    "--score-in",
    multiple=True,
    type=Rooms(),
    help="Train in --rooms and score here, on the same array: by other-room, unless a protocol is named; may be repeated.",
)
@out_option
@click.option("--jobs", type=click.IntRange(min=1), help="Fits at a time.  [default: by cores, memory and what is to be run]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each fit.  [default: cores / jobs]")
@click.option("--time-limit", "time_limit_s", type=click.FloatRange(min=0, min_open=True), help="Seconds for each fit.")
@click.option("--device", default="cpu", help="cpu, cuda or cuda:N.")
@click.option(
    "--accept-findings", is_flag=True, help="Run in a room though its delays do not fit its angles, spacing or sample rate."
)
@plugin_option
@json_option
def run(
    protocols: tuple[str, ...],
    methods: tuple[str, ...],
    labels: tuple[int, ...],
    seeds: tuple[int, ...],
    scale: ScaleName,
    speech: str,
    rooms: tuple[str, ...],
    score_in: tuple[str, ...],
    out: Path,
    jobs: int | None,
    threads: int | None,
    time_limit_s: float | None,
    device: str,
    accept_findings: bool,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run what is missing, sync MLflow, build the leaderboard. Exit code 1 if a cell was lost."""
    from rich.console import Console

    from ...leaderboard.mlflow.database import store_uri
    from ..plugins.outside import add_plugin_files
    from ..plugins.spec import default_methods, default_protocols
    from ..results.store import written_to
    from ..run.engine import LocalProcesses
    from ..run.execute import execute, planned
    from ..run.jobs import Settings
    from ..run.places import keep_places, places_of
    from ..run.plan import Request
    from ..run.resources import jobs_and_threads
    from .publish import Publisher
    from .rooms import look_at_rooms

    _check_device(device)
    store_uri(out)  # before any work is done for a folder that could not be published
    with clean_output() as say:
        add_plugin_files(plugins)
        asked = (protocols or tuple(default_protocols(score_in != ())), methods or tuple(default_methods()))
        request = Request(*asked, speech, scale, labels, seeds, rooms, score_in)
        console = Console(stderr=True)
        places = places_of((*rooms, *score_in), speech, out)
        plan = planned(request, console)
        look_at_rooms(plan, accept_findings, console)
        jobs, threads = jobs_and_threads(len(plan.fits), device, jobs, threads)
        settings, publisher = Settings(out.absolute(), device, threads, plugins), Publisher(out)
        with written_to(out):
            keep_places(places, out)
            outcome = execute(plan, settings, jobs, LocalProcesses(jobs, time_limit_s), console, publisher.news)
            with console.status("bringing MLflow and the leaderboard up to date"):
                published = publisher.finish()
        _say(outcome, published, console)
        if as_json:
            say(json.dumps([record.model_dump(mode="json") for record in outcome.records]))
    sys.exit(1 if outcome.lost else 0)


def _check_device(device: str) -> None:
    if device == "cpu":
        return
    import torch

    if not (device.startswith("cuda") and torch.cuda.is_available()):
        raise UserError(f"--device {device}: not available here; use cpu, or install a CUDA build of torch")
    try:
        torch.empty(1, device=device)
    except RuntimeError as error:
        raise UserError(f"--device {device}: cannot be used ({error}); use cpu") from error


def _say(outcome: Outcome, published: Published, console: Console) -> None:
    """Say how it ended. An MLflow that cannot be reached is a warning."""
    logged = f"{published.runs} runs logged to MLflow"
    if published.problem:
        logged = f"MLflow was not reached ({published.problem}); the next run catches up"
    states = ", ".join(f"{count} {state}" for state, count in sorted(outcome.states.items()))
    summary = f"{len(outcome.records)} cells: {states}; {outcome.computed} computed now; {logged}"
    console.print(summary, markup=False, soft_wrap=True)
    for record in outcome.records:
        said = record.hint if record.state == "ok" else "" if record.state == "skipped" else record.reason
        if said:
            where = f"{record.fit.name} on {record.axes.protocol}, {record.axes.split}, J={record.fit.labels}"
            console.print(f"{'look at' if record.hint else record.state}: {where}: {said}", markup=False, soft_wrap=True)
    page = next(path for path in published.files if path.suffix == ".html")
    console.print(f"leaderboard: {page}", markup=False, highlight=False, soft_wrap=True)
