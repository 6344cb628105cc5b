"""`obsc link`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from obsc.cli.completion import environments
from obsc.cli.ending import end, stop_if_unfinished
from obsc.cli.options import SpecPath, reporting


@click.command("link")
@click.argument("parts", nargs=-1, required=True, type=SpecPath(path_type=Path, exists=True))
@click.option("--platform", "platforms", multiple=True, type=SpecPath(path_type=Path, exists=True),
              help="Platform file or folder; the built-in platform unless given.")
@click.option("-o", "--out", type=SpecPath(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", shell_complete=environments, help="Only this environment.")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 3 if the outputs differ, or are of a killed run.")
@reporting
def link_command(parts: tuple[Path, ...], platforms: tuple[Path, ...], out: Path, environment: str | None, *,  # noqa: PLR0913
                 check_only: bool, form: str, infos: bool, strict: bool) -> None:
    """Link compiled parts (part.json files, or folders that hold them) into the platform's files."""
    from obsc import pipeline, write  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink = Sink(strict=strict)
    stop_if_unfinished(out, check_only=check_only)
    with write.held(out, sink, check=check_only) as ready:
        compiled = pipeline.link_parts(parts, platforms, sink, environment=environment) if ready else pipeline.nothing({})
        # A part that cannot be read would take its service off the platform: with an error, nothing is written.
        ended = end(compiled, sink, out, check_only=check_only, hold=sink.failed, form=form, infos=infos)
    sys.exit(ended.code)
