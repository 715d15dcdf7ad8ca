"""04: what its sentences say about sets, families, the rule and the test is in its tables."""

import re

import pandas as pd
import pytest

from tests.kept import page

NAME = "04_feature_baselines"
N = r"[+-]?\d+\.\d+"
MODELS = ["logistic regression", "SVM", "k-NN", "random forest"]
ALL = "all + deviations"


def numbers(found, *places):
    return [float(found[i]) for i in places]


@pytest.fixture(scope="module")
def cv():
    """Accuracy, and the ends of its interval, of each set and model."""
    table = page(NAME).table(*MODELS)
    parts = {m: table[m].str.extract(rf"^({N}) \[({N}), ({N})\]$").astype(float) for m in MODELS}
    return pd.concat(parts, axis=1).swaplevel(axis=1)


@pytest.fixture(scope="module")
def families():
    return page(NAME).table("accuracy", "accuracy_low", "points", "points_low")


@pytest.fixture(scope="module")
def measured():
    return page(NAME).table("accuracy", "accuracy_low", "columns")


@pytest.fixture(scope="module")
def tested():
    return page(NAME).table("features", "accuracy", "difference", "n_test")


@pytest.fixture(scope="module")
def yardstick():
    return page(NAME).find(r"From here on, (.+?) is the yardstick")[1]


def test_the_verdict_on_splits_follows_from_their_spread():
    found = page(NAME).find(
        rf"on MFCC 24 from ({N}) to ({N}) \(chance.*? deviation of ({N}) points and MFCC 12 comes "
        rf"out ahead in \d+% of the pairs; on identical splits, ({N}) points and \d+%: "
        r"(no )?less luck"
    )
    lowest, highest, own, same = numbers(found, 1, 2, 3, 4)
    assert lowest < highest and (found[5] is None) == (same < own)
    again = page(NAME).find(
        rf"moved one model from ({N}) to ({N}) .*? of ({N}) points with a split each, ({N}) on"
    )
    assert numbers(again, 1, 2, 3, 4) == [lowest, highest, own, same]


def test_the_scaler_is_small_or_not_beside_the_draws():
    found = page(NAME).find(
        rf"by ({N}) points on average, in single splits by ({N}) to ({N})\. That is (not )?small "
        rf"beside the standard deviation of the draws, ({N}) points"
    )
    mean, low, high, luck = numbers(found, 1, 2, 3, 5)
    assert low <= mean <= high and (found[4] is None) == (abs(mean) < luck / 2)


def test_sets_and_models_are_ranked_by_the_table(cv, yardstick):
    found = page(NAME).find(
        rf"over the models, (.+?) is the best set and (.+?) the worst; the sets have a standard "
        rf"deviation of ({N}) points\. Averaged over the sets, (.+?) is the best model and (.+?) "
        rf"the worst; the models have one of ({N})\. .*? the choice of (features|a model) moves"
    )
    by_set, by_model = cv[0].mean(axis=1), cv[0].mean()
    for mean, best, worst, spread in ((by_set, 1, 2, 3), (by_model, 4, 5, 6)):
        assert mean[found[best]] >= mean.max() - 0.006 and mean[found[worst]] <= mean.min() + 0.006
        assert float(found[spread]) == pytest.approx(100 * mean.std(), abs=0.5)
    assert found[4] == yardstick
    assert found[7] == ("features" if float(found[3]) > float(found[6]) else "a model")
    assert (cv[1] <= cv[0]).all(axis=None) and (cv[0] <= cv[2]).all(axis=None)


def test_decibels_are_counted_from_their_table(cv):
    table = page(NAME).table("points", "points_low", "points_high")
    found = page(NAME).find(
        rf"gain most for ([^:]+): ({N}) points, interval ({N}) to ({N})\. Of the (\d+) intervals, "
        r"(\d+) lie wholly above zero and (\d+) wholly below"
    )
    assert found[1] == table["points"].idxmax()
    assert numbers(found, 2, 3, 4) == table.loc[found[1]].tolist()
    counts = len(table), (table["points_low"] > 0).sum(), (table["points_high"] < 0).sum()
    assert tuple(int(found[i]) for i in (5, 6, 7)) == counts
    for name, row in table.iterrows():
        model, bands = re.fullmatch(r"(.+), (\d+) bands", name).groups()
        gain = cv[0].loc[f"mel {bands}, dB", model] - cv[0].loc[f"mel {bands}, power", model]
        assert row["points"] == pytest.approx(100 * gain, abs=1.1)


def test_families_alone_and_missed(families):
    found = page(NAME).find(
        rf"Alone, (.+?) carries most \(({N})\) and (.+?) least \(({N})\)\. Missed most is (.+?), "
        rf"({N}) points\. Families whose interval lies above zero: (.+?)\. For the others"
    )
    alone, missed = families["accuracy"], families["points"]
    assert found.group(1, 3, 5) == (alone.idxmax(), alone.idxmin(), missed.idxmax())
    told = [alone.max(), alone.min(), missed.max()]
    assert numbers(found, 2, 4, 6) == pytest.approx(told, abs=0.06)
    sure = families.index[families["points_low"] > 0]
    assert found[7] == (", ".join(sure) or "none")


def test_the_choice_is_the_smallest_set_that_keeps_up(measured):
    found = page(NAME).find(rf"Best is (.+?) with (\d+) columns, ({N})\.")
    best, size = measured["accuracy"].idxmax(), measured["columns"]
    assert found[1] == best and int(found[2]) == size[best]
    assert float(found[3]) == pytest.approx(measured.loc[best, "accuracy"], abs=0.0011)
    behind, low = measured["behind_points"], measured["behind_points_low"]
    lag = 100 * (measured.loc[best, "accuracy"] - measured["accuracy"])
    assert behind.tolist() == pytest.approx(lag.tolist(), abs=0.11)
    chosen = page(NAME).find(r"keeps up with the best was (.+?), (\d+) of (\d+) columns\.")
    assert (int(chosen[2]), int(chosen[3])) == (size[chosen[1]], size[ALL])
    assert low[chosen[1]] <= 0
    assert (low.iloc[: list(measured.index).index(chosen[1])] > 0).all()  # the smallest set first
    if chosen[1] == best:
        assert f"so we stay with {best}:" in page(NAME).find("No smaller set.*")[0]
    else:
        found = page(NAME).find(
            rf"that keeps up is (.+?) with (\d+) columns, {N}: (\d+) columns fewer, and ({N}) "
            rf"points behind \[({N}), ({N})\]\."
        )
        assert found.group(1, 2) == chosen.group(1, 2)
        assert int(found[3]) == size[best] - size[chosen[1]]
        ends = measured.loc[chosen[1], ["behind_points_low", "behind_points_high"]]
        told = [behind[chosen[1]], *ends]
        assert numbers(found, 4, 5, 6) == pytest.approx(told, abs=0.051)


def test_early_stopping_ended_the_training():
    found = page(NAME).find(
        r"lowest in epoch (\d+) of (\d+), and early stopping ended .*? of (\d+) validation tracks"
    )
    assert int(found[1]) < int(found[2])


def test_the_test_is_read_from_its_table(tested, cv, yardstick):
    top = tested["accuracy"].idxmax()
    found = page(NAME).find(
        rf"(\S+) scores highest: accuracy ({N}) \[({N}), ({N})\], n = (\d+) tracks, chance ({N})\."
    )
    columns = ["accuracy", "accuracy_low", "accuracy_high", "n_test", "chance"]
    assert found[1] == top
    assert numbers(found, 2, 3, 4, 5, 6) == pytest.approx(
        tested.loc[top, columns].tolist(), abs=0.006
    )
    found = page(NAME).find(
        rf"difference to (\S+) without 0: (.+?) \(\d+ comparisons, not corrected; see "
        rf"notebook 11\)\. Cross-validation had promised (\S+) ({N}); its interval "
        r"in the test (includes|does not include) that"
    )
    apart = tested.index[(tested["difference_low"] > 0) | (tested["difference_high"] < 0)]
    assert found[2] == (", ".join(apart) or "none") and found[1] == found[3]
    assert tested.loc[found[1], "difference"] == 0 and tested.loc[found[1], "features"] == ALL
    assert float(found[4]) == cv[0].loc[ALL, yardstick]
    low, high = tested.loc[found[1], ["accuracy_low", "accuracy_high"]]
    assert (found[5] == "includes") == (low <= float(found[4]) <= high)


def test_what_we_learned_repeats_the_test(tested):
    yardstick = page(NAME).find(r"difference to (\S+) without 0:")[1]
    name = "features-smallest" if "features-smallest" in tested.index else yardstick
    found = page(NAME).find(
        rf"In the test: accuracy ({N}) .*? all columns: accuracy ({N}) .*? all of them: "
        rf"accuracy ({N}) "
    )
    told = tested.loc[[name, yardstick, "dense"], "accuracy"].tolist()
    assert numbers(found, 1, 2, 3) == pytest.approx(told, abs=0.006)


def test_whether_the_rule_lost_its_bet(tested):
    if "features-smallest" not in tested.index:
        pytest.skip("the rule chose all columns")
    worse = tested.loc["features-smallest", "difference_high"] < 0
    assert (page(NAME).find(r"The rule (lost|did not lose) its bet")[1] == "lost") == worse
