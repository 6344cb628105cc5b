"""One file of specs → its object file: validate → resolve → lower → check → emit, for each of its services and environments.

Nothing here looks at another file of specs, so files may be compiled in any order, by several processes, or not at all if
they were before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from obsc import conventions, k8s, resolve, write
from obsc.catalog.own import folders, sort
from obsc.diagnostics import Sink, Suppression
from obsc.emit import Artifact, encode
from obsc.fitting import fitted
from obsc.ir import Identity, Service
from obsc.lower import lower
from obsc.objectfile import ObjectFile, Unit
from obsc.part import FILE, Part, part_of, to_data
from obsc.resolve import Environment, Resolved
from obsc.rules import RULES, member
from obsc.source import Source, load
from obsc.targets import compilers
from obsc.validate import Accepted, check

# What a file of services never says. Escapes could spell it otherwise.
_SHARED = re.compile(rb"AIPlatform|catalogs|\\[xuU]")
_SERVICES = b"AIService"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the services of a run have in common: environments (None: nobody can tell them), those that are compiled, and how."""

    environments: tuple[Environment, ...] | None
    wanted: frozenset[str] = frozenset()
    suppressions: tuple[Suppression, ...] = ()
    strict: bool = False

    def sink(self) -> Sink:
        """Findings that are judged as the run judges them."""
        sink = Sink(self.strict)
        sink.heed(self.suppressions)
        return sink


def has_services_only(raw: bytes) -> bool:
    """Whether a file seems to be of services alone, so that no other file has to know what is in it."""
    return _SERVICES in raw and _SHARED.search(raw) is None


def translate_bytes(file: str, raw: bytes, setting: Setting) -> ObjectFile | None:
    """What a file compiles to; None if it is not of services alone, after all."""
    sink = setting.sink()
    source = load(file, raw, sink)
    alone = {file: source}
    if folders(alone) or sort(alone).strays:
        return None
    told = sink.places().get(file, ())
    accepted = [check(one, sink, told) for one in source.documents]
    return None if any(one.kind == "AIPlatform" for one in accepted) else _object(file, accepted, source, setting, sink)


def translate(source: Source, accepted: Sequence[Accepted], setting: Setting) -> ObjectFile:
    """What the services of a file compile to that was read and checked before."""
    return _object(source.file, [one for one in accepted if one.kind == "AIService"], source, setting, setting.sink())


def _object(file: str, accepted: Sequence[Accepted], source: Source, setting: Setting, sink: Sink) -> ObjectFile:
    found = resolve.placed(accepted, setting.environments, sink) if setting.environments is not None else ()
    units = tuple(_unit(resolved, own, setting) for resolved, own in found)
    return ObjectFile(file, units, tuple(sink), source.suppressions)


def _unit(resolved: Resolved, own: Sink, setting: Setting) -> Unit:
    """A service as it is alone: lowered, checked, and emitted if nothing forbids it."""
    service = lower(resolved)
    for part, of_part in zip(resolved.parts, service.parts or (service,), strict=True):
        found = own.fresh()
        for rule in RULES:
            rule(part, of_part, found)
        own.extend(replace(one, path=part.written(one.path)) for one in found)
    failed = own.failed or bool(resolved.recovered) or resolved.failed
    wanted = not failed and resolved.identity.environment in setting.wanted
    files, part_ = emitted(resolved, service, own) if wanted else ({}, None)
    counts = (len(service.alerts), sum(len(row.panels) for row in service.dashboard.rows))
    return Unit(resolved.file, resolved.lines, resolved.named, resolved.sure, member(resolved, service.logs),
                failed or (wanted and part_ is None), tuple(own), files, part_, counts, service)


def emitted(resolved: Resolved, service: Service, sink: Sink) -> tuple[Mapping[str, bytes], Part | None]:
    """A service's files and its part; nothing (with errors) if they cannot be written."""
    home, objects_home = (folder(service.identity, which) for which in (0, 1))
    artifacts = [one for compile_ in compilers() for one in compile_(service, resolved.platform)]
    objects = [one.path for one in artifacts if one.path.startswith(objects_home)]
    if objects:
        names = [path.rpartition("/")[2] for path in objects]
        artifacts.append(Artifact(objects_home + "/kustomization.yaml", k8s.kustomization(names)))
    own, files = sink.fresh(), dict[str, bytes]()
    fitted(artifacts, resolved.origins, None, own, files)
    sink.extend(own)
    if own.failed:
        return {}, None
    texts = {path.rpartition("/")[2]: raw.decode() for path, raw in files.items() if path.startswith(home)}
    part = part_of(service, texts)
    files[f"{home}/{FILE}"] = encode(Artifact(FILE, to_data(part), "json"))
    relative = {conventions.bundled(service.identity.environment, path): raw for path, raw in files.items()}
    files[f"{home}/{write.MANIFEST}"] = write.manifest(relative)
    return files, part


def folder(identity: Identity, which: int) -> str:
    """A service's folder of artifacts (0) or manifests (1)."""
    return f"{identity.environment}/{conventions.of_service(identity)[which]}"
