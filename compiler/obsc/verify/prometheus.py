"""Prometheus' configuration, and what the operator makes into it: jobs, relabelling, credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from obsc import durations
from obsc.source import Path
from obsc.verify import forms, grammars
from obsc.verify.problem import Problem, at, below, items, mapping, repeated, shown

_DEFAULT_INTERVAL = "1m"
_NEEDS_TARGET = frozenset({"replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"})
_ONLY_OF = {"keepequal": frozenset({"regex", "modulus", "separator", "replacement"}), "lowercase": frozenset({"replacement"}),
            "dropequal": frozenset({"regex", "modulus", "separator", "replacement"}), "uppercase": frozenset({"replacement"})}
_ONLY_REGEX = frozenset({"labeldrop", "labelkeep"})
_CREDENTIALS = ("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file")
_CLIENT = (*_CREDENTIALS, "tls_config", "proxy_url")
# Which selectors of objects a role of Kubernetes discovery takes (discovery/kubernetes).
_SELECTABLE = {"pod": {"pod", "node"}, "service": {"service"}, "node": {"node"}, "ingress": {"ingress"},
               "endpoints": {"pod", "service", "endpoints"}, "endpointslice": {"pod", "service", "endpointslice"}}
_RELABELLINGS = ("relabel_configs", "metric_relabel_configs")
# The operator's custom resources: where each keeps what becomes a job.
_ENDPOINTS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}
_OPERATOR_CREDENTIALS = ("basicAuth", "authorization", "oauth2", "bearerTokenFile", "bearerTokenSecret")


def check_config(data: object) -> Iterator[Problem]:
    """What is wrong with a prometheus.yml."""
    yield from forms.check("prometheus", data)
    yield from _jobs(data)
    for section in ("remote_write", "remote_read"):
        entries = items(at(data, section))
        yield from _twice((section,), [at(one, "name") for one in entries], "name")
        for index, one in enumerate(entries):
            yield from below((section, index), _exclusive(one, _CREDENTIALS))
            yield from below((section, index), _relabellings(one, ("write_relabel_configs",)))
    alerting = mapping(at(data, "alerting"))
    yield from below(("alerting",), _relabellings(alerting, ("alert_relabel_configs",)))
    for index, one in enumerate(items(at(alerting, "alertmanagers"))):
        yield from below(("alerting", "alertmanagers", index), _targets(one))
        yield from below(("alerting", "alertmanagers", index), _relabellings(one, ("relabel_configs", "alert_relabel_configs")))


def check_scrape_file(data: object) -> Iterator[Problem]:
    """What is wrong with a file of `scrape_config_files`."""
    yield from forms.check("scrape_file", data)
    yield from _jobs(data)


def check_targets_file(data: object) -> Iterator[Problem]:
    """What is wrong with a file of `file_sd_configs`."""
    yield from forms.check("targets", data)
    for index, group in enumerate(items(data)):
        for number, address in enumerate(items(at(group, "targets"))):
            if isinstance(address, str) and (wrong := grammars.address(address)):
                yield Problem("X630", (index, "targets", number), f"found {shown(address)}: {wrong}", "take the path off")


def check_resource(kind: str, data: object) -> Iterator[Problem]:
    """What is wrong with a ServiceMonitor, PodMonitor, Probe or ScrapeConfig that its schema cannot say."""
    spec = mapping(at(data, "spec"))
    section = _ENDPOINTS.get(kind)
    jobs = [(("spec", section, index), one) for index, one in enumerate(items(spec.get(section)))] if section else [(("spec",), spec)]
    for path, one in jobs:
        job = {**mapping(one), **mapping(at(one, "targets", "staticConfig"))} if kind == "Probe" else mapping(one)
        names = ("scrapeTimeout", "scrapeInterval" if kind == "ScrapeConfig" else "interval")
        yield from below(path, _patience(job, names, None))
        yield from below(path, _exclusive(job, _OPERATOR_CREDENTIALS))
        for key in ("relabelings", "metricRelabelings"):
            for index, rule in enumerate(items(job.get(key))):
                yield from below((*path, key, index), _relabelling(_snake(mapping(rule))))
                pattern = at(rule, "regex")
                if isinstance(pattern, str) and (wrong := grammars.regex(pattern)):
                    yield Problem("X624", (*path, key, index, "regex"), f"found {shown(pattern)}: {wrong}", "mend the expression")


def _jobs(data: object) -> Iterator[Problem]:
    jobs = items(at(data, "scrape_configs"))
    yield from _twice(("scrape_configs",), [at(job, "job_name") for job in jobs], "job_name")
    usual = mapping(at(data, "global"))
    yield from below(("global",), _patience(usual, ("scrape_timeout", "scrape_interval"), None))
    for index, job in enumerate(map(mapping, jobs)):
        path: Path = ("scrape_configs", index)
        yield from below(path, _patience(job, ("scrape_timeout", "scrape_interval"), usual.get("scrape_interval")))
        yield from below(path, _exclusive(job, _CREDENTIALS))
        yield from below(path, _relabellings(job, _RELABELLINGS))
        yield from below(path, _targets(job))
        for number, one in enumerate(map(mapping, items(job.get("kubernetes_sd_configs")))):
            yield from below((*path, "kubernetes_sd_configs", number), _discovery(one))


def _discovery(one: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _exclusive(one, _CREDENTIALS)
    client = next((key for key in _CLIENT if one.get(key)), None)
    if client and not one.get("api_server"):
        yield Problem("X630", (client,), f"found `{client}` without `api_server`: inside the cluster the pod's account is used",
                      "delete it", key=True)
    if one.get("kubeconfig_file") and (one.get("api_server") or client):
        yield Problem("X630", ("kubeconfig_file",), "found `kubeconfig_file` beside `api_server` or credentials, which it has itself",
                      "delete one of them", key=True)
    if at(one, "namespaces", "own_namespace") and (one.get("api_server") or one.get("kubeconfig_file")):
        yield Problem("X630", ("namespaces", "own_namespace"), "only a pod in the cluster has a namespace of its own", "name it", key=True)
    roles = [at(selector, "role") for selector in items(one.get("selectors"))]
    known = _SELECTABLE.get(str(one.get("role")), set())
    for index, role in enumerate(roles):
        if known and role not in known:
            yield Problem("X630", ("selectors", index, "role"), f"discovery of {one['role']}s takes no selector of {shown(role)}",
                          f"expected {' or '.join(sorted(known))}")
    for index, _ in repeated(roles):
        yield Problem("X630", ("selectors", index, "role"), f"{shown(roles[index])} has a selector already", "write both in one")


def _twice(path: Path, names: list[Any], key: str) -> Iterator[Problem]:
    for index, first in repeated(names):
        yield Problem("X630", (*path, index, key), f"{shown(names[index])} is also the name of item {first + 1}", "rename one of them")


def _patience(job: Mapping[str, Any], names: tuple[str, str], usual: object) -> Iterator[Problem]:
    timeout, interval = job.get(names[0]), job.get(names[1], usual or _DEFAULT_INTERVAL)
    if not isinstance(timeout, str) or not isinstance(interval, str):
        return
    longest, wait = durations.parse(interval), durations.parse(timeout)
    if longest and wait and wait > longest:
        yield Problem("X630", (names[0],), f"the timeout {shown(timeout)} is longer than the interval {shown(interval)}",
                      "shorten the timeout")


def _exclusive(data: object, keys: tuple[str, ...]) -> Iterator[Problem]:
    given = [key for key in keys if at(data, key) is not None]
    if len(given) > 1:
        yield Problem("X630", (given[1],), f"found `{given[0]}` and `{given[1]}`, expected one way to authenticate", "delete one", key=True)


def _targets(job: object) -> Iterator[Problem]:
    # With relabelling the address may be made of something else, as of a URL for the black-box exporter.
    if items(at(job, "relabel_configs")):
        return
    for index, group in enumerate(items(at(job, "static_configs"))):
        for number, address in enumerate(items(at(group, "targets"))):
            if isinstance(address, str) and (wrong := grammars.address(address)):
                yield Problem("X630", ("static_configs", index, "targets", number), f"found {shown(address)}: {wrong}",
                              "write scheme and path as `scheme` and `metrics_path`")


def _relabellings(job: object, keys: tuple[str, ...]) -> Iterator[Problem]:
    for key in keys:
        for index, one in enumerate(items(at(job, key))):
            yield from below((key, index), _relabelling(mapping(one)))


def _snake(rule: Mapping[str, Any]) -> dict[str, Any]:
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return {names.get(key, key): value for key, value in rule.items()}


def _relabelling(rule: Mapping[str, Any]) -> Iterator[Problem]:
    action = str(rule.get("action", "replace")).lower()
    if action in _NEEDS_TARGET and not rule.get("target_label"):
        yield Problem("X630", (), f"the action `{action}` has no target label", "name the label that it writes")
    if action == "hashmod" and not rule.get("modulus"):
        yield Problem("X630", (), "the action `hashmod` has no modulus", "write `modulus:`")
    extra = [key for key in ("source_labels", "target_label", "modulus", "separator", "replacement") if key in rule]
    pure = _ONLY_OF.get(action, frozenset())
    for key in ("regex", "modulus", "separator", "replacement"):
        if key in pure and key in rule:
            yield Problem("X630", (key,), f"the action `{action}` takes no `{key}`", f"delete `{key}`", key=True)
    if action in _ONLY_REGEX and extra:
        yield Problem("X630", (), f"the action `{action}` takes `regex` alone, not `{extra[0]}`", f"delete `{extra[0]}`")
