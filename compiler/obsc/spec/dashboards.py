"""`dashboards`: title and place of the service's dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from obsc.spec.base import Block, leaf
from obsc.spec.types import Title


class Dashboards(Block):
    """The service's dashboard."""

    later: ClassVar[Mapping[str, str]] = {"panels": "panels of one's own"}

    title: Title | None = leaf("Title; the service's name unless given.", "AI Model Performance", default=None)
    folder: Title | None = leaf("Folder; the team's name unless given.", "AI services", default=None)
