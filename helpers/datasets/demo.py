"""The demo datasets: synthetic music that is rendered where it is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from helpers.datasets.table import COLUMNS, Found, as_numbers, joined, read_csv, split_labels
from helpers.download import DatasetError

RENDERED = ("demo", "demo_instruments", "demo_composers", "demo_band")


def renderer(name: str) -> Callable:
    """Return the function of `helpers.demo` that renders a dataset."""
    from helpers import demo

    return getattr(demo, f"render_{name}")


def load_demo(name: str, data_dir: Path, **options) -> Found:
    """Render a demo dataset, unless it is there with the same options, and read its table."""
    from helpers import demo

    folder = demo.folder_of(name, data_dir, **options)
    try:
        renderer(name)(folder, **options)  # what is there with the same options stays
    except RuntimeError as error:
        raise DatasetError(f"{name} could not be rendered into {folder}: {error}") from error
    tracks = read_csv(folder / "tracks.csv", ("track_id", "path", "label"))
    tracks["path"] = joined(folder, tracks["path"])
    if "midi" in tracks:
        tracks["midi"] = joined(folder, tracks["midi"])
    if "labels" in tracks:
        tracks["labels"] = [split_labels(text) for text in tracks["labels"]]
    tracks = as_numbers(tracks, [c for c in tracks if c not in COLUMNS])
    note = "synthetic music, composed by rule: no result holds for real music"
    return Found(tracks, str(folder), [note], multilabel=name == "demo_instruments")


def load_demo_genres(name: str, data_dir: Path, *, multilabel: bool = False, **options) -> Found:
    """Label the demo tracks with their genre, or with the instruments that play."""
    found = load_demo(name, data_dir, **options)
    if not multilabel:
        return found
    labels = found.table["tags"].fillna("").map(split_labels)
    return replace(found, table=found.table.assign(labels=labels), multilabel=True)
