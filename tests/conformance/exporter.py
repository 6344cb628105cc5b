"""A model server's metrics page without a model: real counters that move as fast as a test asks for.

The page is in Prometheus' text format. A thread moves the counters on in small steps, so that rates are smooth at any
scrape interval; `advance` moves them by hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

from conformance.loopback import Loopback

BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
STEP = 0.05
# Durations in seconds that follow one another: all below the bound 1, all above the bound 5.
FAST = (0.08, 0.15, 0.2, 0.3, 0.4, 0.7)
SLOW = (6.0, 7.0, 8.0, 9.0, 12.0)
KINDS = {
    "ai_inference_requests_total": ("counter", "Requests by outcome."),
    "ai_inference_duration_seconds": ("histogram", "Time from a request to its last byte."),
    "ai_model_predictions_total": ("counter", "Predictions that a model has made."),
    "ai_model_accuracy": ("gauge", "Share of right answers in the last evaluation."),
    "ai_gpu_utilization_percent": ("gauge", "Share of time that a GPU was busy."),
    "process_cpu_seconds_total": ("counter", "Processor time used."),
    "process_resident_memory_bytes": ("gauge", "Memory held."),
    "process_start_time_seconds": ("gauge", "Start of the process, as seconds since 1970."),
}


class _Model:
    """Counts of one model; they never go down."""

    def __init__(self) -> None:
        self.by_status = {"success": 0, "error": 0}
        self.buckets = [0] * len(BOUNDS)
        self.sum = 0.0
        self.due = 0.0
        self.wrong = 0.0

    def request(self, seconds: float, failing: float) -> None:
        """Count one request; every 1/`failing`-th is an error."""
        self.wrong += failing
        status = "error" if self.wrong >= 1.0 else "success"
        self.wrong -= 1.0 if status == "error" else 0.0
        self.by_status[status] += 1
        self.sum += seconds
        self.buckets = [count + (seconds <= bound) for count, bound in zip(self.buckets, BOUNDS, strict=True)]

    def total(self) -> int:
        """Requests of both outcomes."""
        return sum(self.by_status.values())


class Exporter(Loopback):
    """Serves /metrics of `models` at `rate` requests a second each."""

    def __init__(self, models: Sequence[str] = ("chat",), gpus: Sequence[str] = ("0",), *, rate: float = 20.0,
                 port: int = 0) -> None:
        super().__init__(port)
        self._models = {name: _Model() for name in models}
        self._gpus = tuple(gpus)
        self._rate, self._slow, self._failing = rate, False, 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._clock = threading.Thread(target=self._run, daemon=True)
        self._start = time.time()

    def slow(self, on: bool = True) -> None:  # noqa: FBT001, FBT002
        """From now on requests take more than 5 seconds; with False less than 1 second again."""
        with self._lock:
            self._slow = on

    def failing(self, share: float) -> None:
        """From now on this share of the requests (0 to 1) are errors."""
        with self._lock:
            self._failing = share

    def rate(self, per_second: float) -> None:
        """From now on each model answers so many requests a second; 0 stops the traffic."""
        with self._lock:
            self._rate = per_second

    def advance(self, seconds: float) -> None:
        """Count the requests of so many seconds; what is less than a request is kept for the next call."""
        with self._lock:
            durations = SLOW if self._slow else FAST
            for model in self._models.values():
                model.due += self._rate * seconds
                for _ in range(int(model.due)):
                    model.request(durations[model.total() % len(durations)], self._failing)
                model.due %= 1.0

    def page(self) -> str:
        """The metrics page as it is now."""
        with self._lock:
            samples = list(self._samples())
        lines: list[str] = []
        for family, (kind, about) in KINDS.items():
            lines += [f"# HELP {family} {about}", f"# TYPE {family} {kind}"]
            lines += [_line(name, labels, value) for owner, name, labels, value in samples if owner == family]
        return "\n".join([*lines, ""])

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, str, str]:
        """The page at /metrics, 404 elsewhere."""
        if path.partition("?")[0] != "/metrics":
            return 404, "text/plain", "not found\n"
        return 200, "text/plain; version=0.0.4; charset=utf-8", self.page()

    def __enter__(self) -> Self:
        super().__enter__()
        self._clock.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        self._clock.join()
        super().__exit__(kind, error, trace)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stopped.wait(STEP):
            now = time.monotonic()
            self.advance(now - last)
            last = now

    def _samples(self) -> Iterator[tuple[str, str, Mapping[str, str], float]]:
        for name, model in self._models.items():
            of_model = {"model_name": name}
            for status, count in model.by_status.items():
                yield from _plain("ai_inference_requests_total", {**of_model, "status": status}, count)
            family = "ai_inference_duration_seconds"
            for bound, count in zip((*BOUNDS, "+Inf"), (*model.buckets, model.total()), strict=True):
                yield family, f"{family}_bucket", {**of_model, "le": str(bound)}, count
            yield family, f"{family}_sum", of_model, model.sum
            yield family, f"{family}_count", of_model, model.total()
            yield from _plain("ai_model_predictions_total", of_model, model.by_status["success"])
            yield from _plain("ai_model_accuracy", of_model, 0.93)
        for gpu in self._gpus:
            yield from _plain("ai_gpu_utilization_percent", {"gpu_id": gpu}, 97.0 if self._slow else 55.0)
        yield from _plain("process_cpu_seconds_total", {}, time.process_time())
        yield from _plain("process_resident_memory_bytes", {}, 256.0 * 2**20)
        yield from _plain("process_start_time_seconds", {}, self._start)


def _plain(name: str, labels: Mapping[str, str], value: float) -> Iterator[tuple[str, str, Mapping[str, str], float]]:
    yield name, name, labels, value


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    def quoted(text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'

    inner = ",".join(f"{key}={quoted(text)}" for key, text in labels.items())
    return f"{name}{{{inner}}} {float(value)!r}" if inner else f"{name} {float(value)!r}"
