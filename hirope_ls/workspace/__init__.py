"""The files of the repository: which there are, which must not be read, what they say now, and what is kept of them.

The only package that touches the user's disk. Knows no protocol, no models, no tokens and no languages: what is kept
of a file is made by a function that the caller names. `Workspace` is the way in.
"""

from hirope_ls.workspace.cache import default_folder
from hirope_ls.workspace.values import Changes, FileText, Limits, Progress, Refusal, Stamp
from hirope_ls.workspace.workspace import Workspace

__all__ = ["Changes", "FileText", "Limits", "Progress", "Refusal", "Stamp", "Workspace", "default_folder"]
