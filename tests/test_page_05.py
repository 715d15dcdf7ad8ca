"""05: what its sentences say about epochs, votes, classes and pictures is what its tables show."""

import re

import pytest

from tests.kept import page

NAME, N = "05_convpool", r"[+-]?\d+\.\d\d"


@pytest.fixture(scope="module")
def scores():
    return page(NAME).table("accuracy", "clip_accuracy", "macro_f1", "top3")


@pytest.fixture(scope="module")
def pictures():
    return page(NAME).table("accuracy", "best_epoch", "epochs")


@pytest.mark.parametrize("name", ["convpool", "convconvpool"])
def test_no_training_was_cut_off_and_the_gap_is_that_of_its_two_shares(name):
    found = page(NAME).find(
        rf"{name}: the best epoch was (\d+) of (\d+), then early stopping ended it\. At its best "
        r"epoch it was right for (\d+)% of the training clips and (\d+)% of the validation clips: "
        r"they part by (-?\d+) points"
    )
    best, ran, seen, unseen, gap = map(int, found.groups())
    assert ran - best == 6  # PATIENCE
    assert gap == pytest.approx(seen - unseen, abs=1)
    assert re.search(rf"\b{best} of {ran}\b", page(NAME).find(r"The best epochs were [^;]+")[0])


def test_the_vote_brings_clips_to_tracks(scores):
    said = page(NAME).find(r"The vote of the clips brings ([^;]+);")[1]
    found = re.findall(rf"(\w+) from ({N}) to ({N})", said)
    assert [name for name, *_ in found] == list(scores.index)
    for name, clip, track in found:
        shown = scores.loc[name, ["clip_accuracy", "accuracy"]].tolist()
        assert [float(clip), float(track)] == pytest.approx(shown, abs=0.006)


def verdicts():
    pattern = rf"([\w -]+) minus ([\w-]+) is ({N}) \[({N}), ({N})\]: (?:([\w -]+) is better|this)"
    text = re.sub(r"[*`]+", "", page(NAME).text)
    return [(a.strip(), b, *map(float, x), c) for a, b, *x, c in re.findall(pattern, text)]


def test_each_verdict_follows_from_its_interval(scores, pictures):
    accuracy = {**scores["accuracy"], **pictures["accuracy"]}
    found = verdicts()
    assert len(found) == len(pictures)  # two networks, and each picture but the usual one
    for first, other, difference, low, high, better in found:
        first = re.split(r", | tracks ", first)[-1]
        assert difference == pytest.approx(accuracy[first] - accuracy[other], abs=0.007)
        clear = first if low > 0.005 else other if high < -0.005 else ""
        assert better == clear or 0 in (round(low, 2), round(high, 2))


def test_the_best_and_the_worst_class(scores):
    found = page(NAME).find(
        r"On these tracks, most often found: ([\w, ]+), (\d+)% of the time\. (\w+) was found "
        r"(\d+) of (\d+) times; (?:(\d+) went to (\w+)|it missed nothing)"
    )
    best, share, worst, few, out_of, lost, to = found.groups()
    assert int(share) / 100 >= int(few) / int(out_of)
    assert int(few) == int(out_of) if to is None else 1 <= int(lost) <= int(out_of) - int(few)
    assert worst not in (to, *best.split(", "))
    page(NAME).find(rf" found most often: {best}; least often: {worst}\.")


def test_the_best_and_the_worst_picture_and_how_their_trainings_ended(pictures):
    found = page(NAME).find(
        rf"([\w -]+) scores highest, ({N}), and ([\w -]+) lowest, ({N})\. .*? Early stopping ended "
        r"(\d+) of the (\d+) trainings; (\d+) ran"
    )
    best, high, worst, low = found[1].split(". ")[-1].strip(), found[2], found[3], found[4]
    assert pictures.loc[best, "accuracy"] == pictures["accuracy"].max()
    lowest = pictures.loc[worst.split(" and "), "accuracy"]
    assert (lowest.round(2) == round(pictures["accuracy"].min(), 2)).all()
    ends = pictures["accuracy"].max(), pictures["accuracy"].min()
    assert (float(high), float(low)) == pytest.approx(ends, abs=0.006)
    early = (pictures["epochs"] - pictures["best_epoch"] >= 6).sum()
    assert list(map(int, found.groups()[4:])) == [early, len(pictures), len(pictures) - early]
    assert early == len(pictures)  # each to its end
