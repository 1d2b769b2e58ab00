"""Loops over arrays of numbers, compiled for this processor by numba. Knows neither torch nor models."""
