"""Arguments and exit codes. 0 clean, 1 findings, 2 usage, 3 outputs differ or are unfinished, 70 a fault of ours.

Findings go to stderr, products to stdout. A module here is one command; what is heavy is imported inside it.
"""

from __future__ import annotations

import click

from obsc import __version__
from obsc.cli.catalog import catalog_command
from obsc.cli.compile import compile_command
from obsc.cli.completion import completion_command
from obsc.cli.explain import explain_command
from obsc.cli.link import link_command
from obsc.cli.plan import plan_command
from obsc.cli.schema import schema_command
from obsc.cli.simulate import simulate_command
from obsc.cli.validate import validate_command
from obsc.cli.verify import verify_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="obsc")
def main() -> None:
    """Compile specs of AI services into the configuration that observes them."""


for _command in (catalog_command, compile_command, completion_command, explain_command, link_command, plan_command, schema_command,
                 simulate_command, validate_command, verify_command):
    main.add_command(_command)
