"""Benches: each compares two ways side by side in one run, and says what it ran on."""
