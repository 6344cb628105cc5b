"""The AIService document: one AI service, whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from obsc.spec.alerts import Alerts
from obsc.spec.base import Block, leaf
from obsc.spec.components import Component, Role
from obsc.spec.dashboards import Dashboards
from obsc.spec.logs import Logs
from obsc.spec.metadata import Metadata
from obsc.spec.metrics import Metrics
from obsc.spec.models import Accelerators, Model
from obsc.spec.objectives import Objective, Traffic
from obsc.spec.probes import Probe
from obsc.spec.runtime import Runtime
from obsc.spec.traces import Traces
from obsc.spec.types import DnsLabel, Word
from obsc.spec.workload import Workload
from obsc.spec.written import Indicator

API_VERSION = "obsc.dev/v1alpha1"
NAMED_LISTS = frozenset({"endpoints", "series", "models", "containers", "receivers", "components", "probes", "objectives",
                         "indicators", "custom", "test", "features", "timeIntervals"})
ATOMIC = frozenset({"selector", "serviceSelector"})
UNIONS = frozenset({("logs", "dropFields"), ("logs", "redact"), ("traces", "redact")})


class AIService(Block):
    """One AI service. The catalog, the platform and its profiles fill in what it does not say."""

    later: ClassVar[Mapping[str, str]] = {
        "baselines": "anomaly bands", "quality": "model quality", "drift": "data drift", "feedback": "user satisfaction",
        "cost": "cost", "autoscaling": "autoscaling", "dependencies": "dependencies between services"}

    api_version: Literal["obsc.dev/v1alpha1"] = leaf("Version of the language.", API_VERSION)
    kind: Literal["AIService"] = leaf("Kind of the document.", "AIService")
    metadata: Metadata = leaf("Identity and owner.", {"name": "support-chat", "namespace": "ai-prod", "team": "chat"})
    profile: Word | None = leaf("Named defaults of the platform.", "gpu-serving", default=None)
    role: Role = leaf("Part that the service (of several components, the first) plays.", "server", default="server")
    runtime: Runtime = leaf("What serves the model.", {"name": "vllm", "version": "0.15"})
    workload: Workload = leaf("What runs it.", {"kind": "StatefulSet"}, default=Workload())
    metrics: Metrics = leaf("Where its series come from.", {"discovery": "pods"}, default=Metrics())
    models: tuple[Model, ...] = leaf("Models that it serves.", [{"name": "llama-3.1-70b-instruct"}], default=())
    accelerators: Accelerators | None = leaf("Accelerators of a pod.", {"resource": "nvidia.com/gpu"}, default=None)
    components: tuple[Component, ...] = leaf(
        "Further parts; the keys from `role` to `logs`, and `alerts`, are those of the first one, `main`.",
        [{"name": "router", "role": "gateway", "runtime": {"name": "vllm-router"}}], default=())
    alerts: Alerts = leaf("Changes to alerts.", {"rules": {"GPUHot": {"threshold": 80}}}, default=Alerts())
    objectives: tuple[Objective, ...] | None = leaf(
        "Promises; unless given, availability 99.5% and, of a language model, the first token within a second for 95%.",
        [{"name": "availability", "target": "99.9%"}], default=None)
    traffic: Traffic = leaf("Expected load.", {"requestsPerSecond": 2.5}, default=Traffic())
    indicators: tuple[Indicator, ...] = leaf(
        "Numbers of the service's own, with bounds.",
        [{"name": "grounded", "value": "avg by (namespace) (chat_grounded_ratio)", "min": 0.8}], default=())
    probes: tuple[Probe, ...] = leaf("Checks from outside.", [{"name": "health", "path": "/health"}], default=())
    logs: Logs = leaf("Logs.", {"format": "json"}, default=Logs())
    traces: Traces = leaf("Traces.", {"sampling": {"baseline": "10%"}}, default=Traces())
    dashboards: Dashboards = leaf("Dashboard.", {"title": "AI Model Performance"}, default=Dashboards())
    environments: dict[DnsLabel, object] | None = leaf(
        "Environments where the service exists, each with what is different there; everywhere unless given.",
        {"prod": {"workload": {"replicas": {"min": 4}}}}, default=None)
