"""What notebook 01 says in words is what its tables show."""

import re

import pytest

from tests.kept import page


@pytest.fixture(scope="module")
def kept():
    return page("01_data_visualization")


def rows(kept, *index):
    """Return the first table with these rows."""
    return next(t for t in kept.tables if set(index) <= set(map(str, t.index)))


def number(text):
    return float(text.replace(",", "").replace("%", ""))


def test_the_balance_of_the_classes(kept):
    table = rows(kept, "tracks", "groups")
    tracks, groups = table.loc["tracks"].astype(int), table.loc["groups"].astype(int)
    said = kept.find(r"Whoever always answers (\S+) is right for (\d+)% of the tracks")
    assert tracks[said[1]] == tracks.max()
    assert number(said[2]) == pytest.approx(100 * tracks.max() / tracks.sum(), abs=0.51)
    behind = kept.find(r"(\d+)(?: to (\d+))? groups stand behind each")
    assert (int(behind[1]), int(behind[2] or behind[1])) == (groups.min(), groups.max())
    even = tracks.min() == tracks.max()
    assert bool(re.search("All classes are equally large", kept.text)) == even


def test_the_trade_off_of_the_window(kept):
    table = kept.table("tone, hertz", "onset, ms").astype(float)
    said = kept.find(
        r"the tone narrows from (\d+) to (\d+) hertz, and the onset widens from (\d+) to (\d+) ms"
        r".*?with (\d+) hertz and (\d+) ms"
    )
    tone, onset = table["tone, hertz"].tolist(), table["onset, ms"].tolist()
    expected = [tone[0], tone[2], onset[0], onset[2], tone[1], onset[1]]
    assert [int(n) for n in said.groups()] == pytest.approx(expected, abs=0.56)
    assert tone[0] > tone[1] > tone[2] and onset[0] < onset[1] < onset[2]


def test_what_each_picture_notices(kept):
    table = kept.table("a semitone higher", "darker", "half as loud").astype(float)
    for what in table:
        pattern = rf"{what.capitalize()}: (.+?) moves most \(([\d.]+)\), (.+?) least \(([\d.]+)\)"
        said = kept.find(pattern)
        least = table.index[table[what] == table[what].min()]
        assert (said[1], said[3].split(" and ")) == (table[what].idxmax(), list(least))
        ends = [float(said[2]), float(said[4])]
        assert ends == pytest.approx([table[what].max(), table[what].min()], abs=0.006)


def test_the_classes_seen_and_heard(kept):
    table = rows(kept, "centroid, hertz", "strokes").astype(float)
    bright, strokes = table.loc["centroid, hertz"], table.loc["strokes"]
    said = kept.find(r"Of these (\d+) excerpts, (\S+) is the brightest \(([\d,]+) hertz\)")
    assert int(said[1]) == len(bright) and said[2] == bright.idxmax()
    assert number(said[3]) == pytest.approx(bright.max(), abs=0.6)
    assert kept.find(r"(\S+) is the darkest")[1] == bright.idxmin()
    said = kept.find(r"is largest in (\S+) \((\d+)%\) and smallest in (\S+) \((\d+)%\)")
    assert (said[1], said[3]) == (strokes.idxmax(), strokes.idxmin())
    ends = [number(said[2]) / 100, number(said[4]) / 100]
    assert ends == pytest.approx([strokes.max(), strokes.min()], abs=0.011)


def test_the_audit_counts_what_it_read(kept):
    files = kept.table("files")["files"]
    said = kept.find(r"Of (\d+) files, (\d+) cannot be used")
    assert int(said[1]) == files.sum()
    assert int(said[2]) == files.drop("fine", errors="ignore").sum()


def test_the_strongest_technical_clue_is_named_with_its_strength(kept):
    table = kept.table("class", "property", "clue", "technical")
    marked = table["technical"].astype(str) == "True"
    technical, musical = table[marked].iloc[0], table[~marked].iloc[0]
    said = kept.find(
        r"The strongest technical clue is (.+?) for (\S+), ([\d.]+)\. .*?: in (\d+)% of the draws, "
        r"the \S+ track has the (higher|lower) value .*?\)\. (That [^,:]+)"
    )
    assert said[1].replace(" ", "_") == technical["property"] and said[2] == technical["class"]
    assert float(said[3]) == pytest.approx(technical["clue"], abs=0.006)
    assert number(said[4]) == pytest.approx(50 * (1 + technical["clue"]), abs=0.51)
    assert (said[5] == "higher") == (technical["median"] > technical["of others"])
    assert ("gives the class away" in said[6]) == (technical["clue"] > 0.9)
    said = kept.find(r"strongest clue that may have musical reasons is (.+?) for (\S+), ([\d.]+)\.")
    assert said[1].replace(" ", "_") == musical["property"] and said[2] == musical["class"]
    assert float(said[3]) == pytest.approx(musical["clue"], abs=0.006)


def test_the_leak_is_told_twice_alike(kept):
    said = kept.find(r"the clue from ([\d.]+) to ([\d.]+)\. Of the (\d+) other tracks, (\d+) fall")
    learned = kept.find(r"taken through 16 kHz was noticed: ([\d.]+) became ([\d.]+\d)")
    assert said.groups()[:2] == learned.groups()
    assert float(said[1]) < float(said[2]) <= 1
    assert said[2] == "1.00" or int(said[4]) > 0, "only an overlap keeps a clue from being perfect"
