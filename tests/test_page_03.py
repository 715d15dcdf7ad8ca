"""03: what its sentences say about clips, leaks and scaling is what its tables and lines show."""

import re

import pytest

from tests.kept import page

NAME = "03_load_xy"
N = r"-?\d+\.\d+"


@pytest.fixture(scope="module")
def ladder():
    return page(NAME).table("accuracy", "accuracy_low", "n_groups", "chance")


def test_the_clips_that_are_shown(ladder):
    text = page(NAME).find(
        r"Each picture is (\d+) frames wide, .*?decibels: (.*?) in (\d+) of (\d+)\."
    )
    frames = page(NAME).find(r"(\d+) clips from \d+ tracks, (\d+) frames each")
    assert text[1] == frames[2]
    pairs = re.findall(r"frame \d+: (-?\d+) and (-?\d+)", text[2])
    assert len(pairs) == int(text[4])
    sure = sum(int(low) > int(high) for low, high in pairs)  # rounded, equal ones may be either
    assert sure <= int(text[3]) <= sum(int(low) >= int(high) for low, high in pairs)


def test_every_rung_has_the_same_clips_and_an_interval(ladder):
    assert list(ladder.index) == ["by clip", "by track", "by group"]
    assert ladder["n_test"].nunique() == ladder["n_groups"].nunique() == 1
    assert (ladder["accuracy_low"] <= ladder["accuracy"]).all()
    assert (ladder["accuracy"] <= ladder["accuracy_high"]).all()
    assert (ladder["n_groups"] < ladder["n_test"] / 5).all()  # many clips of one artist


def test_the_fall_is_that_of_the_table(ladder):
    found = page(NAME).find(
        rf"From by clip to by group the same model goes from ({N}) to ({N}) \(chance ({N})\), "
        r"(-?\d+) points less, interval (-?\d+) to (-?\d+)\."
    )
    step = ladder["accuracy"]
    told = [float(x) for x in found.groups()]
    assert told[:2] == pytest.approx([step["by clip"], step["by group"]], abs=0.006)
    assert told[2] == pytest.approx(ladder["chance"].iloc[0], abs=0.006)
    assert told[3] == pytest.approx(100 * (step["by clip"] - step["by group"]), abs=0.6)
    assert told[4] <= told[3] <= told[5]
    assert ("did not get worse" in page(NAME).text) == (told[4] > 0)


def test_the_part_of_the_artists(ladder):
    found = page(NAME).find(r"to by group it loses (-?\d+) points: so much came from artists")
    step = ladder["accuracy"]
    assert int(found[1]) == pytest.approx(100 * (step["by track"] - step["by group"]), abs=0.6)


def test_the_leak_of_scaling():
    found = page(NAME).find(
        rf"most in band \d+, by ({N}) dB where a standard deviation is ({N}) dB: (\d+)% of it\. "
        r"Here this leak is (not )?small"
    )
    moved, deviation, share = (float(found[i]) for i in (1, 2, 3))
    assert share == pytest.approx(100 * moved / deviation, abs=1)
    assert (found[4] is None) == (share < 20)


def test_what_we_learned(ladder):
    found = page(NAME).find(
        rf"clip scored ({N}), by track ({N}), by group ({N}) \[({N}), ({N})\] of (\d+) clips,"
    )
    told = [float(x) for x in found.groups()]
    group = ladder.loc["by group"]
    shown = [*ladder["accuracy"], group["accuracy_low"], group["accuracy_high"], group["n_test"]]
    assert told == pytest.approx(shown, abs=0.006)
    sides = page(NAME).table("train", "valid", "test").sum()
    found = page(NAME).find(
        r"has (\d+) training, (\d+) validation and (\d+) test tracks; the audit found (\d+) "
        r"leaks before mending and none after, and (\d+) in a split drawn"
    )
    lines = [page(NAME).find(rf"(\d+) leaks{then}")[1] for then in (" before mending", ", for")]
    counted = [*sides[["train", "valid", "test"]], *map(int, lines)]
    assert [int(x) for x in found.groups()] == counted
