"""`obsc compile`."""

from __future__ import annotations

from pathlib import Path

import click

from obsc.cli.ending import finish, stop_if_unfinished
from obsc.cli.options import SpecPath, reporting, specs


@click.command("compile")
@click.argument("paths", nargs=-1, type=SpecPath(path_type=Path))
@click.option("-o", "--out", type=SpecPath(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", help="Only this environment.")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 3 if the outputs differ, or are of a killed run.")
@click.option("--fail-fast", is_flag=True, help="Write nothing if any service has an error.")
@click.option("--prune", is_flag=True, help="Delete the outputs of services that no given spec compiles to, if no spec has an error.")
@reporting
def compile_command(paths: tuple[Path, ...], out: Path, environment: str | None, *, check_only: bool,  # noqa: PLR0913  options
                    fail_fast: bool, prune: bool, form: str, infos: bool, strict: bool) -> None:
    """Compile services and link their platforms. PATHS are spec files or folders (default: specs)."""
    from obsc import pipeline, write  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = specs(paths, sink, out=out)
    stop_if_unfinished(out, check_only=check_only)
    with write.held(out, sink, check=check_only) as ready:
        compiled = (pipeline.compile_specs(sources, sink, environment=environment, out=out, prune=prune) if ready
                    else pipeline.nothing(sources))
        # What is pruned is off the platform's files already: an error that came later must not let the rest through.
        finish(compiled, sink, out, check_only=check_only, hold=(fail_fast or compiled.pruned) and sink.failed, form=form, infos=infos)
