"""Numbers of a signal over any set of labels: levels of gauges, flows of counters, however many names a metric may have here."""

from __future__ import annotations

from obsc import endpoints
from obsc.catalog.profile import Term
from obsc.ir import Discovery
from obsc.promql import Expr, aggregate, any_of, over
from obsc.signals.reading import Reading
from obsc.signals.subject import Subject

SITE = ("namespace",)


def replica(subject: Subject) -> tuple[str, ...]:
    """Labels that tell a service's replicas apart."""
    in_pods = endpoints.discovery(subject.resolved) in {Discovery.PODS, Discovery.SERVICE}
    return ("namespace", "pod") if in_pods else ("namespace", "instance")


def gauges(subject: Subject, signal: str) -> tuple[Reading, ...]:
    """The signal's readings that are levels, on pages of the service itself."""
    return tuple(one for one in subject.readings(signal) if one.measure.gauge is not None and not one.exporter)


def flows(subject: Subject, signal: str) -> tuple[Reading, ...]:
    """The signal's readings that count: of a level nobody can tell how often something happened."""
    return tuple(one for one in subject.readings(signal) if _counted(one))


def level(subject: Subject, found: tuple[Reading, ...], *by: str, op: str = "sum", function: str = "", window: float = 0) -> Expr:
    """A level over replicas; with `function` and a window in seconds, that of each series first."""

    def one(reading: Reading) -> Expr:
        term = reading.measure.gauge
        assert term is not None
        series = subject.read(reading, term)
        value = over(function, series, window) if function else series
        return reading.scaled(term, aggregate(op, subject.once(reading, term, value), *by))

    return any_of(*map(one, found))


def flow(subject: Subject, found: tuple[Reading, ...], *by: str, window: float = 0, errors: bool = False) -> Expr:
    """Events per second; with `errors` those that went wrong, which may be in no series yet."""
    return any_of(*(subject.rates(one, one.measure.errors if errors else _counted(one), window, by) for one in found))


def _counted(reading: Reading) -> tuple[Term, ...]:
    measure = reading.measure
    single = measure.histogram or measure.mean_count
    return measure.total or measure.counters or ((single,) if single is not None else ())
