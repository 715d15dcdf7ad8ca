"""What page 10 says of its own run: each computed sentence against the table or line it reads."""

import re

import pytest

from tests.kept import page

P = r"(\d\.\d\d)"
D = r"([+-]\d\.\d\d)"
CITED = rf"([^;]+?) {P} \[{P}, {P}\]"
PAIR = rf"([^;]+?) against ([^;]+?) {D} \[{D}, {D}\], (more|less|undecided)"
END = r"\.(?= |$)"
ROUNDING = 0.0101  # of two figures that are shown with two digits


@pytest.fixture
def kept():
    return page("10_music_transfer")


@pytest.fixture
def table(kept):
    """Name of the features -> accuracy and interval, by classifier."""
    shown = kept.table("SVM", "logistic regression", "numbers", "parameters")
    pattern = re.compile(rf"{P} \[{P}, {P}\]")
    return {
        how: {name: numbers(*pattern.fullmatch(text).groups()) for name, text in shown[how].items()}
        for how in ("SVM", "logistic regression")
    }


@pytest.fixture
def scratch(kept):
    said = rf"From scratch, up to (\d+) tracks of each class bring {P} \[{P}, {P}\]"
    most, *scores = kept.find(said).groups()
    return int(most), numbers(*scores)


def numbers(*texts):
    return tuple(map(float, texts))


def cited(text):
    return {name.strip(): numbers(*scores) for name, *scores in re.findall(CITED, text)}


def check_pairs(text, accuracy):
    """Each difference is that of the accuracies, and its verdict that of its interval."""
    pairs = [found.groups() for found in re.finditer(PAIR, text)]
    assert len(pairs) == text.count(" against ") > 0
    for name, other, *interval, verdict in pairs:
        gain, low, high = numbers(*interval)
        assert low <= gain <= high
        assert gain == pytest.approx(accuracy[name.strip()] - accuracy[other], abs=ROUNDING)
        fits = {"more": low >= 0, "less": high <= 0, "undecided": low <= 0 <= high}
        assert fits[verdict], (name, other, low, high, verdict)


def test_the_order_of_batches(kept):
    said = kept.find(rf"(\d+) tracks, chance {P}\. Accuracy: (.*?)\. Track by track: (.*?){END}")
    scores = cited(said[3])
    assert len(scores) == 3 and "frozen" in scores
    assert all(low <= value <= high for value, low, high in scores.values())
    check_pairs(said[4], {name: value for name, (value, *_) in scores.items()})
    learned = kept.find(r"the [\w ]+ changes in accuracy: (.*?)\. - The")
    assert learned[1] == said[4]


def test_the_best_block_is_the_one_that_was_learned(kept):
    said = kept.find(rf"The best block for each question\. (.*?){END}")[1]
    learned = kept.find(r"- The best block for each question: (.*?)\. - With")[1]
    score = rf"{P} \[{P}, {P}\]"
    each = (rf"(\w+): (.+?) {score}, summary features {score}, the label itself {score}, "
            rf"chance {P}")  # fmt: skip
    found = re.findall(each, said)
    assert found and learned == "; ".join(f"{task}: {block}" for task, block, *_ in found)
    for task, _, *figures in found:
        *cites, chance = numbers(*figures)
        assert all(cites[i + 1] <= cites[i] <= cites[i + 2] for i in (0, 3, 6)) and 0 < chance < 1
        assert task != "class" or cites[6] > 0.95, "who knows the class knows the class"


def test_the_most_accurate_and_the_differences(kept, table, scratch):
    said = kept.find(rf"The most accurate is (.+?), {P} \[{P}, {P}\] \(n = \d+, chance {P}\)\. "
                     rf"On the same tracks: (.*?){END}")  # fmt: skip
    judged = table["logistic regression"] | {"from scratch (05)": scratch[1]}
    assert numbers(*said.groups()[1:4]) == judged[said[1]]
    assert judged[said[1]][0] == max(value for value, *_ in judged.values())
    check_pairs(said[6], {name: value for name, (value, *_) in judged.items()})


def test_the_few_shot_curve_ends_where_the_table_stands(kept, table, scratch):
    most, (goal, *_) = scratch
    said = kept.find(rf"The curves, from (\d+) track of each class to all: (.*?){END}")
    curves = re.findall(
        rf"([^;]+?) climbs from {P} ± {P} to {P} and (never reaches|reaches) that level"
        r"(?: with (\d+))?",
        said[2],
    )
    assert len(curves) == said[2].count("±") >= 2
    learned = kept.find(rf"- With {said[1]} track of each class: (.*?)\. With all, (.*?){END}")
    for name, start, _, end, verb, reached in curves:
        assert f"{name.strip()} {start}" in learned[1]
        assert float(end) == table["logistic regression"][name.strip()][0]
        if verb == "never reaches":
            assert max(float(start), float(end)) <= goal
        elif reached == said[1]:
            assert float(start) >= goal
        elif reached == str(most):
            assert float(start) <= goal <= float(end)
    assert f"{goal:.2f} [" in learned[2]


def test_the_files_answer_and_are_scored_on_the_same_tracks(kept):
    tracks = kept.find(r"\(n = (\d+), chance")[1]
    heads = re.findall(r"transfer-(\w+)-head\.keras: accuracy .*?, n = (\d+) tracks", kept.text)
    assert {"untrained"} <= {name for name, _ in heads} <= {"untrained", "musicnn", "msd"}
    assert {n for _, n in heads} == {tracks}
    assert kept.find(r"answers like the regression: (\w+)")[1] == "True"
