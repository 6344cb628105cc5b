"""What is worth knowing of an AI service, one module for each family of signals. None of them knows a target."""

from __future__ import annotations

from collections.abc import Callable

from obsc.signals.alert import Contribution
from obsc.signals.availability import availability
from obsc.signals.cache import cache
from obsc.signals.engine import engine
from obsc.signals.errors import errors
from obsc.signals.gpu import gpu
from obsc.signals.gpu_faults import gpu_faults
from obsc.signals.gpu_load import gpu_load
from obsc.signals.kubernetes import kubernetes
from obsc.signals.latency import latency
from obsc.signals.objectives import objectives
from obsc.signals.own import own
from obsc.signals.pipeline import pipeline
from obsc.signals.probes import probes
from obsc.signals.quality import quality
from obsc.signals.rollout import rollout
from obsc.signals.subject import Subject
from obsc.signals.traffic import traffic
from obsc.signals.waiting import waiting

# The order of work, and of rules and panels within their groups and rows.
FAMILIES: tuple[Callable[[Subject], Contribution], ...] = (
    availability, probes, objectives, errors, latency, waiting, cache, engine, traffic, quality, own, gpu, gpu_faults, gpu_load,
    kubernetes, rollout, pipeline,
)
