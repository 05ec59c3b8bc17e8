"""The `doabench` command: the one room that knows all others."""
