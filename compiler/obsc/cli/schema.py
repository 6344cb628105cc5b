"""`obsc schema`."""

from __future__ import annotations

import click


@click.command("schema")
@click.argument("name", type=click.Choice(["aiservice", "aiplatform", "catalog"]))
def schema_command(name: str) -> None:
    """Print the JSON Schema of a kind of document, for editors and other checks."""
    from obsc import schema  # noqa: PLC0415

    click.echo(schema.text(name), nl=False)
