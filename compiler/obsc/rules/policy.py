"""What a tenant's spec may point at, and how loud it may be."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from urllib.parse import urlsplit

from obsc import promql
from obsc.catalog.kinds import known
from obsc.diagnostics import Sink
from obsc.ir import Service
from obsc.resolve import Resolved
from obsc.rules.namespaces import namespace_problem
from obsc.source import Path
from obsc.spec.metrics import StaticConfig

_RANKS = {"critical": 0, "warning": 1, "info": 2}
# A name that ends so is an address to `inet_aton`: 2852039166 and 0xa9fe.0xa9fe are 169.254.169.254.
_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NEVER = "link-local addresses never are"


def tenants(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A service's team is one of the platform's, and its namespace one of the team's."""
    teams = resolved.platform.alertmanager.teams
    metadata = resolved.service.metadata
    place = resolved.origins.place(("metadata", "team"))
    if not teams or not resolved.sound("metadata", "team"):
        return
    team = teams.get(metadata.team)
    if team is None:
        sink.error("R212", f"the platform has no team `{metadata.team}`", place, path="metadata.team",
                   hint=f"use one of {', '.join(f'`{one}`' for one in sorted(teams))}")
    elif team.namespaces is not None and resolved.sound("metadata", "namespace") and (
            problem := namespace_problem(metadata.namespace, metadata.namespace, metadata.team, resolved.platform)):
        sink.error("P402", problem,
                   resolved.origins.place(("metadata", "namespace")), path="metadata.namespace",
                   hint=f"use one of {', '.join(f'`{one}`' for one in team.namespaces)}")


def severities(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A spec asks for no more urgency than its team may have; built-in alerts are lowered to it."""
    team = resolved.platform.alertmanager.teams.get(resolved.service.metadata.team)
    for name, rule in resolved.service.alerts.rules.items():
        place = resolved.origins.place(("alerts", "rules", name, "severity"))
        if team is not None and rule.severity is not None and _RANKS[rule.severity] < _RANKS[team.max_severity]:
            sink.error("P403", f"team `{resolved.service.metadata.team}` may raise at most {team.max_severity} alerts", place,
                       path=f"alerts.rules.{name}.severity", hint=f"write `{team.max_severity}`")
        teams = resolved.platform.alertmanager.teams
        if rule.team is not None and teams and rule.team not in teams:
            sink.error("R212", f"the platform has no team `{rule.team}`",
                       resolved.origins.place(("alerts", "rules", name, "team")), path=f"alerts.rules.{name}.team",
                       hint=f"use one of {', '.join(f'`{one}`' for one in sorted(teams))}")


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
                               hint="name a Service of the cluster" if problem == _NEVER else
                               "ask the platform's owners to add it to `policy.targets`")


def target_problem(target: str, allowed: tuple[str, ...] | None) -> str:
    """Why a target `host:port` may not be scraped, or nothing."""
    host, _, port = target.rpartition(":")
    host = host.strip("[]").lower().rstrip(".")
    address = _address(host)
    if address is not None and (address.is_link_local or address.is_multicast or address.is_unspecified):
        return _NEVER
    if address is None and _A_NUMBER.fullmatch(host.rpartition(".")[2]):
        return "some resolvers read it as an address"
    if not 0 < int(port) < 65536:
        return f"{port} is no port"
    if allowed is not None:
        return "" if any(_allows(entry, host, port, address) for entry in allowed) else "the platform's list has nothing like it"
    if address is not None:
        return "only names inside the cluster are, unless the platform lists others"
    inside = "." not in host or host.endswith((".svc", ".svc.cluster.local"))
    return "" if inside and host != "localhost" else "only names inside the cluster are, unless the platform lists others"


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _allows(entry: str, host: str, port: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    wanted, sign, wanted_port = entry.rpartition(":") if entry.count(":") == 1 or "]:" in entry else (entry, "", "")
    if sign and wanted_port not in {"*", port}:
        return False
    pattern = wanted.strip("[]").lower()
    if address is None:
        return fnmatch.fnmatchcase(host, pattern)
    try:
        return address in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def matchers(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Matchers tell which series are the service's: sound expressions that leave the namespace to the compiler."""
    for index, text in enumerate(resolved.service.metrics.matchers):
        place = resolved.origins.place(("metrics", "matchers", index))
        one = promql.read_matcher(text)
        problem = promql.pattern_problem(one.value) if one.op in {"=~", "!~"} else None
        if problem:
            sink.error("S324", f"the expression of the matcher for `{one.label}` is not RE2: {problem}", place,
                       path="metrics.matchers", hint="use no lookaround and no back-references")
        if one.label in {"namespace", "exported_namespace"}:
            sink.error("P410", f"a matcher for `{one.label}` could read another tenant's series", place, path="metrics.matchers",
                       hint="leave it out: the service's own namespace is always matched")


def links(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Links are https addresses without user info, below the platform's prefixes if it names any."""
    allowed = resolved.platform.policy.urls
    for name, url in resolved.service.metadata.links.items():
        parts = urlsplit(url)
        fine = parts.scheme == "https" and not parts.username and not parts.password
        if allowed is not None:
            fine = any(url.startswith(prefix) for prefix in allowed)
        if not fine:
            sink.error("P405", f"the link `{name}` leads where the platform does not allow",
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
    if service.logs and not resolved.service.logs.paths and resolved.service.workload.kind not in known():
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
