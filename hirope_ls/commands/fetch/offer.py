"""What the hub has of a model: its commit, its licence, and the files of it that are data, each with its checksum.

Asks the hub one question. Whatever goes wrong with that comes out as one line that says what to do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from hirope_ls.model import ASKED_OFFLINE
from hirope_ls.model.catalogue import PERMISSIVE
from hirope_ls.model.hub import DEFAULT_REVISION, HubId
from hirope_ls.model.weights import INDEX, PICKLES, SINGLE
from hirope_ls.problems import HiropeError, ModelRefused

SMALL: Final = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    INDEX,
)
"""What is wanted of a model beside its weights."""

PATIENCE: Final = 30.0  # seconds without a byte
HEADERS: Final = {"user-agent": "hirope-ls", "accept-encoding": "identity"}
NO_HUB: Final = "what {} answers is no hub's answer: look at HF_ENDPOINT, or log in to your network first"
_HUB: Final = "https://huggingface.co"

# httpx's HTTPError or httpx2's, by the version of huggingface_hub: both are the base of its own errors.
NetworkError = cast("type[Exception]", HfHubHTTPError.__bases__[0])


@dataclass(frozen=True)
class Remote:
    """A file on the hub. `sha256` is that of its bytes where the hub keeps it as a large file, else None; `git_id` is
    git's own checksum, of the file or of the pointer that stands for it."""

    name: str
    size: int
    git_id: str
    sha256: str | None = None

    @property
    def etag(self) -> str:
        """Its name among the blobs of a cache."""
        return self.sha256 or self.git_id


@dataclass(frozen=True)
class Offer:
    """A model as it is at one commit. `licence` as the hub names it, `licence_page` where it is to be read."""

    id: HubId
    commit: str
    licence: str | None
    licence_page: str
    files: Mapping[str, Remote] = field(default_factory=dict)

    @property
    def is_permissive(self) -> bool:
        """Whether its licence allows any use."""
        return self.licence is not None and self.licence.lower() in PERMISSIVE

    @property
    def small(self) -> list[Remote]:
        """All that is wanted but the weights."""
        return [self.files[name] for name in SMALL if name in self.files and not self._unneeded(name)]

    @property
    def weights_size(self) -> int:
        """The bytes of the weights, as the files' names tell; what counts is `weights`."""
        if SINGLE in self.files:
            return self.files[SINGLE].size
        return sum(each.size for name, each in self.files.items() if re.fullmatch(r"model-.*\.safetensors", name))

    def weights(self, names: list[str]) -> list[Remote]:
        """The weight files: the one, or those that the index names. Raises ModelRefused."""
        wanted = [SINGLE] if SINGLE in self.files else names
        for name in wanted:
            if name not in self.files:
                raise ModelRefused(f"{self.id} lacks {name!r}, which its index names: take another model")
        return [self.files[name] for name in wanted]

    def url(self, remote: Remote) -> str:
        """Where the file is, at this commit."""
        return hf_hub_url(self.id.name, remote.name, revision=self.commit, endpoint=endpoint())

    def _unneeded(self, name: str) -> bool:
        return name == INDEX and SINGLE in self.files


def endpoint() -> str:
    """The hub's address."""
    return (os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")


def ask(wanted: HubId) -> Offer:
    """What the hub has. Raises HiropeError: no such model, no network, or no weights that are data."""
    with one_line(wanted):
        api = HfApi(endpoint=endpoint(), headers=dict(HEADERS))
        revision = wanted.revision or DEFAULT_REVISION
        try:
            found = api.model_info(wanted.name, revision=revision, files_metadata=True, timeout=PATIENCE)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, NetworkError | HFValidationError) or "proxy" in str(error).lower():
                raise
            raise HiropeError(NO_HUB.format(_host())) from None
    if found.sha is None:
        raise HiropeError(NO_HUB.format(_host()))
    files = {each.name: each for sibling in found.siblings or () if (each := _remote(sibling)) is not None}
    _check_data(wanted, files)
    return Offer(wanted, found.sha, _licence(found), _licence_page(wanted, found), files)


@contextmanager
def one_line(wanted: HubId) -> Iterator[None]:
    """Online for once, unless the user forbids it; whatever hub or network refuse comes out as one line."""
    if ASKED_OFFLINE.upper() in ("1", "ON", "YES", "TRUE"):
        raise HiropeError("HF_HUB_OFFLINE forbids going online: unset HF_HUB_OFFLINE")
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, False  # we set it ourselves: see hirope_ls.model
    try:
        yield
    except GatedRepoError:
        page = f"{endpoint()}/{wanted.name}"
        raise HiropeError(f"{wanted} asks you to accept its licence: do so at {page}, then `hf auth login`") from None
    except RevisionNotFoundError:
        page = f"{endpoint()}/{wanted.name}"
        told = f"{wanted.name} has no revision {wanted.revision!r} (a commit is given whole)"
        raise HiropeError(f"{told}: see {page}/commits") from None
    except RepositoryNotFoundError:
        raise _absent(wanted) from None
    except HFValidationError:
        raise HiropeError(f"{wanted} is no name of a model: give it as owner/name") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403, 404):  # what a hub says of models that are not yours to know
            raise _absent(wanted) from None
        if status == 407:
            raise HiropeError(f"{_proxy()} wants to know who you are: http://NAME:PASSWORD@HOST:PORT says it") from None
        raise HiropeError(f"{_host()} answers {status} for {wanted}: try again later") from None
    except NetworkError as error:
        raise HiropeError(f"{_unreached(error)}; what was fetched so far is kept") from None
    except (ValueError, ImportError) as error:  # what a proxy's address, or its kind, brings about
        if "proxy" not in str(error).lower():
            raise
        raise HiropeError(f"{_proxy()} cannot be used ({_short(error)}): mend it or unset it") from None
    finally:
        constants.HF_HUB_OFFLINE = before


def _unreached(error: Exception) -> str:
    """Why the hub cannot be reached, and what to do."""
    if "CERTIFICATE" in str(error).upper():
        return (
            f"the certificate of {_host()} is not trusted here: set SSL_CERT_FILE to the certificates of your network"
        )
    if "proxy" in type(error).__name__.lower():
        return f"{_proxy()} does not let {_host()} be reached ({_short(error)}): look at it, or unset it"
    through = f", through {_proxy()}" if getproxies().get(urlsplit(endpoint()).scheme) else ""
    return f"{_host()} cannot be reached{through} ({type(error).__name__}): try again when you are online"


def _proxy() -> str:
    """The variable that names the proxy; its value may hold a password."""
    scheme = urlsplit(endpoint()).scheme
    names = [f"{kind}_proxy" for kind in (scheme, "all")]
    return next((f"the proxy of {n}" for name in names for n in (name.upper(), name) if os.environ.get(n)), "the proxy")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _absent(wanted: HubId) -> HiropeError:
    return HiropeError(f"there is no model {wanted.name} on {_host()}, or it is private: `hf auth login`")


def _host() -> str:
    return urlsplit(endpoint()).netloc or endpoint()


def _remote(sibling: Any) -> Remote | None:
    """A file in the model's own folder; what lies deeper is never wanted."""
    name, size = sibling.rfilename, sibling.size
    if "/" in name or "\\" in name or size is None or not sibling.blob_id:
        return None
    return Remote(name, sibling.lfs.size if sibling.lfs else size, sibling.blob_id, _sha256(sibling))


def _sha256(sibling: Any) -> str | None:
    return str(sibling.lfs.sha256) if sibling.lfs else None


def _licence(found: Any) -> str | None:
    card = found.card_data
    told = (card.get("license_name") or card.get("license")) if card is not None else None
    tags = [tag.removeprefix("license:") for tag in found.tags or () if tag.startswith("license:")]
    told = told or next(iter(tags), None)
    return ", ".join(map(str, told)) if isinstance(told, list) else told


def _licence_page(wanted: HubId, found: Any) -> str:
    told = found.card_data.get("license_link") if found.card_data is not None else None
    page = f"{endpoint()}/{wanted.name}"
    if isinstance(told, str) and told.startswith("https://"):
        return told
    return f"{page}/blob/{found.sha}/{told}" if isinstance(told, str) and re.fullmatch(r"[\w.-]+", told) else page


def _check_data(wanted: HubId, files: Mapping[str, Remote]) -> None:
    """Refuse before anything is fetched what `model.folder` would refuse afterwards."""
    if "adapter_config.json" in files:
        raise ModelRefused(f"{wanted} is an adapter: fetch the model that it was merged into")
    if SINGLE not in files and INDEX not in files:
        others = sorted(name for name in files if name.endswith(tuple(PICKLES)))
        if others:
            raise ModelRefused(
                f"{wanted} has its weights only as pickle ({others[0]}), which can run code: take a model that has"
                f" {SINGLE}"
            )
        gguf = any(name.endswith(".gguf") for name in files)
        also = "only GGUF files: fetch the model that they were made from" if gguf else f"no {SINGLE}: take another one"
        raise ModelRefused(f"{wanted} has {also}")
    for name in ("config.json", "tokenizer.json"):
        if name not in files:
            raise ModelRefused(f"{wanted} has no {name}, which is needed: take another model")
