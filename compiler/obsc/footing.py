"""Where a path leads: paths that a committed file names are untrusted, and so is what stands in the output folder.

Paths are relative to the output folder, with forward slashes. Nothing here follows a link or changes anything.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


def is_inside(path: str) -> bool:
    """Whether a path has only plain, printable steps: none of them leads up, to a root, or to another path's place."""
    return path.isprintable() and "\\" not in path and all(step not in {"", ".", ".."} for step in path.split("/"))


def folders(path: str) -> list[str]:
    """The folders above a path, outermost first."""
    return [path[:at] for at, char in enumerate(path) if char == "/"]


def obstacle(root: Path, path: str, plain: set[str]) -> str | None:
    """The first thing on the way that is no plain file or folder, or the one in place of the other; `plain` has folders known."""
    base = os.fspath(root)
    for folder in folders(path):
        if folder not in plain:
            if kind(f"{base}/{folder}") not in {0, stat.S_IFDIR}:
                return folder
            plain.add(folder)
    return path if kind(f"{base}/{path}") not in {0, stat.S_IFREG} else None


def kind(path: Path | str) -> int:
    """The file type bits of what stands at a path itself, links not followed; 0 if there is nothing."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def digest(content: bytes) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def digest_at(path: Path) -> str | None:
    """The digest of a plain file; None if there is none."""
    return digest(path.read_bytes()) if kind(path) == stat.S_IFREG else None


def shown(path: str) -> str:
    """An untrusted path as a message may show it."""
    return (path if path.isprintable() else ascii(path)[1:-1])[:80]
