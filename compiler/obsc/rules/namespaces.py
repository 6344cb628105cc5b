"""Namespaces that a service's objects may lie in: no spec reaches another tenant's."""

from __future__ import annotations

import fnmatch

from obsc import endpoints, workloads
from obsc.diagnostics import Sink
from obsc.ir import Service
from obsc.resolve import Resolved
from obsc.spec.platform import AIPlatform


def own_namespaces(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Every namespace of the objects is one where the team may run services, and objects that lie elsewhere are discovered."""
    metadata = resolved.service.metadata
    for index, name in enumerate(resolved.service.workload.namespaces):
        path = ("workload", "namespaces", index)
        problem = namespace_problem(name, metadata.namespace, metadata.team, resolved.platform) if name != metadata.namespace else ""
        if problem and resolved.sound(*path) and resolved.sound("metadata"):
            sink.error("P402", problem, resolved.origins.place(path), path="workload.namespaces",
                       hint="leave it out, or ask the platform's owners to add it to the team's `namespaces`")
    how = endpoints.discovery(resolved)
    if workloads.scattered(resolved) and how == "static" and resolved.sound("metrics"):
        sink.error("S304", "targets with fixed addresses lie in no namespace", resolved.origins.place(("workload", "namespaces")),
                   path="workload.namespaces", hint="leave it out; give each target a label of its own in `metrics.staticConfigs`")


def object_names(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Names of objects are as short as the operator that makes the pods needs them: it changes longer ones in its own way."""
    kind = workloads.kind(resolved)
    for index, name in enumerate(workloads.names(resolved)):
        if kind is None or not kind.longest or len(name) <= kind.longest or not resolved.sound("workload", "name"):
            continue
        said = resolved.service.workload.name
        path = ("workload", "name") if said is None or isinstance(said, str) else ("workload", "name", index)
        sink.error("S361", f"a {kind.name} has a name of at most {kind.longest} characters, found {len(name)}",
                   resolved.origins.place(path if said is not None else ("metadata", "name")), path="workload.name",
                   hint=f"shorten `{name}`: pods of longer names are called in a way that nothing can be told from")


def namespace_problem(name: str, home: str, team: str, platform: AIPlatform) -> str:
    """Why a service of a team may not have objects in a namespace (a name or a glob), or nothing."""
    teams = platform.alertmanager.teams
    own = teams.get(team)
    if own is None:
        return ""
    if own.namespaces is not None:
        fits = any(fnmatch.fnmatchcase(name, allowed) for allowed in own.namespaces)
        what = "run services in" if name == home or not workloads.is_glob(name) else "run services in all of"
        return "" if fits else f"team `{team}` may not {what} `{name}`"
    for other, said in sorted(teams.items()):
        for theirs in said.namespaces or () if other != team and name != home else ():
            if fnmatch.fnmatchcase(theirs, name) or fnmatch.fnmatchcase(name, theirs):
                return f"`{name}` reaches the namespace `{theirs}` of team `{other}`"
    return ""
