"""docs/cli.md: commands, arguments and options, as `--help` tells them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from obsc import cli

from .markdown import NOTE, code, table

_CODES = (("0", "clean"), ("1", "findings: errors, and with `--strict` warnings"), ("2", "wrong usage"),
          ("3", "with `--check`: outputs differ, or are of a run that was killed"),
          ("70", "a fault of `obsc`, not of your specs; set `OBSC_TRACEBACK=1` to see where"))


def page() -> str:
    """The whole page."""
    parts = [f"# Command line\n\n{NOTE}\n\n{_sentence(cli.main.help)} Findings go to stderr, products to stdout.\n",
             table(("exit code", "meaning"), _CODES),
             table(("variable", "meaning"), (("`NO_COLOR`", "no colours, even on a terminal"),
                                             ("`OBSC_TRACEBACK`", "where a fault of `obsc` happened")))]
    context = click.Context(cli.main, info_name="obsc")
    parts += _commands(cli.main, context)
    return "\n".join(parts)


def _commands(group: click.Group, above: click.Context) -> Iterator[str]:
    """A section for each command; of a group of commands one for each of its own, behind its name."""
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=above)
        if isinstance(command, click.Group):
            yield f"## {context.command_path}\n\n{_sentence(command.help)}\n"
            yield from _commands(command, context)
        else:
            yield _command(command, context)


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = [_option(option, context) for option in command.get_params(context) if isinstance(option, click.Option)]
    return "\n".join([f"## {context.command_path}\n", f"```text\n{usage}\n```\n", f"{_sentence(command.help)}\n",
                      table(("option", "meaning", "default"), rows)])


def _option(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    record = option.get_help_record(context)
    assert record is not None
    default = option.get_default(context)
    shown = code(str(default)) if isinstance(default, str | Path) else ""
    return code(record[0]), (option.help or "").strip(), shown


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())
