"""A simulated service with everything that is scraped of it: pages of its pods, and of the exporters around them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from obsc.catalog.profile import Profile
from obsc.simulator import lines, meaning, rows, text, world
from obsc.simulator.faults import hits
from obsc.simulator.pages import Family, Page, Row
from obsc.simulator.pods import Pod
from obsc.simulator.scenario import Fault, Pool, Scenario
from obsc.simulator.world import World

_RENAMED = "metric-renamed"


@dataclass(frozen=True, slots=True)
class Exporter:
    """An exporter of the platform. `key` is the platform's name of the source; `honors`: its scrape keeps the labels of its series.

    `options`: `fields` are further fields that it was told to export.
    """

    key: str
    profile: Profile
    honors: bool | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def honors_labels(self) -> bool:
        """As told, else as usual."""
        return self.profile.honor_labels if self.honors is None else self.honors


@dataclass(slots=True)
class Plant:
    """Everything at one time. Pages are of now: ask before the next step."""

    scenario: Scenario
    exporters: tuple[Exporter, ...] = ()
    wanted: Collection[str] | None = None
    now: World = field(init=False)
    _pages: dict[tuple[str, int], Page] = field(default_factory=dict)
    _others: dict[str, Page] = field(default_factory=dict)

    def run(self, until: float) -> Iterator[World]:
        """Step by step from 0 to `until`, which is a time of its own if it is a multiple of the step."""
        for found in world.run(self.scenario, until):
            self.now = found
            for pod in found.every:
                self._page(pod).watch(rows.watched(pod), pod.epoch)
            yield found

    def program(self, pod: Pod) -> tuple[Family, ...]:
        """The page of a pod's own program; () if it does not answer."""
        if not pod.answers:
            return ()
        release, renamed = _running(self.scenario, pod, self.now.time)
        born = self.scenario.began + pod.started
        page = self._page(pod)
        return tuple(page.show(rows.of_program(self.now, pod, page.needs), release, renamed, born))

    def exporter(self, one: Exporter) -> tuple[Family, ...]:
        """The page of an exporter, which sees every pod. One that probes has no page of its own: see `probe`."""
        if one.key not in self._others:
            pool = Pool(one.profile, one.key, options=one.options)
            partitioned = self.scenario.partitioned
            self._others[one.key] = Page(lines.lines(pool, ("",), self.wanted, partitioned=partitioned))
        return tuple(self._others[one.key].show(rows.of_cluster(self.now, list(self.now.every))))

    def probe(self, one: Exporter, pod: Pod) -> tuple[Family, ...]:
        """What a prober says of a pod: whether it answers a request, and how long that takes."""
        works = pod.is_ready and not pod.state.stalled and pod.state.failing < 1
        found = {"success": float(works), "duration": 0.02 if works else 10.0}
        page = Page(lines.lines(Pool(one.profile, one.key), ("",), self.wanted))
        return tuple(page.show({"probe": [Row(pod.facts, found, found, strict=True)]}))

    def page(self, pod: Pod) -> str:
        """The text of a pod's page."""
        style = meaning.style(pod.pool.profile)
        return text.page(self.program(pod), python=style.floats == "python", comma=style.comma)

    def _page(self, pod: Pod) -> Page:
        key = (pod.pool.name, pod.index)
        if key not in self._pages:
            found = lines.lines(pod.pool, tuple(_releases(self.scenario, pod)), self.wanted)
            self._pages[key] = Page(found, meaning.style(pod.pool.profile).created)
        return self._pages[key]


def _releases(scenario: Scenario, pod: Pod) -> Iterator[str]:
    """Releases that a pod runs in the course of time, its first one ("") first."""
    yield ""
    yield from (fault.version for fault in _renaming(scenario, pod) if fault.version)


def _renaming(scenario: Scenario, pod: Pod) -> Iterator[Fault]:
    return (fault for fault in scenario.faults if fault.kind == _RENAMED and hits(fault, pod.pool, pod.index))


def _running(scenario: Scenario, pod: Pod, time: float) -> tuple[str, dict[str, str]]:
    """The release that a pod runs now, and what is called differently."""
    release, renamed = "", dict[str, str]()
    for fault in _renaming(scenario, pod):
        if fault.is_on(time) and fault.version:
            release = fault.version
        elif fault.is_on(time):
            name = fault.metric or _main(pod.pool)
            renamed[name] = f"{name.removesuffix('_total')}_v2" + ("_total" if name.endswith("_total") else "")
    return release, renamed


def _main(pool: Pool) -> str:
    """The metric by which most is told: the counter of requests that were served, or the first there is."""
    found = lines.lines(replace(pool), ("",))
    counts = (line.metric.name for line in found if line.metric.type == "counter" and "ok" in line.cell.terms)
    return next(counts, "") or next((line.metric.name for line in found if line.metric in pool.profile.metrics), "")
