"""07: what its sentences say about axes, memories, epochs and lengths is what its tables show."""

import re

import pytest

from tests.kept import page

NAME, N = "07_crnn", r"[+-]?\d+\.\d\d"


@pytest.fixture(scope="module")
def scores():
    return page(NAME).table("accuracy", "accuracy_low", "chance", "parameters")


def test_only_the_axis_differs_where_shapes_and_parameters_agree():
    looks = page(NAME).table("(clips, steps, features)", "parameters")
    said = page(NAME).find(r"Only the axis differs between them|More than the axis differs")[0]
    assert (len(looks.drop_duplicates()) == 1) == said.startswith("Only")


def test_every_step_of_the_wrong_axis_notices_the_end_and_few_of_the_right_one():
    found = page(NAME).find(
        r"louder, (\d+) of (\d+) steps of cnn-lstm notice it, and (\d+) of (\d+) steps of cnn-lstm-"
    )
    right, steps, wrong, rows = map(int, found.groups())
    designs = page(NAME).table("steps", "seconds")["steps"]
    assert [steps, rows] == designs[["cnn-lstm", "cnn-lstm-reshape"]].tolist()
    assert wrong == rows and right <= steps / 3
    assert "cnn-lstm-reshape reads time: False" in page(NAME).text


def test_no_training_was_cut_off():
    text = page(NAME).find(r"The epoch that is kept: (.*?)\. (Early stopping|The limit)")
    ends = {n: (int(a), int(b)) for n, a, b in re.findall(r"([\w-]+) (\d+) of (\d+)", text[1])}
    assert "crnn" in ends and text[2] == "Early stopping"
    losses = page(NAME).find(r"a guesser has a loss of (\S+), and the lowest are (.*?)\.$")
    guess, best = float(losses[1]), [float(x) for x in re.findall(r"(\d\.\d\d) \(", losses[2])]
    assert len(best) == len(ends) and best == sorted(best) and max(best) < guess
    assert {ran - best for best, ran in ends.values()} == {6}  # PATIENCE


def test_the_best_network_and_those_above_chance(scores):
    found = page(NAME).find(
        rf"intervals of (\d+) of (\d+) networks lie above chance\. (\S+) scores highest: "
        rf"accuracy ({N}) \[({N}), ({N})\]"
    )
    above = scores["accuracy_low"] > scores["chance"]
    assert (int(found[1]), int(found[2])) == (above.sum(), len(scores))
    row = scores.loc[found[3]]
    assert row["accuracy"] == scores["accuracy"].max()
    shown = row[["accuracy", "accuracy_low", "accuracy_high"]].tolist()
    assert [float(x) for x in found.groups()[3:]] == pytest.approx(shown, abs=0.006)


@pytest.mark.parametrize(
    ("first", "other"), [("cnn-lstm", "cnn-lstm-reshape"), ("cnn-lstm", "cnn-mean")]
)
def test_a_verdict_follows_from_its_interval(scores, first, other):
    found = page(NAME).find(
        rf"{first} minus {other}, [^:]+: ({N}) \[({N}), ({N})\], "
        r"(?:(\S+) is better|this test cannot)"
    )
    difference, low, high = (float(x) for x in found.groups()[:3])
    between = scores.loc[first, "accuracy"] - scores.loc[other, "accuracy"]
    assert difference == pytest.approx(between, abs=0.007) and low <= difference <= high
    better = first if low > 0.005 else other if high < -0.005 else None
    assert found[4] == better or 0 in (round(low, 2), round(high, 2))


def test_the_best_and_the_worst_length():
    found = page(NAME).find(
        rf"On these (\d+) tracks, clips of [\d. and]+ s vote best \(accuracy ({N})\), clips of "
        rf"\S+ s worst \(({N})\)\. The whole track in one go scores ({N})\. .*? worth ({N})"
    )
    n, best, worst, whole, grain = int(found[1]), *(float(x) for x in found.groups()[1:])
    assert worst <= best and grain == round(1 / n, 2)
    assert all(abs(x * n - round(x * n)) <= 0.005 * n for x in (best, worst, whole))
