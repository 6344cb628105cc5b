"""Services that claim one identity: reported with both places, and nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from obsc.diagnostics import Place, Related, Sink
from obsc.ir import Identity


class Named(Protocol):
    """Something of a service that says where its name stands, and whether that is the author's."""

    @property
    def identity(self) -> Identity:
        """Whose it is."""

    @property
    def named(self) -> Place:
        """Where its name stands."""

    @property
    def sure(self) -> bool:
        """Whether name and namespace are the author's."""


_N = TypeVar("_N", bound=Named)


def unique(found: Sequence[_N], sink: Sink) -> tuple[list[_N], frozenset[Identity]]:
    """The first of each identity, and the identities that several have.

    None of these is compiled: the first to be read must not take what is another's.
    """
    seen: dict[Identity, _N] = {}
    doubled: set[Identity] = set()
    for one in found:
        first = seen.setdefault(one.identity, one)
        if first is one:
            continue
        doubled.add(one.identity)
        if one.sure:
            name = f"{one.identity.namespace}/{one.identity.name}"
            sink.error("R207", f"two services are called `{name}` in the environment `{one.identity.environment}`",
                       one.named, path="metadata.name", hint="rename one of them", related=(Related(first.named, "the other one"),))
    return list(seen.values()), frozenset(doubled)
