"""Ways to read a signal: measures of the catalog or of the service's own series, as they exist at its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from obsc.catalog import metric
from obsc.catalog.bounds import bounds
from obsc.catalog.profile import Measure, Metric, Presence, Profile, Term
from obsc.catalog.versions import Range, parse, presence
from obsc.encode import re2_literal
from obsc.promql import Binary, Expr, Number
from obsc.resolve import Resolved
from obsc.spec.metrics import Series
from obsc.spec.platform_backends import Listed, Scraped, Source
from obsc.spec.types import OptionValue

SCALES = {"milliseconds": 1000.0, "microseconds": 1e6, "percent": 100.0}
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

    def scaled(self, term: Term, value: Expr) -> Expr:
        """Values of the metric as seconds or a ratio."""
        scale = self.scale(term)
        return value if scale == 1 else Binary("/", value, Number(scale))

    @property
    def terms(self) -> tuple[Term, ...]:
        """Every term that the measure uses."""
        return self.measure.terms


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter of the platform: its facts and what the platform says of it."""

    key: str
    profile: Profile
    said: Source

    @property
    def honor_labels(self) -> bool:
        """Whether the workload's own labels survive its scrape."""
        said = self.said.honor_labels if isinstance(self.said, Scraped) else None
        return self.profile.honor_labels if said is None else said

    @property
    def matchers(self) -> tuple[str, ...] | None:
        """Matchers of its series as the platform says them; None where the catalog's hold."""
        return self.said.matchers if isinstance(self.said, Scraped) else None

    @property
    def versions(self) -> Range | None:
        """Its releases, as far as the platform says."""
        return parse(self.said.version if isinstance(self.said, Scraped) else None)

    @property
    def fields(self) -> tuple[str, ...]:
        """Metrics that its configuration adds."""
        return self.said.fields if isinstance(self.said, Listed) else ()

    def exposes(self, name: str) -> bool:
        """Whether it may have a metric: one of the catalog's that its release does not certainly lack."""
        facts, versions = metric(self.profile, name), self.versions
        return facts is not None and (name in self.fields or versions is None or presence(facts, versions) is not Presence.NO)


def series_facts(series: Series) -> Metric:
    """A series of the service's own, as the catalog would know it."""
    values = tuple((label, known or ()) for label, known in series.labels.items())
    lazy = bool(series.labels) and series.type != "gauge"
    return Metric(series.name, series.type, series.unit, tuple(series.labels), label_values=values,
                  buckets=series.buckets, lazy=lazy)


def summary_parts(facts: Metric) -> tuple[Metric, ...]:
    """The two counters that a summary consists of, besides its quantiles."""
    if facts.type != "summary":
        return ()
    return (replace(facts, name=facts.name + "_sum", type="counter"),
            replace(facts, name=facts.name + "_count", type="counter", unit="requests"))


_COUNTED, _TIMED, _LEVEL = ("counter", "histogram", "summary", "gauge"), ("histogram", "summary", "gauge"), ("gauge",)
# Which types of series can show a signal: a rate is of what is counted, a level is never counted.
FITTING: Mapping[str, tuple[str, ...]] = {
    "availability": ("counter",), "traffic": _COUNTED, "inputTokens": _COUNTED, "outputTokens": _COUNTED, "predictions": _COUNTED,
    **dict.fromkeys(("requestDuration", "timeToFirstToken", "interTokenLatency", "timePerOutputToken", "queueDuration"), _TIMED),
    **dict.fromkeys(("requestsRunning", "requestsWaiting", "qualityScore", "gpuUtilization", "gpuMemoryUsage", "gpuTemperature",
                     "cpuUsage", "memoryUsage", "kvCacheUsage", "up", "probeSuccess"), _LEVEL),
    "preemptions": ("counter",), "batchSize": _TIMED}


def own_measure(series: Series, signal: str) -> Measure | None:
    """How a series of the service's own measures a signal, or None if it cannot."""
    term = Term(series.name)
    if series.signal is not None and series.type not in FITTING[series.signal]:
        return None
    if signal == "availability":
        faults = fault_matcher(series)
        return Measure("the service itself", errors=(Term(series.name, (faults,)),), total=(term,)) if faults else None
    if series.type == "histogram":
        return Measure("the service itself", histogram=term)
    if series.type == "summary":
        # Its quantiles cannot be put together over replicas; its mean can.
        spent, served = (Term(series.name + end) for end in ("_sum", "_count"))
        return Measure("the service itself", mean_sum=spent, mean_count=served)
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


def present(signal: str, profile: Profile, job: str, resolved: Resolved,
            exporter: Exporter | None = None) -> tuple[Reading, ...]:
    """The ways of a profile to read a signal that exist at this version: up to the first that certainly does."""
    measures = dict(profile.measures).get(signal, ())
    metrics = _metrics(profile, resolved) if measures else {}
    found: list[Reading] = []
    for measure in measures:
        reading = Reading(signal, measure, metrics, job, exporter.key if exporter else "")
        there = _presence(reading, profile, resolved, exporter)
        if there is Presence.NO:
            continue
        found.append(reading)
        if there is Presence.YES:
            break
    return tuple(found)


def _metrics(profile: Profile, resolved: Resolved) -> Mapping[str, Metric]:
    """Metrics by name, with the bounds that they have here. Most profiles stay as they are."""
    said = resolved.service.runtime.buckets
    other = {one.name: _bounded(one, resolved) for one in profile.metrics if one.bucket_rule is not None or one.name in said}
    return {**profile.by_name, **other} if other else profile.by_name


def _bounded(facts: Metric, resolved: Resolved) -> Metric:
    found = _bounds(facts, resolved)
    # Most stay as they are, and there are many: a copy is made only of what differs.
    return facts if found == facts.buckets else replace(facts, buckets=found)


def _bounds(facts: Metric, resolved: Resolved) -> tuple[float, ...]:
    """Bounds as the spec says, else the usual ones, else what the spec's options make of the rule."""
    said, rule = resolved.service.runtime, facts.bucket_rule
    if facts.name in said.buckets:
        return said.buckets[facts.name]
    if rule is None or not rule.option:
        return facts.buckets
    limit = said.options.get(rule.option)
    return bounds(rule, float(limit)) if isinstance(limit, int | float) else ()


def _presence(reading: Reading, profile: Profile, resolved: Resolved, exporter: Exporter | None) -> Presence:
    result = Presence.YES
    for term in reading.terms:
        facts = reading.metric(term)
        if exporter is not None and facts.name in exporter.fields:
            continue  # whatever its release has by default
        versions = releases(facts, profile, resolved, exporter)
        there = presence(facts, versions) if versions is not None else Presence.UNKNOWN
        if there is Presence.NO or not met(facts, resolved, exporter):
            return Presence.NO
        # What no option decides may be there: it is read, and so is what stands in for it.
        circumstance = facts.uncertain or (facts.condition is not None and not facts.condition[0])
        result = Presence.UNKNOWN if there is Presence.UNKNOWN or circumstance else result
    return result


def releases(facts: Metric, profile: Profile, resolved: Resolved, exporter: Exporter | None) -> Range | None:
    """The releases that the spec allows of the program that a metric belongs to; None where that cannot be read."""
    if exporter is not None:
        return exporter.versions
    if facts.companion:
        said = resolved.service.runtime.options.get(facts.companion)
        return parse(str(said) if said is not None else None)
    # Another program's page, at a further endpoint, is of releases that the spec does not name.
    return resolved.versions if profile.name == resolved.profile.name else parse(None)


def met(facts: Metric, resolved: Resolved, exporter: Exporter | None) -> bool:
    """Whether the options of the spec (of an exporter: the platform's fields) and the engine let the metric exist."""
    if exporter is not None:
        return facts.condition is None or not facts.condition[0] or facts.name in exporter.fields
    runtime = resolved.service.runtime
    # An option that only an engine has says as much as the engine's name.
    told = runtime.engine == facts.engine or (runtime.engine is None and facts.condition is not None)
    if facts.engine and not told:
        return False
    return facts.condition is None or not facts.condition[0] or option_is(runtime.options, *facts.condition)


def option_is(options: Mapping[str, OptionValue], option: str, value: str) -> bool:
    """Whether the spec gives an option this value."""
    said = options.get(option)
    return said is not None and str(said).lower() == value.lower()
