"""The core of doabench: the contracts that plugins meet, and the machine that runs, scores and records them."""
