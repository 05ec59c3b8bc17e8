"""One file per speech corpus; a file dropped in here is registered under its own name."""
