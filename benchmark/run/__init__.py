"""Fits and cells: planned, run in workers, stored."""
