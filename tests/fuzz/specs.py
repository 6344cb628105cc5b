"""Specs that are nearly right, by seed: shipped and golden ones with what the language allows at a place, or almost.

Half of the mutations know the grammar (they put examples of the language's own leaves somewhere, take values away, move and
repeat them), the others hurt the text as editors, merges and hasty hands do.
"""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import fields, typed_fields
from obsc.spec.service import AIService

ROOT = Path(__file__).parents[2]
Texts = dict[str, str]
WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 2**31, 2**63, -2.5, 1e300, 1e-300, "", " ", "text", "No Name!", "5m", "-5m", "5 m", "0s", "99999d", "3%",
    "300%", "1e9s", "0x10", "0o17", "1_000", "~", "null", "yes", "a" * 64, "a" * 5_000, "é", "😀", "日本", "\u0301", "{{ .x }}", "${env:HOME}",
    "$$", "a\nb", "*", "[a-", "(?=x)", "\\", "`", "%", "a/b", "../..", "sum(up)", "up{", "sum by (", 'rate(x{a="b"}[5m])', "x" + "(" * 300,
    "not{}", "1 +", ">=1,<2", ">=9,<1", ">0", "==", "v1", "0.15", "1.2.3.4", "latest", "2026-01-01", "http://[", "https://a.b:99999/",
    [], {}, [[]], [{}], {"": 1}, {"name": "a"}, [{"name": "a"}, {"name": "a"}], ["a", "a"], [None], {"a": {"b": {"c": {}}}})
KEYS = ("name", "Name", "runtime", "environments", "prod", "default", "extra", "alerts", "<<", "x-own", "threshold", "kind", "", "a b", "metrics",
        "components", "probes", "objectives", "enabled", "__proto__", "on", "y", "0", "é")
TOKENS = ("\t", ":", ": ", "- ", "{", "}", "[", "]", ",", "#", " #", "&a ", "*a", "!!str ", "!x ", "|", ">-", "'", '"', "%", "@", "`", "---\n", "...\n", "? ", "<<: ",
          "\n", "\r", "\r\n", " ", "  ", "\u00a0", "\u200b", "\u2028", "\ufeff", "\x00", "\x1b[31m", "“", "~", "null", "0644", "\\", "\U0001f600", "\ud800"[:0])


@cache
def corpora() -> tuple[Texts, ...]:
    """Sets of files that are compiled together: services and their platform; shipped, of goldens, and what diagnostics are mended to."""
    folders = [ROOT / "specs", *sorted((ROOT / "tests/golden/cases").iterdir())]
    found = [{path.name: path.read_text() for path in sorted(folder.rglob("*.yaml"))} for folder in folders]
    # One service with its platforms is quicker than all, and as telling.
    alone = [{name: text, **{other: more for other, more in texts.items() if "kind: AIPlatform" in more}}
             for texts in found for name, text in texts.items()]
    plain = (ROOT / "tests/diagnostics/platform.yaml").read_text()
    mended = [path for path in sorted((ROOT / "tests/diagnostics").glob("[LPRSTVW]*/good.yaml")) if path.parent.name != "R280"]
    small = [{path.name: path.read_text("utf-8", "replace")} for path in mended]
    return (*alone, *alone, *(texts if "kind: AIPlatform" in texts["good.yaml"] else {**texts, "platform.yaml": plain} for texts in small))


@cache
def bodies() -> dict[str, tuple[dict[str, Any], ...]]:
    """Every document of the corpora by kind."""
    found: dict[str, list[dict[str, Any]]] = {"AIService": [], "AIPlatform": []}
    for text in {text for texts in corpora() for text in texts.values()}:
        with contextlib.suppress(yaml.YAMLError, ValueError):
            for one in yaml.safe_load_all(text):
                if isinstance(one, dict) and one.get("kind") in found:
                    found[str(one["kind"])].append(one)
    return {kind: tuple(sorted(ones, key=repr)) for kind, ones in found.items()}


@cache
def leaves() -> dict[str, tuple[tuple[tuple[str | int, ...], object], ...]]:
    """Every key of the language that has an example, by kind of document; a step in a list is 0, in a mapping of names "*"."""
    return {kind: tuple((path, info.examples[0]) for path, info in _infos(model, ()) if info.examples)
            for kind, model in (("AIService", AIService), ("AIPlatform", AIPlatform))}


def _infos(model: type[Block], prefix: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], FieldInfo]]:
    for key, annotation in typed_fields(model).items():
        yield (*prefix, key), fields(model)[key]
        if len(prefix) < 7:
            for steps, block in _blocks(annotation):
                yield from _infos(block, (*prefix, key, *steps))


def _blocks(annotation: Any) -> Iterator[tuple[tuple[str | int, ...], type[Block]]]:  # noqa: ANN401  any type may be annotated
    if isinstance(annotation, type) and issubclass(annotation, Block):
        yield (), annotation
        return
    step: tuple[str | int, ...] = (0,) if get_origin(annotation) in {list, tuple} else ("*",) if get_origin(annotation) in {dict, Mapping} else ()
    for one in get_args(annotation):
        for steps, block in _blocks(one):
            yield (*step, *steps), block


def fuzzed(seed: int) -> Texts:
    """A set of files of which one, or more, is not as it was."""
    rng = random.Random(seed)
    texts = dict(rng.choice(corpora()))
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        # Most often the first file, which is what the set is about.
        name = rng.choice((next(iter(texts)), *texts))
        texts[name] = _mutated(rng, texts[name])
    return texts


def _mutated(rng: random.Random, text: str) -> str:
    if rng.random() < 0.25:
        return rng.choice(TEXT)(rng, text)
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        return rng.choice(TEXT)(rng, text)
    document = rng.choice(documents) if documents else None
    if not isinstance(document, dict):
        return rng.choice(TEXT)(rng, text)
    rng.choice(DATA)(rng, document)
    style = rng.choice((None, False, False, True))
    return yaml.safe_dump_all(documents, sort_keys=rng.random() < 0.3, default_flow_style=style, allow_unicode=rng.random() < 0.8, width=120)


def _spots(data: object) -> Iterator[tuple[Any, Any]]:
    entries = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    for step, one in entries:
        yield data, step
        yield from _spots(one)


def _spot(rng: random.Random, data: dict[str, Any]) -> tuple[Any, Any]:
    return rng.choice(list(_spots(data)) or [(data, "kind")])


def _drop(rng: random.Random, data: dict[str, Any]) -> None:
    holder, step = _spot(rng, data)
    if isinstance(holder, list) or step in holder:
        del holder[step]


def _replace(rng: random.Random, data: dict[str, Any]) -> None:
    holder, step = _spot(rng, data)
    holder[step] = copy.deepcopy(rng.choice(WRONG))


def _rename(rng: random.Random, data: dict[str, Any]) -> None:
    holder, step = rng.choice([(holder, step) for holder, step in _spots(data) if isinstance(holder, dict)] or [(data, "kind")])
    holder[rng.choice((*KEYS, f"{step}s", str(step).upper(), str(step)[1:]))] = holder.pop(step, None)


def _add(rng: random.Random, data: dict[str, Any]) -> None:
    holder, _ = _spot(rng, data)
    value = copy.deepcopy(rng.choice(WRONG))
    if isinstance(holder, list):
        holder.append(value)
    else:
        holder[rng.choice(KEYS)] = value


def _move(rng: random.Random, data: dict[str, Any]) -> None:
    (holder, step), (other, place) = _spot(rng, data), _spot(rng, data)
    other[place] = copy.deepcopy(holder[step])


def _nudge(rng: random.Random, data: dict[str, Any]) -> None:
    """A number, a duration or a name, a little off."""
    holder, step = _spot(rng, data)
    value = holder[step]
    if isinstance(value, str) and value:
        at = rng.randrange(len(value))
        holder[step] = value[:at] + rng.choice(("", "-", ".", "0", "9", "%", "s", "{", "$", "/", " ", "A", "ü", value[at] * 2)) + value[at + 1:]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        holder[step] = rng.choice((-value, value * 1_000, value + 0.5, value / 7, 10**20, str(value)))


def _example(rng: random.Random, data: dict[str, Any]) -> None:
    """A leaf of the language, as its example has it or nearly, at its own place; where that is no mapping yet, it becomes one."""
    known = leaves().get(str(data.get("kind")), leaves()["AIService"])
    path, example = rng.choice(known)
    value = copy.deepcopy(example if rng.random() < 0.75 else rng.choice(WRONG))
    if rng.random() < 0.15:
        path = ("environments", rng.choice(("prod", "default", "nowhere")), *path)
    holder: Any = data
    for step, after in pairwise(path):
        holder = _below(rng, holder, step, after)
    _set(rng, holder, path[-1], yaml.safe_load(yaml.safe_dump(_plain(value))))


def _graft(rng: random.Random, data: dict[str, Any]) -> None:
    """Something that another document has, at the same place of this one."""
    here: Any = data
    there: Any = rng.choice(bodies().get(str(data.get("kind"))) or bodies()["AIService"])
    while True:
        step = rng.choice(list(there))
        both = isinstance(there[step], dict) and there[step] and isinstance(here.get(step), dict)
        if not both or rng.random() < 0.3:
            here[step] = copy.deepcopy(there[step])
            return
        here, there = here[step], there[step]


def _below(rng: random.Random, holder: Any, step: str | int, after: str | int) -> Any:  # noqa: ANN401  plain data
    new: Any = [] if isinstance(after, int) else {}
    if isinstance(holder, list):
        if not holder or not isinstance(holder[0], dict | list) or rng.random() < 0.3:
            holder.insert(0, new)
        return holder[0]
    name = rng.choice(("a", "prod", "default", *holder)) if step in {"*", ""} else step
    if not isinstance(holder.get(name), type(new)):
        holder[name] = new
    return holder[name]


def _set(rng: random.Random, holder: dict[Any, Any] | list[Any], step: str | int, value: object) -> None:
    if isinstance(holder, list):
        holder.insert(rng.randint(0, len(holder)), value)
    else:
        holder["a" if step in {"*", ""} else step] = value


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _line_away(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(len(lines))]
    return "\n".join(lines)


def _line_again(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(lines))
    return "\n".join(lines)


def _indented(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    lines[at] = rng.choice((" ", "  ", "\t", "    ")) + lines[at] if rng.random() < 0.6 else lines[at][1:]
    return "\n".join(lines)


def _token(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + rng.choice(TOKENS) + text[at:]


def _char_away(rng: random.Random, text: str) -> str:
    at = rng.randint(0, len(text))
    return text[:at] + text[at + rng.choice((1, 1, 1, 3, 20)):]


def _cut(rng: random.Random, text: str) -> str:
    return text[:rng.randint(0, len(text))]


def _conflict(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    return "\n".join([*lines[:at], "<<<<<<< HEAD", lines[at], "=======", lines[at], ">>>>>>> other", *lines[at + 1:]])


def _twice(rng: random.Random, text: str) -> str:
    return text + rng.choice(("", "---\n", "\n")) + text


def _other_ends(rng: random.Random, text: str) -> str:
    return text.replace("\n", rng.choice(("\r\n", "\r", "\u2028", "\u0085")))


def _deep(rng: random.Random, text: str) -> str:
    depth = rng.choice((20, 61, 2_000))
    return text + "\ndeep: " + "[" * depth + rng.choice(("", "]" * depth)) + "\n"


def _comment(rng: random.Random, text: str) -> str:
    """Comments of the compiler's kind, more or less as it reads them, behind lines or on lines of their own."""
    lines = text.split("\n")
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(lines))
        said = " ".join((rng.choice(("ignore", "ignore", "ignor", "disable", "")), rng.choice(("S312", "T501", "S330,S331", "S371", "P410", "V101", "x", "")),
                         rng.choice(("-- known", "-- known", "--", "- known", ""))))
        lines[at] += rng.choice((f"  # obsc: {said}", f"\n# obsc: {said}", f"#obsc:{said}"))
    return "\n".join(lines)


DATA: tuple[Callable[[random.Random, dict[str, Any]], None], ...] = (
    _drop, _replace, _replace, _rename, _add, _move, _nudge, _nudge, _example, _example, _example, _example, _graft, _graft, _graft, _graft)
TEXT: tuple[Callable[[random.Random, str], str], ...] = (
    _line_away, _line_again, _indented, _token, _token, _token, _char_away, _char_away, _cut, _conflict, _twice, _other_ends, _deep, _comment)
