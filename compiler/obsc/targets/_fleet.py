"""The page about all services of an environment.

It asks for series that every service has, so it names no service: a new one shows up by itself and changes no file.
"""

from __future__ import annotations

from obsc import conventions
from obsc.ir import Chart, Dashboard, Labels, Layer, Origin, Panel, Query, Recorded, Row, Severity, Threshold, Unit, Variable
from obsc.promql import Aggregate, Binary, Call, Expr, Matcher, Number, Selector, aggregate, equal, regex, select

_SERVICE = ("namespace", "service")
_HEADINGS: Labels = (("service", "Service"), ("namespace", "Namespace"), ("team", "Team"), ("dashboard", "Page"))
_CHOSEN = tuple(Matcher(name, "=~", name, variable=True) for name in ("namespace", "team"))
_OURS = Matcher("service", "!=", "")
_ANY = (Threshold(1, Severity.CRITICAL),)
_SOME = (Threshold(1, Severity.WARNING),)
_ORIGIN = Origin("fleet")


def dashboard(environment: str) -> Dashboard:
    """One line of numbers for everything, one table with a row for each service."""
    known = select(Recorded.SERVICE)
    return Dashboard(
        uid=conventions.fleet_uid(environment), title="AI services", folder="AI services",
        description="Every AI service of the environment. Change the specifications, not this page.",
        tags=("obsc", "fleet"), variables=(Variable("namespace", "Namespace", known, "namespace"),
                                           Variable("team", "Team", _chosen(Recorded.SERVICE, *_CHOSEN[:1]), "team")),
        rows=(Row("fleet", "Everything", Layer.BUSINESS, _numbers()),
              Row("services", "Services", Layer.APPLICATION, (_table(),))),
        links=(), origin=_ORIGIN, related=("obsc",))


def _chosen(name: str, *more: Matcher) -> Selector:
    return select(name, *(more or _CHOSEN))


def _services() -> Aggregate:
    """1 for each service, with its team and page: what the rest is joined with.

    One sample a service, even where a store of several clusters holds its page twice: a join must find only one.
    """
    return Aggregate("topk", _chosen(Recorded.SERVICE), _SERVICE, 1)


def _or_none(expr: Expr) -> Expr:
    """The expression, and 0 for services that it says nothing of."""
    return Binary("or", expr, Binary("*", Number(0), aggregate("max", _chosen(Recorded.SERVICE), *_SERVICE)))


def _of_each(expr: Expr) -> Expr:
    return Binary("*", expr, _services(), on=_SERVICE, group_left=("team", "dashboard"))


def _down() -> Selector:
    """Services that an alert says are down. Its absence of targets alone does not: a service may be at rest, scraped by
    somebody else, or have no metrics.
    """
    return _chosen("ALERTS", equal("alertstate", "firing"), regex("alertname", "ServiceDown|NoReadyReplicas"), _OURS, *_CHOSEN)


def _up() -> Expr:
    """Share of each service's targets that answer; 0 of one that is down and has none."""
    return Binary("or", aggregate("avg", select("up", _CHOSEN[0], _OURS), *_SERVICE),
                  Binary("*", Number(0), aggregate("max", _down(), *_SERVICE)))


def _firing(severity: Severity) -> Selector:
    return _chosen("ALERTS", equal("alertstate", "firing"), equal("severity", severity.value), _OURS, *_CHOSEN)


def _errors(*by: str) -> Expr:
    return Binary("/", aggregate("sum", _chosen(Recorded.ERRORS), *by),
                  Binary(">", aggregate("sum", _chosen(Recorded.REQUESTS), *by), Number(0)))


def _number(key: str, title: str, expr: Expr, text: str, marks: tuple[Threshold, ...] = (), unit: Unit = Unit.COUNT) -> Panel:
    return Panel(key, title, Chart.NUMBER, unit, (Query(expr, (title,)),), text, _ORIGIN, marks, minimum=0, width=4)


def _numbers() -> tuple[Panel, ...]:
    down = aggregate("count", aggregate("max", _down(), *_SERVICE))
    zero = Call("vector", (Number(0),))
    return (
        _number("critical", "Critical Alerts", Binary("or", aggregate("count", _firing(Severity.CRITICAL)), zero),
                "Alerts that wake somebody and are firing now.", _ANY),
        _number("warnings", "Warnings", Binary("or", aggregate("count", _firing(Severity.WARNING)), zero),
                "Alerts that can wait for the day and are firing now.", _SOME),
        _number("down", "Services Down", Binary("or", down, zero), "Services of which nothing answers or no replica is ready.", _ANY),
        _number("services", "Services", aggregate("count", _services()), "Services that are observed."),
        _number("requests", "Requests", aggregate("sum", _chosen(Recorded.REQUESTS)), "Requests per second of all services.",
                unit=Unit.REQUESTS_PER_SECOND),
        _number("errors", "Errors", _errors(), "Share of all requests that fail by a service's own fault.", unit=Unit.RATIO),
    )


def _table() -> Panel:
    lost = (Threshold(1, Severity.WARNING, above=False), Threshold(0.001, Severity.CRITICAL, above=False))
    columns = (
        Query(_of_each(_or_none(aggregate("count", _firing(Severity.CRITICAL), *_SERVICE))), ("Critical",), thresholds=_ANY),
        Query(_of_each(_or_none(aggregate("count", _firing(Severity.WARNING), *_SERVICE))), ("Warnings",), thresholds=_SOME),
        Query(_of_each(_up()), ("Targets up",), Unit.RATIO, lost),
        Query(_of_each(aggregate("sum", _chosen(Recorded.REQUESTS), *_SERVICE)), ("Requests",), Unit.REQUESTS_PER_SECOND),
        Query(_of_each(_errors(*_SERVICE)), ("Errors",), Unit.RATIO),
    )
    return Panel(
        "table", "Services", Chart.TABLE, Unit.COUNT, columns,
        "A row for each service, those with critical alerts first. The last numbers before now.", _ORIGIN, width=24,
        labels=_HEADINGS, opens="dashboard")
