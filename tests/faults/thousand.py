"""1,000 services, killed at random operations of the commit, from one staging tree: `make faults`, from the folder tests.

    python -m faults.thousand [SERVICES [KILLS]]

The outputs are staged once, over committed ones of an older release. Each kill starts from a copy of that (of hard links:
the commit renames, it never writes into a file); what is left must have a journal or be done, and the next run must finish it.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from faults.session import has_journal, killed_after, operations, outputs
from obsc import disk, journal, pipeline, write
from obsc.diagnostics import Sink
from obsc.source import load

ROOT = Path(__file__).parents[2]
SEED = 4


def main(services: int = 1_000, kills: int = 10) -> None:
    """Print what was killed and how long it took; an assertion fails if anything is lost."""
    start = time.monotonic()
    old, new = _trees(services)
    print(f"{services} services, {len(new.tree)} files compiled in {time.monotonic() - start:.0f} s")
    with tempfile.TemporaryDirectory(dir=os.environ.get("OBSC_FAULTS_DIR")) as folder:
        saved, out = Path(folder, "saved"), Path(folder, "out")
        assert write.write(saved, old.tree, old.owned, Sink()) is not None
        (saved / "README.md").write_text("mine")
        before = outputs(saved)
        _stage(saved, new)
        assert has_journal(saved)
        assert outputs(saved) == before
        shutil.copytree(saved, out, copy_function=os.link)
        total = operations(lambda: _finish(out))
        expected = outputs(out)
        assert expected == {**new.tree, "README.md": b"mine"}
        print(f"{total} operations from the journal to the end")
        for number in sorted(random.Random(SEED).sample(range(1, total + 1), kills)):
            shutil.rmtree(out)
            shutil.copytree(saved, out, copy_function=os.link)
            assert killed_after(number, lambda: _finish(out)), number
            found, unfinished = outputs(out), has_journal(out)
            assert unfinished or found == expected, number
            assert journal.is_unfinished(out) or found == expected, number
            begun = time.monotonic()
            _finish(out)
            took = time.monotonic() - begun
            assert outputs(out) == expected, number
            assert not journal.is_unfinished(out), number
            print(f"killed after {number}: {'a journal' if unfinished else 'new'}, then finished in {took:.1f} s", flush=True)


def _trees(services: int) -> tuple[pipeline.Compiled, pipeline.Compiled]:
    """What an older release made of the services, and this one does: some files changed, some are new, some are gone."""
    platform = (ROOT / "specs/platforms/prod.yaml").read_text()
    spec = (ROOT / "specs/support-chat.yaml").read_text()
    texts = {"platform.yaml": platform, **{f"{number:04}.yaml": spec.replace("support-chat", f"chat-{number:04}") for number in range(services)}}
    sink = Sink()
    new = pipeline.compile_specs({name: load(name, text.encode(), sink) for name, text in texts.items()}, sink)
    assert not sink.failed, list(sink)[:3]
    older = {path: raw if path.endswith("/.obsc.json") or index % 3 else raw + b"# older\n"
             for index, (path, raw) in enumerate(new.tree.items()) if index % 7 or path.endswith("/.obsc.json")}
    for path in [path for path in older if path.endswith("/.obsc.json") and path.count("/") == 4]:
        home = path.rpartition("/")[0]
        own = {one: raw for one, raw in older.items() if one.startswith(f"{home}/") and one != path}
        own[f"{home}/gone.yaml"] = older[f"{home}/gone.yaml"] = b"gone: true\n"
        older[path] = write.manifest({one.partition("/")[2]: raw for one, raw in own.items()})
    return pipeline.Compiled(older, new.owned, {}, (), ()), new


def _stage(out: Path, new: pipeline.Compiled) -> None:
    """Be killed when the journal stands: at the first operation that is none of staging."""
    def until(*_: object) -> None:
        os._exit(disk.KILLED)

    child = os.fork()
    if not child:
        journal._go = until
        write.write(out, new.tree, new.owned, Sink())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == disk.KILLED


def _finish(out: Path) -> None:
    with write.held(out, Sink()) as ready:
        assert ready


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
