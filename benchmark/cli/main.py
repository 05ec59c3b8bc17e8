"""The `doabench` command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import UserError
from .data import data
from .elsewhere import export, score
from .fits import fits
from .locate import locate
from .options import COMMAND, existing, json_option, out_option, plugin_option
from .printed import clean_output
from .run import run
from .signals import Stopped, stoppable


class Group(click.Group):
    """Turns what people can mend into one line and exit code 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            with stoppable():
                return super().main(*args, **kwargs)
        except UserError as error:
            click.echo(f"doabench: {error}", err=True)
            sys.exit(2)
        except Stopped as stopped:
            click.echo(f"doabench: {stopped.name}; what is finished is kept, the same command goes on from there", err=True)
            sys.exit(stopped.exit_code)


@click.group(cls=Group, **COMMAND)
@click.version_option(package_name="doabench")
def main() -> None:
    """Direction of a talker with two microphones, reverberation and few labels: methods compared under fixed protocols."""


@main.command(**COMMAND)
@out_option
def leaderboard(out: Path) -> None:
    """Build tables, figures and the page from the records of --out."""
    from ...leaderboard.build import build
    from .installed import installed
    from .shipped import shipped

    today = installed()
    for path in build(existing(out), today, shipped(today)):
        click.echo(path)


@main.command(**COMMAND)
@out_option
@click.option("--port", type=click.IntRange(1, 65535), default=5000, help="Port on 127.0.0.1.")
def ui(out: Path, port: int) -> None:
    """Open the MLflow UI on the runs of --out, on this machine only."""
    from ...leaderboard.mlflow.ui import serve

    serve(existing(out), port)


@main.command("list", **COMMAND)
@click.argument("kind", type=click.Choice(["methods", "datasets", "protocols"]))
@plugin_option
@json_option
def list_plugins(kind: str, plugins: tuple[Path, ...], as_json: bool) -> None:
    """What there is, and what cannot be loaded and why."""
    from ..plugins.outside import add_plugin_files
    from ..plugins.registry import METHODS, PROTOCOLS, ROOMS, SPEECH

    with clean_output() as say:
        add_plugin_files(plugins)
        registries = {"methods": [METHODS], "datasets": [SPEECH, ROOMS], "protocols": [PROTOCOLS]}[kind]
        rows = [
            {"kind": registry.kind, "name": plugin.name, "about": _about(plugin.found), "problem": plugin.error}
            for registry in registries
            for plugin in registry.plugins().values()
        ]
        say(json.dumps(rows) if as_json else "\n".join(f"{row['name']:16} {row['problem'] or row['about']}" for row in rows))


@main.command(**COMMAND)
@click.argument("method")
@click.option(
    "--time-limit", "time_limit_s", type=click.FloatRange(min=0, min_open=True), default=600.0, help="Seconds a check."
)
@plugin_option
@json_option
def check(method: str, time_limit_s: float, plugins: tuple[Path, ...], as_json: bool) -> None:
    """Try a method, by name or by its file, on everything that adapters must keep to. Exit code 1 if a check failed."""
    from ..conformance.apart import checked_apart
    from ..conformance.report import report

    with clean_output() as say:
        found = checked_apart(method, plugins, time_limit_s, tell=lambda text: None if as_json else click.echo(text, err=True))
        passed = report(method, found, as_json, say)
    sys.exit(0 if passed else 1)


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
main.add_command(export)
main.add_command(score)
main.add_command(locate)
main.add_command(fits)
main.add_command(run)


def _about(found: Any) -> str:
    if found is None:
        return ""
    if hasattr(found, "reference"):
        return f"{found.title} ({found.reference}), version {found.version}"
    if hasattr(found, "info"):
        return f"{found.info.title} ({found.info.citation})"
    return (found.__doc__ or "").split(". ")[0].replace("\n", " ").rstrip(".")
