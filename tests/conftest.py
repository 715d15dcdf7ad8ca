"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real audio, which is not part of the project."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MUSIC_DATA_DIR", default))
    if not folder.is_dir():
        pytest.skip(f"no real audio: {folder} is absent (set MUSIC_DATA_DIR)")
    return folder
