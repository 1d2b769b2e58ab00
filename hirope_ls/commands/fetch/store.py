"""A model's place in the Hugging Face cache, as other programs find it there: blobs, a snapshot of links, and names.

The name of a branch or tag is written last, so that it never means a model that is not whole.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hirope_ls.commands.fetch.offer import NO_HUB, Offer, Remote, endpoint
from hirope_ls.commands.fetch.transfer import Told, fetch_file
from hirope_ls.model.hub import DEFAULT_REVISION, RECORD, fetched
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

    @property
    def complete(self) -> bool:
        """Whether all of this commit was fetched and checked before."""
        return fetched(self.snapshot).get("commit") == self.offer.commit

    def finish(self, files: list[Remote]) -> None:
        """All is there: that is written down, and the name it was asked for by means this commit from now on."""
        offer = self.offer
        sums = {each.name: {"size": each.size, "sha256" if each.sha256 else "git": each.etag} for each in files}
        record = {"model": offer.id.name, "commit": offer.commit, "licence": offer.licence, "hub": endpoint()}
        _write(self.snapshot / RECORD, json.dumps(record | {"files": sums}, indent=1))
        revision = offer.id.revision or DEFAULT_REVISION
        if not offer.commit.startswith(revision):
            ref = self.folder / "refs" / revision
            ref.parent.mkdir(parents=True, exist_ok=True)
            _write(ref, offer.commit)


def _write(path: Path, text: str) -> None:
    """All of it or nothing."""
    other = path.with_name(f"{path.name}.new")
    other.write_text(text, encoding="utf-8")
    other.replace(path)
