"""The `doabench` command."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console

from ..errors import UserError
from ..protocol import ScaleName
from ..run.execute import Outcome
from ..run.jobs import Settings
from ..run.plan import Request
from .data import data

COMMAND: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "show_default": True}}


class Group(click.Group):
    """Turns what people can mend into one line and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except UserError as error:
            click.echo(f"doabench: {error}", err=True)
            sys.exit(2)
        except KeyboardInterrupt:
            click.echo("doabench: interrupted; what is finished is kept, the same command goes on from there", err=True)
            sys.exit(130)


@click.group(cls=Group, **COMMAND)
@click.version_option(package_name="doabench")
def main() -> None:
    """Direction of a talker with two microphones, reverberation and few labels: methods compared under fixed protocols."""


out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("results"), help="Folder of all results."
)
plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A method, protocol, speech or room of your own.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@main.command(**COMMAND)
@click.option(
    "--protocol", "protocols", multiple=True, help="May be repeated.  [default: all but the strict ones]", metavar="ID"
)
@click.option(
    "--method", "methods", multiple=True, help="May be repeated; takes parameters: 'cnn[variant=as-released]'.  [default: all]"
)
@click.option("--labels", multiple=True, type=click.IntRange(min=1), help="Nominal number of labels n; may be repeated.")
@click.option("--seeds", type=click.IntRange(min=1), help="How many seeds, from 0 on.  [default: each protocol's own]")
@click.option("--scale", type=click.Choice(get_args(ScaleName)), default="quick", help="How much of each protocol.")
@click.option(
    "--speech", default="talkers", envvar="DOABENCH_SPEECH", show_envvar=True, help="Corpus by name, or a LibriSpeech folder."
)
@click.option(
    "--rooms",
    multiple=True,
    envvar="DOABENCH_ROOMS",
    show_envvar=True,
    metavar="NAME|KIND:PATH",
    help="Rooms instead of each protocol's own, by name or files, such as sofa:FILE; may be repeated.",
)
@out_option
@click.option("--jobs", type=click.IntRange(min=1), default=1, help="Fits at a time.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each fit.  [default: cores / jobs]")
@click.option("--device", default="cpu", help="cpu, cuda or cuda:N.")
@plugin_option
@json_option
def run(
    protocols: tuple[str, ...],
    methods: tuple[str, ...],
    labels: tuple[int, ...],
    seeds: int | None,
    scale: ScaleName,
    speech: str,
    rooms: tuple[str, ...],
    out: Path,
    jobs: int,
    threads: int | None,
    device: str,
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Run what is missing, sync MLflow, build the leaderboard. Exit code 1 if a cell failed."""
    from rich.console import Console

    from ..plugins.registry import add_plugin_file
    from ..plugins.spec import default_methods, default_protocols
    from ..run.engine import LocalProcesses
    from ..run.execute import execute

    _check_device(device)
    for path in plugins:
        add_plugin_file(path)
    request = Request(
        protocols=protocols or tuple(default_protocols()),
        methods=methods or tuple(default_methods()),
        speech=speech,
        scale=scale,
        labels=labels,
        seeds=seeds,
        rooms=rooms,
    )
    settings = Settings(out, device, threads or max(1, (os.cpu_count() or 1) // jobs), plugins)
    console = Console(stderr=True)
    outcome = execute(request, settings, LocalProcesses(jobs), console)
    finish(outcome, out, console)
    if as_json:
        click.echo(json.dumps([record.model_dump(mode="json") for record in outcome.records]))
    sys.exit(1 if outcome.failed else 0)


@main.command(**COMMAND)
@out_option
def leaderboard(out: Path) -> None:
    """Build tables, figures and the page from the records of --out."""
    from ...leaderboard.build import build
    from .installed import installed

    for path in build(_existing(out), installed()):
        click.echo(path)


@main.command(**COMMAND)
@out_option
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Port on 127.0.0.1.")
def ui(out: Path, port: int) -> None:
    """Open the MLflow UI on the runs of --out, on this machine only."""
    from ...leaderboard.mlflow.ui import serve

    serve(_existing(out), port)


@main.command("list", **COMMAND)
@click.argument("kind", type=click.Choice(["methods", "datasets", "protocols"]))
@plugin_option
@json_option
def list_plugins(kind: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """What there is, and what cannot be loaded and why."""
    from ..plugins.registry import METHODS, PROTOCOLS, ROOMS, SPEECH, add_plugin_file

    for path in plugins:
        add_plugin_file(path)
    registries = {"methods": [METHODS], "datasets": [SPEECH, ROOMS], "protocols": [PROTOCOLS]}[kind]
    rows = [
        {"kind": registry.kind, "name": plugin.name, "about": _about(plugin.found), "problem": plugin.error}
        for registry in registries
        for plugin in registry.plugins().values()
    ]
    _show(rows, as_json, lambda row: f"{row['name']:16} {row['problem'] or row['about']}")


@main.command(**COMMAND)
@click.argument("method")
@plugin_option
@json_option
def check(method: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """Try a method on everything that adapters must keep to. Exit code 1 if a check failed."""
    from ..conformance import trial
    from ..conformance.report import report
    from ..plugins.registry import add_plugin_file

    for path in plugins:
        add_plugin_file(path)
    sys.exit(0 if report(method, trial(method), as_json) else 1)


@main.group(**COMMAND)
def new() -> None:
    """Start a plugin of your own from a template that works."""


@new.command("method", **COMMAND)
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write it.  [default: methods/ in the top folder of a checkout, elsewhere the current folder]",
)
def new_method(name: str, folder: Path | None) -> None:
    """Write NAME.py, an adapter that works and learns, and say which commands come next."""
    from ..plugins.scaffold import next_commands, write_method

    path = write_method(name, folder)
    click.echo(f"{path}: a nearest-mean classifier that works; change it into yours, then:")
    click.echo("\n".join(f"    {command}" for command in next_commands(path)))


main.add_command(data)


def _show(rows: list[dict[str, str]], as_json: bool, line: Callable[[dict[str, str]], str]) -> None:
    click.echo(json.dumps(rows) if as_json else "\n".join(line(row) for row in rows))


def _about(found: Any) -> str:
    if found is None:
        return ""
    if hasattr(found, "reference"):
        return f"{found.title} ({found.reference}), version {found.version}"
    if hasattr(found, "info"):
        return f"{found.info.title} ({found.info.citation})"
    return (found.__doc__ or "").split(". ")[0].replace("\n", " ").rstrip(".")


def _existing(out: Path) -> Path:
    if not (out / "cells").is_dir():
        raise UserError(f"--out {out}: no results there; make some with doabench run --out {out}")
    return out


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


def finish(outcome: Outcome, out: Path, console: Console) -> None:
    """Sync MLflow, build the leaderboard and say how it ended. An MLflow that cannot be reached is a warning."""
    from ...leaderboard.build import build
    from ...leaderboard.mlflow.sync import sync
    from .installed import installed

    with console.status("syncing MLflow"):
        try:
            logged = f"{sync(out)} runs logged to MLflow"
        except Exception as error:
            logged = f"MLflow was not reached ({type(error).__name__}: {error}); the next run catches up"
    with console.status("building the leaderboard"):
        paths = build(out, installed())
    states = ", ".join(f"{count} {state}" for state, count in sorted(outcome.states.items()))
    console.print(f"{len(outcome.records)} cells: {states}; {outcome.computed} computed now; {logged}")
    for record in outcome.failed:
        what = f"{record.fit.method}{f'[{record.fit.variant}]' if record.fit.variant else ''}"
        console.print(f"failed: {what} on {record.axes.protocol}, {record.axes.split}, J={record.fit.labels}: {record.reason}")
    console.print(f"leaderboard: {next(path for path in paths if path.suffix == '.html')}")
