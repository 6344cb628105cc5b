"""`metadata`: identity and owner of a service."""

from __future__ import annotations

from obsc.spec.base import Block, leaf
from obsc.spec.types import DnsLabel, KubeLabels, Prose, ServiceName, Url, Word


class Metadata(Block):
    """Who the service is and whom its alerts concern."""

    name: ServiceName = leaf("Name of the service, unique in its namespace.", "support-chat")
    namespace: DnsLabel = leaf("Kubernetes namespace that the service runs in.", "ai-prod")
    team: Word = leaf("Owner: a key of the platform's `alertmanager.teams`.", "conversational-ai")
    description: Prose = leaf("What the service does, for whoever is woken by it.", "Answers support chats.", default="")
    labels: KubeLabels = leaf("Labels on every emitted object and alert.", {"tier": "gold"}, default={})
    links: dict[Word, Url] = leaf("Named addresses: runbooks, source, a chat room.",
                                  {"source": "https://git.example.com/ai/support-chat"}, default={})
