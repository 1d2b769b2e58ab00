"""Puts Emacs 30.1 into a cache folder (see tests/editors/debian.py for how, and what that needs).

PYTHONPATH=tests python -m editors.emacs.install
"""

from __future__ import annotations

from pathlib import Path

from editors.kept import cache

from editors import debian


def install() -> Path:
    """Fetch and unpack it, if it is not there; its command. Raises CalledProcessError, OSError."""
    return debian.install(cache() / "emacs-30" / "emacs", "trixie", "emacs-nox", _script)


def _script(root: Path) -> str:
    share, dump = next(root.glob("usr/share/emacs/*/lisp")).parent, next(root.glob("usr/libexec/emacs/*/*/*.pdmp"))
    folders = f"EMACSLOADPATH={share}/lisp EMACSDATA={share}/etc EMACSDOC={share}/etc EMACSPATH={dump.parent}"
    return f"export {folders}\nexec {root}/usr/bin/emacs-nox --dump-file={dump}"


if __name__ == "__main__":
    print(install())
