"""Measurements: each claim as a ratio to a floor, in one interleaved run."""
