"""`obsc compile`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from obsc.cli.completion import environments
from obsc.cli.ending import end, stop_if_unfinished
from obsc.cli.options import DEFAULT, SpecPath, progress, reporting
from obsc.store import VARIABLE, Store, home


@click.command("compile")
@click.argument("paths", nargs=-1, type=SpecPath(path_type=Path))
@click.option("-o", "--out", type=SpecPath(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", shell_complete=environments, help="Only this environment.")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 3 if the outputs differ, or are of a killed run.")
@click.option("--fail-fast", is_flag=True, help="Write nothing if any service has an error.")
@click.option("--prune", is_flag=True, help="Delete the outputs of services that no given spec compiles to, if no spec has an error.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Compile by so many processes; by default, by as many as pay.")
@click.option("--cache", type=SpecPath(file_okay=False, path_type=Path), envvar=VARIABLE, show_envvar=True,
              help="Folder for what is known of earlier runs; by default `obsc` in $XDG_CACHE_HOME or ~/.cache. Never read with --check.")
@click.option("--no-cache", is_flag=True, help="Neither use nor keep what is known of earlier runs.")
@reporting
def compile_command(paths: tuple[Path, ...], out: Path, environment: str | None, *, check_only: bool,  # noqa: PLR0913  options
                    fail_fast: bool, prune: bool, jobs: int | None, cache: Path | None, no_cache: bool, form: str, infos: bool,
                    strict: bool) -> None:
    """Compile services and link their platforms. PATHS are spec files or folders (default: specs)."""
    from obsc import inputs, pipeline, stamp, work, write  # noqa: PLC0415
    from obsc.assembly import Tree  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink, given = Sink(strict=strict), [str(path) for path in paths or DEFAULT]
    store = None if no_cache or check_only else _store(cache)
    before = _digest(given, out) if store is not None else None
    sources, services = inputs.sift(paths or DEFAULT, sink, out=out)
    stop_if_unfinished(out, check_only=check_only)
    with write.held(out, sink, check=check_only) as ready, progress() as told:
        how = work.Work(jobs or 0, store, told)
        compiled = (pipeline.compile_specs(sources, sink, environment=environment, out=out, prune=prune, services=services, work=how)
                    if ready else pipeline.nothing(inputs.Known(sources, services)))
        # What is pruned is off the platform's files already: an error that came later must not let the rest through.
        hold = (fail_fast or compiled.pruned) and sink.failed
        marks = compiled.tree.marks() if store is not None and isinstance(compiled.tree, Tree) else {}
        known = stamp.settled(str(out), marks, compiled.owned) if marks else frozenset()
        ended = end(compiled, sink, out, check_only=check_only, hold=hold, form=form, infos=infos, settled=known)
        if ended.code == 0 and stamp.covers(given, {*sources, *services}):
            stamp.keep(before, (given, str(out)), compiled.tree, marks, (ended.stderr, ended.stdout))
    if store is not None:
        store.trim()
    sys.exit(ended.code)


def _store(said: Path | None) -> Store | None:
    folder = home(None if said is None else str(said))
    return Store(folder) if folder is not None else None


def _digest(given: Sequence[str], out: Path) -> str | None:
    from obsc import stamp  # noqa: PLC0415

    try:
        return stamp.inputs(given, str(out))
    except OSError:
        return None
