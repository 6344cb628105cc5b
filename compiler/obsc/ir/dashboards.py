"""Pages of charts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from obsc.ir.values import Labels, Layer, Origin, Severity, Text, Threshold, Unit
from obsc.promql import Expr


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
