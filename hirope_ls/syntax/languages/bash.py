"""Bash, and scripts of other shells as far as they are alike."""

from __future__ import annotations

from hirope_ls.syntax.languages.blocks import SHELL
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import DOUBLE, scanner

_HEREDOC = (
    rb"(?<!<)<<-?+[ \t]*+\\?+(?P<quote>[\"']?+)(?P<tag>[A-Za-z_]\w*+)(?P=quote)[^\n]*+\n"
    rb"(?:(?![ \t]*+(?P=tag)[ \t\r]*+$)[^\n]*+\n)*+(?:[ \t]*+(?P=tag)\b|[^\n]*+\Z)"
)

BASH = Language(
    name="bash",
    language_ids=frozenset({"shellscript", "sh", "bash"}),
    suffixes=frozenset({".sh", ".bash", ".bats", ".ebuild"}),
    file_names=frozenset(
        {".bashrc", ".bash_profile", ".bash_aliases", ".bash_login", ".bash_logout", ".profile", "PKGBUILD", "APKBUILD"}
    ),
    interpreters=frozenset({"sh", "bash", "dash", "ksh"}),
    grammar="tree_sitter_bash:language",
    functions=frozenset({"function_definition"}),
    containers=frozenset(
        {
            *("program", "compound_statement", "subshell", "if_statement", "elif_clause", "else_clause"),
            *("for_statement", "c_style_for_statement", "while_statement", "do_group", "case_statement", "case_item"),
        }
    ),
    punctuation=frozenset({"{", "}", "(", ")", ";", ";;", "fi", "done", "esac", "then", "do"}),
    comments=frozenset({"comment"}),
    strings=frozenset({"string", "raw_string", "ansi_c_string", "heredoc_body"}),
    openers={"function": "function"},
    names=frozenset({"word"}),
    definitions="""
        (function_definition name: (word) @name)
        (program (variable_assignment name: (variable_name) @name))
        (program (declaration_command (variable_assignment name: (variable_name) @name)))
    """,
    references="""
        (command_name (word) @name)
        (simple_expansion (variable_name) @name)
        (expansion (variable_name) @name)
        (subscript name: (variable_name) @name)
    """,
    imports="""
        (command name: (command_name (word) @_source) . argument: (_) @module (#any-of? @_source "source" "."))
    """,
    blocks=SHELL,
    scanner=scanner(
        comments=(rb"(?<![^\s;&|(]) \#[^\n]*+",),
        strings=(rb"\\.", _HEREDOC, DOUBLE, rb"'[^'\n]*+'?"),
        anchor=rb"function[ \t] | [\w:.-]++ [ \t]*+ \( [ \t]*+ \)",
    ),
)
