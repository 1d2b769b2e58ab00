"""`python -m hirope_ls.server`: the server alone, without the command line."""

import sys

from hirope_ls.server.serve import serve

if __name__ == "__main__":
    sys.exit(serve())
