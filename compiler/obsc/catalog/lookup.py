"""What a spec names of the catalog: its runtime, the programs of its further pages, its kind of workload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from obsc.advice import listed, nearest
from obsc.catalog import Catalog, load_runtime
from obsc.catalog.own import ANY_KIND, RESERVED
from obsc.catalog.profile import Profile
from obsc.catalog.versions import Range, parse
from obsc.diagnostics import Place, Sink
from obsc.source import Path
from obsc.spec.service import AIService


@dataclass(frozen=True, slots=True)
class Found:
    """A component's runtime and its releases, and the paths of the spec whose names mean nothing: stand-ins hold there."""

    profile: Profile
    versions: Range
    unknown: frozenset[Path]


def look_up(model: AIService, place: Callable[[Path], Place], catalog: Catalog, sink: Sink) -> Found:
    """Everything that a component names of the catalog; what is not there is reported at its place."""
    profile = catalog.runtime(model.runtime.name)
    unknown: set[Path] = set()
    if profile is None or profile.kind == "exporter":
        _no_runtime(model.runtime.name, catalog, place(("runtime", "name")), "runtime.name", sink)
        unknown.add(("runtime",))
        profile = _nothing_known()
    versions = parse(model.runtime.version)
    if versions is None:
        sink.error("R206", f"no release lies in the range `{model.runtime.version}`", place(("runtime", "version")), path="runtime.version",
                   hint='write one release such as "0.15", or a range such as ">=0.11 <0.13"')
        unknown.add(("runtime", "version"))
        versions = parse(None)
        assert versions is not None
    _pages(model, place, catalog, unknown, sink)
    _kind(model, place, catalog, unknown, sink)
    return Found(profile, versions, frozenset(unknown))


def _nothing_known() -> Profile:
    """The built-in entry of programs that none describes."""
    [name] = RESERVED
    found = load_runtime(name)
    assert found is not None
    return found


def _no_runtime(name: str, catalog: Catalog, place: Place, path: str, sink: Sink) -> None:
    if name in catalog.broken or catalog.partial:
        why = "its catalog entry has mistakes" if name in catalog.broken else "the platform's catalog is not whole"
        sink.info("R205", f"nothing is known of `{name}`: {why}, so the service keeps its committed files", place, path=path,
                  hint="mend the entry" if name in catalog.broken else "mend the platform's `catalogs`")
        return
    sink.error("R205", f"no runtime `{name}` in the catalog", place, path=path, hint=nearest(
        name, catalog.names, f"use one of {listed(catalog.names)}; a program of your own is `custom` with its `metrics.series`"))


def _pages(model: AIService, place: Callable[[Path], Place], catalog: Catalog, unknown: set[Path], sink: Sink) -> None:
    """Endpoints that are pages of programs that the catalog does not know."""
    for index, one in enumerate(model.metrics.endpoints):
        path: Path = ("metrics", "endpoints", index, "runtime")
        if one.runtime is not None and catalog.runtime(one.runtime) is None:
            _no_runtime(one.runtime, catalog, place(path), "metrics.endpoints", sink)
            unknown.add(path)


def _kind(model: AIService, place: Callable[[Path], Place], catalog: Catalog, unknown: set[Path], sink: Sink) -> None:
    """A kind of workload of which nothing is known: one with a group, which only a platform can bring along."""
    kind, path = model.workload.kind, ("workload", "kind")
    is_lost = kind in catalog.lost_kinds
    if not is_lost and ("." not in kind or kind in catalog.kinds):
        return
    unknown.add(path)
    if is_lost or ANY_KIND in catalog.lost_kinds or catalog.partial:
        sink.info("R216", f"nothing is known of `{kind}`: the platform's kinds of workload have mistakes, so the service keeps its "
                  "committed files", place(path), path="workload.kind", hint="mend them")
        return
    sink.error("R216", f"no kind of workload `{kind}` in the catalog", place(path), path="workload.kind", hint=nearest(
        kind, catalog.kinds, f"use one of {listed(catalog.kinds)}, or add it to `kinds.yaml` in a folder of the platform's `catalogs`"))
