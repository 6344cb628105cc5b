"""What all parts of the IR are made of: units, severities, texts, where a value comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]


class Severity(StrEnum):
    """How urgent an alert is: critical wakes a person, warning opens a ticket, info is context."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"

    @property
    def loudness(self) -> int:
        """How urgent it is: the higher, the more."""
        return {Severity.CRITICAL: 2, Severity.WARNING: 1, Severity.INFO: 0}[self]


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
    """A piece of text that is filled in when an alert fires: its value (as `unit`), or one of its labels, with `other` where
    it has none.
    """

    label: str = ""
    unit: Unit = Unit.COUNT
    other: str = ""


Text: TypeAlias = tuple[str | Field, ...]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line that matters, in the unit of the panel that draws it; `above`: bad is over it."""

    value: float
    severity: Severity
    above: bool = True


@dataclass(frozen=True, slots=True)
class SecretRef:
    """A key of a Secret: the only form in which a secret ever appears."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Link:
    """A named address."""

    name: str
    url: str
