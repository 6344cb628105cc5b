"""Processes, and what they take: seconds by the clock, seconds of processors, memory of all of them together."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple


class Took(NamedTuple):
    """Seconds by the clock and of processors, and the most memory in MiB at any time (0 unless it was asked for)."""

    wall: float
    cpu: float
    memory: float


class Spread(NamedTuple):
    """Several measurements of one thing: the middle, the least and the most."""

    median: float
    least: float
    most: float


def run(words: Sequence[str | Path], *, environment: Mapping[str, str] | None = None, cwd: Path | None = None, watch: bool = False,
        codes: Sequence[int] = (0,)) -> Took:
    """Run a process to its end. Raises if it ends with another code."""
    # As for a user: what Python compiled stays compiled.
    whole = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}}
    before, start = os.times(), time.perf_counter()
    with subprocess.Popen([str(word) for word in words], env={**whole, **(environment or {})}, cwd=cwd,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if watch else subprocess.DEVNULL) as child:
        seen = _Watch(child.pid) if watch else None
        child.communicate()
    wall, after = time.perf_counter() - start, os.times()
    if child.returncode not in codes:
        raise RuntimeError(f"{words} ended with {child.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Took(wall, cpu, seen.most / 1024 if seen is not None else 0)


def by_turns(times: int, *things: Callable[[], float]) -> list[Spread]:
    """Each of several things measured so many times, one after the other, so that what else the machine does meets all of them."""
    found: list[list[float]] = [[] for _ in things]
    for _ in range(times):
        for values, thing in zip(found, things, strict=True):
            values.append(thing())
    return [Spread(median(values), min(values), max(values)) for values in found]


class _Watch:
    """The memory of a process and of those that it started, a shared page counted once, twenty times a second."""

    def __init__(self, pid: int) -> None:
        self.most, self._pid = 0.0, pid
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while (now := sum(map(_proportional, _family(self._pid)))) > 0:
            self.most = max(self.most, now)
            time.sleep(0.05)


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(one for child in children for one in _family(int(child)))]


def _proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return float(next((line.split()[1] for line in lines if line.startswith("Pss:")), 0))
