"""What notebook 13 says of its run, held to its own tables."""

import re

import pytest

from tests.kept import page

NAME = "13_recommender"
HALF = 0.0051


@pytest.fixture
def kept():
    return page(NAME)


def test_the_list_that_is_heard_is_the_one_that_is_counted(kept):
    heard = kept.table("label", "artist", "title", "distance")
    n, told = kept.find(r"Of (\d+) neighbours, so many have the class of \S+: (.+?)\.").groups()
    of = {by: int(k) for k, by in re.findall(r"(\d+) by (\w+)", told)}
    asked = kept.find(r"(\S+): ([^:;,]+), [^:;]+; by embedding")
    own = asked[1].rsplit(".", 1)[0]  # the demo's tracks are named by their class
    assert len(heard) == int(n) and (heard["label"] == own).sum() == of["embedding"]
    assert heard["distance"].is_monotonic_increasing
    assert asked[2] not in set(heard["artist"])


def test_precision_stands_beside_ceiling_and_chance(kept):
    said = kept.find(
        r"Same class: by the embedding (\S+) \[(\S+), (\S+)\], .*?; ceiling (\S+), chance (\S+?)\. "
        r"Same artist: (\S+) \[.*?No test artist has more than (\d+) tracks, so a list of (\d+) "
        r"holds at most (\d+) of them: the ceiling is (\S+), chance (\S+?)\. Hubs: .*? in (\d+) of "
        r"(\d+) lists"
    )
    value, low, high, ceiling, chance, artist, most, k, at_most, top, luck, hub, n = (
        float(part) for part in said.groups()
    )
    assert low <= value <= high and value <= ceiling + HALF and chance < ceiling
    assert at_most == min(most - 1, k) and top <= at_most / k + HALF
    assert artist <= top + HALF and luck < top and 0 < hub <= n


def test_differences_are_called_clear_where_their_interval_leaves_out_zero(kept):
    table = kept.table("instead of the embedding", "figure", "difference", "low", "high", "clear")
    clear, n, chance = kept.find(
        r"(\d+) of (\d+) differences have an interval that leaves out 0.*? about (\S+) "
        r"would be expected"
    ).groups()
    assert int(n) == len(table) and int(clear) == table["clear"].sum()
    assert float(chance) == pytest.approx(0.05 * len(table), abs=0.051)
    away = (table["low"] > 0) | (table["high"] < 0)
    unsure = (table["low"] == 0) | (table["high"] == 0)  # rounded to nothing
    assert (away == table["clear"])[~unsure].all()
    assert ((table["low"] <= table["difference"]) & (table["difference"] <= table["high"])).all()


def test_what_was_learned_repeats_the_measurements(kept):
    share = kept.find(r"neighbours by other artists, (\d+)% had the class")[1]
    value = kept.find(r"Same class: by the embedding (\S+) ")[1]
    assert float(value) == pytest.approx(int(share) / 100, abs=2 * HALF)
    reached, top = kept.find(r"the embedding reaches (\S+) of a possible (\S+)\.").groups()
    assert kept.find(r"Same artist: (\S+) ")[1] == reached
    assert kept.find(r"of them: the ceiling is (\S+),")[1] == top
    stars, of, dots = kept.find(
        r"same class for (\d+) of (\d+) stars and (\d+ of \d+ dots)"
    ).groups()
    assert kept.find(rf"{stars} of {of} stars and {dots} lie nearest")


def test_the_song_gets_the_answer_that_its_table_shows(kept):
    name, p = kept.find(r"the network says (\S+) \((\S+)\)\.").groups()
    table = kept.table("probability")
    assert table.index[0] == name and table["probability"].iloc[0] == pytest.approx(float(p))
    assert table["probability"].is_monotonic_decreasing
