"""`python -m hirope_ls`, the same as `hirope-ls`."""

from __future__ import annotations

import sys

from hirope_ls.cli import main

if __name__ == "__main__":
    sys.exit(main())
