"""Measure every budget: `python -m benchmarks [--services N] [--times N] [--only NAME…]`; `make benchmarks`.

The services are those of tests/scale, made from a seed. What Sloth is measured for is left out where it cannot be had. The
table is printed, and kept in benchmarks/results.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import sloth
from benchmarks.measure import Spread, Took, by_turns, run

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/results.json"
OBSC = Path(sys.executable).parent / "obsc"
_SPEC = ROOT / "specs/support-chat.yaml"
_PLATFORM = ROOT / "specs/platforms/prod.yaml"
_LIGHT = "import argparse, json, hashlib"
_HEAVY = ("import click, ruamel.yaml, promql_parser; from pydantic import BaseModel; from grafanalib import core; "
          "from obsc.spec import service, platform")
_QUIET = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
_SETTLED = 2.2  # seconds after which what the disk says of a file is believed


class Budget(NamedTuple):
    """A ratio of two measured things, and how large it may be."""

    name: str
    what: str
    ratio: float
    budget: float
    ours: Spread
    other: Spread
    unit: str


class Bench:
    """Folders with specs of a fleet, and the commands that are measured."""

    def __init__(self, home: Path, services: int, times: int) -> None:
        self.home, self.services, self.times = home, services, times
        self.sloth = sloth.found()
        self.fleet, self.few = self._specs(services), self._specs(max(services // 10, 1))
        if self.sloth is not None:
            sloth.write(home / "objectives", services)

    def _specs(self, services: int) -> Path:
        sys.path.insert(0, str(ROOT / "tests"))
        from scale import fleet  # noqa: PLC0415  a folder of tests

        for name, text in fleet.texts(range(services)).items():
            path = self.home / f"specs{services}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return self.home / f"specs{services}"

    def compile(self, specs: list[Path], out: str, *more: str, watch: bool = False, fresh: bool = False) -> Took:
        """Compile specs, into an empty folder if it is to be `fresh`."""
        if fresh:
            shutil.rmtree(self.home / out, ignore_errors=True)
        environment = {"OBSC_CACHE": str(self.home / "cache")}
        return run([OBSC, "compile", *specs, "--out", self.home / out, *more], environment=environment, cwd=self.home, watch=watch)

    def generate(self) -> Took:
        """Let Sloth generate its rules."""
        assert self.sloth is not None
        shutil.rmtree(self.home / "rules", ignore_errors=True)
        (self.home / "rules").mkdir()
        return run([self.sloth, "generate", "-i", self.home / "objectives", "-o", self.home / "rules"])


def one_unchanged(bench: Bench) -> Iterator[Budget]:
    """One spec, nothing changed."""
    specs = [_SPEC, _PLATFORM]
    bench.compile(specs, "one", fresh=True)
    _settle()
    bench.compile(specs, "one")
    ours, other = by_turns(10 * bench.times, lambda: bench.compile(specs, "one").wall,
                           lambda: run([sys.executable, "-c", _LIGHT]).wall)
    yield Budget("one-unchanged", "nothing changed, one spec, to a process that imports argparse, json, hashlib",
                 ours.median / other.median, 1.5, ours, other, "s")


def one_cold(bench: Bench) -> Iterator[Budget]:
    """One spec by a process that knows nothing."""
    ours, other = by_turns(5 * bench.times, lambda: bench.compile([_SPEC, _PLATFORM], "cold", "--no-cache", fresh=True).wall,
                           lambda: run([sys.executable, "-c", _HEAVY], environment=_QUIET).wall)
    yield Budget("one-cold", "one spec, cold process, to a process that imports the libraries and defines the language's models",
                 ours.median / other.median, 1.6, ours, other, "s")


def fleet_cold(bench: Bench) -> Iterator[Budget]:
    """All services by one process that knows nothing, by two, and compared instead of written."""
    specs, out = [bench.fleet], "fleet"

    def cold(jobs: str) -> Took:
        return bench.compile(specs, out, "--no-cache", "-j", jobs, fresh=True)

    alone = list[Took]()
    made = list[Took]()

    def first() -> float:
        alone.append(cold("1"))
        return alone[-1].wall

    def third() -> float:
        if bench.sloth is not None:
            made.append(bench.generate())
        return 0

    ours, two, checked, _ = by_turns(bench.times, first, lambda: cold("2").wall,
                                     lambda: bench.compile(specs, out, "--no-cache", "--check", "-j", "1").wall, third)
    yield Budget("fleet-two", f"{bench.services} services, cold, -j 2 to -j 1", two.median / ours.median, 0.6, two, ours, "s")
    yield Budget("fleet-check", f"{bench.services} services, --check to writing, both without what is known", checked.median / ours.median,
                 1.1, checked, ours, "s")
    if made:
        count = _rules(bench.home / out, "*/artifacts/*/*/rules*.yaml") + _panels(bench.home / out)
        own = [one.cpu / count * 1e6 for one in alone]
        other = [one.cpu / _rules(bench.home / "rules", "*.yaml") * 1e6 for one in made]
        yield Budget("fleet-cpu", f"{bench.services} services, cold, one process: CPU per rule and panel to Sloth's per rule",
                     _middle(own).median / _middle(other).median, 2, _middle(own), _middle(other), "µs")


def fleet_unchanged(bench: Bench) -> Iterator[Budget]:
    """All services, nothing changed; and one of them changed."""
    specs, out = [bench.fleet], "known"
    bench.compile(specs, out, fresh=True)
    _settle()
    bench.compile(specs, out)
    chosen = bench.fleet / "services/0003.yaml"
    text = chosen.read_text()
    edits = iter(range(1, 1000))

    def changed() -> float:
        chosen.write_text(text + f"alerts: {{rules: {{ServiceDown: {{for: {next(edits)}m}}}}}}\n")
        return bench.compile(specs, out, "-j", "1").wall

    def same() -> float:
        bench.compile(specs, out, "-j", "1")
        return bench.compile(specs, out, "-j", "1").wall

    ours, one, other = by_turns(bench.times, same, changed, lambda: bench.generate().wall if bench.sloth is not None else 0)
    chosen.write_text(text)
    if bench.sloth is not None:
        yield Budget("fleet-unchanged", f"{bench.services} services, nothing changed, to Sloth",
                     ours.median / other.median, 0.3, ours, other, "s")
        yield Budget("fleet-one-to-sloth", f"one of {bench.services} changed, to Sloth (for comparison)", one.median / other.median,
                     0.45, one, other, "s")
    yield Budget("fleet-one", f"one of {bench.services} changed, to nothing changed", one.median / ours.median, 1.5, one, ours, "s")


def memory(bench: Bench) -> Iterator[Budget]:
    """The memory of all processes together, for all services and for a tenth of them."""
    for jobs in ("1", "2"):
        ours, other = by_turns(1, partial(_used, bench, bench.fleet, jobs), partial(_used, bench, bench.few, jobs))
        yield Budget(f"memory-{jobs}", f"memory, sum over processes, {bench.services} services to a tenth of them, -j {jobs}",
                     ours.median / other.median, 1.5, ours, other, "MiB")


def _used(bench: Bench, specs: Path, jobs: str) -> float:
    """The most memory of all processes together, in MiB, of a run that remembers nothing."""
    return bench.compile([specs], f"out-of-{specs.name}", "--no-cache", "-j", jobs, watch=True, fresh=True).memory


_ALL: dict[str, Callable[[Bench], Iterator[Budget]]] = {
    "one-unchanged": one_unchanged, "one-cold": one_cold, "fleet-unchanged": fleet_unchanged, "fleet-cold": fleet_cold, "memory": memory}


def _settle() -> None:
    time.sleep(_SETTLED)


def _middle(values: list[float]) -> Spread:
    ordered = sorted(values)
    return Spread(ordered[len(ordered) // 2], ordered[0], ordered[-1])


def _rules(folder: Path, glob: str) -> int:
    """Recording rules and alerts in files of rules, by the lines that begin them."""
    begin = re.compile(r"^\s*(?:- )?(?:record|alert): ", re.MULTILINE)
    return sum(len(begin.findall(path.read_text())) for path in folder.glob(glob))


def _panels(folder: Path) -> int:
    return sum(_inner(json.loads(path.read_text())) for path in folder.glob("*/artifacts/*/*/dashboard.json"))


def _inner(board: dict[str, list[dict[str, object]]]) -> int:
    return sum((one["type"] != "row") + len(list(one.get("panels") or ())) for one in board["panels"])  # type: ignore[call-overload]


def main() -> None:
    """Measure, print, and keep what was measured; of a part of the budgets only print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--times", type=int, default=3, help="how often everything is measured at least")
    parser.add_argument("--only", nargs="*", choices=_ALL, default=list(_ALL))
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="obsc-benchmarks-") as folder:
        bench = Bench(Path(folder), said.services, said.times)
        found = []
        for name in said.only:
            for one in _ALL[name](bench):
                found.append(one)
                print(_line(one), flush=True)
        has_sloth = bench.sloth is not None
    if list(said.only) == list(_ALL):
        kept = {"command": f"python -m benchmarks --services {said.services} --times {said.times}", "python": platform.python_version(),
                "processors": os.cpu_count(), "sloth": sloth.VERSION if has_sloth else None, "budgets": [_data(one) for one in found]}
        RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def _line(one: Budget) -> str:
    word = "holds" if one.ratio <= one.budget else "MISSED"
    ours, other = (f"{each.median:.3f} ({each.least:.3f} to {each.most:.3f})" for each in (one.ours, one.other))
    return f"{one.name:18} {one.ratio:6.2f} of {one.budget:4.2f} {word:6}  {ours} to {other} {one.unit}: {one.what}"


def _data(one: Budget) -> dict[str, object]:
    values = {key: {name: round(value, 4) for name, value in spread._asdict().items()}
              for key, spread in (("ours", one.ours), ("other", one.other))}
    return {"name": one.name, "what": one.what, "ratio": round(one.ratio, 3), "budget": one.budget, "holds": one.ratio <= one.budget,
            "unit": one.unit, **values}


if __name__ == "__main__":
    main()
