"""Plumbing that several notebooks share and that is not the lesson, in the order of the pipeline.

`datasets` (with `download`, `demo`), `audio`, `features`, `store`, `splits`, `clips`, `experiment`,
`training`, `evaluate`, `comparison`, `classify`, `recommend`, `pages`, `explain`; beside them
`published` (networks from elsewhere), `quality` (the audit), `symbolic` (MIDI, chords, keys),
`drift` (change over the years), `interactive` (menus, maps, players, the microphone), `export` (to
other programs), `plotting` and `files`.
"""

import os
import sys

__version__ = "0.9.0"  # CITATION.cff and CHANGELOG.md say the same


def keep_native_logs_out_of_cells() -> None:
    """Let what native libraries log go to the terminal that started the kernel, not into a cell."""
    terminal = getattr(sys.stderr, "_original_stdstream_copy", None)  # ipykernel's, before it began
    if terminal is not None:
        os.dup2(terminal, 2)
