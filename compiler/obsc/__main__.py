"""The command `obsc`."""

from __future__ import annotations

import gc
import io
import os
import sys

FAULT = 70


def main() -> None:
    """Run the command line; a fault of ours exits with 70 and says where to report it."""
    # pydantic looks for plugins in every installed package, which costs more than many a compilation.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Trees of specs and of outputs have no cycles: looking for some all the time is a tenth of a compilation.
    gc.set_threshold(100_000, 20, 50)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal's encoding lacks is shown by its number, as on stderr.
        sys.stdout.reconfigure(errors="backslashreplace")
    from obsc import stamp  # noqa: PLC0415  as little as possible, as late as possible

    try:
        if stamp.replayed(sys.argv[1:]):
            return
        from obsc.cli import main as run  # noqa: PLC0415  where there is nothing to do, it is never loaded

        run(prog_name="obsc")
    except Exception as error:
        if os.environ.get("OBSC_TRACEBACK"):
            raise
        sys.stderr.write(f"obsc: internal error: {type(error).__name__}: {error}\n"
                         "This is a fault of obsc, not of your specs. Set OBSC_TRACEBACK=1 to see where, and report it.\n")
        sys.exit(FAULT)


if __name__ == "__main__":
    main()
