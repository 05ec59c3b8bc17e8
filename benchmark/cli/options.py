"""Options that several commands have."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click

COMMAND: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "show_default": True}}


class Seeds(click.ParamType):
    """``3`` is the seeds 0 to 2, ``200-204`` five others, and nothing is none."""

    name = "N|FIRST-LAST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"(?:(\d+)-)?(\d+)|", value)
        first, last = (found[1], found[2]) if found else (None, None)
        seeds = () if last is None else range(int(last)) if first is None else range(int(first), int(last) + 1)
        if found is None or (value and not seeds):
            self.fail(f"{value!r} names no seeds; write how many, from 0 on, or which: 200-204", param, ctx)
        return tuple(seeds)


class Rooms(click.ParamType):
    """A room; in ``DOABENCH_ROOMS`` several, with spaces between them, and quotes round one that has a space in its path."""

    name = "NAME|KIND:PATH"

    def split_envvar_value(self, rv: str) -> list[str]:
        path = rv.partition(":")[2]
        if path and not rv.startswith(("'", '"')) and Path(path).expanduser().exists():
            return [rv]
        try:
            return shlex.split(rv)
        except ValueError as error:
            raise click.BadParameter(
                f"{rv} cannot be read ({error}); put quotes round a room with a space in its path"
            ) from error


def _plugin_file(text: str) -> Path:
    """A Python file as it is, and for a folder the ``__init__.py`` in it."""
    path = Path(text)
    return path / "__init__.py" if path.is_dir() else path


out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("results"), help="Folder of all results."
)
plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=_plugin_file,
    metavar="FILE|FOLDER",
    help="A method, protocol, speech or room of your own: a file, or a folder with __init__.py.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
