"""What a command prints for programs, clean whatever plugins print."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # only some commands need it, and it takes long to import
    from rich.console import Console


WIDE = 160
"""Characters in a line where there is no terminal that is as wide as it is."""


def console_of(quiet: bool) -> Console:
    """For people, on standard error."""
    from rich.console import Console

    return Console(stderr=True, quiet=quiet, width=None if sys.stderr.isatty() else WIDE)


def warn(text: str) -> None:
    """Say what is wrong on standard error, on one line, however quiet a command is asked to be."""
    click.echo(text, err=True)


@contextmanager
def clean_output() -> Iterator[Callable[[str], None]]:
    """Inside, what anybody prints on standard output goes to standard error, from Python, from C and from other processes that
    are started meanwhile; what is given to the function that this yields goes to standard output. In a process of its own it
    stays so until the end, for threads and exit handlers print, too."""
    stdout, ours = sys.stdout, sys.stdout is sys.__stdout__
    stdout.flush()
    try:
        aside = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # closed, as where there is no terminal
        aside = None

    def say(text: str) -> None:
        stdout.flush()
        if aside is not None:
            os.dup2(aside, 1)
        try:
            click.echo(text, file=stdout)
            stdout.flush()
        finally:
            if aside is not None:
                os.dup2(2, 1)

    try:
        with redirect_stdout(sys.stderr):
            yield say
    finally:
        if aside is not None and not ours:
            os.dup2(aside, 1)
        if aside is not None:
            os.close(aside)
