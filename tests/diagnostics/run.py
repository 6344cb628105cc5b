"""The one door through which the cases of this folder reach the compiler."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from obsc import pipeline
from obsc.diagnostics import Diagnostic, Sink

# Groups of codes that need a case each: `<CODE>/bad.yaml`, `<CODE>/expected.txt`, `<CODE>/good.yaml`.
COVERED = ("V", "P401")


def diagnose(paths: Sequence[Path]) -> list[Diagnostic]:
    """Everything that compiling these files finds, with the files' bare names."""
    sink = Sink()
    sources = pipeline.read(paths, sink)
    pipeline.compile_specs(sources, sink)
    return list(sink)
