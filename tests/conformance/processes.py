"""Programs that a test starts on this machine, waits for, reads from and stops for certain."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PAUSE = 0.05
GRACE = 4.0
Command = Sequence[str | Path]
# Without a proxy: everything that is asked here listens on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StartError(Exception):
    """A program ended or was not ready in time; `log` is what it had said (its last 6,000 characters)."""

    def __init__(self, name: str, why: str, log: str) -> None:
        super().__init__(f"{name} {why}\n{log[-6000:]}")
        self.log = log


class Daemon:
    """One running program whose output goes to a file beside its other files.

    It is the head of a process group of its own and dies with this process, so that nothing stays behind.
    """

    def __init__(self, command: Command, home: Path, environment: Mapping[str, str] | None = None) -> None:
        self.name = Path(command[0]).name
        self._log = home / f"{self.name}.log"
        # A parent that is killed runs no clean-up; the kernel does this one on its behalf where it can.
        guard = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with self._log.open("wb") as log:
            self._process = subprocess.Popen([*guard, *map(str, command)], cwd=home, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})},
                                             start_new_session=True)

    def log(self) -> str:
        """Everything that the program has said so far."""
        return self._log.read_text(errors="replace")

    def ended(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def wait(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return as soon as `ready` says so. Raises StartError if the program ends or the time is up."""
        end = time.monotonic() + seconds
        while not ready():
            if self.ended() is not None:
                raise StartError(self.name, f"exited {self.ended()}", self.log())
            if time.monotonic() > end:
                raise StartError(self.name, f"was not ready after {seconds} s", self.log())
            time.sleep(PAUSE)

    def stop(self, grace: float = GRACE) -> None:
        """Ask the program to end; kill it and its children if it has not after `grace` seconds."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def daemon(command: Command, home: Path, ready: Callable[[Daemon], bool], seconds: float,
           environment: Mapping[str, str] | None = None) -> Iterator[Daemon]:
    """Start a program in `home`, wait until it is ready (at most `seconds`), and stop it at the end, whatever happens."""
    running = Daemon(command, home, environment)
    try:
        running.wait(lambda: ready(running), seconds)
        yield running
    finally:
        running.stop()


def free_port() -> int:
    """A loopback port that nothing listens on.

    It lies below the range that the kernel gives to outgoing connections, so that none of those takes it before use.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def fetch(url: str, body: object = None, seconds: float = 5.0) -> str:
    """The body of an HTTP answer; with `body` a POST of it as JSON. Raises OSError unless the status is 2xx."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"} if data else {})
    with _OPENER.open(request, timeout=seconds) as answer:
        return str(answer.read().decode())


def fetch_json(url: str, seconds: float = 5.0) -> Any:  # noqa: ANN401
    """The body of an HTTP answer, decoded from JSON. Raises OSError unless the status is 2xx."""
    return json.loads(fetch(url, seconds=seconds))


def answers(url: str) -> bool:
    """Whether a GET of `url` succeeds now."""
    try:
        fetch(url, seconds=1.0)
    except (OSError, urllib.error.URLError):
        return False
    return True


def write(home: Path, files: Mapping[str, str]) -> None:
    """Write files under `home`, which is made if need be; names are relative paths."""
    home.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        # Filebeat and others refuse a configuration that others may write.
        place.chmod(0o600)
