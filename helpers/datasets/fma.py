"""FMA: Creative Commons music of 161 genres, and their tree."""

from __future__ import annotations

import ast
import csv
from pathlib import Path

import pandas as pd

from helpers.audio import walk
from helpers.datasets.table import (
    Found,
    bare_name,
    first_present,
    joined,
    not_found,
    read_csv,
    split_names,
)
from helpers.download import DatasetError

FMA_COLUMNS = {
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "label": ("track", "genre_top"),
    "genres": ("track", "genres_all"),
    "artist_id": ("artist", "id"),
}
FMA_OPTIONAL = {
    "artist": ("artist", "name"),
    "album": ("album", "title"),
    "title": ("track", "title"),
    "seconds": ("track", "duration"),
}
FMA_SILENT = ("099134", "108925", "133297")  # no sound inside, in the official archive
FMA_SUBSETS = {"fma_small": ("small",), "fma_medium": ("small", "medium")}


def load_fma(name: str, data_dir: Path, *, multilabel: bool = False) -> Found:
    """FMA: the top genre, or all genres of a track."""
    audio = _fma_place(name, data_dir, name)
    metadata = _fma_place(name, data_dir, "fma_metadata/tracks.csv")
    table = _fma_tracks(metadata)
    if name in FMA_SUBSETS:
        table = table[table["subset"].isin(FMA_SUBSETS[name])].copy()
    files = {bare_name(file): file for file in walk(audio)}
    notes = _fma_notes(table, files, audio)
    table["path"] = joined(audio, table["track_id"].map(files).fillna(""))
    if name != "fma_full":  # clips of 30 s; the table holds the length of the whole track
        table["seconds"] = pd.to_numeric(table["seconds"], errors="coerce").clip(upper=30.0)
    if multilabel:
        table["labels"] = _fma_genres(table["genres"], metadata)
    else:
        empty = table["label"] == ""
        dropped = int((empty & (table["path"] != "")).sum())
        if dropped:
            notes.append(f"{dropped:,} tracks without a top genre are left out")
        table = table[~empty]
    table = table.drop(columns=["genres", "artist_id"])
    return Found(table, str(audio), notes, multilabel=multilabel)


def _fma_place(name: str, data_dir: Path, what: str) -> Path:
    candidates = [data_dir / "fma" / what, data_dir / what]
    place = first_present(candidates)
    if place is None:
        raise not_found(name, data_dir, candidates, what)
    return place


def _fma_tracks(path: Path) -> pd.DataFrame:
    """Read what is needed of tracks.csv: two header rows, then one that names the index."""
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = list(zip(next(reader, []), next(reader, [])))
    absent = [".".join(key) for key in FMA_COLUMNS.values() if key not in header]
    if absent:
        raise DatasetError(f"{path} has no column {', '.join(absent)}; is it FMA's tracks.csv?")
    wanted = {k: v for k, v in (FMA_COLUMNS | FMA_OPTIONAL).items() if v in header}
    names = {0: "track_id"} | {header.index(key): name for name, key in wanted.items()}
    table = pd.read_csv(
        path, skiprows=2, header=None, usecols=sorted(names), dtype=str, keep_default_na=False
    ).rename(columns=names)
    table = table[table["track_id"].str.isdigit()].reset_index(drop=True)
    table["track_id"] = table["track_id"].str.zfill(6)
    table["split"] = split_names(table["split"], path)
    table["group"] = ("artist " + table["artist_id"]).where(table["artist_id"] != "", "")
    return table.reindex(columns=[*table, *[c for c in FMA_OPTIONAL if c not in table]])


def _fma_genres(column: pd.Series, metadata: Path) -> pd.Series:
    """Turn list literals of genre ids into tuples of titles."""
    path = metadata.with_name("genres.csv")
    if not path.exists():
        raise DatasetError(f"{path} is missing: fma_metadata.zip holds it, and the names of genres")
    genres = read_csv(path, ("genre_id", "title"))
    titles = dict(zip(genres["genre_id"], genres["title"]))
    tuples = {}
    for literal in column.unique():
        try:
            ids = ast.literal_eval(literal) if literal else []
            tuples[literal] = tuple(sorted(titles.get(str(i), f"genre {i}") for i in ids))
        except (ValueError, SyntaxError, TypeError) as error:
            raise DatasetError(f"{metadata}: {literal!r} is not a list of genre ids") from error
    return pd.Series([tuples[literal] for literal in column], column.index, dtype=object)


def _fma_notes(table: pd.DataFrame, files: dict[str, str], audio: Path) -> list[str]:
    notes = []
    strangers = len(files) - int(table["track_id"].isin(list(files)).sum())
    if strangers:
        notes.append(f"{strangers:,} files in {audio} are not in its list and are left out")
    silent = [i for i in FMA_SILENT if i in files]
    if silent:
        notes.append(f"known to hold no sound: {', '.join(silent)}")
    return notes
