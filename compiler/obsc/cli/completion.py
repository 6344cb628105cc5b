"""`obsc completion`, and what shells are told of the words that a command takes: as little as possible is loaded for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete, get_completion_class, split_arg_string

from obsc.cli.options import DEFAULT

VARIABLE = "_OBSC_COMPLETE"
_NO_ENTRIES = frozenset({"sources.yaml", "reasons.yaml"})  # which entries are exporters, and why something is not shown
_MOST_FILES = 2000  # a key press is not worth reading more
# A spec is not validated here, and what it says goes to a shell: what is no sound name is no word to complete.
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete commands, options, environments, codes and names of runtimes.

    For bash, add `source <(obsc completion bash)` to ~/.bashrc; for zsh, `source <(obsc completion zsh)` to ~/.zshrc after `compinit`;
    for fish, write it to ~/.config/fish/completions/obsc.fish.
    """
    made = get_completion_class(shell)
    assert made is not None
    # Not by click's own method for bash, which starts a bash to ask for its release.
    click.echo(ShellComplete.source(made(context.find_root().command, {}, "obsc", VARIABLE)))


def environments(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Environments of the platforms among the paths of the command line, or where specs usually are."""
    # Not from click, which gives up on a line that is not finished.
    words = split_arg_string(os.environ.get("COMP_WORDS", ""))[2:]
    given = [Path(word) for before, word in pairwise(["", *words]) if before not in {"-o", "--out"} and Path(word).exists()]
    return _fitting(sorted({name for path in _files(given or DEFAULT) for name in _environments(path)} or {"default"}), begun)


def explained(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Codes of diagnostics with their titles, and files: specs and outputs, that a path or a line is then added to."""
    from obsc.codes import CODES  # noqa: PLC0415

    codes = [CompletionItem(code, help=one.title) for code, one in CODES.items() if begun and code.startswith(begun)]
    return codes or [CompletionItem(begun, type="file")]


def runtimes(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of the built-in entries of the catalog."""
    # By their files: the package that reads them takes longer to load than a key press may.
    entries = (path.name for path in (files("obsc") / "catalog").iterdir())
    return _fitting(sorted(name.removesuffix(".yaml") for name in entries if name.endswith(".yaml") and name not in _NO_ENTRIES), begun)


def _fitting(words: Iterable[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(begun)]


def _files(given: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in given:
        found += [path] if path.is_file() else [one for one in path.rglob("*") if one.suffix in {".yaml", ".yml"}][:_MOST_FILES]
    return found[:_MOST_FILES]


def _environments(path: Path) -> list[str]:
    """Names of the environments that a file's platforms define; none, if it has no platform or cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError:
        return []
    if b"AIPlatform" not in raw:
        return []
    from obsc.diagnostics import Sink  # noqa: PLC0415
    from obsc.source import at, load  # noqa: PLC0415

    found: list[str] = []
    for document in load(path.as_posix(), raw, Sink()).documents:
        kind, named, own = (at(document.root, where) for where in (("kind",), ("environments",), ("metadata", "name")))
        if kind is not None and kind.value == "AIPlatform":
            keys = list(named.value) if named is not None and isinstance(named.value, dict) else []
            found += keys or ([str(own.value)] if own is not None else [])
    return [name for name in found if _NAME.fullmatch(name)]
