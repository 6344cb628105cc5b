"""Metrics of a program of one's own: quality, drift and feedback, which no runtime has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obsc.catalog.profile import Measure, Metric, Profile, Term
from obsc.simulator.plant import Plant
from obsc.simulator.scenario import Fault, Load, Pool, Scenario
from simulator.pages import entry

START, END = 300.0, 1500.0


def own() -> Profile:
    metrics = (
        Metric("model_confusion_total", "counter", "count", ("model", "outcome"), lazy=True),
        Metric("user_feedback_total", "counter", "count", ("model", "rating"), lazy=True),
        Metric("model_drift_score", "gauge", "ratio", ("model", "feature")),
        Metric("answers_rated", "gauge", "percent", ("model",)))
    ways = (("qualityScore", (Measure("the evaluator", gauge=Term("answers_rated")),)),)
    return replace(entry("custom"), metrics=metrics, measures=ways)


def values(kind: str, name: str, **labels: str) -> tuple[float, float]:
    """At the beginning and at the end of a fault."""
    faults = (Fault(kind, START, END),) if kind else ()
    plant = Plant(Scenario("scores", "ai", (Pool(own(), "scores"),), Load(20, steady=True), faults))
    found: dict[float, float] = {}
    for world in plant.run(END - 15):
        if world.time in {START, END - 15}:
            found[world.time] = sum(value for family in plant.program(next(world.every)) for sample, pairs, value in family.samples
                                    if sample == name and labels.items() <= dict(pairs).items())
    return found[START], found[END - 15]


def share(kind: str, name: str, good: dict[str, str]) -> float:
    (before, after), (some, all_) = values(kind, name, **good), values(kind, name)
    return (after - before) / (all_ - some)


def test_quality_drops_where_it_is_said_to() -> None:
    def accuracy(kind: str) -> float:
        return share(kind, "model_confusion_total", {"outcome": "tp"}) + share(kind, "model_confusion_total", {"outcome": "tn"})

    assert accuracy("") == pytest.approx(0.93, abs=0.01)
    assert accuracy("quality-drop") == pytest.approx(0.81, abs=0.01)
    assert accuracy("feedback-drop") == accuracy("drift") == accuracy("")
    assert values("quality-drop", "answers_rated")[1] == pytest.approx(81)


def test_users_like_less_where_it_is_said_so() -> None:
    assert share("", "user_feedback_total", {"rating": "up"}) == pytest.approx(0.86, abs=0.03)
    assert share("feedback-drop", "user_feedback_total", {"rating": "up"}) == pytest.approx(0.56, abs=0.03)
    assert share("quality-drop", "user_feedback_total", {"rating": "up"}) == share("", "user_feedback_total", {"rating": "up"})


def test_drift_is_as_many_times_as_large() -> None:
    assert values("drift", "model_drift_score")[1] == pytest.approx(5 * values("", "model_drift_score")[1])
