"""Documents within documents: overlays, defaults, profiles, and what cannot be said in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import Path
from obsc.spec.service import AIService

ANY = "*"

# What no other layer can supply.
ALWAYS: frozenset[Path] = frozenset({("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")})
# What an overlay cannot change, and what nobody but a service itself can say.
FIXED: tuple[Path, ...] = (("apiVersion",), ("kind",), ("metadata", "name"), ("environments",))
FIXED_FOR_ALL: tuple[Path, ...] = (*FIXED, ("components",))


@dataclass(frozen=True, slots=True)
class Part:
    """A partial document: where it is in its document (`*`: under any name), of what kind, what may not stand in it.

    `name` tells it from other parts of the same kind.
    """

    path: Path
    model: type[Block]
    fixed: tuple[Path, ...]
    name: str


PARTS: Mapping[type[Block], tuple[Part, ...]] = {
    AIService: (Part(("environments", ANY), AIService, FIXED, "overlay"),),
    AIPlatform: (
        Part(("defaults",), AIService, FIXED_FOR_ALL, "defaults"),
        Part(("enforced",), AIService, FIXED_FOR_ALL, "defaults"),
        Part(("profiles", ANY), AIService, (*FIXED_FOR_ALL, ("profile",)), "profile"),
        Part(("environments", ANY), AIPlatform, FIXED, "overlay"),
    ),
}
