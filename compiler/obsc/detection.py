"""How long after a total fault an alert is told of, at the latest: what an alert promises, and of what the promise is made.

A total fault is one by which everything goes wrong that the alert is about, while as many requests come as before: each request
fails or is slow, no target answers, a level is beyond its limit. From then on pass

    one scrape · what the ranges of the expression need · one evaluation for each group of rules · `for` · the group's wait

A range over w seconds is a mean: t seconds after the fault t/w of it is bad. A range over a range (recorded rates, summed) is the
mean of means. The share of their way that they have gone after t seconds is therefore the distribution function of a sum of
uniform variables, one for each range; it is inverted for the share at which the comparison turns.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from obsc import durations
from obsc.ir import AlertRule, Field, RecordingRule, Service, Unit
from obsc.promql import Aggregate, Binary, Call, Expr, Number, Range, Raw, Selector, walk

_COMPARISONS = frozenset({">", "<", ">=", "<=", "==", "!="})
_MEANS = frozenset({"rate", "increase", "irate", "avg_over_time", "sum_over_time", "count_over_time", "delta", "deriv", "idelta"})
_LEVELS = frozenset({"irate", "idelta", "last_over_time", "present_over_time"})
_RANGES = re.compile(r"\[((?:[0-9]+(?:ms|[smhdwy]))+)")


@dataclass(frozen=True, slots=True)
class Clock:
    """What the platform says, in seconds: between scrapes, between evaluations of rules, before a group is told of."""

    scrape: float
    evaluation: float
    wait: float


@dataclass(frozen=True, slots=True)
class Promise:
    """Seconds from a total fault to the first word of it, at the latest, and the parts that they are made of.

    `hold` is `for`, in whole evaluations. `sooner`: the window, where as few samples lie in the ranges as can be.
    """

    scrape: float
    window: float
    evaluation: float
    hold: float
    wait: float
    sooner: float

    @property
    def total(self) -> float:
        """From the fault to the notification."""
        return self.scrape + self.window + self.evaluation + self.hold + self.wait

    @property
    def least(self) -> float:
        """What passes in any case: neither a scrape nor an evaluation need be waited for, and nobody waits for the group."""
        return self.sooner + self.hold


@dataclass(frozen=True, slots=True)
class _Way:
    """How a value goes from healthy to faulty: it waits for `delay` seconds, then it is a mean over `ranges`, one of the other.

    `groups` of rules are evaluated on the way, each as often as it says, in seconds.
    """

    ranges: tuple[float, ...] = ()
    delay: float = 0.0
    groups: frozenset[tuple[str, float]] = frozenset()

    @property
    def evaluation(self) -> float:
        """Seconds until all groups were evaluated, one after another."""
        return sum(every for _, every in self.groups)

    def until(self, share: float) -> float:
        """Seconds until so much of the way (0 to 1) is gone."""
        return self.delay + _quantile(self.ranges, share)


_AT_ONCE = _Way()


def promise(rule: AlertRule, service: Service, clock: Clock) -> Promise:
    """What an alert of a service promises."""
    is_share = any(isinstance(one, Field) and one.unit is Unit.RATIO for one in rule.description)
    found = _Reader(service.recordings, is_share, clock.evaluation)
    slowest = found.turns(rule.expr)
    hold = math.ceil(rule.hold / clock.evaluation - 1e-9) * clock.evaluation
    scrape = _scrape(found.sources(rule.expr), service, clock)
    sooner = replace(found, missed=scrape).turns(rule.expr).delay
    return Promise(scrape, slowest.delay, clock.evaluation + slowest.evaluation, hold, clock.wait, sooner)


def _scrape(found: Iterable[Selector], service: Service, clock: Clock) -> float:
    """The slowest scrape of what is read: the service's own jobs and probes say how often, the platform of all others."""
    known = {one.job: one.interval for one in service.jobs} | {one.job: one.interval for one in service.probes}
    jobs = [next((one.value for one in selector.matchers if one.label == "job" and one.op == "="), "") for selector in found]
    return max((known.get(job, clock.scrape) for job in jobs), default=clock.scrape)


@dataclass(frozen=True, slots=True)
class _Reader:
    """When expressions turn. `is_share`: what they compare is a share of events. The first and the last sample of a range are up
    to `missed` seconds less apart than it is long.
    """

    recordings: tuple[RecordingRule, ...]
    is_share: bool
    evaluation: float
    missed: float = 0.0

    def recorded(self, one: Selector) -> RecordingRule | None:
        """What records a series, if rules do."""
        wanted = {matcher.label: matcher.value for matcher in one.matchers if matcher.op == "="}
        return next((rule for rule in self.recordings if rule.name == one.metric and
                     all(wanted.get(label, value) == value for label, value in rule.labels)), None)

    def sources(self, expr: Expr) -> Iterator[Selector]:
        """What is scraped, behind whatever is recorded."""
        for one in walk(expr):
            if isinstance(one, Selector):
                rule = self.recorded(one)
                if rule is None:
                    yield one
                elif rule.expr != expr:
                    yield from self.sources(rule.expr)

    def turns(self, expr: Expr) -> _Way:
        """When a condition becomes true; `ranges` are spent."""
        match expr:
            case Binary(op="and"):
                return _last(self.turns(one) for one in (expr.left, expr.right) if not _guards(one))
            case Binary(op="or"):
                return min(self.turns(expr.left), self.turns(expr.right), key=_slowness)
            case Binary(op="unless"):
                return self.turns(expr.left)
            case Binary() if expr.op in _COMPARISONS:
                return self.crossing(expr)
            case Aggregate():
                return self.turns(expr.expr)
            case Raw():
                return _Way(delay=max((durations.parse(one) or 0.0 for one in _RANGES.findall(expr.text)), default=0.0))
            case _:
                return self.spent(expr, 1.0, rising=True)

    def crossing(self, expr: Binary) -> _Way:
        """When a comparison becomes true. What is no share has to go its whole way, at worst."""
        value, limit, op = expr.left, expr.right, expr.op
        if isinstance(value, Number):
            value, limit, op = limit, value, op.translate(str.maketrans("<>", "><"))
        rising = op in {">", ">=", "!="}
        if not isinstance(limit, Number):
            return _last((self.spent(value, 1.0, rising=rising), self.spent(limit, 1.0, rising=not rising)))
        if rising and _counts(value):
            return _AT_ONCE  # the event that makes it true is in the range as soon as it is scraped
        share = (limit.value if rising else 1 - limit.value) if self.is_share and 0 < limit.value < 1 else 1.0
        budget = self.budget(value)
        if budget is not None and not rising:
            share = budget * (1 - limit.value)
        # A quantile is beyond the limit as soon as the rest of the requests is.
        ranks = [one.args[0].value for one in walk(value) if isinstance(one, Call) and one.function == "histogram_quantile"
                 and isinstance(one.args[0], Number)]
        return self.spent(value, 1 - ranks[0] if ranks and rising else share, rising=rising)

    def spent(self, expr: Expr, share: float, *, rising: bool) -> _Way:
        """When a value has gone a share of its way."""
        return _last(replace(way, ranges=(), delay=way.until(share)) for way in self.ways(expr, rising=rising))

    def ways(self, expr: Expr, *, rising: bool) -> tuple[_Way, ...]:
        """How the parts of a value go; the slowest of them decides."""
        match expr:
            case Selector():
                return self.selected(expr, rising=rising)
            case Call():
                return self.called(expr, rising=rising)
            case Range() | Aggregate():
                return self.ways(expr.expr, rising=rising)
            case Binary(op="/") | Binary(op="unless"):
                return self.ways(expr.left, rising=rising)  # as many requests come as before
            case Binary() if expr.op in _COMPARISONS and expr.boolean:
                return (self.crossing(expr),)
            case Binary() if expr.op in _COMPARISONS:
                return self.ways(expr.left, rising=rising)
            case Binary():
                return (*self.ways(expr.left, rising=rising), *self.ways(expr.right, rising=rising))
            case _:
                return (_AT_ONCE,)

    def selected(self, one: Selector, *, rising: bool) -> tuple[_Way, ...]:
        """How a series goes: what is scraped at once, what is recorded as its expression does."""
        rule = self.recorded(one)
        if rule is None:
            return (_AT_ONCE,)
        group = (rule.group, max(self.evaluation, rule.pace))
        return tuple(replace(way, groups=way.groups | {group}) for way in self.ways(rule.expr, rising=rising))

    def budget(self, expr: Expr) -> float | None:
        """Of what is left of a budget, `1 - share / budget`, the budget; None for any other value."""
        match expr:
            case Aggregate():
                return self.budget(expr.expr)
            case Selector() if (rule := self.recorded(expr)) is not None:
                return self.budget(rule.expr)
            case Binary(op="-", left=Number(value=1), right=Binary(op="/", right=Number(value=budget))):
                return budget
            case _:
                return None

    def called(self, expr: Call, *, rising: bool) -> tuple[_Way, ...]:
        """How the value of a function goes."""
        inner = tuple(way for one in expr.args for way in self.ways(one, rising=rising)) or (_AT_ONCE,)
        window = next((one.window for one in expr.args if isinstance(one, Range)), None)
        # Two samples are enough for these, and the first bad one for an extreme that the fault goes towards.
        if window is None or expr.function in _LEVELS or expr.function == ("max_over_time" if rising else "min_over_time"):
            return inner
        window = max(0.0, window - self.missed)
        if expr.function in _MEANS and window:
            return tuple(replace(way, ranges=(*way.ranges, window)) for way in inner)
        return tuple(replace(way, delay=way.delay + window) for way in inner)


def _last(found: Iterable[_Way]) -> _Way:
    """What comes last; nothing comes at once."""
    return max(found, key=_slowness, default=_AT_ONCE)


def _slowness(way: _Way) -> float:
    return way.delay + way.evaluation


def _guards(expr: Expr) -> bool:
    """Whether a condition is one of enough traffic, which holds before the fault and during it."""
    is_least = isinstance(expr, Binary) and expr.op == ">=" and isinstance(expr.right, Number)
    # A number of events: an increase, or a recorded rate times seconds.
    return is_least and any(isinstance(one, Range) or (isinstance(one, Binary) and one.op == "*") for one in walk(expr))


def _counts(expr: Expr) -> bool:
    """Whether a value is a number of events in a range, and not a share of them."""
    inner = expr
    while isinstance(inner, Aggregate):
        inner = inner.expr
    return isinstance(inner, Call) and inner.function in {"increase", "changes", "resets"}


def _quantile(ranges: tuple[float, ...], share: float) -> float:
    """The quantile of a sum of independent uniform variables from 0 to each of the ranges."""
    if len(ranges) < 2 or share >= 1:
        return sum(ranges) * min(1.0, share)
    low, high = 0.0, sum(ranges)
    below: Callable[[float], bool] = lambda time: _distribution(ranges, time) < share  # noqa: E731
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return high


def _distribution(ranges: tuple[float, ...], time: float) -> float:
    """The distribution function of that sum, by inclusion and exclusion."""
    count = len(ranges)
    terms = ((-1.0) ** size * max(0.0, time - sum(some)) ** count for size in range(count + 1) for some in combinations(ranges, size))
    return math.fsum(terms) / (math.factorial(count) * math.prod(ranges))


def parts(found: Promise) -> str:
    """A promise in words: `3m30s (scrape 30s, evaluation 30s, for 2m, wait 30s)`."""
    named = (("scrape", found.scrape), ("window", found.window), ("evaluation", found.evaluation), ("for", found.hold),
             ("group wait", found.wait))
    return f"{_shown(found.total)} ({', '.join(f'{name} {_shown(value)}' for name, value in named if value)})"


def _shown(seconds: float) -> str:
    return durations.show(float(math.ceil(seconds - 1e-6)))
