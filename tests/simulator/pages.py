"""Simulated pages, read as Prometheus' own client library reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from obsc.catalog import BUILT_IN
from obsc.catalog.profile import Profile
from obsc.simulator.plant import Exporter, Plant
from obsc.simulator.scenario import Fault, Load, Model, Pool, Scenario
from obsc.simulator.scraping import POD_LABELS, Job, usual

SOURCES = ("kubeStateMetrics", "cadvisor", "dcgm")
FIELDS = "DCGM_EXP_XID_ERRORS_COUNT,DCGM_EXP_CLOCK_EVENTS_COUNT,DCGM_FI_DEV_THERMAL_VIOLATION"


def entry(name: str) -> Profile:
    found = BUILT_IN.runtime(name)
    assert found is not None
    return found


def source(key: str, **options: str) -> Exporter:
    found = BUILT_IN.source(key)
    assert found is not None
    return Exporter(key, found, options=options)


def scenario(name: str = "vllm", version: str | None = None, faults: tuple[Fault, ...] = (), *, rate: float = 2.0, steady: bool = True,
             replicas: int = 2, seed: int = 1, models: tuple[Model, ...] = (Model(),), step: float = 15.0, dirty: bool = False,
             options: dict[str, str] | None = None, engine: str = "") -> Scenario:
    profile = entry(name)
    role = "gateway" if profile.kind == "gateway" else "server"
    pools = [Pool(profile, name, version=version, replicas=replicas, models=models, role=role, options=options or {}, engine=engine)]
    if role == "gateway":
        pools.append(Pool(entry("vllm"), "engines", models=models))
    return Scenario("chat", "ai", tuple(pools), Load(rate, steady=steady), faults, seed, step, dirty=dirty)


def around() -> tuple[Exporter, ...]:
    return tuple(source(key, fields=FIELDS) for key in SOURCES)


def jobs(exporters: tuple[Exporter, ...]) -> tuple[Job, ...]:
    probe = Job({**POD_LABELS, "job": "probe"}, exporter=source("blackbox"), probes=True)
    return (Job(), *map(usual, exporters), probe)


def page_at(found: Scenario, time: float) -> str:
    plant = Plant(found)
    for _ in plant.run(time):
        pass
    return plant.page(next(plant.now.every))


@dataclass(frozen=True)
class Shape:
    """A metric as a page shows it."""

    type: str
    labels: frozenset[str]
    values: tuple[tuple[str, frozenset[str]], ...]
    bounds: tuple[float, ...]


def families(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


def shapes(text: str) -> Iterator[tuple[str, Shape]]:
    for one in families(text):
        if one.samples:
            labels = {label for sample in one.samples for label in sample.labels} - {"le", "quantile"}
            values = ((label, frozenset(sample.labels.get(label, "") for sample in one.samples)) for label in sorted(labels))
            bounds = {float(sample.labels["le"]) for sample in one.samples if "le" in sample.labels} - {inf}
            yield one.name, Shape(one.type, frozenset(labels), tuple(values), tuple(sorted(bounds)))
