"""The feature store: the frames of every track in memory-mapped shards, and an index of them.

A store is a folder. ``params.json`` says how its features were made last; each set of parameters
has a folder of its own below it, so going back to earlier ones recomputes nothing::

    features/
        params.json
        log_mel-1f0c93ab/
            params.json
            frames-<key>.npy       float16 [frames, n_mels]: the tracks of a chunk in a row
            index-<key>.parquet    one row for each of these tracks
            index.parquet          one row for each track of the store: what opens it quickly

The key of a shard is a hash of the tracks in it and of their files. A shard is written under a
temporary name and renamed, its index last: a shard with an index is complete. Shards are never
changed and never deleted, so any number of runs and readers may use a store at once; to get the
space of outdated ones back, delete the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers.files import on_disk, replacing, write_atomic

OPEN_SHARDS = 64  # memory maps held open at once; each costs a file descriptor
SWEEP_AFTER = 24 * 3600  # seconds after which a temporary file can only be a dead run's

COLUMNS = {
    "track_id": "str",
    "path": "str",
    "shard": "str",
    "start": "int64",
    "n_frames": "int64",
    "seconds": "float64",
    "size": "int64",
    "mtime_ns": "int64",
    "native_sr": "int64",
    "channels": "int64",
    "status": "str",
    "reason": "str",
    "note": "str",
}


class File(NamedTuple):
    """A track's file, and what tells whether it changed: bytes and time of modification."""

    track_id: str
    path: str
    size: int
    mtime_ns: int

    @classmethod
    def look(cls, track_id: str, path: str) -> File:
        """Look at the file as it is now; one that may not be read counts as absent (-1, -1)."""
        place = on_disk(path)
        try:
            stat = os.stat(place)
        except (OSError, ValueError):
            return cls(track_id, path, -1, -1)
        if not os.access(place, os.R_OK):
            return cls(track_id, path, -1, -1)
        return cls(track_id, path, stat.st_size, stat.st_mtime_ns)


class Result(NamedTuple):
    """What became of a track: its frames [n, columns], or the reason why there are none."""

    frames: np.ndarray | None = None
    seconds: float = 0.0
    native_sr: int = 0
    channels: int = 0
    reason: str = ""
    note: str = ""


class FeatureStore:
    """Read the features of a dataset.

    Parameters
    ----------
    folder : str or Path
        The folder that `helpers.features.extract` filled. It opens with the parameters that were
        used last.

    Attributes
    ----------
    index : DataFrame
        One row a track: track_id, path, shard, start and n_frames (frames), seconds, size (bytes),
        mtime_ns, native_sr (hertz), channels, status ("ok" or "failed"), reason, note.
    params : dict
        How the features were made: sr, n_fft, hop_length, n_mels, ...

    Raises
    ------
    FileNotFoundError
        If the folder holds no store.
    """

    def __init__(self, folder, *, params: dict | None = None, rows: pd.DataFrame | None = None):
        self.folder = Path(folder)
        self.params = params or read_params(self.folder)
        self._files = params_folder(self.folder, self.params)
        self.index = self._mark_short(read_rows(self._files) if rows is None else rows)
        ok = self.index[self.index["status"] == "ok"]
        places = zip(ok["shard"], ok["start"].tolist(), ok["n_frames"].tolist())
        self._places = dict(zip(ok["track_id"], places))
        self._open = lru_cache(maxsize=OPEN_SHARDS)(self._map)

    def _mark_short(self, rows) -> pd.DataFrame:
        """Fail the tracks that are too short: a view, so another limit recomputes nothing."""
        rows = rows.reset_index(drop=True)
        limit = self.params.get("min_seconds", 0.0)
        short = (rows["status"] == "ok") & (rows["seconds"] < limit)
        rows.loc[short, ["status", "reason"]] = ["failed", f"shorter than {limit:g} s"]
        rows.loc[short, "n_frames"] = 0
        return rows

    def _map(self, shard) -> np.memmap:
        return np.load(self._files / f"frames-{shard}.npy", mmap_mode="r")

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_open"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._open = lru_cache(maxsize=OPEN_SHARDS)(self._map)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, track_id) -> bool:
        return track_id in self._places

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.folder)!r}: {self.report()})"

    @property
    def n_mels(self) -> int:
        """Number of mel bands."""
        return self.params["n_mels"]

    @property
    def frames_per_second(self) -> float:
        """Frames in a second of audio."""
        return self.params["sr"] / self.params["hop_length"]

    @property
    def failed(self) -> pd.DataFrame:
        """The rows of the tracks without features; column reason says why."""
        return self.index[self.index["status"] == "failed"]

    def usable(self, tracks: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the tracks that could be read, indexed by track_id.

        Parameters
        ----------
        tracks : DataFrame
            The table of a `helpers.datasets.Dataset`.
        """
        here = tracks["track_id"].isin(self._places)
        return tracks[here].set_index("track_id", drop=False).rename_axis(None)

    def frames(self, track_id: str) -> np.memmap:
        """Return the features of a track, straight from disk.

        Parameters
        ----------
        track_id : str
            A track that is `in` the store.

        Returns
        -------
        frames : memmap [n_frames, n_mels], float16
            Time first. Slice it before converting it: only what is touched is read. Convert it
            before you reduce it: sums, deviations and percentiles overflow in float16.

        Raises
        ------
        KeyError
            If the track is unknown, or failed.
        """
        shard, start, n_frames = self._place(track_id)
        return self._open(shard)[start : start + n_frames]

    def locate(self, track_ids: Iterable[str]) -> pd.DataFrame:
        """Return shard, start and n_frames of each track, in the order given."""
        track_ids = list(track_ids)
        places = [self._place(track_id) for track_id in track_ids]
        names = ["shard", "start", "n_frames"]
        return pd.DataFrame(places, index=pd.Index(track_ids, name="track_id"), columns=names)

    def _place(self, track_id) -> tuple[str, int, int]:
        if track_id in self._places:
            return self._places[track_id]
        rows = self.index.loc[self.index["track_id"] == track_id, "reason"]
        if len(rows):
            raise KeyError(f"{track_id}: no features ({rows.iloc[0]}); leave the track out")
        raise KeyError(f"{track_id}: not in {self.folder}; run helpers.features.extract with it")

    def report(self) -> str:
        """Say in one paragraph how many tracks there are, how many failed, and why.

        Returns
        -------
        text : str
            Such as ``"100 tracks: 97 ok, 3 failed (2 not audio, 1 silent)."``
        """
        failed, notes = self.failed["reason"], self.index["note"]
        notes = notes[(notes != "") & (self.index["status"] == "ok")].str.split(":").str[0]
        text = f"{len(self.index):,} tracks: {len(self):,} ok, {len(failed):,} failed"
        text += f" ({_counts(failed)})." if len(failed) else "."
        return text + (f" Kept with a note: {_counts(notes)}." if len(notes) else "")


def _counts(values) -> str:
    return ", ".join(f"{count:,} {value}" for value, count in values.value_counts().items())


def params_folder(folder, params: dict) -> Path:
    """Return the folder of one set of parameters; ``min_seconds`` only filters what is read."""
    made_with = {name: value for name, value in params.items() if name != "min_seconds"}
    digest = hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest()[:8]
    return Path(folder) / f"{params['kind']}-{digest}"


def read_params(folder) -> dict:
    """Return the parameters that were used last; FileNotFoundError if there is no store."""
    try:
        return json.loads((Path(folder) / "params.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = f"{folder}: no feature store; helpers.features.extract makes it (notebook 02)"
        raise FileNotFoundError(problem) from None


def write_params(folder, params: dict) -> Path:
    """Write the parameters into the store and into their own folder, and return the latter."""
    target = params_folder(folder, params)
    target.mkdir(parents=True, exist_ok=True)
    for path in (target / "params.json", Path(folder) / "params.json"):
        write_atomic(path, json.dumps(params, indent=2) + "\n")
    return target


def read_rows(target: Path) -> pd.DataFrame:
    """Return one row a track: ``index.parquet``, and what it does not know yet."""
    shards = shard_keys(target)
    rows = _read_index([target / "index.parquet"])
    rows = rows[rows["shard"].isin(shards)]
    extra = _read_index(target / f"index-{key}.parquet" for key in shards - set(rows["shard"]))
    extra = extra[~extra["track_id"].isin(rows["track_id"])]
    return pd.concat([rows, extra], ignore_index=True).drop_duplicates("track_id")


def read_all_rows(target: Path) -> pd.DataFrame:
    """Return every row of every shard, also those of earlier versions of a file."""
    return _read_index(target / f"index-{key}.parquet" for key in shard_keys(target))


def shard_keys(target: Path) -> set[str]:
    """Return the keys of the complete shards."""
    names = set(os.listdir(target)) if target.is_dir() else set()
    keys = {name[6:-8] for name in names if name.startswith("index-") and name.endswith(".parquet")}
    return {key for key in keys if f"frames-{key}.npy" in names}


def _read_index(paths) -> pd.DataFrame:
    import pyarrow.dataset

    paths = sorted(str(path) for path in paths if path.exists())
    if not paths:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS.items()})
    return pyarrow.dataset.dataset(paths, format="parquet").to_table().to_pandas()


def write_index(path: Path, rows: pd.DataFrame) -> None:
    """Write rows of an index in one step."""
    with replacing(path) as temporary:
        rows.to_parquet(temporary, index=False)


def write_shard(
    target: Path, files: list[File], results: Iterable[Result], *, dtype: str, columns: int
) -> pd.DataFrame:
    """Write a chunk of tracks as one shard, track by track as the results come."""
    key = hashlib.sha256(repr([_identity(file) for file in files]).encode()).hexdigest()[:16]
    with replacing(target / f"frames-{key}.npy") as temporary:
        rows = _write_frames(temporary, key, files, results, dtype, columns)
    rows = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    write_index(target / f"index-{key}.parquet", rows)
    return rows


def _write_frames(path, key, files, results, dtype, columns) -> list[tuple]:
    """Write the frames of the tracks into an npy file; return the tracks' rows of the index."""
    rows, start = [], 0
    with open(path, "wb") as out:
        _write_header(out, dtype, (0, columns))
        for file, result in zip(files, results):
            n_frames = 0 if result.frames is None else len(result.frames)
            if n_frames:
                out.write(np.ascontiguousarray(result.frames, dtype=dtype).data)
            rows.append(_row(file, key, start, n_frames, result))
            start += n_frames
        out.seek(0)
        _write_header(out, dtype, (start, columns))
    return rows


def _identity(file) -> tuple:
    """Return what a file is known by: not by its folder, which a moved dataset changes."""
    return file.track_id, os.path.basename(file.path), file.size, file.mtime_ns


def _row(file, key, start, n_frames, result) -> tuple:
    status = "failed" if result.reason else "ok"
    facts = (result.seconds, file.size, file.mtime_ns, result.native_sr, result.channels)
    place = (file.track_id, file.path, key, start, n_frames)
    return (*place, *facts, status, result.reason, result.note)


def _write_header(out, dtype, shape) -> None:
    """Write the header of an npy file; numpy pads it, so that a larger shape takes no more room."""
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)


def sweep(target: Path) -> None:
    """Remove the temporary files of runs that were killed at least a day ago."""
    for path in target.glob(".*.tmp*"):
        try:
            if time.time() - path.stat().st_mtime > SWEEP_AFTER:
                path.unlink()
        except FileNotFoundError:  # another run was quicker
            pass
