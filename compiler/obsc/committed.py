"""Committed parts → `Part`s: what services compiled to before, read back from folders that anybody may have changed.

Only plain files inside the given folder are read, and none that is larger than what is ever compiled: no link, no pipe and no
device, which could show what their author may not read, or never end.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from obsc import privacy, sizes
from obsc.diagnostics import Place, Sink
from obsc.part import FILE, Part, from_text

_LARGEST = sizes.PART_LIMIT
_HINT = "compile the service again, or restore the file from version control"


def part_files(paths: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Every part file at or below the paths, in order and once, each with the folder that it must not lead out of."""
    found = {one: given if given.is_dir() else given.parent for given in paths
             for one in (_below(given) if given.is_dir() else [given])}
    yield from sorted(found.items())


def _below(folder: Path) -> Iterator[Path]:
    """Part files below a folder, and those behind links to folders, which are refused when they are read, not passed over."""
    for path in folder.rglob("*"):
        if path.is_symlink() and path.is_dir():
            yield from path.rglob(FILE)
        elif path.name == FILE:
            yield path


def read_part(path: Path, root: Path, sink: Sink) -> Part | None:
    """A part with the texts beside it; None (with an error in the sink) if it cannot be read."""
    try:
        found = from_text(path.as_posix(), _text(path, root), privacy.MASKS, sink)
        if found is None:
            return None
        part, names = found
        texts = tuple((name, _text(path.parent / name, root)) for name in names)
    except OSError as error:
        sink.error("W910", f"the part cannot be read: {error.strerror}", Place(Path(error.filename or path).as_posix()), hint=_HINT)
        return None
    except UnicodeDecodeError:
        sink.error("W910", "the part cannot be read: it is not UTF-8", Place(path.as_posix()), hint=_HINT)
        return None
    return replace(part, files=texts)


def _text(path: Path, root: Path) -> str:
    """The text of a plain file; OSError says what forbids it, and of which file."""
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise OSError(errno.ELOOP, "its folder is a link that leads out", str(path))
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    # What was a file a moment ago may be a link or a pipe by now.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise OSError(errno.EFBIG, f"it has more than {_LARGEST >> 20} MiB", str(path))
    return raw.decode("utf-8")
