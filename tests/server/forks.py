"""Servers with a fake model, forked off a process that has imported all there is to import: a start costs no second.

That process has one thread and does nothing else. It is told of a start over a socket, with the environment and the
descriptors; what it forks is the server of `fakes`, which ends as any process does. `Forks` and `Forked` are the side
of the tests.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
_MOST = 1 << 20  # bytes of an environment
_LOADED = (
    "model.fake_model",
    "platformdirs",
    "tree_sitter_python",
    "watchdog.observers.inotify_c",
    "hirope_ls.engine.explain",
    "hirope_ls.engine.repository",
    "hirope_ls.server.backend",
    "hirope_ls.server.serve",
    "hirope_ls.workspace",
)
"""What servers import, sooner or later. No torch."""


class Forked:
    """A server: as much of a `subprocess.Popen` as an `Editor` needs."""

    def __init__(self, parent: socket.socket, env: dict[str, str]) -> None:
        (read, stdin), (stdout, out), (stderr, err), (told, tell) = (os.pipe() for _ in range(4))
        socket.send_fds(parent, [json.dumps(env).encode()], [read, out, err, tell])
        for end in (read, out, err, tell):
            os.close(end)
        self.stdin, self.stdout, self.stderr = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"), os.fdopen(stderr, "rb")
        self._told = os.fdopen(told, "rb", buffering=0)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; raises TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a server", timeout or 0.0)
            self.returncode = os.waitstatus_to_exitcode(int(self._told.readline()))
            self._told.close()
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


class Forks:
    """The process that servers are forked off."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # threads do not survive a fork
            env = {**os.environ, **single}
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=env)

    def start(self, env: dict[str, str]) -> Forked:
        """A server that has just begun, in this environment."""
        return Forked(self._socket, env)

    def close(self) -> None:
        """No more of them."""
        self._socket.close()
        self._process.wait(60)


def main(parent: socket.socket) -> int | None:
    """Fork whenever the parent says so, and tell how it ended; in a server: its exit code."""
    for name in _LOADED:
        importlib.import_module(name)
    gc.freeze()
    wakes, wake = socket.socketpair()
    wakes.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    running: dict[int, int] = {}  # where to tell how a process ended
    while True:
        ready, _, _ = select.select([parent, wakes], [], [])
        if wakes in ready:
            wakes.recv(4096)
            _tell(running)
        if parent in ready:
            data, ends, _, _ = socket.recv_fds(parent, _MOST, 4)
            if not data:
                return 0
            if (pid := os.fork()) == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for mine in (parent, wakes, wake):
                    mine.close()
                for end in (*running.values(), ends[3]):
                    os.close(end)
                return _server(json.loads(data), ends[:3])
            os.write(ends[3], b"%d\n" % pid)
            running[pid] = ends[3]
            for end in ends[:3]:
                os.close(end)


def _tell(running: dict[int, int]) -> None:
    """Of those that have ended."""
    for pid, told in list(running.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with contextlib.suppress(BrokenPipeError):  # nobody waits for it
                os.write(told, b"%d\n" % status)
            os.close(running.pop(pid))


def _server(env: dict[str, str], ends: list[int]) -> int:
    for number, end in enumerate(ends):
        os.dup2(end, number)
        os.close(end)
    os.environ.clear()
    os.environ.update(env)
    from server import fakes

    return fakes.main()


if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    sys.exit(main(socket.socket(fileno=int(sys.argv[1]))))
