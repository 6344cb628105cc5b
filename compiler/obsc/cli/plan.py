"""`obsc plan`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from obsc.cli.completion import environments
from obsc.cli.options import DEFAULT, FINDINGS, SpecPath, report, reporting, specs

if TYPE_CHECKING:
    from obsc.source import Source


@click.command("plan")
@click.argument("base")
@click.argument("paths", nargs=-1, type=SpecPath(path_type=Path))
@click.option("--env", "environment", shell_complete=environments, help="Only this environment.")
@click.option("--form", "shape", type=click.Choice(["text", "markdown", "json"]), default="text", help="Form of the plan.")
@reporting
def plan_command(base: str, paths: tuple[Path, ...], environment: str | None, *, shape: str, form: str,  # noqa: PLR0913  options
                 infos: bool, strict: bool) -> None:
    """Say what a change of specs means: alerts, routes, panels, series, pods that restart.

    BASE is a revision of git, or a folder with the specs as they were; PATHS are the specs as they are (default: specs).
    """
    from obsc import pipeline, plan_report  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415
    from obsc.plan import plan  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = specs(paths, sink)
    after = pipeline.compile_specs(sources, sink, environment=environment)
    before = pipeline.compile_specs(_base(base, paths or DEFAULT), Sink(), environment=environment)
    report(after.sources, sink, form=form, infos=infos)
    shapes = {"text": plan_report.text, "markdown": plan_report.markdown, "json": plan_report.to_json}
    click.echo(shapes[shape](plan(before, after)), nl=False)
    sys.exit(FINDINGS if sink.failed else 0)


def _base(base: str, paths: tuple[Path, ...]) -> dict[str, Source]:
    """The specs to compare with: of a folder, or of a revision."""
    from obsc import inputs, revision  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    if Path(base).is_dir():
        return specs((Path(base),), Sink())
    try:
        return inputs.at_revision(base, paths)
    except revision.RevisionError as error:
        raise click.BadParameter(str(error), param_hint="BASE") from error
