"""The compiler on one page: load → validate → resolve → lower → check → emit → link → write.

Every stage goes on with what the one before accepted, so that one run shows all errors. A service with an error
keeps its committed files, and linking goes on with its last good part.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from obsc import conventions, k8s, resolve, write
from obsc.catalog import Catalog
from obsc.catalog.own import Library, sort, strays
from obsc.committed import part_files, read_part
from obsc.diagnostics import Place, Related, Severity, Sink
from obsc.emit import Artifact, encode
from obsc.fitting import fitted
from obsc.inputs import gather
from obsc.ir import Identity, Service
from obsc.link import link
from obsc.lower import lower
from obsc.part import FILE, Part, part_of, to_data
from obsc.resolve import Environment, Origins, Resolved
from obsc.rules import FLEET_RULES, PLATFORM_RULES, RULES, member
from obsc.rules.suppressions import suppressions_used
from obsc.source import Source, load
from obsc.spec.platform import AIPlatform
from obsc.targets import compilers
from obsc.texts import faults
from obsc.validate import Accepted, check

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


@dataclass(slots=True)
class _Run:
    sink: Sink
    out: Path | None
    prune: bool = False
    pruned: bool = False
    tree: dict[str, bytes] = field(default_factory=dict)
    owned: list[str] = field(default_factory=list)
    parts: dict[str, dict[Identity, Part]] = field(default_factory=dict)
    folders: dict[str, set[str]] = field(default_factory=dict)


def nothing(sources: Mapping[str, Source]) -> Compiled:
    """What comes of specs that are not compiled."""
    return Compiled({}, (), sources, (), ())


def compile_specs(sources: Mapping[str, Source], sink: Sink, *, environment: str | None = None,
                  out: Path | None = None, prune: bool = False) -> Compiled:
    """Everything that the specs compile to, in memory. `out` is only read: last good parts of services with errors.

    With `prune` the specs are all there are: the folders of other services are owned, so that they go as stale.
    """
    sink.heed(one for source in sources.values() for one in source.suppressions)
    given = _accepted(sources, sink)
    if given is None or not given[0]:
        return nothing(sources)
    accepted, library = given
    platforms, sources = _platforms(accepted, sources, sink)
    found = _environments(platforms, library, environment, sink)
    # Before services are looked at: what one of them makes of the platform's defaults is its own mistake.
    broken = _broken_environments(platforms, found, sink)
    services = _services([one for one in accepted if one.kind == "AIService"], found, sink)
    wanted = [one for one in found if environment in {None, one.name}]
    run = _Run(sink, out, prune)
    good = [(one, service) for one, service, failed in services if not failed and one.identity.environment not in broken]
    good = [(one, service) for one, service in good if one.environment not in wanted or _emit_service(run, one, service)]
    failed = {one.identity for one, _, _ in services} - {one.identity for one, _ in good}
    for one in wanted:
        if _keep_committed(run, one, failed) and one.name not in broken:
            _emit_platform(run, one)
    return Compiled(run.tree, tuple(sorted(run.owned)), sources, tuple(service for _, service in good), tuple(wanted), run.pruned)


def _accepted(sources: Mapping[str, Source], sink: Sink) -> tuple[list[Accepted], Library] | None:
    """The documents of the language among sources, and the catalog entries beside them; None if the platform may be one that
    could not be read.
    """
    known, told = sort(sources), sink.places()
    strays(known, sink)
    accepted = [check(one, sink, told.get(source.file, ())) for source in known.specs.values() for one in source.documents]
    return None if _lost_platform(accepted, sources, told) else (accepted, Library(known.entries, sink, known.strays))


def _environments(platforms: Sequence[Accepted], library: Library, wanted: str | None, sink: Sink) -> tuple[Environment, ...]:
    found = resolve.environments(platforms, sink, library)
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
    source = load("built-in platform", (files("obsc") / BUILTIN).read_bytes(), Sink())
    return [check(source.documents[0], sink)], {**sources, source.file: source}


def _lost_platform(accepted: Sequence[Accepted], sources: Mapping[str, Source], told: Mapping[str, Sequence[Place]]) -> bool:
    """Whether a platform may have been given that was not read: by the built-in one services would be judged wrongly."""
    if any(one.kind == "AIPlatform" for one in accepted):
        return False
    return any(file not in sources or any("AIPlatform" in line for line in sources[file].lines) for file in told)


def resolved(sources: Mapping[str, Source], sink: Sink, *, environment: str | None = None) -> tuple[Resolved, ...]:
    """Every service in every environment as its layers make it, with the layer and place of each value."""
    known = sort(sources)
    accepted = [check(document, sink) for source in known.specs.values() for document in source.documents]
    platforms, _ = _platforms(accepted, sources, Sink())
    found = resolve.environments(platforms, sink, Library(known.entries, sink))
    services = resolve.services_with_findings([one for one in accepted if one.kind == "AIService"], found, sink)
    return tuple(one for one, _ in services if environment in {None, one.identity.environment})


def catalogs(sources: Mapping[str, Source], sink: Sink) -> dict[str, Catalog]:
    """What each environment of the platforms among sources knows of runtimes and exporters."""
    given = _accepted(sources, sink)
    platforms, _ = _platforms(given[0], sources, Sink()) if given is not None else ([], sources)
    library = given[1] if given is not None else None
    return {one.name: one.catalog for one in resolve.environments(platforms, sink, library)}


def _services(specs: Sequence[Accepted], found: Sequence[Environment],
              sink: Sink) -> list[tuple[Resolved, Service, bool]]:
    """Resolve, lower and check each service with findings of its own, so that one's errors are not another's."""
    lowered: list[tuple[Resolved, Service, bool]] = []
    for resolved, own in resolve.services_with_findings(specs, found, sink):
        service = lower(resolved)
        for part, of_part in zip(resolved.parts, service.parts or (service,), strict=True):
            found_here = sink.fresh()
            for rule in RULES:
                rule(part, of_part, found_here)
            own.extend(replace(one, path=part.written(one.path)) for one in found_here)
        sink.extend(own)
        lowered.append((resolved, service, own.failed or bool(resolved.recovered) or resolved.failed))
    together = sink.fresh()
    for fleet_rule in FLEET_RULES:
        fleet_rule([member(one, service.logs) for one, service, _ in lowered], together)
    suppressions_used(sink, found, together)
    sink.extend(together)
    # None of those that meet is written: the first to come must not take what is another's.
    bad = [place for found in together if found.severity is Severity.ERROR
           for place in (found.place, *(one.place for one in found.related))]
    return [(one, service, failed or any(place.file == one.file and place.line in one.lines for place in bad))
            for one, service, failed in lowered]


def _broken_environments(platforms: Sequence[Accepted], found: Sequence[Environment], sink: Sink) -> set[str]:
    told = sink.places()
    failed = [one.document for one in platforms
              if one.failed or any(place.line in one.document.lines for place in told.get(one.document.file, ()))]
    return {one.name for one in found if one.recovered or any(one.document is other for other in failed)}


def _emit_service(run: _Run, resolved: Resolved, service: Service) -> bool:
    """Put a service's files into the tree; False, and nothing of it, if they cannot be written."""
    identity = service.identity
    artifacts = [one for compile_ in compilers() for one in compile_(service, resolved.platform)]
    objects = [one.path for one in artifacts if one.path.startswith(_folder(identity, 1))]
    if objects:
        names = [path.rpartition("/")[2] for path in objects]
        artifacts.append(Artifact(_folder(identity, 1) + "/kustomization.yaml", k8s.kustomization(names)))
    encoded = _encoded(run, artifacts, resolved.origins)
    if encoded is None:
        return False
    if objects:
        run.folders.setdefault(identity.environment, set()).add(f"{identity.namespace}/{identity.name}")
    texts = {path.rpartition("/")[2]: raw.decode() for path, raw in encoded.items() if path.startswith(_folder(identity, 0))}
    part = part_of(service, texts)
    encoded[f"{_folder(identity, 0)}/{FILE}"] = encode(Artifact(FILE, to_data(part), "json"))
    relative = {conventions.bundled(identity.environment, path): raw for path, raw in encoded.items()}
    encoded[f"{_folder(identity, 0)}/{write.MANIFEST}"] = write.manifest(relative)
    run.tree.update(encoded)
    run.owned += [_folder(identity, 0), _folder(identity, 1)]
    run.parts.setdefault(identity.environment, {})[identity] = part
    return True


def _folder(identity: Identity, which: int) -> str:
    return f"{identity.environment}/{conventions.of_service(identity)[which]}"


def _encoded(run: _Run, artifacts: Iterable[Artifact], origins: Origins, platform: AIPlatform | None = None) -> dict[str, bytes] | None:
    """The bytes of artifacts by path; None (with errors) if one of them is too large, or two have one path."""
    own = run.sink.fresh()
    encoded = fitted(artifacts, run.tree, origins, platform, own)
    run.sink.extend(own)
    return None if own.failed else encoded


def _keep_committed(run: _Run, environment: Environment, failed: Collection[Identity]) -> bool:
    """Link committed parts of services that have errors now, or whose specs were not given or do not even say whose they are.

    Nothing is taken off a platform because a file was mistyped or left out; who gives up a service asks for it.
    False (with errors) if one of the parts cannot be used: the platform then stays as it is committed.
    """
    if run.out is None or (run.prune and not run.sink.failed):
        _prune_others(run, environment)
        return True
    compiled = {run.out / _folder(one, 0) / FILE for one in run.parts.get(environment.name, ())}
    kept: list[str] = []
    unused = run.sink.fresh()
    for path in sorted((run.out / environment.name / "artifacts").glob(f"*/*/{FILE}")):
        part = None if path in compiled else _committed(run, (path, run.out), {environment.name: environment}, unused)
        if part is not None and part.identity not in failed:
            kept.append(f"{part.identity.namespace}/{part.identity.name}")
    if kept:
        shown = ", ".join(kept[:3]) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
        hint = ("mend the errors first: as long as there is one, nothing is pruned" if run.prune
                else "give their specs too; if they are given up, give all others and `--prune`")
        run.sink.warning("W913", f"no spec that was given compiles to {shown}: committed before, they stay linked",
                         Place((run.out / environment.name).as_posix()), hint=hint)
    run.sink.extend(unused)
    return not unused.failed


def _prune_others(run: _Run, environment: Environment) -> None:
    """Own the folders of services that have a list of files and no spec: what it names, and nobody edited, is then stale."""
    compiled = {_folder(one, 0) for one in run.parts.get(environment.name, ())}
    for path in () if run.out is None else (run.out / environment.name / "artifacts").glob(f"*/*/{write.MANIFEST}"):
        identity = Identity(environment.name, *path.parts[-3:-1])
        if _folder(identity, 0) not in compiled:
            run.owned += [_folder(identity, 0), _folder(identity, 1)]
            run.pruned = True


def _committed(run: _Run, place: tuple[Path, Path], environments: Mapping[str, Environment], sink: Sink) -> Part | None:
    """Link a part from disk, if it is sound and lies where its identity says; else None, with an error."""
    path, home = place[0], place[0].parent
    part = read_part(*place, sink)
    if part is None:
        return None
    identity, environment = part.identity, environments.get(part.identity.environment)
    name = f"{identity.namespace}/{identity.name}"
    if environment is None:
        sink.error("R202", f"the part is of the environment `{identity.environment}`, which is not the platform's",
                   Place(path.as_posix()), hint="give the platform of that environment")
    elif not f"/{home.absolute().as_posix()}".endswith(f"/{name}"):
        sink.error("W910", f"the part is of the service `{name}`, whose folder this is not", Place(path.as_posix()),
                   hint="restore the folder from version control")
    else:
        found = list(faults(part, environment.platform))
        for fault in found:
            sink.error("W910", f"no compiler wrote this part: {fault.text}", Place((home / fault.file).as_posix()),
                       hint="compile the service again, or restore the file from version control")
        if not found:
            run.parts.setdefault(environment.name, {})[identity] = part
            if home.parents[1].name == "artifacts" and (home.parents[2] / "manifests" / name / "kustomization.yaml").is_file():
                run.folders.setdefault(environment.name, set()).add(name)
            return part
    return None


def _emit_platform(run: _Run, environment: Environment) -> None:
    parts = list(run.parts.get(environment.name, {}).values())
    own = run.sink.fresh()
    artifacts = link(environment.name, parts, environment.platform, sorted(run.folders.get(environment.name, ())), own,
                     catalog=environment.catalog)
    run.sink.extend(own)
    encoded = None if own.failed else _encoded(run, artifacts, environment.origins, environment.platform)
    if encoded is None:
        return
    home = conventions.artifacts(environment.name, conventions.PLATFORM)
    relative = {conventions.bundled(environment.name, path): raw for path, raw in encoded.items()}
    encoded[f"{home}/{write.MANIFEST}"] = write.manifest(relative)
    run.tree.update(encoded)
    run.owned += [home, conventions.manifests(environment.name, conventions.PLATFORM),
                  conventions.manifests(environment.name, "kustomization.yaml")]


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
    run, places = _Run(sink, None), dict[Identity, Place]()
    for path, root in part_files(paths):
        part = _committed(run, (path, root), {one.name: one for one in found}, sink)
        first = places.setdefault(part.identity, Place(path.as_posix())) if part is not None else None
        if part is not None and first is not None and first.file != path.as_posix():
            sink.error("W911", f"two parts are of the service `{part.identity.namespace}/{part.identity.name}`", Place(path.as_posix()),
                       hint="give each part once", related=(Related(first, "the other one"),))
    wanted = tuple(one for one in found if environment in {None, one.name})
    for target in wanted:
        if target.name not in broken:
            _emit_platform(run, target)
    return Compiled(run.tree, tuple(sorted(run.owned)), sources, (), wanted)


def summary(compiled: Compiled) -> str:
    """What was compiled, in a line for each environment."""
    lines = []
    for environment in compiled.environments:
        mine = [one for one in compiled.services if one.identity.environment == environment.name]
        alerts = sum(len(one.alerts) for one in mine)
        panels = sum(len(row.panels) for one in mine for row in one.dashboard.rows)
        count = sum(1 for path in compiled.tree if path.startswith(environment.name + "/"))
        counts = ((len(mine), "service"), (alerts, "alert"), (panels, "panel"), (count, "file"))
        lines.append(f"{environment.name}: " + ", ".join(_counted(number, what) for number, what in counts))
    return "\n".join(lines)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
