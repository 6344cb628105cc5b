"""Alerts that have gone blind: a rule over a series that is gone never fires, and says so nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from obsc import endpoints, workloads
from obsc.catalog.profile import Metric, Term
from obsc.ir import AlertRule, Field, RecordingRule
from obsc.promql import (
    Binary,
    Call,
    Expr,
    Matcher,
    Number,
    Range,
    Selector,
    aggregate,
    any_of,
    equal,
    increase,
    labelled,
    over,
    select,
    walk,
)
from obsc.signals.alert import WARNING, WHO, Story, alert, replicas
from obsc.signals.pipeline import CHECKS
from obsc.signals.reading import Reading
from obsc.signals.settings import Default
from obsc.signals.subject import EXPORTERS, Subject

# Right after a start nothing has been scraped yet: an absence must last a while to be one.
BLIND = Default("MetricMissing", WARNING, hold=300)
_ABSENT, _HOUR, _DAY = 600.0, 3600.0, 86400.0
# What every target has is as absent as the target, which ServiceDown sees; the age of pods only guards other rules.
_NEVER_MISSED = frozenset({"up", "scrape_samples_post_metric_relabeling", "kube_pod_start_time", "kube_pod_status_phase"})
# Signals whose series move with every request.
_REQUESTS = ("traffic", "availability", "requestDuration", "timeToFirstToken")
# Signals whose alerts read metrics that may have several names here, and those that are parts of a whole.
_NAMED = ("availability", "requestDuration", "timeToFirstToken", "gpuUtilization", "requestsRunning", "requestsWaiting", "kvCacheUsage",
          "preemptions", "traffic", "engineSteps", "requestsShed", "requestsAbandoned", "gpuHardwareFault", "gpuApplicationFault",
          "gpuUncorrectable", "gpuHeldBack", "gpuLinkErrors")
_PARTS = ("availability", "requestsShed", "requestsAbandoned")
_OBJECTS = frozenset({"namespace", "pod", "container", "deployment", "statefulset", "daemonset", "exported_namespace", "exported_pod"})


def blind(subject: Subject, alerts: Iterable[AlertRule], recordings: Iterable[RecordingRule]) -> tuple[AlertRule, ...]:
    """One MetricMissing over every metric that an alert needs; its label `metric` says which one is gone.

    It is silent where nothing could report the metric (ServiceDown and NoReadyReplicas speak then, and a service at
    rest is no fault), and there is none for `up` and for series that exist only under a circumstance.
    """
    if subject.settings(BLIND) is None:
        return ()
    recorded: dict[str, list[RecordingRule]] = {}
    for one in recordings:
        recorded.setdefault(one.name, []).append(one)
    spare, either = _spare(subject), _either(subject)
    users: dict[tuple[str, ...], dict[str, str]] = {}
    found: dict[str, _Wanted] = {}
    for rule in alerts:
        for selector in _needed(rule.expr, recorded):
            facts = subject.facts(selector.metric)
            if facts is not None and facts.name not in spare | _NEVER_MISSED:
                found.setdefault(facts.name, _Wanted(facts, selector))
                users.setdefault(either.get(facts.name, (facts.name,)), {})[rule.name] = rule.panel
    groups = {names: [found[name] for name in names if name in found] for names in sorted(users)}
    watched = [(wanted, users[names]) for names, wanted in groups.items() if any(_certain(one.facts) for one in wanted)]
    return (_missing(subject, watched),) if watched else ()


@dataclass(frozen=True, slots=True)
class _Wanted:
    facts: Metric
    selector: Selector


def _spare(subject: Subject) -> frozenset[str]:
    """Metrics that begin with their first event and whose absence is no fault: failures that nobody has met yet, and
    what is added to another count.
    """
    added, first = set(), set()
    for reading in (one for signal in _PARTS for one in subject.readings(signal)):
        measure = reading.measure
        first |= {term.metric for term in measure.total[:1]}
        added |= {term.metric for term in (*measure.errors, *measure.total[1:]) if reading.metric(term).lazy}
    return frozenset(added - first)


def _either(subject: Subject) -> Mapping[str, tuple[str, ...]]:
    """Where the version leaves open which of several metrics there is, all of them by each one's name: one is enough."""
    groups: dict[str, tuple[str, ...]] = {}
    for signal in _NAMED:
        found = subject.readings(signal)
        names = tuple(dict.fromkeys((reading.measure.total or reading.terms[-1:])[0].metric for reading in found))
        groups |= {term.metric: names for reading in found for term in reading.terms if len(names) > 1}
    # One kind of workload can be made of several kinds of objects: of which is the cluster's affair.
    counted = [one.series for one in workloads.counts(subject.resolved)]
    for names in (tuple(one.wanted for one in counted), tuple(one.available for one in counted)):
        groups |= dict.fromkeys(names, names) if len(names) > 1 else {}
    return groups


def _needed(expr: Expr, recorded: Mapping[str, list[RecordingRule]]) -> Iterable[Selector]:
    for part in walk(expr):
        if isinstance(part, Selector):
            if part.metric not in recorded:
                yield part
            for rule in recorded.get(part.metric, ()):
                if _meant(part, rule):
                    yield from _needed(rule.expr, recorded)


def _meant(selector: Selector, rule: RecordingRule) -> bool:
    """Whether a selector may find what a rule records: several rules record series of one name."""
    labels = dict(rule.labels)
    return all(labels.get(one.label, one.value) == one.value for one in selector.matchers if one.op == "=")


def _certain(facts: Metric) -> bool:
    """A flag that the spec sets makes a metric as certain as any; a circumstance that no flag decides does not."""
    return not facts.uncertain and (facts.condition is None or facts.condition[0] != "")


def _missing(subject: Subject, watched: Sequence[tuple[list[_Wanted], Mapping[str, str]]]) -> AlertRule:
    """Over groups of metrics, one of each of which is enough, with the alerts (name → panel) that see nothing without."""
    settings = subject.settings(BLIND)
    assert settings is not None
    models = dict.fromkeys(model for wanted, _ in watched if (model := _several(subject, wanted[0])))
    told = "; ".join(f"{_named(wanted)}: {', '.join(sorted(users))}" for wanted, users in watched)
    # Without a page there is no panel of it: then that of an alert that went blind.
    first = watched[0][1]
    panel = first[min(first)] if endpoints.pageless(subject.resolved) else "samples"
    return alert(subject, settings, Story(
        "telemetry", "telemetry", panel,
        (*WHO, " no longer reports ", Field(label="metric"), *(part for model in models for part in (" ", Field(label=model, other="")))),
        (f"Without their series alerts can never fire. {told}.",), "An outage of that kind would go unseen.", CHECKS),
        any_of(*(labelled(_absence(subject, wanted), "metric", _named(wanted)) for wanted, _ in watched)))


def _named(wanted: list[_Wanted]) -> str:
    return " or ".join(one.facts.name for one in wanted)


def _absence(subject: Subject, wanted: list[_Wanted]) -> Expr:
    """That all of a group are gone, while somebody is there who could report them."""
    first, *others = (_gone(subject, one) for one in wanted)
    gone: Expr = first
    for other in others:
        gone = Binary("and", gone, other)
    by = _sites(subject, wanted[0].selector)
    alive = _reporter(subject, wanted[0].selector, by)
    return gone if alive is None else Binary("and", gone, alive, on=by)


def _sites(subject: Subject, selector: Selector) -> tuple[str, ...]:
    """The label by which the absence is told of each of several namespaces, if it is that of the targets too."""
    return ("namespace",) if len(subject.each_site(selector)) > 1 and any(one.label == "namespace" for one in selector.matchers) else ()


def _reporter(subject: Subject, selector: Selector, by: tuple[str, ...]) -> Expr | None:
    """That somebody is there who could report a metric: a target, or for what exporters say of pods, a pod.

    The pods are counted, not matched by their names: names that match none are just what makes a rule blind.
    """
    if _exported(subject, selector):
        of_pods = any(one.label in {"pod", "exported_pod"} for one in selector.matchers)
        count = replicas(subject) if of_pods else None
        if count is not None:
            return Binary(">", count.available, Number(0))
        uncounted = of_pods and not workloads.counts(subject.resolved) and not endpoints.pageless(subject.resolved)
        return Binary("==", aggregate("max", subject.own("up"), *by), Number(1)) if uncounted else None
    return Binary("==", aggregate("max", _targets(subject, selector), *by), Number(1))


def _exported(subject: Subject, selector: Selector) -> bool:
    return any(subject.exported_by(key, selector.metric) for key in EXPORTERS)


def _targets(subject: Subject, selector: Selector, offset: float = 0) -> Selector:
    job = next((one.value for one in selector.matchers if one.label == "job" and one.op == "="), "")
    return subject.own("up", job=job, offset=offset)


def _several(subject: Subject, wanted: _Wanted) -> str:
    """The label of a model, where rules ask for several by their names: each of them may be the one that is gone."""
    label = subject.model_label(wanted.facts)
    return label if any(one.label == label for one in wanted.selector.matchers) and len(subject.served) > 1 else ""


def _gone(subject: Subject, wanted: _Wanted) -> Expr:
    facts, selector = wanted.facts, wanted.selector
    model = _several(subject, wanted)
    sites = _sites(subject, selector)
    by = (*((model,) if model else ()), *sites)
    kinds: list[tuple[Matcher, ...]] = [(equal(model, name),) for name in subject.served] if model else [()]
    name = facts.name + "_count" if facts.type in {"histogram", "summary"} else facts.name
    everything = [one for kind in kinds
                  for one in subject.each_site(select(name, *(one for one in selector.matchers if _tells(one, facts)), *kind))]

    def absent(window: float) -> Expr:
        return aggregate("max", any_of(*(Call("absent_over_time", (Range(one, window),)) for one in everything)), *by)

    if not facts.lazy:
        return absent(_ABSENT if _exported(subject, selector) else max(_ABSENT, subject.startup))
    # It begins with the first request: an hour without it means something if requests are seen elsewhere, else a day.
    a_day = Binary("and", absent(_DAY), Binary("==", aggregate("max", _targets(subject, selector, _DAY), *sites), Number(1)), on=sites)
    served = _requests(subject, facts, sites)
    return a_day if served is None else any_of(Binary("and", absent(_HOUR), served, on=sites), a_day)


def _requests(subject: Subject, but: Metric, by: tuple[str, ...]) -> Expr | None:
    """That there were requests within the hour, as another metric tells."""
    found: list[tuple[Reading, Term]] = []
    for signal in _REQUESTS:
        for reading in subject.readings(signal):
            m = reading.measure
            counters = m.total or m.counters or tuple(one for one in (m.histogram, m.mean_count) if one is not None)
            if counters and not reading.exporter and reading.metric(counters[0]).name != but.name:
                found.append((reading, counters[0]))
    certain = [(reading, term) for reading, term in found if not reading.metric(term).lazy]
    for reading, term in (certain or found)[:1]:
        series = subject.read(reading, term, "_count" if reading.metric(term).type == "histogram" else "")
        if certain:
            return Binary(">", aggregate("sum", increase(series, _HOUR), *by), Number(0))
        return aggregate("max", over("present_over_time", series, _HOUR), *by)
    return None


def _tells(matcher: Matcher, facts: Metric) -> bool:
    """Whether a matcher says whose series it is, and not which of them (a status, a bucket, a reason)."""
    own = set(facts.labels) - _OBJECTS - {label for label, _ in facts.scope}
    return matcher.label not in own and matcher.label != "le"
