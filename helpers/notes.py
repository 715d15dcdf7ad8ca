"""Notes of piano pieces: read from MIDI, drawn as a pianoroll, described in a few numbers."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd

# How well each pitch class fits a key on C: Krumhansl and Kessler, 1982.
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
TOGETHER = 0.05  # notes that begin within so many seconds are one chord
LOWEST, KEYS = 21, 88  # of a piano, as MIDI pitch


def read_notes(path: str | os.PathLike, *, seconds: float | None = None) -> pd.DataFrame:
    """Read the notes of a MIDI file, from the first note on.

    Parameters
    ----------
    path : path
        The file.
    seconds : float > 0, optional
        Only notes that begin within so many seconds; by default all.

    Returns
    -------
    pd.DataFrame
        start and end in seconds, pitch (MIDI number, 60 is middle C), velocity (1 to 127), in the
        order of time. The pedal is left aside: an end is where the key comes up.

    Raises
    ------
    ValueError
        The file is not MIDI, or holds no notes. The message names it.

    Notes
    -----
    Notebook: 15_composers.
    """
    import symusic

    try:
        score = symusic.Score(os.fspath(path)).to("second")
    except Exception as error:
        raise ValueError(f"{path}: not a readable MIDI file; check or leave it out") from error
    rows = [
        (note.time, note.time + note.duration, note.pitch, note.velocity)
        for track in score.tracks
        if not track.is_drum
        for note in track.notes
    ]
    if not rows:
        raise ValueError(f"{path}: holds no notes; leave it out")
    notes = pd.DataFrame(rows, columns=["start", "end", "pitch", "velocity"])
    notes[["start", "end"]] -= notes["start"].min()
    if seconds is not None:
        notes = notes[notes["start"] < seconds]
    return notes.sort_values(["start", "pitch"], ignore_index=True)


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

    Notes
    -----
    Notebook: 15_composers.
    """
    roll = np.zeros((int(np.ceil(notes["end"].max() * fps)), KEYS))
    for start, end, pitch, velocity in notes[["start", "end", "pitch", "velocity"]].to_numpy():
        if LOWEST <= pitch < LOWEST + KEYS:
            first = int(start * fps)
            roll[first : max(first + 1, int(np.ceil(end * fps))), int(pitch) - LOWEST] = velocity
    return roll


def describe(notes: pd.DataFrame) -> dict[str, float]:
    """Describe notes in four families of numbers: register, density, dynamics and harmony.

    Parameters
    ----------
    notes : pd.DataFrame
        What `read_notes` returns.

    Returns
    -------
    dict
        "register: ..." which keys are used; "density: ..." how many notes, how fast, how many at
        once; "dynamics: ..." how hard and how long they are struck; "harmony: ..." which pitch
        classes, seen from the key that fits best, and how clear that key is. Harmony does not
        change when a piece is transposed, nor when an octave is doubled by another.

    Examples
    --------
    >>> scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    >>> start = np.arange(8) / 2
    >>> notes = pd.DataFrame({"start": start, "end": start + 0.5, "pitch": scale, "velocity": 64})
    >>> d = describe(notes)
    >>> d["density: notes a second"], d["register: mean"], d["harmony: major"]
    (2.0, 66.25, 1.0)

    Notes
    -----
    Notebook: 15_composers. Source of the key: Krumhansl, *Cognitive foundations of musical pitch*,
    1990.
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
        "density: notes an onset": len(pitch) / len(onsets),
        "density: sounding": (end - start).sum() / length,
        "density: gap": np.log(np.median(gaps) + 0.01),
        "density: unevenness": gaps.std() / max(gaps.mean(), 1e-3),
        "dynamics: mean": velocity.mean(),
        "dynamics: spread": velocity.std(),
        "dynamics: length": np.log(np.median(end - start) + 0.01),
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
