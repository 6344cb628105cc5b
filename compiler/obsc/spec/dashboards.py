"""`dashboards`: title and place of the service's dashboard."""

from __future__ import annotations

from obsc.spec.base import Block, leaf
from obsc.spec.types import Title
from obsc.spec.written import OwnPanel


class Dashboards(Block):
    """The service's dashboard."""

    title: Title | None = leaf("Title; the service's name unless given.", "AI Model Performance", default=None)
    panels: tuple[OwnPanel, ...] = leaf("Panels of the service's own, in a row of theirs.",
                                        [{"title": "Refusals", "expr": "rate(refusals_total[$__rate_interval])"}], default=())
    folder: Title | None = leaf("Folder; the team's name unless given.", "AI services", default=None)
