"""Annotations are read in both layouts; what is said about harmony follows by hand."""

import numpy as np
import pandas as pd
import pytest

from helpers import datasets, demo, symbolic


def lab(rows):
    return pd.DataFrame(rows, columns=["start", "end", "label"])


def test_both_layouts_say_the_same(tmp_path):
    (tmp_path / "three.lab").write_text("0.0 1.5 N\n1.5 3.0 C:maj\n\n3.0 4.0 G:7/3\n")
    (tmp_path / "two.chords").write_text("0.0\tN\n1.5\tC:maj\n3.0\tG:7/3\n4.0\tN\n")  # the end
    one, two = (symbolic.read_lab(tmp_path / name) for name in ("three.lab", "two.chords"))
    pd.testing.assert_frame_equal(one, two[:-1])
    assert two.to_numpy()[-1].tolist() == [4, np.inf, "N"]
    assert one.to_numpy().tolist() == [[0, 1.5, "N"], [1.5, 3, "C:maj"], [3, 4, "G:7/3"]]


def test_labels_may_hold_spaces(tmp_path):
    (tmp_path / "key.lab").write_text("0.0 9.0 Key C#:minor\n")
    assert symbolic.read_lab(tmp_path / "key.lab")["label"].tolist() == ["Key C#:minor"]


@pytest.mark.parametrize("line", ["C:maj", "0.0", "one two three"])
def test_a_broken_line_is_named(tmp_path, line):
    (tmp_path / "a.lab").write_text(f"0.0 1.0 C\n{line}\n")
    with pytest.raises(ValueError, match="a.lab, line 2: .* is no start, end and label"):
        symbolic.read_lab(tmp_path / "a.lab")


def test_harmony_by_hand():
    chords = [(0, 2, "N"), (2, 4, "C"), (4, 6, "A:min7/b3"), (6, 7, "A:min7"), (7, 10, "F:min")]
    keys = [(0, 2, "Silence"), (2, 7, "C"), (7, 10, "Key F:minor")]
    found = symbolic.describe_chords(lab(chords), lab(keys))
    assert found["chords"] == 3 and found["changes_per_minute"] == 60 * 2 / 8
    assert found["minor_share"] == 6 / 8 and found["seventh_share"] == 3 / 8
    assert found["outside_share"] == 0 and (found["keys"], found["key_changes"]) == (2, 1)
    in_c = symbolic.describe_chords(lab(chords), lab([(0, 10, "C:major")]))
    assert in_c["outside_share"] == 3 / 8  # F minor has the note Ab


def test_minor_has_the_leading_tone_and_other_modes_have_not():
    dominant = lab([(0, 4, "E")])  # with G sharp
    share = {key: symbolic.describe_chords(dominant, lab([(0, 4, key)]))["outside_share"]
             for key in ("A:minor", "A:aeolian", "E:mixolydian", "F#:dorian")}  # fmt: skip
    assert share == {"A:minor": 0, "A:aeolian": 1, "E:mixolydian": 0, "F#:dorian": 0}


def test_what_is_not_known_is_not_guessed():
    chords = lab([(0, 2, "C"), (2, 4, "E")])
    assert np.isnan(symbolic.describe_chords(chords)["outside_share"])
    assert np.isnan(symbolic.describe_chords(chords, lab([(0, 4, "C:modal")]))["outside_share"])
    half = symbolic.describe_chords(chords, lab([(0, 2, "C:modal"), (2, 4, "C")]))
    assert half["outside_share"] == 1 and half["key_changes"] == 1
    silent = symbolic.describe_chords(lab([(0, 4, "N")]), lab([(0, 4, "C")]))
    assert silent["chords"] == 0 and np.isnan(silent["outside_share"])
    with pytest.raises(ValueError, match="chord cannot be read"):
        symbolic.describe_chords(lab([(0, 1, "H:wild")]))
    with pytest.raises(ValueError, match="key cannot be read: 'H'"):
        symbolic.describe_chords(chords, lab([(0, 4, "H")]))


def test_names_are_matched_whatever_their_spelling():
    ours = ["Help!", "Anna (Go to Him)", "Sgt Peppers Lonely Hearts Club Band", "Unknown", "Yes"]
    theirs = ["Anna", "HELP", "Sgt. Pepper's Lonely Hearts Club Band", "No"]
    found = symbolic.match(ours, theirs)
    assert found.tolist() == ["HELP", "Anna", "Sgt. Pepper's Lonely Hearts Club Band", None, None]
    assert symbolic.match(["Help", "Help!"], ["help"]).tolist() == ["help", None]


def test_songs_of_one_name_are_told_apart_by_their_album():
    ours = pd.DataFrame({
        "album": ["First", "Second (Remastered)", "Second (Remastered)", "Third"],
        "title": ["Intro", "Intro", "Help!", "Rarity"],
    }, index=list("abcd"))  # fmt: skip
    theirs = pd.DataFrame({
        "album": ["Second", "First", "Past Masters", "Second"],
        "title": ["intro", "Intro", "Help", "Unheard"],
    }, index=[10, 11, 12, 13])  # fmt: skip
    assert symbolic.match_songs(ours, theirs).to_dict() == {"a": 11, "b": 10, "c": 12, "d": None}
    none = symbolic.match_songs(ours, theirs[:0])
    assert none.isna().all() and list(none.index) == list("abcd")


def test_annotations_are_found_in_both_kinds_of_folder(tmp_path):
    for name in ("chords/01 - First/02 - Song.lab", "chords/10_CD1_The_Others__03_It's_You.chords",
                 "keys/01 - First/02 - Song.lab"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("0 1 C\n")
    found = symbolic.find_annotations(tmp_path)
    assert found[["album", "title"]].to_numpy().tolist() == [
        ["First", "Song"],
        ["The Others", "It's You"],
    ]
    assert found["keys"].tolist() == [str(tmp_path / "keys/01 - First/02 - Song.lab"), ""]
    with pytest.raises(FileNotFoundError, match="nowhere/chords holds no annotations"):
        symbolic.find_annotations(tmp_path / "nowhere")


@pytest.mark.parametrize("audio", ["The Beatles/1968 - The Beatles/CD{0}/{1} - {2}.flac",
                                   "The Beatles/1968 - The Beatles/{0}-{1} {2}.flac",
                                   "1968 - The Beatles/{0}-{1} {2}.flac",
                                   "1968 - The Beatles/CD{0} - {1} - {2}.flac"])  # fmt: skip
def test_the_double_album_of_isophonics_is_matched(tmp_path, audio):
    album = [(1, "01", "Back in the USSR"), (1, "12", "Piggies"), (2, "01", "Birthday"),
             (2, "12", "Revolution 9")]  # fmt: skip
    for disc, track, title in album:
        lab = f"The_Beatles/10CD{disc}_-_The_Beatles/CD{disc}_-_{track}_-_{title}.lab"
        for path in (tmp_path / "chords" / lab.replace(" ", "_"), tmp_path / "keys" / lab,
                     tmp_path / "discography" / audio.format(disc, track, title)):  # fmt: skip
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("0 1 C\n")
            path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07\x82\xff")
    scores = symbolic.find_annotations(tmp_path)
    assert scores["title"].tolist() == [title for *_, title in album]
    assert set(scores["album"]) == {"The Beatles"} and (scores["keys"] != "").all()
    songs = datasets.load("discography", tmp_path).tracks
    partner = symbolic.match_songs(songs, scores)
    assert scores["title"][partner].tolist() == songs["title"].tolist()
    assert sorted(songs["title"]) == sorted(scores["title"])


@pytest.mark.parametrize("content", ["0 1 Café".encode("latin-1"), "0 1 C".encode("utf-16")])
def test_annotations_that_are_not_utf8_are_named(tmp_path, content):
    (tmp_path / "a.lab").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.lab is not text in UTF-8 .*; save it as UTF-8"):
        symbolic.read_lab(tmp_path / "a.lab")


def test_the_invented_band_is_heard_as_it_was_composed(tmp_path):
    """The share of time outside of the key, from the files alone, is the composer's own figure."""
    tracks = demo.render_demo_band(
        tmp_path, albums=2, tracks_per_album=3, seconds=6.0, progress=False
    )
    songs = symbolic.find_annotations(tmp_path / "annotations").set_index("title")
    for title, truth in zip(tracks["title"], tracks["outside_share"]):
        song = songs.loc[title]
        chords, keys = (symbolic.read_lab(song[kind]) for kind in ("chords", "keys"))
        found = symbolic.describe_chords(chords, keys)["outside_share"]
        if "minor" in keys["label"][0]:  # our minor has the leading tone, the composer's has not
            assert found <= truth + 0.01
        else:
            assert found == pytest.approx(truth, abs=0.01)


def test_the_public_annotations_are_read_whole(shared_data):
    beatles = shared_data / "beatles"
    songs = symbolic.find_annotations(beatles)
    assert len(songs) == 180 and (songs["keys"] != "").all() and songs["album"].nunique() == 12
    found = pd.DataFrame([
        symbolic.describe_chords(symbolic.read_lab(row.chords), symbolic.read_lab(row.keys))
        for row in songs.itertuples()
    ])  # fmt: skip
    assert (found["chords"] >= 1).all() and found["outside_share"].between(0, 1).mean() > 0.95
    names = pd.read_csv(beatles / "songs.csv", encoding="latin-1")["Title"]
    assert symbolic.match(songs["title"], names).notna().mean() > 0.9


def test_the_archive_of_isophonics_is_read_as_it_unpacks(tmp_path):
    for kind, text in (("chordlab", "0 4 C\n"), ("keylab", "0 4 Key C\n")):
        path = tmp_path / kind / "The_Beatles" / "12_-_Let_It_Be" / "06_-_Let_It_Be.lab"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    (song,) = symbolic.find_annotations(tmp_path).itertuples()
    assert (song.album, song.title) == ("Let It Be", "Let It Be")
    assert "chordlab" in song.chords and "keylab" in song.keys
