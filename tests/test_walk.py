"""One way to look for files, for loading and for classifying."""

import os

import numpy as np
import pytest
import soundfile as sf

from helpers import classify, datasets, quality
from helpers.audio import walk


def tree(root, *files):
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        sf.write(root / file, np.random.default_rng(0).normal(size=800), 8000, format="WAV")
    return root


def test_a_name_may_begin_with_a_dot_and_what_the_system_keeps_is_skipped(tmp_path):
    mine = ["...And Justice for All/One.mp3", ".38 Special/.hidden hit.flac", "rock/a.wav"]
    systems = [
        "rock/._a.wav", ".Trashes/501/gone.wav", ".Trash-1000/files/old.wav", "__MACOSX/x.wav",
        "$RECYCLE.BIN/S-1/b.wav", "@eaDir/a.wav/SYNO.wav", ".ipynb_checkpoints/a.wav",
    ]  # fmt: skip
    assert walk(tree(tmp_path, *mine, *systems)) == sorted(mine)


def test_a_folder_may_be_called_like_a_file(tmp_path):
    assert walk(tree(tmp_path, "Live.mp3/01.wav", "Live.mp3/deep.flac/02.wav")) == [
        "Live.mp3/01.wav", "Live.mp3/deep.flac/02.wav",
    ]  # fmt: skip


def test_linked_folders_are_followed_and_none_is_entered_twice(tmp_path):
    outside = tree(tmp_path / "disk", "b/2.wav")
    music = tree(tmp_path / "music", "a/1.wav")
    (music / "linked").symlink_to(outside)
    (music / "again").symlink_to(music / "a")
    (music / "a" / "loop").symlink_to(music)
    assert walk(music) == ["a/1.wav", "linked/b/2.wav"]


def test_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    tree(tmp_path, "a/1.wav", "secret/2.wav")
    scandir = os.scandir

    def refuse(place):
        if str(place).endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.warns(UserWarning, match="secret: left out, Permission denied"):
        assert walk(tmp_path) == ["a/1.wav"]


def test_loading_and_classifying_find_the_same_files(tmp_path):
    files = ["rock/...and/1.wav", "rock/Live.mp3/2.wav", "jazz/3.opus.wav", "jazz/._3.wav"]
    root = tree(tmp_path / "music", *files)
    (root / "jazz" / "more").symlink_to(tree(tmp_path / "disk", "4.wav"))
    loaded = datasets.load("folder", tmp_path, folder="music").tracks["path"]
    assert sorted(loaded) == sorted(str(p) for p in classify.find_sounds([root]))
    assert len(loaded) == 4


def test_what_a_shop_has_locked_is_counted_and_becomes_a_row_with_a_reason(tmp_path):
    root = tree(tmp_path / "music", "rock/1.wav", "jazz/2.wav")
    for name in ("rock/3.m4p", "jazz/4.M4P", "jazz/5.aax"):
        (root / name).write_bytes(bytes(100))
    dataset = datasets.load("folder", tmp_path, folder="music")
    assert [note[:24] for note in dataset.notes] == [
        "2 files end in .m4p: a s", "1 files end in .aax: a s",
    ]  # fmt: skip
    measured = quality.measure(dataset.tracks, progress=False)
    assert measured["reason"].value_counts().to_dict() == {"protected": 3, "": 2}
