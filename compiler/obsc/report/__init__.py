"""Findings as people and programs read them: the same ones in the same order in every form. Only printing happens here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from obsc.diagnostics import Diagnostic
from obsc.report import carets, plain, sarif, workflow
from obsc.report.listing import Listing, listed
from obsc.source import Source

_Form: TypeAlias = Callable[[Listing, Mapping[str, Source]], str]

FORMS: dict[str, _Form] = {"text": carets.text, "json": plain.text, "github": workflow.text, "sarif": sarif.text}


def render(found: Iterable[Diagnostic], sources: Mapping[str, Source], form: str = "text", *,
           color: bool = False, every: bool = False) -> str:
    """Findings in a form of `FORMS`, in the order in which they are given; all of them only with `every`.

    `sources` are the files that were read: findings in them have lines. Of others (a folder, an option) only the name is told.
    """
    listing = listed(found, every=every)
    return carets.text(listing, sources, color=color) if color and form == "text" else FORMS[form](listing, sources)
