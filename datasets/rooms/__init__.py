"""One file per room data set; a file dropped in here is registered under its own name."""
