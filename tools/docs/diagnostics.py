"""docs/diagnostics.md: every code, with what it looks like and how it is mended, from the cases of tests/diagnostics."""

from __future__ import annotations

import difflib
from pathlib import Path

from tests.diagnostics.run import HERE, commands, inputs

from obsc import encode
from obsc.codes import CODES, can_be_suppressed
from obsc.report.listing import MOST_IN_FILE, MOST_IN_RUN
from obsc.secrets import masked

from .markdown import NOTE, anchor, table

_STAGES = {"L": "Reading files", "V": "Checking against the language", "R": "Layers and references", "S": "Meaning",
           "P": "Policy and privacy", "T": "What an output cannot express", "X": "obsc verify", "W": "Writing and linking"}
_LONGEST = 24
_INTRO = """\
A finding has a code, a place and, in most cases, a hint. Errors stop their service (with `--strict` warnings do, too), infos are
shown with `--infos`. Each code below has an example as it is printed and how it is mended: lines with `-` become those with `+`.

## Forms

`--format` says how findings are printed, on stderr. All forms have the same ones in the same order:
"""
_FORMS = (
    ("`text`", "people: each finding with its line"),
    ("`json`", "scripts: `findings` (each with `suppressed`: the reason, or null), `more` (code → how many are not listed), `counts`"),
    ("`github`",
     ("workflows of GitHub, which show the first 10 errors, 10 warnings and 10 notices of a step at the lines of a pull "
                 "request; its log has all that are listed, and a last notice their number")),
    ("`sarif`", "code scanning: SARIF 2.1.0, with fingerprints that stay when lines move; what is suppressed is a result that says so"),
)
_QUIET = f"""\
Of one code {MOST_IN_FILE} findings of a file and {MOST_IN_RUN} of a run are listed, so that one mistake hides no other. Every
form says how many more of which code there are, `--show-all` lists them, and the exit code counts them.

## Keeping a finding quiet

A warning or an info that is known and accepted is kept quiet by a comment, behind what it is about or on a line of its own before
it. It names the code (several are divided by commas) and, behind `--`, the reason, without which nothing is kept quiet:

```yaml
alerts:
  rules:
    ServiceDown: {{for: 30s}}  # obsc: ignore S312 -- the load balancer retries, OPS-117
    # obsc: ignore S317 -- the contract says 5.2 seconds
    HighInferenceLatency: {{threshold: 5.2s}}
```

- It is about findings that stand on that line: the line that the finding names.
- It also holds with `--strict`. It changes no byte of the outputs.
- Errors cannot be kept quiet, nor what a platform's policy decides: tenants cannot suppress what protects others. Owners of a platform
  can suppress `P409` in its own file.
- A comment that keeps nothing quiet is a warning, so that dead ones do not hide what comes later.
- Text counts suppressed findings at its end, JSON and SARIF list them with their reasons.
"""


def page() -> str:
    """The whole page."""
    stages = [(letter, [one for one in CODES if one.startswith(letter)]) for letter in _STAGES]
    links = [(f"[{_STAGES[letter]}](#{anchor(_STAGES[letter])})", f"{codes[0]} to {codes[-1]}" if len(codes) > 1 else codes[0])
             for letter, codes in ((letter, sorted(codes)) for letter, codes in stages) if codes]
    parts = [f"# Diagnostics\n\n{NOTE}\n\n{_INTRO}", table(("form", "for"), _FORMS), _QUIET, "## Codes\n", table(("stage", "codes"), links)]
    for letter, codes in stages:
        parts.append(f"## {_STAGES[letter]}\n")
        parts += [_code(one) for one in sorted(codes)]
    return "\n".join(parts)


def _code(name: str) -> str:
    said = (HERE / name / "expected.txt").read_text("utf-8").split("\n\n")
    shown = "\n\n".join(block for block in said if f"[{name}]: " in block.split("\n")[0]) or said[0]
    fence = "````" if "```" in shown else "```"
    parts = [f"### {name}: {CODES[name].title}\n", f"{CODES[name].explanation} {_weight(name)}".rstrip() + "\n",
             f"{fence}text\n{_first(shown)}\n{fence}\n"]
    bad, good = inputs(name, "bad"), inputs(name, "good")
    if bad[0].suffix == ".sh":
        session = "".join(f"$ {line}\n" for line in commands(name, "bad"))
        parts.append(f"```console\n{session}```\n" if session else "")
    elif changes := _changes(bad, good):
        parts.append(f"```diff\n{changes}```\n")
    return "\n".join(parts)


def _weight(name: str) -> str:
    """How much its findings weigh, and whether they can be kept quiet; nothing of what is always an error."""
    levels = CODES[name].levels
    if levels == ("error",):
        return ""
    words = " or ".join([", ".join(levels[:-1]), levels[-1]] if len(levels) > 1 else levels)
    return f"({words[0].upper()}{words[1:]}{'' if can_be_suppressed(name) else '; cannot be suppressed'}.)"


def _first(shown: str) -> str:
    """The first two findings of a case."""
    return "\n\n".join(shown.split("\n\n")[:2])


def _changes(bad: list[Path], good: list[Path]) -> str:
    """What differs between two forms of a case, without context; nothing if that is long."""
    lines: list[str] = []
    for name, one, other in _pairs(bad, good):
        found = [line for line in difflib.unified_diff(_lines(one), _lines(other), n=0, lineterm="")
                 if not line.startswith(("---", "+++", "@@"))]
        lines += [f"# {name}", *found] if found and len(bad) > 1 else found
    return "" if len(lines) > _LONGEST else "".join(f"{line}\n" for line in lines)


def _pairs(bad: list[Path], good: list[Path]) -> list[tuple[str, Path | None, Path | None]]:
    """Files of both forms by their name in the form's folder; a form of one file is that file."""
    if len(bad) == len(good) == 1:
        return [("", bad[0], good[0])]
    old, new = ({path.as_posix().partition(f"/{which}/")[2]: path for path in paths} for which, paths in (("bad", bad), ("good", good)))
    return [(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]


def _lines(path: Path | None) -> list[str]:
    """Lines of a file as a page may show them: what is unprintable is escaped, credentials are starred out."""
    if path is None:
        return []
    return [encode.terminal(masked(line)) for line in path.read_bytes().decode("utf-8", "replace").splitlines()]
