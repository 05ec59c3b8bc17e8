"""MLflow: stored cells as runs, and its UI."""
