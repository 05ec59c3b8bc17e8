"""`python -m doabench.benchmark` is the `doabench` command."""

from .cli import main

main(prog_name="doabench")
