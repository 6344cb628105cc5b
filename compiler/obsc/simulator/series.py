"""A plant's records as input series of promtool's unit tests: `{series: values}`, values as short as its notation allows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from math import isinf, isnan

from obsc.simulator.plant import Plant
from obsc.simulator.scraping import Job, Key, scrape
from obsc.simulator.text import number, sample

_EXACT = 2.0**53


@dataclass(slots=True)
class Run:
    """Values one after the other, gathered into `a`, `axn`, `a+bxn`, `_xn` and `stale`."""

    tokens: list[str] = field(default_factory=list)
    first: float = 0.0
    step: float = 0.0
    count: int = 0
    blanks: int = 0

    def add(self, value: float) -> None:
        """One more value."""
        self._close_blanks()
        if self.count == 1 and _can_step(self.first, value):
            self.step, self.count = value - self.first, 2
        elif self.count > 1 and value == self.first + self.step * self.count and _can_step(self.first, value):
            self.count += 1
        else:
            self._close()
            self.first, self.step, self.count = value, 0.0, 1

    def skip(self, count: int = 1) -> None:
        """So many times without a value."""
        self._close()
        self.blanks += count

    def end(self) -> None:
        """The series is gone, and Prometheus says so."""
        self._close()
        self._close_blanks()
        self.tokens.append("stale")

    def text(self) -> str:
        """All of it."""
        self._close()
        self._close_blanks()
        return " ".join(self.tokens)

    def _close(self) -> None:
        if self.count == 2 and self.step:  # two values are no shorter as a sequence
            self.tokens += [_text(self.first), _text(self.first + self.step)]
        elif self.count > 1:
            sign = "" if not self.step else f"{'+' if self.step > 0 else '-'}{_text(abs(self.step))}"
            self.tokens.append(f"{_text(self.first)}{sign}x{self.count - 1}")
        elif self.count:
            self.tokens.append(_text(self.first))
        self.count, self.step = 0, 0.0

    def _close_blanks(self) -> None:
        if self.blanks:
            self.tokens.append("_" if self.blanks == 1 else f"_x{self.blanks}")
        self.blanks = 0


def series(plant: Plant, jobs: Iterable[Job], interval: float, until: float, wanted: Collection[str] | None = None) -> dict[str, str]:
    """Series and their values at 0, `interval` and so on up to `until`, sorted by name.

    A series that a scrape no longer finds is marked stale, as Prometheus does it, and missing from then on. `interval` is a
    multiple of the scenario's step. `wanted`: names of series, with `_bucket` and the like; the plant's own list makes it fast.
    """
    every, jobs = round(interval / plant.scenario.step), tuple(jobs)
    if every < 1 or abs(every * plant.scenario.step - interval) > 1e-9:
        raise ValueError(f"a scrape interval of {interval} s is no multiple of the scenario's step of {plant.scenario.step} s")
    runs, present = dict[Key, Run](), dict[Key, float]()
    for steps, _ in enumerate(plant.run(until)):
        if steps % every == 0:
            found = scrape(plant, jobs, steps // every, present)
            chosen = found if wanted is None else {key: value for key, value in found.items() if key[0] in wanted}
            _take(runs, chosen, present, steps // every)
            present = found
    return {sample(name, labels): run.text() for (name, labels), run in sorted(runs.items())}


def _take(runs: dict[Key, Run], found: Mapping[Key, float], before: Mapping[Key, float], count: int) -> None:
    for key, value in found.items():
        run = runs.get(key)
        if run is None:
            run = runs[key] = Run(blanks=count)
        run.add(value)
    for key, run in runs.items():
        if key not in found:
            if key in before:
                run.end()
            else:
                run.skip()


def _can_step(first: float, value: float) -> bool:
    """Whether promtool's repeated addition gives the very same numbers: for whole ones, and for one that stays."""
    if first == value:
        return True
    return not (isnan(first) or isnan(value) or isinf(first) or isinf(value)) and first == int(first) and value == int(value) \
        and abs(first) < _EXACT and abs(value) < _EXACT


def _text(value: float) -> str:
    # A plus within a number would look like that of a sequence.
    return number(value).replace("+", "")
