"""Sloth, another generator of rules, and three objectives for it to generate for each service."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

VERSION = "v0.12.0"
_PACKAGE = f"github.com/slok/sloth/cmd/sloth@{VERSION}"
_ALL = 'sum(rate({metric}{{job="{job}"}}[{window}]))'
_BEYOND = 'sum(rate({name}_count{{job="{job}"}}[{window}])) - sum(rate({name}_bucket{{job="{job}",le="{bound}"}}[{window}]))'
# Name, target, what went wrong, what there is in all.
_OBJECTIVES = (
    ("availability", 99.5, 'sum(rate(requests_total{{job="{job}",code=~"5.."}}[{window}]))', _ALL.replace("{metric}", "requests_total")),
    ("first-token", 95, _BEYOND.replace("{name}", "first_token").replace("{bound}", "1.0"), _ALL.replace("{metric}", "first_token_count")),
    ("latency", 99, _BEYOND.replace("{name}", "latency").replace("{bound}", "5.0"), _ALL.replace("{metric}", "latency_count")),
)


def found() -> Path | None:
    """The program, built if Go is there; else None."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "obsc-benchmarks"
    program = folder / f"sloth-{VERSION}"
    if not program.exists() and shutil.which("go") is not None:
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder), "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        done = subprocess.run(["go", "install", "-trimpath", "-ldflags", "-s -w", _PACKAGE], env=environment, check=False)
        if done.returncode == 0:
            (folder / "sloth").rename(program)
    return program if program.exists() else None


def write(folder: Path, services: int) -> None:
    """A specification for each service."""
    folder.mkdir(parents=True)
    for number in range(services):
        name = f"service-{number:04}"
        (folder / f"{name}.yaml").write_text("".join(_lines(name)))


def _lines(name: str) -> list[str]:
    lines = ["version: prometheus/v1\n", f"service: {name}\n", "labels: {team: ml}\n", "slos:\n"]
    for objective, target, errors, total in _OBJECTIVES:
        bad, every = (text.format(job=name, window="{{.window}}") for text in (errors, total))
        lines += [f"  - name: {objective}\n", f"    objective: {target}\n", f"    description: {objective} of {name}\n",
                  "    sli:\n      events:\n", f"        error_query: '{bad}'\n", f"        total_query: '{every}'\n",
                  f"    alerting:\n      name: {objective.title().replace('-', '')}\n      annotations: {{summary: {objective} burns}}\n",
                  "      page_alert: {labels: {severity: critical}}\n      ticket_alert: {labels: {severity: warning}}\n"]
    return lines
