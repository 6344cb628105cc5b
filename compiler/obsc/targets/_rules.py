"""Recorded series and alerts → rule groups: one shape for rule files and for PrometheusRule."""

from __future__ import annotations

from obsc import conventions, promql
from obsc.ir import AlertRule, RecordingRule, Service
from obsc.spec.platform import AIPlatform

Data = dict[str, object]


def groups(service: Service, platform: AIPlatform) -> list[Data]:
    """The groups of a service: recordings before the alerts that use them."""
    interval = conventions.seconds(platform.prometheus.evaluation_interval)
    found: list[Data] = []
    if service.recordings:
        found.append({"name": conventions.group(service.identity, "recordings"), "interval": interval,
                      "rules": [_recording(rule) for rule in service.recordings]})
    if service.alerts:
        found.append({"name": conventions.group(service.identity, "alerts"), "interval": interval,
                      "rules": [_alert(rule, service, platform) for rule in service.alerts]})
    return found


def _recording(rule: RecordingRule) -> Data:
    return {"record": rule.name, "expr": promql.show(rule.expr), "labels": dict(rule.labels)}


def _alert(rule: AlertRule, service: Service, platform: AIPlatform) -> Data:
    data: Data = {"alert": rule.name, "expr": promql.show(rule.expr)}
    if rule.hold > 0:
        data["for"] = conventions.seconds(rule.hold)
    if rule.keep > 0:
        data["keep_firing_for"] = conventions.seconds(rule.keep)
    labels = {**dict(rule.labels), "class": rule.kind, "severity": rule.severity.value, "signal": rule.signal}
    # The labels of an alert are templates too, unlike those of a recorded series.
    data["labels"] = {name: conventions.annotation((value,)) for name, value in sorted(labels.items())}
    data["annotations"] = _annotations(rule, service, platform)
    return data


def _annotations(rule: AlertRule, service: Service, platform: AIPlatform) -> Data:
    data: Data = {
        "summary": conventions.annotation(rule.summary),
        "description": conventions.annotation(rule.description),
        "impact": conventions.annotation((rule.impact,)),
        "first_checks": conventions.numbered(rule.checks),
    }
    links = {link.name: link.url for link in service.links}
    runbooks = links.get("runbooks") or platform.metadata.links.get("runbooks")
    if runbooks:
        data["runbook_url"] = conventions.annotation((conventions.runbook_url(runbooks, rule.name),))
    grafana = platform.metadata.links.get("grafana")
    if grafana:
        url = conventions.dashboard_url(grafana, service.dashboard.uid, service.identity.namespace)
        data["dashboard_url"] = conventions.annotation((url,))
    return data
