"""Music of your own: a discography, or any folder with labels."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from helpers.audio import walk
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
)
from helpers.download import DatasetError


def load_discography(
    name: str, data_dir: Path, *, folder: str | os.PathLike = "discography"
) -> Found:
    """Albums as folders: <artist>/<album>/<track>, or <album>/<track>."""
    root = own_folder(name, data_dir, folder)
    files = walk(root)
    places = [_album_place(file) for file in files]
    table = pd.DataFrame({"track_id": track_ids(files), "path": joined(root, files)})
    table["artist"] = [artist for artist, _ in places]
    named = [_album_name(folder) for _, folder in places]
    table["album"] = [title for title, _ in named]
    table["label"] = table["album"]
    table["title"] = [_song_title(file_stem(file)) for file in files]
    years, notes = _album_years(root, {f: title for (_, f), (title, _) in zip(places, named) if f})
    given = [years.get(_key(f), years.get(_key(a))) for (_, f), (a, _) in zip(places, named)]
    table["year"] = [float(g or y or "nan") for g, (_, y) in zip(given, named)]
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


def _album_years(root: Path, titles: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Read the years in albums.csv, where an album goes by its folder's name or its title."""
    path = root / "albums.csv"
    if not path.exists():
        return {}, []
    albums = read_csv(path, ("album", "year"))
    wrong = [y for y in albums["year"] if y and not re.fullmatch(r"\d{4}", y)]
    if wrong:
        raise DatasetError(f"{path}: {wrong[0]!r} is not a year; write it with four digits")
    keys = [_key(album).rsplit("/", 1)[-1] for album in albums["album"]]  # or a path to its folder
    known = {_key(name) for pair in titles.items() for name in pair}
    found = [key in known for key in keys]
    notes = _lost_rows(path, albums, found, sorted(titles)[0]) if titles else []
    return {key: year for key, year in zip(keys, albums["year"]) if year}, notes


def _song_title(stem: str) -> str:
    """Take the numbers of disc and track off a file name."""
    disc = r"(?:cd|dis[ck])[ _-]*\d+[\s._-]+\d{1,3}"  # "CD1 - 01 - Birthday"
    track = r"\d-\d\d|0\d|\d{1,3}(?=\s*[-._])"  # "1-01 Birthday", "01 Birthday", "1. Birthday"
    return re.sub(rf"^(?:{disc}|{track})[\s._-]+(?=\S)", "", stem, flags=re.IGNORECASE)


def _path(text: str) -> str:
    """Write a path with / between its folders, and without ./ before it."""
    return posixpath.normpath(text.replace("\\", "/")) if text else ""


def _composed(text: str) -> str:
    """Write accents as one character; macOS writes them as two."""
    return unicodedata.normalize("NFC", _path(text))


def _key(text: str) -> str:
    """Make names comparable, whatever their accents, case and slashes."""
    return _composed(text).casefold().strip()


def _row_text(table: pd.DataFrame, place: int) -> str:
    """Name a row by its line and its text."""
    return f"line {table.index[place]}: {','.join(table.iloc[place]).rstrip(',')!r}"


def _lost_rows(path: Path, table: pd.DataFrame, found: list[bool], example: str) -> list[str]:
    """Note how many rows match nothing; if none matches, say what a row should look like."""
    if all(found):
        return []
    first = _row_text(table, found.index(False))
    if not any(found):
        raise DatasetError(
            f"{path}: no row matches a name in {path.parent}, beginning with {first}. "
            f"Write names as they are below that folder, such as {example!r}"
        )
    lost = found.count(False)
    return [f"{lost} rows of {path} match nothing in {path.parent}, the first in {first}"]


def _files_of(cells: Iterable[str], files: list[str]) -> dict[str, str]:
    """Map cells to files: first those that are written the same, then other spellings."""
    found: dict[str, str] = {}
    for spelling in (_path, _composed, _key):
        free = sorted(set(files) - set(found.values()))
        count = Counter(map(spelling, free))
        ours = {spelling(file): file for file in free if count[spelling(file)] == 1}
        new = {cell: ours.get(spelling(cell), "") for cell in cells if cell not in found}
        found |= {cell: file for cell, file in new.items() if file}
    return found


def _relative(cells: Iterable[str], files: list[str]) -> list[str]:
    """Take off the folder that full paths begin with: the one that leaves most of our files."""
    paths, keys, starts = list(map(_path, cells)), set(map(_key, files)), Counter()
    for path in paths:
        if re.match(r"[/~]|[A-Za-z]:", path):
            cuts = [place for place, sign in enumerate(path, 1) if sign == "/"]
            starts.update(path[:cut] for cut in cuts if _key(path[cut:]) in keys)
    start = max(starts, key=lambda start: (starts[start], -len(start)), default="")
    same = [_key(path[: len(start)]) == _key(start) for path in paths]
    return [path[len(start) :] if cut else path for path, cut in zip(paths, same)]


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


def _check_rows(path: Path, table: pd.DataFrame, names: list[str]) -> None:
    """Refuse a row without a file, and a second row for the same file."""
    seen = {""}
    for place, name in enumerate(names):
        if name in seen:
            problem = "names its file for the second time" if name else "names no file"
            raise DatasetError(f"{path}, {_row_text(table, place)} {problem}; delete this row")
        seen.add(name)


def _labelled_folder(root: Path, files: list[str]) -> Found:
    path = root / "labels.csv"
    table = read_csv(path, ("file",))
    if "label" not in table and "labels" not in table:
        raise DatasetError(f"{path} has no column 'label' or 'labels'; it has {', '.join(table)}")
    if table.empty:
        raise DatasetError(f"{path} has no rows; write one for each file")
    cells = _relative(table["file"], files)
    found = _files_of(dict.fromkeys(cells), files)
    _check_rows(path, table, [found.get(cell, cell) for cell in cells])
    names = [found.get(cell, "") for cell in cells]
    notes = _lost_rows(path, table, [bool(name) for name in names], files[0]) if files else []
    multilabel = "labels" in table
    if multilabel:
        table["labels"] = [split_labels(text) for text in table["labels"]]
        table["label"] = [row[0] if len(row) == 1 else "" for row in table["labels"]]
    table["track_id"] = track_ids([found.get(cell, cell) for cell in cells])
    table["path"] = joined(root, names)
    table["split"] = split_names(table["split"], path) if "split" in table else ""
    labelled = [bool(row) for row in table["labels" if multilabel else "label"]]
    strangers, empty = len(set(files) - set(names)), labelled.count(False)
    if strangers:
        notes.append(f"{strangers} files are not in {path} and are left out")
    if empty:
        notes.append(f"{empty} rows of {path} have no label and are left out")
    table = as_numbers(
        table.drop(columns="file"), [c for c in table if c not in (*COLUMNS, "file")]
    )
    return Found(table[labelled], str(root), notes, multilabel, list_name=str(path))
