"""The feature store: reading, missing things, many shards, several versions of a file."""

from __future__ import annotations

import os
import pickle
import time

import numpy as np
import pytest

from helpers import store as store_files
from helpers.files import replacing
from helpers.store import COLUMNS, FeatureStore, File, Result, write_params, write_shard

PARAMS = {"kind": "log_mel", "version": 1, "sr": 22050, "hop_length": 512, "n_mels": 4}


def add(target, tracks, *, size=1):
    """Write a shard in which track t has `tracks[t]` frames of value t; None means failed."""
    files = [File(f"t{t}", f"audio/{t}.wav", size, 7) for t in tracks]
    results = [
        Result(reason="not audio")
        if n is None
        else Result(np.full((n, 4), t, np.float16), n / 10, 44100, 2)
        for t, n in tracks.items()
    ]
    return write_shard(target, files, iter(results), dtype="<f2", columns=4)


def test_round_trip(tmp_path):
    target = write_params(tmp_path, PARAMS)
    add(target, {0: 5, 1: None, 2: 3})
    add(target, {3: 2})
    store = FeatureStore(tmp_path)
    assert list(store.index.columns) == list(COLUMNS)
    assert sorted(store.index["track_id"]) == ["t0", "t1", "t2", "t3"]
    assert (len(store), store.n_mels, store.params) == (3, 4, PARAMS)
    assert store.frames_per_second == pytest.approx(43.07, abs=0.01)
    frames = store.frames("t2")
    assert isinstance(frames, np.memmap)
    assert (frames.shape, frames.dtype) == ((3, 4), np.float16)
    assert not frames.flags.writeable
    assert (frames == 2).all()
    assert "t0" in store
    assert "t1" not in store
    assert list(store.failed["track_id"]) == ["t1"]
    assert store.report() == "4 tracks: 3 ok, 1 failed (1 not audio)."
    assert store.report() in repr(store)


def test_shards_are_plain_npy(tmp_path):
    rows = add(write_params(tmp_path, PARAMS), {0: 5, 1: None, 2: 300})
    path = next(tmp_path.rglob("frames-*.npy"))
    frames = np.load(path, allow_pickle=False)
    assert frames.shape == (305, 4)
    assert path.name == f"frames-{rows['shard'][0]}.npy"


def test_locate_keeps_the_order(tmp_path):
    target = write_params(tmp_path, PARAMS)
    shard = add(target, {0: 5, 1: 4, 2: 3})["shard"][0]
    places = FeatureStore(tmp_path).locate(["t2", "t0", "t2"])
    assert list(places.index) == ["t2", "t0", "t2"]
    assert places.loc["t0"].tolist() == [shard, 0, 5]
    assert places["start"].tolist() == [9, 0, 9]


def test_unknown_and_failed_tracks(tmp_path):
    add(write_params(tmp_path, PARAMS), {0: 5, 1: None})
    store = FeatureStore(tmp_path)
    with pytest.raises(KeyError, match="t1: no features .not audio"):
        store.frames("t1")
    with pytest.raises(KeyError, match="t9: not in .*extract"):
        store.locate(["t0", "t9"])


def test_no_store(tmp_path):
    with pytest.raises(FileNotFoundError, match="no feature store; .*extract"):
        FeatureStore(tmp_path)


def test_all_failed_is_an_empty_shard(tmp_path):
    add(write_params(tmp_path, PARAMS), {0: None})
    assert np.load(next(tmp_path.rglob("frames-*.npy"))).shape == (0, 4)
    assert len(FeatureStore(tmp_path)) == 0


def test_an_unfinished_shard_does_not_count(tmp_path):
    target = write_params(tmp_path, PARAMS)
    add(target, {0: 5})
    add(target, {1: 5})
    next(target.glob("index-*.parquet")).unlink()
    assert len(FeatureStore(tmp_path)) == 1
    next(target.glob("index-*.parquet")).with_name("index-0000.parquet").write_text("alone")
    assert len(FeatureStore(tmp_path)) == 1


def test_the_index_says_which_version_counts(tmp_path):
    target = write_params(tmp_path, PARAMS)
    old = add(target, {0: 5, 1: 5})
    add(target, {0: 9}, size=2)
    store_files.write_index(target / "index.parquet", old)
    assert len(FeatureStore(tmp_path).frames("t0")) == 5
    add(target, {2: 7})  # by another run, which did not get as far as the index
    assert len(FeatureStore(tmp_path).frames("t2")) == 7
    next(target.glob(f"frames-{old['shard'][0]}.npy")).unlink()  # by hand
    store = FeatureStore(tmp_path)
    assert sorted(store.index["track_id"]) == ["t0", "t2"]
    assert len(store.frames("t0")) == 9


def test_many_shards_need_few_descriptors(tmp_path):
    resource = pytest.importorskip("resource")
    target = write_params(tmp_path, PARAMS)
    for t in range(300):
        add(target, {t: 2})
    store = FeatureStore(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_use = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + store_files.OPEN_SHARDS + 20, hard))
    try:
        for _ in range(2):
            assert all(store.frames(f"t{t}")[0, 0] == t for t in range(300))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_stores_travel_between_processes(tmp_path):
    add(write_params(tmp_path, PARAMS), {0: 5})
    store = FeatureStore(tmp_path)
    store.frames("t0")
    again = pickle.loads(pickle.dumps(store))
    assert (again.frames("t0") == 0).all()


def test_short_tracks_are_failed_on_reading(tmp_path):
    target = write_params(tmp_path, PARAMS | {"min_seconds": 0.4})
    add(target, {0: 5, 1: 3})
    store = FeatureStore(tmp_path)
    assert list(store.index["reason"]) == ["", "shorter than 0.4 s"]
    write_params(tmp_path, PARAMS)
    assert len(FeatureStore(tmp_path)) == 2


def test_sweep_removes_only_old_temporary_files(tmp_path):
    old, new = (tmp_path / f".a.{name}.tmp.npy" for name in ("old", "new"))
    for path in (old, new, tmp_path / "frames-1.npy"):
        path.touch()
    long_ago = time.time() - 2 * store_files.SWEEP_AFTER
    os.utime(old, (long_ago, long_ago))
    os.utime(tmp_path / "frames-1.npy", (long_ago, long_ago))
    store_files.sweep(tmp_path)
    assert not old.exists()
    assert new.exists()
    assert (tmp_path / "frames-1.npy").exists()


def test_a_write_where_a_reader_holds_the_file(tmp_path, monkeypatch):
    """Windows refuses to replace an open file; the one there has the same content."""

    def refuse(*args):
        raise PermissionError

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError), replacing(tmp_path / "a") as temporary:
        temporary.touch()
    (tmp_path / "a").touch()
    with replacing(tmp_path / "a") as temporary:
        temporary.touch()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
