"""Files of services → object files: from the store what is known, the rest by as many processes as pay."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from obsc import build, workers
from obsc.memory import NONE, Memory
from obsc.objectfile import ObjectFile, pack, unpack
from obsc.store import Store, key
from obsc.translate import Setting, translate_bytes

_FORM, _MADE = "object 1", "made 1"  # changes when the bytes of an entry mean something else
_ODD = b""


class Objects:
    """Objects of a platform that earlier runs made, in the store; those of another compiler are others."""

    __slots__ = ("_common", "_store")

    def __init__(self, store: Store) -> None:
        self._store, self._common = store, key(_MADE, build.digest(), build.libraries())

    def get(self, words: Sequence[str]) -> bytes | None:
        """The bytes that were made of these words, if they are known."""
        raw = self._store.get(key(self._common, *words))
        try:
            return zlib.decompress(raw) if raw is not None else None
        except zlib.error:
            return None

    def put(self, words: Sequence[str], raw: bytes) -> None:
        """Keep bytes."""
        self._store.put(key(self._common, *words), zlib.compress(raw, 1))


def _silent(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Work:
    """How a run compiles its files: by how many processes (0: as many as pay), what it remembers of earlier runs, on the disk or in
    this process, and whom it tells how far it is.
    """

    jobs: int = 1
    store: Store | None = None
    progress: Callable[[int, int], None] = _silent
    memory: Memory = NONE


def run(work: Work, files: Mapping[str, bytes], setting: Setting, shared: Sequence[str]) -> list[ObjectFile | None]:
    """What each file compiles to; None for one that is not of services alone. `shared` is everything else that decides it.

    Raises `workers.LostError`.
    """
    names = _names(work.store, files, shared)
    found = {file: _known(work.store, name) for file, name in names.items()}
    missing = [file for file in files if found.get(file) is None]

    def compiled(file: str) -> bytes:
        one = translate_bytes(file, files[file], setting)
        if one is None:
            return _ODD
        raw = pack(one)
        if work.store is not None and not one.failed:
            work.store.put(names[file], raw)
        return raw

    jobs = work.jobs or workers.paying(len(missing))
    for done, (file, raw) in enumerate(zip(missing, workers.each(compiled, missing, jobs), strict=True), 1):
        found[file] = unpack(raw) if raw else None
        work.progress(done, len(missing))
    return [found[file] for file in files]


def _names(store: Store | None, files: Mapping[str, bytes], shared: Sequence[str]) -> dict[str, str]:
    """Under which name each file is remembered: it is made of everything that its outputs and findings depend on."""
    if store is None:
        return {}
    common = key(_FORM, build.digest(), build.libraries(), *shared)
    return {file: key(common, file, raw) for file, raw in files.items()}


def _known(store: Store | None, name: str) -> ObjectFile | None:
    raw = store.get(name) if store is not None else None
    try:
        return unpack(raw) if raw is not None else None
    except ValueError:
        return None
