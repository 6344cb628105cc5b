"""Prometheus, Alertmanager, the Collector and Filebeat, run on configuration that a test gives them.

Each runner writes `files` (relative path → text) into `home`, starts the program there on free loopback ports, waits
until it is ready and stops it hard at the end. A program that refuses its configuration raises StartError with its log.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from conformance.processes import PAUSE, Command, Daemon, StartError, answers, daemon, fetch_json, free_port, write

# The last thing that Filebeat says as it ends, before it may say why.
FILEBEAT_STOPPED = "Registrar stopped"
COLLECTOR_READY = "Everything is ready. Begin running and processing data."
NOTHING: Mapping[str, str] = MappingProxyType({})
T = TypeVar("T")


@dataclass(frozen=True)
class Server:
    """A running program with an HTTP interface at `url` (no slash at its end)."""

    daemon: Daemon
    url: str

    def get(self, path: str) -> Any:  # noqa: ANN401
        """The decoded JSON at `path`. Raises OSError unless the status is 2xx."""
        return fetch_json(self.url + path)

    def log(self) -> str:
        """What the program has said so far."""
        return self.daemon.log()


@contextlib.contextmanager
def run_prometheus(binary: Path, home: Path, files: Mapping[str, str] = NOTHING, *, config: str = "prometheus.yml",
                   arguments: Sequence[str] = (), seconds: float = 40) -> Iterator[Server]:
    """Prometheus on `home`/`config`; its database is in `home`/data."""
    write(home, files)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: Command = (binary, f"--config.file={home / config}", f"--storage.tsdb.path={home / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}", *arguments)
    with daemon(command, home, lambda _: answers(f"{url}/-/ready"), seconds) as running:
        yield Server(running, url)


@contextlib.contextmanager
def run_alertmanager(binary: Path, home: Path, files: Mapping[str, str] = NOTHING, *, config: str = "alertmanager.yml",
                     arguments: Sequence[str] = (), seconds: float = 30) -> Iterator[Server]:
    """Alertmanager on `home`/`config`, alone (no cluster)."""
    write(home, files)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: Command = (binary, f"--config.file={home / config}", f"--storage.path={home / 'data'}",
               f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", *arguments)
    with daemon(command, home, lambda _: answers(f"{url}/-/ready"), seconds) as running:
        yield Server(running, url)


@contextlib.contextmanager
def run_collector(binary: Path, home: Path, files: Mapping[str, str] = NOTHING, *, config: str = "collector.yaml",
                  overlays: Sequence[str] = (), environment: Mapping[str, str] | None = None,
                  seconds: float = 40) -> Iterator[Daemon]:
    """The Collector on `home`/`config`, until it says that every component has started.

    `overlays` are YAML texts that the Collector merges over the configuration, in order: for ports of this run, or for
    a credential that only a cluster has.
    """
    write(home, files)
    write(home, {f"overlay-{number}.yaml": text for number, text in enumerate(overlays)})
    configs = [home / config, *(home / f"overlay-{number}.yaml" for number in range(len(overlays)))]
    command: Command = (binary, *(f"--config=file:{path}" for path in configs))
    with daemon(command, home, lambda running: COLLECTOR_READY in running.log(), seconds, environment) as running:
        yield running


class StuckError(StartError):
    """Filebeat gave its configuration up, but hung before it said why and ended; started again it mostly does both."""


class Filebeat:
    """A running Filebeat whose events are read from the file that it writes."""

    def __init__(self, running: Daemon, folder: Path) -> None:
        self._daemon = running
        self._folder = folder

    def log(self) -> str:
        """What the program has said so far."""
        return self._daemon.log()

    def events(self) -> list[dict[str, Any]]:
        """The events written so far."""
        lines = [line for path in sorted(self._folder.glob("events*")) for line in path.read_text().split("\n")[:-1]]
        return [json.loads(line) for line in lines]

    def wait(self, count: int, seconds: float) -> list[dict[str, Any]]:
        """The events, once there are `count`. Raises StartError if Filebeat ends, hangs or the time is up before."""
        stopped = 0.0

        def sent() -> bool:
            nonlocal stopped
            if not stopped and FILEBEAT_STOPPED in self.log():
                stopped = time.monotonic()
            if stopped and time.monotonic() - stopped > 1.0 and self._daemon.ended() is None:
                raise StuckError("filebeat", "hung as it stopped", self.log())
            return len(self.events()) >= count

        self._daemon.wait(sent, seconds)
        return self.events()


@contextlib.contextmanager
def run_filebeat(binary: Path, home: Path, files: Mapping[str, str] = NOTHING, *, config: str = "filebeat.yml",
                 settings: Mapping[str, str] | None = None,
                 environment: Mapping[str, str] | None = None) -> Iterator[Filebeat]:
    """Filebeat on `home`/`config`, whatever its output is: the events go to a file instead.

    It yields at once, since Filebeat has no sign of being ready but its events. One start in four that fails neither
    ends nor obeys a signal, so it is killed at the end. `settings` override the configuration (`-E key=value`).
    """
    write(home, files)
    events = home / "events"
    ours = {
        "output.elasticsearch.enabled": "false", "output.logstash.enabled": "false", "output.kafka.enabled": "false",
        "output.file.path": str(events), "output.file.filename": "events",
        "setup.ilm.enabled": "false", "setup.template.enabled": "false",
        "logging.to_stderr": "true", "logging.level": "info",
        "http.port": str(free_port()), **(settings or {}),
    }
    overrides = [word for key, value in ours.items() for word in ("-E", f"{key}={value}")]
    command: Command = (binary, "-e", "-c", home / config, "--path.home", home / "home", "--strict.perms=false", *overrides)
    running = Daemon(command, home, environment)
    try:
        yield Filebeat(running, events)
    finally:
        running.stop(grace=0.0)


def eventually(what: str, holds: Callable[[], T], seconds: float) -> T:
    """The first true value that `holds` gives. Raises AssertionError, naming `what`, when the time is up."""
    end = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(4 * PAUSE)
