"""06: what its sentences say about ways, gaps, p-values and the long run is in its tables."""

import re

import numpy as np
import pytest

from tests.kept import page

NAME, N = "06_convpool_augmentation", r"[+-]?\d+\.\d\d"


@pytest.fixture(scope="module")
def scores():
    return page(NAME).table("accuracy", "clip_accuracy", "macro_f1", "chance")


@pytest.fixture(scope="module")
def against():
    return page(NAME).table("difference", "p", "p (Holm)", "verdict")


def test_all_ways_make_the_same_steps_and_most_best_epochs_lie_before_the_last(scores):
    found = page(NAME).find(
        r"(\d+) trainings of (\d+) epochs, (\d+) steps each.*? (\d+) of (\d+) found their best "
        r"epoch before the last: (.*?)\. "
    )
    trainings, epochs, steps, before, of = map(int, found.groups()[:5])
    best = {name: int(at) for name, at in re.findall(r"([\w-]+) at (\d+)", found[6])}
    assert list(best) == list(scores.index) and trainings == of == len(best)
    assert steps % epochs == 0 and before == sum(at < epochs for at in best.values())
    assert before > len(best) / 2


def test_the_gap_is_that_of_its_table():
    gaps = page(NAME).table("train", "valid", "gap")
    assert gaps["gap"].tolist() == pytest.approx((gaps["train"] - gaps["valid"]).tolist(), abs=2e-3)
    found = page(NAME).find(
        rf"gap is smallest with ([\w-]+), ({N}), which names .*? and widest with ([\w-]+), ({N})\. "
        rf".*? validation accuracy is highest with ([\w-]+)[^.]*?, ({N})"
    )
    shown = [gaps["gap"].min(), gaps["gap"].max(), gaps["valid"].max()]
    assert [float(found[i]) for i in (2, 4, 6)] == pytest.approx(shown, abs=0.006)
    named = [gaps["gap"][found[1]], gaps["gap"][found[3]], gaps["valid"][found[5]]]
    assert named == pytest.approx(shown, abs=0.002)


def test_differences_are_those_of_the_accuracies(scores, against):
    for name, row in against.iterrows():
        plain = scores.loc[name.split("-")[0] + "-none", "accuracy"]
        assert row["difference"] == pytest.approx(scores.loc[name, "accuracy"] - plain, abs=2e-3)


def test_p_values_are_corrected_after_holm_and_give_the_verdicts(against):
    order, m, last = np.argsort(against["p"].to_numpy(), kind="stable"), len(against), 0.0
    for rank, k in enumerate(order):
        last = max(last, min(1.0, (m - rank) * against["p"].iloc[k]))
        assert against["p (Holm)"].iloc[k] == pytest.approx(last, abs=0.001 * m)
    better = np.where(against["difference"] > 0, "better", "worse")
    clear = against["p (Holm)"] < 0.05
    assert against["verdict"].tolist() == np.where(clear, better, "cannot tell").tolist()


def test_the_sentence_counts_the_tests(against):
    found = page(NAME).find(
        rf"(\d+) independent tests would still give a p-value below 0\.05 with probability ({N})\. "
        r"Here (\d+) p-values lie below it, and (\d+) after Holm's correction\. Clearly better "
        rf"than no augmentation: ([^;]+); clearly worse: (.*?)\. The largest .*? of ([\w-]+), ({N})"
    )
    assert int(found[1]) == len(against)
    assert float(found[2]) == pytest.approx(1 - 0.95 ** len(against), abs=0.006)
    counts = (against["p"] < 0.05).sum(), (against["p (Holm)"] < 0.05).sum()
    assert (int(found[3]), int(found[4])) == counts
    for told, verdict in ((found[5], "better"), (found[6], "worse")):
        names = [] if told == "none" else told.split(", ")
        assert names == against.index[against["verdict"] == verdict].tolist()
    largest = against["difference"].abs().max()
    assert abs(against.loc[found[7], "difference"]) == pytest.approx(largest, abs=0.002)
    assert float(found[8]) == pytest.approx(against.loc[found[7], "difference"], abs=0.006)


def test_the_long_run_ended_as_it_says_and_its_difference_is_that_of_the_scores(scores):
    found = page(NAME).find(
        rf"best epoch of the long run was (\d+) of (\d+); (early stopping|the limit).*?has "
        rf"accuracy ({N}).*?long minus short is ({N}) \[({N}), ({N})\]"
    )
    best, ran = int(found[1]), int(found[2])
    assert (ran - best == 12) if found[3] == "early stopping" else ran == 80
    difference, low, high = map(float, found.groups()[4:])
    name = page(NAME).find(r"The long run of ([\w-]+) found its best epoch at (\d+)")
    assert int(name[2]) == best
    between = float(found[4]) - scores.loc[name[1], "accuracy"]
    assert difference == pytest.approx(between, abs=0.011) and low <= difference <= high
