"""`obsc verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from obsc.cli.options import FINDINGS, SpecPath, report, reporting


@click.command("verify")
@click.argument("paths", nargs=-1, required=True, type=SpecPath(path_type=Path, exists=True))
@click.option("--kubernetes", help="Version of Kubernetes, such as 1.33; the platform's, or the newest known, unless given.")
@click.option("--platform", "platforms", multiple=True, type=SpecPath(path_type=Path, exists=True),
              help="Platform file or folder, for the versions of Kubernetes of its environments.")
@reporting
def verify_command(paths: tuple[Path, ...], kubernetes: str | None, platforms: tuple[Path, ...], *,
                   form: str, infos: bool, strict: bool) -> None:
    """Check manifests and configuration files, whoever made them, as their consumers would. PATHS are files or folders."""
    from obsc import verify  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    if verify.missing():
        raise click.UsageError("`verify` needs packages that are not installed; install them with: pip install 'obsc[verify]'")
    if kubernetes is not None and not verify.is_known(kubernetes):
        raise click.BadParameter(f"known are {', '.join(verify.versions())}", param_hint="--kubernetes")
    sink = Sink(strict=strict)
    verified = verify.verify(paths, sink, verify.chosen(kubernetes, platforms, sink))
    report(verified.sources, sink, form=form, infos=infos)
    click.echo(verified.summary)
    sys.exit(FINDINGS if sink.failed else 0)
