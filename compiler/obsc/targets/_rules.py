"""Recorded series and alerts → rule groups: one shape for rule files and for PrometheusRule."""

from __future__ import annotations

from obsc import conventions, promql, sizes
from obsc.ir import RECORDINGS, AlertRule, Field, RecordingRule, Service, Text
from obsc.pieces import Sized, divide
from obsc.spec.platform import AIPlatform

Data = dict[str, object]
_ALERTS = "alerts"


def pieces(service: Service, platform: AIPlatform) -> list[tuple[str, list[Data]]]:
    """The groups of a service by pieces, of which there is mostly one: recordings before the alerts that use them."""
    usual = platform.prometheus.evaluation_interval
    slower = {rule.group: max(usual, rule.pace) for rule in service.recordings}
    rules = [*((rule.group, _recording(rule)) for rule in service.recordings),
             *((_ALERTS, _alert(rule, service, platform)) for rule in service.alerts)]
    found: list[tuple[str, list[Data]]] = []
    for piece, some in divide(rules, _measure):
        found.append((piece, [{"name": conventions.group(service.identity, group, piece),
                               "interval": conventions.seconds(slower.get(group, usual)),
                               "rules": [rule for name, rule in some if name == group]}
                              for group in dict.fromkeys(name for name, _ in some)]))
    return found


def _measure(item: tuple[str, Data]) -> Sized:
    """A rule is told from others by its name and labels: one that changes stays where it is. Groups whose rules build on
    each other stay together.
    """
    group, rule = item
    loose = group in {RECORDINGS, _ALERTS}
    key = sizes.plain_text([rule.get("record"), rule.get("alert"), rule["labels"]]) if loose else group
    return Sized(key, sizes.plain_size(rule))


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
    given: dict[str, Text] = {**{name: (value,) for name, value in labels.items()},
                              **{name: (Field(label=label),) for name, label in rule.copied}}
    data["labels"] = {name: conventions.annotation(text) for name, text in sorted(given.items())}
    data["annotations"] = _annotations(rule, service, platform)
    return data


def _told(rule: AlertRule, text: Text, namespaces: tuple[str, ...]) -> Text:
    """A text with the labels that the rule itself gives filled in: its templates see those of the series only. Where the
    series tells which of several namespaces it is, that is the one.
    """
    known: dict[str, str | Field] = dict(rule.labels)
    for _, source in rule.copied:
        known["namespace"] = Field(label=source, other=conventions.listed(namespaces))
    return tuple(known.get(part.label, part) if isinstance(part, Field) else part for part in text)


def _annotations(rule: AlertRule, service: Service, platform: AIPlatform) -> Data:
    data: Data = {
        "summary": conventions.annotation(_told(rule, rule.summary, service.namespaces)),
        "description": conventions.annotation(_told(rule, rule.description, service.namespaces)),
        "impact": conventions.annotation((rule.impact,)),
        "first_checks": conventions.numbered(rule.checks),
    }
    links = {link.name: link.url for link in service.links}
    runbooks = links.get("runbooks") or platform.metadata.links.get("runbooks")
    if runbooks:
        data["runbook_url"] = conventions.annotation((conventions.runbook_url(runbooks, rule.name),))
    grafana = platform.metadata.links.get("grafana")
    if grafana:
        url = conventions.dashboard_url(grafana, service.dashboard.uid,
                                        service.identity.namespace if service.at_home else "")
        data["dashboard_url"] = conventions.annotation((url,))
    return data
