"""The form of a catalog file, as pydantic models, and from there to the frozen data that signals read.

Three tables keep a file short: `entities` name label sets that many metrics share (`of: engine`), `buckets` and
`bucketRules` name bucket bounds that many histograms share, and how bounds are computed.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from obsc.catalog import profile
from obsc.catalog.bounds import bounds
from obsc.spec.base import Block, leaf
from obsc.spec.types import Bound, Count, Duration, Form, LabelName, LabelValue, MatcherText, MetricName, Title, Word

Kind = Literal["llm", "embedding", "generic", "gateway", "store", "exporter"]
Reason = Literal["not-counted", "not-done", "behind", "own-series", "not-verified"]
Unit = Literal[
    "seconds", "milliseconds", "microseconds", "nanoseconds", "timestamp",
    "bytes", "megabytes", "mebibytes", "gigabytes", "bytes/second", "gigabytes/second", "megabits/second", "tokens/second",
    "tokens/minute", "requests/minute", "ratio", "percent", "celsius", "watts", "joules", "millijoules", "microjoules",
    "megahertz", "usd", "cores", "flops", "bool", "info", "code", "mixed", "unspecified", "count", "requests", "tokens", "items", "calls",
    "connections", "transfers", "drafts", "preemptions", "inferences", "executions", "errors", "retries", "events", "rows",
    "pages", "packets", "inodes", "processes", "threads", "periods", "restarts", "replicas", "generation", "pods", "samples",
    "series"]
Release: TypeAlias = Annotated[
    str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+){1,4}$", max_length=30), Form('a release with all its parts, such as "0.15.0"')]
PortNumber: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
PortName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(([0-9]|[0-9]-)*[a-z](-?[a-z0-9])*)?$", max_length=15),
                                Form("a port's name such as `metrics`")]
PagePath: TypeAlias = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9_~!&'()*+,;=:@%/.-]*)?$", max_length=500),
                                Form("a path such as `/metrics`")]
FIELDS = "fields"
_SIGNS = ("=~", "!~", "!=", "=")


class Elsewhere(Block):
    """Another port that has the page when an option of the deployment is set."""

    option: Word = leaf("Key of `runtime.options`.", "aggregate")
    value: LabelValue = leaf("Value that moves the page.", "true", default="true")
    port: PortNumber = leaf("Port.", 9088)


class Scrape(Block):
    """Where the metrics are, in the usual deployment."""

    port: PortNumber | None = leaf("Port of the container; none for what is no target of its own.", 8000, default=None)
    port_name: PortName = leaf("Usual name of the port.", "http", default="")
    path: PagePath = leaf("Path of the metrics page.", "/metrics", default="")
    elsewhere: tuple[Elsewhere, ...] = leaf("Ports that options move it to.", [{"option": "aggregate", "port": 9088}], default=())


class Reference(Block):
    """Where facts of the file were read."""

    name: Title = leaf("Package, repository or page, with its release or commit.", "PyPI wheel server 0.5.1")
    files: tuple[Title, ...] = leaf("Files in it.", ["server/metrics.py"], default=())


class Need(Block):
    """What a deployment must set before any metrics page exists. A spec that says nothing of it is taken to have it."""

    option: Word = leaf("Key of `runtime.options`.", "metrics")
    value: LabelValue = leaf("Value that opens the page.", "true", default="true")
    flag: Title = leaf("How the deployment says it.", "--metrics")
    credentials: bool = leaf("Whether a scrape with credentials does as well.", True, default=False)


class BucketRule(Block):
    """How bucket bounds are computed.

    `product`: start * factor, then each the one before times factor, which is not the same number as a power.
    `power`: start * factor ** i from i = 0. `linear`: start + step * i from i = 0, or `count` equal steps to `upTo`.
    `decades`: 1, 2, 5, 10, 20, 50 … of start. `count` bounds, or all that are not above the value of the option `upTo`.
    """

    kind: Literal["product", "power", "linear", "decades"] = leaf("Kind of sequence.", "power")
    start: Bound = leaf("First term.", 0.001, default=1.0)
    factor: Bound | None = leaf("Factor of a geometric sequence.", 1.5, default=None)
    step: Bound | None = leaf("Step of an arithmetic sequence.", 1, default=None)
    count: Count | None = leaf("How many bounds.", 35, default=None)
    up_to: Word | None = leaf("Key of `runtime.options` whose value ends the sequence.", "max-model-len", default=None)


class Change(Block):
    """The two readings around a change: the metric was seen in one release and absent in the other.

    `of` names another program of the same pod, whose releases they are (`companions`).
    """

    seen: Release = leaf("Release with it.", "0.11.2")
    absent: Release | None = leaf("Release without it; unknown if nobody opened one.", "0.10.2", default=None)
    of: Word | None = leaf("Program whose releases these are, if not the runtime's own.", "proxy", default=None)


class When(Block):
    """What a metric depends on: an option of the deployment with its value, a state in words, or both.

    The option `fields` is the list of additional fields that the platform names for an exporter.
    """

    option: Word | None = leaf("Key of `runtime.options`.", "histogram_latencies", default=None)
    value: LabelValue = leaf("Value that makes the metric exist.", "true", default="true")
    state: Title | None = leaf("Circumstance that no option decides.", "while a container waits", default=None)
    flag: Title | None = leaf("How the deployment says it, if not like the option.", "config-map proxy", default=None)
    source: Title | None = leaf("Where that is written.", "docs/metrics.md", default=None)


class MetricForm(Block):
    """One metric. Its labels are those of the entity it is `of` and its own, each with its known values."""

    name: MetricName = leaf("Name in expressions; of a histogram without `_bucket`.", "server_requests_running")
    type: Literal["counter", "gauge", "histogram", "summary"] = leaf("How it behaves, whatever its TYPE line says.", "gauge")
    unit: Unit = leaf("Unit.", "seconds")
    of: Word | None = leaf("Entity whose labels it has.", "engine", default=None)
    labels: dict[LabelName, tuple[LabelValue, ...]] = leaf("Further labels; [] where values are open.", {"status": []}, default={})
    buckets: Word | tuple[Bound, ...] = leaf("Finite bucket bounds, or the name of a set of them.", [0.1, 1], default=())
    bucket_rule: Word | BucketRule | None = leaf("How its bounds are computed, or the name of such a rule.",
                                                 {"kind": "decades", "upTo": "max-model-len"}, default=None)
    engine: Word | None = leaf("Engine inside the runtime without which it does not exist.", "server", default=None)
    help: Title = leaf("What it counts or shows.", "Requests in the running batch.")
    lazy: bool = leaf("Whether it appears with its first event only.", True, default=False)
    when: When | None = leaf("Condition.", {"option": "histogram_latencies"}, default=None)
    since: Change | None = leaf("Readings around its appearance.", {"absent": "0.10.2", "seen": "0.11.2"}, default=None)
    until: Change | None = leaf("Readings around its removal.", {"seen": "0.11.2", "absent": "0.12.0"}, default=None)


class TermForm(Block):
    """A metric with matchers."""

    metric: MetricName = leaf("Name of a metric of this file.", "http_requests_total")
    part: Literal["sum", "count"] | None = leaf("The counter meant, of a histogram or summary.", "count", default=None)
    match: tuple[MatcherText, ...] = leaf("Matchers.", ['status="5xx"'], default=())


class MeasureForm(Block):
    """One way to read a signal. Exactly one of the forms is filled in."""

    source: Title = leaf("Who sees the events.", "the HTTP server")
    errors: tuple[TermForm, ...] = leaf("Counters of failed requests, with `total`.", [{"metric": "x"}], default=())
    total: tuple[TermForm, ...] = leaf("Counters of all requests.", [{"metric": "x"}], default=())
    counters: tuple[TermForm, ...] = leaf("Counters whose rates are summed.", [{"metric": "x"}], default=())
    histogram: TermForm | None = leaf("A histogram.", {"metric": "x"}, default=None)
    mean_sum: TermForm | None = leaf("Counter above the line of a mean, with `meanCount`.", {"metric": "x"}, default=None)
    mean_count: TermForm | None = leaf("Counter below the line of a mean.", {"metric": "x"}, default=None)
    gauge: TermForm | None = leaf("A gauge.", {"metric": "x"}, default=None)


class ProfileForm(Block):
    """A catalog file."""

    name: Word = leaf("Name, as specs write it; the file is called like it.", "server")
    title: Title = leaf("Name, as people write it.", "Server")
    class_: Kind = leaf("Runtime class, or `exporter`.", "llm")
    scrape: Scrape = leaf("Where its metrics are.", {"port": 8000}, default=Scrape())
    startup: Duration = leaf("Longest time from a container's start until it is ready.", "10m", unit="duration")
    container: Word | None = leaf("Usual name of the serving container.", "server", default=None)
    model_label: LabelName | None = leaf("Label that tells models apart.", "model_name", default=None)
    matchers: tuple[MatcherText, ...] = leaf("Matchers of an exporter's series.", ['job="x"'], default=())
    honor_labels: bool = leaf("Whether the usual scrape keeps an exporter's own labels.", True, default=False)
    sources: tuple[Reference, ...] = leaf("Where the facts were read.", [{"name": "wheel 0.5.1"}], default=())
    needs: tuple[Need, ...] = leaf("What opens the metrics page.", [{"option": "metrics", "flag": "--metrics"}], default=())
    readings: tuple[Release, ...] = leaf("Releases that were opened, oldest first.", ["0.15.0"], default=())
    companions: dict[Word, tuple[Release, ...]] = leaf(
        "Other programs of the pod and their releases that were opened; the spec names theirs in `runtime.options`.",
        {"proxy": ["1.18.0", "1.23.0"]}, default={})
    ranks: dict[LabelName, Literal["max", "sum"]] = leaf(
        "Labels of parallel processes. `max`: each repeats the same events, which count once; `sum`: each has its own.",
        {"tp_rank": "max", "dp_rank": "sum"}, default={})
    scope: dict[LabelName, LabelValue] = leaf(
        "Labels that tell whose requests a series counts, where one program serves many: the option of the same name gives "
        "the value, else this one; empty is any.", {"reporter": "source", "destination_service_name": ""}, default={})
    entities: dict[Word, tuple[LabelName, ...]] = leaf("Label sets by name.", {"engine": ["model_name"]}, default={})
    buckets: dict[Word, tuple[Bound, ...]] = leaf("Bucket bounds by name.", {"request": [0.5, 1]}, default={})
    bucket_rules: dict[Word, BucketRule] = leaf("Rules of bucket bounds by name.",
                                                {"token": {"kind": "decades", "upTo": "max-model-len"}}, default={})
    signals: dict[Word, tuple[MeasureForm, ...]] = leaf(
        "How signals are read, the preferred way first.",
        {"traffic": [{"source": "the HTTP server", "counters": [{"metric": "http_requests_total"}]}]}, default={})
    lacks: dict[Word, Reason] = leaf(
        "Signals that it does not show, with the reason where it is not the usual one of its class.",
        {"requestsWaiting": "not-done"}, default={})
    metrics: tuple[MetricForm, ...] = leaf(
        "Metrics.", [{"name": "http_requests_total", "type": "counter", "unit": "requests", "help": "Requests by status."}], default=())


def to_profile(form: ProfileForm) -> profile.Profile:
    """The frozen data that signals read; names that a form uses and does not define stand for nothing."""
    return profile.Profile(
        name=form.name, title=form.title, kind=form.class_, port=form.scrape.port, port_name=form.scrape.port_name,
        path=form.scrape.path, startup=form.startup, container=form.container or "", model_label=form.model_label or "",
        matchers=tuple(map(matcher, form.matchers)), honor_labels=form.honor_labels, readings=form.readings,
        sources=tuple(f"{one.name}: {', '.join(one.files)}" if one.files else one.name for one in form.sources),
        needs=tuple(profile.Need(one.option, one.value, one.flag, one.credentials) for one in form.needs),
        companions=tuple(form.companions),
        elsewhere=tuple((one.option, one.value, one.port) for one in form.scrape.elsewhere),
        metrics=tuple(_metric(one, form) for one in form.metrics), lacks=tuple(form.lacks.items()),
        measures=tuple((signal, tuple(map(_measure, ways))) for signal, ways in form.signals.items()))


def matcher(text: str) -> tuple[str, str, str]:
    """Label, operator and value of a matcher whose form was checked."""
    # The first sign in the text is the operator: a label has none, and a value may have any.
    sign = min((one for one in _SIGNS if one in text), key=lambda one: (text.index(one), -len(one)))
    label, _, value = text.partition(sign)
    return label.strip(), sign, value.strip()[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def terms(form: MeasureForm) -> tuple[tuple[str, TermForm], ...]:
    """Every term of a measure with the key under which it stands."""
    lists = (("errors", form.errors), ("total", form.total), ("counters", form.counters))
    single = (("histogram", form.histogram), ("meanSum", form.mean_sum), ("meanCount", form.mean_count),
              ("gauge", form.gauge))
    return (*((key, term) for key, found in lists for term in found),
            *((key, term) for key, term in single if term is not None))


def _metric(form: MetricForm, whole: ProfileForm) -> profile.Metric:
    since, until = form.since, form.until
    shared = whole.entities.get(form.of, ()) if form.of is not None else ()
    labels = (*shared, *form.labels)
    rule = _rule(whole.bucket_rules.get(form.bucket_rule) if isinstance(form.bucket_rule, str) else form.bucket_rule)
    named = whole.buckets.get(form.buckets, ()) if isinstance(form.buckets, str) else form.buckets
    return profile.Metric(
        name=form.name, type=form.type, unit=form.unit, labels=labels, help=form.help,
        label_values=tuple((label, values) for label, values in form.labels.items() if values),
        buckets=named or (bounds(rule) if rule is not None else ()), bucket_rule=rule, lazy=form.lazy,
        condition=_condition(form), uncertain=form.when is not None and None not in (form.when.option, form.when.state),
        engine=form.engine or "", flag=(form.when.flag or "") if form.when else "", told=(form.when.source or "") if form.when else "",
        repeated=tuple(sorted(label for label in labels if whole.ranks.get(label) == "max")),
        scope=tuple((label, whole.scope[label]) for label in labels if label in whole.scope),
        companion=next((change.of for change in (since, until) if change is not None and change.of is not None), ""),
        seen_from=since.seen if since else "", absent_until=(since.absent or "") if since else "",
        seen_until=until.seen if until else "", absent_from=(until.absent or "") if until else "")


def _rule(form: BucketRule | None) -> profile.BucketRule | None:
    if form is None:
        return None
    return profile.BucketRule(form.kind, form.start, form.factor or 0.0, form.step or 0.0, form.count or 0, form.up_to or "")


def _condition(form: MetricForm) -> tuple[str, str] | None:
    if form.when is None:
        return None
    if form.when.option == FIELDS:
        return (FIELDS, form.name)
    return (form.when.option, form.when.value) if form.when.option is not None else ("", form.when.state or "")


def _term(form: TermForm) -> profile.Term:
    return profile.Term(form.metric, tuple(map(matcher, form.match)), form.part or "")


def _measure(form: MeasureForm) -> profile.Measure:
    return profile.Measure(
        source=form.source, errors=tuple(map(_term, form.errors)), total=tuple(map(_term, form.total)),
        counters=tuple(map(_term, form.counters)), histogram=_optional(form.histogram),
        mean_sum=_optional(form.mean_sum), mean_count=_optional(form.mean_count), gauge=_optional(form.gauge))


def _optional(form: TermForm | None) -> profile.Term | None:
    return _term(form) if form is not None else None
