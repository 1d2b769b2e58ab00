"""Which licences are permissive, as packages state them. Code under any other is never read.

Knows the words that package metadata uses, and nothing of files.
"""

from __future__ import annotations

from importlib import metadata

_PERMISSIVE = frozenset(
    {
        "0bsd", "apache-2.0", "apache-2.0 with llvm-exception", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc0-1.0",
        "cnri-python", "hpnd", "isc", "mit", "mit-0", "mit-cmu", "psf-2.0", "zlib",
    }
)  # fmt: skip
_PERMISSIVE_NAMES = {  # what older metadata says instead of an SPDX expression
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD",
    "bsd 3-clause license": "BSD-3-Clause",
    "bsd license": "BSD",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "python software foundation license": "PSF-2.0",
}


def stated_licence(dist: metadata.Distribution) -> str:
    """What a distribution's metadata says about its licence, in one line; the empty string if nothing."""
    for line in dist.metadata.get_all("License-Expression") or ():
        return str(line)
    classifiers = dist.metadata.get_all("Classifier") or ()
    names = [line.split("::")[-1].strip() for line in classifiers if line.startswith("License ::")]
    if names:
        return " AND ".join(names)
    lines = dist.metadata.get_all("License") or ("",)
    return str(lines[0]).split("\n")[0]


def licence_of(dist: metadata.Distribution) -> str | None:
    """The distribution's licence if each part of it is permissive, None otherwise (also when nothing is stated)."""
    return permissive(stated_licence(dist))


def permissive(expression: str) -> str | None:
    """The licence expression in SPDX words, or None unless every AND part offers a permissive choice."""
    parts = []
    for part in expression.split(" AND "):
        choices = [_permissive_name(choice) for choice in part.strip().removeprefix("(").split(" OR ")]
        named = [choice for choice in choices if choice]
        if not named:
            return None
        parts.append(named[0])
    return " AND ".join(parts)


def _permissive_name(name: str) -> str | None:
    name = name.strip()
    if "(" not in name:
        name = name.removesuffix(")")
    return name if name.lower() in _PERMISSIVE else _PERMISSIVE_NAMES.get(name.lower())
