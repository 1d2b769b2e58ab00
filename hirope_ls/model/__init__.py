"""Models on this machine: token ids and positions in, token ids out. Knows no documents, no syntax and no protocol."""

import logging
import os

# What the user says; `hirope-ls fetch` heeds it, and everything else is offline anyway.
ASKED_OFFLINE = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""

# Before anything here imports transformers: it reads the first once, and imports the packages below if they are there.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
for _name in ("torchao", "bitsandbytes", "torch.utils._pytree"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)  # they tell of kernels that they lack, and of each cast
