"""Training of the bundled model: corpus, tokenizer, rows, the loop, and the folder that a run leaves.

Nothing here is needed to serve completions.
"""
