"""Music as symbols: chord and key annotations, and the notes of MIDI files."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import librosa
import mir_eval
import numpy as np
import pandas as pd

from helpers.audio import walk

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
        A line is neither, or the file is not text in UTF-8. The message names the file.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.lab"
    >>> _ = path.write_text("0.0 N\n1.5 C\n3.0 G:7\n4.0 N\n")
    >>> read_lab(path)["label"].tolist()
    ['N', 'C', 'G:7', 'N']

    Notes
    -----
    Source: Isophonics, *Reference annotations*.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        problem = f"{path} is not text in UTF-8 ({error}); save it as UTF-8, or leave it out"
        raise ValueError(problem) from None
    rows = []
    for number, line in enumerate(lines, 1):
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
        Holds the folders chords and keys, or chordlab and keylab as Isophonics names them. A file
        is ``<album>/<song>.lab`` or ``<album>__<song>.chords``.

    Returns
    -------
    pd.DataFrame
        One row a song, in the order of the albums: album, title, chords (path), keys (path, ""
        if there is none).

    Raises
    ------
    FileNotFoundError
        There are no chords in this folder.
    """
    files = {
        f"{kind}s": _by_song(Path(folder) / f"{kind}s") or _by_song(Path(folder) / f"{kind}lab")
        for kind in ("chord", "key")
    }
    if not files["chords"]:
        raise FileNotFoundError(f"{folder}/chords holds no annotations ({', '.join(ENDINGS)})")
    rows = [
        (*song, str(path), str(files["keys"].get(song, "")))
        for song, path in sorted(files["chords"].items(), key=lambda item: str(item[1]))
    ]
    return pd.DataFrame(rows, columns=["album", "title", "chords", "keys"])


def _by_song(folder: Path) -> dict[tuple[str, str], Path]:
    found = {}
    for path in [folder / file for file in walk(folder, ENDINGS)] if folder.is_dir() else []:
        name = path.name[: -len(path.suffix)]
        album, mark, song = name.rpartition("__")
        found[(_clean(album if mark else path.parent.name), _clean(song))] = path
    return found


def _clean(name: str) -> str:
    """Take disc and track numbers off the front of a name, and underscores out of it."""
    disc = r"(\d*[\s.-]*cd ?\d+[\s.-]+)?"  # "10CD1 - The Beatles", "CD1 - 01 - Birthday"
    track = r"(\d-\d\d[\s.-]+|\d+[\s.-]+)?(-\s*)?"
    name = name.replace("_", " ").strip()
    return re.sub(f"^{disc}{track}", "", name, flags=re.IGNORECASE).strip() or name


def _plain(name: str) -> str:
    """Make names comparable: letters and digits only, no accents, no case, no brackets."""
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


def describe_chords(chords: pd.DataFrame, keys: pd.DataFrame | None = None) -> dict[str, float]:
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
    >>> describe_chords(song, key)["outside_share"]
    0.5

    Notes
    -----
    Source: Harte et al., *Symbolic representation of musical chords*, ISMIR 2005; chords are read
    by mir_eval.
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
        found.append((start, end, f"{tonic}:{mode}", _degrees(pitch, mode)))
    return found


def _degrees(pitch: int, mode: str) -> set[int] | None:
    """Pitch classes of a key; minor has the leading tone, too, which its dominant needs."""
    try:
        natural = {(step + pitch) % 12 for step in librosa.key_to_degrees(f"C:{mode}").tolist()}
    except librosa.ParameterError:
        return None
    return natural | ({(pitch + 11) % 12} if mode == "minor" else set())


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


# --- notes ----------------------------------------------------------------------------------

# How well each pitch class fits a key on C: Krumhansl and Kessler, 1982.
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
HELD = 4.0  # seconds after which the pedal holds nothing that one hears
TOGETHER = 0.05  # notes that begin within so many seconds are one chord
LOWEST, KEYS = 21, 88  # of a piano, as MIDI pitch


def read_notes(
    path: str | os.PathLike, *, seconds: float | None = None, pedal: bool = False
) -> pd.DataFrame:
    """Read the notes of a MIDI file, from the first note on.

    Parameters
    ----------
    path : path
        The file.
    seconds : float > 0, optional
        Only notes that begin within so many seconds; by default all.
    pedal : bool
        A note lasts as long as the pedal holds it, at most 4 s after the key comes up; by default
        it ends where the key comes up.

    Returns
    -------
    pd.DataFrame
        start and end in seconds, pitch (MIDI number, 60 is middle C), velocity (1 to 127), in the
        order of time. Drums are left out.

    Raises
    ------
    ValueError
        The file is not MIDI, or holds no notes. The message names it.
    """
    import symusic

    try:
        score = symusic.Score(os.fspath(path)).to("second")
    except Exception as error:
        raise ValueError(f"{path}: not a readable MIDI file; check or leave it out") from error
    columns, parts = ["start", "end", "pitch", "velocity"], []
    for track in (track for track in score.tracks if not track.is_drum and track.notes):
        rows = [(n.time, n.time + n.duration, n.pitch, n.velocity) for n in track.notes]
        parts.append(pd.DataFrame(rows, columns=columns))
        if pedal:
            parts[-1]["end"] = _released(parts[-1]["end"].to_numpy(), track.pedals)
    if not parts:
        raise ValueError(f"{path}: holds no notes; leave it out")
    notes = pd.concat(parts)
    notes[["start", "end"]] -= notes["start"].min()
    if seconds is not None:
        notes = notes[notes["start"] < seconds]
    return notes.sort_values(["start", "pitch"], ignore_index=True)


def _released(ends: np.ndarray, pedals) -> np.ndarray:
    """Return when the pedal lets go of notes whose keys come up while it is down."""
    downs = np.array([(p.time, p.time + p.duration) for p in pedals] or [(np.inf, np.inf)])
    place = np.searchsorted(downs[:, 0], ends, side="right") - 1
    up = np.where(place >= 0, downs[place, 1], -np.inf)
    return np.where(ends < up, np.minimum(up, ends + HELD), ends)


def pianoroll(notes: pd.DataFrame, *, fps: float = 20.0) -> np.ndarray:
    """Draw notes as a picture: time by key, as loud as they were struck.

    Parameters
    ----------
    notes : pd.DataFrame
        What `read_notes` returns.
    fps : float > 0
        Frames a second.

    Returns
    -------
    np.ndarray [shape=(n_frames, 88)]
        Velocity while a key is down, 0 elsewhere; the lowest key, A0, comes first.

    Examples
    --------
    >>> note = pd.DataFrame({"start": [0.0], "end": [0.5], "pitch": [60], "velocity": [64]})
    >>> pianoroll(note, fps=2).shape, int(pianoroll(note, fps=2)[0, 60 - 21])
    ((1, 88), 64)
    """
    roll = np.zeros((int(np.ceil(notes["end"].max() * fps)), KEYS))
    for start, end, pitch, velocity in notes[["start", "end", "pitch", "velocity"]].to_numpy():
        if LOWEST <= pitch < LOWEST + KEYS:
            first = int(start * fps)
            roll[first : max(first + 1, int(np.ceil(end * fps))), int(pitch) - LOWEST] = velocity
    return roll


def describe_notes(notes: pd.DataFrame) -> dict[str, float]:
    """Describe notes in four families of numbers: register, density, dynamics and harmony.

    Parameters
    ----------
    notes : pd.DataFrame
        What `read_notes` returns.

    Returns
    -------
    dict
        "register: ..." which keys are used; "density: ..." how many notes, how fast, how many at
        once; "dynamics: ..." how hard and how long they are struck (logs are those of
        seconds); "harmony: ..." which pitch classes, seen from the key that fits best, and how
        clear that key is. Harmony does not change when a piece is transposed, nor when an octave
        is doubled by another.

    Examples
    --------
    >>> scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    >>> start = np.arange(8) / 2
    >>> notes = pd.DataFrame({"start": start, "end": start + 0.5, "pitch": scale, "velocity": 64})
    >>> d = describe_notes(notes)
    >>> d["density: notes a second"], d["register: mean"], d["harmony: major"]
    (2.0, 66.25, 1.0)

    Notes
    -----
    Source of the key: Krumhansl, *Cognitive foundations of musical pitch*, 1990.
    """
    start, end, pitch, velocity = notes[["start", "end", "pitch", "velocity"]].to_numpy(float).T
    length = max(float(end.max() - start.min()), 1e-3)
    onsets = start[np.append(True, np.diff(start) > TOGETHER)]
    gaps = np.diff(onsets) if len(onsets) > 1 else np.array([length])
    order = np.append(0, np.abs(np.diff(pitch)))
    out = {
        "register: mean": pitch.mean(),
        "register: spread": pitch.std(),
        "register: low": np.percentile(pitch, 5),
        "register: high": np.percentile(pitch, 95),
        "register: step": np.median(order),
        "density: notes a second": len(pitch) / length,
        "density: onsets a second": len(onsets) / length,
        "density: notes struck together": len(pitch) / len(onsets),
        "density: notes sounding at once": (end - start).sum() / length,
        "density: log of the gap": np.log(np.median(gaps) + 0.01),
        "density: unevenness": gaps.std() / max(gaps.mean(), 1e-3),
        "dynamics: mean": velocity.mean(),
        "dynamics: spread": velocity.std(),
        "dynamics: log of the length": np.log(np.median(end - start) + 0.01),
    }
    return {k: float(v) for k, v in (out | _harmony(pitch, end - start)).items()}


def _harmony(pitch: np.ndarray, lengths: np.ndarray) -> dict[str, float]:
    profile = np.bincount(pitch.astype(int) % 12, weights=lengths, minlength=12)
    profile = profile / max(profile.sum(), 1e-9)
    fits = {
        (kind, key): np.nan_to_num(np.corrcoef(np.roll(template, key), profile)[0, 1])
        for kind, template in (("major", MAJOR), ("minor", MINOR))
        for key in range(12)
    }
    ranked = sorted(fits, key=fits.get, reverse=True)
    kind, key = ranked[0]
    own = np.roll(profile, -key)
    used = own[own > 0]
    out = {
        "harmony: major": float(kind == "major"),
        "harmony: clear key": fits[ranked[0]],
        "harmony: second key": fits[ranked[0]] - fits[ranked[1]],
        "harmony: evenness": -(used * np.log2(used)).sum(),
    }
    return out | {f"harmony: degree {k:02d}": own[k] for k in range(12)}
