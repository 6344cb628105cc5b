"""Whatever a spec holds, compiling it ends, soon, with files or with errors that are placed inside of a file.

OBSC_FUZZ=10000 sets the number of specs (500 unless given), OBSC_FUZZ_SEED the first seed. To see one again: `fuzzed(seed)`.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections import Counter
from types import FrameType

import pytest

from fuzz.specs import Texts, fuzzed
from obsc import pipeline, report
from obsc.diagnostics import Diagnostic, Severity, Sink
from obsc.source import Source, load

COUNT = int(os.environ.get("OBSC_FUZZ") or 500)
FIRST = int(os.environ.get("OBSC_FUZZ_SEED") or 0)
HANGS = 30  # seconds; a spec takes a tenth of one
BUILTIN = "built-in platform"


class HangError(Exception):
    pass


def hang(_signal: int, _frame: FrameType | None) -> None:
    raise HangError


def compiled(texts: Texts) -> tuple[Sink, dict[str, Source], int]:
    """What the compiler finds, and how many files it makes."""
    sink = Sink()
    sources = {name: load(name, text.encode("utf-8", "surrogatepass"), sink) for name, text in texts.items()}
    made = pipeline.compile_specs(sources, sink)
    for form in report.FORMS:
        report.render(sink, made.sources, form)
    return sink, sources, len(made.tree)


def misplaced(found: Diagnostic, sources: dict[str, Source]) -> str:
    """Why a finding's place is none, if it is."""
    place = found.place
    if place.file not in sources:
        return "" if place.file == BUILTIN and found.severity is not Severity.ERROR else f"{found.code} in {place.file}"
    lines = sources[place.file].lines
    inside = (1 <= place.line <= max(1, len(lines)) and place.end_line <= max(1, len(lines))
              and 1 <= place.column <= len(lines[place.line - 1] if lines else "") + 1 and place[1:3] < place[3:5])
    return "" if inside else f"{found.code} at {place}"


def test_no_spec_breaks_the_compiler() -> None:
    before = signal.signal(signal.SIGALRM, hang)
    wrong: list[str] = []
    counts, codes, slowest = Counter[str](), Counter[str](), (0.0, 0)
    try:
        for seed in range(FIRST, FIRST + COUNT):
            texts, start = fuzzed(seed), time.monotonic()
            signal.alarm(HANGS)
            try:
                sink, sources, files = compiled(texts)
                signal.alarm(0)
            except HangError:
                wrong.append(f"seed {seed}: still at it after {HANGS} s")
                continue
            except Exception:  # noqa: BLE001  that is what is looked for
                signal.alarm(0)
                wrong.append(f"seed {seed}: {traceback.format_exc(limit=-3)}")
                continue
            slowest = max(slowest, (time.monotonic() - start, seed))
            counts["with errors" if sink.failed else "accepted"] += 1
            counts["with files"] += bool(files)
            codes.update({one.code for one in sink})
            wrong += [f"seed {seed}: {said}" for one in sink if (said := misplaced(one, sources))]
            if not files and not sink.failed:
                wrong.append(f"seed {seed}: neither a file nor an error")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    print(f"\n{COUNT} specs: {dict(counts)}, {len(codes)} codes, slowest {slowest[0]:.1f} s (seed {slowest[1]})")
    assert not wrong, f"{len(wrong)} of {COUNT}\n" + "\n".join(wrong[:20])
    # Neither all refused at the first look nor all harmless: both would prove little.
    assert counts["with errors"] > COUNT / 4
    assert counts["accepted"] > COUNT / 20
    if COUNT >= 500:
        assert len(codes) >= 40


@pytest.mark.parametrize("seed", [0, 17])
def test_the_same_seed_gives_the_same_spec(seed: int) -> None:
    assert fuzzed(seed) == fuzzed(seed)
