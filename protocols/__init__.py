"""One file per protocol; a file dropped in here is registered under its own name."""
