"""What is observed, in nobody's dialect: the form between signals and targets.

Frozen values only, with order as meaning (tuples, no sets). No target's word occurs here: durations are
seconds, units an enum, texts a sequence of literals and fields, expressions trees of `promql`.
Every node carries an `Origin`: the spec path that caused it, or the name of the default that did.
"""

from __future__ import annotations

from obsc.ir.dashboards import Chart, Dashboard, Event, Panel, Query, Row, Variable
from obsc.ir.objectives import Objective, Sli
from obsc.ir.rules import RECORDINGS, AlertRule, AlertTest, Recorded, RecordingRule, Route
from obsc.ir.service import Service
from obsc.ir.telemetry import Discovery, LogInput, Mask, ProbeJob, Requirement, ScrapeJob, StaticTargets, Tls, TracePolicy
from obsc.ir.values import Field, Identity, Labels, Layer, Link, Origin, SecretRef, Severity, Text, Threshold, Unit

__all__ = [
    "RECORDINGS",
    "AlertRule",
    "AlertTest",
    "Chart",
    "Dashboard",
    "Discovery",
    "Event",
    "Field",
    "Identity",
    "Labels",
    "Layer",
    "Link",
    "LogInput",
    "Mask",
    "Objective",
    "Origin",
    "Panel",
    "ProbeJob",
    "Query",
    "Recorded",
    "RecordingRule",
    "Requirement",
    "Route",
    "Row",
    "ScrapeJob",
    "SecretRef",
    "Service",
    "Severity",
    "Sli",
    "StaticTargets",
    "Text",
    "Threshold",
    "Tls",
    "TracePolicy",
    "Unit",
    "Variable",
]
