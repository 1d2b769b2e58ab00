"""Structure of source text: languages, trees, units. Knows bytes and tree-sitter; no tokens, files or protocol."""

from hirope_ls.syntax.languages import ANY_BLOCKS, LANGUAGES, PYTHON, Blocks, Language, language_for
from hirope_ls.syntax.limits import LARGEST_PARSED, LARGEST_SERVED
from hirope_ls.syntax.signatures import Signature, signature
from hirope_ls.syntax.statements import statement_starts
from hirope_ls.syntax.tree import Parse, Piece, parse, reparse
from hirope_ls.syntax.units import Unit

__all__ = [
    "ANY_BLOCKS",
    "LANGUAGES",
    "LARGEST_PARSED",
    "LARGEST_SERVED",
    "PYTHON",
    "Blocks",
    "Language",
    "Parse",
    "Piece",
    "Signature",
    "Unit",
    "language_for",
    "parse",
    "reparse",
    "signature",
    "statement_starts",
]
