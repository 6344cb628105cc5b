"""A receiver of Alertmanager's notifications, for assertions on what arrived and where."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

from conformance.loopback import Loopback
from conformance.runners import eventually


@dataclass(frozen=True)
class Notification:
    """One request of Alertmanager: the path that it came to, and its content."""

    path: str
    content: dict[str, Any]

    def alerts(self) -> list[dict[str, Any]]:
        """Its alerts, each with `status`, `labels`, `annotations`, `startsAt` …"""
        found: list[dict[str, Any]] = self.content["alerts"]
        return found


class Webhook(Loopback):
    """Keeps every notification in order; one path a receiver tells the receivers apart."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self._lock = threading.Lock()
        self._received: list[Notification] = []

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, str, str]:
        """Keep a notification; 200 always, since Alertmanager repeats what was refused."""
        if method == "POST":
            with self._lock:
                self._received.append(Notification(path, json.loads(body)))
        return 200, "text/plain", "ok\n"

    def notifications(self) -> list[Notification]:
        """All of them so far, in the order of arrival."""
        with self._lock:
            return list(self._received)

    def alerts(self, name: str, status: str = "firing") -> list[dict[str, Any]]:
        """All alerts of a name and status (`firing` or `resolved`) that arrived so far."""
        return [alert for one in self.notifications() for alert in one.alerts()
                if alert["labels"].get("alertname") == name and alert["status"] == status]

    def wait(self, name: str, seconds: float, status: str = "firing") -> list[dict[str, Any]]:
        """The alerts of a name and status, once there are any. Raises AssertionError when the time is up."""
        return eventually(f"{status} {name} at the webhook", lambda: self.alerts(name, status), seconds)
