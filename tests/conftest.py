"""What all tests share: the shipped specs, and compiling a tree of specs in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from obsc import pipeline
from obsc.diagnostics import Diagnostic, Sink

ROOT = Path(__file__).parents[1]
# Nothing is known of earlier runs, but where a test says otherwise: what is tested is what is made.
os.environ["OBSC_CACHE"] = ""
Compile = Callable[..., tuple[pipeline.Compiled, list[Diagnostic]]]


@pytest.fixture
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture
def compile_texts() -> Compile:
    """Compile specs given as texts by file name; gives what was compiled, and every finding."""

    def run(texts: Mapping[str, str], *, out: Path | None = None, strict: bool = False) -> tuple[
            pipeline.Compiled, list[Diagnostic]]:
        from obsc.source import load  # noqa: PLC0415

        sink = Sink(strict=strict)
        sources = {name: load(name, text.encode(), sink) for name, text in texts.items()}
        return pipeline.compile_specs(sources, sink, out=out), list(sink)

    return run
