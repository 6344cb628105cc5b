"""What a team writes in PromQL, against what is known of its metrics: types, units, labels, windows, shapes."""

from __future__ import annotations

from dataclasses import replace

from obsc import endpoints
from obsc.catalog.profile import Metric
from obsc.catalog.versions import at_least
from obsc.diagnostics import Diagnostic, Sink, render
from obsc.encode import series_label
from obsc.ir import Service
from obsc.patterns import Setting, judged
from obsc.promql_text import plain, selectors, uncommented, written_problem
from obsc.resolve import Resolved
from obsc.rules.releases import gone
from obsc.rules.texts import Written, texts
from obsc.signals.subject import Subject
from obsc.signals.written import OF_TARGETS, owner

# What the scrapes of every form of output add.
_OF_TARGETS = frozenset({"job", "instance", "namespace", "pod", "container", "node", "service", "endpoint", "component", "cluster"})
_OF_PARTS = frozenset({"S382", "S386", "S391"})


def written_patterns(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Written expressions mean what they seem to: functions and numbers fit the metrics, labels exist, alerts can fire and end."""
    subject = Subject(resolved)
    usual = _setting(subject)
    for one in texts(resolved):
        if written_problem(one.text) is not None:
            continue
        _releases(subject, one, sink)
        found = judged(plain(uncommented(one.text)), replace(usual, alert=one.alert))
        for pattern in found:
            if not (one.part and pattern.code in _OF_PARTS):
                sink.add(Diagnostic(pattern.code, pattern.severity, pattern.message, resolved.origins.place(one.path), render(one.path),
                                    pattern.hint))


def _releases(subject: Subject, one: Written, sink: Sink) -> None:
    for name in dict.fromkeys(found.metric for found in selectors(plain(uncommented(one.text))) if found.metric):
        why = gone(subject, name)
        if why is not None:
            sink.warning("S389", why.message, subject.resolved.origins.place(one.path), path=render(one.path), hint=why.hint)


def _setting(subject: Subject) -> Setting:
    prometheus, replicas = subject.resolved.platform.prometheus, subject.resolved.service.workload.replicas
    return Setting(
        facts=lambda name: _facts(subject, name), moved=lambda name: _moved(subject, name), added=lambda name: _added(subject, name),
        busy=lambda name: _busy(subject, name), interval=subject.interval, kept=0 if prometheus.remote_write else prometheus.retention,
        several=(replicas.max or replicas.min) > 1, floats=at_least(prometheus.version, 3))


def _facts(subject: Subject, name: str) -> Metric | None:
    """Facts on a metric that somebody here exposes, with the bounds that the spec gives it."""
    found = owner(subject, name)
    if found is None:
        return subject.facts(name) if name in OF_TARGETS else None
    facts = found.subject.facts(name)
    said = found.subject.resolved.service.runtime.buckets.get(facts.name) if facts is not None else None
    return replace(facts, buckets=said) if facts is not None and said is not None else facts


def _exporter(subject: Subject, name: str) -> str:
    found = owner(subject, name)
    return found.exporter if found is not None else ""


def _moved(subject: Subject, name: str) -> bool:
    exporter = subject.exporter(_exporter(subject, name)) if _exporter(subject, name) else None
    return exporter is not None and not exporter.honor_labels


def _added(subject: Subject, name: str) -> frozenset[str] | None:
    """Labels that a scrape gives to a metric's series; None for those of others, which the compiler does not make."""
    found = owner(subject, name)
    if found is None or found.exporter or endpoints.discovery(found.subject.resolved) == "none":
        return None
    metrics, platform = found.subject.resolved.service.metrics, subject.resolved.platform
    static = [one.labels for said in (metrics.static_configs, *(end.static_configs for end in metrics.endpoints)) for one in said]
    return _OF_TARGETS.union((series_label(key) for key in metrics.pod_target_labels), platform.prometheus.group_labels, *static)


def _busy(subject: Subject, name: str) -> bool:
    """Whether a metric is read as how busy an accelerator is."""
    return any(term.metric == name for reading in subject.readings("gpuUtilization") for term in reading.terms)
