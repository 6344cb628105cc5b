"""What a family of signals sees of a service: its metrics as they exist at its version, and its selectors.

A `Subject` answers three questions: how is this signal read here (`readings`), which selector tells the
service's own series of a metric (`own`, `exporter`), and what does the spec say of an alert (`settings`).
In panel form the same questions give selectors that follow the choices of the dashboard's viewer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from obsc import encode, endpoints, workloads
from obsc.catalog import metric
from obsc.catalog.profile import Metric, Profile, Term
from obsc.encode import re2_literal, series_label
from obsc.ir import Labels
from obsc.promql import (
    Aggregate,
    Binary,
    Expr,
    Matcher,
    Number,
    Selector,
    Window,
    aggregate,
    any_of,
    equal,
    operator,
    over,
    rate,
    read_matcher,
    regex,
    select,
)
from obsc.resolve import Resolved
from obsc.signals.reading import Exporter, Reading, own_measure, present, series_facts, summary_parts
from obsc.signals.settings import Default, Settings, settle
from obsc.spec.metrics import Series
from obsc.spec.platform_backends import Source

MODEL_LABELS = ("model_name", "model")
NO_PAGE = "the runtime serves no metrics"
_LEAST_WINDOW = 300.0
_SEVERAL = 2
_NAMESPACES = frozenset({"namespace", "exported_namespace"})
# Where Go's shortest form of a number, which Prometheus writes into `le`, has no exponent.
_PLAIN_FROM, _PLAIN_TO = 1e-4, 1e6
# The platform's exporters that see the service's pods from outside.
EXPORTERS = ("kubeStateMetrics", "cadvisor", "dcgm", "amd")
# What is asked about an address and not about pods.
_OF_ADDRESSES = frozenset({"blackbox"})
# Which of the platform's exporters watches an accelerator.
_DEVICES = {"nvidia.com/gpu": "dcgm", "amd.com/gpu": "amd"}


@dataclass(frozen=True)
class Subject:
    """A component of a service as signals see it; `silent` are the signals that other components show."""

    resolved: Resolved
    panel: bool = False
    silent: frozenset[str] = frozenset()
    merged: bool = False  # models are not told apart

    @property
    def name(self) -> str:
        """Name of the service."""
        return self.resolved.service.metadata.name

    @cached_property
    def scattered(self) -> bool:
        """Whether the service's objects are in other namespaces than its own alone: alerts then tell which one."""
        return workloads.scattered(self.resolved)

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

    @cached_property
    def interval(self) -> float:
        """Seconds between scrapes of the main endpoint."""
        return endpoints.interval(self.resolved, endpoints.main_endpoint(self.resolved))

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
            found[one.name] = (one, series_facts(one), endpoints.job_label(self.resolved, endpoint))
        return found

    def readings(self, signal: str) -> tuple[Reading, ...]:
        """Ways to read a signal here, all of which are to be joined: one, or several names of one metric where
        the version leaves open which exists; the service's own series come before the catalog's.
        """
        if signal in self.silent:
            return ()
        own = self._own_readings(signal)
        if own:
            return own
        for profile, job in self._dialects:
            found = present(signal, profile, job, self.resolved)
            if found:
                return found
        return self._exported(signal)

    def _own_readings(self, signal: str) -> tuple[Reading, ...]:
        metrics = {name: facts for name, (_, facts, _) in self.series.items()}
        metrics |= {part.name: part for facts in tuple(metrics.values()) for part in summary_parts(facts)}
        wanted = {"traffic": ("traffic", "availability")}.get(signal, (signal,))
        for word in wanted:
            for series, _, job in self.series.values():
                if series.signal == word and (measure := own_measure(series, signal)) is not None:
                    return (Reading(signal, measure, metrics, job),)
        return ()

    @cached_property
    def _dialects(self) -> tuple[tuple[Profile, str], ...]:
        main = endpoints.main_endpoint(self.resolved)
        found = [(self.resolved.profile, endpoints.job_label(self.resolved, main))]
        for one in endpoints.all_endpoints(self.resolved):
            profile = self.resolved.catalog.runtime(one.runtime) if one.runtime is not None else None
            if profile is not None:
                found.append((profile, endpoints.job_label(self.resolved, one)))
        return tuple(found)

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """Entries of the catalog that the service's pages are of: its runtime's, then those of further endpoints."""
        return tuple(profile for profile, _ in self._dialects)

    def _exported(self, signal: str) -> tuple[Reading, ...]:
        accelerators = self.resolved.service.accelerators
        device = _DEVICES.get(accelerators.resource) if accelerators is not None else None
        for key in (*((device,) if device else ()), "cadvisor"):
            exporter = self.exporter(key)
            if exporter is not None and (found := present(signal, exporter.profile, "", self.resolved, exporter)):
                return found
        return ()

    def exporter(self, key: str) -> Exporter | None:
        """An exporter of the platform's `sources`, if it is there."""
        if key not in self._known_exporters:
            self._known_exporters[key] = self._exporter(key)
        return self._known_exporters[key]

    @cached_property
    def _known_exporters(self) -> dict[str, Exporter | None]:
        return {}

    def _exporter(self, key: str) -> Exporter | None:
        field = {"kubeStateMetrics": "kube_state_metrics"}.get(key, key)
        said: Source = getattr(self.resolved.platform.sources, field)
        if not said.enabled or (key not in _OF_ADDRESSES and self.resolved.service.workload.kind in {"External", "None"}):
            return None
        profile = self.resolved.catalog.source(key)
        return Exporter(key, profile, said) if profile is not None else None

    def place(self, exporter: str = "") -> tuple[Matcher, ...]:
        """The matcher of the service's namespaces, as this exporter's series carry them."""
        label = self.label("namespace", exporter)
        if self.panel:
            return (Matcher(label, "=~", "namespace", variable=True),)
        found = workloads.namespaces(self.resolved)
        if len(found) == 1 and not workloads.is_glob(found[0]):
            return (equal(label, found[0]),)
        return (regex(label, encode.re2_namespaces(found)),)

    def each_site(self, selector: Selector) -> tuple[Selector, ...]:
        """The selector once for each namespace: what is absent has only the labels that a matcher gives it, and one site may
        lack what another has. With a glob nobody knows the sites: then it is one for all.
        """
        sites = workloads.sites(self.resolved)
        placed = [one for one in selector.matchers if one.label in _NAMESPACES]
        # What its author confined is left as it is.
        if len(sites) < _SEVERAL or [one.value for one in placed] != [encode.re2_namespaces(sites)]:
            return (selector,)
        rest = [one for one in selector.matchers if one not in placed]
        return tuple(select(selector.metric, *rest, equal(placed[0].label, site), offset=selector.offset) for site in sites)

    def label(self, label: str, exporter: str = "") -> str:
        """Name of the namespace, pod or container label in an exporter's series."""
        found = self.exporter(exporter) if exporter else None
        return label if found is None or found.honor_labels else f"exported_{label}"

    def own(self, name: str, *more: Matcher, job: str = "", offset: float = 0) -> Selector:
        """The service's series of a metric: its namespace and job, or the matchers that stand for the job."""
        said = self.resolved.service.metrics.matchers
        mine = [read_matcher(text) for text in said] if said else [equal("job", job or self.main_job)]
        return select(name, *self.place(), *mine, *self.component, *more, offset=offset)

    @cached_property
    def component(self) -> tuple[Matcher, ...]:
        """The matcher of the component where there are several; series that somebody else scrapes do not carry it."""
        return self._part if endpoints.discovery(self.resolved) != "none" else ()

    @property
    def _part(self) -> tuple[Matcher, ...]:
        return (equal("component", self.resolved.component),) if self.resolved.component else ()

    @cached_property
    def main_job(self) -> str:
        """Label `job` of the main endpoint."""
        return endpoints.job_label(self.resolved, endpoints.main_endpoint(self.resolved))

    def of_objects(self, name: str, *more: Matcher) -> Selector:
        """The cluster's series of a metric about the service's objects, told by their names."""
        found = self.exporter("kubeStateMetrics")
        return select(name, *self.place("kubeStateMetrics"), *(self._fixed(found) if found else ()), *more)

    def _fixed(self, found: Exporter) -> list[Matcher]:
        if found.matchers is not None:
            return [read_matcher(text) for text in found.matchers]
        return [Matcher(label, operator(op), value) for label, op, value in found.profile.matchers]

    @property
    def container(self) -> str:
        """The serving container, or nothing where any of the pod's may be it."""
        return workloads.container(self.resolved)

    def of_pods(self, exporter: str, name: str, *more: Matcher, container: bool = False) -> Selector:
        """An exporter's series of a metric for the service's pods, or for its serving container."""
        found = self.exporter(exporter)
        fixed = self._fixed(found) if found is not None else []
        pods = regex(self.label("pod", exporter), workloads.pods(self.resolved))
        if container:
            label = self.label("container", exporter)
            more = (*more, equal(label, self.container) if self.container else Matcher(label, "!=", ""))
        return select(name, *self.place(exporter), *fixed, pods, *more)

    def of_claims(self, name: str) -> Selector:
        """The kubelet's series of a metric about volumes: it tells no pod, and has a page of its own beside that of containers."""
        found = self.exporter("cadvisor")
        fixed = [one for one in self._fixed(found) if one.label != "metrics_path"] if found is not None else []
        return select(name, *self.place("cadvisor"), *fixed)

    def read(self, reading: Reading, term: Term, suffix: str = "", *more: Matcher) -> Selector:
        """The selector of a reading's term; a panel also follows the choice of a model."""
        matchers = [Matcher(label, operator(op), value) for label, op, value in term.matchers]
        matchers += self._scope(reading.metric(term))
        label = self.model_label(reading.metric(term))
        if self.panel and label:
            matchers.append(Matcher(label, "=~", "model", variable=True))
        elif label and len(self.served) > 1:
            matchers.append(regex(label, "|".join(re2_literal(name) for name in self.served)))
        name = term.metric + (suffix or (f"_{term.part}" if term.part else ""))
        if reading.exporter:
            return self.of_pods(reading.exporter, name, *matchers, *more)
        return self.own(name, *matchers, *more, job=reading.job)

    def _scope(self, facts: Metric) -> list[Matcher]:
        """Whose requests count, where one program serves many: as the spec's options say, else as is usual."""
        said = self.resolved.service.runtime.options
        values = ((label, str(said.get(label, usual))) for label, usual in facts.scope)
        return [equal(label, value) for label, value in values if value]

    def once(self, reading: Reading, term: Term, value: Expr) -> Expr:
        """The value with each event counted once: parallel processes that report the same are one."""
        repeated = reading.metric(term).repeated
        return Aggregate("max", value, without=repeated) if repeated else value

    @cached_property
    def served(self) -> tuple[str, ...]:
        """Names of the models in series."""
        return tuple(one.served_name or one.name for one in self.resolved.service.models)

    def rates(self, reading: Reading, terms: tuple[Term, ...], window: Window = 0, by: tuple[str, ...] = ()) -> Expr:
        """Events per second: the sum of the terms' rates, one sample per group: by these labels, else as `by` says."""
        span, by = self.span if window == 0 else window, by or self.by(reading)

        def one(term: Term) -> Expr:
            suffix = "_count" if reading.metric(term).type == "histogram" and not term.part else ""
            return aggregate("sum", self.once(reading, term, rate(self.read(reading, term, suffix), span)), *by)

        parts = [one(term) for term in terms]
        # Where the first begins with its first event, it may be the one that is missing: no success yet, only failures.
        return total(parts, lazy=len(parts) > 1 and reading.metric(terms[0]).lazy)

    def model_label(self, facts: Metric) -> str:
        """The label of a metric that tells models apart, or nothing."""
        wanted = (self.resolved.profile.model_label, *MODEL_LABELS)
        return next((label for label in wanted if label and label in facts.labels), "")

    def by(self, reading: Reading) -> tuple[str, ...]:
        """Labels that survive an aggregation: the namespace, and the model where there are several."""
        facts = reading.metric(reading.terms[0])
        model = self.model_label(facts) if len(self.served) > 1 and not self.merged else ""
        return ("namespace", model) if model and all(model in reading.metric(t).labels for t in reading.terms) \
            else ("namespace",)

    def recorded(self, name: str, *more: Matcher) -> Selector:
        """A recorded series of this service."""
        return select(name, *self.place(), *self._part, equal("service", self.name), *more)

    def indicator(self, name: str, indicator: str, window: float = 0) -> Expr:
        """A recorded rate of one of the service's indicators, averaged over a window in seconds if one is given."""
        recorded = self.recorded(name, equal("indicator", indicator))
        return over("avg_over_time", recorded, window) if window else recorded

    def job_of(self, name: str) -> str | None:
        """Label `job` of the endpoint that exposes a metric, by its name in an expression; None if none is known to."""
        base = (name, *(name.removesuffix(end) for end in ("_bucket", "_sum", "_count") if name.endswith(end)))
        own = next((job for key, (_, _, job) in self.series.items() if key in base), None)
        return own or next((job for profile, job in self._dialects if metric(profile, name) is not None), None)

    @cached_property
    def known_metrics(self) -> tuple[str, ...]:
        """Names of all metrics that the service or an exporter of the platform may expose."""
        profiles = self.profiles
        exporters = [found for key in EXPORTERS if (found := self.exporter(key)) is not None]
        exported = (one.name for found in exporters for one in found.profile.metrics if found.exposes(one.name))
        return tuple(sorted({*self.series, *(one.name for profile in profiles for one in profile.metrics), *exported}))

    def exported_by(self, key: str, name: str) -> bool:
        """Whether one of the platform's exporters, which is there, exposes a metric."""
        found = self.exporter(key)
        of_kinds = key == "kubeStateMetrics" and name in self.resolved.catalog.counted
        return found is not None and (of_kinds or found.exposes(name))

    def settings(self, default: Default) -> Settings | None:
        """What holds for an alert, or None if it is off."""
        return settle(self.resolved, default)

    @cached_property
    def static_labels(self) -> Labels:
        """Labels of every alert and recorded series: aggregations lose theirs, and routing needs them."""
        metadata = self.resolved.service.metadata
        labels = {series_label(key): value for key, value in metadata.labels.items()}
        if len(self.served) == 1:
            labels["model"] = self.served[0]
        labels |= {"namespace": metadata.namespace, "runtime": self.resolved.service.runtime.name,
                   "service": metadata.name, "team": metadata.team}
        if self.resolved.component:
            labels["component"] = self.resolved.component
        return tuple(sorted(labels.items()))

    def facts(self, name: str) -> Metric | None:
        """Facts on a metric by the name in an expression (with or without `_bucket`, `_sum`, `_count`)."""
        base = {name, *(name.removesuffix(end) for end in ("_bucket", "_sum", "_count"))}
        own = next((facts for key, (_, facts, _) in self.series.items() if key in base), None)
        if own is not None:
            return own
        exporters = [found.profile for key in (*EXPORTERS, *_OF_ADDRESSES)
                     if (found := self.exporter(key)) is not None]
        target = self.resolved.catalog.source("target")
        profiles = [profile for profile, _ in self._dialects] + exporters + ([target] if target else [])
        return next((facts for profile in profiles if (facts := metric(profile, name)) is not None), None)


def total(parts: list[Expr], *, lazy: bool = False) -> Expr:
    """The sum of several vectors, of which all but the first may be missing: `a + (b or 0 * a)`; if `lazy`, any may."""
    first, *rest = parts
    result = _or_none(first, rest) if lazy else first
    for part in rest:
        others = [one for one in parts if one is not part] if lazy else [first]
        result = Binary("+", result, _or_none(part, others))
    return result


def _or_none(part: Expr, others: list[Expr]) -> Expr:
    return Binary("or", part, Binary("*", Number(0), any_of(*others)))


def bound(value: float) -> Matcher:
    """The matcher of a bucket by its upper bound, in every way that exporters spell the very same number.

    They write `1` or `1.0`, Prometheus 3 makes both `1.0`; and numbers that are very small or large get an exponent.
    """
    exact = Decimal(repr(value))
    plain = format(exact, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    spelled = [plain] if "." in plain else [plain, f"{plain}.0"]
    if value and not _PLAIN_FROM <= value < _PLAIN_TO:
        digits = "".join(map(str, exact.as_tuple().digits)).rstrip("0")
        mantissa = f"{digits[0]}.{digits[1:]}" if digits[1:] else digits
        spelled.append(f"{mantissa}e{exact.adjusted():+03d}")
    return regex("le", "|".join(re2_literal(one) for one in spelled))
