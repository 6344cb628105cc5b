"""Objectives → how fast their budgets may burn: pairs of windows with factors, and the series by which that is told.

Bad events and all events are recorded apart and divided at use. What is longer than an hour is made of the recorded
rates, weighted by events: a quiet night counts as much as its requests, and a minute without any counts for nothing.
Names and labels of the series are those of Sloth (github.com/slok/sloth), so that dashboards for it work.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from obsc import durations
from obsc.ir import Labels, Objective, RecordingRule
from obsc.promql import Aggregate, Binary, Call, Expr, Matcher, Number, Selector, aggregate, equal, over, select

BAD, EVERY, JUDGED = "slo:sli_errors:rate5m", "slo:sli_events:rate5m", "slo:sli_bad:bool"
REMAINING, BURN = "slo:period_error_budget_remaining:ratio", "slo:current_burn_rate:ratio"
BUDGET = "slo:error_budget:ratio"
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
# A day's sum hardly changes in two minutes, and to add up a month of samples for each of a thousand services is much work. An
# instant query still finds what is recorded so seldom: it looks five minutes back.
_SLOW_PACE = 2 * _MINUTE
FAST = 5 * _MINUTE
# Ranges that are read from raw samples; longer ones are made of recorded rates.
RAW = (FAST, 30 * _MINUTE, _HOUR)
# Site Reliability Workbook, chapter 5: short and long window, share of the budget that is spent, whether it pages.
_TIERS = ((FAST, _HOUR, "0.02", True), (30 * _MINUTE, 6 * _HOUR, "0.05", True),
          (2 * _HOUR, _DAY, "0.1", False), (6 * _HOUR, 3 * _DAY, "0.1", False))
# Of a large budget even a total outage takes its time to spend a fiftieth: who waits longer than this is told at once.
_PATIENCE = 10 * _MINUTE
_SHORTEST_FOR_DAYS = 14 * _DAY
# All events bad must be well beyond the limit: a ratio never exceeds 1.
_HIGHEST_SHARE = Decimal("0.8")
LEAST_EVENTS = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """Two windows in seconds that must both burn faster than `limit` (a share of events). `capped`: slower than is usual,
    since all events bad would not reach it.
    """

    short: float
    long: float
    factor: Decimal
    limit: Decimal
    pages: bool
    capped: bool


def pairs(target: float, window: float) -> tuple[Pair, ...]:
    """The pairs of windows of an objective, the fastest first.

    The windows stay, whatever the period; the factor is the share of the budget times period over window, at least 1:
    slower than that the budget lasts. A period of less than two weeks has no window of three days. Where the first pair would
    take more than ten minutes to tell of a total outage, one comes before it that tells when four fifths of all events are bad.
    """
    budget = _budget(target)
    found = []
    for short, long, spent, pages in _TIERS:
        if long > _DAY and window < _SHORTEST_FOR_DAYS:
            continue
        usual = max(Decimal(1), Decimal(spent) * Decimal(repr(window)) / Decimal(repr(long)))
        factor = min(usual, _HIGHEST_SHARE / budget)
        limit = (factor * budget).quantize(Decimal("1e-9")).normalize()
        found.append(Pair(short, long, factor, limit, pages, factor < usual))
    if float(found[0].limit) * found[0].long > _PATIENCE:
        found.insert(0, Pair(FAST, FAST, _HIGHEST_SHARE / budget, _HIGHEST_SHARE, pages=True, capped=False))
    return tuple(found)


def _budget(target: float) -> Decimal:
    """The share of events that may be bad, exactly."""
    return 1 - Decimal(repr(target))


def needed(pair: Pair, rate: float) -> float:
    """How many bad events trip the pair's long window, at so many events per second."""
    return float(pair.limit) * rate * pair.long


def bearable(objective: Objective) -> tuple[Pair, ...]:
    """The pairs that a few bad requests cannot trip, if the load is known."""
    found = pairs(objective.target, objective.window)
    if objective.rate is None or objective.sli.judged is not None:
        return found
    return tuple(one for one in found if needed(one, objective.rate) >= LEAST_EVENTS)


def told(objective: Objective) -> tuple[tuple[str, str], ...]:
    """The labels by which everything about an objective is found."""
    service = objective.id.split("/")[1]
    return (("sloth_id", objective.id), ("sloth_service", service), ("sloth_slo", objective.name))


def recordings(objective: Objective, labels: Labels, place: tuple[Matcher, ...]) -> tuple[RecordingRule, ...]:
    """The series of an objective in the order in which they need each other. `labels` are the service's, `place` its namespace."""
    make = _Maker(objective, labels, place)
    return (*make.counted(), *make.ratios(), *make.facts())


def ratio(objective: Objective, place: tuple[Matcher, ...], window: float) -> Expr:
    """The recorded share of bad events over a window in seconds."""
    span = equal("sloth_window", durations.show(window))
    return aggregate("max", _series(objective, place, _named(window), span), *objective.sli.by)


def bad_events(objective: Objective, place: tuple[Matcher, ...], window: float, interval: float) -> Expr:
    """How many bad events there were in a window: what is recorded every `interval` seconds, added up. An average would take
    a young series, or one with gaps, for a full window of its like.
    """
    rates = _series(objective, place, BAD)
    return Binary("*", aggregate("sum", over("sum_over_time", rates, window), *objective.sli.by), Number(interval))


def recorded(objective: Objective, place: tuple[Matcher, ...], name: str) -> Expr:
    """Another recorded series of an objective, one sample for each set of its labels."""
    return aggregate("max", _series(objective, place, name), *objective.sli.by)


def _series(objective: Objective, place: tuple[Matcher, ...], name: str, *more: Matcher) -> Selector:
    return select(name, *place, equal("sloth_id", objective.id), *more)


def _named(window: float) -> str:
    return f"slo:sli_error:ratio_rate{durations.show(window)}"


@dataclass(frozen=True, slots=True)
class _Maker:
    objective: Objective
    labels: Labels
    place: tuple[Matcher, ...]

    def rule(self, name: str, expr: Expr, *more: tuple[str, str], slow: bool = False) -> RecordingRule:
        labels = dict(self.labels) | dict(told(self.objective)) | dict(more)
        group, pace = f"objective-{self.objective.name}", _SLOW_PACE if slow else 0
        return RecordingRule(name, expr, tuple(sorted(labels.items())), self.objective.origin, group + "-days" * slow, pace)

    def series(self, name: str) -> Selector:
        return _series(self.objective, self.place, name)

    def summed(self, expr: Expr) -> Aggregate:
        # A label of the service that changed is for a while there under both values.
        return aggregate("sum", expr, *self.objective.sli.by)

    def counted(self) -> tuple[RecordingRule, ...]:
        sli = self.objective.sli
        if sli.judged is None:
            return (self.rule(BAD, dict(sli.bad)[FAST]), self.rule(EVERY, dict(sli.every)[FAST]))
        mean = self.summed(over("avg_over_time", self.series(JUDGED), FAST))
        there = Call("clamp_max", (self.summed(over("present_over_time", self.series(JUDGED), FAST)), Number(1)))
        return (self.rule(JUDGED, sli.judged), self.rule(BAD, mean), self.rule(EVERY, there))

    def ratios(self) -> tuple[RecordingRule, ...]:
        said = self.objective
        spans = sorted({said.window, *(span for pair in pairs(said.target, said.window) for span in (pair.short, pair.long))})
        return tuple(self.rule(_named(span), self.share(span), ("sloth_window", durations.show(span)), slow=span >= _DAY)
                     for span in spans)

    def share(self, span: float) -> Expr:
        sli = self.objective.sli
        bad: Expr
        every: Expr
        if span == FAST:
            bad, every = (self.summed(self.series(name)) for name in (BAD, EVERY))
        elif span in RAW and sli.judged is None:
            bad, every = dict(sli.bad)[span], dict(sli.every)[span]
        else:
            bad, every = (self.summed(over("sum_over_time", self.series(name), span)) for name in (BAD, EVERY))
        return Binary("/", bad, Binary(">", every, Number(0)))

    def facts(self) -> tuple[RecordingRule, ...]:
        said, budget = self.objective, _budget(self.objective.target)
        burnt = self.spent(said.window, budget)
        return (
            self.rule("slo:objective:ratio", _constant(Decimal(repr(said.target)))),
            self.rule(BUDGET, _constant(budget)),
            self.rule("slo:time_period:days", _constant(Decimal(repr(said.window)) / Decimal(86400))),
            self.rule(BURN, self.spent(FAST, budget)),
            self.rule("slo:period_burn_rate:ratio", burnt, slow=True),
            self.rule(REMAINING, Binary("-", Number(1), burnt), slow=True),
            self.rule("sloth_slo_info", _constant(Decimal(1)), ("sloth_objective", durations.number(said.target * 100))))

    def spent(self, span: float, budget: Decimal) -> Expr:
        return Binary("/", ratio(self.objective, self.place, span), Number(float(budget)))


def _constant(value: Decimal) -> Expr:
    return Call("vector", (Number(float(value)),))
