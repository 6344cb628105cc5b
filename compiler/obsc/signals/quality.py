"""Model quality, as far as the service reports it: shown here, judged by the quality block of a later version."""

from __future__ import annotations

from obsc.ir import Chart, Field, Origin, Panel, Query, Text, Unit
from obsc.promql import aggregate, any_of
from obsc.signals.alert import Contribution
from obsc.signals.reading import Reading
from obsc.signals.subject import Subject


def quality(subject: Subject) -> Contribution:
    """The quality score by model. A gauge of a batch job never goes stale: the panel shows what was said last."""
    found = [one for one in subject.readings("qualityScore") if one.measure.gauge is not None]
    if not found:
        return Contribution()
    seen = subject.viewed
    exprs = [one.scaled(one.measure.gauge, aggregate("min", seen.read(one, one.measure.gauge), "namespace", *_model(seen, one)))
             for one in found if one.measure.gauge is not None]
    return Contribution(panels=(("business", Panel(
        "quality", "Model Quality", Chart.LINES, Unit.RATIO, (Query(any_of(*exprs), _legend(seen, found[0])),),
        "Score that the service or its evaluation reports, by model; the lowest where several replicas differ.",
        Origin("quality"), minimum=0, maximum=1)),))


def _model(subject: Subject, reading: Reading) -> tuple[str, ...]:
    assert reading.measure.gauge is not None
    label = subject.model_label(reading.metric(reading.measure.gauge))
    return (label,) if label else ()


def _legend(subject: Subject, reading: Reading) -> Text:
    label = _model(subject, reading)
    return (Field(label=label[0]),) if label else ("quality",)
