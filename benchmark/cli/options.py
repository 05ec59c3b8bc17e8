"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

COMMAND: dict[str, Any] = {"context_settings": {"help_option_names": ["-h", "--help"], "show_default": True}}

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
