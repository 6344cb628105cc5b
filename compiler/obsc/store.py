"""A folder of the user's with results of earlier runs by key: what cannot be read, or is not what was written, is not there.

    <folder>/CACHEDIR.TAG        so that backups pass it over
    <folder>/<2 hex>/<62 hex>    SHA-256 of the content, then the content

Several processes may use it at once: entries are written under a name of their own and renamed, and nothing is changed in place.
Whatever goes wrong with it costs time, never a result. Only the standard library's light modules are imported: a run that has
nothing to do looks here before anything else is loaded.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator

VARIABLE = "OBSC_CACHE"
MOST_BYTES = 256 << 20
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of obsc: it may be deleted at any time.\n"
_DIGEST = hashlib.sha256().digest_size
_LARGEST = 64 << 20
_DAY = 86_400


def home(said: str | None = None) -> str | None:
    """The folder that is said, else that of the environment (an empty word: none), else the usual one; None if there is none."""
    word = said if said is not None else os.environ.get(VARIABLE)
    if word is not None:
        return os.path.abspath(word) if word else None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "obsc") if os.path.isabs(base) else None


def key(*parts: str | bytes) -> str:
    """A name for what is made of these parts, in this order."""
    made = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        made.update(b"%d:" % len(raw))
        made.update(raw)
    return made.hexdigest()


class Store:
    """The entries of a folder."""

    __slots__ = ("_folder", "_put")

    def __init__(self, folder: str) -> None:
        self._folder, self._put = folder, 0

    def get(self, name: str) -> bytes | None:
        """The content that was put under this name, or None. Only plain files of this user's count, whole ones."""
        path = self._path(name)
        try:
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                found = os.fstat(file.fileno())
                if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_size > _LARGEST:
                    return None
                raw = file.read()
            if time.time() - found.st_mtime > _DAY:
                os.utime(path)  # the day of its last use, for `trim`
        except OSError:
            return None
        content = raw[_DIGEST:]
        return content if hashlib.sha256(content).digest() == raw[:_DIGEST] else None

    def put(self, name: str, content: bytes) -> None:
        """Keep a content. Nothing happens where it cannot be written."""
        path = self._path(name)
        draft = f"{path}.{os.getpid()}.new"
        try:
            self._make(os.path.dirname(path))
            try:
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "wb") as file:
                    file.write(hashlib.sha256(content).digest() + content)
                os.rename(draft, path)
            except BaseException:
                os.unlink(draft)
                raise
        except OSError:
            return
        self._put += len(content)

    def trim(self, most: int = MOST_BYTES) -> None:
        """Delete the entries that were not used for longest, until no more than so many bytes are left.

        Nothing is looked at if nothing was put.
        """
        if not self._put:
            return
        found = sorted(self._entries())
        over = sum(size for _, size, _ in found) - most
        for _, size, path in found:
            if over <= 0:
                return
            try:
                os.unlink(path)
            except OSError:
                continue
            over -= size

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name[:2], name[2:])

    def _make(self, folder: str) -> None:
        if os.path.isdir(folder):
            return
        os.makedirs(self._folder, 0o700, exist_ok=True)
        tag = os.path.join(self._folder, "CACHEDIR.TAG")
        if not os.path.lexists(tag):
            with open(os.open(tag, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(_TAG)
        os.makedirs(folder, 0o700, exist_ok=True)

    def _entries(self) -> Iterator[tuple[float, int, str]]:
        """Last use, size and path of every entry, drafts of killed runs among them."""
        for folder in _scan(self._folder):
            if len(folder.name) == 2 and folder.is_dir(follow_symlinks=False):
                for entry in _scan(folder.path):
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    yield found.st_mtime, found.st_size, entry.path


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
