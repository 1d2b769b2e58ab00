"""Ruby. A method's `?`, `!` or `=` is part of its unit's name."""

from __future__ import annotations

from hirope_ls.syntax.languages.blocks import RUBY as BY_WORDS
from hirope_ls.syntax.languages.row import Language
from hirope_ls.syntax.languages.scanning import DOUBLE, HASH_COMMENT, SINGLE, scanner

# One, or two on a line.
_HEREDOC = rb"""
    <<[~-]?+(?P<quote>["'`]?+)(?P<tag>[A-Z_]\w*+)(?P=quote)
    [^\n<]*+ (?: <<[~-]?+["'`]?+(?P<next>[A-Z_]\w*+)[^\n]*+ | <(?!<[~-]?+["'`]?+[A-Z_])[^\n<]*+ )*+ \n
    (?: (?![ \t]*+(?P=tag)\b) [^\n]*+\n )*+ (?: [ \t]*+(?P=tag)\b | [^\n]*+\Z )
    (?(next) \n?+ (?: (?![ \t]*+(?P=next)\b) [^\n]*+\n )*+ (?: [ \t]*+(?P=next)\b | [^\n]*+\Z ) )
"""

RUBY = Language(
    name="ruby",
    language_ids=frozenset({"ruby"}),
    suffixes=frozenset({".rb", ".rake", ".gemspec", ".ru", ".podspec"}),
    file_names=frozenset({"Rakefile", "Gemfile", "Podfile", "Vagrantfile", "Guardfile"}),
    interpreters=frozenset({"ruby"}),
    grammar="tree_sitter_ruby:language",
    functions=frozenset({"method", "singleton_method"}),
    classes=frozenset({"class", "module"}),
    wrappers={"assignment": "right"},
    containers=frozenset(
        {
            *("program", "body_statement", "singleton_class", "begin", "if", "unless", "elsif", "else", "then"),
            *(
                "case",
                "when",
                "while",
                "until",
                "for",
                "do",
                "ensure",
                "rescue",
                "begin_block",
                "do_block",
                "block",
                "block_body",
            ),
        }
    ),
    calls=frozenset({"call"}),
    punctuation=frozenset({"end", ";", ")", "}", "]", "do"}),
    comments=frozenset({"comment"}),
    strings=frozenset({"string", "heredoc_body", "regex", "string_array", "symbol_array", "subshell", "character"}),
    openers={"def": "function", "class": "class", "module": "class"},
    prefixes=frozenset({"private", "protected", "public", "module_function", "private_class_method"}),
    names=frozenset({"identifier", "constant", "operator", "setter", "scope_resolution"}),
    parameters_field="parameters",
    parameters={"keyword_parameter": "name"},
    definitions="""
        ((method name: [(identifier) (constant) (setter)] @name) (#not-eq? @name "initialize"))
        (singleton_method name: [(identifier) (constant) (setter)] @name)
        (class name: [(constant) @name (scope_resolution name: (constant) @name)])
        (module name: [(constant) @name (scope_resolution name: (constant) @name)])
        (assignment left: (constant) @name)
        (call !receiver method: (identifier) @_attr arguments: (argument_list (simple_symbol) @name)
            (#match? @_attr "^(attr_reader|attr_accessor|attr_writer|define_method)$"))
        (alias name: (identifier) @name)
    """,
    references="""
        (call method: [(identifier) (constant)] @name)
        (call receiver: [(constant) @name (scope_resolution name: (constant) @name)])
        (superclass [(constant) @name (scope_resolution name: (constant) @name)])
        (argument_list [(constant) @name (scope_resolution name: (constant) @name)])
        (exceptions [(constant) @name (scope_resolution name: (constant) @name)])
        (scope_resolution scope: (constant) @name)
        (body_statement (identifier) @name)
    """,
    imports="""
        (call !receiver method: (identifier) @_require arguments: (argument_list (string (string_content) @module))
            (#match? @_require "^(require|require_relative|load|autoload)$"))
    """,
    blocks=BY_WORDS,
    scanner=scanner(
        comments=(HASH_COMMENT, rb"^=begin\b(?:[^\n]*+\n(?!=end))*+[^\n]*+\n?(?:=end[^\n]*+|\Z)"),
        strings=(_HEREDOC, DOUBLE, SINGLE),
        anchor=rb"(?:def|class|module)\b",
    ),
)
