"""Write files so that an interruption leaves the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Give a path beside `path`; what is written there takes its place if all went well."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}.tmp{path.suffix}")
    try:
        yield temporary
        try:
            os.replace(temporary, path)
        except PermissionError:  # Windows, where a reader has the same file open
            if not path.exists():
                raise
    finally:
        temporary.unlink(missing_ok=True)


def write_atomic(path: str | os.PathLike, content: str | bytes) -> None:
    """Write a file whole or not at all; an equal file is left alone.

    Parameters
    ----------
    path : path
        The file. Its folder is made if needed.
    content : str or bytes
        What it holds afterwards; text is written as UTF-8.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> write_atomic(path, "hello")
    >>> path.read_text()
    'hello'
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if not Path(path).exists() or Path(path).read_bytes() != data:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
