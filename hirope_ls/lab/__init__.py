"""Experiments and the training of the bundled model. Nothing in the server imports this package."""
