"""`obsc catalog`."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from obsc.cli.completion import environments, runtimes
from obsc.cli.options import FINDINGS, SpecPath, report

if TYPE_CHECKING:
    from obsc.catalog import Catalog
    from obsc.catalog.profile import Profile
    from obsc.catalog.versions import Range

_LARGEST_PAGE = 256 << 20


def _common(command: click.decorators.FC) -> click.decorators.FC:
    command = click.option("--form", "shape", type=click.Choice(["text", "json"]), default="text", help="Form of the answer.")(command)
    command = click.option("--env", "environment", shell_complete=environments,
                           help="The environment whose entries are meant, if they are not all the same.")(command)
    return click.option("--platform", "platforms", multiple=True, type=SpecPath(path_type=Path, exists=True),
                        help="Platform file or folder that brings entries along; the built-in ones alone unless given.")(command)


@click.group("catalog")
def catalog_command() -> None:
    """Show what is known of runtimes and exporters, and compare it with releases and with pages of metrics."""


@catalog_command.command("list")
@_common
def list_command(platforms: tuple[Path, ...], environment: str | None, shape: str) -> None:
    """List all entries: name, class, number of metrics, whose it is, releases that were read."""
    from obsc.catalog import report as said  # noqa: PLC0415

    catalog = _catalog(platforms, environment)
    click.echo(said.to_json(said.listing(catalog)) if shape == "json" else said.listing_text(catalog), nl=False)


@catalog_command.command("show")
@click.argument("name", shell_complete=runtimes)
@click.option("--version", help='Release or range, such as 0.15 or ">=0.11 <0.13"; any unless given.')
@_common
def show_command(name: str, version: str | None, platforms: tuple[Path, ...], environment: str | None, shape: str) -> None:
    """Show an entry: its page, signals, and each metric with its labels, buckets and when it is there."""
    from obsc.catalog import report as said  # noqa: PLC0415

    catalog = _catalog(platforms, environment)
    known = (catalog, _entry(catalog, name), _range(version, "--version"), _range(None, ""))
    click.echo(said.to_json(said.entry(*known)) if shape == "json" else said.entry_text(*known), nl=False)


@catalog_command.command("diff")
@click.argument("runtime", shell_complete=runtimes)
@click.argument("before")
@click.argument("after")
@_common
def diff_command(runtime: str, before: str, after: str, platforms: tuple[Path, ...], environment: str | None, *,
                 shape: str) -> None:
    """Say what is not the same in two releases of a runtime: metrics, names, labels, buckets, and how signals are read."""
    from obsc.catalog import report as said  # noqa: PLC0415
    from obsc.catalog.compare import compare  # noqa: PLC0415

    found = compare(_entry(_catalog(platforms, environment), runtime), _range(before, "BEFORE"), _range(after, "AFTER"))
    click.echo(said.to_json(said.difference(found)) if shape == "json" else said.difference_text(found), nl=False)


@catalog_command.command("check")
@click.option("--scrape", required=True, type=SpecPath(path_type=Path, exists=True, dir_okay=False), help="A page of metrics, as text.")
@click.option("--runtime", required=True, shell_complete=runtimes, help="Name of the entry.")
@click.option("--version", help="Release of the program, such as 0.15; any unless given.")
@_common
def check_command(scrape: Path, runtime: str, version: str | None, platforms: tuple[Path, ...], environment: str | None, *,
                  shape: str) -> None:
    """Compare a page of metrics with an entry. Exits with 1 if a metric that must be there is missing, or has another type."""
    from obsc.catalog import report as said  # noqa: PLC0415
    from obsc.catalog.scrape import ScrapeError, check, parse_page  # noqa: PLC0415

    profile = _entry(_catalog(platforms, environment), runtime)
    if scrape.stat().st_size > _LARGEST_PAGE:
        raise click.BadParameter(f"the page is larger than {_LARGEST_PAGE >> 20} MiB", param_hint="--scrape")
    try:
        page = parse_page(scrape.read_text("utf-8"))
    except ModuleNotFoundError as error:
        raise click.UsageError("pages of metrics are read by prometheus-client: install it with `pip install 'obsc[catalog]'`") from error
    except (ScrapeError, UnicodeDecodeError) as error:
        raise click.BadParameter(str(error), param_hint="--scrape") from error
    found = check(profile, page, _range(version, "--version"), _range(None, ""))
    click.echo(said.to_json(said.findings(found)) if shape == "json" else said.findings_text(found), nl=False)
    sys.exit(FINDINGS if found.failed else 0)


def _catalog(platforms: tuple[Path, ...], environment: str | None) -> Catalog:
    """What is known: what is built in, and what the platforms bring along. Mistakes in that end the command."""
    from obsc import inputs, pipeline  # noqa: PLC0415
    from obsc.catalog import BUILT_IN  # noqa: PLC0415
    from obsc.diagnostics import Sink  # noqa: PLC0415

    if not platforms:
        return BUILT_IN
    sink = Sink()
    sources = inputs.gather(platforms, sink)
    found = pipeline.catalogs(sources, sink)
    if sink.failed:
        report(sources, sink, form="text", infos=False)
        sys.exit(FINDINGS)
    if environment is not None and environment not in found:
        raise click.BadParameter(f"no platform defines `{environment}`; known are {', '.join(found)}", param_hint="--env")
    wanted = [found[environment]] if environment is not None else list(found.values())
    if any(one != wanted[0] for one in wanted):
        raise click.UsageError(f"not all environments have the same entries: choose one with --env, of {', '.join(found)}")
    return wanted[0] if wanted else BUILT_IN


def _entry(catalog: Catalog, name: str) -> Profile:
    found = catalog.runtime(name)
    if found is None:
        near = difflib.get_close_matches(name, catalog.names, 1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; known are {', '.join(catalog.names)}"
        raise click.BadParameter(f"there is no entry `{name}`{hint}", param_hint="NAME")
    return found


def _range(version: str | None, where: str) -> Range:
    from obsc.catalog.versions import parse  # noqa: PLC0415

    found = parse(version)
    if found is None:
        raise click.BadParameter(f'`{version}` is no release and no range of them, such as "0.15" or ">=0.11 <0.13"', param_hint=where)
    return found
