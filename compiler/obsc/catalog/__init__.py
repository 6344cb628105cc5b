"""What is known of runtimes and exporters: one data file each, read by name.

No module knows a runtime's name: what tells one from another is data. An environment's `Catalog` has the entries that its
platform brings along (`own`) before the built-in ones. A mistake in a file becomes a diagnostic with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from obsc.catalog.profile import Metric, Profile
from obsc.catalog.reading import read
from obsc.diagnostics import Sink
from obsc.source import load, plain

__all__ = ["BUILT_IN", "Catalog", "load_runtime", "metric", "names", "read", "source_name"]

_ENTRIES = files("obsc.catalog")
_SOURCES = "sources.yaml"
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Names of all entries, sorted."""
    found = (entry.name for entry in _ENTRIES.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml") and name != _SOURCES))


@lru_cache(maxsize=64)
def load_runtime(name: str) -> Profile | None:
    """The entry of this name, or None. A built-in entry that cannot be read is a bug of ours, and raises."""
    if name not in names():
        return None
    sink, file = Sink(), f"{name}.yaml"
    profile = read(file, (_ENTRIES / file).read_bytes(), sink)
    if profile is None:
        raise ValueError([f"{found.place.file}:{found.place.line}: {found.message}" for found in sink])
    return profile


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    found = plain(load(_SOURCES, (_ENTRIES / _SOURCES).read_bytes(), Sink()).documents[0].root)
    assert isinstance(found, dict)
    return found


def source_name(key: str) -> str | None:
    """The entry that describes a key of the platform's `sources` (or `target`, the series of every target)."""
    return _sources().get(key)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What an environment knows: entries of its own by name, then the built-in ones.

    `broken` are names of entries of its own that have mistakes: nothing is known of these, whatever is built in. `partial`:
    some of its entries could not be looked at, so that what it does not have is perhaps among them.
    """

    own: Mapping[str, Profile] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    partial: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all entries, sorted."""
        return tuple(sorted({*names(), *self.own, *self.broken})) if self.own or self.broken else names()

    def runtime(self, name: str) -> Profile | None:
        """The entry of this name, or None."""
        if name in self.broken:
            return None
        return self.own.get(name) or load_runtime(name)

    def source(self, key: str) -> Profile | None:
        """The entry that describes a key of the platform's `sources` (or `target`, the series of every target)."""
        return self.runtime(source_name(key) or "")


BUILT_IN = Catalog()


def metric(profile: Profile, name: str) -> Metric | None:
    """Facts on a metric by its name in an expression, with or without `_bucket`, `_sum`, `_count`.

    A name of its own comes first: a counter may well end with `_count`.
    """
    by_name = {one.name: one for one in profile.metrics}
    if name in by_name:
        return by_name[name]
    for kind, ends in _PARTS.items():
        for end in ends:
            found = by_name.get(name.removesuffix(end)) if name.endswith(end) else None
            if found is not None and found.type == kind:
                return found
    return None
