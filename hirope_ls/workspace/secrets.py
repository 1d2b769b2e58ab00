"""Files that hold keys and passwords, by their names alone. They are never opened.

Names are compared without case: some file systems do not tell cases apart.
"""

from __future__ import annotations

import re
from fnmatch import translate
from typing import Final

_FILES: Final = (
    ".env* *.env *.pem *.key *.p12 *.pfx *.p8 *.jks *.keystore *.ppk *.kdbx *.gpg *.tfstate *.tfstate.* *.tfvars "
    "id_rsa* id_dsa* id_ecdsa* id_ed25519* .netrc _netrc .pgpass .my.cnf .npmrc .pypirc .git-credentials "
    ".htpasswd .dockercfg .dockerconfigjson .vault-token .s3cfg .boto credentials credentials.json "
    "credentials.toml credentials.yml credentials.yaml secret.json secret.toml secret.yml secret.yaml secret.txt "
    "secrets.json secrets.toml secrets.yml secrets.yaml secrets.txt service-account*.json service_account*.json"
)
_FOLDERS: Final = ".aws .ssh .kube .gnupg .secrets secrets .azure .gcloud .docker .password-store .vault"
_EVERYWHERE: Final = frozenset({".aws", ".ssh", ".kube", ".gnupg", ".password-store"})  # above a root, too

_file = re.compile("|".join(map(translate, _FILES.split())))
_folders = frozenset(_FOLDERS.split())


def secret_name(name: str, is_folder: bool) -> bool:
    """Whether an entry of this name is secret, and all that is in it."""
    folded = name.casefold()
    if is_folder:
        return folded in _folders or folded.startswith(".env")
    return _file.match(folded) is not None


def secret_path(relative: str) -> bool:
    """Whether a path below a root is secret by the name of the file or of a folder on the way."""
    *folders, name = relative.split("/")
    return secret_name(name, False) or any(secret_name(folder, True) for folder in folders)


def secret_place(root: str) -> bool:
    """Whether a root itself lies where only secrets are."""
    return any(name.casefold() in _EVERYWHERE for name in root.split("/"))
