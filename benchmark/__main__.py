"""`python -m doabench.benchmark` is the `doabench` command."""

from .cli.main import main

main(prog_name="doabench")
