"""What must not be read is not opened: by name, by link, by real path, or by a path that leaves the roots."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fuzz import rng, rounds
from workspace.folders import disturb, make, opened, wait_until

from hirope_ls.workspace import Refusal, Workspace
from hirope_ls.workspace.secrets import secret_name, secret_path, secret_place

SECRETS = [
    *(".env", ".env.local", ".ENV", ".envrc", "prod.env", "server.pem", "SERVER.PEM", "tls.key", "id_rsa"),
    *("id_rsa.pub", "pass.kdbx"),
    *("id_ed25519", "cert.p12", "cert.pfx", ".netrc", ".npmrc", ".pypirc", ".git-credentials", "credentials"),
    *("terraform.tfvars", "main.tfstate", "store.jks", "secrets.yml", "service-account-1.json"),
    *(".aws/config", ".ssh/config", ".kube/config", ".gnupg/ring", "secrets/a.py", "Secrets/b.py", "x/secrets/y/c.py"),
    *(".env.d/bin/activate.py", "deploy/.AWS/credentials"),
]
TAINTED = ["real.py", "hard.py", "innocent.py", "pem.py", "target/inner.py"]  # other names of secrets
PLAIN = ["environment.py", "keys.py", "pem.py", "secret.py", "secrets.py", "key/a.py", "my_id_rsa.py", "aws/b.py"]
WORD = b"hunter2"


@pytest.mark.parametrize("path", SECRETS)
def test_names_of_secrets(path: str) -> None:
    assert secret_path(path)


@pytest.mark.parametrize("path", PLAIN)
def test_names_that_are_no_secrets(path: str) -> None:
    assert not secret_path(path)
    assert not secret_name(path.split("/")[0], "/" in path)


def test_a_root_inside_a_place_of_secrets() -> None:
    assert secret_place("/home/me/.ssh/repository")
    assert not secret_place("/home/me/secrets/repository")


def lay(root: Path, outside: Path) -> set[str]:
    """A tree with every kind of way to a secret; the real paths that must not be opened."""
    for path in [*SECRETS, *PLAIN, "ignored/a.py", "real.py", "hard.py", "target/inner.py", "own.py"]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(WORD if path in SECRETS else b"x = 1\n")
    outside.mkdir()
    (outside / "far.py").write_bytes(WORD)
    (outside / "folder").mkdir()
    (outside / "folder/far.py").write_bytes(WORD)
    (root / ".gitignore").write_text("ignored/\n")
    (root / ".hiropeignore").write_text("own.py\n")
    links = {"to_env.py": ".env", "to_far.py": outside / "far.py", "to_folder": outside / "folder", "up": ".."}
    links |= {"me": ".", "round": "round", "to_ssh": ".ssh", "to_ignored.py": "ignored/a.py"}
    links |= {".env.linked": "real.py", ".kube/more": root / "target", "secrets/linked": root / "pem.py"}
    for name, target in links.items():
        (root / name).symlink_to(target)
    (root / ".aws").joinpath("hard").hardlink_to(root / "hard.py")
    os.link(root / ".env", root / "innocent.py")
    hidden = [root / path for path in [*SECRETS, "ignored/a.py", "own.py", *TAINTED]]
    return {os.path.realpath(path) for path in [*hidden, outside / "far.py", outside / "folder/far.py"]}


def test_nothing_secret_ignored_or_outside_is_ever_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root, outside, cache = tmp_path / "root", tmp_path / "outside", tmp_path / "cache"
    root.mkdir()
    hidden = lay(root, outside)
    ways = [str(path) for path in root.rglob("*")] + [f"{root}/../outside/far.py", f"{root}/to_folder/far.py"]
    ways += [f"{root}/up/outside/far.py", f"{root}/to_ssh/config", f"{root}/me/me/.env", f"{root}/x/../.env"]
    refused = [way for way in ways if os.path.realpath(way) in hidden]
    assert len(refused) > len(SECRETS) + 10
    with opened() as paths:
        workspace = Workspace([root], make, "1", cache=cache)
        workspace.start()
        assert workspace.settled(30)
        for way in refused:
            assert workspace.refusal(way) in (Refusal.SECRET, Refusal.IGNORED, Refusal.OUTSIDE), way
            assert workspace.open(way, WORD) is not None
            assert workspace.text(way) is None, way
            assert workspace.record(way) is None
            workspace.changed([way])
        assert workspace.settled(30)
        assert not {os.path.realpath(path) for path in workspace.files()} & hidden
        workspace.close()
    assert not {os.path.realpath(path) for path in paths} & hidden
    assert str(root / "keys.py") in paths
    ours = [path for path in paths if path.startswith(str(tmp_path))]
    assert all(path.startswith((str(root), str(cache))) for path in ours)
    kept = b"".join(file.read_bytes() for file in cache.rglob("*") if file.is_file())
    assert WORD not in kept and WORD[::-1] not in kept and b"id_ed25519" not in kept
    assert "hunter2" not in caplog.text


def test_without_a_start_nothing_secret_is_served_either(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    hidden = lay(root, tmp_path / "outside")
    workspace = Workspace([root], make, "1")
    with opened() as paths:
        for way in (str(path) for path in root.rglob("*")):
            if os.path.realpath(way) in hidden:
                assert workspace.refusal(way) in (Refusal.SECRET, Refusal.IGNORED, Refusal.OUTSIDE), way
                assert workspace.text(way) is None and workspace.open(way, WORD) is not None
        assert workspace.refusal(str(root / "keys.py")) is None
        (root / ".env.later").symlink_to("keys.py")
        workspace.changed([str(root / ".env.later")])
        assert workspace.refusal(str(root / "keys.py")) is Refusal.SECRET
        os.link(root / "tls.key", root / "later.py")
        assert wait_until(lambda: workspace.refusal(str(root / "later.py")) is Refusal.SECRET)
    workspace.close()
    assert not {os.path.realpath(path) for path in paths} & hidden


def test_secrets_that_appear_later_under_another_name(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "plain.py").write_bytes(b"x = 1\n")
    workspace = Workspace([root], make, "1", cache=tmp_path / "cache")
    workspace.start()
    assert workspace.settled(10) and workspace.record(str(root / "plain.py")) is not None
    (root / ".env").symlink_to("plain.py")
    assert wait_until(lambda: workspace.record(str(root / "plain.py")) is None)
    assert workspace.refusal(str(root / "plain.py")) is Refusal.SECRET
    assert workspace.settled(10)
    workspace.close()
    assert b"plain.py" not in b"".join(file.read_bytes() for file in (tmp_path / "cache").rglob("*.sqlite"))


def test_an_open_file_that_becomes_secret_or_ignored_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    workspace = Workspace([tmp_path], make, "1")
    workspace.start()
    path = str(tmp_path / "a.py")
    assert workspace.settled(10) and workspace.open(path, b"x = 2\n") is None
    assert wait_until(lambda: workspace.record(path) == make("a.py", b"x = 2\n"))
    (tmp_path / ".hiropeignore").write_text("a.py\n")
    assert wait_until(lambda: workspace.record(path) is None and path not in workspace.files())
    assert workspace.text(path) is None
    workspace.change(path, b"x = 3\n")
    assert workspace.settled(10)
    assert workspace.record(path) is None
    (tmp_path / ".hiropeignore").unlink()
    assert wait_until(lambda: workspace.record(path) == make("a.py", b"x = 3\n"))
    workspace.close()


def test_random_trees_never_have_their_secrets_opened(tmp_path: Path) -> None:
    chance = rng("private")
    workspace = Workspace([tmp_path], make, "1")
    workspace.start()
    with opened() as paths:
        for _ in range(rounds(10)):
            for _ in range(20):
                disturb(tmp_path, chance)
            assert workspace.settled(10)
    workspace.close()
    assert not [path for path in paths if os.path.basename(path) == ".env"]
