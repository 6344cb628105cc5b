"""What the commit does to a disk, one function for each operation, all of them counted.

With OBSC_FAULT=k in the environment the process dies after the k-th of them, as if it was killed: so tests prove that
what any killed run leaves can be finished. Nothing else depends on the number.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

FAULT = "OBSC_FAULT"
KILLED = 137  # what a shell says of a process that was killed
_AT_ONCE = 8
_numbers = itertools.count(1)


def make_folder(path: Path, mode: int) -> None:
    """Make one folder, with these rights whatever the umask."""
    path.mkdir()
    path.chmod(mode)
    _done()


def put(path: Path, content: bytes) -> None:
    """Write a new file, readable by all whatever the umask: it must not decide who may read what is committed."""
    with path.open("wb") as file:
        _done()
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
    _done()


def keep(path: Path, copy: Path) -> None:
    """Keep what stands at a path under another name."""
    try:
        copy.hardlink_to(path)
    except OSError:  # not every file system has hard links, and none has them between two
        shutil.copy2(path, copy)
    _done()


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    _done()


def sync_all(paths: Sequence[Path], *, missing_ok: bool = False) -> None:
    """The same of many, several at once: a disk takes them together, and waiting for one after the other takes ten times as long."""
    import threading  # noqa: PLC0415  not where nothing is written

    lost: dict[int, OSError] = {}

    def some(start: int) -> None:
        for index in range(start, len(paths), _AT_ONCE):
            try:
                sync(paths[index])
            except OSError as error:
                if not (missing_ok and isinstance(error, FileNotFoundError)):
                    lost[index] = error

    threads = [threading.Thread(target=some, args=(start,)) for start in range(min(_AT_ONCE, len(paths)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if lost:
        raise lost[min(lost)]


def rename(path: Path, target: Path) -> None:
    """Put a file in another's place, in one step."""
    path.replace(target)
    _done()


def remove(path: Path) -> None:
    """Delete a file, if it is there."""
    path.unlink(missing_ok=True)
    _done()


def remove_folder(path: Path) -> None:
    """Delete an empty folder."""
    path.rmdir()
    _done()


def _done() -> None:
    if next(_numbers) == int(os.environ.get(FAULT) or 0):
        os._exit(KILLED)
