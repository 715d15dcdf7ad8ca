"""What page 09 says of its own run: each computed sentence against the table or line it reads."""

import re

import pytest

from tests.kept import page

NUMBER = r"([\d,]*\d)"
D = r"([+-]\d\.\d\d)"
SCORE = r"accuracy (\d\.\d\d) \[(\d\.\d\d), (\d\.\d\d)\]"


@pytest.fixture
def kept():
    return page("09_resnet50_finetuning")


def number(text):
    return int(text.replace(",", ""))


def test_the_top_block_holds_the_parameters_of_the_table(kept):
    blocks = kept.table("patterns", "parameters")["parameters"]
    found = kept.find(rf"The blocks from (\w+) on hold {NUMBER} of {NUMBER} parameters: (\d+)%")
    top, all_of_them = blocks[found[1] :].sum(), blocks.sum()
    assert (number(found[2]), number(found[3])) == (top, all_of_them)
    assert abs(100 * top / all_of_them - int(found[4])) <= 0.5


def test_what_lies_clearly_below_the_first_features(kept):
    said = kept.find(
        r"On these tracks: (.*?)\. Track by track, the first minus (.*?)\. "
        r"So it lies clearly above (.*?)\."
    )
    first, *others = re.findall(rf"(?:^|; )([^;]+?): {SCORE}", said[1])
    pairs = re.findall(rf"([^;\[\]]+) {D} \[{D}, {D}\]", said[2])
    assert len(pairs) == len(others) >= 1
    for (other, accuracy, *_), (way, gain, low, _) in zip(others, pairs, strict=True):
        assert other == way.strip()
        assert float(gain) == pytest.approx(float(first[1]) - float(accuracy), abs=0.011)
        if float(low) != 0:  # else rounding hides on which side it lies
            assert (other in said[3]) == (float(low) > 0)


def test_how_many_times_fewer_parameters_the_head_has(kept):
    whole = number(kept.find(rf"Without its last layer it has {NUMBER} parameters")[1])
    found = kept.find(rf"The head has {NUMBER} parameters to learn, {NUMBER} times fewer")
    assert number(found[2]) == pytest.approx(whole / number(found[1]), abs=0.5)


def test_phase_two_refined_what_it_says_it_refined(kept):
    found = kept.find(
        r"Phase one left a validation loss of (\d+\.\d+) and .*? "
        r"One epoch later the loss was (.*?)\. At best: (.*?)\. "
        r"With all precautions, the top block (refined|did not get past)"
    )
    first = {way: float(x) for x, way in re.findall(r"(\d+\.\d+) \(([\w ]+)", found[2])}
    best = re.findall(r"(?:^|; )([\w ]+) (\d+\.\d+) in epoch (\d+) of (\d+)", found[3])
    assert set(first) == {way for way, *_ in best} and len(first) == 2
    assert all(float(loss) <= first[way] for way, loss, *_ in best)
    begin, (_, loss, at, of) = float(found[1]), best[-1]
    assert begin == float(loss) or (float(loss) < begin) == (found[4] == "refined")
    assert int(at) < int(of), "not trained to its end"


def test_differences_on_the_test_tracks_are_those_of_the_table(kept):
    table = kept.table("accuracy", "best epoch")
    said = kept.find(r"with 95 % intervals: (.*?)\. Chance is (\d\.\d\d), and (.*?)\.")
    pairs = re.findall(rf"(\w+) minus (\w+) {D} \[{D}, {D}\](, so)?", said[1])
    assert len(pairs) == len(table) - 1
    accuracy = table["accuracy"]
    for first, other, gain, low, high, unsure in pairs:
        assert float(gain) == pytest.approx(accuracy[first] - accuracy[other], abs=0.0061)
        low, high = float(low), float(high)
        assert low <= float(gain) <= high
        assert 0 in (low, high) or bool(unsure) == (low < 0 < high)
    assert float(said[2]) == pytest.approx(table["chance"].iloc[0], abs=0.005)
    for way, row in table.iterrows():
        clear = row["accuracy_low"] > row["chance"]
        assert f"{way} is {'' if clear else 'not '}clear of it" in said[3]


def test_every_training_went_past_its_best_epoch(kept):
    for text in kept.table("accuracy", "best epoch")["best epoch"]:
        at, of = map(int, text.split(" of "))
        assert at < of
