"""A model's place in the Hugging Face cache, as other programs find it there: blobs, a snapshot of links, and names.

The name of a branch or tag is written last, so that it never means a model that is not whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hirope_ls.commands.fetch.offer import NO_HUB, Offer, Remote
from hirope_ls.commands.fetch.transfer import Told, fetch_file
from hirope_ls.model.hub import DEFAULT_REVISION
from hirope_ls.model.weights import INDEX, read_index
from hirope_ls.problems import HiropeError

_COMMIT: Final = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Store:
    """The place of one model at one commit."""

    offer: Offer
    folder: Path

    @classmethod
    def of(cls, offer: Offer) -> Store:
        """Its place in the cache of this machine. Raises HiropeError for what would lead out of it."""
        names = [offer.commit, *(remote.etag for remote in offer.files.values())]
        if not all(map(_COMMIT.fullmatch, names)):
            raise HiropeError(NO_HUB.format("the hub"))
        return cls(offer, offer.id.storage)

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    @property
    def snapshot(self) -> Path:
        return self.folder / "snapshots" / self.offer.commit

    def fetch(self, remote: Remote, told: Told) -> None:
        """Have this file in the snapshot. Raises HiropeError, NetworkError or OSError."""
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.snapshot.mkdir(parents=True, exist_ok=True)
        blob = fetch_file(self.offer.url(remote), remote, self.blobs, told)
        link = self.snapshot / remote.name
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(Path("..") / ".." / "blobs" / blob.name)

    def shards(self) -> list[str]:
        """The weight files that the index names; none if there is no index. Raises ModelRefused."""
        path = self.snapshot / INDEX
        return sorted(set(read_index(path).values())) if path.exists() else []

    def finish(self) -> None:
        """All is there: the name it was asked for by means this commit from now on."""
        revision = self.offer.id.revision or DEFAULT_REVISION
        if not self.offer.commit.startswith(revision):
            ref = self.folder / "refs" / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(self.offer.commit, encoding="ascii")
