"""Write files so that an interruption leaves the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import re
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


def readable(path: str | os.PathLike) -> str:
    """Return a path as valid text, for tables: bytes of a name that are no UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def on_disk(path: str | os.PathLike) -> str:
    """Return the path that `readable` has changed, as the file system knows it."""
    text = os.fspath(path)
    if "\\x" not in text or os.path.lexists(text):
        return text
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), os.fsencode(text))
    return os.fsdecode(raw)
