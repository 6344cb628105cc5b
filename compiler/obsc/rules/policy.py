"""What a tenant's spec may point at, and how loud it may be."""

from __future__ import annotations

from collections.abc import Iterator

from obsc import promql
from obsc.advice import meant
from obsc.diagnostics import Sink, render
from obsc.ir import Service, Severity
from obsc.resolve import Resolved
from obsc.rules.addresses import NEVER, link_problem, target_problem
from obsc.rules.namespaces import namespace_problem
from obsc.source import Path, at
from obsc.spec.metrics import StaticConfig


def tenants(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A service's team is one of the platform's, and its namespace one of the team's."""
    teams = resolved.platform.alertmanager.teams
    metadata = resolved.service.metadata
    if not teams or not resolved.sound("metadata", "team"):
        return
    team = teams.get(metadata.team)
    if team is None:
        _no_team(metadata.team, resolved, ("metadata", "team"), sink)
    elif team.namespaces is not None and resolved.sound("metadata", "namespace") and (
            problem := namespace_problem(metadata.namespace, metadata.namespace, metadata.team, resolved.platform)):
        sink.error("P402", problem,
                   resolved.origins.place(("metadata", "namespace")), path="metadata.namespace",
                   hint=f"use one of {', '.join(f'`{one}`' for one in team.namespaces)}")


def severities(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A spec asks for no more urgency than its team may have (built-in alerts are lowered to it), and tells teams that exist."""
    teams = resolved.platform.alertmanager.teams
    own = resolved.service.metadata.team
    highest = Severity(teams[own].max_severity) if own in teams else Severity.CRITICAL
    for path, severity, team in _asked(resolved):
        too_loud = severity is not None and Severity(severity).loudness > highest.loudness
        if too_loud and at(resolved.origins.tree, (*path, "severity")) is not None:
            sink.error("P403", f"team `{own}` may raise at most {highest} alerts", resolved.origins.place((*path, "severity")),
                       path=render((*path, "severity")), hint=f"write `{highest}`")
        if team is not None and teams and team not in teams:
            _no_team(team, resolved, (*path, "team"), sink)


def _asked(resolved: Resolved) -> Iterator[tuple[Path, str | None, str | None]]:
    """Where a spec says how urgent an alert is, or whose, and what it says."""
    service = resolved.service
    for name, rule in service.alerts.rules.items():
        yield ("alerts", "rules", name), rule.severity, rule.team
    for index, alert in enumerate(service.alerts.custom):
        yield ("alerts", "custom", index), alert.severity, alert.team
    for index, indicator in enumerate(service.indicators if resolved.first else ()):
        yield ("indicators", index), indicator.severity, None


def _no_team(name: str, resolved: Resolved, path: Path, sink: Sink) -> None:
    teams = sorted(resolved.platform.alertmanager.teams)
    sink.error("R212", f"the platform has no team `{name}`", resolved.origins.place(path), path=render(path),
               hint=meant(name, teams, f"use one of {', '.join(f'`{one}`' for one in teams)}"))


def targets(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Scrape targets lie where the platform allows; link-local addresses (cloud metadata) never do."""
    metrics = resolved.service.metrics
    places: list[tuple[Path, tuple[StaticConfig, ...]]] = [(("metrics", "staticConfigs"), metrics.static_configs)]
    places += [(("metrics", "endpoints", index, "staticConfigs"), one.static_configs)
               for index, one in enumerate(metrics.endpoints)]
    allowed = resolved.platform.policy.targets
    for path, configs in places:
        for number, config in enumerate(configs):
            for index, target in enumerate(config.targets):
                problem = target_problem(target, allowed)
                if problem:
                    sink.error("P404", f"the target `{target}` is not allowed: {problem}",
                               resolved.origins.place((*path, number, "targets", index)), path="metrics.staticConfigs",
                               hint="name a Service of the cluster" if problem == NEVER else
                               "ask the platform's owners to add it to `policy.targets`")


def matchers(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Matchers tell which series are the service's: sound expressions that leave the namespace to the compiler."""
    for index, text in enumerate(resolved.service.metrics.matchers):
        place = resolved.origins.place(("metrics", "matchers", index))
        one = promql.read_matcher(text)
        problem = promql.pattern_problem(one.value) if one.op in {"=~", "!~"} else None
        if problem:
            sink.error("S324", f"the expression of the matcher for `{one.label}` is not RE2: {problem}", place,
                       path="metrics.matchers", hint="use no lookaround and no back-references")
        if one.label == "__name__":
            sink.error("S350", "a matcher for `__name__` names a metric, where each one names its own; Prometheus refuses both", place,
                       path="metrics.matchers", hint="match a label that the service's series have, such as `app`")
        if one.label in {"namespace", "exported_namespace"}:
            sink.error("P410", f"a matcher for `{one.label}` could read another tenant's series", place, path="metrics.matchers",
                       hint="leave it out: the service's own namespace is always matched")


def links(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Links are https addresses without user info, below the platform's prefixes if it names any."""
    allowed = resolved.platform.policy.urls
    for name, url in resolved.service.metadata.links.items():
        problem = link_problem(url, allowed)
        if problem:
            sink.error("P405", f"the link `{name}` leads where the platform does not allow: {problem}",
                       resolved.origins.place(("metadata", "links", name)), path=f"metadata.links.{name}",
                       hint="use https without user info" if allowed is None else f"begin it with one of {', '.join(allowed)}")


def log_paths(resolved: Resolved, service: Service, sink: Sink) -> None:
    """Log globs lie in the platform's folders, and say enough where the pods' names do not."""
    allowed = resolved.platform.policy.log_paths
    for index, path in enumerate(resolved.service.logs.paths):
        inside = any(path.startswith(folder.rstrip("/") + "/") for folder in allowed)
        if not inside or ".." in path.split("/"):
            sink.error("P406", f"the log path `{path}` is not in {', '.join(allowed)}",
                       resolved.origins.place(("logs", "paths", index)), path="logs.paths", hint="keep to the platform's folders")
    if service.logs and not resolved.service.logs.paths and resolved.service.workload.kind not in resolved.catalog.kinds:
        sink.error("S318", "nothing tells which log files are the service's: its kind of workload has no pod names of its own",
                   resolved.origins.place(("workload", "kind")), path="logs.paths",
                   hint="write `logs.paths`, or `logs: {enabled: false}`")


def content(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Removing prompts and masking private values can be switched off only where the platform allows it."""
    for block, key in (("logs", "dropFields"), ("logs", "redact"), ("traces", "redact")):
        place = resolved.emptied(block, key)
        if place is not None and not resolved.platform.policy.allow_content:
            sink.error("P407", f"`{block}.{key}: []` would let prompts or private values out", place, path=f"{block}.{key}",
                       hint="leave it out; only a platform with `policy.allowContent` permits it")


def unchecked_certificates(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A scrape that checks no certificate needs the platform's leave."""
    for index, endpoint in enumerate(resolved.service.metrics.endpoints):
        tls = endpoint.tls_config
        if tls is not None and tls.insecure_skip_verify and not resolved.platform.policy.allow_insecure:
            sink.error("P408", "the target's certificate would not be checked",
                       resolved.origins.place(("metrics", "endpoints", index, "tlsConfig", "insecureSkipVerify")),
                       path="metrics.endpoints", hint="give the authority in `tlsConfig.ca`")
