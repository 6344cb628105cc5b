"""What the texts of a committed part may say: no more than the compiler writes for a service of that identity.

Shared consumers read these files as they are. Who can change a part could otherwise have Prometheus scrape any address, a
shipper read any log, and one broken file keep a consumer from loading all others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from obsc import conventions, encode, privacy
from obsc.diagnostics import Sink
from obsc.part import DASHBOARD, LOGS, RULES, SCRAPE, Part
from obsc.promql import problem as promql_problem
from obsc.rules.addresses import target_problem
from obsc.rules.namespaces import namespace_problem
from obsc.source import load, plain
from obsc.spec.platform import AIPlatform

_LARGEST = 1 << 20
_JOB = frozenset({
    "job_name", "scrape_interval", "scrape_timeout", "metrics_path", "scheme", "params", "fallback_scrape_protocol", "sample_limit",
    "target_limit", "label_limit", "label_name_length_limit", "label_value_length_limit", "authorization", "tls_config",
    "kubernetes_sd_configs", "static_configs", "relabel_configs", "metric_relabel_configs"})
_INPUT = frozenset({"type", "id", "paths", "prospector", "file_identity", "close.on_state_change.removed", "message_max_bytes",
                    "parsers", "processors"})
_RULE = frozenset({"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"})
_NAMESPACE = "__meta_kubernetes_namespace"
_TO_PORT = re.compile(r"\$1:[0-9]{1,5}")
_EXPANDED = re.compile(r"(?<!\$)(?:\$\$)*\$[{(]")


Check = Callable[[Part, AIPlatform, list[str]], Iterator[str]]  # reads all pieces of a file


class Fault(NamedTuple):
    """A file of the part, and what it says that no compiler wrote."""

    file: str
    text: str


def faults(part: Part, platform: AIPlatform) -> Iterator[Fault]:
    """What is wrong with a part that was read from disk: its names, then each text, the first fault of each."""
    yield from _names(part)
    yield from _teams(part, platform)
    checks: tuple[tuple[str, Check], ...] = ((SCRAPE, _scrape), (LOGS, _logs), (RULES, _rules), (DASHBOARD, _dashboard))
    for file, check in checks:
        texts = [text for _, text in part.pieces(file)]
        fault = next(_careful(check, part, platform, texts), None) if texts else None
        if fault is not None:
            yield Fault(conventions.piece_file(file, next(part.pieces(file))[0]), fault)


def _careful(check: Check, part: Part, platform: AIPlatform, texts: list[str]) -> Iterator[str]:
    """The faults that a check finds; where a text has another shape than it reads, that is the fault."""
    try:
        yield from check(part, platform, texts)
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, RecursionError):
        yield "it has not the form that the compiler writes"


def _names(part: Part) -> Iterator[Fault]:
    """A part speaks for its own service: what it claims carries that service's name."""
    identity = part.identity
    claims = [("scrape job", one, f"{identity.namespace}/{identity.name}/") for one in part.jobs]
    claims += [("log input", f"{one}.", f"{identity.environment}.{identity.namespace}.{identity.name}") for one in part.log_ids]
    claims += [("service", f"{one}-", f"{identity.name}-") for one in (part.traces.services if part.traces is not None else ())]
    for what, claim, begin in claims:
        if not claim.startswith(begin) or (what == "log input" and claim[len(begin)] not in ".-"):
            yield Fault("part.json", f"the {what} `{claim.rstrip('.-')}` is not of this service")


def _teams(part: Part, platform: AIPlatform) -> Iterator[Fault]:
    """Alerts are of teams that the platform has, and a service runs where its team may."""
    teams = platform.alertmanager.teams
    for name in sorted({part.team, *(route.team for route in part.routes)}) if teams else ():
        if name not in teams:
            yield Fault("part.json", f"the platform has no team `{name}`")
    for name in dict.fromkeys((part.identity.namespace, *part.namespaces)):
        problem = namespace_problem(name, part.identity.namespace, part.team, platform)
        if problem:
            yield Fault("part.json", problem)


def _read(text: str, *, lists: bool = False) -> Any:  # noqa: ANN401  whatever the file holds
    sink = Sink()
    found = load("part", text.encode(), sink, lists=lists, most=_LARGEST)
    if sink.failed or len(found.documents) != 1:
        raise ValueError
    return plain(found.documents[0].root)


def _scrape(part: Part, platform: AIPlatform, texts: list[str]) -> Iterator[str]:
    data = [_read(text) for text in texts]
    jobs = [job for one in data for job in one["scrape_configs"]]
    if any(set(one) != {"scrape_configs"} for one in data) or sorted(job["job_name"] for job in jobs) != sorted(part.jobs):
        yield "it has other jobs than the part names"
    for job in jobs:
        yield from _unknown(job, _JOB)
        yield from _files(job)
        for found in job.get("kubernetes_sd_configs", ()):
            if set(found) - {"role", "namespaces", "selectors"} or not _confined(part, found, job["relabel_configs"]):
                yield "it discovers more than its own namespace"
        probed = job.get("params") is not None
        for target in chain.from_iterable(one["targets"] for one in job.get("static_configs", ())):
            problem = "" if probed else target_problem(target, platform.policy.targets)
            if problem:
                yield f"the target `{target}` is not allowed: {problem}"
        yield from _relabelling(job["relabel_configs"], part, platform, found="kubernetes_sd_configs" in job)


def _confined(part: Part, found: Mapping[str, Any], steps: list[dict[str, Any]]) -> bool:
    """Whether discovery sees the part's namespaces alone, or what it sees of others is dropped first of all."""
    if not conventions.globs(part.namespaces):
        return bool(found.get("namespaces") == {"names": list(part.namespaces)})
    kept = {"source_labels": [_NAMESPACE], "regex": encode.re2_namespaces(part.namespaces), "action": "keep"}
    return "namespaces" not in found and steps[:1] == [kept]


def _relabelling(steps: list[dict[str, Any]], part: Part, platform: AIPlatform, *, found: bool) -> Iterator[str]:
    """A target stays where policy looked at it, and its series are the service's."""
    addresses = {platform.sources.blackbox.address, None}
    said: dict[str, object] = {}
    for step in steps:
        yield from _unknown(step, frozenset({"source_labels", "regex", "target_label", "replacement", "action"}))
        label, new = step.get("target_label", ""), step.get("replacement")
        told = found and part.scattered and step == {"source_labels": [_NAMESPACE], "target_label": "namespace"}
        said[label] = part.identity.namespace if told else None if "source_labels" in step else new
        moved = label == "__address__" and _TO_PORT.fullmatch(str(new)) is None and (new is None or new not in addresses)
        if moved or (label.startswith("__") and not label.startswith(("__address__", "__meta_", "__param_target"))):
            yield f"it changes `{label}`"
        if step.get("action", "replace") not in {"replace", "keep", "drop"}:
            yield f"it has the action `{step['action']}`"
    if (said.get("namespace"), said.get("service")) != (part.identity.namespace, part.identity.name):
        yield "its series are not labelled as this service's"


def _files(data: object) -> Iterator[str]:
    """Secrets are read from where they are mounted, and from nowhere else."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            outside = not str(value).startswith(conventions.SECRETS_PROMETHEUS + "/") or ".." in str(value)
            if (str(key).endswith("_file") and outside) or key in {"credentials", "password"}:
                yield f"it reads `{key}` from somewhere else than a mounted Secret"
            yield from _files(value)


def _logs(part: Part, platform: AIPlatform, texts: list[str]) -> Iterator[str]:
    inputs = [one for text in texts for one in _read(text, lists=True)]
    if sorted(one["id"] for one in inputs) != sorted(map(encode.beats, part.log_ids)):
        yield "it has other inputs than the part names"
    if any(_EXPANDED.search(text) for text in texts):
        yield "it expands a variable of the shipper"
    for one in inputs:
        yield from _unknown(one, _INPUT)
        if one["type"] != "filestream":
            yield f"it has an input of type `{one['type']}`"
        folders = tuple(f"{folder.rstrip('/')}/" for folder in platform.policy.log_paths)
        for path in one["paths"]:
            if not path.startswith(folders) or ".." in path.split("/"):
                yield f"the log path `{path}` is not in {', '.join(folders)}"
        masks = one["processors"][0]["script"]["params"]["masks"]
        if not platform.policy.allow_content and not set(privacy.USUAL_MASKS) <= set(masks):
            yield "it masks less than the platform asks for"


def _rules(part: Part, _: AIPlatform, texts: list[str]) -> Iterator[str]:
    identity, teams = part.identity, {route.team for route in part.routes} | {part.team}
    for group in chain.from_iterable(_read(text)["groups"] for text in texts):
        for rule in group["rules"]:
            yield from _unknown(rule, _RULE)
            problem = promql_problem(str(rule["expr"]))
            if problem:
                yield f"an expression is not PromQL: {problem}"
            labels = rule["labels"]
            home = labels.get("namespace") if "alert" in rule or not part.scattered else identity.namespace
            if (home, labels["service"]) != (identity.namespace, identity.name) or labels["team"] not in teams:
                yield "a rule speaks for another service or team"


def _dashboard(part: Part, _: AIPlatform, texts: list[str]) -> Iterator[str]:
    if any(json.loads(text)["uid"] != part.dashboard[0] for text in texts):
        yield "it has another uid than the part names"


def _unknown(data: Mapping[str, object], known: frozenset[str]) -> Iterator[str]:
    for key in sorted(set(data) - known):
        yield f"it has the key `{key}`"
