"""06: what its sentences say about ways, gaps, p-values and the recipe is in its tables."""

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


def test_all_ways_make_the_same_steps_and_their_curves_are_calm_at_the_end(scores):
    found = page(NAME).find(
        rf"(\d+) trainings of (\d+) epochs, (\d+) steps each\. ([\w-]+) ends with .*?, ({N}); .* "
        rf"it is ({N}), and the highest is that of [\w-]+, ({N})\. .* moved by more than ({N})"
    )
    trainings, epochs, steps = map(int, found.groups()[:3])
    assert trainings == len(scores) and steps % epochs == 0 and found[4] in scores.index
    lowest, plain, highest, moved = map(float, found.groups()[4:])
    assert lowest <= plain <= highest and moved < 0.1  # else it was not trained to its end


def test_the_recipe_climbs_as_its_table_says():
    climb = page(NAME).table("accuracy", "clip_accuracy", "log_loss")
    found = page(NAME).find(
        rf"The steps score (.*?)\. The last minus the first is ({N}) \[({N}), ({N})\]: "
        r"(more|on these)"
    )
    told = [float(score) for score in found[1].split(", ")]
    assert told == pytest.approx(climb["accuracy"].tolist(), abs=0.006)
    assert float(found[2]) == pytest.approx(told[-1] - told[0], abs=0.011)
    low, high = float(found[3]), float(found[4])
    assert low <= float(found[2]) <= high and (found[5] == "more") == (low > 0 or high < 0)


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
        r"P-values below it here: (\d+); after Holm's correction: (\d+)\. Clearly better "
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
