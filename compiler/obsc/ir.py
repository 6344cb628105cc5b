"""What is observed, in nobody's dialect: the form between signals and targets.

Frozen values only, with order as meaning (tuples, no sets). No target's word occurs here: durations are
seconds, units an enum, texts a sequence of literals and fields, expressions trees of `promql`.
Every node carries an `Origin`: the spec path that caused it, or the name of the default that did.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from obsc.promql import Expr

Labels: TypeAlias = tuple[tuple[str, str], ...]


class Severity(StrEnum):
    """How urgent an alert is: critical wakes a person, warning opens a ticket, info is context."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Layer(StrEnum):
    """Layered monitoring: what a row of panels or an alert is about."""

    BUSINESS = "business"
    APPLICATION = "application"
    INFRASTRUCTURE = "infrastructure"
    TELEMETRY = "telemetry"


class Unit(StrEnum):
    """Unit of a panel's or a text's number. Ratios are 0 to 1."""

    RATIO = "ratio"
    SECONDS = "seconds"
    BYTES = "bytes"
    COUNT = "count"
    CORES = "cores"
    CELSIUS = "celsius"
    WATTS = "watts"
    REQUESTS_PER_SECOND = "requests/second"
    TOKENS_PER_SECOND = "tokens/second"
    EVENTS_PER_SECOND = "events/second"
    BOOL = "bool"


class Chart(StrEnum):
    """How a panel draws: a line over time, one number, bars by label, states over time, the spread of a histogram
    over time, a row for each set of labels with a column for each query.
    """

    LINES = "lines"
    NUMBER = "number"
    BARS = "bars"
    STATES = "states"
    HEAT = "heat"
    TABLE = "table"


class Recorded(StrEnum):
    """Series that are recorded for every service, whatever it runs; each has its namespace, service and team.

    `SERVICE` is 1 and has the uid of the service's page as label `dashboard`.
    """

    SERVICE = "ai:service:info"
    REQUESTS = "ai:requests:rate"
    ERRORS = "ai:request_errors:rate"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node comes from: a spec path (`alerts.rules.ServiceDown`) or the name of a default."""

    path: str
    layer: str = "built-in"


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What makes a service one and the same: environment, namespace, name."""

    environment: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """A piece of text that is filled in when an alert fires: its value (as `unit`), or one of its labels."""

    label: str = ""
    unit: Unit = Unit.COUNT


Text: TypeAlias = tuple[str | Field, ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line that matters, in the unit of the panel that draws it; `above`: bad is over it."""

    value: float
    severity: Severity
    above: bool = True


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that is computed once and used often."""

    name: str
    expr: Expr
    labels: Labels
    origin: Origin


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A condition that somebody should know about. `hold` and `keep` in seconds.

    `signal` and `kind` (availability, errors, latency, saturation, telemetry…) say what an alert is about:
    graver alerts of the same signal silence lighter ones. `panel` is the key of the panel that shows it;
    `needs` the metrics without which it is blind.
    """

    name: str
    expr: Expr
    hold: float
    keep: float
    severity: Severity
    signal: str
    kind: str
    summary: Text
    description: Text
    impact: str
    checks: tuple[str, ...]
    labels: Labels
    panel: str
    origin: Origin
    team: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of a panel, and the name of what it draws; in a table, a column and its heading.

    `unit` and `thresholds` are those of the panel unless given.
    """

    expr: Expr
    legend: Text
    unit: Unit | None = None
    thresholds: tuple[Threshold, ...] = ()


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart. `key` is unique in its dashboard and never changes: ids are made from it.

    `width` is a wish, in 24ths of the page: what a line has left over is shared among its panels. `empty` stands where
    there is nothing to draw, `links` are addresses that help whoever looks at it. `labels` of a table are its first
    columns with their headings; with `opens`, that column holds the uid of a page that a click opens.
    """

    key: str
    title: str
    chart: Chart
    unit: Unit
    queries: tuple[Query, ...]
    description: str
    origin: Origin
    thresholds: tuple[Threshold, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    width: int = 8
    empty: str = "No data"
    links: Labels = ()
    labels: Labels = ()
    opens: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together. Symptoms come first, causes below; `folded` rows cost nothing unseen."""

    key: str
    title: str
    layer: Layer
    panels: tuple[Panel, ...]
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice that the viewer has: the values of `label` on `source`."""

    name: str
    title: str
    source: Expr
    label: str


@dataclass(frozen=True, slots=True)
class Event:
    """Moments that every chart of a page marks: those at which `expr` has a sample, or, if `timed`, those that its
    samples' values are, in seconds since 1970.
    """

    name: str
    expr: Expr
    title: Text
    severity: Severity
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of rows about one service or the fleet. `uid` ≤ 40 characters of [A-Za-z0-9_-].

    `interval` is the time between samples of its slowest series, in seconds (0: not known). `related` are tags: pages
    that have them all are a click away.
    """

    uid: str
    title: str
    folder: str
    description: str
    tags: tuple[str, ...]
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]
    links: Labels
    origin: Origin
    events: tuple[Event, ...] = ()
    interval: float = 0
    related: tuple[str, ...] = ()


class Discovery(StrEnum):
    """How a job's targets are found."""

    PODS = "pods"
    SERVICE = "service"
    STATIC = "static"


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A key of a Secret: the only form in which a secret ever appears."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Tls:
    """How a target's certificate is checked, and which one is shown to it."""

    insecure_skip_verify: bool = False
    server_name: str = ""
    ca: SecretRef | None = None
    cert: SecretRef | None = None
    key: SecretRef | None = None


@dataclass(frozen=True, slots=True)
class StaticTargets:
    """Addresses (`host:port`) with labels of their own."""

    addresses: tuple[str, ...]
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """One endpoint that is read. `name` is unique in its environment, `job` is the label's value.

    `selector` are labels of pods, or of the Service with Discovery.SERVICE; `port` is a number or the name
    of the container's (Service's) port. `interval` and `timeout` in seconds. `component` is the further component that
    the endpoint is of, "" for the first one. `pod_labels` are keys of labels of pods that their series get, `dropped` RE2
    expressions of metrics that are not stored.
    """

    name: str
    job: str
    endpoint: str
    discovery: Discovery
    namespaces: tuple[str, ...]
    selector: Labels
    port: int | str | None
    path: str
    scheme: str
    interval: float
    timeout: float
    targets: tuple[StaticTargets, ...]
    labels: Labels
    bearer: SecretRef | None
    tls: Tls | None
    origin: Origin
    component: str = ""
    pod_labels: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeJob:
    """A request to `url` that the exporter at `address` (`host:port`) makes as its `module` says, every `interval` seconds.

    `name` is unique in its environment, `job` the label's value, `probe` the name within the service.
    """

    name: str
    job: str
    probe: str
    url: str
    module: str
    address: str
    interval: float
    timeout: float
    labels: Labels
    origin: Origin


@dataclass(frozen=True, slots=True)
class Mask:
    """A kind of private value in free text: its name, an RE2 expression, and what replaces it."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class LogInput:
    """Files of one service on a node and what is done to their lines before they leave it.

    `files` are globs of candidates, `include` an anchored RE2 expression that a file's path must match
    (empty: every candidate); where candidates are links, `linked` is that of the files that they may lead to.
    `framed`: the container runtime wrote the lines, each with its time and stream.
    `format` is auto, json or text; `continuation` an RE2 expression of lines that
    belong to the one before ("" for none). `drop` are key names that go whatever their depth; `masks` apply
    to free text. `labels` are added to every event.
    """

    id: str
    files: tuple[str, ...]
    include: str
    format: str
    continuation: str
    drop: tuple[str, ...]
    masks: tuple[Mask, ...]
    labels: Labels
    origin: Origin
    linked: str = ""
    framed: bool = True


@dataclass(frozen=True, slots=True)
class TracePolicy:
    """What is kept of a service's traces, and what is deleted from them.

    `services` are the values of `service.name`, one for each component; `baseline` the share kept in any case; `slower_than` seconds from
    which a trace is kept (None: duration does not matter).
    """

    services: tuple[str, ...]
    baseline: float
    keep_errors: bool
    slower_than: float | None
    drop: tuple[str, ...]
    masks: tuple[Mask, ...]
    spans: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts of a team's service with this severity go."""

    team: str
    severity: Severity
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A named address."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is observed of one service in one environment: what targets turn into artifacts.

    `parts` are its components, each as a service of its own, where there are several.
    """

    identity: Identity
    team: str
    description: str
    runtime: str
    labels: Labels
    links: tuple[Link, ...]
    static_labels: Labels
    jobs: tuple[ScrapeJob, ...]
    recordings: tuple[RecordingRule, ...]
    alerts: tuple[AlertRule, ...]
    dashboard: Dashboard
    logs: tuple[LogInput, ...]
    traces: TracePolicy | None
    routes: tuple[Route, ...]
    omitted: tuple[tuple[str, str], ...] = ()
    parts: tuple[Service, ...] = ()
    probes: tuple[ProbeJob, ...] = ()
