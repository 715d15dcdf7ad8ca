"""Splits: nothing may stand on both sides, and what does is named."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from helpers import comparison, splits


class Pictures:
    """A store of given frames, at ten frames a second."""

    frames_per_second = 10.0

    def __init__(self, frames):
        self._frames = frames

    def frames(self, track_id):
        return self._frames[track_id]


def table(n_artists=10, per_artist=3, labels=("a", "b")):
    rows = [
        (f"{label}{artist}-{i}", label, f"{label}-artist{artist}", "")
        for label in labels
        for artist in range(n_artists)
        for i in range(per_artist)
    ]
    found = pd.DataFrame(rows, columns=["track_id", "label", "group", "split"])
    return found.assign(labels=[(label,) for label in found["label"]])


def test_groups_stay_together_and_classes_in_proportion():
    tracks = table()
    split = splits.by_group(tracks, seed=1)
    assert splits.audit(split, tracks).empty
    counts = pd.crosstab(tracks["label"].to_numpy(), split.sides.to_numpy())
    assert counts["test"].tolist() == [6, 6]
    assert counts["valid"].tolist() == [6, 6]
    assert counts["train"].tolist() == [18, 18]


@pytest.mark.parametrize("seed", range(5))
def test_every_side_has_every_class_on_every_version_of_scikit_learn(seed):
    """scikit-learn 1.6 shuffles artists so that some test sides lack a class."""
    tracks = table(n_artists=5, per_artist=2, labels="abcde")
    sides = splits.by_group(tracks, seed=seed).sides
    counts = tracks.set_index("track_id")["label"].groupby(sides).value_counts()
    assert set(counts["test"]) == set(counts["valid"]) == {2} and len(counts) == 15


def test_shuffled_folds_are_those_of_scikit_learn_1_9():
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 12, 60)
    y = groups % 3
    folds = splits.StratifiedGroupKFold(4, shuffle=True, random_state=3).split(y, y, groups)
    assert [sorted(set(groups[test].tolist())) for _, test in folds] == [
        [0, 2, 10], [1, 6, 8], [5, 7, 9], [3, 4, 11],
    ]  # fmt: skip


def test_folds_test_every_track_once():
    tracks = table()
    tested = [t for k in range(5) for t in splits.by_group(tracks, fold=k).ids("test")]
    assert sorted(tested) == sorted(tracks["track_id"])


def test_split_by_track_leaks_and_the_audit_names_the_groups():
    tracks = table()
    split = splits.by_track(tracks, seed=0)
    leaks = splits.audit(split, tracks)
    assert len(leaks) > 10
    assert set(leaks["problem"]) == {"group"}
    with pytest.raises(splits.LeakError, match=leaks["what"].iloc[0]):
        splits.check(split, tracks)


def test_same_seed_same_split_other_seed_other_split():
    tracks = table()
    one, two = splits.by_group(tracks, seed=3).sides, splits.by_group(tracks, seed=3).sides
    assert one.equals(two)
    assert not one.equals(splits.by_group(tracks, seed=4).sides)


@pytest.mark.parametrize("column", ["label", None])
def test_a_part_of_the_training_groups_leaves_the_test_alone(column):
    """In proportion, whole groups, and less lies within more; other seeds draw others."""
    tracks = table(n_artists=20).set_index("track_id", drop=False)
    split = splits.by_group(tracks)
    tracks = tracks if column else tracks.drop(columns="label")
    parts = {p: splits.thinned(split, tracks, p, seed=1) for p in (25, 50, 100)}
    for percent, part in parts.items():
        assert part.ids("test") == split.ids("test") and f"{percent} % of the" in part.rule
        assert comparison.PART.sub("", part.rule) == split.rule  # how a comparison knows it
        for side in ("train", "valid"):
            of_side = tracks.loc[split.ids(side)].groupby("label" if column else (lambda i: 0))
            kept = tracks.loc[part.ids(side)]
            for _, group in of_side["group"]:
                left = set(group) & set(kept["group"])
                assert abs(len(left) - percent / 100 * group.nunique()) <= 0.5
                assert group.isin(left).sum() == kept["group"].isin(set(group)).sum()
    for less, more in ((25, 50), (50, 100)):
        assert set(parts[less].sides.index) < set(parts[more].sides.index)
    assert parts[100].sides.equals(split.sides)
    assert splits.thinned(split, tracks, 50, seed=2).ids("train") != parts[50].ids("train")


def test_too_few_groups_is_one_clear_sentence():
    with pytest.raises(ValueError, match="too few groups.*'a': 2"):
        splits.by_group(table(n_artists=2, labels=("a",)))
    with pytest.raises(ValueError, match="fold must be 0 to 4, not 5$"):
        splits.by_group(table(), fold=5)
    few = table(n_artists=3)
    with pytest.raises(ValueError, match="0 to 2, not 3: '[ab]' has 3 groups only, copies"):
        splits.by_group(few, fold=3)


def official_table():
    tracks = table()
    side = {0: "test", 1: "valid"}
    tracks["split"] = [side.get(int(g[-1]), "train") for g in tracks["group"]]
    return tracks


def test_official_lists_are_taken_as_they_are():
    tracks = official_table()
    tracks.loc[5, "split"] = ""  # a faulty track, in no list
    split = splits.official(tracks)
    assert split.rule == "official"
    assert tracks.loc[5, "track_id"] not in split.sides
    assert len(split.ids("test")) == 6


def test_validation_list_tests_when_the_test_list_is_absent():
    tracks = official_table().query("split != 'test'").reset_index(drop=True)
    split = splits.official(tracks)
    assert set(split.ids("test")) == set(tracks.loc[tracks["split"] == "valid", "track_id"])
    assert "validation list as test set" in split.rule
    assert split.ids("valid")
    assert splits.audit(split, tracks).empty


def test_official_without_anything_to_test_on_is_refused():
    tracks = official_table().query("split == 'train'")
    with pytest.raises(ValueError, match="no test tracks of a, b. Keep other classes"):
        splits.official(tracks)


def test_lists_that_leave_a_class_alone_are_not_followed(tmp_path):
    tracks = official_table()
    tracks.loc[(tracks["label"] == "b") & (tracks["split"] == "train"), "split"] = ""
    with pytest.raises(ValueError, match="no training or no test tracks of b.*split by group"):
        splits.official(tracks)
    split = splits.make(tracks, tmp_path / "split.csv")
    assert split.rule.startswith("by group") and split.rule.endswith("test tracks of b")
    assert splits.read(tmp_path / "split.csv").rule == split.rule


def test_a_draw_keeps_copies_on_one_side(tmp_path):
    tracks = table(n_artists=6, per_artist=1, labels=("a",))
    ids = tracks["track_id"]
    pairs = pd.DataFrame({"a": ids[:3].to_numpy(), "b": ids[3:].to_numpy(), "correlation": 0.99})
    split = splits.make(tracks, tmp_path / "split.csv", n_folds=3, duplicates=pairs)
    assert splits.audit(split, tracks, pairs).empty
    assert splits.linked(tracks, pairs).nunique() == 3


def test_file_round_trip_and_precedence(tmp_path):
    tracks = table()
    path = tmp_path / "run" / "split.csv"
    made = splits.make(tracks, path, seed=5)
    assert made.rule == "by group, fold 1 of 5, seed 5"
    again = splits.make(tracks, path, seed=6)  # the file wins
    assert again.rule == made.rule
    pd.testing.assert_series_equal(again.sides, made.sides, check_dtype=False)
    part = splits.read(path, tracks.head(4))
    assert len(part.sides) == 4


def test_auto_takes_official_lists_where_they_exist(tmp_path):
    assert splits.make(official_table(), tmp_path / "a.csv").rule == "official"
    with pytest.raises(ValueError, match="unknown rule 'artist'"):
        splits.make(table(), tmp_path / "b.csv", rule="artist")


@pytest.mark.parametrize(
    "text, message",
    [
        ("track_id,side\na,train\n", "not a split file"),
        ("track_id,split\na,training\n", "not a split file"),
        ("track_id,split\na,train\na,test\n", "track a stands in the split file twice"),
        ("track_id,split\nz,train\n", "none of its 1 tracks"),
    ],
)
def test_bad_split_files(tmp_path, text, message):
    path = tmp_path / "split.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        splits.read(path, table())


def music(rng, n=300, bands=24):
    """Frames that move like music: random onsets that decay."""
    level = np.zeros((n, bands))
    for t in range(1, n):
        level[t] = np.maximum(0.8 * level[t - 1], 40 * (rng.random(bands) < 0.1))
    return level - 60


def test_near_duplicates_survive_gain_noise_and_a_shift():
    rng = np.random.default_rng(0)
    frames = {f"t{i}": music(rng) for i in range(30)}
    frames["copy"] = frames["t3"] + 6 + rng.normal(0, 1, frames["t3"].shape)
    frames["later"] = frames["t7"][50:]
    found = splits.near_duplicates(Pictures(frames), list(frames))
    assert {frozenset(p) for p in found[["a", "b"]].to_numpy()} == {
        frozenset(("copy", "t3")),
        frozenset(("later", "t7")),
    }


def test_no_duplicates_among_silence_or_too_few_tracks():
    silence = {name: np.full((100, 24), -100.0) for name in "ab"}
    assert splits.near_duplicates(Pictures(silence), ["a", "b"]).empty
    assert splits.near_duplicates(Pictures({}), []).empty
    assert splits.near_duplicates(Pictures({"a": silence["a"][:1]}), ["a"]).empty


def stroke(rng, n=30, bands=24):
    """One stroke of a drum: a spectrum of its own that decays, each band at its own pace."""
    spectrum, pace = 20 * rng.random(bands), 2 + 4 * rng.random(bands)
    return spectrum - pace * np.arange(n)[:, None] + rng.normal(0, 1, (n, bands))


def test_strokes_of_different_drums_are_no_copies_and_a_copied_stroke_is_one():
    rng = np.random.default_rng(0)
    frames = {f"t{i}": stroke(rng) for i in range(30)}
    frames["copy"] = frames["t3"] - 9 + rng.normal(0, 0.5, frames["t3"].shape)
    found = splits.near_duplicates(Pictures(frames), list(frames))
    assert [set(pair) for pair in found[["a", "b"]].to_numpy()] == [{"copy", "t3"}]


def test_noise_far_below_the_loud_parts_hides_no_copy():
    """A copy from a cassette: where the music pauses, other things go on, 50 dB below."""
    rng, frames = np.random.default_rng(0), {}
    for name in [*(f"t{i}" for i in range(30)), "copy"]:
        played = frames["t3"][:60] if name == "copy" else music(rng, n=60)
        frames[name] = np.concatenate([played, 0.6 * (music(rng, n=240) + 60) - 94])
    found = splits.near_duplicates(Pictures(frames), list(frames))
    assert [set(pair) for pair in found[["a", "b"]].to_numpy()] == [{"copy", "t3"}]


def test_duplicates_across_sides_are_named_and_mended():
    tracks = table(n_artists=3, per_artist=1)
    split = splits.by_group(tracks, n_folds=3)
    train, test = split.ids("train")[0], split.ids("test")[0]
    pair = pd.DataFrame({"a": [test], "b": [train], "correlation": [0.97]})
    with pytest.raises(splits.LeakError, match=f"{test} = {train}"):
        splits.check(split, tracks, pair)
    mended = splits.mend(split, pair)
    assert train not in mended.sides and test in mended.sides
    assert "1 near-duplicate" in mended.rule
    splits.check(mended, tracks, pair)


def test_rare_labels_among_several_do_not_overrule_the_official_lists():
    tracks = table(n_artists=6, per_artist=1).assign(split="train")
    pieces = table(n_artists=2, per_artist=1, labels=("c", "d")).assign(split="test", label="")
    pieces["labels"] = [("a",), ("a", "c"), (), ("a",)]
    split = splits.official(pd.concat([tracks, pieces], ignore_index=True))
    assert split.ids("test") == ["c0-0", "c1-0", "d0-0", "d1-0"]


def test_rare_labels_among_several_do_not_forbid_a_draw():
    tracks = table(n_artists=5, per_artist=2)
    tracks["labels"] = [("a", "rare"), *tracks["labels"][1:]]
    assert set(splits.by_group(tracks).sides) == set(splits.SIDES)
    with pytest.raises(ValueError, match="'any class': 2"):
        splits.by_group(tracks[tracks["group"].isin(["a-artist0", "a-artist1"])])


def test_an_audited_split_stays_whatever_features_come_later(tmp_path):
    """Other features may find other near-duplicates; the tracks of a run must not change by it."""
    rng = np.random.default_rng(0)
    tracks, path = table(n_artists=5, per_artist=1), tmp_path / "split.csv"
    ids = tracks["track_id"].tolist()
    frames = {t: rng.normal(-30, 10, size=(80, 24)).astype(np.float32) for t in ids}
    given = splits.by_group(tracks)
    splits.write(given, path)
    train, test = given.ids("train")[0], given.ids("test")[0]
    first = splits.prepare(tracks, Pictures(frames | {train: frames[test]}), path)
    assert train not in first.sides and "1 near-duplicate" in first.rule
    other = given.ids("train")[1]
    again = splits.prepare(tracks, Pictures(frames | {other: frames[test]}), path)
    assert again.rule == first.rule and again.sides.equals(first.sides)
    with pytest.raises(splits.LeakError):
        splits.prepare(tracks.assign(group="one"), Pictures(frames), path)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_artists, n_folds", [(3, 3), (4, 4), (5, 5), (8, 5)])
def test_with_few_artists_every_class_stands_on_every_side(n_artists, n_folds, seed):
    """Own music, three artists a class: as many folds as there are artists."""
    tracks = table(n_artists=n_artists, per_artist=2, labels="abc")
    for fold in range(n_folds):
        split = splits.by_group(tracks, fold=fold, seed=seed)
        counts = pd.crosstab(tracks["label"].to_numpy(), split.sides.to_numpy())
        assert counts.shape == (3, 3) and (counts > 0).all(axis=None)
        assert f"fold {fold + 1} of {n_folds}" in split.rule
    with pytest.raises(ValueError, match=f"fold must be 0 to {n_folds - 1}"):
        splits.by_group(tracks, fold=n_folds, seed=seed)


def test_unequal_artists_are_drawn_until_every_class_has_its_sides():
    """Artists of one class with many tracks and of another with few: the first draw may fail."""
    sizes = {"a": (40, 1, 1), "b": (2, 2, 30), "c": (9, 9, 9)}
    rows = [
        (f"{label}{artist}-{i}", label, f"{label}{artist}", "")
        for label, per_artist in sizes.items()
        for artist, n in enumerate(per_artist)
        for i in range(n)
    ]
    tracks = pd.DataFrame(rows, columns=["track_id", "label", "group", "split"])
    tracks["labels"] = [(label,) for label in tracks["label"]]
    for seed in range(10):
        split = splits.by_group(tracks, seed=seed)
        counts = pd.crosstab(tracks["label"].to_numpy(), split.sides.to_numpy())
        assert (counts > 0).all(axis=None) and counts.shape == (3, 3)


def test_a_division_that_cannot_be_is_refused_with_what_is_lacking():
    """One artist plays in every class, and the others are too few."""
    rows = [(f"{c}{g}{i}", c, g, "") for c in "ab" for g in ("x", "y", "z") for i in range(3)]
    rows = [row for row in rows if row[1] == "a" or row[2] != "y"] + [("b9", "b", "w", "")]
    tracks = pd.DataFrame(rows, columns=["track_id", "label", "group", "split"])
    tracks["labels"] = [(label,) for label in tracks["label"]]
    with pytest.raises(ValueError, match="puts every class on every side: no .* track of"):
        splits.by_group(tracks)


def test_folds_are_as_many_as_the_groups_allow_and_say_so():
    y, groups = np.repeat(["jazz", "rock"], 9), np.repeat(np.arange(6), 3)
    folds = splits.StratifiedGroupKFold(5, shuffle=True, random_state=0)
    with pytest.warns(UserWarning, match="3 folds instead of 5: no class has more groups"):
        tests = [set(y[test]) for _, test in folds.split(y, y, groups)]
    assert tests == [{"jazz", "rock"}] * 3 and folds.get_n_splits(y, y, groups) == 3
    model = KNeighborsClassifier(1)
    with pytest.warns(UserWarning, match="3 folds"):
        cross_val_predict(model, np.arange(18)[:, None], y, groups=groups, cv=folds)
    with pytest.raises(ValueError, match="each class comes from one group only"):
        next(folds.split(y, y, np.where(y == "jazz", 0, 1)))


def test_validation_is_cut_from_a_training_list_with_few_artists():
    tracks = table(n_artists=4, per_artist=2)
    number = tracks["group"].str[-1].astype(int)
    tracks["split"] = np.where(number == 3, "test", "train")
    split = splits.official(tracks)
    counts = pd.crosstab(tracks["label"].to_numpy(), split.sides.to_numpy())
    assert (counts[["train", "valid", "test"]] > 0).all(axis=None)
