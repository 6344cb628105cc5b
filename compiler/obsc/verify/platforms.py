"""Platform specs → the version of Kubernetes by which each environment's outputs are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from obsc.catalog.own import Library, sort
from obsc.diagnostics import Sink
from obsc.inputs import gather
from obsc.resolve import environments
from obsc.validate import check
from obsc.verify import schemas

_AREAS = frozenset({"manifests", "artifacts"})


def versions_of(platforms: Iterable[Path], sink: Sink) -> Callable[[Path], str]:
    """The version for a file: that of the environment whose outputs it belongs to, by `<environment>/manifests/…`; else the newest."""
    given = sort(gather(tuple(platforms), sink))
    documents = [document for source in given.specs.values() for document in source.documents]
    accepted = [one for document in documents if (one := check(document, sink)).kind == "AIPlatform"]
    known = schemas.versions()
    chosen: dict[str, str] = {}
    for environment in environments(accepted, sink, Library(given.entries, sink)):
        wanted = environment.platform.kubernetes.version or known[-1]
        chosen[environment.name] = _nearest(wanted, known)
        if _numbers(wanted)[:2] != _numbers(chosen[environment.name]):
            sink.warning("X609", f"no schemas of Kubernetes {wanted} are known, those of {chosen[environment.name]} are used",
                         environment.origins.place(("kubernetes", "version")), hint=f"known are {known[0]} to {known[-1]}")
    return lambda file: _of(file, chosen, known[-1])


def _nearest(wanted: str, known: Sequence[str]) -> str:
    """The newest known version that is not newer than the wanted one; the oldest known if all are newer."""
    older = [one for one in known if _numbers(one) <= _numbers(wanted)[:2]]
    return older[-1] if older else known[0]


def _of(file: Path, chosen: Mapping[str, str], newest: str) -> str:
    parts = file.absolute().parts
    for environment, area in pairwise(parts):
        if area in _AREAS and environment in chosen:
            return chosen[environment]
    return newest


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
