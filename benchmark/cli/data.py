"""The `doabench data` commands: public data sets, and whether responses are what they are said to be."""

from __future__ import annotations

import json
import sys

import click

from ..errors import UserError
from .options import COMMAND, json_option


@click.group(**COMMAND)
def data() -> None:
    """Get public data sets, and verify responses."""


@data.command("list", **COMMAND)
@json_option
def list_data(as_json: bool) -> None:
    """What can be fetched, on what terms, how large, and where it is."""
    from ..fetch.sources import SOURCES, place

    rows = []
    for name, plugin in SOURCES.plugins().items():
        source = SOURCES.get(name).found if not plugin.error else None
        if source is None:
            rows.append({"name": name, "problem": plugin.error})
            continue
        about = {key: getattr(source, key) for key in ("title", "kind", "licence", "citation", "download_bytes", "login")}
        rows.append({"name": name, **about, "folder": str(place(name)), "there": place(name).is_dir()})
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        if "problem" in row:
            click.echo(f"{row['name']:22} {row['problem']}")
            continue
        size = f"{row['download_bytes'] / 1e6:.0f} MB" if row["download_bytes"] else "size not known"
        state = "is in" if row["there"] else f"{size}, by hand; put it into" if row["login"] else f"{size}; would go to"
        click.echo(f"{row['name']:22} {row['title']}\n{'':22} licence: {row['licence']}\n{'':22} {state} {row['folder']}")


@data.command("fetch", **COMMAND)
@click.argument("name")
def fetch_data(name: str) -> None:
    """Download a data set, check it, and install it where --speech and --rooms find it by NAME."""
    from rich.console import Console

    from ..fetch.download import fetch

    click.echo(fetch(name, Console(stderr=True)))


@data.command("verify", **COMMAND)
@click.argument("room")
@json_option
def verify_data(room: str, as_json: bool) -> None:
    """Open all responses or recordings of ROOM (NAME or KIND[parameter=value,...]:PATH) and hold them against what is said of
    them.

    Exit code 1 if something is wrong with them, 2 if they cannot be opened.
    """
    from ...datasets.verify.report import show, verify_room
    from ..data.open import notes_of, open_room

    name, opened = open_room(room)
    reports = verify_room(opened)
    if not reports:
        raise UserError(f"{room}: has neither responses nor recordings of its own; verify the whole room, without /half-grid")
    if as_json:
        said = {"room": name, "spacing_m": opened.spacing_m, "notes": notes_of(opened)}
        click.echo(json.dumps(said | {"conditions": [report.as_json() for report in reports]}))
    else:
        show(name, reports)
        for note in notes_of(opened):
            click.echo(f"note: {note}")
    sys.exit(1 if any(report.findings for report in reports) else 0)
