"""The compiler on one page: load → validate → resolve → lower → check → emit → link → write.

Every stage goes on with what the one before accepted, so that one run shows all errors. A service with an error
keeps its committed files, and linking goes on with its last good part.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files as resources
from pathlib import Path

from obsc import resolve
from obsc.assembly import Assembly, add_unit, emit_platform, keep_committed, link_committed
from obsc.catalog import Catalog
from obsc.catalog.own import Library, sort, strays
from obsc.committed import part_files
from obsc.diagnostics import Place, Related, Severity, Sink
from obsc.inputs import Known, gather
from obsc.ir import Identity, Service
from obsc.memory import NONE, Memory
from obsc.objectfile import ObjectFile, Unit
from obsc.resolve import Environment, Resolved
from obsc.rules import FLEET_RULES, PLATFORM_RULES
from obsc.rules.suppressions import suppressions_used
from obsc.source import Document, Source, load
from obsc.translate import Setting, translate
from obsc.unique import unique
from obsc.validate import Accepted, check
from obsc.work import Objects, Work, run

BUILTIN = "builtin.yaml"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A run's product: files by path, the folders it owns, and the texts of its inputs for carets."""

    tree: Mapping[str, bytes]
    owned: tuple[str, ...]
    sources: Mapping[str, Source]
    services: tuple[Service, ...]
    environments: tuple[Environment, ...]
    pruned: bool = False  # whether folders are owned only because their services go
    counts: tuple[tuple[str, int, int], ...] = ()  # of each service: its environment, alerts, panels


def nothing(sources: Mapping[str, Source]) -> Compiled:
    """What comes of specs that are not compiled."""
    return Compiled({}, (), sources, (), ())


def compile_specs(sources: Mapping[str, Source], sink: Sink, *, environment: str | None = None, out: Path | None = None,  # noqa: PLR0913
                  prune: bool = False, services: Mapping[str, bytes] | None = None, work: Work | None = None) -> Compiled:
    """Everything that the specs compile to, in memory. `out` is only read: last good parts of services with errors.

    With `prune` the specs are all there are: the folders of other services are owned, so that they go as stale. `services` are
    files of services alone that are not read yet: by `work`, by several processes or not at all. Of these there is no IR.
    """
    files = dict(services or {})
    while True:
        own = sink.fresh()
        own.extend(sink)
        compiled = _compiled(sources, files, own, (environment, out, prune), work or Work())
        if isinstance(compiled, Compiled):
            sink.extend(own)
            return compiled
        # What was taken for services alone is more: everybody has to know it.
        sources = {**sources, **{file: load(file, files.pop(file), sink) for file in compiled}}


def _compiled(sources: Mapping[str, Source], files: Mapping[str, bytes], sink: Sink, said: tuple[str | None, Path | None, bool],
              work: Work) -> Compiled | list[str]:
    """The same; or the names of files that are not of services alone."""
    environment, out, prune = said
    quiet = tuple(one for source in sources.values() for one in source.suppressions)
    sink.heed(quiet)
    given = _accepted(sources, sink, files, work.memory)
    if given is not None and not given[0] and not files:
        return nothing(sources)
    accepted, library = given or ([], None)
    platforms, known = _platforms(accepted, sources, sink) if library is not None else ([], sources)
    found = _environments(platforms, library, environment, sink, work.memory) if library is not None else ()
    # Before services are looked at: what one of them makes of the platform's defaults is its own mistake.
    broken = _broken_environments(platforms, found, sink)
    wanted = [one for one in found if environment in {None, one.name}]
    setting = Setting(found if library is not None else None, frozenset(one.name for one in wanted) - broken, quiet, sink.strict)
    shared = [environment or "", str(sink.strict), str(library is None), *sorted(setting.wanted), ""]
    shared += [part for one in sources.values() for part in (one.file, *one.lines)]
    objects = run(work, files, setting, shared)
    odd = [file for file, one in zip(files, objects, strict=True) if one is None]
    if odd:
        return odd
    translated = [_translated(source, accepted, setting, work.memory) for source in sources.values()] if library is not None else []
    units = _units([*translated, *(one for one in objects if one is not None)], found, sink)
    if library is None:
        return nothing(Known(sources, files))
    assembly = Assembly(sink, out, prune, alone=not units, memo=Objects(work.store) if work.store is not None else None,
                        jobs=work.jobs)
    good = [one for one in units if not one.failed and one.identity.environment not in broken]
    good = [one for one in good if one.identity.environment not in setting.wanted or add_unit(assembly, one)]
    failed = {one.identity for one in units} - {one.identity for one in good}
    for one in wanted:
        if keep_committed(assembly, one, failed) and one.name not in broken:
            emit_platform(assembly, one)
    services = tuple(one.service for one in good if one.service is not None)
    counts = tuple((one.identity.environment, *one.counts) for one in good)
    return Compiled(assembly.tree, tuple(sorted(assembly.owned)), Known(known, files), services, tuple(wanted), assembly.pruned, counts)


def _translated(source: Source, accepted: Sequence[Accepted], setting: Setting, memory: Memory) -> ObjectFile:
    mine = [one for one in accepted if one.document.file == source.file]
    said = (setting.environments is None, setting.wanted, setting.suppressions, setting.strict)
    of = (source, *mine, *(setting.environments or ()))
    return memory.recall(lambda _: translate(source, mine, setting), Sink(), of, "translate", said)


def _accepted(sources: Mapping[str, Source], sink: Sink, files: Collection[str] = (),
              memory: Memory | None = None) -> tuple[list[Accepted], Library] | None:
    """The documents of the language among sources, and the catalog entries beside them; None if the platform may be one that
    could not be read. It is none of `files`.
    """
    known, told = sort(sources), sink.places()
    strays(known, sink)
    accepted = [_checked(one, sink, told.get(source.file, ()), memory or NONE)
                for source in known.specs.values() for one in source.documents]
    lost = _lost_platform(accepted, sources, {file: places for file, places in told.items() if file not in files})
    return None if lost else (accepted, Library(known.entries, sink, known.strays))


def _checked(document: Document, sink: Sink, told: Sequence[Place], memory: Memory) -> Accepted:
    return memory.recall(lambda own: check(document, own, told), sink, (document,), "check", tuple(told))


def _environments(platforms: Sequence[Accepted], library: Library, wanted: str | None, sink: Sink,
                  memory: Memory | None = None) -> tuple[Environment, ...]:
    found = (memory or NONE).recall(lambda own: resolve.environments(platforms, own, library), sink, platforms, "environments")
    if wanted is not None and wanted not in {one.name for one in found}:
        known = [one.name for one in found]
        near = (difflib.get_close_matches(wanted, known, 1) or known or [""])[0]
        sink.error("R208", f"no platform defines the environment `{wanted}`; known are {', '.join(f'`{one}`' for one in known)}",
                   Place("--env"), hint=f"write `--env {near}`, or leave it out")
    for one in found:
        for rule in PLATFORM_RULES:
            rule(one, sink)
    return found


def _platforms(accepted: Sequence[Accepted], sources: Mapping[str, Source],
               sink: Sink) -> tuple[list[Accepted], Mapping[str, Source]]:
    """The platforms among what was accepted, or the built-in one, which then is a source too."""
    platforms = [one for one in accepted if one.kind == "AIPlatform"]
    if platforms:
        return platforms, sources
    source = load("built-in platform", (resources("obsc") / BUILTIN).read_bytes(), Sink())
    return [check(source.documents[0], sink)], {**sources, source.file: source}


def _lost_platform(accepted: Sequence[Accepted], sources: Mapping[str, Source], told: Mapping[str, Sequence[Place]]) -> bool:
    """Whether a platform may have been given that was not read: by the built-in one services would be judged wrongly."""
    if any(one.kind == "AIPlatform" for one in accepted):
        return False
    return any(file not in sources or any("AIPlatform" in line for line in sources[file].lines) for file in told)


def resolved(sources: Mapping[str, Source], sink: Sink, *, environment: str | None = None,
             memory: Memory | None = None) -> tuple[Resolved, ...]:
    """Every service in every environment as its layers make it, with the layer and place of each value."""
    memory = memory or NONE
    accepted, found = _resolved_environments(sources, sink, memory)
    pairs = [pair for one in accepted if one.kind == "AIService"
             for pair in memory.recall(partial(resolve.placed, [one], found), sink, (one, *found), "placed")]
    return tuple(one for one, _ in resolve.each_once(pairs, sink) if environment in {None, one.identity.environment})


def platforms(sources: Mapping[str, Source], sink: Sink, *, environment: str | None = None) -> tuple[Environment, ...]:
    """Every environment with its platform as its layers make it, with the layer and place of each value."""
    return tuple(one for one in _resolved_environments(sources, sink, NONE)[1] if environment in {None, one.name})


def _resolved_environments(sources: Mapping[str, Source], sink: Sink, memory: Memory) -> tuple[list[Accepted], tuple[Environment, ...]]:
    known = sort(sources)
    accepted = [_checked(document, sink, (), memory) for source in known.specs.values() for document in source.documents]
    given, _ = _platforms(accepted, sources, Sink())
    library = Library(known.entries, sink)
    return accepted, memory.recall(lambda own: resolve.environments(given, own, library), sink, given, "resolved")


def catalogs(sources: Mapping[str, Source], sink: Sink) -> dict[str, Catalog]:
    """What each environment of the platforms among sources knows of runtimes and exporters."""
    given = _accepted(sources, sink)
    platforms, _ = _platforms(given[0], sources, Sink()) if given is not None else ([], sources)
    library = given[1] if given is not None else None
    return {one.name: one.catalog for one in resolve.environments(platforms, sink, library)}


def _units(objects: Sequence[ObjectFile], found: Sequence[Environment], sink: Sink) -> list[Unit]:
    """The services of all files, sorted by identity, each once, with what is wrong with them beside each other.

    What is found in one file is not another's error.
    """
    for one in objects:
        sink.heed(one.suppressions)
        sink.extend(one.findings)
    every = sorted((unit for one in objects for unit in one.units), key=lambda unit: (unit.identity, unit.file, unit.lines.start))
    units, doubled = unique(every, sink)
    for unit in units:
        sink.extend(unit.findings)
    together = sink.fresh()
    for fleet_rule in FLEET_RULES:
        fleet_rule([unit.member for unit in units], together)
    suppressions_used(sink, found, together)
    sink.extend(together)
    # None of those that meet is written: the first to come must not take what is another's.
    bad: dict[str, list[Place]] = {}
    for finding in together:
        if finding.severity is Severity.ERROR:
            for place in (finding.place, *(other.place for other in finding.related)):
                bad.setdefault(place.file, []).append(place)
    return [replace(unit, failed=True) if unit.identity in doubled or any(place.line in unit.lines for place in bad.get(unit.file, ()))
            else unit for unit in units]


def _broken_environments(platforms: Sequence[Accepted], found: Sequence[Environment], sink: Sink) -> set[str]:
    told = sink.places()
    failed = [one.document for one in platforms
              if one.failed or any(place.line in one.document.lines for place in told.get(one.document.file, ()))]
    return {one.name for one in found if one.recovered or any(one.document is other for other in failed)}


def link_parts(paths: Sequence[Path], platform: Sequence[Path], sink: Sink, *, environment: str | None = None) -> Compiled:
    """Link committed parts with a platform, without any spec."""
    sources: Mapping[str, Source] = gather(platform, sink)
    given = _accepted(sources, sink)
    if given is None:
        return nothing(sources)
    accepted, library = given
    platforms, sources = _platforms(accepted, sources, sink)
    found = _environments(platforms, library, environment, sink)
    broken = _broken_environments(platforms, found, sink)
    assembly, places = Assembly(sink, None), dict[Identity, Place]()
    for path, root in part_files(paths):
        part = link_committed(assembly, (path, root), {one.name: one for one in found}, sink)
        first = places.setdefault(part.identity, Place(path.as_posix())) if part is not None else None
        if part is not None and first is not None and first.file != path.as_posix():
            sink.error("W911", f"two parts are of the service `{part.identity.namespace}/{part.identity.name}`", Place(path.as_posix()),
                       hint="give each part once", related=(Related(first, "the other one"),))
    wanted = tuple(one for one in found if environment in {None, one.name})
    for target in wanted:
        if target.name not in broken:
            emit_platform(assembly, target)
    return Compiled(assembly.tree, tuple(sorted(assembly.owned)), sources, (), wanted)


def summary(compiled: Compiled) -> str:
    """What was compiled, in a line for each environment."""
    lines = []
    for environment in compiled.environments:
        mine = [counts for name, *counts in compiled.counts if name == environment.name]
        alerts, panels = (sum(counts[which] for counts in mine) for which in (0, 1))
        count = sum(1 for path in compiled.tree if path.startswith(environment.name + "/"))
        counts = ((len(mine), "service"), (alerts, "alert"), (panels, "panel"), (count, "file"))
        lines.append(f"{environment.name}: " + ", ".join(_counted(number, what) for number, what in counts))
    return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
