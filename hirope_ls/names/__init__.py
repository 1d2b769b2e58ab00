"""What the names in a workspace mean across its files. Knows symbols of files; no texts, disks, tokens or models."""

from hirope_ls.names.index import Names
from hirope_ls.names.resolving import Candidate, Evidence, resolve

__all__ = ["Candidate", "Evidence", "Names", "resolve"]
