"""What Prometheus records of a plant: samples with the labels of their targets, and its own series of every scrape."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from obsc.simulator.pages import Family, Labels
from obsc.simulator.plant import Exporter, Plant
from obsc.simulator.pods import Pod

_FACT = re.compile(r"\$(\w+)")
# Labels that a target of a pod has as they are usually written; `$` is a fact of the pod.
POD_LABELS: Mapping[str, str] = {"job": "$service", "namespace": "$namespace", "pod": "$pod", "instance": "$instance",
                                 "component": "$component"}

Key = tuple[str, Labels]


@dataclass(frozen=True, slots=True)
class Job:
    """A scrape of all pods of a pool (`pool`), of an exporter (`exporter`), or of pods through one that probes them (`probes`).

    `labels` of its targets, where `$namespace`, `$pod`, `$instance`, `$service`, `$component`, `$container`, `$node` stand for
    facts of the pod; one without a text is none. `pool` "" is every one. `honors`: labels of the page win.
    """

    labels: Mapping[str, str] = field(default_factory=lambda: dict(POD_LABELS))
    pool: str = ""
    exporter: Exporter | None = None
    probes: bool = False
    honors: bool = False


def usual(exporter: Exporter) -> Job:
    """The scrape of an exporter as its chart has it: labels of its own pod, and those that the catalog's matchers name."""
    name = exporter.profile.name
    labels = {"job": name, "instance": f"10.1.0.9:{exporter.profile.port or 80}", "namespace": "monitoring", "pod": f"{name}-0",
              "container": "exporter"}
    labels |= {label: value for label, sign, value in exporter.profile.matchers if sign == "="}
    if exporter.profile.name and exporter.honors_labels:
        labels.pop("container")
    return Job(labels, exporter=exporter, honors=exporter.honors_labels)


def scrape(plant: Plant, jobs: Iterable[Job], count: int, before: Collection[Key] = frozenset()) -> dict[Key, float]:
    """All samples of the scrape with this number at the plant's time. A series on a page that two jobs make the same is the last's.

    `before`: series of the scrape before, which tells how many are new.
    """
    found: dict[Key, float] = {}
    for job in jobs:
        for labels, families in _targets(plant, job, count):
            found |= _record(labels, families, before, honors=job.honors)
    return found


def answered(pod: Pod, count: int) -> bool:
    """Whether the scrape with this number reaches a pod: of those that fail, failures lie evenly between the others."""
    misses = pod.state.misses
    return pod.answers and int((count + 1) * misses) == int(count * misses)


def _targets(plant: Plant, job: Job, count: int) -> Iterator[tuple[dict[str, str], tuple[Family, ...] | None]]:
    """Labels and page of each target of a job; None where the scrape fails."""
    if job.exporter is not None and not job.probes:
        yield dict(job.labels), plant.exporter(job.exporter)
        return
    for pod in plant.now.every:
        if job.pool in {"", pod.pool.name} and not pod.is_gone:
            labels = {name: _filled(text, pod) for name, text in job.labels.items()}
            if job.exporter is not None:
                yield labels, plant.probe(job.exporter, pod)
            else:
                yield labels, plant.program(pod) if answered(pod, count) else None


def _filled(text: str, pod: Pod) -> str:
    return _FACT.sub(lambda found: pod.facts.get(found[1], ""), text)


def _record(target: dict[str, str], families: tuple[Family, ...] | None, before: Collection[Key], *, honors: bool) -> dict[Key, float]:
    own = tuple(sorted((name, text) for name, text in target.items() if text))
    found = {(name, _merged(labels, own, honors=honors)): value for family in families or () for name, labels, value in family.samples}
    count = len(found)
    added = float(sum(key not in before for key in found))
    made = {"up": float(families is not None), "scrape_duration_seconds": 0.012 + count * 2e-6, "scrape_samples_scraped": float(count),
            "scrape_samples_post_metric_relabeling": float(count), "scrape_series_added": added}
    return found | {(name, own): value for name, value in made.items()}


@lru_cache(maxsize=100000)
def _merged(labels: Labels, target: Labels, *, honors: bool) -> Labels:
    """Labels of a sample and its target: where both have one, the page's wins or becomes `exported_…`."""
    merged = dict(target)
    for name, text in labels:
        key = name if honors or name not in merged else f"exported_{name}"
        merged[key] = text
    return tuple(sorted(merged.items()))
