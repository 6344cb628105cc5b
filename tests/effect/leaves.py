"""The leaves of the language, read from its models: `metrics.endpoints[].port`, `alerts.rules.<name>.for`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from obsc.spec.base import Block
from obsc.spec.reflect import _options, typed_fields

ITEM, ENTRY = "[]", "<name>"


def leaves(model: type[Block]) -> Iterator[str]:
    """Every leaf of a block: an item of a list is `[]`, an entry of a map `<name>`."""
    for key, annotation in typed_fields(model).items():
        yield from _below(key, annotation)


def _below(where: str, annotation: Any) -> Iterator[str]:  # noqa: ANN401  any type may be annotated
    found: list[str] = []
    for kind, _ in _options(annotation):
        if isinstance(kind, type) and issubclass(kind, Block):
            found += (f"{where}.{leaf}" for leaf in leaves(kind))
        elif get_origin(kind) is tuple:
            found += _below(where + ITEM, get_args(kind)[0])
        elif get_origin(kind) is dict:
            found += _below(f"{where}.{ENTRY}", get_args(kind)[1])
        elif where not in found:
            found.append(where)
    yield from found
