"""A branch switch under a kernel that has no room for events or watches; run as a process of its own.

    python boundary.py MODE FOLDER FOLDERS FILES    prints one JSON object

MODE: `plain`; `overflow`: a queue of four events; `watches`: five watches for this user; `instances`: none at all.
The last two need a user namespace of one's own (`unshare --user --map-root-user`), where they hurt nobody else.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

from workspace.folders import fill, held, make, switch, truth, wait_until

from hirope_ls.workspace import Workspace

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
WATCHES = Path("/proc/sys/user/max_inotify_watches")
INSTANCES = Path("/proc/sys/user/max_inotify_instances")


class Overflows(logging.Handler):
    """Counts what watchdog says of full queues."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "overflow" in record.getMessage()


def begin(mode: str, root: Path) -> Workspace:
    """A workspace that has looked once. The kernel reads the length of a queue when the queue is made."""
    before = QUEUE.read_text()
    try:
        if mode == "overflow":
            QUEUE.write_text("4")
        elif mode == "watches":
            WATCHES.write_text("5")
        elif mode == "instances":
            INSTANCES.write_text("0")
        workspace = Workspace([root], make, "1", cache=root.parent / "cache")
        workspace.start()
        assert workspace.settled(60)
    finally:
        if mode == "overflow":
            QUEUE.write_text(before)
    return workspace


def main(mode: str, folder: str, folders: str, files: str) -> None:
    root = Path(folder) / "root"
    fill(root, int(folders), int(files))
    overflows = Overflows()
    logging.getLogger("watchdog").addHandler(overflows)
    workspace = begin(mode, root)
    assert held(workspace) == truth(root)
    assert workspace._rounds.watches is not None
    unwatched = len(workspace._rounds.watches.unwatched())
    touched = switch(root)
    ended, wanted = time.monotonic(), truth(root)
    same = wait_until(lambda: held(workspace) == wanted, 60, step=0.1)
    seconds = time.monotonic() - ended
    workspace.close()
    told = {"same": same, "seconds": seconds, "touched": touched, "files": len(wanted)}
    print(json.dumps({**told, "unwatched": unwatched, "overflows": overflows.count}))


if __name__ == "__main__":
    main(*sys.argv[1:])
