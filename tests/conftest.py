"""Fixtures that several test files share, and the order of the tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the small study: it takes longest; another process does the rest beside it."""
    items.sort(key=lambda item: item.path.name != "test_series.py")
    if "EVERY_NETWORK" not in os.environ:
        later = pytest.mark.skip(reason="a quarter of a minute: `make test-versions` runs it")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(later)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real audio, which is not part of the project."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MUSIC_DATA_DIR", default))
    if not folder.is_dir():
        pytest.skip(f"no real audio: {folder} is absent (set MUSIC_DATA_DIR)")
    return folder
