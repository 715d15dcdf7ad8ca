"""Load any dataset of the series as one table of tracks.

One small loader a dataset; :func:`load` checks the options, keeps the classes asked for, cuts
official lists down to the tracks that are present, and says so in :attr:`Dataset.notes`.
"""

from __future__ import annotations

import argparse
import ast
import csv
import inspect
import json
import os
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import pandas as pd

from helpers.download import REGISTRY, DatasetError, fetch, how_to_get

__all__ = ["Dataset", "DatasetError", "fetch", "load"]

AUDIO = (".wav", ".au", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
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

# name -> licence, citation
_SYNTHETIC = ("synthetic music, rendered on this machine; free to use", "helpers/demo.py")
_OWN = ("your own music: its licences apply", "")
_FMA = (
    "audio: Creative Commons, per track; metadata: CC BY 4.0",
    "Defferrard, Benzi, Vandergheynst, Bresson: FMA: A Dataset for Music Analysis. ISMIR 2017",
)
_GTZAN = (
    "none stated: for research only, do not redistribute",
    "Tzanetakis, Cook: Musical genre classification of audio signals. IEEE TSAP 10(5), 2002; "
    "fault-filtered lists: Kereliuk, Sturm, Larsen: Deep learning and music adversaries. "
    "IEEE TMM 17(11), 2015",
)
ABOUT = {
    "demo": _SYNTHETIC,
    "demo_instruments": _SYNTHETIC,
    "demo_composers": _SYNTHETIC,
    "demo_band": _SYNTHETIC,
    "gtzan_mini": _GTZAN,
    "gtzan": _GTZAN,
    "fma_small": _FMA,
    "fma_medium": _FMA,
    "fma_large": _FMA,
    "fma_full": _FMA,
    "irmas": (
        "CC BY-NC-SA 3.0",
        "Bosch, Janer, Fuhrmann, Herrera: A comparison of sound segregation techniques for "
        "predominant instrument recognition in musical audio signals. ISMIR 2012",
    ),
    "maestro": (
        "CC BY-NC-SA 4.0",
        "Hawthorne et al.: Enabling factorized piano music modeling and generation with the "
        "MAESTRO dataset. ICLR 2019",
    ),
    "asap": (
        "CC BY-NC-SA 4.0",
        "Foscarin, McLeod, Rigaux, Jacquemard, Sakai: ASAP: a dataset of aligned scores and "
        "performances for piano transcription. ISMIR 2020",
    ),
    "discography": _OWN,
    "folder": _OWN,
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

        Examples
        --------
        >>> load("gtzan", "data").summary()  # doctest: +SKIP
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

        Examples
        --------
        >>> print(load("gtzan", "data").report())  # doctest: +SKIP
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
class _Found:
    """What a loader found. A row whose path is "" is listed officially, but is not here."""

    table: pd.DataFrame
    where: str
    notes: list[str] = field(default_factory=list)
    multilabel: bool = False
    list_name: str = "the official list"
    render: Callable[[pd.DataFrame, list[str]], pd.DataFrame] | None = None


def load(
    name: str,
    data_dir: str | os.PathLike,
    *,
    classes: Iterable[str] | None = None,
    **options,
) -> Dataset:
    """Load a dataset from a folder, in the layout in which it is distributed.

    A partial copy works: official lists are cut down to the tracks that are present, and
    `Dataset.notes` says how many of how many.

    Parameters
    ----------
    name : str
        demo, demo_instruments, demo_composers, demo_band, gtzan_mini, gtzan, fma_small,
        fma_medium, fma_large, fma_full, irmas, maestro, asap, discography or folder.
    data_dir : path
        The folder that holds the datasets, each in a folder of its own name.
    classes : iterable of str, optional
        Keep these classes only.
    **options
        Of the dataset. demo*: arguments of its renderer in helpers.demo. demo: `multilabel`, the
        instruments that play as labels. gtzan: `folders`, several
        folders read as one. fma_*: `multilabel`, all genres instead of the top genre. maestro and
        asap: `max_seconds` of each piece (None: all), `cache_dir` for the rendered audio, `jobs`,
        `progress`. asap, discography and folder: `folder`, the place of the files, relative to
        `data_dir`.

    Returns
    -------
    Dataset
        The table of tracks and what belongs to it.

    Raises
    ------
    DatasetError
        The name, an option or a class is unknown; or the files are missing, packed or not in a
        known layout. The message says what to do.

    Examples
    --------
    >>> dataset = load("gtzan", "data", classes=["jazz", "rock"])  # doctest: +SKIP
    >>> load("gtzen", "data")
    Traceback (most recent call last):
    helpers.download.DatasetError: unknown dataset 'gtzen'; known: demo, demo_instruments, ...
    """
    if name not in _LOADERS:
        raise DatasetError(f"unknown dataset {name!r}; known: {', '.join(_LOADERS)}")
    _check_options(name, options)
    found = _LOADERS[name](name, Path(data_dir), **options)
    notes = list(found.notes)
    table = _complete(found.table)
    if not (table["path"] != "").any():
        raise DatasetError(
            f"{name}: {found.where} holds none of the dataset's tracks "
            f"(looked for {', '.join(AUDIO)}); {how_to_get(name, data_dir)}"
        )
    table = _keep_classes(name, table, classes, found.multilabel)
    notes += _present_notes(table, found.list_name)
    table = table[table["path"] != ""].reset_index(drop=True)
    if found.render:
        table = found.render(table, notes).reset_index(drop=True)
    return Dataset(
        name, table, _classes(table, found.multilabel), found.multilabel, *ABOUT[name], notes
    )


def _options(name: str) -> dict[str, inspect.Parameter]:
    """Return the options of a dataset, with their defaults."""
    functions = [_LOADERS[name], *([_renderer(name)] if name.startswith("demo") else [])]
    parameters = [p for f in functions for p in inspect.signature(f).parameters.values()]
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def _check_options(name: str, options: dict) -> None:
    known = _options(name) if options else {}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise DatasetError(
            f"{name} has no option {', '.join(map(repr, unknown))}; "
            f"known: {', '.join(['classes', *known])}"
        )


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table every column of the contract, with the right types, in the right order."""
    table = table.reset_index(drop=True)
    for column in TEXT:
        if column not in table:
            table[column] = ""
        table[column] = table[column].fillna("").astype(str)
    if "labels" not in table:
        table["labels"] = [(label,) if label else () for label in table["label"]]
    table["group"] = table["group"].where(table["group"] != "", table["track_id"])
    if "seconds" not in table:
        table["seconds"] = float("nan")
    table["seconds"] = pd.to_numeric(table["seconds"], errors="coerce").astype(float)
    twice = table["track_id"][table["track_id"].duplicated()]
    if len(twice):
        raise DatasetError(f"track_id {twice.iloc[0]!r} stands for more than one track")
    return table[[*COLUMNS, *[c for c in table if c not in COLUMNS]]]


def _classes(table: pd.DataFrame, multilabel: bool) -> list[str]:
    labels = table["labels"].explode().dropna() if multilabel else table["label"]
    return sorted(set(labels) - {""})


def _keep_classes(
    name: str, table: pd.DataFrame, classes: Iterable[str] | None, multilabel: bool
) -> pd.DataFrame:
    if not classes:
        return table
    classes = [classes] if isinstance(classes, str) else list(classes)
    present = _classes(table[table["path"] != ""], multilabel)
    unknown = [c for c in classes if c not in present]
    if unknown:
        raise DatasetError(
            f"{name} has no class {', '.join(map(repr, unknown))}; present: {', '.join(present)}"
        )
    if not multilabel:
        return table[table["label"].isin(classes)]
    labels = [tuple(c for c in row if c in classes) for row in table["labels"]]
    label = table["label"].where(table["label"].isin(classes), "")
    table = table.assign(labels=pd.Series(labels, table.index, dtype=object), label=label)
    return table[[bool(row) for row in labels]]


def _present_notes(table: pd.DataFrame, list_name: str) -> list[str]:
    total = table["split"].value_counts()
    here = table["split"][table["path"] != ""].value_counts()
    order = [s for s in ("train", "valid", "test", "") if s in total]
    notes = [
        f"{here.get(s, 0):,} of the {total[s]:,} {s + ' ' if s else ''}tracks in {list_name} "
        "are present"
        for s in order
        if here.get(s, 0) < total[s]
    ]
    if here.get("", 0) and len(here) > 1:
        notes.append(f"{here['']:,} tracks present stand in no part of {list_name}: no split")
    return notes


# --- files ----------------------------------------------------------------------------------


def _walk(folder: Path, suffixes: Sequence[str] = AUDIO) -> list[str]:
    """Return the visible files with these suffixes: paths relative to `folder`, sorted.

    One os.scandir per folder and no stat per file. Hidden files (such as the ``._name`` files of
    macOS) are passed over; a link to a folder is followed once.
    """
    found, links, todo = [], set(), [""]
    while todo:
        inside = todo.pop()
        with os.scandir(os.path.join(folder, inside)) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                relative = f"{inside}/{entry.name}" if inside else entry.name
                if entry.name.lower().endswith(tuple(suffixes)):
                    found.append(relative)
                elif entry.is_dir():
                    real = os.path.realpath(entry.path) if entry.is_symlink() else relative
                    if real not in links:
                        links.add(real)
                        todo.append(relative)
    return sorted(found)


def _stem(relative: str) -> str:
    """Return the file name without its last suffix.

    >>> _stem("blues/blues.00012.wav")
    'blues.00012'
    """
    return relative.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _ids(files: list[str]) -> list[str]:
    """Name tracks by their path without suffix; with it where two files differ in nothing else."""
    bare = [file.rsplit(".", 1)[0] for file in files]
    count = Counter(bare)
    return [b if count[b] == 1 else file for b, file in zip(bare, files)]


def _joined(folder: Path, files: Iterable[str]) -> list[str]:
    return [os.path.join(folder, file) if file else "" for file in files]


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _missing(name: str, data_dir: Path, looked_for: Sequence[Path], what: str) -> DatasetError:
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


def _read_csv(path: Path, required: Sequence[str]) -> pd.DataFrame:
    """Read a small table as text: nothing is taken for a number or a missing value."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:  # UnicodeDecodeError is a ValueError
        raise DatasetError(f"{path} cannot be read as a CSV in UTF-8 ({error})") from error
    absent = [column for column in required if column not in table]
    if absent:
        raise DatasetError(
            f"{path} has no column {', '.join(map(repr, absent))}; it has {', '.join(table)}"
        )
    return table


def _split_names(column: Iterable[str], path: Path) -> list[str]:
    names = [str(value).strip().lower() for value in column]
    unknown = sorted(set(names) - set(SPLITS))
    if unknown:
        raise DatasetError(f"{path}: unknown split {unknown[0]!r}; use train, valid, test or none")
    return [SPLITS[name] for name in names]


def _numbers(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Turn columns of text into numbers, or truth values, where every filled cell is one."""
    for column in columns:
        if set(table[column]) <= {"True", "False"}:
            table[column] = table[column] == "True"
            continue
        numbers = pd.to_numeric(table[column].replace("", None), errors="coerce")
        if numbers.notna().any() and numbers.notna().sum() == (table[column] != "").sum():
            table[column] = numbers
    return table


def _split_labels(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|") if part.strip())


# --- demo -----------------------------------------------------------------------------------


def _renderer(name: str) -> Callable:
    from helpers import demo

    return getattr(demo, f"render_{name}")


def _demo(name: str, data_dir: Path, **options) -> _Found:
    """Render a demo dataset, unless it is there with the same options, and read its table."""
    folder = data_dir / name
    try:
        _renderer(name)(folder, **options)  # what is there with the same options stays
    except RuntimeError as error:
        raise DatasetError(f"{name} could not be rendered into {folder}: {error}") from error
    tracks = _read_csv(folder / "tracks.csv", ("track_id", "path", "label"))
    tracks["path"] = _joined(folder, tracks["path"])
    if "midi" in tracks:
        tracks["midi"] = _joined(folder, tracks["midi"])
    if "labels" in tracks:
        tracks["labels"] = [_split_labels(text) for text in tracks["labels"]]
    tracks = _numbers(tracks, [c for c in tracks if c not in COLUMNS])
    note = "synthetic music, composed by rule: no result holds for real music"
    return _Found(tracks, str(folder), [note], multilabel=name == "demo_instruments")


def _demo_genres(name: str, data_dir: Path, *, multilabel: bool = False, **options) -> _Found:
    """Label the demo tracks with their genre, or with the instruments that play."""
    found = _demo(name, data_dir, **options)
    if not multilabel:
        return found
    labels = found.table["tags"].fillna("").map(_split_labels)
    return replace(found, table=found.table.assign(labels=labels), multilabel=True)


# --- GTZAN ----------------------------------------------------------------------------------

GENRES = (
    "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock",
)  # fmt: skip
# The same recording under two names: one group, so that no split can tear it apart.
GTZAN_SAME = {"metal.00058": "rock.00016"}


def _gtzan(name: str, data_dir: Path, *, folders: Sequence[str] = ("gtzan",)) -> _Found:
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
    return _Found(table, where, notes + list_notes, list_name="the fault-filtered lists")


def _gtzan_mini(name: str, data_dir: Path) -> _Found:
    """GTZAN's ten tracks a genre that the ISMIR 2021 tutorial on beat tracking used."""
    files, notes = _genre_files([_genre_root(name, data_dir, name)])
    table = pd.DataFrame({"track_id": sorted(files)})
    table["path"] = [files[i][1] for i in table["track_id"]]
    table["label"] = [files[i][0] for i in table["track_id"]]
    # Not cut by the fault-filtered lists: they would put whole genres into one part.
    notes.append("gtzan_mini has no official split, and too few tracks for a figure to be cited")
    return _Found(table, str(data_dir / name), notes)


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
    raise _missing(name, data_dir, looked_for, what)


def _genre_files(roots: list[Path]) -> tuple[dict[str, tuple[str, str]], list[str]]:
    """Map track_id to (genre, path); a track found twice is taken from the first place."""
    files: dict[str, tuple[str, str]] = {}
    twice = []
    for root in roots:
        for genre in GENRES:
            for file in _walk(root / genre) if (root / genre).is_dir() else []:
                path = os.path.join(root, genre, file)
                if files.setdefault(_stem(file), (genre, path))[1] != path:
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
        path = _first(place / f"{split}_filtered.txt" for place in places)
        if path is None:
            absent.append(split)
            continue
        for line in path.read_text(encoding="utf-8").split():
            lists[_stem(line)] = (PurePosixPath(line).parent.name, split)
    if not absent:
        return lists, []
    return lists, [
        f"no fault-filtered list for {', '.join(absent)} in {places[0]}: "
        + how_to_get("gtzan_lists", data_dir)
    ]


# --- FMA ------------------------------------------------------------------------------------

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


def _fma(name: str, data_dir: Path, *, multilabel: bool = False) -> _Found:
    """FMA: the top genre, or all genres of a track."""
    audio = _fma_place(name, data_dir, name)
    metadata = _fma_place(name, data_dir, "fma_metadata/tracks.csv")
    table = _fma_tracks(metadata)
    if name in FMA_SUBSETS:
        table = table[table["subset"].isin(FMA_SUBSETS[name])].copy()
    files = {_stem(file): file for file in _walk(audio)}
    notes = _fma_notes(table, files, audio)
    table["path"] = _joined(audio, table["track_id"].map(files).fillna(""))
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
    return _Found(table, str(audio), notes, multilabel=multilabel)


def genre_tree(data_dir: str | os.PathLike) -> dict[str, str]:
    """Return FMA's tree of genres: the parent of each genre that has one.

    Parameters
    ----------
    data_dir : path
        The folder that holds ``fma/fma_metadata`` or ``fma_metadata``.

    Returns
    -------
    dict
        Title of the genre -> title of its parent.

    Raises
    ------
    DatasetError
        genres.csv is missing, or has not the right columns.

    Notes
    -----
    Notebook: 13_multilabel_tagging.
    """
    path = _fma_place("fma_small", Path(data_dir), "fma_metadata/genres.csv")
    genres = _read_csv(path, ("genre_id", "title", "parent"))
    titles = dict(zip(genres["genre_id"], genres["title"]))
    pairs = zip(genres["title"], genres["parent"])
    return {title: titles[parent] for title, parent in pairs if parent in titles}


def _fma_place(name: str, data_dir: Path, what: str) -> Path:
    candidates = [data_dir / "fma" / what, data_dir / what]
    place = _first(candidates)
    if place is None:
        raise _missing(name, data_dir, candidates, what)
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
    table["split"] = _split_names(table["split"], path)
    table["group"] = ("artist " + table["artist_id"]).where(table["artist_id"] != "", "")
    return table.reindex(columns=[*table, *[c for c in FMA_OPTIONAL if c not in table]])


def _fma_genres(column: pd.Series, metadata: Path) -> pd.Series:
    """Turn list literals of genre ids into tuples of titles."""
    path = metadata.with_name("genres.csv")
    if not path.exists():
        raise DatasetError(f"{path} is missing: fma_metadata.zip holds it, and the names of genres")
    genres = _read_csv(path, ("genre_id", "title"))
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


# --- IRMAS ----------------------------------------------------------------------------------

INSTRUMENTS = {
    "cel": "cello",
    "cla": "clarinet",
    "flu": "flute",
    "gac": "acoustic guitar",
    "gel": "electric guitar",
    "org": "organ",
    "pia": "piano",
    "sax": "saxophone",
    "tru": "trumpet",
    "vio": "violin",
    "voi": "voice",
}
IRMAS_SIZE = {"train": 6705, "test": 2874}


def _irmas(name: str, data_dir: Path) -> _Found:
    """IRMAS: excerpts with one label to train on, longer music with several to test on."""
    roots = [path for path in (data_dir / "irmas", data_dir / "IRMAS") if path.is_dir()][:1]
    roots = roots or [path for path in sorted(data_dir.glob("IRMAS-*")) if path.is_dir()]
    rows = [_irmas_row(root, file) for root in roots for file in _walk(root)]
    if not rows:
        looked_for = [data_dir / "irmas" / "IRMAS-TrainingData", data_dir / "IRMAS-TrainingData"]
        raise _missing(name, data_dir, looked_for, "IRMAS-TrainingData, IRMAS-TestingData-Part1")
    unlabelled = sum(not row["labels"] for row in rows)
    table = pd.DataFrame([row for row in rows if row["labels"]], columns=list(rows[0]))
    notes = [f"{unlabelled} files without a label are left out"] if unlabelled else []
    count = table["split"].value_counts() if len(table) else {}
    notes += [
        f"{count.get(s, 0):,} of the {n:,} {s} excerpts of IRMAS are present"
        for s, n in IRMAS_SIZE.items()
        if count.get(s, 0) < n
    ]
    return _Found(table, ", ".join(map(str, roots)), notes, multilabel=True)


def _irmas_row(root: Path, file: str) -> dict:
    folder, stem = (root / file).parent.name, _stem(file)
    tags = re.findall(r"\[(\w+)\]", stem)
    row = {"track_id": f"{folder}/{stem}", "path": os.path.join(root, file), "title": stem}
    if folder in INSTRUMENTS or (tags and tags[0] in INSTRUMENTS):
        label = INSTRUMENTS[folder if folder in INSTRUMENTS else tags[0]]
        recording = re.search(r"(\d+)__\d+$", stem)
        group = f"recording {recording[1]}" if recording else stem
        drums = next((tag for tag in tags if tag in ("dru", "nod")), "")
        genre = next((t for t in reversed(tags[1:]) if t not in ("dru", "nod")), "")
        return row | {
            "label": label,
            "labels": (label,),
            "group": group,
            "split": "train",
            "drums": drums,
            "genre": genre,
        }
    labels = _irmas_labels(root / PurePosixPath(file).with_suffix(".txt"))
    song = re.sub(r"-\d+$", "", stem)  # excerpts of one song end in -1, -2, ...
    return row | {
        "label": labels[0] if len(labels) == 1 else "",
        "labels": labels,
        "group": f"song {song}",
        "split": "test",
        "drums": "",
        "genre": "",
    }


def _irmas_labels(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    codes = {line[:3] for line in path.read_text(encoding="utf-8", errors="replace").split()}
    unknown = sorted(codes - set(INSTRUMENTS))
    if unknown:
        raise DatasetError(f"{path}: unknown instrument {unknown[0]!r}; is this file of IRMAS?")
    return tuple(sorted(INSTRUMENTS[code] for code in codes))


# --- piano MIDI -----------------------------------------------------------------------------


def _maestro(
    name: str,
    data_dir: Path,
    *,
    max_seconds: float | None = 60.0,
    cache_dir: str | os.PathLike | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> _Found:
    """MAESTRO's MIDI files, played by the piano of the soundfont."""
    bases = [data_dir / "maestro", data_dir]
    tables = sorted(
        path
        for base in bases
        for pattern in ("maestro-v*.csv", "maestro-v*.json")
        for path in [*base.glob(pattern), *base.glob(f"maestro-v*/{pattern}")]
    )
    if not tables:
        looked_for = [base / "maestro-v2.0.0" / "maestro-v2.0.0.csv" for base in bases]
        raise _missing(name, data_dir, looked_for, "the table of MAESTRO (.csv or .json)")
    table = _maestro_table(tables[0])
    root = tables[0].parent
    files = set(_walk(root, MIDI))
    table["path"] = _joined(root, [f if f in files else "" for f in table["midi"]])
    cache = Path(cache_dir or data_dir / "maestro") / _rendered(max_seconds)
    render = _rendering(cache, max_seconds=max_seconds, jobs=jobs, progress=progress)
    return _Found(table, str(root), render=render)


def _maestro_table(path: Path) -> pd.DataFrame:
    """Read MAESTRO's CSV, or its JSON (a list of pieces in v2, a table of columns in v3)."""
    required = ("canonical_composer", "canonical_title", "split", "midi_filename")
    if path.suffix == ".csv":
        raw = _read_csv(path, required)
    else:
        raw = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))).astype(str)
    table = pd.DataFrame({"midi": raw["midi_filename"], "label": raw["canonical_composer"]})
    table["track_id"] = [file.rsplit(".", 1)[0] for file in table["midi"]]
    table["title"] = raw["canonical_title"]
    table["group"] = [_piece(c, t) for c, t in zip(table["label"], table["title"])]
    table["split"] = _split_names(raw["split"], path)
    if "year" in raw:
        table["year"] = pd.to_numeric(raw["year"], errors="coerce")
    return table


def _piece(composer: str, title: str) -> str:
    """Name a composition, whoever plays it and however its title is written.

    >>> _piece("Haydn", "Sonata  No. 50, I") == _piece("Haydn", "sonata no. 50 I")
    True
    """
    return f"{composer}: " + " ".join(re.findall(r"[^\W_]+", title.casefold()))


def _asap(
    name: str,
    data_dir: Path,
    *,
    folder: str | os.PathLike = "asap",
    max_seconds: float | None = 60.0,
    cache_dir: str | os.PathLike | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> _Found:
    """ASAP's performances (composer/.../piece/performance.mid), played by the piano."""
    root = _own_folder(name, data_dir, folder)
    files = [f for f in _walk(root, MIDI) if not _stem(f).startswith("midi_score") and "/" in f]
    if not files:
        raise _missing(name, data_dir, [root / "<composer>" / "<piece>" / "<player>.mid"], "MIDI")
    known = {}
    if (root / "metadata.csv").exists():
        rows = _read_csv(root / "metadata.csv", ("composer", "title", "midi_performance"))
        known = dict(zip(rows["midi_performance"], zip(rows["composer"], rows["title"])))
    pieces = [known.get(file) or _folder_piece(file) for file in files]
    table = pd.DataFrame({"midi": files, "track_id": _ids(files), "path": _joined(root, files)})
    table["label"] = [composer for composer, _ in pieces]
    table["title"] = [title for _, title in pieces]
    table["group"] = [_piece(composer, title) for composer, title in pieces]
    cache = Path(cache_dir or root) / _rendered(max_seconds)
    render = _rendering(cache, max_seconds=max_seconds, jobs=jobs, progress=progress)
    return _Found(table, str(root), render=render)


def _folder_piece(file: str) -> tuple[str, str]:
    """Read composer and piece from the folders; versions with fewer repeats are one piece.

    >>> _folder_piece("Haydn/Sonatas/50-1_no_repeat/HSU01.mid")
    ('Haydn', 'Sonatas_50-1')
    """
    composer, *piece, player = file.split("/")
    return composer, re.sub(r"_no_repeat$", "", "_".join(piece) or _stem(player))


def _rendered(max_seconds: float | None) -> str:
    return "rendered-whole" if max_seconds is None else f"rendered-{max_seconds:g}s"


def _rendering(
    cache: Path, *, max_seconds: float | None, jobs: int | None, progress: bool
) -> Callable[[pd.DataFrame, list[str]], pd.DataFrame]:
    """Return the step that plays the MIDI files of a table; what is in the cache stays."""

    def render(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
        out = [os.path.join(cache, f"{track_id}.flac") for track_id in table["track_id"]]
        failures = _play(table["path"], out, max_seconds, jobs or os.cpu_count() or 1, progress)
        ok = [path not in failures for path in out]
        if not any(ok):
            reason = next(iter(failures.values()), "no piece")
            raise DatasetError(f"no piece could be rendered into {cache} ({reason})")
        if failures:
            path, reason = next(iter(failures.items()))
            notes.append(f"{len(failures)} pieces could not be rendered, such as {path}: {reason}")
        table = table.assign(midi=table["path"], path=out)[ok]
        return table.assign(seconds=[_seconds(path) for path in table["path"]])

    return render


def _play(
    midi: Iterable[str], out: list[str], seconds: float | None, jobs: int, progress: bool
) -> dict[str, str]:
    """Render what is missing, several at a time; return the reason for each file that failed."""
    from joblib import Parallel, delayed
    from tqdm import tqdm

    todo = [(m, o) for m, o in zip(midi, out) if not os.path.exists(o)]
    try:
        for folder in {os.path.dirname(o) for _, o in todo}:
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"rendered audio cannot be written: {error}; give another place with cache_dir"
        ) from error
    results = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_play_one)(m, o, seconds) for m, o in todo
    )
    bar = tqdm(
        results, total=len(todo), desc="render", unit=" pieces", disable=not (progress and todo)
    )
    return {o: reason for (_, o), reason in zip(todo, bar) if reason}


def _play_one(midi: str, out: str, seconds: float | None) -> str:
    from helpers import demo

    try:
        demo.render_midi(midi, out, seconds=seconds)  # whole or not at all
    except (ValueError, OSError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return ""


def _seconds(path: str) -> float:
    import soundfile

    return soundfile.info(path).duration


# --- music of your own ----------------------------------------------------------------------


def _own_folder(name: str, data_dir: Path, folder: str | os.PathLike) -> Path:
    root = data_dir / Path(folder).expanduser()  # an absolute folder stays as it is
    if not root.is_dir():
        raise _missing(name, data_dir, [root], "the folder")
    return root


def _discography(name: str, data_dir: Path, *, folder: str | os.PathLike = "discography") -> _Found:
    """Albums as folders: <artist>/<album>/<track>, or <album>/<track>."""
    root = _own_folder(name, data_dir, folder)
    files = _walk(root)
    places = [_album_place(file) for file in files]
    years = _album_years(root)
    table = pd.DataFrame({"track_id": _ids(files), "path": _joined(root, files)})
    table["artist"] = [artist for artist, _ in places]
    named = [_album_name(folder) for _, folder in places]
    table["album"] = [title for title, _ in named]
    table["label"] = table["album"]
    table["title"] = [_song_title(_stem(file)) for file in files]
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
    return _Found(table, str(root), notes)


def _album_place(file: str) -> tuple[str, str]:
    """Return artist and album folder of a file; a folder such as CD1 belongs to its album.

    >>> _album_place("The Band/First (1969)/CD1/01 Song.mp3")
    ('The Band', 'First (1969)')
    """
    disc = re.compile(r"(cd|dis[ck])[ _-]*\d+", re.IGNORECASE)
    folders = [part for part in file.split("/")[:-1] if not disc.fullmatch(part)]
    return ("", *folders)[-2:] if len(folders) == 1 else (*folders, "", "")[:2]


def _album_name(folder: str) -> tuple[str, str]:
    """Part an album folder's name into title and year ("" if there is none).

    >>> _album_name("1969 - Abbey Road"), _album_name("Abbey Road (1969)"), _album_name("1989")
    (('Abbey Road', '1969'), ('Abbey Road', '1969'), ('1989', ''))
    """
    before = re.fullmatch(r"[(\[]?((?:19|20)\d\d)[)\]]?[\s._–-]+(.*[^\W\d_].*)", folder)
    if before:
        return before[2].strip(), before[1]
    after = re.fullmatch(r"(.+?)[\s._–-]*[(\[]((?:19|20)\d\d)[)\]]", folder)
    return (after[1].strip(), after[2]) if after else (folder, "")


def _album_years(root: Path) -> dict[str, str]:
    path = root / "albums.csv"
    if not path.exists():
        return {}
    albums = _read_csv(path, ("album", "year"))
    wrong = [y for y in albums["year"] if y and not re.fullmatch(r"\d{4}", y.strip())]
    if wrong:
        raise DatasetError(f"{path}: {wrong[0]!r} is not a year; write it with four digits")
    return {_key(album): year for album, year in zip(albums["album"], albums["year"]) if year}


def _song_title(stem: str) -> str:
    """Take the track number off a file name.

    >>> _song_title("07 - Help"), _song_title("07_Help"), _song_title("7 Rings")
    ('Help', 'Help', '7 Rings')
    """
    return re.sub(r"^(?:0\d|\d{1,3}(?=\s*[-._]))[\s._-]+(?=\S)", "", stem)


def _key(text: str) -> str:
    """Make names comparable: macOS writes accents as separate characters."""
    return unicodedata.normalize("NFC", text.replace("\\", "/")).casefold().strip()


def _folder(name: str, data_dir: Path, *, folder: str | os.PathLike = "") -> _Found:
    """Any tree of audio: <class>/.../<track>, or as its labels.csv says."""
    if not folder:
        raise DatasetError('the dataset "folder" needs the option folder="path/to/music"')
    root = _own_folder(name, data_dir, folder)
    files = _walk(root)
    if (root / "labels.csv").exists():
        return _labelled_folder(root, files)
    inside = [file for file in files if "/" in file]
    table = pd.DataFrame({"track_id": _ids(inside), "path": _joined(root, inside)})
    table["label"] = [file.split("/")[0] for file in inside]
    table["title"] = [_stem(file) for file in inside]
    # <class>/<artist>/<track>: what lies in one folder comes from one source and stays together.
    table["artist"] = [file.split("/")[1] if file.count("/") > 1 else "" for file in inside]
    table["group"] = ["/".join(f.split("/")[:2]) if f.count("/") > 1 else "" for f in inside]
    loose = len(files) - len(inside)
    note = f"{loose} files lie outside a class folder and are left out"
    return _Found(table, str(root), [note] if loose else [])


def _labelled_folder(root: Path, files: list[str]) -> _Found:
    path = root / "labels.csv"
    table = _read_csv(path, ("file",))
    if "label" not in table and "labels" not in table:
        raise DatasetError(f"{path} has no column 'label' or 'labels'; it has {', '.join(table)}")
    ours = {_key(file): file for file in files}
    names = [ours.get(_key(file), "") for file in table["file"]]
    multilabel = "labels" in table
    if multilabel:
        table["labels"] = [_split_labels(text) for text in table["labels"]]
        table["label"] = [row[0] if len(row) == 1 else "" for row in table["labels"]]
    table["track_id"] = _ids([name or file for name, file in zip(names, table["file"])])
    table["path"] = _joined(root, names)
    table["split"] = _split_names(table["split"], path) if "split" in table else ""
    labelled = [bool(row) for row in table["labels" if multilabel else "label"]]
    notes = []
    strangers, empty = len(set(files) - set(names)), labelled.count(False)
    if strangers:
        notes.append(f"{strangers} files are not in {path} and are left out")
    if empty:
        notes.append(f"{empty} rows of {path} have no label and are left out")
    table = _numbers(table.drop(columns="file"), [c for c in table if c not in (*COLUMNS, "file")])
    return _Found(table[labelled], str(root), notes, multilabel, list_name=str(path))


_LOADERS: dict[str, Callable[..., _Found]] = {
    "demo": _demo_genres,
    "demo_instruments": _demo,
    "demo_composers": _demo,
    "demo_band": _demo,
    "gtzan_mini": _gtzan_mini,
    "gtzan": _gtzan,
    "fma_small": _fma,
    "fma_medium": _fma,
    "fma_large": _fma,
    "fma_full": _fma,
    "irmas": _irmas,
    "maestro": _maestro,
    "asap": _asap,
    "discography": _discography,
    "folder": _folder,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch a dataset from the shell: ``python -m helpers.datasets NAME [DATA_DIR]``."""
    parser = argparse.ArgumentParser(prog="python -m helpers.datasets", description="fetch")
    parser.add_argument("name", help="name of the dataset, see data/README.md")
    parser.add_argument("data_dir", nargs="?", default="data", help="folder of the datasets")
    arguments = parser.parse_args(argv)
    try:
        print(fetch(arguments.name, arguments.data_dir))
    except DatasetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
