"""Where series, log lines and traces come from, and what is taken out of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from obsc.ir.values import Labels, Origin, SecretRef


class Discovery(StrEnum):
    """How a job's targets are found."""

    PODS = "pods"
    SERVICE = "service"
    STATIC = "static"


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
class Requirement:
    """What a label of a pod must be: one of `values`, or, where there are none, what the RE2 expression matches whole."""

    key: str
    values: tuple[str, ...]
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class ScrapeJob:
    """One endpoint that is read. `name` is unique in its environment, `job` is the label's value.

    `namespaces` are names or globs; with `scattered`, each series gets its own as label. `selector` tells labels of pods, or of
    the Service with Discovery.SERVICE, and `pods` an RE2 expression of pods' names ("": any); `port` is a number or the name
    of the container's (Service's) port. `interval` and `timeout` in seconds. `component` is the further component that
    the endpoint is of, "" for the first one. `pod_labels` are keys of labels of pods that their series get, `dropped` RE2
    expressions of metrics that are not stored.
    """

    name: str
    job: str
    endpoint: str
    discovery: Discovery
    namespaces: tuple[str, ...]
    selector: tuple[Requirement, ...]
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
    pods: str = ""
    scattered: bool = False


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
