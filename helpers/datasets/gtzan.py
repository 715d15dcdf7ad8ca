"""GTZAN: ten genres, a hundred tracks each; and its small copy."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from helpers.audio import walk
from helpers.datasets.table import Found, bare_name, first_present, not_found
from helpers.download import how_to_get

GENRES = (
    "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock",
)  # fmt: skip
# The same recording under two names: one group, so that no split can tear it apart.
GTZAN_SAME = {"metal.00058": "rock.00016"}


def load_gtzan(name: str, data_dir: Path, *, folders: Sequence[str] = ("gtzan",)) -> Found:
    """GTZAN, from one folder or from several that complete each other."""
    folders = [folders] if isinstance(folders, str) else list(folders)
    roots = [_genre_root(name, data_dir, folder) for folder in folders]
    files, notes = _genre_files(roots)
    lists, list_notes = _gtzan_lists(data_dir, roots)
    ids = sorted(set(files) | set(lists))
    table = pd.DataFrame({"track_id": ids})
    table["path"] = [files.get(i, ("", ""))[1] for i in ids]
    table["label"] = [files[i][0] if i in files else lists[i][0] for i in ids]
    table["split"] = [lists.get(i, ("", ""))[1] for i in ids]
    table["group"] = [GTZAN_SAME.get(i, i) for i in ids]
    if "jazz.00054" in files:
        notes.append("jazz.00054 cannot be read in most copies, though it is in the train list")
    where = ", ".join(map(str, roots))
    return Found(table, where, notes + list_notes, list_name="the fault-filtered lists")


def load_gtzan_mini(name: str, data_dir: Path) -> Found:
    """GTZAN's ten tracks a genre that the ISMIR 2021 tutorial on beat tracking used."""
    files, notes = _genre_files([_genre_root(name, data_dir, name)])
    table = pd.DataFrame({"track_id": sorted(files)})
    table["path"] = [files[i][1] for i in table["track_id"]]
    table["label"] = [files[i][0] for i in table["track_id"]]
    # Not cut by the fault-filtered lists: they would put whole genres into one part.
    notes.append("gtzan_mini has no official split, and too few tracks for a figure to be cited")
    return Found(table, str(data_dir / name), notes)


def _genre_root(name: str, data_dir: Path, folder: str) -> Path:
    """Find the folder of genre folders in the layouts that people have."""
    layouts = ["genres", "genres_original", "Data/genres_original", ""]
    bases = [data_dir / folder]
    if folder == "gtzan":
        bases.append(data_dir)
    if folder == "gtzan_mini":  # the folder that GitHub's archive holds
        bases += [data_dir / folder / "gtzan_mini-main", data_dir / "gtzan_mini-main"]
    candidates = [base / layout for base in bases for layout in layouts]
    for root in candidates:
        if any((root / genre).is_dir() for genre in GENRES):
            return root
    looked_for = [base / layouts[0] for base in bases]
    what = f"the genre folders (blues, classical, ... in {', '.join(layouts[:3])})"
    raise not_found(name, data_dir, looked_for, what)


def _genre_files(roots: list[Path]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Map track_id to (genre, path); a track found twice is taken from the first place."""
    files: dict[str, tuple[str, str]] = {}
    twice = []
    for root in roots:
        for genre in GENRES:
            for file in walk(root / genre) if (root / genre).is_dir() else []:
                path = os.path.join(root, genre, file)
                if files.setdefault(bare_name(file), (genre, path))[1] != path:
                    twice.append(path)
    if not twice:
        return files, []
    return files, [f"{len(twice)} files repeat a track and are left out, such as {twice[0]}"]


def _gtzan_lists(data_dir: Path, roots: list[Path]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Map track_id to (genre, split), as the fault-filtered lists say."""
    places = [data_dir / "gtzan" / "lists", data_dir / "gtzan"]
    places += [place for root in roots for place in (root.parent / "lists", root.parent)]
    lists, absent = {}, []
    for split in ("train", "valid", "test"):
        path = first_present(place / f"{split}_filtered.txt" for place in places)
        if path is None:
            absent.append(split)
            continue
        for line in path.read_text(encoding="utf-8").split():
            lists[bare_name(line)] = (PurePosixPath(line).parent.name, split)
    if not absent:
        return lists, []
    return lists, [
        f"no fault-filtered list for {', '.join(absent)} in {places[0]}: "
        + how_to_get("gtzan_lists", data_dir)
    ]
