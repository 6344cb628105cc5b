"""`obsc validate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from obsc.cli.options import FINDINGS, SpecPath, report, reporting, specs


@click.command("validate")
@click.argument("paths", nargs=-1, type=SpecPath(path_type=Path))
@reporting
def validate_command(paths: tuple[Path, ...], *, form: str, infos: bool, strict: bool) -> None:
    """Report everything that is wrong with the specs, and write nothing."""
    from obsc import pipeline  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = specs(paths, sink)
    compiled = pipeline.compile_specs(sources, sink)
    report(compiled.sources, sink, form=form, infos=infos)
    sys.exit(FINDINGS if sink.failed else 0)
