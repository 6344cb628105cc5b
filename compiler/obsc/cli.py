"""Arguments and exit codes. 0 clean, 1 findings, 2 usage, 3 outputs differ or are unfinished, 70 a fault of ours.

Findings go to stderr, products to stdout. What is heavy is imported inside the commands that need it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from obsc import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from obsc.diagnostics import Sink
    from obsc.pipeline import Compiled
    from obsc.source import Source

FINDINGS, DIFFERS = 1, 3
_DEFAULT = (Path("specs"),)


class _Path(click.Path):
    """A path that says something: what a script left empty would stand for the working directory."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, or a complaint about the command."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="obsc")
def main() -> None:
    """Compile specs of AI services into the configuration that observes them."""


def _format(command: click.decorators.FC) -> click.decorators.FC:
    forms = click.Choice(["text", "json"])
    command = click.option("--format", "form", type=forms, default="text", help="Form of the findings.")(command)
    command = click.option("--infos", is_flag=True, help="Show infos too, such as alerts that were left out.")(command)
    return click.option("--strict", is_flag=True, help="Count warnings as errors.")(command)


@main.command("compile")
@click.argument("paths", nargs=-1, type=_Path(path_type=Path))
@click.option("-o", "--out", type=_Path(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", help="Only this environment.")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 3 if the outputs differ, or are of a killed run.")
@click.option("--fail-fast", is_flag=True, help="Write nothing if any service has an error.")
@click.option("--prune", is_flag=True, help="Delete the outputs of services that no given spec compiles to, if no spec has an error.")
@_format
def compile_command(paths: tuple[Path, ...], out: Path, environment: str | None, *, check_only: bool,  # noqa: PLR0913  options
                    fail_fast: bool, prune: bool, form: str, infos: bool, strict: bool) -> None:
    """Compile services and link their platforms. PATHS are spec files or folders (default: specs)."""
    from obsc import pipeline, write  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = _specs(paths, sink)
    _stop_if_unfinished(out, check_only=check_only)
    with write.held(out, sink, check=check_only) as ready:
        compiled = (pipeline.compile_specs(sources, sink, environment=environment, out=out, prune=prune) if ready
                    else pipeline.nothing(sources))
        # What is pruned is off the platform's files already: an error that came later must not let the rest through.
        _finish(compiled, sink, out, check_only=check_only, hold=(fail_fast or compiled.pruned) and sink.failed, form=form, infos=infos)


@main.command("link")
@click.argument("parts", nargs=-1, required=True, type=_Path(path_type=Path, exists=True))
@click.option("--platform", "platforms", multiple=True, type=_Path(path_type=Path, exists=True),
              help="Platform file or folder; the built-in platform unless given.")
@click.option("-o", "--out", type=_Path(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", help="Only this environment.")
@click.option("--check", "check_only", is_flag=True, help="Write nothing; exit 3 if the outputs differ, or are of a killed run.")
@_format
def link_command(parts: tuple[Path, ...], platforms: tuple[Path, ...], out: Path, environment: str | None, *,  # noqa: PLR0913
                 check_only: bool, form: str, infos: bool, strict: bool) -> None:
    """Link compiled parts (part.json files, or folders that hold them) into the platform's files."""
    from obsc import pipeline, write  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink = Sink(strict=strict)
    _stop_if_unfinished(out, check_only=check_only)
    with write.held(out, sink, check=check_only) as ready:
        compiled = pipeline.link_parts(parts, platforms, sink, environment=environment) if ready else pipeline.nothing({})
        # A part that cannot be read would take its service off the platform: with an error, nothing is written.
        _finish(compiled, sink, out, check_only=check_only, hold=sink.failed, form=form, infos=infos)


@main.command("validate")
@click.argument("paths", nargs=-1, type=_Path(path_type=Path))
@_format
def validate_command(paths: tuple[Path, ...], *, form: str, infos: bool, strict: bool) -> None:
    """Report everything that is wrong with the specs, and write nothing."""
    from obsc import pipeline  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = _specs(paths, sink)
    compiled = pipeline.compile_specs(sources, sink)
    _report(compiled.sources, sink, form=form, infos=infos)
    sys.exit(FINDINGS if sink.failed else 0)


@main.command("schema")
@click.argument("name", type=click.Choice(["aiservice", "aiplatform", "catalog"]))
def schema_command(name: str) -> None:
    """Print the JSON Schema of a kind of document, for editors and other checks."""
    from obsc import schema  # noqa: PLC0415

    click.echo(schema.text(name), nl=False)


@main.command("verify")
@click.argument("paths", nargs=-1, required=True, type=_Path(path_type=Path, exists=True))
@click.option("--kubernetes", help="Version of Kubernetes, such as 1.33; the platform's, or the newest known, unless given.")
@click.option("--platform", "platforms", multiple=True, type=_Path(path_type=Path, exists=True),
              help="Platform file or folder, for the versions of Kubernetes of its environments.")
@_format
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
    _report(verified.sources, sink, form=form, infos=infos)
    click.echo(verified.summary)
    sys.exit(FINDINGS if sink.failed else 0)


@main.command("plan")
@click.argument("base")
@click.argument("paths", nargs=-1, type=_Path(path_type=Path))
@click.option("--env", "environment", help="Only this environment.")
@click.option("--form", "shape", type=click.Choice(["text", "markdown", "json"]), default="text", help="Form of the plan.")
@_format
def plan_command(base: str, paths: tuple[Path, ...], environment: str | None, *, shape: str, form: str,  # noqa: PLR0913  options
                 infos: bool, strict: bool) -> None:
    """Say what a change of specs means: alerts, routes, panels, series, pods that restart.

    BASE is a revision of git, or a folder with the specs as they were; PATHS are the specs as they are (default: specs).
    """
    from obsc import pipeline, plan_report  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415
    from obsc.plan import plan  # noqa: PLC0415

    sink = Sink(strict=strict)
    sources = _specs(paths, sink)
    after = pipeline.compile_specs(sources, sink, environment=environment)
    before = pipeline.compile_specs(_base(base, paths or _DEFAULT), Sink(), environment=environment)
    _report(after.sources, sink, form=form, infos=infos)
    shapes = {"text": plan_report.text, "markdown": plan_report.markdown, "json": plan_report.to_json}
    click.echo(shapes[shape](plan(before, after)), nl=False)
    sys.exit(FINDINGS if sink.failed else 0)


@main.command("explain")
@click.argument("what")
@click.argument("paths", nargs=-1, type=_Path(path_type=Path))
@click.option("-o", "--out", type=_Path(path_type=Path), default=Path("out"), show_default=True, help="Output folder.")
@click.option("--env", "environment", help="Only this environment.")
def explain_command(what: str, paths: tuple[Path, ...], out: Path, environment: str | None) -> None:
    """Say why something is as it is.

    WHAT is a code (S317), a value of a spec (specs/chat.yaml:alerts.rules.GPUHot.threshold), or a line of an output
    (out/prod/artifacts/ai/chat/rules.yaml:12). PATHS are the specs (default: specs).
    """
    from obsc import explain_report  # noqa: PLC0415
    from obsc.codes import CODES  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    if what in CODES:
        click.echo(explain_report.code(what))
        return
    sink = Sink()
    sources = _specs(paths, sink)
    file, _, where = what.rpartition(":")
    if file and where.isdigit():
        said = explain_report.output(sources, Path(file), out, int(where))
    elif file in sources:
        said = explain_report.value(sources, file, where, environment)
    else:
        raise click.BadParameter(f"`{what}` is no code, no `spec:path` of the specs that are read, and no `output:line`", param_hint="WHAT")
    if said is None:
        raise click.BadParameter(f"there is nothing at `{what}`", param_hint="WHAT")
    click.echo(said, nl=False)


def _specs(paths: tuple[Path, ...], sink: Sink) -> dict[str, Source]:
    """The files at or below the paths, or where specs usually are."""
    from obsc import pipeline  # noqa: PLC0415

    return pipeline.read(pipeline.find_specs(paths or _DEFAULT, sink), sink)


def _base(base: str, paths: tuple[Path, ...]) -> dict[str, Source]:
    """The specs to compare with: of a folder, or of a revision."""
    from obsc import pipeline, revision  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415
    from obsc.source import load  # noqa: PLC0415

    if Path(base).is_dir():
        return _specs((Path(base),), Sink())
    try:
        files = revision.files_at(base, paths, pipeline.KINDS)
    except revision.RevisionError as error:
        raise click.BadParameter(str(error), param_hint="BASE") from error
    return {name: load(name, raw, Sink()) for name, raw in files.items()}


def _stop_if_unfinished(out: Path, *, check_only: bool) -> None:
    """With `--check`, say so of a run that was killed: what it left is neither old nor new, and judging it would only confuse."""
    from obsc import journal  # noqa: PLC0415

    if check_only and journal.is_unfinished(out):
        click.echo(f"unfinished: {out / journal.STAGING} is of a run that was killed; the next one without --check finishes it")
        sys.exit(DIFFERS)


def _finish(compiled: Compiled, sink: Sink, out: Path, *, check_only: bool, hold: bool,  # noqa: PLR0913  one way to end
            form: str, infos: bool) -> None:
    from obsc import pipeline, write  # noqa: PLC0415

    if not compiled.tree and not sink.failed:
        from obsc.diagnostics import Place  # noqa: PLC0415

        sink.error("W912", "nothing was compiled", Place(str(out)), hint="give specs or parts")
    outcome = write.bring(out, compiled.tree, compiled.owned, sink, check=check_only) if compiled.tree and not hold else None
    _report(compiled.sources, sink, form=form, infos=infos)
    if outcome is not None and check_only and not outcome.clean:
        click.echo(outcome.diff, nl=False)
        for word, paths in (("missing", outcome.added), ("differs", outcome.changed), ("stale", outcome.stale)):
            for path in paths:
                click.echo(f"{word}: {path}")
        sys.exit(FINDINGS if sink.failed else DIFFERS)
    if outcome is not None:
        click.echo(pipeline.summary(compiled))
    sys.exit(FINDINGS if sink.failed else 0)


def _report(sources: Mapping[str, Source], sink: Sink, *, form: str, infos: bool) -> None:
    from obsc import report  # noqa: PLC0415
    from obsc.diagnostics import Severity  # noqa: PLC0415

    found = [one for one in sink if infos or one.severity is not Severity.INFO]
    if form == "json":
        click.echo(report.to_json(found), err=True, nl=False)
        return
    color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    click.echo(report.text(found, sources, color=color), err=True, nl=False)
