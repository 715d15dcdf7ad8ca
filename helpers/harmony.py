"""Chord and key annotations: read them, match them with songs, and say what harmony a song has."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import mir_eval
import numpy as np
import pandas as pd

SCALES = {  # steps above the tonic; minor has the leading tone, too, which its dominant needs
    "major": {0, 2, 4, 5, 7, 9, 11},
    "minor": {0, 2, 3, 5, 7, 8, 10, 11},
    "dorian": {0, 2, 3, 5, 7, 9, 10},
    "phrygian": {0, 1, 3, 5, 7, 8, 10},
    "lydian": {0, 2, 4, 6, 7, 9, 11},
    "mixolydian": {0, 2, 4, 5, 7, 9, 10},
    "aeolian": {0, 2, 3, 5, 7, 8, 10},
}
ENDINGS = (".lab", ".chords", ".keys", ".txt")


def read_lab(path: str | os.PathLike) -> pd.DataFrame:
    r"""Read an annotation file: chords, keys, or anything else that lasts.

    Both public layouts are known: start, end and label in each line; or start and label, where a
    label lasts until the next one.

    Parameters
    ----------
    path : path
        Text with white space between the columns; times in seconds.

    Returns
    -------
    pd.DataFrame
        start, end (seconds) and label, in order. The last label of the second layout lasts for
        ever: its end is infinite.

    Raises
    ------
    ValueError
        A line is neither. The message names the file and the line.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.lab"
    >>> _ = path.write_text("0.0 N\n1.5 C\n3.0 G:7\n4.0 N\n")
    >>> read_lab(path)["label"].tolist()
    ['N', 'C', 'G:7', 'N']

    Notes
    -----
    Notebook: 12_beatles_exploration. Source: Isophonics, *Reference annotations*.
    """
    rows = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8-sig").splitlines(), 1):
        parts = line.split(None, 2)
        if not parts:
            continue
        try:
            start, second = float(parts[0]), _number(parts[1])
            label = line.split(None, 1)[1] if second is None else parts[2]
        except (ValueError, IndexError):
            problem = f"{path}, line {number}: {line!r} is no start, end and label"
            raise ValueError(problem) from None
        rows.append((start, second, label.strip()))
    table = pd.DataFrame(rows, columns=["start", "end", "label"]).astype(
        {"start": float, "end": float}
    )
    table["end"] = table["end"].fillna(table["start"].shift(-1)).fillna(np.inf)
    return table[table["end"] > table["start"]].reset_index(drop=True)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def find_annotations(folder: str | os.PathLike) -> pd.DataFrame:
    """List the songs that have chords, with their keys where there are some.

    Parameters
    ----------
    folder : path
        Holds the folders chords and keys. A file is ``<album>/<song>.lab`` or
        ``<album>__<song>.chords``.

    Returns
    -------
    pd.DataFrame
        One row a song, in the order of the albums: album, title, chords (path), keys (path, ""
        if there is none).

    Raises
    ------
    FileNotFoundError
        There are no chords in this folder.

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    files = {kind: _by_song(Path(folder) / kind) for kind in ("chords", "keys")}
    if not files["chords"]:
        raise FileNotFoundError(f"{folder}/chords holds no annotations ({', '.join(ENDINGS)})")
    rows = [
        (*song, str(path), str(files["keys"].get(song, "")))
        for song, path in sorted(files["chords"].items(), key=lambda item: str(item[1]))
    ]
    return pd.DataFrame(rows, columns=["album", "title", "chords", "keys"])


def _by_song(folder: Path) -> dict[tuple[str, str], Path]:
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS):
        name = path.name[: -len(path.suffix)]
        album, mark, song = name.rpartition("__")
        found[(_clean(album if mark else path.parent.name), _clean(song))] = path
    return found


def _clean(name: str) -> str:
    """Take numbers off the front of a name, and underscores out of it.

    >>> _clean("10_CD1_The_Beatles"), _clean("03_-_Anna_(Go_To_Him)"), _clean("1969 - Abbey Road")
    ('The Beatles', 'Anna (Go To Him)', 'Abbey Road')
    """
    name = name.replace("_", " ")
    return re.sub(r"^(\d+[\s.-]+)?(-\s*)?(cd ?\d+[\s.-]+)?", "", name, flags=re.IGNORECASE).strip()


def _plain(name: str) -> str:
    """Make names comparable: letters and digits only, no accents, no case, no brackets.

    >>> _plain("Anna (Go to Him)") == _plain("anna")
    True
    """
    name = unicodedata.normalize("NFKD", name.casefold())
    short = re.sub(r"[(\[].*?[)\]]", "", name)
    return re.sub(r"[^a-z0-9]", "", short) or re.sub(r"[^\w]", "", name)


def match(titles: Iterable[str], others: Iterable[str], *, cutoff: float = 0.85) -> pd.Series:
    """Find each title among others, whatever their spelling.

    Parameters
    ----------
    titles, others : iterable of str
        Names of songs.
    cutoff : float
        How alike two names must be where they are not the same, from 0 to 1.

    Returns
    -------
    pd.Series
        For each of `titles` (index) the one of `others` that it is, or None. None is used twice.

    Examples
    --------
    >>> match(["Help!", "Lucy in the sky"], ["Help", "Lucy In The Sky With Diamonds"]).tolist()
    ['Help', None]

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    titles, free, found = list(titles), {}, {}
    for other in others:
        free.setdefault(_plain(other), other)
    for title in titles:
        if title not in found and _plain(title) in free:
            found[title] = free.pop(_plain(title))
    for title in titles:
        near = difflib.get_close_matches(_plain(title), free, n=1, cutoff=cutoff)
        if title not in found and near:
            found[title] = free.pop(near[0])
    return pd.Series([found.get(title) for title in titles], titles, dtype=object)


def match_songs(songs: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    """Find each song among others: first within the album of the same name, then anywhere.

    Parameters
    ----------
    songs, others : pd.DataFrame
        Columns album and title.

    Returns
    -------
    pd.Series
        For each of `songs` the index of the one of `others` that it is, or None. None is used
        twice.

    Examples
    --------
    >>> ours = pd.DataFrame({"album": ["A", "B"], "title": ["Intro", "Intro!"]})
    >>> match_songs(ours, pd.DataFrame({"album": ["b"], "title": ["intro"]})).tolist()
    [None, 0]

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    found = pd.Series(None, songs.index, dtype=object)
    albums = match(songs["album"].unique(), others["album"].unique())
    for ours, theirs in [*albums.dropna().items(), (None, None)]:
        free = others.drop(index=found.dropna().to_list())
        here, there = songs[found.isna()], free
        if ours is not None:
            here, there = here[here["album"] == ours], free[free["album"] == theirs]
        by_title = pd.Series(there.index, there["title"])
        by_title = by_title[~by_title.index.duplicated()]
        partners = match(here["title"], by_title.index).to_numpy()
        place = by_title.to_dict()
        found[here.index] = [place.get(title) for title in partners]
    return found


def describe(chords: pd.DataFrame, keys: pd.DataFrame | None = None) -> dict[str, float]:
    """Say in a few figures what harmony a song has.

    Parameters
    ----------
    chords : pd.DataFrame
        What `read_lab` returns; labels in Harte's syntax, such as "A:min7/b3", and "N" for none.
        A last chord whose end is not known is left out.
    keys : pd.DataFrame, optional
        The same for keys: a tonic and a mode, such as "C#:minor"; a tonic alone is major.

    Returns
    -------
    dict
        chords : int, different chords, whatever their bass note.
        changes_per_minute : float, of chords.
        minor_share, seventh_share, outside_share : float, of the time with chords: chords with a
        minor third; chords of four notes and more; chords with a note outside of the key. The last
        is NaN where no key is known.
        keys : int, different keys; key_changes : int.

    Raises
    ------
    ValueError
        A chord or a key cannot be read.

    Examples
    --------
    >>> song = pd.DataFrame({"start": [0, 2], "end": [2, 4], "label": ["C", "Ab"]})
    >>> key = pd.DataFrame({"start": [0], "end": [4], "label": ["C"]})
    >>> describe(song, key)["outside_share"]
    0.5

    Notes
    -----
    Notebook: 12_beatles_exploration. Source: Harte et al., *Symbolic representation of musical
    chords*, ISMIR 2005; chords are read by mir_eval.
    """
    chords = chords[np.isfinite(chords["end"])]
    try:
        parsed = [mir_eval.chord.encode(label) for label in chords["label"]]
    except (mir_eval.chord.InvalidChordException, TypeError) as problem:  # "H" is a TypeError
        raise ValueError(f"a chord cannot be read: {problem}") from None
    sounding = np.array([root >= 0 for root, *_ in parsed], dtype=bool)
    length = (chords["end"] - chords["start"]).to_numpy()[sounding]
    kinds = [(root, tuple(map(int, notes))) for root, notes, _ in parsed if root >= 0]
    total = max(length.sum(), 1e-9)
    changes = sum(a != b for a, b in zip(kinds, kinds[1:]))
    minor = np.array([notes[3] and not notes[4] for _, notes in kinds], dtype=bool)
    large = np.array([sum(notes) >= 4 for _, notes in kinds], dtype=bool)
    found = {
        "chords": len(set(kinds)),
        "changes_per_minute": 60 * changes / total,
        "minor_share": float(length[minor].sum() / total) if len(kinds) else 0.0,
        "seventh_share": float(length[large].sum() / total) if len(kinds) else 0.0,
    }
    scales = [] if keys is None else _scales(keys)
    outside, covered = _outside(chords[sounding], kinds, scales)
    names = [label for *_, label, _ in scales]
    return found | {
        "outside_share": float(outside / covered) if covered > 0 else np.nan,
        "keys": len(set(names)),
        "key_changes": sum(a != b for a, b in zip(names, names[1:])),
    }


def _scales(keys: pd.DataFrame) -> list[tuple[float, float, str, set[int] | None]]:
    """Start, end, name and notes of each key; None for the notes of a mode that is not known."""
    found = []
    for start, end, label in keys[["start", "end", "label"]].itertuples(index=False):
        name = re.sub(r"^key\s+", "", label, flags=re.IGNORECASE)
        if name.lower() in ("silence", "n", "key", ""):
            continue
        tonic, _, mode = name.partition(":")
        try:
            pitch = mir_eval.chord.pitch_class_to_semitone(tonic.strip())
        except (mir_eval.chord.InvalidChordException, TypeError):
            raise ValueError(f"a key cannot be read: {label!r}") from None
        mode = {"": "major", "maj": "major", "min": "minor"}.get(mode.strip(), mode.strip())
        steps = SCALES.get(mode)
        notes = {(pitch + step) % 12 for step in steps} if steps else None
        found.append((start, end, f"{tonic}:{mode}", notes))
    return found


def _outside(chords: pd.DataFrame, kinds: list, scales: list) -> tuple[float, float]:
    """Seconds with a chord outside of the key, and seconds with a chord and a known key."""
    outside = covered = 0.0
    for (start, end), (root, notes) in zip(chords[["start", "end"]].to_numpy(), kinds):
        pitches = {(root + step) % 12 for step in np.flatnonzero(notes)}
        for first, last, _, scale in scales:
            both = min(end, last) - max(start, first)
            if both > 0 and scale is not None:
                covered += both
                outside += both * bool(pitches - scale)
    return outside, covered
