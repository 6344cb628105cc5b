"""`objectives`: what a service promises, and `traffic`, by which promises are judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from obsc.spec.base import Block, leaf
from obsc.spec.metrics import SIGNALS_LATER, Signal
from obsc.spec.types import DnsLabel, Duration, Expression, MatcherText, MetricName, Ratio, Threshold

Statistic: TypeAlias = Literal["mean", "p50", "p90", "p95", "p99"]


class SliEvents(Block):
    """Bad events and all events, as counters."""

    errors: Expression = leaf("Bad events: counters, several joined by `+`, without a range.", 'chat_answers_total{grounded="false"}')
    total: Expression = leaf("All events: counters, several joined by `+`, without a range.", "chat_answers_total")


class Objective(Block):
    """A promise, and alerts when its budget of bad events is spent too fast."""

    later: ClassVar[Mapping[str, str]] = {"span": "objectives on spans"}
    later_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"signal": SIGNALS_LATER}

    name: DnsLabel = leaf("Name; `availability`, `first-token` and `inter-token` imply their signal.", "first-token")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    signal: Signal | None = leaf("What is promised, in the vocabulary of signals.", "timeToFirstToken", default=None)
    metric: MetricName | None = leaf("A histogram of durations, instead of a signal.", "chat_retrieval_seconds", default=None)
    sli: SliEvents | None = leaf("Counters of one's own, instead of a signal.",
                                 {"errors": 'chat_answers_total{grounded="false"}', "total": "chat_answers_total"}, default=None)
    indicator: DnsLabel | None = leaf("An indicator with its bounds, instead of a signal: minutes within them are good.",
                                      "grounded-answers", default=None)
    statistic: Statistic | None = leaf(
        "Judge minutes by this statistic, and not requests one by one; needed where there is no histogram.", "p95", default=None)
    threshold: Threshold | None = leaf("What is still good: a duration, a ratio or a number, as the signal is.", "1s", default=None,
                                       unit="the signal's")
    target: Ratio = leaf("Share of requests (or minutes) that are good.", "99.5%", unit="ratio")
    window: Duration = leaf("Period over which the promise holds, at least a day.", "28d", unit="duration", default=2592000.0)
    component: DnsLabel | None = leaf("Component at which it is measured; the one that users feel unless given.", "router", default=None)
    matchers: tuple[MatcherText, ...] = leaf("Which requests count; every series of the promise must have the labels.",
                                             ['handler="/v1/chat/completions"'], default=())
    per: Literal["model", "service"] | None = leaf(
        "Whether each model has a budget of its own; so it is, unless given, where several models are told apart.", "service", default=None)
    severity: Literal["critical", "warning"] = leaf("The most urgent alert that it may raise.", "warning", default="critical")
    detect_within: Duration | None = leaf(
        "How soon after a total fault its alert has to tell of it: proved from the intervals of scrapes and rules, windows, `for` and "
        "the group's wait, else an error that names the change to make.", "10m", unit="duration", default=None)


class Traffic(Block):
    """Expected load."""

    requests_per_second: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = leaf(
        "Requests per second of the whole service in its busiest hour, on average. Promises are judged by it.", 2.5,
        unit="requests/second", default=None)
