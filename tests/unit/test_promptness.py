"""`objectives[].detectWithin`: what is too late is an error, and the change that it names is enough."""

from __future__ import annotations

import re

import pytest

from obsc.diagnostics import Diagnostic, Sink
from obsc.pipeline import compile_specs
from obsc.source import load
from samples import PLATFORM, SPEC


def found(wanted: str, more: str = "", platform: str = PLATFORM) -> list[Diagnostic]:
    spec = SPEC + f"objectives: [{{name: availability, target: 99.9%, detectWithin: {wanted}}}]\n{more}"
    sink = Sink()
    compile_specs({name: load(name, text.encode(), sink) for name, text in (("chat.yaml", spec), ("platform.yaml", platform))}, sink)
    return [one for one in sink if one.code == "S378"]


def waiting(text: str) -> str:
    return PLATFORM.replace("alertmanager:\n", f"alertmanager:\n  groupWait: {text}\n")


def test_what_is_promised_is_no_error() -> None:
    assert found("4m52s") == []
    assert [(one.place.file, one.place.line) for one in found("4m51s")] == [("chat.yaml", 6)]


@pytest.mark.parametrize(("wanted", "change", "gives", "more", "platform"), [
    ("4m40s", "alertmanager.groupWait: 10s", "4m32s", "", waiting("10s")),
    ("4m", "alerts.rules.SLOBurnFast.for: 1m", "3m52s", "alerts: {rules: {SLOBurnFast: {for: 1m}}}\n", PLATFORM),
    ("3m27s", "groupWait: 5s", "3m27s", "alerts: {rules: {SLOBurnFast: {for: 1m}}}\n", waiting("5s"))])
def test_the_change_that_is_named_is_enough_and_what_it_gives_is_exact(wanted: str, change: str, gives: str, more: str,
                                                                       platform: str) -> None:
    [error] = found(wanted)
    assert change in error.hint
    assert re.search(rf"gives {gives}$", error.hint)
    assert found(gives, more, platform) == []
    minutes, seconds = map(int, re.findall(r"\d+", gives))
    assert len(found(f"{minutes * 60 + seconds - 1}s", more, platform)) == 1


def test_what_no_interval_can_give_is_said() -> None:
    [error] = found("50s")
    assert "a smaller budget is spent sooner than in 52s" in error.hint
    [error] = found("70s")
    assert "every interval at its shortest" in error.hint


def test_without_an_alert_nothing_is_told() -> None:
    [error] = found("1h", "alerts: {rules: {SLOBurnFast: {enabled: false}, SLOBurnSlow: {enabled: false}}}\n")
    assert "no alert tells" in error.message
    # The slow one alone is the first.
    [error] = found("5m", "alerts: {rules: {SLOBurnFast: {enabled: false}}}\n")
    assert error.message.startswith("SLOBurnSlow tells")


def test_an_endpoint_that_is_scraped_more_slowly_counts() -> None:
    [error] = found("4m52s", "metrics: {endpoints: [{interval: 45s}]}\n")
    assert "scrape 45s" in error.message
