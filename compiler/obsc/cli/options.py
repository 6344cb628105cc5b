"""What commands have in common: paths, how findings are shown, and the specs that are read."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from obsc.diagnostics import Sink
    from obsc.source import Source

FINDINGS = 1
DEFAULT = (Path("specs"),)
FORMS = ("text", "json", "github", "sarif")
_SHOW_ALL = "obsc.show_all"
_LONG = 40  # files that take a few seconds


class SpecPath(click.Path):
    """A path that says something: what a script left empty would stand for the working directory."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path, or a complaint about the command."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


def reporting(command: click.decorators.FC) -> click.decorators.FC:
    """The options of every command that has findings."""
    command = click.option("--format", "form", type=click.Choice(FORMS), default="text", help="Form of the findings.")(command)
    command = click.option("--infos", is_flag=True, help="Show infos too, such as alerts that were left out.")(command)
    command = click.option("--show-all", is_flag=True, expose_value=False, callback=_remember, is_eager=True,
                           help="Show all findings, also more than 20 of a code in a file and 100 in all.")(command)
    return click.option("--strict", is_flag=True, help="Count warnings as errors, unless they are suppressed.")(command)


def _remember(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  as click calls it
    """Keep an option for `report`, which every command calls, and no command looks at."""
    context.meta[_SHOW_ALL] = value


def specs(paths: tuple[Path, ...], sink: Sink, *, out: Path | None = None) -> dict[str, Source]:
    """The files at or below the paths, or where specs usually are, and the catalog entries that they bring along.

    `out` is the folder of outputs, which holds no specs.
    """
    from obsc import inputs  # noqa: PLC0415

    return inputs.gather(paths or DEFAULT, sink, out=out)


def report(sources: Mapping[str, Source], sink: Sink, *, form: str, infos: bool) -> str:
    """Print findings to stderr; what was printed."""
    from obsc import report as printed  # noqa: PLC0415
    from obsc.diagnostics import Severity  # noqa: PLC0415

    found = [one for one in sink if infos or one.severity is not Severity.INFO]
    color = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    every = click.get_current_context().meta.get(_SHOW_ALL, False)
    shown = printed.render(found, sources, form, color=color, every=every)
    click.echo(shown, err=True, nl=False)
    return shown


@contextlib.contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Whom to tell how many of how many files are done: it shows a bar on a terminal, if it may take a while."""
    with contextlib.ExitStack() as stack:
        bars: list[ProgressBar[int]] = []

        def told(done: int, total: int) -> None:
            if not sys.stderr.isatty() or total < _LONG:
                return
            if not bars:
                bars.append(stack.enter_context(click.progressbar(length=total, label="compiling", file=sys.stderr)))
            bars[0].update(done - bars[0].pos)
            if done == total:
                stack.close()

        yield told
