"""Kinds of workload, read from a data file like the catalog: pods by name and label, replicas by series.

No module knows a kind's name but for those that have no object in the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from obsc.catalog.kinds.names import Count, WorkloadKind, counts, either, pod_names
from obsc.diagnostics import Sink
from obsc.prepared import prepared

__all__ = ["Count", "WorkloadKind", "either", "known", "pod_pattern", "replica_counts"]

_FILE = "workloads.yaml"


@lru_cache(maxsize=1)
def known() -> Mapping[str, WorkloadKind]:
    """The kinds by name. A file that cannot be read is a bug of ours, and raises."""
    return prepared(files("obsc.catalog.kinds") / _FILE, _read)


def _read(raw: bytes) -> Mapping[str, WorkloadKind]:
    from obsc.catalog.kinds.form import read  # noqa: PLC0415  most runs find the kinds prepared

    sink = Sink()
    found = read(_FILE, raw, sink)
    if found is None:
        raise ValueError([f"{one.place.file}:{one.place.line}: {one.message}" for one in sink])
    return found


def pod_pattern(kind: str, names: str | Sequence[str], kinds: Mapping[str, WorkloadKind] | None = None) -> str:
    """RE2 expression of the names of the pods of objects (names or globs), "" for kinds without pods of their own.

    `kinds` are those that are known; the built-in ones unless given.
    """
    return pod_names(known() if kinds is None else kinds, kind, (names,) if isinstance(names, str) else names)


def replica_counts(kind: str, names: Sequence[str], kinds: Mapping[str, WorkloadKind] | None = None) -> tuple[Count, ...]:
    """Which series count the replicas of objects (names or globs), each kind of series once; () where there are none."""
    return counts(known() if kinds is None else kinds, kind, names)
