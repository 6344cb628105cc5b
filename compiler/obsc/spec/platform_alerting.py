"""`alertmanager` of the platform: receivers, routing and teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from obsc.spec.base import Block, leaf
from obsc.spec.metrics import SecretKeyRef
from obsc.spec.types import Duration, ExactVersion, HostPort, LabelValue, NamespacePattern, Severity, Url, Wait, Word


class SlackConfig(Block):
    """A message to a Slack channel."""

    api_url: SecretKeyRef = leaf("Where the webhook's address is kept.", {"name": "slack", "key": "url"})
    channel: LabelValue | None = leaf("Channel, if not the webhook's own.", "#ml-alerts", default=None)
    send_resolved: bool = leaf("Also say when it is over.", True, default=True)


class PagerdutyConfig(Block):
    """A page by PagerDuty."""

    routing_key: SecretKeyRef = leaf("Where the integration key is kept.", {"name": "pagerduty", "key": "routing-key"})
    send_resolved: bool = leaf("Also say when it is over.", True, default=True)


class OpsgenieConfig(Block):
    """A page by Opsgenie."""

    api_key: SecretKeyRef = leaf("Where the API key is kept.", {"name": "opsgenie", "key": "api-key"})
    send_resolved: bool = leaf("Also say when it is over.", True, default=True)


class WebhookConfig(Block):
    """A POST to an address: written here, or kept in a Secret."""

    url: Url | None = leaf("Address, if it is no secret.", "http://alert-receiver.observability.svc:8080/alerts",
                           default=None)
    url_secret: SecretKeyRef | None = leaf("Where the address is kept.", {"name": "hook", "key": "url"}, default=None)
    send_resolved: bool = leaf("Also say when it is over.", True, default=True)


class EmailConfig(Block):
    """A mail."""

    to: LabelValue = leaf("Recipient.", "ml-oncall@example.com")
    from_: LabelValue | None = leaf("Sender.", "alerts@example.com", default=None)
    smarthost: HostPort | None = leaf("Mail server.", "smtp.example.com:587", default=None)
    auth_username: LabelValue | None = leaf("User at the mail server.", "alerts", default=None)
    auth_password: SecretKeyRef | None = leaf("Where the password is kept.", {"name": "smtp", "key": "password"},
                                              default=None)
    send_resolved: bool = leaf("Also say when it is over.", True, default=True)


class Receiver(Block):
    """Who is told, and how. The shape is AlertmanagerConfig's."""

    later: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("msteamsConfigs", "msteamsv2Configs", "discordConfigs", "telegramConfigs", "webexConfigs", "victoropsConfigs",
         "pushoverConfigs", "snsConfigs", "wechatConfigs", "rocketchatConfigs"),
        "this kind of receiver; use `webhookConfigs`, or one that is known")

    name: Word = leaf("Name of the receiver.", "pager")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    slack_configs: tuple[SlackConfig, ...] = leaf("Slack channels.", [{"apiURL": {"name": "slack", "key": "url"}}],
                                                  default=())
    pagerduty_configs: tuple[PagerdutyConfig, ...] = leaf(
        "PagerDuty services.", [{"routingKey": {"name": "pagerduty", "key": "routing-key"}}], default=())
    opsgenie_configs: tuple[OpsgenieConfig, ...] = leaf(
        "Opsgenie integrations.", [{"apiKey": {"name": "opsgenie", "key": "api-key"}}], default=())
    webhook_configs: tuple[WebhookConfig, ...] = leaf(
        "Webhooks.", [{"url": "http://alert-receiver.observability.svc:8080/alerts"}], default=())
    email_configs: tuple[EmailConfig, ...] = leaf("Mail addresses.", [{"to": "ml-oncall@example.com"}], default=())


class Routing(Block):
    """Receivers by severity."""

    critical: tuple[Word, ...] = leaf("Who is told of critical alerts.", ["pager", "chat"], default=())
    warning: tuple[Word, ...] = leaf("Who is told of warnings.", ["chat"], default=())
    info: tuple[Word, ...] = leaf("Who is told of infos; nobody unless given.", ["chat"], default=())


class Team(Routing):
    """A team: where it may run services, how loud they may be, and who is told."""

    later: ClassVar[Mapping[str, str]] = {"escalation": "escalation over time",
                                          "activeTimeIntervals": "times of notification",
                                          "muteTimeIntervals": "times of silence"}

    namespaces: tuple[NamespacePattern, ...] | None = leaf("Namespaces of its services, or globs of them; any unless given.", ["ai-prod"],
                                                           default=None)
    max_severity: Severity = leaf("Highest severity that its alerts may have.", "warning", default="critical")


class Alertmanager(Block):
    """Alert routing."""

    later: ClassVar[Mapping[str, str]] = {
        "timeIntervals": "time intervals", "muteTimeIntervals": "times of silence", "watchdog": "a dead man's switch",
        "severityLabels": "severities under other names"}

    flavor: Literal["config", "operator"] | None = leaf("Form of the output; prometheus.flavor unless given.", "operator",
                                                        default=None)
    version: ExactVersion = leaf("Version.", "0.34.0", default="0.34.0")
    matcher_strategy: Literal["OnNamespace", "OnNamespaceExceptForAlertmanagerNamespace", "None"] = leaf(
        "How the operator confines an AlertmanagerConfig.", "OnNamespace", default="OnNamespace")
    receivers: tuple[Receiver, ...] = leaf("Receivers.", [{"name": "pager"}], default=())
    routing: Routing = leaf("Receivers of teams that have none of their own.", {"critical": ["pager"]}, default=Routing())
    teams: dict[Word, Team] = leaf("Teams; without any, every team name is accepted.",
                                   {"conversational-ai": {"critical": ["chat-pager"]}}, default={})
    address: HostPort | None = leaf("Where Prometheus finds it; `alertmanager.<metadata.namespace>.svc:9093` unless given.",
                                    "alertmanager.monitoring.svc:9093", default=None)
    group_wait: Wait = leaf("Wait before the first notification of a group.", "30s", unit="duration", default=30.0)
    group_interval: Duration = leaf("Time between notifications of a group that changes.", "5m", unit="duration",
                                    default=300.0)
    repeat_interval: Duration = leaf("Time between repetitions; a multiple of the group's interval.", "12h", unit="duration",
                                     default=43200.0)
