"""A plant behind HTTP: a page for each pod and exporter, and their targets as Prometheus' http_sd reads them.

Time passes while nobody asks: each request first takes the steps that are due. It listens where it is told, by default on the
loopback address only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from obsc.simulator import text
from obsc.simulator.plant import Exporter, Plant
from obsc.simulator.pods import Pod
from obsc.simulator.scraping import answered
from obsc.simulator.world import World

_FOREVER = 10 * 365 * 86400.0
_PAGE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Site:
    """What is at which path. `clock` gives seconds since the beginning, of which each counts `speed` times."""

    plant: Plant
    clock: Callable[[], float]
    speed: float = 1.0
    _steps: Iterator[World] | None = None
    _due: float = 0.0
    _scrapes: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, path: str, host: str) -> tuple[int, str, str]:
        """Status, type and body of an answer."""
        with self._lock:
            self._catch_up()
            return self._answer(path.partition("?")[0], host)

    def _catch_up(self) -> None:
        if self._steps is None:
            self._steps = self.plant.run(_FOREVER)
        now = self.clock() * self.speed
        while self._due <= now:
            next(self._steps)
            self._due += self.plant.scenario.step

    def _answer(self, path: str, host: str) -> tuple[int, str, str]:
        if path == "/":
            return 200, "text/plain; charset=utf-8", self._snippet(host)
        if path.startswith("/targets/"):
            found = self._targets(path.removeprefix("/targets/"), host)
            return (200, "application/json", json.dumps(found, indent=1)) if found is not None else _missing(path)
        exporter = next((one for one in self.plant.exporters if path == _exporter_path(one)), None)
        if exporter is not None:
            return 200, _PAGE, text.page(self.plant.exporter(exporter))
        pod = next((one for one in self.plant.now.every if path == _pod_path(one)), None)
        return self._pod(pod, path) if pod is not None else _missing(path)

    def _pod(self, pod: Pod, path: str) -> tuple[int, str, str]:
        count = self._scrapes[path] = self._scrapes.get(path, -1) + 1
        if pod.is_gone or not answered(pod, count):
            return 503, "text/plain; charset=utf-8", "the pod does not answer\n"
        return 200, _PAGE, self.plant.page(pod)

    def _targets(self, kind: str, host: str) -> list[dict[str, object]] | None:
        if kind == "pods":
            return [{"targets": [host], "labels": {"__metrics_path__": _pod_path(pod), "job": pod.facts["service"]} | _pod_labels(pod)}
                    for pod in self.plant.now.every if not pod.is_gone]
        chosen = {"honored": True, "exported": False}.get(kind)
        if chosen is None:
            return None
        return [{"targets": [host], "labels": _exporter_labels(one)} for one in self.plant.exporters if one.honors_labels is chosen]

    def _snippet(self, host: str) -> str:
        """A configuration of Prometheus that scrapes everything here."""
        jobs = (("pods", "false"), ("honored", "true"), ("exported", "false"))
        lines = ["# what a Prometheus needs in order to scrape this simulation", "scrape_configs:"]
        for name, honors in jobs:
            lines += [f"  - job_name: simulated-{name}", f"    honor_labels: {honors}", "    scrape_interval: 15s",
                      f"    http_sd_configs: [{{url: 'http://{host}/targets/{name}', refresh_interval: 5s}}]"]
        return "\n".join(lines) + "\n"


def _missing(path: str) -> tuple[int, str, str]:
    return 404, "text/plain; charset=utf-8", f"nothing is at {path[:200]}\n"


def _pod_path(pod: Pod) -> str:
    return f"/{pod.pool.name}/{pod.index}/metrics"


def _pod_labels(pod: Pod) -> dict[str, str]:
    labels = {name: pod.facts[name] for name in ("namespace", "pod", "instance", "container")}
    return labels | ({"component": pod.facts["component"]} if pod.facts["component"] else {})


def _exporter_path(one: Exporter) -> str:
    return f"/exporters/{one.key}/metrics"


def _exporter_labels(one: Exporter) -> dict[str, str]:
    labels = {"__metrics_path__": _exporter_path(one), "job": one.profile.name, "namespace": "monitoring", "pod": f"{one.profile.name}-0"}
    return labels | {label: value for label, sign, value in one.profile.matchers if sign == "="}


def server(site: Site, host: str, port: int) -> ThreadingHTTPServer:
    """A server of the site that listens already; `port` 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = self.headers.get("Host", f"{host}:{port}")
            status, kind, body = site.get(self.path, at if _is_plain(at) else f"{host}:{port}")
            raw = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the library calls it
            """Say nothing: a scrape every few seconds is no news."""

    return ThreadingHTTPServer((host, port), Handler)


def _is_plain(host: str) -> bool:
    """Whether a Host header is a name and a port, which may be repeated in an answer."""
    return len(host) < 260 and all(letter.isalnum() or letter in ".-:[]" for letter in host)
