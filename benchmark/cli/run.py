"""The `doabench run` command: run what is missing, then bring MLflow and the leaderboard up to date."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .engines import ENGINES, Runs
from .options import COMMAND, Draw, Sbatch, Shard, accept_option, draw_options, json_option, out_option, plugin_option
from .printed import clean_output, console_of

if TYPE_CHECKING:  # they take a second to import
    from rich.console import Console

    from ..run.execute import Outcome
    from ..run.plan import Request


@click.command(**COMMAND)
@click.option(
    "--protocol", "protocols", multiple=True, help="May be repeated.  [default: all but the strict ones]", metavar="ID"
)
@click.option(
    "--method", "methods", multiple=True, help="May be repeated; takes parameters: 'cnn[variant=as-released]'.  [default: all]"
)
@draw_options
@out_option
@click.option("--jobs", type=click.IntRange(min=1), help="Fits at a time.  [default: by cores, memory and what is to be run]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each fit.  [default: cores / jobs]")
@click.option("--time-limit", "time_limit_s", type=click.FloatRange(min=0, min_open=True), help="Seconds for each fit.")
@click.option("--device", default="cpu", help="cpu, cuda or cuda:N.")
@click.option("--engine", type=click.Choice(ENGINES), default=ENGINES[0], help="Run fits here, or in jobs of a Slurm cluster.")
@click.option(
    "--slurm",
    "sbatch",
    multiple=True,
    type=Sbatch(),
    help="Setting of sbatch for --engine slurm: partition=gpu, account=..., mem=8G, time=2-0; may be repeated.",
)
@click.option(
    "--shard", type=Shard(), help="Only this share of the fits, 1/8 to 8/8, where another scheduler starts all eight."
)
@click.option(
    "--publish/--no-publish", default=True, help="Bring MLflow and the leaderboard up to date, or leave that to another run."
)
@accept_option
@click.option("--quiet", is_flag=True, help="Say only what is wrong.")
@plugin_option
@json_option
def run(
    protocols: tuple[str, ...],
    methods: tuple[str, ...],
    draw: Draw,
    out: Path,
    jobs: int | None,
    threads: int | None,
    time_limit_s: float | None,
    device: str,
    engine: str,
    sbatch: tuple[tuple[str, str | bool], ...],
    shard: tuple[int, int] | None,
    publish: bool,
    accept_findings: bool,
    quiet: bool,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run what is missing, sync MLflow, build the leaderboard. Exit code 1 if a cell was lost."""
    from ..run.plan import Request

    runs = Runs(engine, device, jobs, threads, time_limit_s, dict(sbatch), shard)
    with clean_output() as say:
        asked = Request(protocols, methods, **vars(draw))
        outcome = carry_out(asked, runs, out, plugins, console_of(quiet), accept_findings, publish)
        if as_json:
            say(json.dumps([record.model_dump(mode="json") for record in outcome.records]))
    sys.exit(1 if outcome.lost else 0)


def carry_out(
    asked: Request,
    runs: Runs,
    out: Path,
    plugins: Sequence[Path],
    console: Console,
    accept_findings: bool,
    publish: bool = True,
) -> Outcome:
    """Do all that was asked for, with the defaults where protocols or methods are not named. Raises UserError."""
    from ...leaderboard.mlflow.database import store_uri
    from ..plugins.outside import add_plugin_files
    from ..plugins.spec import default_methods, default_protocols
    from ..results.store import written_to
    from ..run.execute import execute, planned
    from ..run.places import keep_places, places_of
    from .closing import say_how_it_ended
    from .publish import Publisher
    from .rooms import look_at_rooms

    runs.check()
    store_uri(out)  # before any work is done for a folder that could not be published
    add_plugin_files(plugins)
    request = replace(
        asked,
        protocols=asked.protocols or tuple(default_protocols(asked.score_in != ())),
        methods=asked.methods or tuple(default_methods()),
    )
    places = places_of((*request.rooms, *request.score_in), request.speech, out)
    plan = planned(request, console)
    look_at_rooms(plan, accept_findings, console)
    settings, jobs, run_by = runs.engine(len(plan.fits), out, tuple(plugins))
    if runs.shard:
        plan.keep(*runs.shard)
    publisher = Publisher(out) if publish else None
    with written_to(out):
        keep_places(places, out)
        outcome = execute(plan, settings, jobs, run_by, console, publisher.news if publisher else lambda _: None)
        with console.status("bringing MLflow and the leaderboard up to date"):
            published = publisher.finish() if publisher else None
    say_how_it_ended(outcome, published, out, console)
    return outcome
