"""Pages with commands: each ```console block is a session, whose commands run in a folder; what they print is what is shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOOLS = Path(sys.executable).parent


def replayed(text: str, folder: Path) -> str:
    """The page with the output that its commands have now."""
    return BLOCK.sub(lambda block: f"```console\n{_session(block[1], folder)}```", text)


def environment(**more: str) -> dict[str, str]:
    """What commands are told: the tools of these tests, no cache of the user's, one language."""
    return {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "OBSC_CACHE": "", **more}


def _session(block: str, folder: Path) -> str:
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{_output(command, folder)}" for command in commands)


def _output(command: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout
    return done.stdout
