"""How many series a component has: of each metric that exists at its release, for each of its pods at most.

A metric has as many series as its labels have combinations of values, and of a histogram each has its buckets, one without an upper
bound, a sum and a count. What a catalog or spec says of values is counted; the rest is what is usual, and named below.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

from obsc.catalog.profile import Metric, Presence, Profile
from obsc.catalog.versions import presence
from obsc.resolve import Resolved
from obsc.signals.reading import met, releases
from obsc.signals.subject import MODEL_LABELS, Subject

# Values that labels usually have where nobody says them: routes of an API, success and failure, two kinds of calls. Whatever
# else the catalog leaves open tells one process from another, of which a page has one.
_USUAL: Mapping[str, int] = {
    **dict.fromkeys(("handler", "path", "route", "endpoint", "uri"), 3),
    **dict.fromkeys(("status", "status_code", "code", "http_response_code", "http_status", "error_code", "exception_type"), 2),
    **dict.fromkeys(("is_streaming", "mode", "stage"), 2)}
_DEVICES = frozenset({"gpu", "gpu_id", "gpu_uuid", "UUID", "device", "DeviceId"})
# Of a label that a team declares without its values.
_OPEN = 10
# Bounds of a histogram of which they are not known; quantiles of a summary, which some libraries leave out.
_BOUNDS, _QUANTILES = 14, 5
# What a client library tells of its process by itself, and Prometheus of each scrape.
_LIBRARY, _SCRAPE = 22, 5


class Share(NamedTuple):
    """How many series one metric has, in all pods. `glob`: what `dropMetrics` names them by, "" where it cannot."""

    metric: str
    series: int
    glob: str = ""


def estimated(resolved: Resolved, recorded: int) -> tuple[Share, ...]:
    """Series of a component by metric, most first; `recorded`: how many series its rules record."""
    subject, replicas = Subject(resolved), resolved.service.workload.replicas
    pods = replicas.max or replicas.min or 1
    found = [Share(facts.name, pods * _of_pod(subject, facts, own=own), facts.name + ("_*" if _ends(subject, facts) else ""))
             for facts, own in _metrics(subject)]
    found += [Share("what client libraries add", pods * _LIBRARY), Share("what Prometheus adds", pods * _SCRAPE),
              Share("what rules record", recorded * max(len(subject.served), 1))]
    return tuple(sorted((one for one in found if one.series), key=lambda one: (-one.series, one.metric)))


def _metrics(subject: Subject) -> Iterator[tuple[Metric, bool]]:
    """Metrics that the pages have, each once, and whether the team declares it."""
    for _, facts, _ in subject.series.values():
        yield facts, True
    seen = set(subject.series)
    for profile in subject.profiles:
        for facts in profile.metrics:
            if facts.name not in seen and _there(subject.resolved, profile, facts):
                seen.add(facts.name)
                yield facts, False


def _there(resolved: Resolved, profile: Profile, facts: Metric) -> bool:
    versions = releases(facts, profile, resolved, None)
    circumstance = facts.condition is not None and not facts.condition[0]
    lacking = versions is not None and presence(facts, versions) is Presence.NO
    return not lacking and not circumstance and met(facts, resolved, None)


def _of_pod(subject: Subject, facts: Metric, *, own: bool) -> int:
    labels = prod(_values(subject, facts, label, own=own) for label in facts.labels)
    dropped = subject.resolved.service.metrics.drop_metrics
    names = _ends(subject, facts) or {"": 1}
    return labels * sum(count for end, count in names.items() if not any(fnmatch.fnmatchcase(facts.name + end, glob) for glob in dropped))


def _ends(subject: Subject, facts: Metric) -> Mapping[str, int]:
    """How many series stand behind each ending of a metric's name; nothing for a metric that is as it is called."""
    if facts.type == "histogram":
        said = subject.resolved.service.runtime.buckets.get(facts.name, facts.buckets)
        return {"_bucket": (len(said) or _BOUNDS) + 1, "_sum": 1, "_count": 1}
    if facts.type == "summary":
        return {"": _QUANTILES, "_sum": 1, "_count": 1}
    return {}


def _values(subject: Subject, facts: Metric, label: str, *, own: bool) -> int:
    known = dict(facts.label_values).get(label, ())
    if known:
        return len(known)
    if label in MODEL_LABELS or label == subject.resolved.profile.model_label:
        return max(len(subject.served), 1)
    accelerators = subject.resolved.service.accelerators
    if label in _DEVICES:
        # Several labels tell one device: the first of them counts.
        first = next(one for one in facts.labels if one in _DEVICES)
        return accelerators.per_pod if accelerators is not None and label == first else 1
    return _OPEN if own else _USUAL.get(label, 1)
