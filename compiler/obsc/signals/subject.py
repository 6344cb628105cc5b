"""What a family of signals sees of a service: its metrics as they exist at its version, and its selectors.

A `Subject` answers three questions: how is this signal read here (`readings`), which selector tells the
service's own series of a metric (`own`, `exporter`), and what does the spec say of an alert (`settings`).
In panel form the same questions give selectors that follow the choices of the dashboard's viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from obsc import durations, endpoints
from obsc.catalog import load_runtime, metric, source_name
from obsc.catalog.kinds import pod_pattern
from obsc.catalog.profile import Measure, Metric, Presence, Profile, Term
from obsc.catalog.versions import parse, presence
from obsc.encode import re2_literal
from obsc.ir import Labels, Origin, Severity
from obsc.promql import Binary, Expr, Matcher, MatchOp, Number, Selector, Window, aggregate, equal, rate, regex, select
from obsc.resolve import Resolved
from obsc.spec.metrics import Series
from obsc.spec.platform_backends import Source
from obsc.spec.types import Quantity

SCALES = {"milliseconds": 1000.0, "microseconds": 1e6, "percent": 100.0}
MODEL_LABELS = ("model_name", "model")
_RANKS = {"critical": 0, "warning": 1, "info": 2}
_LEAST_WINDOW = 300.0
_FAULTS = frozenset({"error", "errors", "failed", "failure", "exception", "timeout", "5xx"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a signal here: a measure of the catalog or of the service's own series, and its facts."""

    signal: str
    measure: Measure
    metrics: Mapping[str, Metric]
    job: str
    exporter: str = ""

    def metric(self, term: Term) -> Metric:
        """Facts on a term's metric."""
        return self.metrics[term.metric]

    def scale(self, term: Term) -> float:
        """What the metric's values are divided by to be seconds or a ratio."""
        return SCALES.get(self.metric(term).unit, 1.0)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every term that the measure uses."""
        m = self.measure
        single = (m.histogram, m.mean_sum, m.mean_count, m.gauge)
        return (*m.errors, *m.total, *m.counters, *(term for term in single if term is not None))


@dataclass(frozen=True, slots=True)
class Default:
    """An alert as it is before the spec says anything. `threshold` in seconds, as a ratio, or a bare number.

    `enabled` says whether it applies by itself; `kind` of its threshold is duration, ratio or number.
    """

    name: str
    severity: Severity
    hold: float
    threshold: float = 0.0
    kind: str = "number"
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """An alert's numbers after the spec was heard. `hold` and `keep` in seconds."""

    name: str
    severity: Severity
    hold: float
    keep: float
    threshold: float
    quantile: float | None
    team: str
    origin: Origin


@dataclass(frozen=True)
class Subject:
    """A service as signals see it."""

    resolved: Resolved
    panel: bool = False

    @property
    def name(self) -> str:
        """Name of the service."""
        return self.resolved.service.metadata.name

    @property
    def namespace(self) -> str:
        """Namespace of the service."""
        return self.resolved.service.metadata.namespace

    @cached_property
    def viewed(self) -> Subject:
        """The same service in panel form."""
        return replace(self, panel=True)

    @cached_property
    def startup(self) -> float:
        """Seconds from a container's start until it is ready, at most."""
        return self.resolved.service.workload.startup or self.resolved.profile.startup

    @cached_property
    def window(self) -> float:
        """Range of rates in rules, in seconds: at least four scrapes, so that one that fails does not matter."""
        slowest = max(endpoints.interval(self.resolved, one) for one in endpoints.all_endpoints(self.resolved))
        return max(_LEAST_WINDOW, 4 * slowest)

    @property
    def span(self) -> Window:
        """Range of rates: a rule's own, a panel's as wide as its resolution asks."""
        return None if self.panel else self.window

    @cached_property
    def series(self) -> Mapping[str, tuple[Series, Metric, str]]:
        """The service's own series: as written, as facts, and the job that serves them."""
        found = {}
        for one in self.resolved.service.metrics.series:
            endpoint = endpoints.find(self.resolved, one.endpoint) or endpoints.main_endpoint(self.resolved)
            found[one.name] = (one, _facts(one), endpoints.job_label(self.resolved, endpoint))
        return found

    def readings(self, signal: str) -> tuple[Reading, ...]:
        """Ways to read a signal here, all of which are to be joined: one, or several names of one metric where
        the version leaves open which exists; the service's own series come before the catalog's.
        """
        own = self._own_readings(signal)
        if own:
            return own
        for profile, job in self._dialects:
            found = _present(signal, profile, job, self.resolved)
            if found:
                return found
        return self._exported(signal)

    def _own_readings(self, signal: str) -> tuple[Reading, ...]:
        metrics = {name: facts for name, (_, facts, _) in self.series.items()}
        wanted = {"traffic": ("traffic", "availability")}.get(signal, (signal,))
        for word in wanted:
            for series, _, job in self.series.values():
                if series.signal == word and (measure := _own_measure(series, signal)) is not None:
                    return (Reading(signal, measure, metrics, job),)
        return ()

    @cached_property
    def _dialects(self) -> tuple[tuple[Profile, str], ...]:
        main = endpoints.main_endpoint(self.resolved)
        found = [(self.resolved.profile, endpoints.job_label(self.resolved, main))]
        for one in endpoints.all_endpoints(self.resolved):
            profile = load_runtime(one.runtime) if one.runtime is not None else None
            if profile is not None:
                found.append((profile, endpoints.job_label(self.resolved, one)))
        return tuple(found)

    def _exported(self, signal: str) -> tuple[Reading, ...]:
        for key in ("dcgm", "cadvisor"):
            exporter = self.exporter(key)
            if exporter is not None and (found := _present(signal, exporter.profile, "", self.resolved, exporter)):
                return found
        return ()

    def exporter(self, key: str) -> Exporter | None:
        """An exporter of the platform's `sources`, if it is there."""
        field = {"kubeStateMetrics": "kube_state_metrics"}.get(key, key)
        said: Source = getattr(self.resolved.platform.sources, field)
        if not said.enabled or self.resolved.service.workload.kind in {"External", "None"}:
            return None
        profile = load_runtime(source_name(key) or "")
        return Exporter(key, profile, said) if profile is not None else None

    def place(self, exporter: str = "") -> tuple[Matcher, ...]:
        """The matcher of the service's namespace, as this exporter's series carry it."""
        label = self.label("namespace", exporter)
        if self.panel:
            return (Matcher(label, "=~", "namespace", variable=True),)
        return (equal(label, self.namespace),)

    def label(self, label: str, exporter: str = "") -> str:
        """Name of the namespace, pod or container label in an exporter's series."""
        found = self.exporter(exporter) if exporter else None
        return label if found is None or found.honor_labels else f"exported_{label}"

    def own(self, name: str, *more: Matcher, job: str = "", offset: float = 0) -> Selector:
        """The service's series of a metric: its namespace and job, or the matchers that stand for the job."""
        said = self.resolved.service.metrics.matchers
        mine = [read_matcher(text) for text in said] if said else [equal("job", job or self.main_job)]
        return select(name, *self.place(), *mine, *more, offset=offset)

    @cached_property
    def main_job(self) -> str:
        """Label `job` of the main endpoint."""
        return endpoints.job_label(self.resolved, endpoints.main_endpoint(self.resolved))

    def of_objects(self, name: str, *more: Matcher) -> Selector:
        """The cluster's series of a metric about the service's objects, told by their names."""
        found = self.exporter("kubeStateMetrics")
        return select(name, *self.place("kubeStateMetrics"), *(self._fixed(found) if found else ()), *more)

    def _fixed(self, found: Exporter) -> list[Matcher]:
        if found.said.matchers is not None:
            return [read_matcher(text) for text in found.said.matchers]
        return [Matcher(label, _operator(op), value) for label, op, value in found.profile.matchers]

    def of_pods(self, exporter: str, name: str, *more: Matcher, container: bool = False) -> Selector:
        """An exporter's series of a metric for the service's pods, or for its serving container."""
        found = self.exporter(exporter)
        workload = self.resolved.service.workload
        fixed = self._fixed(found) if found is not None else []
        pods = regex(self.label("pod", exporter), pod_pattern(workload.kind, workload.name or self.name))
        only = workload.container or self.resolved.profile.container
        if container:
            label = self.label("container", exporter)
            more = (*more, equal(label, only) if only else Matcher(label, "!=", ""))
        return select(name, *self.place(exporter), *fixed, pods, *more)

    def read(self, reading: Reading, term: Term, suffix: str = "", *more: Matcher) -> Selector:
        """The selector of a reading's term; a panel also follows the choice of a model."""
        matchers = [Matcher(label, _operator(op), value) for label, op, value in term.matchers]
        label = self.model_label(reading.metric(term))
        if self.panel and label:
            matchers.append(Matcher(label, "=~", "model", variable=True))
        if reading.exporter:
            return self.of_pods(reading.exporter, term.metric + suffix, *matchers, *more)
        return self.own(term.metric + suffix, *matchers, *more, job=reading.job)

    def rates(self, reading: Reading, terms: tuple[Term, ...], window: Window = 0) -> Expr:
        """Events per second: the sum of the terms' rates over the service, one sample per group."""
        span = self.span if window == 0 else window
        by = self.by(reading)
        parts: list[Expr] = [aggregate("sum", rate(self.read(reading, term), span), *by) for term in terms]
        return total(parts)

    def model_label(self, facts: Metric) -> str:
        """The label of a metric that tells models apart, or nothing."""
        wanted = (self.resolved.profile.model_label, *MODEL_LABELS)
        return next((label for label in wanted if label and label in facts.labels), "")

    def by(self, reading: Reading) -> tuple[str, ...]:
        """Labels that survive an aggregation: the namespace, and the model where there are several."""
        facts = reading.metric(reading.terms[0])
        model = self.model_label(facts) if len(self.resolved.service.models) > 1 else ""
        return ("namespace", model) if model and all(model in reading.metric(t).labels for t in reading.terms) \
            else ("namespace",)

    def recorded(self, name: str, *more: Matcher) -> Selector:
        """A recorded series of this service."""
        return select(name, *self.place(), equal("service", self.name), *more)

    def settings(self, default: Default) -> Settings | None:
        """What holds for an alert, or None if it is off. A wish for a threshold is a wish for the alert."""
        rule = self.resolved.service.alerts.rules.get(default.name)
        asked = rule is not None and (rule.threshold is not None or rule.enabled is True)
        if (rule is not None and rule.enabled is False) or not (default.enabled or asked):
            return None
        severity = Severity(rule.severity) if rule is not None and rule.severity else default.severity
        severity = self._capped(severity)
        keep = {Severity.CRITICAL: 300.0, Severity.WARNING: 900.0, Severity.INFO: 0.0}[severity]
        origin = self.resolved.origins.origin("alerts", "rules", default.name) if rule is not None \
            else Origin(default.name, "built-in")
        hold, threshold, quantile, team = default.hold, default.threshold, None, ""
        if rule is not None:
            hold = rule.for_ if rule.for_ is not None else hold
            keep = rule.keep_firing_for if rule.keep_firing_for is not None else keep
            threshold = _value(rule.threshold, threshold, default.kind)
            quantile, team = rule.quantile, rule.team or ""
        return Settings(default.name, severity, hold, keep, threshold, quantile,
                        team or self.resolved.service.metadata.team, origin)

    def _capped(self, severity: Severity) -> Severity:
        team = self.resolved.platform.alertmanager.teams.get(self.resolved.service.metadata.team)
        highest = team.max_severity if team is not None else "critical"
        return severity if _RANKS[severity] >= _RANKS[highest] else Severity(highest)

    @cached_property
    def static_labels(self) -> Labels:
        """Labels of every alert and recorded series: aggregations lose theirs, and routing needs them."""
        metadata = self.resolved.service.metadata
        return (("namespace", metadata.namespace), ("runtime", self.resolved.service.runtime.name),
                ("service", metadata.name), ("team", metadata.team))

    def facts(self, name: str) -> Metric | None:
        """Facts on a metric by the name in an expression (with or without `_bucket`, `_sum`, `_count`)."""
        base = {name, *(name.removesuffix(end) for end in ("_bucket", "_sum", "_count"))}
        own = next((facts for key, (_, facts, _) in self.series.items() if key in base), None)
        if own is not None:
            return own
        exporters = [found.profile for key in ("kubeStateMetrics", "cadvisor", "dcgm")
                     if (found := self.exporter(key)) is not None]
        target = load_runtime(source_name("target") or "")
        profiles = [profile for profile, _ in self._dialects] + exporters + ([target] if target else [])
        return next((facts for profile in profiles if (facts := metric(profile, name)) is not None), None)


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter of the platform: its facts and what the platform says of it."""

    key: str
    profile: Profile
    said: Source

    @property
    def honor_labels(self) -> bool:
        """Whether the workload's own labels survive its scrape."""
        return self.profile.honor_labels if self.said.honor_labels is None else self.said.honor_labels


def read_matcher(text: str) -> Matcher:
    """A matcher from its text, whose form the language has checked already."""
    for op in ("=~", "!~", "!=", "="):
        label, sign, value = text.partition(op)
        if sign and label.strip().isidentifier():
            return Matcher(label.strip(), _operator(op), _unquoted(value.strip()))
    raise ValueError(text)


def total(parts: list[Expr]) -> Expr:
    """The sum of several vectors, of which all but the first may be missing: `a + (b or 0 * a)`."""
    first, *rest = parts
    result = first
    for part in rest:
        result = Binary("+", result, Binary("or", part, Binary("*", Number(0), first)))
    return result


def bound(value: float) -> Matcher:
    """The matcher of a bucket by its upper bound: exporters write `1`, `1.0`, and Prometheus 3 makes both `1.0`."""
    text = durations.number(value)
    spelled = text if "." in text else f"{text}|{text}.0"
    return regex("le", spelled.replace(".", "\\."))


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def _operator(text: str) -> MatchOp:
    match text:
        case "=" | "!=" | "=~" | "!~":
            return text
        case _:
            raise ValueError(text)


def _value(said: Quantity | None, default: float, kind: str) -> float:
    if said is None:
        return default
    if kind == "ratio" and said.kind == "number" and said.value > 1:
        return said.value / 100
    return said.value


def _facts(series: Series) -> Metric:
    values = tuple((label, known or ()) for label, known in series.labels.items())
    lazy = bool(series.labels) and series.type != "gauge"
    return Metric(series.name, series.type, series.unit, tuple(series.labels), label_values=values,
                  buckets=series.buckets, lazy=lazy)


def _own_measure(series: Series, signal: str) -> Measure | None:
    term = Term(series.name)
    if signal == "availability":
        faults = fault_matcher(series)
        return Measure("the service itself", errors=(Term(series.name, (faults,)),), total=(term,)) if faults else None
    if series.type == "histogram":
        return Measure("the service itself", histogram=term)
    if series.type == "counter":
        return Measure("the service itself", counters=(term,))
    return Measure("the service itself", gauge=term)


def fault_matcher(series: Series) -> tuple[str, str, str] | None:
    """The matcher of the series' samples that count server faults, told by the known values of its labels."""
    for label, known in series.labels.items():
        faults = sorted(value for value in known or () if value.lower() in _FAULTS or _is_5xx(value))
        if faults and len(faults) < len(known or ()):
            if len(faults) == 1:
                return (label, "=", faults[0])
            return (label, "=~", "|".join(re2_literal(value) for value in faults))
    return None


def _is_5xx(value: str) -> bool:
    return len(value) == 3 and value[0] == "5" and value[1:].isdigit()


def _present(signal: str, profile: Profile, job: str, resolved: Resolved,
             exporter: Exporter | None = None) -> tuple[Reading, ...]:
    metrics = {one.name: one for one in profile.metrics}
    found: list[Reading] = []
    for measure in dict(profile.measures).get(signal, ()):
        reading = Reading(signal, measure, metrics, job, exporter.key if exporter else "")
        there = _presence(reading, resolved, exporter)
        if there is Presence.NO:
            continue
        found.append(reading)
        if there is Presence.YES:
            break
    return tuple(found)


def _presence(reading: Reading, resolved: Resolved, exporter: Exporter | None) -> Presence:
    versions = parse(exporter.said.version) if exporter else resolved.versions
    result = Presence.YES
    for term in reading.terms:
        facts = reading.metric(term)
        there = presence(facts, versions) if versions is not None else Presence.UNKNOWN
        if facts.condition is not None and not _met(facts, resolved, exporter):
            return Presence.NO
        if there is Presence.NO:
            return Presence.NO
        result = Presence.UNKNOWN if there is Presence.UNKNOWN else result
    return result


def _met(facts: Metric, resolved: Resolved, exporter: Exporter | None) -> bool:
    assert facts.condition is not None
    if exporter is not None:
        return facts.name in exporter.said.fields
    option, value = facts.condition
    said = resolved.service.runtime.options.get(option)
    return said is not None and str(said).lower() == value.lower()
