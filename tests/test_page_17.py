"""17: what its sentences say about leaks, the trap, families and votes is what its tables show."""

import pytest
from scipy.stats import binomtest

from tests.kept import page

NAME, N = "17_composers", r"[+-]?\d+\.\d\d"
TOLD = rf"({N}) \[({N}), ({N})\] \((\d+) compositions, chance ({N})\)"


def told(found, first):
    """The five figures of a score in words."""
    return [float(x) for x in found.groups()[first - 1 : first + 4]]


def shown(row):
    columns = ["accuracy", "accuracy_low", "accuracy_high", "n_groups", "chance"]
    return row[columns].tolist()


def test_where_all_are_right_the_interval_is_exact():
    found = page(NAME).find(rf"the same, exact: {TOLD}")
    value, low, high, n, _ = told(found, 1)
    ends = binomtest(int(n), int(n)).proportion_ci(method="exact")
    assert value == high == 1 and low == pytest.approx(ends.low, abs=0.006)


def test_no_interval_is_a_point():
    """Of none of the tables with scores, unless it says that nothing varies: 0 and 1 are exact."""
    for table in page(NAME).tables:
        if {"accuracy", "accuracy_low", "accuracy_high"} <= set(table):
            for _, row in table.iterrows():
                assert row["accuracy_low"] < row["accuracy_high"]
                if row["accuracy"] == 1:
                    n = int(row["n_groups"])
                    low = binomtest(n, n).proportion_ci(method="exact").low
                    assert row["accuracy_low"] == pytest.approx(low, abs=0.006)


def test_the_leak_by_performance():
    ways = page(NAME).table("accuracy", "n_groups")
    found = page(NAME).find(
        rf"Divided at random, the classifier scores {TOLD}; with compositions together, {TOLD}\..*?"
        rf" paired difference is ({N}) \[({N}), ({N})\]"
    )
    assert told(found, 1) == pytest.approx(shown(ways.loc["performances at random"]), abs=0.006)
    assert told(found, 6) == pytest.approx(shown(ways.loc["compositions together"]), abs=0.006)
    gap, low, high = (float(x) for x in found.groups()[10:])
    assert gap == pytest.approx(told(found, 1)[0] - told(found, 6)[0], abs=0.011)
    assert low <= gap <= high


def test_the_trap_is_higher_in_as_many_draws_as_it_says():
    found = page(NAME).find(
        rf"would report ({N}), .*? it is worth ({N}): in (\d+) of (\d+) draws the first"
    )
    same, other, higher, draws = (float(x) for x in found.groups())
    assert higher <= draws
    if higher == draws:
        assert same > other
    learned = page(NAME).find(
        rf"clips of the same recordings scored ({N}), clips of other compositions ({N})"
    )
    assert [float(x) for x in learned.groups()] == [same, other]


def test_the_vote_of_clips():
    voted = page(NAME).tables[
        next(i for i, t in enumerate(page(NAME).tables) if "a composition" in t.index)
    ]
    found = page(NAME).find(
        rf"composer of a clip with accuracy {TOLD}; after the vote, of a performance with ({N}) "
        rf"and of a composition with {TOLD}"
    )
    assert told(found, 1) == pytest.approx(shown(voted.loc["a clip"]), abs=0.006)
    assert float(found[6]) == pytest.approx(voted.loc["a performance", "accuracy"], abs=0.006)
    assert told(found, 7) == pytest.approx(shown(voted.loc["a composition"]), abs=0.006)


def test_errors_of_the_network_and_of_the_reader():
    rows = page(NAME).table("accuracy", "macro_f1", "log_loss", "n_test")
    difference = page(NAME).find(rf"Notes minus network, paired: ({N}) \[({N}), ({N})\]")
    value, low, high = (float(x) for x in difference.groups())
    network = next(name for name in rows.index if name != "notes-linear")
    between = rows.loc["notes-linear", "accuracy"] - rows.loc[network, "accuracy"]
    assert value == pytest.approx(between, abs=0.011) and low <= value <= high
    for name, row in rows.iterrows():
        wrong, n = page(NAME).find(rf"{name} is wrong on (\d+) of (\d+) performances").groups()
        assert row["n_test"] == int(n)
        assert 1 - int(wrong) / int(n) == pytest.approx(row["accuracy"], abs=0.006)
    both = int(page(NAME).find(r"; on (\d+) of them together")[1])
    assert both <= min(round((1 - r["accuracy"]) * r["n_test"]) for _, r in rows.iterrows())


def test_the_best_family_is_one_of_four_and_its_score_is_told_twice():
    first = page(NAME).find(rf"Of the notes, (\w+) alone says most: {TOLD}")
    again = page(NAME).find(rf"; of the notes, (\w+) alone says most: {TOLD}")
    assert first.groups() == again.groups()
    assert first[1] in ("register", "density", "dynamics", "harmony")


def test_the_family_that_costs_most_costs_what_it_says():
    """All together, without it, and the difference agree; what cannot be told from none is said."""
    found = page(NAME).find(
        rf"All together score {TOLD}\. To leave out \w+ costs most, ({N}) \[({N}), ({N})\]"
        rf"(, which this test cannot tell from none)?; .*? still reach ({N})"
    )
    loss, low, high, left = (float(found[i]) for i in (6, 7, 8, 10))
    assert loss == pytest.approx(float(found[1]) - left, abs=0.011) and low <= loss <= high
    assert bool(found[9]) == (low <= 0)
