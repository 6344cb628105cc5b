"""Bad and hostile files: each is read in a process of its own kind, within 5 s and 300 MB, and every finding is inside it.

Seconds are wall time of one `load`; memory is the peak of the whole process, which also runs with a limit on its address
space, so that a batch that passes proves the limit for each of its files.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from obsc import source
from obsc.diagnostics import Sink
from obsc.source import load, plain

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT.parent / "shared" / "fixtures" / "badyaml"
MOST_SECONDS = 5.0
MOST_BYTES = 300 << 20
# Reads paths from its input, one a line; exits 1 if any file has an error. VmHWM and not ru_maxrss: the latter begins
# with the size of the process that started this one.
DRIVER = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({MOST_BYTES}, {MOST_BYTES}))
import json, pathlib, sys, time
from obsc.diagnostics import Severity, Sink
from obsc.source import load, plain
failed = False
for path in sys.stdin.read().splitlines():
    raw, sink = pathlib.Path(path).read_bytes(), Sink()
    before = time.perf_counter()
    found = load(path, raw, sink)
    data = [plain(document.root) for document in found.documents]
    seconds = time.perf_counter() - before
    peak = pathlib.Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    failed = failed or sink.failed
    print(json.dumps({{"path": path, "seconds": seconds, "peak": int(peak) * 1024, "documents": len(data),
                      "failed": sink.failed, "places": [
        [one.code, place.line, place.column] for one in sink for place in (one.place, *(r.place for r in one.related))]}}))
sys.exit(1 if failed else 0)
"""
SPEC = """\
# A service
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata:
  name: support-chat
  namespace: chat
  team: assist
  labels: {tier: "1", app.kubernetes.io/part-of: 'assist'}
runtime: {name: vllm, version: "0.15"}
accelerators:
- resource: nvidia.com/gpu
  perPod: 4
objectives: &objectives
  - name: first-token
    threshold: 1.5s
    target: 95%
  - {name: availability, target: 0.995, window: 30d}
alerts:
  custom:
    - name: Slow
      expr: |
        histogram_quantile(0.95, sum by (le) (rate(x_bucket{a="b"}[5m]))) > 2
      summary: >-
        Answers take
        too long
    - name: "Unicode: é, 漢字, 😀"
environments:
  prod: {objectives: *objectives}
---
kind: AIPlatform
enabled: true
"""

NOTEWORTHY = [*"\t\0\x1b:-[]{}#,'\"|>&*!?%@`\r\n\\~", "\u00a0", "\ufeff", "\u202e", "\u2028", "---\n", "<<: "]
PARTS = ["a:", "- ", "  ", "\n", "\n ", "\n  ", "x", "'", '"', "[", "]", "{", "}", ", ", ": ", "&a ", "*a", "!!str ", "|\n",
         ">\n", "#",
         "---\n", "? ", "\t", "\\", "%", "<<: ", "é"]
CODECS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp1252", "cp037", "shift-jis"]
NESTS = [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", ""), ("[[],", "]"), ("{? [", "]}"), ("!!seq [", "]"), ("&a [", "]"),
         ("[\n", "]"), ("{a: [", "]}")]
Maker = Callable[[random.Random], str | bytes]


def mutated(rnd: random.Random) -> str:
    """A spec with characters or lines removed, doubled, swapped, or exchanged for something with a meaning."""
    pieces = list(SPEC) if rnd.random() < 0.7 else SPEC.splitlines(keepends=True)
    for _ in range(rnd.randint(1, 12)):
        where, other = rnd.randrange(len(pieces)), rnd.randrange(len(pieces))
        change = rnd.randrange(4)
        if change == 0:
            del pieces[where]
        elif change == 1:
            pieces.insert(where, pieces[other])
        elif change == 2:
            pieces[where], pieces[other] = pieces[other], pieces[where]
        else:
            pieces[where] = rnd.choice(NOTEWORTHY)
    return "".join(pieces)


def garbage(rnd: random.Random) -> bytes:
    return rnd.randbytes(rnd.choice([1, 10, 1000, 100_000, source.LARGEST_FILE]))


def characters(rnd: random.Random) -> bytes:
    text = "".join(chr(rnd.choice([rnd.randrange(128), rnd.randrange(0x3000), rnd.randrange(0x110000)])) for _ in range(3000))
    return text.encode("utf-8", rnd.choice(["surrogatepass", "replace"]))


def fragments(rnd: random.Random) -> str:
    return "".join(rnd.choice(PARTS) for _ in range(rnd.randint(50, 3000)))


def deep(rnd: random.Random) -> str:
    levels = rnd.choice([59, 60, 61, 1000, 30_000])
    opening, closing = rnd.choice(NESTS)
    return "a:\n  " + opening * levels + "x" + closing * rnd.choice([levels, 0])


def deep_block(rnd: random.Random) -> str:
    levels = rnd.randint(100, 1400)
    return "".join(f"{' ' * level}{rnd.choice(['k:', 'k: &a', '- k:'])}\n" for level in range(levels))[:source.LARGEST_FILE]


def bomb(rnd: random.Random) -> str:
    """Aliases that multiply, in lists, mappings and deep lists."""
    width, kind = rnd.randint(2, 12), rnd.randrange(3)
    lines = ["a0: &a0 [x, y, z]"]
    for level in range(1, rnd.randint(5, 40)):
        old = f"*a{level - 1}"
        body = (f"[{', '.join([old] * width)}]", f"{{{', '.join(f'k{n}: {old}' for n in range(width))}}}",
                f"[[[[[[{old}, {old}]]]]]]")[kind]
        lines.append(f"a{level}: &a{level} {body}")
    return "\n".join(lines)


def huge(rnd: random.Random) -> str:
    size, escape = rnd.choice([100_000, 1_000_000]), "\\x07"
    return rnd.choice([
        f"a: {'x' * size}", f"a: '{'x' * size}'", f'a: "{"x" * size}"', f"a: |\n  {'x' * size}",
        "a: >\n" + "  x\n\n" * (size // 6),
        f"{'k' * size}: 1", f"? {'k' * size}\n: 1", f"a: {'1' * size}", f"a: {'1' * size}.5", f"a: 1e{'9' * size}",
        f"a: 0x{'f' * size}", f"a: {'1_' * (size // 2)}", f"a: {'1:' * (size // 2)}1", f"a: {' ' * size}b", f"a: b{' ' * size}#",
        f"#{'x' * size}", f"a: &{'x' * size} b", f"a: *{'x' * size}", f"a: !{'x' * size} b", f"a: !<{'x' * size}> b",
        f'a: "{escape * (size // 4)}"', f"a: {'😀' * (size // 4)}", f"a: {'!x ' * (size // 3)}", f"a: [{':?' * (size // 2)}]",
        f"a: {chr(0xA0) * (size // 2)}", f"%YAML {'1' * size}.2\n---\na: 1", "\n" * size, " " * size, "\t" * size, "\x01" * size,
        "\u200b" * (size // 3), "a: " + "\u2028" * (size // 3), "".join(map(chr, range(0xE000, 0xF900))) + "[:" * (size // 3),
    ])


def many(rnd: random.Random) -> str:
    count = rnd.choice([2_000, 100_000])
    unit = rnd.choice([
        "---\n", "---\na: 1\n", "---\n[\n", "---\n'\n", "...\n", "- yes\n", "k{n}: 0{n}\n", "a: 1\n", "<<: {{}}\n", "{n}: 1\n",
        "a{n}: &a{n} x\n", "- *a\n", "%TAG !{n}! x\n", "%YAML 1.2\n", "# x\n", "- !x y\n", '- "\\0"\n', "- [\n", "- {{a: b}}\n",
        "- 'x\n", "? x\n", ": x\n", "a\r", "- &a\n", "---\n*x\n", "- |\n", "a: b: c\n---\n", "- ~\n", "- \u201cx\u201d\n",
        "? [{n}]\n: x\n", "- !x\n\n", "[a: ", "- &a !!str\n",
    ])
    return "".join(unit.format(n=number) for number in range(count))[:source.LARGEST_FILE]


def encoded(rnd: random.Random) -> bytes:
    codec = rnd.choice(CODECS)
    raw = mutated(rnd).encode(codec, "replace")
    return raw[:rnd.choice([len(raw), len(raw) - 1, 3, 1])]


def broken_lines(rnd: random.Random) -> str:
    breaks = ["\n", "\r\n", "\r", "\n\r", "\x0b", "\x85", "\u2029", ""]
    return "".join(line + rnd.choice(breaks) for line in SPEC.splitlines())


MAKERS: tuple[Maker, ...] = (mutated, mutated, fragments, garbage, characters, deep, deep_block, bomb, huge, huge, many, many,
                             encoded, broken_lines)


def run(paths: list[Path]) -> list[dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", DRIVER], input="\n".join(map(str, paths)), capture_output=True, text=True,
                          timeout=120, check=False, cwd=ROOT / "compiler")
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode in {0, 1}, f"after {len(reports)} files, at {paths[len(reports):][:1]}: {done.stderr[-2000:]}"
    assert [report["path"] for report in reports] == list(map(str, paths))
    assert done.returncode == int(any(report["failed"] for report in reports))
    return reports


def problems(reports: list[dict[str, object]]) -> Iterator[str]:
    for report in reports:
        path = Path(str(report["path"]))
        text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
        lines = re.split("\r\n|\r|\n", text)
        assert isinstance(report["places"], list)
        for code, line, column in report["places"]:
            if not (1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1):
                yield f"{path.name}: {code} at {line}:{column} is outside"
        if not (report["documents"] or report["failed"]):
            yield f"{path.name}: nothing read, and no error"
        for what, most in (("seconds", MOST_SECONDS), ("peak", MOST_BYTES)):
            if float(str(report[what])) > most:
                yield f"{path.name}: {report[what]} {what}"


def summary(reports: list[dict[str, object]]) -> str:
    slowest = max(reports, key=lambda report: float(str(report["seconds"])))
    peak = max(int(str(report["peak"])) for report in reports)
    return (f"{len(reports)} files, {sum(bool(report['failed']) for report in reports)} with errors; slowest "
            f"{slowest['seconds']:.2f} s ({Path(str(slowest['path'])).name}), peak {peak >> 20} MB")


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the shared fixtures are not here")
def test_every_bad_file_that_was_collected() -> None:
    paths = sorted(FIXTURES.glob("*.yaml"))
    assert paths
    reports = run(paths)
    print("\nbadyaml:", summary(reports))
    assert list(problems(reports)) == []


@pytest.mark.parametrize("batch", range(4))
def test_two_hundred_nasty_files(batch: int, tmp_path: Path) -> None:
    paths = []
    for number in range(batch * 50, batch * 50 + 50):
        maker = MAKERS[number % len(MAKERS)]
        made = maker(random.Random(number))
        path = tmp_path / f"{number:03}-{maker.__name__}.yaml"
        path.write_bytes(made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass"))
        paths.append(path)
    reports = run(paths)
    print(f"\nnasty {batch}:", summary(reports))
    assert list(problems(reports)) == []


def test_the_spec_that_is_mutated_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SPEC)
    (report,) = run([path])
    assert (report["places"], report["documents"]) == ([], 2)


def loaded(text: str) -> tuple[list[object], list[tuple[str, str, int, int]]]:
    """The documents as plain data; code, severity, line and column of each finding."""
    sink = Sink()
    documents = load("f.yaml", text.encode(), sink).documents
    return [plain(document.root) for document in documents], [
        (one.code, one.severity.name.lower(), one.place.line, one.place.column) for one in sink]


def findings(text: str) -> list[tuple[str, str, int, int]]:
    return loaded(text)[1]


# Limits


@pytest.mark.parametrize("levels", [source.DEEPEST, source.DEEPEST + 1, 30_000])
@pytest.mark.parametrize("kind", ["flow list", "flow mapping", "block list", "keys"])
def test_depth(kind: str, levels: int) -> None:
    inner = levels - 1
    text = {"flow list": "a: " + "[" * inner + "]" * inner, "flow mapping": "a: " + "{a: " * inner + "}" * inner,
            "block list": "a:\n " + "- " * inner + "b", "keys": "? " * levels + "b"}[kind]
    documents, found = loaded(text + "\n")
    deep = levels > source.DEEPEST
    assert [code for code, *_ in found if code != "L008"] == (["L001"] if deep else [])
    assert len(documents) == (0 if deep else 1)


def test_depth_counts_what_aliases_put_below() -> None:
    half = source.DEEPEST // 2
    text = f"a: &x {'[' * half}{']' * half}\nb: {{}}\nc: {'[' * half}*x{']' * half}\n"
    assert findings(text) == [("L001", "error", 3, 4 + half)]


def test_number_of_values() -> None:
    values = source.MOST_NODES - 2  # the mapping and the list are two
    assert findings("a: [" + "1," * values + "]\n") == []
    assert findings("a: [" + "1," * (values + 1) + "]\n") == [("L001", "error", 1, 5 + 2 * values)]
    assert findings("a: []\n---\n" * 3 + "b: [" + "1," * values + "]\n") == [("L001", "error", 7, 5 + 2 * (values - 6))]


def test_number_of_values_counts_what_aliases_repeat() -> None:
    text = "a: &a [1,2,3,4,5,6,7,8,9]\n" + "".join(
        f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in ("ab", "bc", "cd", "de"))
    assert findings(text)[-1][:3] == ("L001", "error", 5)


def test_number_of_aliases() -> None:
    text = "a: &x 1\nb: [" + ", ".join(["*x"] * source.MOST_ALIASES) + "{}]\n"
    assert findings(text.format("")) == []
    assert findings(text.format(", *x")) == [("L001", "error", 2, 5 + 4 * source.MOST_ALIASES)]


@pytest.mark.parametrize("body", ["a: 1", "a: [", ""])
def test_number_of_documents(body: str) -> None:
    text = f"---\n{body}\n" * source.MOST_DOCUMENTS
    assert "L001" not in {code for code, *_ in findings(text)}
    assert findings(text + "---\nb: 1\n---\nc: 1\n")[-1] == ("L001", "error", 2 * source.MOST_DOCUMENTS + 1, 1)
    assert len(loaded(text + "---\nb: 1\n")[0]) == (source.MOST_DOCUMENTS if body == "a: 1" else 0)


def test_size_of_a_file() -> None:
    text = "a: 1\n#" + "x" * (source.LARGEST_FILE - 6)
    assert findings(text) == []
    assert findings(text + "x") == [("L001", "error", 1, 1)]


def test_number_of_findings() -> None:
    text = "a:\n" + "- yes\n" * 20_000
    assert [(code, line) for code, _, line, _ in findings(text)][-2:] == [
        ("L001", source.MOST_FINDINGS + 2), ("L012", source.MOST_FINDINGS + 2)]
    assert len(findings('a: "' + "\\0" * 1000 + '"\n')) == 20


def test_what_stands_before_a_limit_is_kept() -> None:
    documents, found = loaded("a: 1\n---\nb: " + "[" * 100 + "\n---\nc: 1\n")
    assert documents == [{"a": 1}]
    assert [code for code, *_ in found] == ["L001"]


def test_many_tag_directives_are_not_even_parsed() -> None:
    text = "".join(f"%TAG !{number}! x\n" for number in range(50_000)) + "---\na: 1\n"
    assert findings(text) == [("L001", "error", 1, 1)]


def test_only_the_first_hidden_characters_are_reported() -> None:
    assert len(findings("a: " + "\u200b" * 1000 + "\n")) == 20
