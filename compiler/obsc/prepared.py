"""Data files of this package as an earlier process read them, where Python keeps what it makes of the package's modules.

To read and check an entry of the catalog takes a hundred times as long as to load what came of it, and its text changes with the
package alone. So what came of it is kept in `__pycache__`, as `import` does, under the same rights and switches (PYTHONPYCACHEPREFIX,
PYTHONDONTWRITEBYTECODE):

    SHA-256 of the file, the package's files, the libraries and what follows · a pickle

Nothing of a user's is in it, so it is no more a cache of runs than a compiled module is. One of another package, or that is not
whole, is made anew.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Callable
from importlib.resources.abc import Traversable
from importlib.util import cache_from_source
from pathlib import Path
from typing import TypeVar, cast

from obsc import build
from obsc.store import key

T = TypeVar("T")
_DIGEST = 32  # bytes of SHA-256


def prepared(file: Traversable, make: Callable[[bytes], T]) -> T:
    """What `make` makes of a file's content: something frozen, that a pickle can hold."""
    raw, place = file.read_bytes(), _place(file)
    if place is None:
        return make(raw)
    known = _kept(place, raw)
    if known is not None:
        # As with Python's own: who can write there can change the compiler itself.
        return cast("T", pickle.loads(known))  # noqa: S301
    made = make(raw)
    if not sys.dont_write_bytecode:
        _keep(place, raw, pickle.dumps(made, 5))
    return made


def _place(file: Traversable) -> Path | None:
    """Where it is kept; None if the package is no folder, or Python keeps nothing."""
    if not isinstance(file, Path) or sys.implementation.cache_tag is None:
        return None
    return Path(cache_from_source(str(file))).with_suffix(".data")


def _kept(place: Path, raw: bytes) -> bytes | None:
    try:
        found = place.read_bytes()
    except OSError:
        return None
    return found[_DIGEST:] if found[:_DIGEST] == _mark(raw, found[_DIGEST:]) else None


def _keep(place: Path, raw: bytes, made: bytes) -> None:
    draft = place.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(_mark(raw, made) + made)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)


def _mark(raw: bytes, made: bytes) -> bytes:
    """What tells something made of these bytes by this very package from everything else."""
    return bytes.fromhex(key(build.digest(), build.libraries(), raw, made))
