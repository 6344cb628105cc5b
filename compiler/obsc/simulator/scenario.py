"""What is simulated: programs in pods, the load on them, and what goes wrong. Times are seconds since the simulation began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from obsc.catalog.profile import Profile

DAY = 86400.0
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Lengths:
    """Tokens of prompts and answers: medians, and how far they spread (sigma of their logarithms)."""

    prompt: float = 400.0
    answer: float = 200.0
    spread: float = 0.6


@dataclass(frozen=True, slots=True)
class Load:
    """Requests of the whole service. `rate` per second on average; the seasons are shares of it (0 for none).

    `daily` swings by a sine whose peak is at `peak` seconds of the day, `weekly` is taken off on the last two days of seven.
    `invalid`, `left` and `cut`: shares of requests that are the client's fault, that the client gives up, that end at the limit
    of their length. `steady` leaves chance out: arrivals are the exact rate, and shares of a few requests are none.
    """

    rate: float = 2.0
    daily: float = 0.0
    weekly: float = 0.0
    peak: float = 14 * 3600.0
    lengths: Lengths = Lengths()
    invalid: float = 0.005
    left: float = 0.005
    cut: float = 0.1
    steady: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is served: the value of the model label, its share of the load (all are normalised), its version."""

    name: str = "meta-llama/Llama-3.1-8B-Instruct"
    share: float = 1.0
    version: str = "1"


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a program of one pod can do, for each of its models and engines.

    `slots` requests at once, `prefill` seconds for a median prompt, `token` seconds for each further token with an empty
    batch, twice that with a full one; `queue` requests may wait, more are refused. `tokens` fit into the cache.
    """

    slots: int = 64
    prefill: float = 0.12
    token: float = 0.02
    queue: int = 20000
    tokens: int = 120_000


# By runtime class: what a program without tokens does takes its prefill only.
CAPACITIES: Mapping[str, Capacity] = {
    "llm": Capacity(), "embedding": Capacity(32, 0.012, 0.0, 512, 0), "generic": Capacity(16, 0.04, 0.0, 1000, 0),
    "gateway": Capacity(1000, 0.004, 0.0, 5000, 0), "store": Capacity(64, 0.0004, 0.0, 10000, 0)}


@dataclass(frozen=True, slots=True)
class Pool:
    """Pods of one kind: a component of the service, or all of it.

    `version` and `options` are the spec's: they decide what is on the page. `engines` work in one pod side by side, each with
    requests of its own (data parallelism). `name`: of the workload; pods are called after it. `startup` seconds from a
    container's start until it answers; `memory` in bytes and `cores` are limits.
    """

    profile: Profile
    name: str
    version: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    engine: str = ""
    component: str = ""
    role: str = "server"
    replicas: int = 2
    models: tuple[Model, ...] = (Model(),)
    engines: int = 1
    gpus: int = 1
    container: str = "server"
    port: int = 8000
    startup: float = 120.0
    memory: float = 64 * 2.0**30
    cores: float = 8.0
    capacity: Capacity | None = None

    @property
    def able(self) -> Capacity:
        """What it can do, by its class unless told."""
        return self.capacity or CAPACITIES.get(self.profile.kind, CAPACITIES["generic"])


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong from `start` to `end`. See `faults.KINDS` for what each kind means by `value`.

    `replica` counts from 0; None is the kind's own choice (all, or the first). `component` "" is every one. `model` "" is every
    one. `metric` and `version` are for a renamed metric: the one that is lost, or the release that is rolled out.
    """

    kind: str
    start: float = 600.0
    end: float = float("inf")
    value: float | None = None
    replica: int | None = None
    component: str = ""
    model: str = ""
    metric: str = ""
    version: str = ""

    def is_on(self, time: float) -> bool:
        """Whether it lasts at a time."""
        return self.start <= time < self.end


@dataclass(frozen=True, slots=True)
class Scenario:
    """A service, its load and its faults. The same scenario gives the same numbers, everywhere and always.

    `step` seconds are computed at once; `began` is the Unix time of the beginning. `partitioned`: devices are cut in two (MIG).
    `dirty` adds what is found in real places: a model that was unloaded and whose series stay, text that needs escaping.
    """

    service: str
    namespace: str
    pools: tuple[Pool, ...]
    load: Load = Load()
    faults: tuple[Fault, ...] = ()
    seed: int = 1
    step: float = 15.0
    began: float = 1_760_000_400.0
    partitioned: bool = False
    dirty: bool = False
