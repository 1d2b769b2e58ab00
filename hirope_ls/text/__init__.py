"""Text of one file: bytes, lines, positions, edits. Standard library only; knows no files and no protocol."""

from hirope_ls.text.buffer import Buffer, InvalidChange, InvalidText, edit_for_change
from hirope_ls.text.edit import Edit
from hirope_ls.text.encoding import Encoding

__all__ = ["Buffer", "Edit", "Encoding", "InvalidChange", "InvalidText", "edit_for_change"]
