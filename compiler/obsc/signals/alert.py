"""How a family makes its rules and panels: the parts that are alike in all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from obsc import workloads
from obsc.encode import re2_literal
from obsc.ir import AlertRule, AlertTest, Field, Labels, Objective, Origin, Panel, RecordingRule, Severity, Text, Threshold, Unit
from obsc.promql import Aggregate, Binary, Call, Expr, Number, aggregate, any_of, equal, regex, walk
from obsc.signals.reading import Reading
from obsc.signals.settings import Settings
from obsc.signals.subject import Subject


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a family adds to a service. `panels` come with the key of their row; `omitted` with the reason."""

    recordings: tuple[RecordingRule, ...] = ()
    alerts: tuple[AlertRule, ...] = ()
    panels: tuple[tuple[str, Panel], ...] = ()
    omitted: tuple[tuple[str, str], ...] = ()
    tests: tuple[AlertTest, ...] = ()
    objectives: tuple[Objective, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """What an alert says to whoever it wakes."""

    signal: str
    kind: str
    panel: str
    summary: Text
    description: Text
    impact: str
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replicas:
    """Numbers of replicas as the cluster counts them, one sample per namespace."""

    available: Expr
    wanted: Expr


SITE = "workload_namespace"
SERVICE = Field(label="service")
NAMESPACE = Field(label="namespace")
QUIET = "No traffic"  # what an empty panel means whose series need requests
WHO: Text = (SERVICE, " in ", NAMESPACE)


def share() -> Field:
    """The alert's value as a percentage."""
    return Field(unit=Unit.RATIO)


def seconds() -> Field:
    """The alert's value as a duration."""
    return Field(unit=Unit.SECONDS)


def figure() -> Field:
    """The alert's value as a number."""
    return Field(unit=Unit.COUNT)


def alert(subject: Subject, settings: Settings, story: Story, expr: Expr, *labels: tuple[str, str]) -> AlertRule:
    """An alert rule with the labels that routing needs."""
    static = dict(subject.static_labels) | {"team": settings.team} | dict(labels)
    return AlertRule(
        name=settings.name, expr=expr, hold=settings.hold, keep=settings.keep, severity=settings.severity,
        signal=story.signal, kind=story.kind, summary=story.summary, description=story.description,
        impact=story.impact, checks=story.checks, labels=tuple(sorted(static.items())), panel=story.panel,
        origin=settings.origin, team=settings.team, copied=_site(subject, expr))


def _site(subject: Subject, expr: Expr) -> tuple[tuple[str, str], ...]:
    """The label that tells where it is bad, and the label of the series that says so. The label `namespace` is the service's
    own everywhere: routes and pages go by it.
    """
    if not subject.scattered:
        return ()
    kept = {label for part in walk(expr) if isinstance(part, Aggregate) for label in part.by}
    return ((SITE, "exported_namespace" if "exported_namespace" in kept else "namespace"),)


def lasting(subject: Subject, settings: Settings, least: float) -> Settings:
    """Settings that wait for `least` seconds, unless the spec itself says how long (`for`)."""
    rule = subject.resolved.service.alerts.rules.get(settings.name)
    said = rule is not None and rule.for_ is not None
    return settings if said else replace(settings, hold=max(settings.hold, least))


def line(settings: Settings | None, *, above: bool = True) -> tuple[Threshold, ...]:
    """The alert's threshold as a panel draws it: the very same number."""
    return (Threshold(settings.threshold, settings.severity, above),) if settings is not None else ()


def lines(*found: Settings | None, above: bool = True) -> tuple[Threshold, ...]:
    """Several alerts' thresholds, in rising order."""
    marks = [mark for settings in found for mark in line(settings, above=above)]
    return tuple(sorted(marks, key=lambda mark: (mark.value, mark.severity)))


def of_model(subject: Subject, reading: Reading) -> Text:
    """The end of a legend where a panel has a line for each model."""
    model = subject.by(reading)[1:]
    return (" of ", Field(label=model[0])) if model else ()


def record(subject: Subject, name: str, expr: Expr) -> RecordingRule:
    """A recorded series of the service."""
    return RecordingRule(name, expr, recorded_labels(subject), Origin(name, "built-in"))


def recorded_labels(subject: Subject) -> Labels:
    """The labels of what is recorded; of several namespaces each series keeps its own."""
    return tuple(one for one in subject.static_labels if not (subject.scattered and one[0] == "namespace"))


def replicas(subject: Subject) -> Replicas | None:
    """How many replicas there are and should be; None where nobody counts them."""
    found = workloads.counts(subject.resolved)
    counted = {name for one in found for name in (one.series.available, one.series.wanted)}
    if not found or not all(subject.exported_by("kubeStateMetrics", name) for name in counted):
        return None
    available = [(one.series.label, one.series.available, one.names) for one in found]
    wanted = [(one.series.label, one.series.wanted, one.names) for one in found]
    return Replicas(_summed(subject, available), _summed(subject, wanted))


def _summed(subject: Subject, found: Sequence[tuple[str, str, str]]) -> Expr:
    """Replicas of all objects. The cluster's state may be scraped twice, so each object counts once."""
    [(label, metric, names), *others] = found
    name = workloads.one_name(subject.resolved)
    if not others and name is not None and names == re2_literal(name):
        return aggregate("max", subject.of_objects(metric, equal(label, name)), "namespace")
    return aggregate("sum", any_of(*(aggregate("max", subject.of_objects(metric, regex(label, names)), "namespace", label)
                                     for label, metric, names in found)), "namespace")


def young(subject: Subject, *by: str) -> Expr | None:
    """Pods that may still be starting, one sample per group; None where nobody counts pods' ages."""
    if subject.exporter("kubeStateMetrics") is None:
        return None
    pod = ("namespace", "pod")
    alive = subject.of_pods("kubeStateMetrics", "kube_pod_status_phase", regex("phase", "Pending|Running"))
    started = Binary("and", subject.of_pods("kubeStateMetrics", "kube_pod_start_time"), Binary("==", alive, Number(1)), on=pod)
    # The oldest pod decides: one that should long be ready is an outage, however many new ones are coming up.
    age = Binary("-", Call("time", ()), aggregate("min", started, *by))
    return Binary("<", age, Number(subject.startup))


def unless_young(subject: Subject, expr: Expr, *by: str) -> Expr:
    """The expression while no pod of the group may still be starting."""
    starting = young(subject, *by)
    return expr if starting is None else Binary("unless", expr, starting, on=tuple(by))


def busy(count: Expr, least: float, by: tuple[str, ...], expr: Expr) -> Expr:
    """The expression where there was enough traffic to mean something: one failed request is 100 % at night."""
    return Binary("and", expr, Binary(">=", count, Number(least)), on=by)


CRITICAL, WARNING, INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO
