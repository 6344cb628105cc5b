"""A language server over standard input and output: opens texts, asks about places in them, collects its diagnostics."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from conformance.processes import Command

ANSWER = 60.0


class SilentError(Exception):
    """The server ended, or did not say in time what was waited for."""


@dataclass
class LanguageServer:
    """One running server. It is asked for one thing at a time; what it asks for itself is answered meanwhile."""

    process: subprocess.Popen[bytes]
    settings: Mapping[str, object]
    diagnostics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _received: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)
    _number: int = 0

    def start(self, root: Path) -> None:
        """Say hello for a folder, and hand over the settings."""
        threading.Thread(target=self._listen, daemon=True).start()
        self.ask("initialize", {"processId": None, "rootUri": root.as_uri(), "capabilities": {
            "workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}},
            "textDocument": {"completion": {"completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}},
                             "hover": {"contentFormat": ["markdown"]}}}})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self.settings})

    def open(self, file: Path, text: str) -> str:
        """Open a text as the file's; gives its address."""
        self.tell("textDocument/didOpen", {"textDocument": {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}})
        return file.as_uri()

    def about(self, method: str, uri: str, place: tuple[int, int]) -> Any:  # noqa: ANN401
        """The answer to a question on a place: a line and a column, both from 0."""
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": {"line": place[0], "character": place[1]}})

    def findings(self, uri: str) -> list[dict[str, Any]]:
        """The diagnostics of a text that was opened, as soon as they come."""
        end = time.monotonic() + ANSWER
        while uri not in self.diagnostics:
            self._handle(end, uri)
        return self.diagnostics[uri]

    def ask(self, method: str, parameters: object) -> Any:  # noqa: ANN401
        """The result of a request."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        end = time.monotonic() + ANSWER
        while True:
            message = self._handle(end, method)
            if message.get("id") == self._number and "method" not in message:
                assert "error" not in message, message["error"]
                return message.get("result")

    def tell(self, method: str, parameters: object) -> None:
        """A message that is not answered."""
        self._send({"method": method, "params": parameters})

    def _handle(self, end: float, wanted: str) -> dict[str, Any]:
        """The next message, which is answered if it is a question and noted if it brings diagnostics."""
        try:
            message = self._received.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            message = None
        if message is None:
            raise SilentError(wanted)
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        return message

    def _answer(self, message: Mapping[str, Any]) -> object:
        if message["method"] == "workspace/configuration":
            return [self.settings.get(item.get("section", ""), None) for item in message["params"]["items"]]
        return None

    def _send(self, message: Mapping[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            while (message := _next(self.process.stdout)) is not None:
                self._received.put(message)
        self._received.put(None)


def _next(stream: IO[bytes]) -> dict[str, Any] | None:
    """The next message; None at the end."""
    length = 0
    while (line := stream.readline().strip()) or not length:
        if not line:
            return None
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    found: dict[str, Any] = json.loads(stream.read(length))
    return found


@contextlib.contextmanager
def language_server(command: Command, root: Path, settings: Mapping[str, object]) -> Iterator[LanguageServer]:
    """A server that works on a folder, until the end of the block."""
    with (root / "server.log").open("wb") as log, subprocess.Popen(
            list(map(str, command)), cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as process:
        try:
            server = LanguageServer(process, settings)
            server.start(root)
            yield server
        finally:
            process.kill()
