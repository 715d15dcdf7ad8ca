"""Music of your own: a discography, or any folder with labels."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pandas as pd

from helpers.datasets.table import (
    COLUMNS,
    Found,
    as_numbers,
    file_stem,
    joined,
    own_folder,
    read_csv,
    split_labels,
    split_names,
    track_ids,
    walk,
)
from helpers.download import DatasetError


def load_discography(
    name: str, data_dir: Path, *, folder: str | os.PathLike = "discography"
) -> Found:
    """Albums as folders: <artist>/<album>/<track>, or <album>/<track>."""
    root = own_folder(name, data_dir, folder)
    files = walk(root)
    places = [_album_place(file) for file in files]
    years = _album_years(root)
    table = pd.DataFrame({"track_id": track_ids(files), "path": joined(root, files)})
    table["artist"] = [artist for artist, _ in places]
    named = [_album_name(folder) for _, folder in places]
    table["album"] = [title for title, _ in named]
    table["label"] = table["album"]
    table["title"] = [_song_title(file_stem(file)) for file in files]
    given = [years.get(_key(f), years.get(_key(a))) for (_, f), (a, _) in zip(places, named)]
    table["year"] = [float(g or y or "nan") for g, (_, y) in zip(given, named)]
    notes = []
    loose, undated = int((table["album"] == "").sum()), int(table["year"].isna().sum())
    if loose:
        notes.append(f"{loose} tracks lie outside an album folder: they have no label")
    if undated:
        notes.append(
            f"{undated} tracks have no year: name the folder 'Album (1969)', or add albums.csv "
            "with the columns album and year"
        )
    return Found(table, str(root), notes)


def _album_place(file: str) -> tuple[str, str]:
    """Return artist and album folder of a file; a folder such as CD1 belongs to its album."""
    disc = re.compile(r"(cd|dis[ck])[ _-]*\d+", re.IGNORECASE)
    folders = [part for part in file.split("/")[:-1] if not disc.fullmatch(part)]
    return ("", *folders)[-2:] if len(folders) == 1 else (*folders, "", "")[:2]


def _album_name(folder: str) -> tuple[str, str]:
    """Part an album folder's name into title and year ("" if there is none)."""
    before = re.fullmatch(r"[(\[]?((?:19|20)\d\d)[)\]]?[\s._–-]+(.*[^\W\d_].*)", folder)
    if before:
        return before[2].strip(), before[1]
    after = re.fullmatch(r"(.+?)[\s._–-]*[(\[]((?:19|20)\d\d)[)\]]", folder)
    return (after[1].strip(), after[2]) if after else (folder, "")


def _album_years(root: Path) -> dict[str, str]:
    path = root / "albums.csv"
    if not path.exists():
        return {}
    albums = read_csv(path, ("album", "year"))
    wrong = [y for y in albums["year"] if y and not re.fullmatch(r"\d{4}", y.strip())]
    if wrong:
        raise DatasetError(f"{path}: {wrong[0]!r} is not a year; write it with four digits")
    return {_key(album): year for album, year in zip(albums["album"], albums["year"]) if year}


def _song_title(stem: str) -> str:
    """Take the track number off a file name."""
    return re.sub(r"^(?:0\d|\d{1,3}(?=\s*[-._]))[\s._-]+(?=\S)", "", stem)


def _key(text: str) -> str:
    """Make names comparable: macOS writes accents as separate characters."""
    return unicodedata.normalize("NFC", text.replace("\\", "/")).casefold().strip()


def load_folder(name: str, data_dir: Path, *, folder: str | os.PathLike = "") -> Found:
    """Any tree of audio: <class>/.../<track>, or as its labels.csv says."""
    if not folder:
        raise DatasetError('the dataset "folder" needs the option folder="path/to/music"')
    root = own_folder(name, data_dir, folder)
    files = walk(root)
    if (root / "labels.csv").exists():
        return _labelled_folder(root, files)
    inside = [file for file in files if "/" in file]
    table = pd.DataFrame({"track_id": track_ids(inside), "path": joined(root, inside)})
    table["label"] = [file.split("/")[0] for file in inside]
    table["title"] = [file_stem(file) for file in inside]
    # <class>/<artist>/<track>: what lies in one folder comes from one source and stays together.
    table["artist"] = [file.split("/")[1] if file.count("/") > 1 else "" for file in inside]
    table["group"] = ["/".join(f.split("/")[:2]) if f.count("/") > 1 else "" for f in inside]
    loose = len(files) - len(inside)
    note = f"{loose} files lie outside a class folder and are left out"
    return Found(table, str(root), [note] if loose else [])


def _labelled_folder(root: Path, files: list[str]) -> Found:
    path = root / "labels.csv"
    table = read_csv(path, ("file",))
    if "label" not in table and "labels" not in table:
        raise DatasetError(f"{path} has no column 'label' or 'labels'; it has {', '.join(table)}")
    ours = {_key(file): file for file in files}
    names = [ours.get(_key(file), "") for file in table["file"]]
    multilabel = "labels" in table
    if multilabel:
        table["labels"] = [split_labels(text) for text in table["labels"]]
        table["label"] = [row[0] if len(row) == 1 else "" for row in table["labels"]]
    table["track_id"] = track_ids([name or file for name, file in zip(names, table["file"])])
    table["path"] = joined(root, names)
    table["split"] = split_names(table["split"], path) if "split" in table else ""
    labelled = [bool(row) for row in table["labels" if multilabel else "label"]]
    notes = []
    strangers, empty = len(set(files) - set(names)), labelled.count(False)
    if strangers:
        notes.append(f"{strangers} files are not in {path} and are left out")
    if empty:
        notes.append(f"{empty} rows of {path} have no label and are left out")
    table = as_numbers(
        table.drop(columns="file"), [c for c in table if c not in (*COLUMNS, "file")]
    )
    return Found(table[labelled], str(root), notes, multilabel, list_name=str(path))
