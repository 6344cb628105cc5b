"""What a team watches beyond the built-in signals: alerts, indicators and panels of its own."""

from __future__ import annotations

from obsc.ir import AlertRule, AlertTest, Chart, Field, Panel, Query, RecordingRule, Severity, Text, Threshold, Unit
from obsc.promql import Binary, Expr, Number, aggregate, equal, rate, select
from obsc.promql import ratio as share_of
from obsc.signals.alert import QUIET, WHO, Contribution, Story, alert, busy, recorded_labels
from obsc.signals.settings import Default, own_settings
from obsc.signals.subject import Subject
from obsc.signals.written import is_selector, sample_series, written, written_selector
from obsc.spec.written import AlertTest as Test
from obsc.spec.written import CustomAlert, Indicator, OwnPanel

OUT_OF_BOUNDS = Default("IndicatorOutOfBounds", Severity.WARNING, hold=900, needs="the spec has no `indicators`")
NUMERATOR, DENOMINATOR = "ai:indicator_numerator:rate", "ai:indicator_denominator:rate"
# So few events in half an hour say nothing about their share.
_LEAST_EVENTS, _WINDOW = 20.0, 1800.0
_UNITS = {"none": Unit.COUNT}
_CHECKS = ("Look at the panel: since when, and what else changed then?", "Look at the rollouts of the last hour; roll back if one fits.")


def own(subject: Subject) -> Contribution:
    """Custom alerts as they are written; IndicatorOutOfBounds for each indicator; panels in a row of theirs."""
    service = subject.resolved.service
    recordings: list[RecordingRule] = []
    custom = [(one, expr) for one in service.alerts.custom if (expr := written(subject, one.expr, scope=one.scope)) is not None]
    alerts = [_custom(subject, *one) for one in custom]
    panels = [_custom_panel(subject, *one) for one in custom]
    # Indicators and panels are the service's: they stand with its first component.
    if subject.resolved.first:
        for indicator in service.indicators:
            recordings += _recordings(subject, indicator)
            alerts += _bounds(subject, indicator)
            panels += _indicator_panel(subject, indicator)
        panels += [panel for one in service.dashboards.panels if (panel := _own_panel(subject, one)) is not None]
    tests = tuple(_test(subject, one, test) for one, _ in custom for test in one.test)
    return Contribution(tuple(recordings), tuple(alerts), tuple(("own", panel) for panel in panels), tests=tests)


def _test(subject: Subject, said: CustomAlert, test: Test) -> AlertTest:
    """A test over series that the alert's selectors select, as it was written for series of the service's own."""
    series = ((sample_series(subject, text, scope=said.scope), values) for text, values in test.series.items())
    labels = [equal(label, value) for label, value in subject.static_labels if label in {"namespace", "service", "component"}]
    shown = select("ALERTS", equal("alertname", said.name), equal("alertstate", "firing"), *labels)
    return AlertTest(test.name, said.name, shown, tuple((one, values) for one, values in series if one is not None), test.interval,
                     test.at, test.fires)


def _custom(subject: Subject, said: CustomAlert, expr: Expr) -> AlertRule:
    settings = own_settings(subject.resolved, said.name, Severity(said.severity), said.for_, said.team,
                            subject.resolved.origins.origin("alerts", "custom", said.name))
    return alert(subject, settings, Story(
        said.signal, "custom", _key("alert", said.name), (*WHO, ": " + said.summary),
        (said.description or said.summary,), "As the team that wrote the alert describes it.", _CHECKS), expr)


def _custom_panel(subject: Subject, said: CustomAlert, expr: Expr) -> Panel:
    """The alert's expression over time: a sample wherever it would be pending."""
    return Panel(_key("alert", said.name), said.summary, Chart.LINES, Unit.COUNT, (Query(expr, (said.name,)),),
                 f"What {said.name} compares; nothing is drawn while it is not true.",
                 subject.resolved.origins.origin("alerts", "custom", said.name), empty="Not true")


def _key(kind: str, name: str) -> str:
    return f"own-{kind}-{name}"


def _terms(subject: Subject, said: Indicator) -> tuple[Expr, Expr] | None:
    assert said.ratio is not None
    top, bottom = written_selector(subject, said.ratio.numerator), written_selector(subject, said.ratio.denominator)
    if top is None or bottom is None:
        return None
    return aggregate("sum", rate(top, subject.window), "namespace"), aggregate("sum", rate(bottom, subject.window), "namespace")


def _recordings(subject: Subject, said: Indicator) -> list[RecordingRule]:
    """Both counters' rates, recorded apart: a quotient can be neither summed nor averaged."""
    terms = _terms(subject, said) if said.ratio is not None else None
    if terms is None:
        return []
    labels = tuple(sorted({**dict(recorded_labels(subject)), "indicator": said.name}.items()))
    origin = subject.resolved.origins.origin("indicators", said.name)
    return [RecordingRule(name, expr, labels, origin) for name, expr in zip((NUMERATOR, DENOMINATOR), terms, strict=True)]


def number(subject: Subject, said: Indicator, *, window: float = 0) -> Expr | None:
    """The indicator itself. Over a window in seconds, rates are averaged before they are divided."""
    if said.value is not None:
        return written(subject, said.value)
    if said.ratio is None or not (is_selector(said.ratio.numerator) and is_selector(said.ratio.denominator)):
        return None
    top, bottom = (subject.indicator(name, said.name, window) for name in (NUMERATOR, DENOMINATOR))
    return share_of(aggregate("sum", top, "namespace"), aggregate("sum", bottom, "namespace"))


def _bounds(subject: Subject, said: Indicator) -> list[AlertRule]:
    value = number(subject, said, window=_WINDOW)
    default = subject.settings(OUT_OF_BOUNDS)
    if value is None or default is None or said.min is said.max is None:
        return []
    outside = [Binary(op, value, Number(bound)) for op, bound in (("<", said.min), (">", said.max)) if bound is not None]
    expr: Expr = outside[0] if len(outside) == 1 else Binary("or", outside[0], outside[1])
    if said.ratio is not None:
        events = Binary("*", subject.indicator(DENOMINATOR, said.name, _WINDOW), Number(_WINDOW))
        expr = busy(events, _LEAST_EVENTS, ("namespace",), expr)
    settings = own_settings(subject.resolved, OUT_OF_BOUNDS.name, Severity(said.severity), said.for_, None,
                            subject.resolved.origins.origin("indicators", said.name))
    return [alert(subject, settings, _story(said), expr, ("indicator", said.name))]


def _story(said: Indicator) -> Story:
    bounds = [f"{word} {bound:g}" for word, bound in (("at least", said.min), ("at most", said.max)) if bound is not None]
    text: Text = (f"The indicator {said.name} is ", Field(unit=_unit(said.unit)),
                  f", it should be {' and '.join(bounds)}. {said.description}".rstrip())
    return Story("indicator", "custom", _key("indicator", said.name), (*WHO, f": {said.name} is out of its bounds"), text,
                 "As the team that defined the indicator describes it.", _CHECKS)


def _unit(name: str) -> Unit:
    return _UNITS.get(name) or Unit(name)


def _indicator_panel(subject: Subject, said: Indicator) -> list[Panel]:
    value = number(subject.viewed if said.ratio is not None else subject, said)
    if value is None:
        return []
    marks = tuple(Threshold(bound, Severity(said.severity), above) for bound, above in ((said.min, False), (said.max, True))
                  if bound is not None)
    return [Panel(_key("indicator", said.name), said.name, Chart.LINES, _unit(said.unit), (Query(value, (said.name,)),),
                  (said.description + " IndicatorOutOfBounds watches it.").strip(),
                  subject.resolved.origins.origin("indicators", said.name), marks, empty=QUIET)]


def _own_panel(subject: Subject, said: OwnPanel) -> Panel | None:
    expr = written(subject, said.expr)
    if expr is None:
        return None
    return Panel(_key("panel", said.title), said.title, Chart(said.type), _unit(said.unit), (Query(expr, ()),),
                 "A panel of the team's own.", subject.resolved.origins.origin("dashboards", "panels"))
