"""One file per public data set that can be fetched; a file dropped in here is registered under its own name."""
