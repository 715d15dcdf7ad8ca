"""The table of tracks, and what the loaders of all data sets share."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from helpers.audio import AUDIO
from helpers.download import REGISTRY, DatasetError, how_to_get

MIDI = (".mid", ".midi")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
TEXT = ("track_id", "path", "label", "artist", "album", "title", "group", "split")
COLUMNS = ("track_id", "path", "label", "labels", *TEXT[3:], "seconds")
SPLITS = {
    "": "",
    "train": "train",
    "training": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A set of tracks with labels.

    Parameters
    ----------
    name : str
        The name given to :func:`load`.
    tracks : pd.DataFrame
        One row a track: track_id, path, label ("" if none), labels (tuple of str), artist, album,
        title ("" if unknown), group (what must not be split between train and test), split
        ("train", "valid", "test" or ""), seconds (NaN if unknown); truth columns may follow.
    classes : list of str
        The classes, sorted.
    multilabel : bool
        A track may have several of the classes at once (column labels).
    licence, citation : str
        What to respect and what to cite.
    notes : list of str
        What a reader of results should know: how partial the copy is, known faults.
    """

    name: str
    tracks: pd.DataFrame
    classes: list[str]
    multilabel: bool
    licence: str
    citation: str
    notes: list[str] = field(default_factory=list)

    def summary(self) -> pd.DataFrame:
        """Count tracks by class and split.

        Returns
        -------
        pd.DataFrame
            One row a class, one column a split ("none": in no official list), and "total". In a
            multi-label dataset a track counts once in each of its classes.
        """
        column = "labels" if self.multilabel else "label"
        rows = self.tracks[[column, "split"]].explode(column)
        label = rows[column].fillna("").replace("", "(no label)")
        counts = pd.crosstab(label, rows["split"].replace("", "none"))
        order = [s for s in ("train", "valid", "test", "none") if s in counts]
        counts = counts[order].rename_axis(index="class", columns=None)
        return counts.assign(total=counts.sum(axis=1))

    def report(self) -> str:
        """Return what is in the dataset, in a few lines of text.

        Returns
        -------
        str
            Counts, licence and notes.
        """
        sides = self.tracks["split"].replace("", "no split").value_counts()
        order = [s for s in ("train", "valid", "test", "no split") if s in sides]
        kind = "several labels a track" if self.multilabel else "one label a track"
        lines = [
            f"{self.name}: {len(self.tracks):,} tracks, {self.tracks['group'].nunique():,} groups, "
            f"{len(self.classes)} classes ({kind})",
            "  " + ", ".join(f"{side} {sides[side]:,}" for side in order),
            f"  licence: {self.licence}",
        ]
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])

    def __repr__(self) -> str:
        return self.report()


@dataclass
class Found:
    """What a loader found. A row whose path is "" is listed officially, but is not here."""

    table: pd.DataFrame
    where: str
    notes: list[str] = field(default_factory=list)
    multilabel: bool = False
    list_name: str = "the official list"
    render: Callable[[pd.DataFrame, list[str]], pd.DataFrame] | None = None


def file_stem(relative: str) -> str:
    """Return the file name without its last suffix."""
    return relative.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def bare_name(file: str) -> str:
    """Return a file's name without its audio endings: country.00011 for country.00011.au.wav."""
    name = file.rsplit("/", 1)[-1]
    while name.lower().endswith(AUDIO):
        name = name.rsplit(".", 1)[0]
    return name


def track_ids(files: list[str]) -> list[str]:
    """Name tracks by their path without suffix; with it where two files differ in nothing else."""
    bare = [file.rsplit(".", 1)[0] for file in files]
    count = Counter(bare)
    return [b if count[b] == 1 else file for b, file in zip(bare, files)]


def joined(folder: Path, files: Iterable[str]) -> list[str]:
    """Put the folder before each file; no file stays ""."""
    return [os.path.join(folder, file) if file else "" for file in files]


def first_present(paths: Iterable[Path]) -> Path | None:
    """Return the first path that exists."""
    return next((path for path in paths if path.exists()), None)


def not_found(name: str, data_dir: Path, looked_for: Sequence[Path], what: str) -> DatasetError:
    """Say in one message what was looked for, where, and how to get it."""
    registered = [data_dir / r.path for r in REGISTRY[name].remotes if r.unpack_to]
    inside = [folder for folder in dict.fromkeys(p.parent for p in looked_for) if folder.is_dir()]
    elsewhere = [
        path
        for folder in inside
        for path in sorted(folder.iterdir())
        if path.name.endswith(ARCHIVES)
        and (folder != data_dir or path.name in {p.name for p in registered})
    ]
    lines = [f"{name}: {what} not found. Looked for:", *(f"  {path}" for path in looked_for)]
    for archive in dict.fromkeys([p for p in registered if p.exists()] + elsewhere):
        if archive in registered:
            remedy = f'fetch("{name}", "{data_dir}") unpacks it'
        else:
            tool = "python -m zipfile -e" if archive.name.endswith(".zip") else "tar -xf"
            flag = "" if archive.name.endswith(".zip") else "-C "
            target = registered[-1].parent if registered else archive.parent
            remedy = f"unpack it with: {tool} {archive} {flag}{target}"
        lines.append(f"{archive} is still packed: {remedy}")
    if len(lines) == 1 + len(looked_for):
        lines.append(how_to_get(name, data_dir))
    return DatasetError("\n".join(lines))


def read_csv(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a CSV as spreadsheets write it; the index says in which line a row ends."""
    lines = _sheet_rows(path)
    names = lines.pop(min(lines)) if lines else []
    absent = [column for column in required if column not in names]
    if absent:
        raise DatasetError(
            f"{path} has no column {', '.join(map(repr, absent))}; "
            f"it has {', '.join(names) or 'nothing'}"
        )
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if twice:
        raise DatasetError(f"{path} has two columns {twice[0]!r}; rename or delete one")
    for line, row in lines.items():
        if len(row) > len(names):
            raise DatasetError(
                f"{path}, line {line}: {','.join(row)!r} has more values than there are columns; "
                'put a value that holds the separator into "quotes"'
            )
        row += [""] * (len(names) - len(row))
    table = pd.DataFrame(list(lines.values()), list(lines), names, dtype=object)
    return table.loc[:, [bool(name) for name in names]]


def _sheet_rows(path: Path) -> dict[int, list[str]]:
    """Return line -> cells, without the blanks around them and the empty cells at the right."""
    rows = {}
    try:
        text = path.read_bytes().decode("utf-8-sig")
        header = text.lstrip(" ,;\t\r\n").split("\n", 1)[0]
        separator = max(",;\t", key=header.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for cells in reader:
            row = [cell.strip() for cell in cells]
            while row and not row[-1]:
                row.pop()
            if row:
                rows[reader.line_num] = row
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} cannot be read as a CSV in UTF-8 ({error}); save it as 'CSV UTF-8'"
        ) from error
    return rows


def split_names(column: Iterable[str], path: Path) -> list[str]:
    """Turn the names that data sets use into train, valid and test."""
    names = [str(value).strip().lower() for value in column]
    unknown = sorted(set(names) - set(SPLITS))
    if unknown:
        raise DatasetError(f"{path}: unknown split {unknown[0]!r}; use train, valid, test or none")
    return [SPLITS[name] for name in names]


def as_numbers(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Turn columns of text into numbers, or truth values, where every filled cell is one."""
    for column in columns:
        if set(table[column]) <= {"True", "False"}:
            table[column] = table[column] == "True"
            continue
        numbers = pd.to_numeric(table[column].replace("", None), errors="coerce")
        if numbers.notna().any() and numbers.notna().sum() == (table[column] != "").sum():
            table[column] = numbers
    return table


def split_labels(text: str) -> tuple[str, ...]:
    """Take labels apart that stand in one cell, with | between them."""
    return tuple(part.strip() for part in text.split("|") if part.strip())


def own_folder(name: str, data_dir: Path, folder: str | os.PathLike) -> Path:
    """Return a folder that the user named, relative to the data or absolute."""
    root = data_dir / Path(folder).expanduser()  # an absolute folder stays as it is
    if not root.is_dir():
        raise not_found(name, data_dir, [root], "the folder")
    return root
