"""Targets: IR → artifacts of plain data. Each is a module with `compile` (one service) and/or `link` (all parts).

The table is lazy: a run imports only the targets that its platform asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from obsc.catalog import Catalog
from obsc.emit import Artifact
from obsc.ir import Service
from obsc.part import Part
from obsc.spec.platform import AIPlatform

Compile = Callable[[Service, AIPlatform], tuple[Artifact, ...]]
Link = Callable[[str, Sequence[Part], AIPlatform, Catalog], tuple[Artifact, ...]]

# The order of work: names are those of `--target`, modules are imported when a run needs them.
MODULES: dict[str, str] = {
    "prometheus": "obsc.targets.prometheus", "operator": "obsc.targets.operator", "alerting": "obsc.targets.alerting",
    "grafana": "obsc.targets.grafana", "filebeat": "obsc.targets.filebeat", "collector": "obsc.targets.collector",
}


def compilers() -> tuple[Compile, ...]:
    """What turns one service into its own files."""
    return tuple(found for module in MODULES.values() if (found := getattr(import_module(module), "compile_", None)))


def linkers() -> tuple[Link, ...]:
    """What turns the parts of an environment into the platform's files."""
    return tuple(found for module in MODULES.values() if (found := getattr(import_module(module), "link", None)))
