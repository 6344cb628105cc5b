"""`obsc explain`."""

from __future__ import annotations

from pathlib import Path

import click

from obsc.cli.completion import environments, explained
from obsc.cli.options import SpecPath, specs


@click.command("explain")
@click.argument("what", shell_complete=explained)
@click.argument("paths", nargs=-1, type=SpecPath(path_type=Path))
@click.option("-o", "--out", type=SpecPath(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", shell_complete=environments, help="Only this environment.")
def explain_command(what: str, paths: tuple[Path, ...], out: Path, environment: str | None) -> None:
    """Say why something is as it is.

    WHAT is a code (S317), a value of a service or platform (specs/chat.yaml:alerts.rules.GPUHot.threshold), a line of an output
    (out/prod/artifacts/ai/chat/rules.yaml:12), or the alerts of a spec (specs/chat.yaml:alerts): each is said to be on or off
    and why, and how long after a total fault it is told of at the latest. PATHS are the specs (default: specs).
    """
    from obsc import explain_report  # noqa: PLC0415
    from obsc.codes import CODES, near  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    if what in CODES:
        click.echo(explain_report.code(what))
        return
    sink = Sink()
    sources = specs(paths, sink, out=out)
    file, _, where = what.rpartition(":")
    if file and where.isdigit():
        said = explain_report.output(sources, Path(file), out, int(where))
    elif file in sources and where == "alerts":
        said = explain_report.alerts(sources, file, environment)
    elif file in sources:
        said = explain_report.value(sources, file, where, environment)
    else:
        meant = f"; did you mean {near(what)}?" if near(what) else ""
        raise click.BadParameter(f"`{what}` is no code, no `spec:path` of the specs that are read, and no `output:line`{meant}",
                                 param_hint="WHAT")
    if said is None:
        raise click.BadParameter(f"there is nothing at `{what}`", param_hint="WHAT")
    click.echo(said, nl=False)
