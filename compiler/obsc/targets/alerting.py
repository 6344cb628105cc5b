"""Alertmanager: one configuration for all teams, or an AlertmanagerConfig in each service's namespace.

Every severity that a service's alerts have ends at a receiver; infos without one go to a receiver that is silent.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode, k8s
from obsc.catalog import Catalog
from obsc.emit import Artifact, to_yaml
from obsc.ir import Route, Service, Severity
from obsc.part import Part
from obsc.spec.base import Block
from obsc.spec.metrics import SecretKeyRef
from obsc.spec.platform import AIPlatform
from obsc.spec.platform_alerting import EmailConfig, Receiver, WebhookConfig

Data = dict[str, object]
_SILENT = "obsc/silent"  # no receiver of a platform can have this name
_GROUP = ("cluster", "namespace", "workload_namespace", "service", "alertname", "severity")
# Graver alerts silence lighter ones of the same signal; an outage silences what follows from it. A label that both lack
# counts as equal, so what silences must have these labels: alerts of other people's rules do not.
_OURS, _SIGNAL = ("service", "!=", ""), ("signal", "!=", "")
_SAME = ("cluster", "namespace", "workload_namespace", "service", "component", "signal")
_Matchers = tuple[tuple[str, str, str], ...]
_INHIBIT: tuple[tuple[_Matchers, _Matchers, tuple[str, ...]], ...] = (
    ((("severity", "=", "critical"), _OURS, _SIGNAL), (("severity", "=~", "warning|info"),), _SAME),
    ((("severity", "=", "warning"), _OURS, _SIGNAL), (("severity", "=", "info"),), _SAME),
    ((("alertname", "=", "ServiceDown"), _OURS), (("alertname", "!=", "ServiceDown"),), _SAME[:-1]))
_SEVERITIES = (Severity.CRITICAL, Severity.WARNING, Severity.INFO)


def flavor(platform: AIPlatform) -> str:
    """Form of the routing: as said, else that of Prometheus."""
    return platform.alertmanager.flavor or platform.prometheus.flavor


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """The AlertmanagerConfig of a service, with only the receivers that it uses."""
    if flavor(platform) != "operator" or not service.routes:
        return ()
    used = {name for route in service.routes for name in route.receivers}
    receivers = [_receiver(one) for one in platform.alertmanager.receivers if one.name in used]
    children = [child for route in service.routes for child in _children(route)]
    mine = _own(service, platform)
    spec: Data = {
        "route": {"receiver": _SILENT, **_timing(platform), "matchers": mine,
                  "routes": children},
        "inhibitRules": [{"sourceMatch": _within(mine, source), "targetMatch": _within(mine, target), "equal": list(equal)}
                         for source, target, equal in _INHIBIT],
        "receivers": [{"name": _SILENT}, *receivers]}
    own = k8s.labels(service.identity.name, more={**dict(service.labels), **platform.prometheus.labels})
    data = k8s.obj(conventions.api_version(platform.prometheus.api_group, "v1alpha1"), "AlertmanagerConfig",
                   service.identity.name, service.identity.namespace, own_labels=own, spec=spec)
    path = conventions.manifests(service.identity.environment, service.identity.namespace, service.identity.name,
                                 "alertmanagerconfig.yaml")
    return (Artifact(path, data),)


def _own(service: Service, platform: AIPlatform) -> list[Data]:
    """The operator adds the namespace by its usual strategy only; without it, services of one name would meet."""
    mine = [_matcher("service", "=", service.identity.name)]
    if platform.alertmanager.matcher_strategy != "OnNamespace":
        mine.append(_matcher("namespace", "=", service.identity.namespace))
    return mine


def _within(mine: Sequence[Data], matchers: _Matchers) -> list[Data]:
    """Matchers that hold for alerts of this service alone."""
    return [*mine, *(_matcher(*one) for one in matchers if one != _OURS)]


def link(environment: str, _parts: Sequence[Part], platform: AIPlatform, _: Catalog) -> tuple[Artifact, ...]:
    """alertmanager.yml, as a ConfigMap and as the plain file that checkers read."""
    if flavor(platform) != "config":
        return ()
    text = to_yaml(_configuration(platform))
    data = k8s.config_map("alertmanager-config", platform.metadata.namespace, {"alertmanager.yml": text})
    return (Artifact(conventions.manifests(environment, conventions.PLATFORM, "alertmanager-config.yaml"), data),
            Artifact(conventions.artifacts(environment, conventions.PLATFORM, "alertmanager.yml"), text, "text"))


def _timing(platform: AIPlatform) -> Data:
    said = platform.alertmanager
    return {"groupBy": list(_GROUP), "groupWait": conventions.seconds(said.group_wait),
            "groupInterval": conventions.seconds(said.group_interval),
            "repeatInterval": conventions.seconds(said.repeat_interval)}


def _children(route: Route) -> list[Data]:
    """One sibling for each receiver; all but the last let the alert go on to the next."""
    names = route.receivers or (_SILENT,)
    matchers = [_matcher("team", "=", route.team), _matcher("severity", "=", route.severity.value)]
    return [{"receiver": name, "matchers": matchers, "continue": index < len(names) - 1}
            for index, name in enumerate(names)]


def _matcher(label: str, operator: str, value: str) -> Data:
    return {"name": label, "matchType": operator, "value": value}


def _configuration(platform: AIPlatform) -> Data:
    """The routes of every team that has receivers of its own, whether or not it has services: none of them changes this file."""
    said = platform.alertmanager
    routes = [child for team in sorted(said.teams) for severity in _SEVERITIES if (names := getattr(said.teams[team], severity.value))
              for child in _native(names, ("team", "=", team), ("severity", "=", severity.value))]
    # Last, for all other alerts: of teams without receivers of their own, of other people's rules, of services that are gone.
    usual = ((severity, getattr(said.routing, severity.value)) for severity in _SEVERITIES)
    routes += [child for severity, names in usual if names for child in _native(names, ("severity", "=", severity.value))]
    return {
        "route": {"receiver": _SILENT, "group_by": list(_GROUP), "group_wait": conventions.seconds(said.group_wait),
                  "group_interval": conventions.seconds(said.group_interval),
                  "repeat_interval": conventions.seconds(said.repeat_interval), "routes": routes},
        "inhibit_rules": [{"source_matchers": [encode.matcher(*one) for one in source],
                           "target_matchers": [encode.matcher(*one) for one in target],
                           "equal": list(equal)} for source, target, equal in _INHIBIT],
        "receivers": [{"name": _SILENT}, *(_receiver_in_file(one) for one in said.receivers)]}


def _native(names: Sequence[str], *matchers: tuple[str, str, str]) -> list[Data]:
    """One sibling for each receiver; all but the last let the alert go on to the next."""
    return [{"receiver": name, "matchers": [encode.matcher(*one) for one in matchers], "continue": index < len(names) - 1}
            for index, name in enumerate(names)]


def _receiver(one: Receiver) -> Data:
    """A receiver as AlertmanagerConfig writes it: the language's own shape."""
    data: Data = {"name": one.name}
    for key, configs in (("slackConfigs", one.slack_configs), ("pagerdutyConfigs", one.pagerduty_configs),
                         ("opsgenieConfigs", one.opsgenie_configs), ("webhookConfigs", one.webhook_configs),
                         ("emailConfigs", one.email_configs)):
        if configs:
            data[key] = [_camel(config) for config in configs]
    return data


def _camel(config: Block) -> Data:
    return config.model_dump(mode="json", by_alias=True, exclude_none=True)


def _receiver_in_file(one: Receiver) -> Data:
    """A receiver as alertmanager.yml writes it: secrets are files that a Secret is mounted as."""
    data: Data = {"name": one.name}
    if one.slack_configs:
        data["slack_configs"] = [{"api_url_file": _file(c.api_url), **({"channel": c.channel} if c.channel else {}),
                                  "send_resolved": c.send_resolved} for c in one.slack_configs]
    if one.pagerduty_configs:
        data["pagerduty_configs"] = [{"routing_key_file": _file(c.routing_key), "send_resolved": c.send_resolved}
                                     for c in one.pagerduty_configs]
    if one.opsgenie_configs:
        data["opsgenie_configs"] = [{"api_key_file": _file(c.api_key), "send_resolved": c.send_resolved}
                                    for c in one.opsgenie_configs]
    if one.webhook_configs:
        data["webhook_configs"] = [_webhook(c) for c in one.webhook_configs]
    if one.email_configs:
        data["email_configs"] = [_email(c) for c in one.email_configs]
    return data


def _file(secret: SecretKeyRef) -> str:
    return conventions.secret_file(conventions.SECRETS_ALERTMANAGER, secret.name, secret.key)


def _webhook(config: WebhookConfig) -> Data:
    target: Data = {"url": config.url} if config.url_secret is None else {"url_file": _file(config.url_secret)}
    return {**target, "send_resolved": config.send_resolved}


def _email(config: EmailConfig) -> Data:
    data: Data = {"to": config.to}
    for key, value in (("from", config.from_), ("smarthost", config.smarthost), ("auth_username", config.auth_username)):
        if value is not None:
            data[key] = value
    if config.auth_password is not None:
        data["auth_password_file"] = _file(config.auth_password)
    return {**data, "send_resolved": config.send_resolved}
