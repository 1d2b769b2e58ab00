"""Where the system has no file locks, no flags of POSIX and no kernel watches, the workspace works all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = """
import os, sys, time
sys.modules["fcntl"] = None
for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "nice", "set_blocking"):
    delattr(os, name)
if __name__ == "__main__":
    from hirope_ls.workspace import Workspace
    from hirope_ls.workspace.making import Here, load
    from pathlib import Path

    root, cache = sys.argv[1:]
    workspace = Workspace([root], cache=Path(cache), watch=False, maker=Here(load("workspace.folders:make")))
    workspace.start()
    assert workspace.settled(60)
    print(workspace.record(os.path.join(root, "a.py")))
    workspace.close()
"""


def test_another_kind_of_system(tmp_path: Path) -> None:
    root = (tmp_path / "root").resolve()
    root.mkdir()
    (root / "a.py").write_text("x = 1\n")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    command = [sys.executable, "-c", CODE, str(root), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "b'a.py: \\n1 = x'\n"
