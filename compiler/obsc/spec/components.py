"""`components`: further parts of one service, such as a gateway before it or a store behind it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from obsc.spec.alerts import Alerts
from obsc.spec.base import Block, leaf
from obsc.spec.logs import Logs
from obsc.spec.metrics import Metrics
from obsc.spec.models import Accelerators, Model
from obsc.spec.probes import Probe
from obsc.spec.runtime import Runtime
from obsc.spec.types import DnsLabel, Word
from obsc.spec.workload import Workload

Role: TypeAlias = Literal["server", "gateway", "prefill", "decode", "dependency"]
# What a component says for itself; with what the service says under these keys it is its first component.
PART_KEYS = ("role", "runtime", "workload", "metrics", "models", "accelerators", "probes", "alerts", "logs")
# What a pool (a component without a runtime's name) takes over from the first component.
POOL_KEYS = ("runtime", "metrics", "models", "accelerators", "logs")
# An object of its own runs each pool.
OWN_IDENTITY = ("name", "selector")


class Component(Block):
    """A further part of the service: a pool of the main runtime, or, with a runtime of its own, another program."""

    name: DnsLabel = leaf("Name of the component; its label in series. The service's first component is `main`.", "router")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    team: Word | None = leaf("Owner; the service's unless given.", "platform", default=None)
    role: Role = leaf("Part that it plays, which decides where a signal is read.", "gateway", default="server")
    runtime: Runtime | None = leaf("What it runs; without `name`, it is a pool of the service's own runtime.",
                                   {"name": "vllm-router"}, default=None)
    workload: Workload = leaf("What runs it; its name is `<service>-<component>` unless given.", {"name": "chat-router"},
                              default=Workload())
    metrics: Metrics = leaf("Where its series come from.", {"endpoints": [{"port": 8001}]}, default=Metrics())
    models: tuple[Model, ...] = leaf("Models that it serves.", [{"name": "llama-3.1-70b-instruct"}], default=())
    accelerators: Accelerators | None = leaf("Accelerators of a pod.", {"resource": "nvidia.com/gpu"}, default=None)
    probes: tuple[Probe, ...] = leaf("Checks of it from outside.", [{"name": "health", "path": "/health"}], default=())
    alerts: Alerts = leaf("Changes to its alerts.", {"rules": {"GPUHot": {"threshold": 80}}}, default=Alerts())
    logs: Logs = leaf("Its logs.", {"format": "json"}, default=Logs())
