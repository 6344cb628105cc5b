"""What a team writes in PromQL itself: alerts, indicators and panels of its own."""

from __future__ import annotations

from typing import Literal, TypeAlias

from obsc.spec.base import Block, leaf
from obsc.spec.types import (
    AlertName,
    DnsLabel,
    Duration,
    Expression,
    Finite,
    Prose,
    SeriesText,
    SeriesValues,
    Severity,
    Title,
    Wait,
    Word,
)

UnitName: TypeAlias = Literal["none", "ratio", "seconds", "bytes", "count", "cores", "celsius", "watts", "requests/second",
                              "tokens/second", "events/second"]


class AlertTest(Block):
    """A unit test of an alert, which promtool runs: series as they could be, and whether the alert fires at a moment."""

    name: Title = leaf("What is tried.", "many refusals for half an hour")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    series: dict[SeriesText, SeriesValues] = leaf(
        "Series by name and labels, each with its values, as promtool writes them. They get the labels that the compiler "
        "completes the alert's selectors with.", {'chat_refusals_total{reason="policy"}': "0+120x30"})
    interval: Duration = leaf("Time between two values.", "30s", unit="duration", default=60.0)
    at: Duration = leaf("When it is looked at, after the first value.", "25m", unit="duration")
    fires: bool = leaf("Whether the alert fires then.", False, default=True)


class CustomAlert(Block):
    """An alert of one's own. It gets the labels that routing needs, whatever its expression leaves over."""

    name: AlertName = leaf("Name of the alert, one that no built-in alert has.", "TokenBudgetLow")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    expr: Expression = leaf("When it is bad, in PromQL. Selectors of the service's own metrics are completed with its namespace and job.",
                            "sum by (namespace) (rate(chat_refusals_total[5m])) > 1")
    summary: Title = leaf("What is wrong, in a sentence.", "The chat refuses many requests")
    description: Prose = leaf("What to know about it.", "The guard model blocks more than one request a second.", default="")
    for_: Wait = leaf("How long it must last before the alert fires.", "10m", unit="duration", default=300.0)
    severity: Severity = leaf("How urgent it is.", "critical", default="warning")
    signal: Word = leaf("What it is about, as a label.", "refusals", default="custom")
    team: Word | None = leaf("Who gets it, if not the service's team.", "safety", default=None)
    test: tuple[AlertTest, ...] = leaf("Unit tests of it, compiled for promtool.", [
        {"name": "many refusals", "series": {"chat_refusals_total": "0+120x30"}, "at": "25m"}], default=())
    scope: bool = leaf("Complete the selectors; without, each must match a namespace that the service may read.", False, default=True)


class Ratio(Block):
    """Two counters whose rates are divided."""

    numerator: Expression = leaf("Selector of a counter, without a range.", 'chat_answers_total{grounded="true"}')
    denominator: Expression = leaf("Selector of a counter, without a range.", "chat_answers_total")


class Indicator(Block):
    """A number of one's own with bounds: a panel, and an alert when it leaves them."""

    name: DnsLabel = leaf("Name of the indicator.", "grounded-answers")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    description: Prose = leaf("What it means.", "Share of answers that cite a source.", default="")
    ratio: Ratio | None = leaf("Two counters: rates, the case of no traffic and that of no event yet are added.",
                               {"numerator": 'chat_answers_total{grounded="true"}', "denominator": "chat_answers_total"}, default=None)
    value: Expression | None = leaf("Any instant expression instead of a ratio.", "avg by (namespace) (chat_context_fill)", default=None)
    min: Finite | None = leaf("Below it the number is bad.", 0.8, unit="the number's", default=None)
    max: Finite | None = leaf("Above it the number is bad.", 0.95, unit="the number's", default=None)
    for_: Wait = leaf("How long it must last before the alert fires.", "30m", unit="duration", default=900.0)
    severity: Severity = leaf("How urgent it is.", "critical", default="warning")
    unit: UnitName = leaf("Unit of the number; ratios are 0 to 1.", "seconds", default="none")


class OwnPanel(Block):
    """A panel of one's own."""

    title: Title = leaf("Title, another one than other panels of the service have.", "Refusals")
    expr: Expression = leaf("What is drawn, in PromQL; `$__rate_interval` may be a range.",
                            "sum by (reason) (rate(chat_refusals_total[$__rate_interval]))")
    unit: UnitName = leaf("Unit of the number; ratios are 0 to 1.", "events/second", default="none")
    type: Literal["lines", "number", "bars", "states", "table"] = leaf("How it is drawn.", "bars", default="lines")
