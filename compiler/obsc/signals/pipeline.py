"""The telemetry itself: targets that do not answer, series that vanish, and alerts that have gone blind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from obsc import endpoints
from obsc.catalog.profile import Metric
from obsc.encode import re2_literal
from obsc.ir import AlertRule, Chart, Discovery, Field, Origin, Panel, Query, RecordingRule, Unit
from obsc.promql import Binary, Call, Expr, Matcher, Number, Range, Selector, aggregate, equal, over, regex, select, walk
from obsc.signals.alert import WARNING, WHO, Contribution, Story, alert, share, unless_young
from obsc.signals.settings import Default
from obsc.signals.subject import NO_PAGE, Subject

TARGET = Default("TargetDown", WARNING, hold=600)
SAMPLES = Default("ScrapeSamplesDropped", WARNING, hold=900, threshold=0.5, kind="ratio")
# Right after a start nothing has been scraped yet: an absence must last a while to be one.
BLIND = Default("MetricMissing", WARNING, hold=300)
_SAMPLES = "scrape_samples_post_metric_relabeling"
_ABSENT, _ABSENT_LAZY = 600.0, 3600.0
# What every target has is as absent as the target, which ServiceDown sees; the age of pods only guards other rules.
_NEVER_MISSED = frozenset({"up", _SAMPLES, "kube_pod_start_time", "kube_pod_status_phase"})

_CHECKS = ("Does the target answer its metrics path from inside the cluster?",
           "Was the runtime upgraded? Metrics are renamed between versions: set `runtime.version` and compile again.",
           "Did a label, a port or a network policy change?")


def pipeline(subject: Subject) -> Contribution:
    """TargetDown for one target of several, ScrapeSamplesDropped for a page that lost half of its series."""
    if endpoints.pageless(subject.resolved):
        return Contribution(omitted=tuple((one.name, NO_PAGE) for one in (TARGET, SAMPLES)))
    alerts = [rule for rule in (_target(subject), _samples(subject)) if rule is not None]
    return Contribution(alerts=tuple(alerts), panels=(("telemetry", _targets(subject)), ("telemetry", _page(subject))))


def blind(subject: Subject, alerts: Iterable[AlertRule], recordings: Iterable[RecordingRule]) -> tuple[AlertRule, ...]:
    """One MetricMissing for each metric that an alert needs: a rule over a series that is gone never fires.

    Not for `up` (ServiceDown sees its absence) and not for series that exist only under a circumstance. A series
    that begins with its first event gets a longer window, since a quiet hour after a restart is no fault.
    """
    settings = subject.settings(BLIND)
    if settings is None:
        return ()
    recorded = {rule.name: rule.expr for rule in recordings}
    spare, either = _spare(subject), _either(subject)
    users: dict[tuple[str, ...], dict[str, str]] = {}
    selectors: dict[str, Selector] = {}
    for rule in alerts:
        for selector in _needed(rule.expr, recorded):
            name = _base(subject, selector.metric)
            selectors.setdefault(name, selector)
            if name not in spare:
                users.setdefault(either.get(name, (name,)), {})[rule.name] = rule.panel
    return tuple(_missing(subject, watched, selectors, users[names]) for names in sorted(users)
                 if (watched := {name: facts for name in names if name in selectors
                                 and (facts := _watched(subject, name)) is not None}))


def _spare(subject: Subject) -> frozenset[str]:
    """Metrics that begin with their first event and whose absence is no fault: failures that nobody has met yet, and
    what is added to another count.
    """
    added, first = set(), set()
    for reading in subject.readings("availability"):
        measure = reading.measure
        first |= {term.metric for term in measure.total[:1]}
        added |= {term.metric for term in (*measure.errors, *measure.total[1:]) if reading.metric(term).lazy}
    return frozenset(added - first)


def _either(subject: Subject) -> Mapping[str, tuple[str, ...]]:
    """Where the version leaves open which of several metrics there is, all of them by each one's name: one is enough."""
    groups: dict[str, tuple[str, ...]] = {}
    for signal in ("availability", "requestDuration", "timeToFirstToken"):
        found = subject.readings(signal)
        names = tuple(dict.fromkeys((reading.measure.total or reading.terms[-1:])[0].metric for reading in found))
        groups |= {term.metric: names for reading in found for term in reading.terms if len(names) > 1}
    return groups


def _needed(expr: Expr, recorded: Mapping[str, Expr]) -> Iterable[Selector]:
    for part in walk(expr):
        if isinstance(part, Selector):
            if part.metric in recorded:
                yield from _needed(recorded[part.metric], recorded)
            else:
                yield part


def _base(subject: Subject, name: str) -> str:
    facts = subject.facts(name)
    return facts.name if facts is not None else name


def _watched(subject: Subject, name: str) -> Metric | None:
    facts = subject.facts(name)
    if facts is None or name in _NEVER_MISSED:
        return None
    # A flag that the spec sets makes a metric as certain as any; a circumstance that no flag decides does not.
    circumstance = facts.condition is not None and not facts.condition[0]
    return None if circumstance else facts


def _missing(subject: Subject, watched: Mapping[str, Metric], selectors: Mapping[str, Selector],
             users: Mapping[str, str]) -> AlertRule:
    """Over `watched` metrics, without which the alerts in `users` (name → panel) see nothing."""
    settings = subject.settings(BLIND)
    assert settings is not None
    first, *others = (_gone(name, facts, selectors[name]) for name, facts in watched.items())
    gone: Expr = first
    for other in others:
        gone = Binary("and", gone, other)
    # Without a page there is no panel of it: then that of an alert that went blind.
    panel = users[min(users)] if endpoints.pageless(subject.resolved) else "samples"
    return alert(subject, settings, Story(
        "telemetry", "telemetry", panel, (*WHO, " no longer reports ", Field(label="metric")),
        ("Without this series these alerts can never fire: " + ", ".join(sorted(users)) + ".",),
        "An outage of that kind would go unseen.", _CHECKS), gone, ("metric", " or ".join(watched)))


def _gone(name: str, facts: Metric, selector: Selector) -> Expr:
    shown = name + "_count" if facts.type in {"histogram", "summary"} else name
    everything = select(shown, *(matcher for matcher in selector.matchers if _tells(matcher, facts)))
    window = _ABSENT_LAZY if facts.lazy else _ABSENT
    return aggregate("max", Call("absent_over_time", (Range(everything, window),)))


def _tells(matcher: Matcher, facts: Metric) -> bool:
    """Whether a matcher says whose series it is, and not which of them (a status, a bucket, a reason)."""
    own = {label for label in facts.labels if label not in {"namespace", "pod", "container", "deployment", "statefulset",
                                                            "daemonset", "exported_namespace", "exported_pod"}}
    own -= {label for label, _ in facts.scope}
    return matcher.label not in own and matcher.label != "le"


def _jobs(subject: Subject) -> tuple[Matcher, ...]:
    found = sorted({endpoints.job_label(subject.resolved, one) for one in endpoints.all_endpoints(subject.resolved)})
    if len(found) == 1:
        return (equal("job", found[0]),)
    return (regex("job", "|".join(re2_literal(job) for job in found)),)


def _every(subject: Subject, name: str) -> Selector:
    if subject.resolved.service.metrics.matchers:
        return subject.own(name)
    return select(name, *subject.place(), *subject.component, *_jobs(subject))


def _target(subject: Subject) -> AlertRule | None:
    settings = subject.settings(TARGET)
    if settings is None:
        return None
    in_pods = endpoints.discovery(subject.resolved) in {Discovery.PODS, Discovery.SERVICE}
    by = ("namespace", "job", "instance", "pod") if in_pods else ("namespace", "job", "instance")
    expr: Expr = Binary("==", aggregate("max", _every(subject, "up"), *by), Number(0))
    if in_pods:
        expr = unless_young(subject, expr, "namespace", "pod")
    return alert(subject, settings, Story(
        "up", "telemetry", "targets", (*WHO, " has a target that does not answer"),
        ("Target ", Field(label="instance"), " of job ", Field(label="job"), " does not answer its scrape."),
        "That replica is down, or nobody sees what it does.", _CHECKS), expr)


def _samples(subject: Subject) -> AlertRule | None:
    settings = subject.settings(SAMPLES)
    if settings is None:
        return None
    by = ("namespace", "job")
    now = aggregate("avg", _every(subject, _SAMPLES), *by)
    before = aggregate("avg", over("avg_over_time", _every(subject, _SAMPLES), 3600), *by)
    expr = Binary("<", Binary("/", now, Binary(">", before, Number(0))), Number(settings.threshold))
    return alert(subject, settings, Story(
        "telemetry", "telemetry", "samples", (*WHO, " lost many of its series"),
        ("The scrape of job ", Field(label="job"), " brings only ", share(), " of the samples of the hour before."),
        "Panels and alerts over the lost series see nothing.", _CHECKS), expr)


def _targets(subject: Subject) -> Panel:
    seen = subject.viewed
    return Panel(
        "targets", "Targets", Chart.STATES, Unit.BOOL,
        (Query(aggregate("max", _every(seen, "up"), "namespace", "job", "instance"), (Field(label="instance"),)),),
        "Whether each target answers its scrape. TargetDown and ServiceDown watch them.", Origin("pipeline"), width=12)


def _page(subject: Subject) -> Panel:
    seen = subject.viewed
    return Panel(
        "samples", "Samples per Scrape", Chart.LINES, Unit.COUNT,
        (Query(aggregate("avg", _every(seen, _SAMPLES), "namespace", "job"), (Field(label="job"),)),),
        "Samples that a scrape brings. A sudden fall means renamed or lost metrics; ScrapeSamplesDropped watches it.",
        Origin("pipeline"), minimum=0, width=12)
