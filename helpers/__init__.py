"""Plumbing that several notebooks share and that is not the lesson."""

import os
import sys


def keep_native_logs_out_of_cells() -> None:
    """Let what native libraries log go to the terminal that started the kernel, not into a cell.

    TensorFlow reports at its start, from below Python, what it did not find. A kernel shows that as
    red text. What Python itself writes, warnings and errors included, stays in the notebook.
    Outside a notebook nothing changes.

    Examples
    --------
    >>> keep_native_logs_out_of_cells()
    """
    terminal = getattr(sys.stderr, "_original_stdstream_copy", None)  # ipykernel's, before it began
    if terminal is not None:
        os.dup2(terminal, 2)
