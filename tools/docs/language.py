"""docs/language.md: every key of both documents, from the models that check them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from obsc import durations, emit_inline
from obsc.spec.base import NONE, Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import fields, typed_fields, words
from obsc.spec.service import API_VERSION, ATOMIC, NAMED_LISTS, UNIONS, AIService
from obsc.spec.types import Form

from .markdown import NOTE, anchor, code, listed, table

_DOCUMENTS = (AIService, AIPlatform)
_INTRO = f"""\
Version `{API_VERSION}`. Two documents: [AIService](#aiservice) for one service, [AIPlatform](#aiplatform) for what services
share. **Bold** keys are required.
"""
_RULES = """\
## Layers

From the weakest to the strongest: the catalog < what is built in < the platform's `defaults` < its profile < the document <
`environments.<env>` of the document < the platform's `enforced`. The profile's name is settled first. A document that says
otherwise than `enforced` is an error with both places. Overlays apply to the document as it is written; then components inherit.

## Merging

- Maps merge, key by key. An empty map changes nothing.
- Scalars, and lists of scalars, replace. `[]` empties a list.
- Lists of named items merge by `name`; an item without a name is `default`. They are {named}.
- Never merged, only replaced: {atomic}. A different `runtime.name` replaces the whole `runtime`.
- United over all layers: {unions}.
- The word `null` removes what lower layers say. A key without a value is an error.
- `enabled: false` takes a named item or a built-in alert away.
- Unknown keys are errors, and so are the words below that are not in this version.

## Values

Durations have a unit (`30s`, `5m`, `1h30m`; with a fraction, `2.5s`). A ratio is a percentage (`99.5%`) or a number between 0
and 1. Versions are text: put them in quotes. Text is YAML 1.2: `yes`, `off` and `1:30` are text. A secret is never written, only
referred to: `{{name, key}}` of a Kubernetes Secret.
"""
_LATER = """\
Words that the language knows and this version refuses, since without effect they would promise something.
"""


def page() -> str:
    """The whole page."""
    headings = {block: _heading(document, path) for document in reversed(_DOCUMENTS) for block, path in _homes(document).items()}
    parts = [f"# The language\n\n{NOTE}\n\n{_INTRO}", _rules()]
    written: set[type[Block]] = set()
    for document in _DOCUMENTS:
        for block in _ordered(document):
            if block not in written:
                written.add(block)
                parts.append(_section(block, headings, level=2 if block is document else 3))
    parts.append(_reserved(headings))
    return "\n".join(parts)


def _rules() -> str:
    return _RULES.format(named=listed(sorted(NAMED_LISTS & _known())), atomic=listed(sorted(ATOMIC & _known())),
                         unions=listed(sorted(".".join(path) for path in UNIONS)))


def _known() -> frozenset[str]:
    return frozenset(key for document in _DOCUMENTS for block in _homes(document) for key in fields(block))


def _heading(document: type[Block], path: str) -> str:
    if not path:
        return document.__name__
    return f"`{path}` of a platform" if document is AIPlatform else f"`{path}`"


def _section(block: type[Block], headings: Mapping[type[Block], str], *, level: int) -> str:
    rows = [_row(key, block, headings) for key in fields(block)]
    return "\n".join([f"{'#' * level} {headings[block]}\n", f"{' '.join((block.__doc__ or '').split())}\n",
                      table(("key", "type", "default", "unit", "example", "meaning"), rows)])


def _row(key: str, block: type[Block], headings: Mapping[type[Block], str]) -> tuple[str, ...]:
    info = fields(block)[key]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    unit = str(extra.get("unit", NONE))
    example = emit_inline.flow((info.examples or [None])[0])
    default = "" if info.is_required() else _default(info.default, unit)
    return (f"**`{key}`**" if info.is_required() else f"`{key}`", _type(typed_fields(block)[key], headings), default,
            "" if unit == NONE else unit, code(example), info.description or "")


def _default(value: object, unit: str) -> str:
    """A default as a spec would say it."""
    if value is None or isinstance(value, Block):
        return ""
    if isinstance(value, float) and unit == "duration":
        return code(durations.show(value))
    if isinstance(value, float) and unit == "ratio":
        return code(f"{durations.number(value * 100)}%")
    return code(emit_inline.flow(list(value) if isinstance(value, tuple) else value))


def _type(annotation: Any, headings: Mapping[type[Block], str]) -> str:  # noqa: ANN401  any type may be annotated
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        said = any(isinstance(one, Form) for one in args[1:])
        return words(annotation) if said or get_origin(args[0]) is None else _type(args[0], headings)
    if origin in {typing.Union, types.UnionType}:
        return " or ".join(_type(one, headings) for one in args if one is not type(None))
    if origin is tuple:
        return f"list of {_type(args[0], headings)}"
    if origin is dict:
        return f"mapping of {_type(args[0], headings)} to {_type(args[1], headings)}"
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return f"[{annotation.__name__}](#{anchor(headings[annotation])})"
    return "anything that fits there" if annotation is object else words(annotation)


def _homes(model: type[Block]) -> dict[type[Block], str]:
    """Every block of a document with its path: the one nearest to the top."""
    found: dict[type[Block], str] = {model: ""}
    pending = [model]
    while pending:
        block = pending.pop(0)
        for key, annotation in typed_fields(block).items():
            for suffix, inner in _inside(annotation):
                if inner not in found:
                    found[inner] = ".".join(filter(None, (found[block], key + suffix)))
                    pending.append(inner)
    return found


def _ordered(model: type[Block]) -> Iterator[type[Block]]:
    """The same blocks as a reader of the document meets them."""
    homes = _homes(model)
    pending = [model]
    while pending:
        block = pending.pop(0)
        yield block
        below = ((".".join(filter(None, (homes[block], key + suffix))), inner) for key, annotation in typed_fields(block).items()
                 for suffix, inner in _inside(annotation))
        pending = [inner for path, inner in below if homes[inner] == path] + pending


def _inside(annotation: Any, suffix: str = "") -> Iterator[tuple[str, type[Block]]]:  # noqa: ANN401
    origin, args = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Block):
        yield suffix, annotation
    elif origin is tuple:
        yield from _inside(args[0], f"{suffix}[]")
    elif origin is dict:
        yield from _inside(args[1], f"{suffix}.<name>")
    elif origin is not None and origin is not typing.Literal:
        for one in args[:1] if origin is Annotated else args:
            yield from _inside(one, suffix)


def _reserved(headings: Mapping[type[Block], str]) -> str:
    """Words that the language has and this version does not compile."""
    words_of: dict[tuple[str, str], list[str]] = {}
    for document in _DOCUMENTS:
        for block in _ordered(document):
            place = f"[{block.__name__}](#{anchor(headings[block])})"
            for key, text in block.later.items():
                words_of.setdefault((place, text), []).append(key)
            for key, values in block.later_values.items():
                for word, text in values.items():
                    words_of.setdefault((place, text), []).append(f"{key}: {word}")
    rows = [(place, listed(dict.fromkeys(found)), *text.partition("; ")[::2]) for (place, text), found in words_of.items()]
    return f"## Not in this version\n\n{_LATER}\n{table(('in', 'word', 'what it is', 'until then'), rows)}"
