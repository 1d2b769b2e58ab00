"""Documents that are shown to the user as files, for clients that can show a file and nothing else.

They lie in a folder of this session that nobody else may read, and go with it. What is in them is nobody's to complete.
Writing is for a thread that may wait for the disk. Knows texts; no facts and no models.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Container
from pathlib import Path

from hirope_ls.server.uris import file_path


class Pages:
    """The session's folder; made when it is first needed."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._about: dict[Path, str] = {}

    def write(self, name: str, text: str, about: str) -> str:
        """Write the page of that name, which is about the file at a path, anew or over the one before; its URI.

        Raises OSError.
        """
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="hirope-ls-")).resolve()
        page = self._folder / (re.sub(r"[^\w .-]", "_", name)[:80] + ".md")
        page.write_text(text, encoding="utf-8")
        self._about[page] = about
        return page.as_uri()

    def owns(self, uri: str) -> bool:
        """Whether the document is one of these."""
        path = file_path(uri)
        return self._folder is not None and path is not None and Path(path).parent == self._folder

    def forget(self, paths: Container[str]) -> None:
        """No page stays that is about one of these files."""
        for page in [page for page, about in self._about.items() if about in paths]:
            del self._about[page]
            with contextlib.suppress(OSError):
                page.unlink()

    def clear(self) -> None:
        """Nothing of them stays."""
        folder, self._folder = self._folder, None
        if folder is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
