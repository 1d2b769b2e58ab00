"""Models on this machine: token ids and positions in, token ids out. Knows no documents, no syntax and no protocol."""
