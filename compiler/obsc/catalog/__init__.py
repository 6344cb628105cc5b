"""What is known of runtimes and exporters: one data file each, read by name.

No module knows a runtime's name: what tells one from another is data. An environment's `Catalog` has the entries that its
platform brings along (`own`) before the built-in ones. A mistake in a file becomes a diagnostic with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from obsc.catalog.profile import Metric, Profile
from obsc.diagnostics import Sink
from obsc.prepared import prepared
from obsc.source import load, plain

if TYPE_CHECKING:
    from obsc.catalog.kinds.names import WorkloadKind

__all__ = ["BUILT_IN", "Catalog", "load_runtime", "metric", "names", "source_name"]

_ENTRIES = files("obsc.catalog")
_SOURCES = "sources.yaml"
_NO_ENTRIES = frozenset({_SOURCES, "reasons.yaml"})
_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Names of all entries, sorted."""
    found = (entry.name for entry in _ENTRIES.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml") and name not in _NO_ENTRIES))


@lru_cache(maxsize=64)
def load_runtime(name: str) -> Profile | None:
    """The entry of this name, or None. A built-in entry that cannot be read is a bug of ours, and raises."""
    if name not in names():
        return None
    return prepared(_ENTRIES / f"{name}.yaml", lambda raw: _read(f"{name}.yaml", raw))


def _read(file: str, raw: bytes) -> Profile:
    from obsc.catalog.reading import read  # noqa: PLC0415  most runs find the entries prepared

    sink = Sink()
    profile = read(file, raw, sink)
    if profile is None:
        raise ValueError([f"{found.place.file}:{found.place.line}: {found.message}" for found in sink])
    return profile


@lru_cache(maxsize=1)
def _sources() -> dict[str, str]:
    return prepared(_ENTRIES / _SOURCES, _keys)


def _keys(raw: bytes) -> dict[str, str]:
    found = plain(load(_SOURCES, raw, Sink()).documents[0].root)
    assert isinstance(found, dict)
    return found


def source_name(key: str) -> str | None:
    """The entry that describes a key of the platform's `sources` (or `target`, the series of every target)."""
    return _sources().get(key)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What an environment knows: entries of its own by name, then the built-in ones.

    `broken` are names of entries of its own that have mistakes: nothing is known of these, whatever is built in. `partial`:
    some of its entries could not be looked at, so that what it does not have is perhaps among them. `own_kinds` are kinds of
    workload of its own, `lost_kinds` those of them that have mistakes.
    """

    own: Mapping[str, Profile] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    partial: bool = False
    own_kinds: Mapping[str, WorkloadKind] = field(default_factory=dict)
    lost_kinds: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all entries, sorted."""
        return tuple(sorted({*names(), *self.own, *self.broken})) if self.own or self.broken else names()

    @property
    def kinds(self) -> Mapping[str, WorkloadKind]:
        """Kinds of workload by name."""
        from obsc.catalog.kinds import known  # noqa: PLC0415  its forms are built on those of entries

        return {**known(), **self.own_kinds} if self.own_kinds else known()

    @property
    def counted(self) -> frozenset[str]:
        """Series that count replicas of kinds of its own: whoever brings a kind along has the cluster's exporter count it."""
        series = (one.counted for one in self.own_kinds.values() if one.counted is not None)
        return frozenset(name for one in series for name in (one.wanted, one.available))

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
    by_name = profile.by_name
    if name in by_name:
        return by_name[name]
    for kind, ends in _PARTS.items():
        for end in ends:
            found = by_name.get(name.removesuffix(end)) if name.endswith(end) else None
            if found is not None and found.type == kind:
                return found
    return None
