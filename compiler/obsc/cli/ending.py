"""How a run that writes ends: what was compiled meets the output folder, findings are shown, and the exit code says it."""

from __future__ import annotations

import sys
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from obsc.cli.options import FINDINGS, report

if TYPE_CHECKING:
    from obsc.diagnostics import Sink
    from obsc.pipeline import Compiled

DIFFERS = 3


def stop_if_unfinished(out: Path, *, check_only: bool) -> None:
    """With `--check`, say so of a run that was killed: what it left is neither old nor new, and judging it would only confuse."""
    from obsc import journal  # noqa: PLC0415

    if check_only and journal.is_unfinished(out):
        click.echo(f"unfinished: {out / journal.STAGING} is of a run that was killed; the next one without --check finishes it")
        sys.exit(DIFFERS)


class Ended(NamedTuple):
    """How a run ended: its exit code, and what went to stderr and stdout."""

    code: int
    stderr: str
    stdout: str


def end(compiled: Compiled, sink: Sink, out: Path, *, check_only: bool, hold: bool,  # noqa: PLR0913  one way to end
        form: str, infos: bool, settled: Container[str] = ()) -> Ended:
    """Bring the outputs to disk, or compare them; show the findings and what came of them. `settled` as for `write.bring`."""
    from obsc import pipeline, write  # noqa: PLC0415

    if not compiled.tree and not sink.failed:
        from obsc.diagnostics import Place  # noqa: PLC0415

        sink.error("W912", "nothing was compiled", Place(str(out)), hint="give specs or parts")
    outcome = (write.bring(out, compiled.tree, compiled.owned, sink, check=check_only, settled=settled)
               if compiled.tree and not hold else None)
    shown = report(compiled.sources, sink, form=form, infos=infos)
    if outcome is not None and check_only and not outcome.clean:
        click.echo(outcome.diff, nl=False)
        for word, paths in (("missing", outcome.added), ("differs", outcome.changed), ("stale", outcome.stale)):
            for path in paths:
                click.echo(f"{word}: {path}")
        return Ended(FINDINGS if sink.failed else DIFFERS, shown, "")
    said = pipeline.summary(compiled) + "\n" if outcome is not None else ""
    click.echo(said, nl=False)
    return Ended(FINDINGS if sink.failed else 0, shown, said)
