"""Every loader on small files in the real layouts, at its limits, and on real data."""

from __future__ import annotations

import json
import math
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from helpers import datasets, splits
from helpers.datasets import DatasetError, load

CONTRACT = list(datasets.COLUMNS)


def sound(path, seconds=0.05):
    """Write a tiny audio file; the suffix says the format."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    y = np.random.default_rng(0).normal(0, 0.1, int(8000 * seconds)).astype(np.float32)
    sf.write(path, y, 8000)
    return path


def text(path, *lines):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def check_contract(dataset):
    tracks = dataset.tracks
    assert list(tracks.columns[: len(CONTRACT)]) == CONTRACT
    assert tracks["track_id"].is_unique and not tracks["track_id"].eq("").any()
    assert (tracks["group"] != "").all()
    assert set(tracks["split"]) <= {"train", "valid", "test", ""}
    assert tracks["seconds"].dtype == float
    assert all(isinstance(row, tuple) for row in tracks["labels"])
    assert all(os.path.exists(path) for path in tracks["path"])
    assert dataset.classes == sorted(dataset.classes) and dataset.licence
    text_columns = tracks[list(datasets.TEXT)]
    assert not text_columns.isna().any().any()


# --- load itself ----------------------------------------------------------------------------


def test_unknown_name_option_and_class_list_what_is_known(tmp_path):
    sound(tmp_path / "music/jazz/a.wav")
    with pytest.raises(DatasetError, match=r"unknown dataset 'gtzna'.*gtzan, .*folder"):
        load("gtzna", tmp_path)
    with pytest.raises(DatasetError, match=r"no option 'folders'; known: classes, folder"):
        load("folder", tmp_path, folders="music")
    with pytest.raises(DatasetError, match=r"no class 'jaz'; present: jazz"):
        load("folder", tmp_path, folder="music", classes=["jazz", "jaz"])


def test_paths_are_joined_as_given(tmp_path, monkeypatch):
    sound(tmp_path / "data/music/jazz/a.wav")
    monkeypatch.chdir(tmp_path)
    tracks = load("folder", "data", folder="music").tracks
    assert tracks["path"].tolist() == [os.path.join("data", "music", "jazz", "a.wav")]


def test_summary_and_report(tmp_path):
    for name in ("jazz/a", "jazz/b", "rock/c"):
        sound(tmp_path / f"m/{name}.wav")
    text(tmp_path / "m/labels.csv", "file,labels,split", "jazz/a.wav,jazz|live,train",
         "jazz/b.wav,jazz,test", "rock/c.wav,rock,")  # fmt: skip
    dataset = load("folder", tmp_path, folder="m")
    summary = dataset.summary()
    assert list(summary.columns) == ["train", "test", "none", "total"]
    assert summary.loc["jazz"].tolist() == [1, 1, 0, 2]
    assert "3 tracks" in repr(dataset) and "train 1" in repr(dataset)


# --- GTZAN ----------------------------------------------------------------------------------


@pytest.fixture
def gtzan_lists(tmp_path):
    lists = tmp_path / "gtzan/lists"
    text(lists / "train_filtered.txt", "blues/blues.00000.wav", "rock/rock.00001.wav")
    text(lists / "valid_filtered.txt", "rock/rock.00002.wav")
    text(lists / "test_filtered.txt", "rock/rock.00003.wav")
    return tmp_path


@pytest.mark.parametrize(
    "layout",
    ["gtzan/genres", "gtzan/genres_original", "gtzan/Data/genres_original", "gtzan", "genres"],
)
@pytest.mark.parametrize("suffix", [".wav", ".au", ".flac", ".ogg", ".mp3", ".aiff"])
def test_gtzan_in_every_layout_and_format(gtzan_lists, layout, suffix):
    root = gtzan_lists / layout
    sound(root / f"blues/blues.00000{suffix}")
    sound(root / f"rock/rock.00002{suffix}")
    sound(root / f"rock/rock.00009{suffix}")
    for junk in (f"._rock.00002{suffix}", ".DS_Store", "rock.00002.txt"):
        (root / "rock" / junk).write_bytes(b"junk")
    dataset = load("gtzan", gtzan_lists)
    check_contract(dataset)
    assert dataset.tracks["track_id"].tolist() == ["blues.00000", "rock.00002", "rock.00009"]
    assert dataset.tracks["split"].tolist() == ["train", "valid", ""]
    assert dataset.classes == ["blues", "rock"]
    notes = " ".join(dataset.notes)
    assert "1 of the 2 train tracks" in notes and "0 of the 1 test tracks" in notes
    assert "1 tracks present stand in no part" in notes


def test_gtzan_counts_of_chosen_classes(gtzan_lists):
    sound(gtzan_lists / "gtzan/genres/blues/blues.00000.wav")
    sound(gtzan_lists / "gtzan/genres/rock/rock.00002.wav")
    dataset = load("gtzan", gtzan_lists, classes=["blues"])
    assert dataset.classes == ["blues"] and dataset.notes == []
    with pytest.raises(DatasetError, match="present: blues, rock"):
        load("gtzan", gtzan_lists, classes=["jazz"])


def test_gtzan_without_lists_says_how_to_get_them(tmp_path):
    sound(tmp_path / "gtzan/genres/rock/rock.00000.wav")
    dataset = load("gtzan", tmp_path)
    assert dataset.tracks["split"].tolist() == [""]
    assert any('fetch("gtzan_lists"' in note for note in dataset.notes)


def test_gtzan_from_two_folders_first_wins(gtzan_lists):
    sound(gtzan_lists / "gtzan/genres/rock/rock.00001.wav")
    sound(gtzan_lists / "cuts/genres/rock/rock.00001.ogg")
    sound(gtzan_lists / "cuts/genres/rock/rock.00002.ogg")
    dataset = load("gtzan", gtzan_lists, folders=["gtzan", "cuts"])
    assert dataset.tracks["track_id"].tolist() == ["rock.00001", "rock.00002"]
    assert dataset.tracks["path"][0].endswith(os.path.join("gtzan/genres", "rock/rock.00001.wav"))
    assert any("1 files repeat a track" in note for note in dataset.notes)


@pytest.mark.parametrize("double", [".au.wav", ".au.flac", ".wav.ogg", ".AU.WAV", ".Wav.au.wav"])
@pytest.mark.parametrize("listed", ["", ".au.wav", ".WAV"])
def test_gtzan_names_with_two_endings(tmp_path, double, listed):
    lines = (f"{name.split('.')[0]}/{name}{listed}" for name in ("rock.00016", "rock.00017"))
    text(tmp_path / "gtzan/lists/train_filtered.txt", *lines)
    sound(tmp_path / f"gtzan/genres/rock/rock.00016{double}")
    sound(tmp_path / f"gtzan/genres/metal/metal.00058{double}")
    dataset = load("gtzan", tmp_path)
    assert dataset.tracks["track_id"].tolist() == ["metal.00058", "rock.00016"]
    assert dataset.tracks["group"].tolist() == ["rock.00016", "rock.00016"]
    assert dataset.tracks["split"].tolist() == ["", "train"]
    assert any("1 of the 2 train tracks" in note for note in dataset.notes)


def test_fma_and_irmas_names_with_two_endings(fma, tmp_path):
    os.remove(fma / "fma/fma_small/000/000002.mp3")
    sound(fma / "fma/fma_small/000/000002.mp3.wav")
    assert "000002" in set(load("fma_small", fma).tracks["track_id"])
    train, test = tmp_path / "irmas/IRMAS-TrainingData", tmp_path / "irmas/IRMAS-TestingData-Part1"
    sound(train / "cel/[cel][cla]0001__1.wav.flac")
    sound(test / "Part1/song-1.wav.flac")
    text(test / "Part1/song-1.txt", "cel")
    rows = load("irmas", tmp_path).tracks.set_index("track_id")
    assert rows["group"].to_dict() == {
        "Part1/song-1": "song song", "cel/[cel][cla]0001__1": "recording 0001",
    }  # fmt: skip


def test_gtzan_known_faults(tmp_path):
    sound(tmp_path / "gtzan/genres/rock/rock.00016.wav")
    sound(tmp_path / "gtzan/genres/metal/metal.00058.wav")
    sound(tmp_path / "gtzan/genres/jazz/jazz.00054.wav")
    dataset = load("gtzan", tmp_path)
    assert dataset.tracks["group"].tolist() == ["jazz.00054", "rock.00016", "rock.00016"]
    assert any("jazz.00054 cannot be read" in note for note in dataset.notes)


def test_gtzan_missing_and_packed(tmp_path):
    with pytest.raises(DatasetError) as missing:
        load("gtzan", tmp_path)
    assert str(tmp_path / "gtzan" / "genres") in str(missing.value)
    assert "huggingface.co/datasets/marsyas/gtzan" in str(missing.value)
    (tmp_path / "gtzan").mkdir()
    (tmp_path / "gtzan/genres.tar.gz").write_bytes(b"")
    with pytest.raises(DatasetError, match=r'still packed: fetch\("gtzan"'):
        load("gtzan", tmp_path)


@pytest.mark.parametrize("layout", ["gtzan_mini/gtzan_mini-main/genres", "gtzan_mini/genres"])
def test_gtzan_mini_has_no_split_and_ignores_gtzan(gtzan_lists, layout):
    sound(gtzan_lists / "gtzan/genres/rock/rock.00001.wav")
    sound(gtzan_lists / layout / "rock/rock.00002.wav")
    dataset = load("gtzan_mini", gtzan_lists)
    check_contract(dataset)
    assert dataset.tracks["track_id"].tolist() == ["rock.00002"]
    assert dataset.tracks["split"].tolist() == [""]


# --- FMA ------------------------------------------------------------------------------------

FMA_HEADER = (
    ",album,artist,artist,set,set,track,track,track,track",
    ",title,id,name,split,subset,duration,genre_top,genres_all,title",
    "track_id,,,,,,,,,",
)


@pytest.fixture
def fma(tmp_path):
    text(tmp_path / "fma/fma_metadata/tracks.csv", *FMA_HEADER,
         '2,"Album, ""A""\nsecond line",1,Motörhead,training,small,168,Rock,"[21, 12]",Ace',
         "3,B,1,Motörhead,validation,medium,300,Rock,[12],Two",
         "5,C,2,X,test,small,20,,[21],Three",
         "1005,D,3,Y,test,large,500,Hip-Hop,[],Four",
         "99134,E,4,Z,training,small,30,Hip-Hop,[21],Five")  # fmt: skip
    text(tmp_path / "fma/fma_metadata/genres.csv", "genre_id,#tracks,parent,title,top_level",
         "12,1,0,Rock,12", "21,1,0,Hip-Hop,21")  # fmt: skip
    for i in (2, 5, 99134):
        sound(tmp_path / f"fma/fma_small/{i // 1000:03d}/{i:06d}.mp3")
    return tmp_path


def test_fma_top_genre(fma):
    dataset = load("fma_small", fma)
    check_contract(dataset)
    first = dataset.tracks.iloc[0]
    assert dataset.tracks["track_id"].tolist() == ["000002", "099134"]
    assert (first["label"], first["artist"], first["group"]) == ("Rock", "Motörhead", "artist 1")
    assert first["album"].startswith('Album, "A"')
    assert first["seconds"] == 30.0 and first["split"] == "train"
    notes = " ".join(dataset.notes)
    assert "1 tracks without a top genre" in notes and "099134" in notes


def test_fma_all_genres(fma):
    dataset = load("fma_small", fma, multilabel=True)
    check_contract(dataset)
    assert dataset.multilabel and dataset.classes == ["Hip-Hop", "Rock"]
    labels = dict(zip(dataset.tracks["track_id"], dataset.tracks["labels"]))
    assert labels["000002"] == ("Hip-Hop", "Rock") and labels["000005"] == ("Hip-Hop",)
    rock = load("fma_small", fma, multilabel=True, classes=["Rock"])
    assert rock.tracks["labels"].tolist() == [("Rock",)]


def test_fma_subsets_nest_and_full_keeps_its_length(fma):
    for name in ("fma_medium", "fma_large", "fma_full"):
        for i in (2, 3, 1005):
            sound(fma / f"{name}/{i // 1000:03d}/{i:06d}.mp3")  # beside fma/, also allowed
    assert load("fma_medium", fma).tracks["track_id"].tolist() == ["000002", "000003"]
    assert any("not in its list" in note for note in load("fma_medium", fma).notes)
    assert len(load("fma_large", fma).tracks) == 3
    assert load("fma_full", fma).tracks["seconds"].tolist() == [168.0, 300.0, 500.0]
    notes = " ".join(load("fma_medium", fma).notes)
    assert "1 of the 2 train tracks in the official list are present" in notes


def test_fma_missing_parts(fma, tmp_path):
    with pytest.raises(DatasetError, match=r'fma_full(?s:.*)fetch\("fma_full"'):
        load("fma_full", fma)
    (fma / "fma/fma_full.zip").write_bytes(b"")
    with pytest.raises(DatasetError, match="still packed"):
        load("fma_full", fma)
    (fma / "fma/fma_metadata/genres.csv").unlink()
    with pytest.raises(DatasetError, match="genres.csv is missing"):
        load("fma_small", fma, multilabel=True)
    text(fma / "fma/fma_metadata/tracks.csv", "a,b", "c,d")
    with pytest.raises(DatasetError, match=r"no column set\.split"):
        load("fma_small", fma)


def test_fma_broken_list_literal(fma):
    path = fma / "fma/fma_metadata/tracks.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("[21],Three", "[21,Three"), "utf-8")
    with pytest.raises(DatasetError, match="not a list of genre ids"):
        load("fma_small", fma, multilabel=True)


def test_all_labels_of_fma_medium(shared_data, tmp_path):
    """The real lists of 25,000 tracks, brought into the official layout with empty files."""
    sides = {"train": "training", "valid": "validation", "test": "test"}
    lists = [shared_data / "fma" / "medium_labels" / f"{side}.csv" for side in sides]
    if not all(path.exists() for path in lists):
        pytest.skip(f"no FMA label lists in {shared_data}")
    tables = {side: pd.read_csv(path, dtype=str) for side, path in zip(sides, lists)}
    names = pd.read_csv(shared_data / "fma/fma_metadata/genres.csv", dtype=str)
    title = dict(zip(names["genre_id"], names["title"]))
    rows = [
        f'{int(r.track_id)},A,1,X,{sides[side]},medium,30,{title[r.genre_top]},"{r.genres_all}",T'
        for side, table in tables.items()
        for r in table.itertuples()
    ]
    text(tmp_path / "fma/fma_metadata/tracks.csv", *FMA_HEADER, *rows)
    shutil.copy(shared_data / "fma/fma_metadata/genres.csv", tmp_path / "fma/fma_metadata")
    for track_id in pd.concat(tables.values())["track_id"]:
        path = tmp_path / "fma/fma_medium" / track_id[:3] / f"{track_id}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    dataset = load("fma_medium", tmp_path, multilabel=True)
    counts = dataset.tracks["split"].value_counts().to_dict()
    assert counts == {side: len(table) for side, table in tables.items()}
    assert counts == {"train": 19922, "valid": 2505, "test": 2573}
    assert not any(label.startswith("genre ") for label in dataset.classes)
    parents = {title[r.genre_id]: title[r.parent] for r in names.itertuples() if r.parent in title}
    orphans = sum(
        parents.get(label, label) not in row for row in dataset.tracks["labels"] for label in row
    )
    assert orphans == 0  # each genre of a track comes with its parents
    split = splits.make(dataset.tracks, tmp_path / "split.csv")
    assert split.rule == "official" and split.sides.value_counts().to_dict() == counts


# --- IRMAS ----------------------------------------------------------------------------------


def test_irmas(tmp_path):
    train, test = tmp_path / "irmas/IRMAS-TrainingData", tmp_path / "irmas/IRMAS-TestingData-Part1"
    sound(train / "cel/[cel][cla]0001__1.wav")
    sound(train / "cel/[cel][cla]0001__2.wav")
    sound(train / "gac/008__[gac][nod][pop_roc]0058__1.wav")
    sound(test / "Part1/Café - Été-8.wav")
    text(test / "Part1/Café - Été-8.txt", "gac\t", "voi\t", "")
    sound(test / "Part1/Café - Été-12.wav")
    text(test / "Part1/Café - Été-12.txt", "cel")
    sound(test / "Part1/lost-1.wav")
    dataset = load("irmas", tmp_path)
    check_contract(dataset)
    rows = dataset.tracks.set_index("track_id")
    assert rows.loc["cel/[cel][cla]0001__1", "group"] == rows.loc["cel/[cel][cla]0001__2", "group"]
    guitar = rows.loc["gac/008__[gac][nod][pop_roc]0058__1"]
    assert (guitar["label"], guitar["drums"], guitar["genre"]) == (
        "acoustic guitar", "nod", "pop_roc",
    )  # fmt: skip
    assert rows.loc["Part1/Café - Été-8", "labels"] == ("acoustic guitar", "voice")
    assert rows.loc["Part1/Café - Été-8", "label"] == ""
    assert rows.loc["Part1/Café - Été-12", "label"] == "cello"
    assert rows["group"].nunique() == 3 and dataset.multilabel
    assert "1 files without a label are left out" in dataset.notes
    assert "3 of the 6,705 train excerpts of IRMAS are present" in dataset.notes
    voice = load("irmas", tmp_path, classes=["voice"])
    assert voice.tracks["labels"].tolist() == [("voice",)]


def test_irmas_missing_and_wrong_label(tmp_path):
    with pytest.raises(DatasetError, match=r'IRMAS-TrainingData(?s:.*)fetch\("irmas"'):
        load("irmas", tmp_path)
    sound(tmp_path / "IRMAS-TestingData-Part1/Part1/a.wav")
    text(tmp_path / "IRMAS-TestingData-Part1/Part1/a.txt", "xyz")
    with pytest.raises(DatasetError, match=r"a\.txt: unknown instrument 'xyz'"):
        load("irmas", tmp_path)


# --- piano MIDI -----------------------------------------------------------------------------


class FakeDemo:
    """Stands for helpers.demo: writes noise, counts calls, fails where it is told to."""

    def __init__(self):
        self.calls = []

    def folder_of(self, kind, data_dir, **options):
        return Path(data_dir, kind)

    def render_midi(self, path, out, *, seconds=None, program=0):
        self.calls.append((str(path), seconds))
        if "broken" in str(path):
            raise ValueError("no notes")
        sound(out, seconds=min(seconds or 0.2, 0.2))

    def render_demo(self, folder, *, artists_per_genre=10, seconds=20.0, jobs=None, progress=True):
        self.calls.append(artists_per_genre)
        sound(Path(folder, "jazz/a.flac"))
        text(Path(folder, "tracks.csv"),
             "track_id,path,label,labels,artist,album,title,group,split,seconds,tempo,key,drums,tags",
             "jazz.0,jazz/a.flac,jazz,jazz,Ada,,NA,Ada,,20.0,101.5,C major,True,"
             "sax|bass")  # fmt: skip

    def render_demo_instruments(self, folder, *, progress=True):
        sound(Path(folder, "a.flac"))
        text(Path(folder, "tracks.csv"), "track_id,path,label,labels,split",
             "a,a.flac,,cello|voice,test")  # fmt: skip

    def render_demo_band(self, folder, *, progress=True):
        raise RuntimeError("no soundfont")


@pytest.fixture
def demo(monkeypatch):
    import helpers

    fake = FakeDemo()
    monkeypatch.setattr(helpers, "demo", fake, raising=False)
    monkeypatch.setitem(__import__("sys").modules, "helpers.demo", fake)
    return fake


MAESTRO = [
    ("Frédéric Chopin", "Étude, Op. 10 No. 1", "train", "2018/a.midi"),
    ("Frédéric Chopin", "Étude Op. 10  No. 1", "train", "2018/b.midi"),
    ("Franz Liszt", "La campanella", "test", "2017/c.midi"),
    ("Franz Liszt", "Lost", "validation", "2017/lost.midi"),
    ("Franz Liszt", "Broken", "test", "2017/broken.midi"),
]


@pytest.fixture(params=["csv", "json-v2", "json-v3"])
def maestro(request, tmp_path):
    root = tmp_path / "maestro/maestro-v2.0.0"
    for *_, file in MAESTRO:
        if "lost" not in file:
            text(root / file, "MThd")
    columns = ["canonical_composer", "canonical_title", "split", "midi_filename"]
    table = pd.DataFrame(MAESTRO, columns=columns).assign(year=2018)
    if request.param == "csv":
        table.to_csv(root / "maestro-v2.0.0.csv", index=False)
    else:
        data = table.to_dict("records" if request.param == "json-v2" else "dict")
        (root / "maestro-v2.0.0.json").write_text(json.dumps(data), encoding="utf-8")
    return tmp_path


def test_maestro_renders_once_and_groups_pieces(maestro, demo):
    dataset = load("maestro", maestro, max_seconds=0.1, jobs=1, progress=False)
    check_contract(dataset)
    assert dataset.tracks["track_id"].tolist() == ["2018/a", "2018/b", "2017/c"]
    assert dataset.tracks["group"].nunique() == 2
    assert dataset.tracks["split"].tolist() == ["train", "train", "test"]
    assert dataset.tracks["seconds"].tolist() == pytest.approx([0.1] * 3)
    assert (maestro / "maestro/rendered-0.1s/2018/a.flac").exists()
    notes = " ".join(dataset.notes)
    assert "0 of the 1 valid tracks" in notes and "1 pieces could not be rendered" in notes
    assert "no notes" in notes
    before = len(demo.calls)
    load("maestro", maestro, max_seconds=0.1, jobs=1, progress=False)
    assert [Path(path).name for path, _ in demo.calls[before:]] == ["broken.midi"]
    assert not list(maestro.rglob("*.part*"))


def test_maestro_renders_chosen_composers_only(maestro, demo, tmp_path):
    load("maestro", maestro, classes=["Frédéric Chopin"], cache_dir=tmp_path / "cache", jobs=1,
         max_seconds=None, progress=False)  # fmt: skip
    assert [(Path(path).name, s) for path, s in demo.calls] == [("a.midi", None), ("b.midi", None)]
    assert (tmp_path / "cache/rendered-whole/2018/a.flac").exists()


def test_maestro_missing_or_nothing_rendered(tmp_path, demo):
    with pytest.raises(DatasetError, match=r'maestro-v2(?s:.*)fetch\("maestro"'):
        load("maestro", tmp_path)
    text(tmp_path / "asap/Liszt/Piece/broken.mid", "MThd")
    with pytest.raises(DatasetError, match="no piece could be rendered"):
        load("asap", tmp_path, jobs=1, progress=False)


@pytest.mark.parametrize("folder", ["maestro/maestro-v2.0.0", "maestro", "maestro-v3.0.0"])
def test_maestro_without_midi_says_that_midi_is_played(tmp_path, folder):
    root = tmp_path / folder
    sound(root / "2018/a.wav")
    text(root / "maestro-v2.0.0.csv", "canonical_composer,canonical_title,split,midi_filename",
         "Liszt,Sonata,train,2018/a.midi")  # fmt: skip
    with pytest.raises(DatasetError) as error:
        load("maestro", tmp_path)
    message = str(error.value)
    assert "the MIDI files, which this loader plays (it does not read audio)" in message
    assert str(root / "2018" / "a.midi") in message and f'fetch("maestro", "{tmp_path}")' in message
    away = root / "maestro-v2.0.0.csv" if folder == "maestro" else root
    assert f"move {away} away" in message


def test_asap_without_midi_says_that_midi_is_played(tmp_path):
    sound(tmp_path / "asap/Liszt/Sonata/a.wav")
    text(tmp_path / "asap/Liszt/Sonata/midi_score.mid", "MThd")
    with pytest.raises(DatasetError, match=r"MIDI files, which this loader plays") as error:
        load("asap", tmp_path)
    assert "git clone" in str(error.value) and f"move {tmp_path / 'asap'} away" in str(error.value)


def test_unwritable_cache_names_the_option(tmp_path, demo):
    text(tmp_path / "asap/Liszt/Piece/x.mid", "MThd")
    text(tmp_path / "file")
    with pytest.raises(DatasetError, match="cache_dir"):
        load("asap", tmp_path, cache_dir=tmp_path / "file", jobs=1, progress=False)


def test_asap_groups_versions_of_a_piece(tmp_path, demo):
    for file in ("Haydn/Sonatas/50-1/A01.mid", "Haydn/Sonatas/50-1_no_repeat/B01.mid",
                 "Liszt/Sonata/C01.mid", "Haydn/Sonatas/50-1/midi_score.mid"):  # fmt: skip
        text(tmp_path / "midi" / file, "MThd")
    options = dict(folder="midi", jobs=1, progress=False, max_seconds=0.1)
    dataset = load("asap", tmp_path, **options)
    check_contract(dataset)
    assert len(dataset.tracks) == 3 and dataset.tracks["group"].nunique() == 2
    text(tmp_path / "midi/metadata.csv", "composer,title,midi_performance",
         "Haydn,Sonata in C,Haydn/Sonatas/50-1/A01.mid")  # fmt: skip
    titles = load("asap", tmp_path, **options).tracks.set_index("track_id")["title"]
    assert titles["Haydn/Sonatas/50-1/A01"] == "Sonata in C"


def test_demo_passes_options_and_reads_the_table(tmp_path, demo):
    dataset = load("demo", tmp_path, artists_per_genre=2)
    check_contract(dataset)
    row = dataset.tracks.iloc[0]
    assert demo.calls == [2]
    assert (row["title"], row["tempo"], row["key"]) == ("NA", 101.5, "C major")
    assert bool(row["drums"]) is True and row["seconds"] == 20.0
    assert any("synthetic" in note for note in dataset.notes)
    tagged = load("demo", tmp_path, artists_per_genre=2, multilabel=True)
    check_contract(tagged)
    assert tagged.multilabel and tagged.classes == ["bass", "sax"]
    assert tagged.tracks["labels"].tolist() == [("sax", "bass")] and demo.calls == [2, 2]
    instruments = load("demo_instruments", tmp_path)
    assert instruments.multilabel and instruments.classes == ["cello", "voice"]
    with pytest.raises(DatasetError, match=r"no option 'artists'.*artists_per_genre, seconds"):
        load("demo", tmp_path, artists=2)
    with pytest.raises(DatasetError, match="could not be rendered.*no soundfont"):
        load("demo_band", tmp_path)


# --- music of your own ----------------------------------------------------------------------


def test_discography(tmp_path):
    root = tmp_path / "discography"
    sound(root / "The Band/1969 - First/01 - Song One.ogg")
    sound(root / "The Band/Second (1971)/CD1/02_Song Two.ogg")
    sound(root / "The Band/1989/7 Rings.ogg")
    sound(root / "loose.ogg")
    dataset = load("discography", tmp_path)
    check_contract(dataset)
    rows = dataset.tracks.set_index("title")
    assert rows.loc["Song One", ["artist", "album", "year"]].tolist() == ["The Band", "First", 1969]
    assert rows.loc["Song Two", ["album", "year"]].tolist() == ["Second", 1971]
    assert rows.loc["7 Rings", "album"] == "1989" and math.isnan(rows.loc["7 Rings", "year"])
    assert dataset.classes == ["1989", "First", "Second"]
    assert dataset.tracks["group"].nunique() == 4
    assert any("1 tracks lie outside" in note for note in dataset.notes)


def test_discography_albums_csv_and_flat_layout(tmp_path):
    sound(tmp_path / "mine/Rubber Soul/01 Drive.ogg")
    text(tmp_path / "mine/albums.csv", "album,year", "rubber soul,1965")
    rows = load("discography", tmp_path, folder="mine").tracks
    assert rows[["artist", "album", "year"]].iloc[0].tolist() == ["", "Rubber Soul", 1965]
    text(tmp_path / "mine/albums.csv", "album,year", "rubber soul,'65")
    with pytest.raises(DatasetError, match="not a year"):
        load("discography", tmp_path, folder="mine")


def test_folder_of_classes(tmp_path):
    sound(tmp_path / "Ünïcode 🎵/jazz/deep/er/a b.wav")
    sound(tmp_path / "Ünïcode 🎵/rock/x.wav")
    sound(tmp_path / "Ünïcode 🎵/rock/x.flac")
    sound(tmp_path / "Ünïcode 🎵/loose.wav")
    dataset = load("folder", tmp_path, folder="Ünïcode 🎵")
    check_contract(dataset)
    assert dataset.tracks["track_id"].tolist() == ["jazz/deep/er/a b", "rock/x.flac", "rock/x.wav"]
    assert dataset.classes == ["jazz", "rock"]
    assert any("1 files lie outside" in note for note in dataset.notes)


def test_folder_of_artists_groups_them(tmp_path):
    for name in ("rock/Ann/1.wav", "rock/Ann/live/2.wav", "rock/3.wav", "jazz/Ann/4.wav"):
        sound(tmp_path / "own" / name)
    tracks = load("folder", tmp_path, folder="own").tracks.set_index("title")
    assert tracks.loc[["1", "2", "4"], "group"].tolist() == ["rock/Ann", "rock/Ann", "jazz/Ann"]
    assert tracks.loc["3", "group"] == tracks.loc["3", "track_id"]
    assert tracks.loc[["1", "3"], "artist"].tolist() == ["Ann", ""]


def test_folder_link_loops_end(tmp_path):
    sound(tmp_path / "m/jazz/a.wav")
    (tmp_path / "m/jazz/again").symlink_to(tmp_path / "m", target_is_directory=True)
    ids = load("folder", tmp_path, folder="m").tracks["track_id"].tolist()
    assert ids[0] == "jazz/a" and len(ids) <= 2


def test_folder_labels_csv(tmp_path):
    sound(tmp_path / "m/café.wav")  # NFC on disk, NFD in the list
    sound(tmp_path / "m/sub/b.wav")
    sound(tmp_path / "m/stranger.wav")
    text(tmp_path / "m/labels.csv", "\ufefffile,label,artist,group,split,bpm,mood",
         "cafe\u0301.wav,jazz,NA,g1,training,120,calm", "sub\\b.wav,rock,,,val,90.5,",
         "gone.wav,rock,,,test,,")  # fmt: skip
    dataset = load("folder", tmp_path, folder="m")
    check_contract(dataset)
    rows = dataset.tracks
    assert rows["split"].tolist() == ["train", "valid"] and rows["artist"].tolist() == ["NA", ""]
    assert rows["group"].tolist() == ["g1", "sub/b"] and rows["bpm"].tolist() == [120.0, 90.5]
    notes = " ".join(dataset.notes)
    assert "0 of the 1 test tracks" in notes and "1 files are not in" in notes


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["path,label", "a.wav,x"], "no column 'file'"),
        (["file,genre", "a.wav,x"], "no column 'label' or 'labels'"),
        (["file,label,split", "a.wav,x,holdout"], "unknown split 'holdout'"),
        (["file,label", "a.wav,x", "./a.wav,y"], "line 3: './a.wav,y' names its file for the sec"),
        (["file,label", "a.wav,x", ",y", ",z"], "line 3: ',y' names no file"),
        (["file,label", "", "b.wav,x"], r"no row matches .*line 3: 'b.wav,x'.*such as 'a.wav'"),
        (["file,label", "a.wav,x", "b.wav,x,y"], "line 3: .* more values than there are columns"),
        (["file,label", ",,"], "labels.csv has no rows"),
        (["", ",,"], "no column 'file'; it has nothing"),
        (["file,label,label", "a.wav,x,y"], "two columns 'label'"),
        (["file,label", 'a.wav,"x'], "cannot be read as a CSV in UTF-8"),
    ],
)
def test_folder_labels_csv_errors(tmp_path, lines, message):
    sound(tmp_path / "m/a.wav")
    text(tmp_path / "m/labels.csv", *lines)
    with pytest.raises(DatasetError, match=message):
        load("folder", tmp_path, folder="m")


@pytest.mark.parametrize(
    "lines",
    [
        ["file,label,mood", "rock/a.wav,rock,", "NA.wav,null,NA"],
        ["file,label,mood,,", "rock/a.wav,rock,,,", "NA.wav,null,NA,,", ",,,,", ",,"],
        ["file,label,mood", "rock/a.wav,rock,,", "NA.wav,null,NA"],
        ["file,label,mood", "rock/a.wav,rock", "NA.wav,null,NA,,,"],
        [",file,label,mood", "0,rock/a.wav,rock,", "1,NA.wav,null,NA"],
        ["", " file , label,mood ", " rock/a.wav ,rock , ", "NA.wav,\u00a0null,NA", "", " , "],
        ["file;label;mood", "rock/a.wav;rock;", "NA.wav;null;NA", ";;"],
        ["file\tlabel\tmood", "rock/a.wav\trock", "NA.wav\tnull\tNA"],
        ["file,label,mood", "./rock/a.wav,rock,", ".\\NA.wav,null,NA"],
        ["file,label,mood", "/old/m/rock/a.wav,rock,", "/old/m/NA.wav,null,NA"],
        ["file,label,mood", "C:\\Music\\rock\\a.wav,rock,", "c:\\music\\na.WAV,null,NA"],
        ["file,label,mood", "\\\\nas\\m\\ROCK\\a.Wav,rock,", "NA.wav,null,NA"],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_labels_csv_from_a_spreadsheet(tmp_path, lines, end):
    sound(tmp_path / "m/rock/a.wav")
    sound(tmp_path / "m/NA.wav")
    (tmp_path / "m/labels.csv").write_bytes(end.join(lines).encode())
    dataset = load("folder", tmp_path, folder="m")
    rows = dataset.tracks.set_index("track_id")
    assert rows["label"].to_dict() == {"rock/a": "rock", "NA": "null"}
    assert rows["mood"].to_dict() == {"rock/a": "", "NA": "NA"} and dataset.notes == []
    assert not any(column.startswith("Unnamed") or not column for column in rows)


def test_labels_csv_tells_files_apart_that_differ_in_case_or_accents(tmp_path):
    for name in ("A.wav", "a.wav", "b.wav", "caf\u00e9.wav", "cafe\u0301.wav", "ne\u0301.wav"):
        sound(tmp_path / "m" / name)
    if len(os.listdir(tmp_path / "m")) < 6:
        pytest.skip("this file system takes such names for the same")
    text(tmp_path / "m/labels.csv", "file,label", "a.wav,one", "A.wav,two", "B.WAV,three",
         "cafe\u0301.wav,four", "caf\u00e9.wav,five", "N\u00e9.wav,six", "c.wav,x")  # fmt: skip
    dataset = load("folder", tmp_path, folder="m")
    assert dataset.tracks.set_index("track_id")["label"].to_dict() == {
        "a": "one", "A": "two", "b": "three", "cafe\u0301": "four", "caf\u00e9": "five",
        "ne\u0301": "six",
    }  # fmt: skip
    assert any("1 rows of" in n and "the first in line 8: 'c.wav,x'" in n for n in dataset.notes)


def test_labels_csv_of_a_partial_copy(tmp_path):
    """What is not here takes no other row's file, though only one of them is spelled the same."""
    sound(tmp_path / "m/a.wav")
    text(tmp_path / "m/labels.csv", "file,label", "C:\\x\\live\\a.wav,two", "C:\\x\\a.wav,one",
         "C:\\x\\A.WAV,three", "D:\\a.wav,four")  # fmt: skip
    dataset = load("folder", tmp_path, folder="m")
    assert dataset.tracks["label"].tolist() == ["one"]
    assert any("3 rows of" in note and "line 2: 'C:" in note for note in dataset.notes)


@pytest.mark.parametrize(
    "lines",
    [
        ["album,year,,", "rubber soul,1965,,", "HELP!,1965,,", ",,,"],
        ["album,year", "rubber soul,1965,", "Help!,1965"],
        [" album ; year ", " Rubber Soul ; 1965 ", "Help!;1965 ", ";", ""],
        ["album,year", "C:\\Music\\Rubber Soul\\,1965", "./Help!,1965"],
        ["year,album", "1965,Rubber Soul", "1965,Help!", ","],
    ],
)
def test_albums_csv_from_a_spreadsheet(tmp_path, lines):
    sound(tmp_path / "mine/Rubber Soul/01 Drive.ogg")
    sound(tmp_path / "mine/Help!/01 Help.ogg")
    text(tmp_path / "mine/albums.csv", *lines)
    dataset = load("discography", tmp_path, folder="mine")
    assert dataset.tracks["year"].tolist() == [1965, 1965] and dataset.notes == []


def test_albums_csv_that_matches_nothing(tmp_path):
    sound(tmp_path / "mine/Help!/01 Help.ogg")
    text(tmp_path / "mine/albums.csv", "album,year", "Halp,1965", "Help!,1965")
    notes = load("discography", tmp_path, folder="mine").notes
    assert len(notes) == 1 and "1 rows of" in notes[0] and "line 2: 'Halp,1965'" in notes[0]
    text(tmp_path / "mine/albums.csv", "album,year", "Halp,1965")
    with pytest.raises(DatasetError, match=r"albums.csv: no row .*line 2: .*such as 'Help!'"):
        load("discography", tmp_path, folder="mine")


@pytest.mark.parametrize(
    ("file", "title"),
    [
        ("1-01 Back in the USSR", "Back in the USSR"),
        ("1-10 Piggies", "Piggies"),
        ("CD1 - 01 - Back in the USSR", "Back in the USSR"),
        ("Disc 2-08 Revolution 1", "Revolution 1"),
        ("05 - 1-800-273-8255", "1-800-273-8255"),
        ("01 - 10 Years Gone", "10 Years Gone"),
        ("7 Rings", "7 Rings"),
    ],
)
def test_a_title_is_without_the_numbers_of_disc_and_track(tmp_path, file, title):
    sound(tmp_path / f"discography/1968 - The Beatles/{file}.ogg")
    assert load("discography", tmp_path).tracks["title"].tolist() == [title]


def test_folder_missing_unnamed_empty(tmp_path):
    with pytest.raises(DatasetError, match="needs the option folder"):
        load("folder", tmp_path)
    with pytest.raises(DatasetError, match="nowhere"):
        load("folder", tmp_path, folder="nowhere")
    (tmp_path / "empty/jazz").mkdir(parents=True)
    with pytest.raises(DatasetError, match="holds none"):
        load("folder", tmp_path, folder="empty")


def test_archive_of_unknown_name_says_how_to_unpack(tmp_path):
    (tmp_path / "gtzan").mkdir()
    with zipfile.ZipFile(tmp_path / "gtzan/archive.zip", "w") as file:
        file.writestr("Data/genres_original/rock/rock.00000.wav", b"")
    with pytest.raises(DatasetError, match=r"still packed: unpack it with: python -m zipfile -e"):
        load("gtzan", tmp_path)


# --- real data ------------------------------------------------------------------------------


def test_real_gtzan(shared_data):
    three = load("gtzan", shared_data, classes=["classical", "jazz", "rock"])
    check_contract(three)
    present = {path.stem for path in (shared_data / "gtzan" / "genres").rglob("*.*")}
    for side in ("train", "valid", "test"):
        names = (shared_data / "gtzan" / "lists" / f"{side}_filtered.txt").read_text().split()
        wanted = {Path(name).stem for name in names if name.split("/")[0] in three.classes}
        assert set(three.tracks.query("split == @side")["track_id"]) == wanted & present
    both = load("gtzan", shared_data, folders=["gtzan", "gtzan_excerpts"])
    folders = [shared_data / name / "genres" for name in ("gtzan", "gtzan_excerpts")]
    files = [path for folder in folders for path in folder.rglob("*.*") if path.is_file()]
    assert len(both.tracks) == len(files) and len(both.classes) == 10
    assert not any("repeat" in note for note in both.notes)


def test_real_fma(shared_data):
    top = load("fma_small", shared_data)
    check_contract(top)
    assert len(top.tracks) == 42 and set(top.tracks["split"]) == {"train", "valid", "test"}
    every = load("fma_small", shared_data, multilabel=True)
    assert set(top.classes) < set(every.classes)
    assert not any(label.startswith("genre ") for label in every.classes)


def test_real_irmas_discography_instruments(shared_data):
    irmas = load("irmas", shared_data)
    check_contract(irmas)
    assert irmas.tracks["split"].value_counts().to_dict() == {"train": 10, "test": 1}
    assert irmas.tracks["group"].nunique() == 5
    music = load("discography", shared_data)
    check_contract(music)
    assert len(music.tracks) == 34 and set(music.tracks["artist"]) == {"HoliznaCC0", "VoxelLibre"}
    instruments = load("folder", shared_data, folder="instruments")
    assert instruments.summary()["total"].eq(21).all() and len(instruments.classes) == 10


def test_real_asap(shared_data, tmp_path, demo):
    dataset = load("asap", shared_data, folder="composers/asap", cache_dir=tmp_path, jobs=1,
                   max_seconds=0.01, progress=False)  # fmt: skip
    check_contract(dataset)
    assert len(dataset.tracks) == 455 and len(dataset.classes) == 16
    of_folder = dataset.tracks.groupby(dataset.tracks["midi"].str.rsplit("/", n=1).str[0])["group"]
    assert of_folder.nunique().max() == 1  # a folder is one piece ...
    assert not dataset.tracks["group"].str.contains("no repeat").any()  # ... or a part of one
