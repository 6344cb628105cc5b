"""Parts → the platform's artifacts. It needs what services compiled to, never their specs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from obsc import conventions, k8s
from obsc.catalog import BUILT_IN, Catalog
from obsc.diagnostics import Place, Related, Sink
from obsc.emit import Artifact
from obsc.ir import Route
from obsc.lower import receivers
from obsc.part import Part
from obsc.spec.platform import AIPlatform
from obsc.targets import linkers


def link(environment: str, parts: Sequence[Part], platform: AIPlatform, services: Sequence[str],
         sink: Sink, *, catalog: Catalog = BUILT_IN) -> tuple[Artifact, ...]:
    """The shared files of an environment. `services` are the manifests folders (`<namespace>/<name>`) that exist, `catalog` tells
    of the platform's exporters.

    The list of resources is the only list of services there is: one line each, sorted, so that two branches that add
    a service each meet in no other line.
    """
    ordered = sorted((_routed(part, platform) for part in parts), key=lambda part: part.identity)
    _unique(ordered, sink)
    found = [artifact for linker in linkers() for artifact in linker(environment, ordered, platform, catalog)]
    shared = sorted(artifact.path.rpartition("/")[2] for artifact in found
                    if artifact.path.startswith(conventions.manifests(environment, conventions.PLATFORM)))
    if shared:
        path = conventions.manifests(environment, conventions.PLATFORM, "kustomization.yaml")
        found.append(Artifact(path, k8s.kustomization(shared)))
    folders = [*services, *([conventions.PLATFORM] if shared else [])]
    if folders:
        found.append(Artifact(conventions.manifests(environment, "kustomization.yaml"), k8s.kustomization(folders)))
    return tuple(found)


def _routed(part: Part, platform: AIPlatform) -> Part:
    """The platform says who is told: a part only says which alerts of which team there are."""
    said = platform.alertmanager
    routes = (Route(one.team, one.severity, receivers(said.teams.get(one.team), said.routing, one.severity)) for one in part.routes)
    return replace(part, routes=tuple(routes))


def _unique(parts: Sequence[Part], sink: Sink) -> None:
    """Names that must be unique in an environment: two parts that claim one are reported with both files."""
    seen: dict[tuple[str, str], Part] = {}
    for part in parts:
        claims = [("scrape job", job) for job in part.jobs] + [("log input", one) for one in part.log_ids]
        claims.append(("dashboard", part.dashboard[0]))
        for claim in claims:
            other = seen.setdefault(claim, part)
            if other is not part:
                sink.error("W911", f"the {claim[0]} `{claim[1]}` belongs to two services", Place(_file(part)),
                           hint="rename one of the services", related=(Related(Place(_file(other)), "the other one"),))


def _file(part: Part) -> str:
    return conventions.artifacts(part.identity.environment, part.identity.namespace, part.identity.name, "part.json")
