"""`alerts`: which of the built-in alerts apply, and with which numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from obsc.spec.base import Block, leaf
from obsc.spec.types import AlertName, Ratio, Severity, Threshold, Wait, Word
from obsc.spec.written import CustomAlert


class Rule(Block):
    """What a service wants otherwise in one alert."""

    enabled: bool | None = leaf("Switch the alert on or off.", False, default=None)
    threshold: Threshold | None = leaf("When it is bad, in the alert's own kind of number.", "5s",
                                       unit="the alert's", default=None)
    quantile: Ratio | None = leaf("Compare this quantile with the threshold instead of the share of slow requests.",
                                  0.95, unit="ratio", default=None)
    for_: Wait | None = leaf("How long it must last before the alert fires.", "5m", unit="duration", default=None)
    keep_firing_for: Wait | None = leaf("How long it goes on firing after it is over.", "5m", unit="duration", default=None)
    severity: Severity | None = leaf("How urgent it is.", "warning", default=None)
    team: Word | None = leaf("Who gets it, if not the service's team.", "gpu-platform", default=None)


class Alerts(Block):
    """Alerts of the service."""

    later: ClassVar[Mapping[str, str]] = {"activeTimeIntervals": "times of notification",
                                          "muteTimeIntervals": "times of silence"}

    custom: tuple[CustomAlert, ...] = leaf(
        "Alerts of the service's own.", [{"name": "ManyRefusals", "expr": "rate(refusals_total[5m]) > 1", "summary": "Many refusals"}],
        default=())
    rules: dict[AlertName, Rule] = leaf("Changes to built-in alerts, by the alert's name.",
                                        {"HighInferenceLatency": {"quantile": 0.95, "threshold": "5s"}}, default={})
