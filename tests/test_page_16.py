"""16: what its sentences say about labels, leak, baselines and pairs is what its tables show."""

import re

import pytest

from tests.kept import page

NAME, N = "16_instruments", r"[+-]?\d+\.\d\d"
WAYS = ("mean", "maximum", "mean, normalised")


@pytest.fixture(scope="module")
def scores():
    return page(NAME).table("micro_f1", "micro_f1_low", "lrap", "any_label").astype(float)


def test_no_sentence_and_no_table_calls_an_instrument_by_its_code():
    codes = {"cel", "cla", "flu", "gac", "gel", "org", "pia", "sax", "tru", "vio", "voi"}
    assert not codes & set(re.findall(r"\w+", page(NAME).text))
    assert not any(codes & {str(x) for x in table.index} for table in page(NAME).tables)


def test_lengths_and_labels_are_those_of_the_table():
    sides = page(NAME).table("tracks", "labels a track", "median seconds")
    found = page(NAME).find(
        r"An excerpt has one label and (\d+) seconds\. A test piece has (\d+) to (\d+) labels, "
        r"(\d+\.\d) on average"
    )
    assert sides.loc["train", "labels a track"] == 1
    assert int(found[1]) == round(sides.loc["train", "median seconds"])
    assert float(found[4]) == pytest.approx(sides.loc["test", "labels a track"], abs=0.06)
    assert int(found[2]) <= float(found[4]) <= int(found[3])


def test_the_leak_is_the_difference_of_the_two_ways():
    found = page(NAME).find(
        rf"by excerpt, ({N}) \[.*? by recording ({N}) \[.*? leak is worth ({N}) \[({N}), {N}\]: "
        r"(nothing was|too little)"
    )
    by_excerpt, by_recording, gap, low = (float(x) for x in found.groups()[:4])
    assert gap == pytest.approx(by_excerpt - by_recording, abs=0.011)
    assert (low > 0) == (found[5] == "nothing was") or low == 0


def test_the_network_beside_its_baselines(scores):
    found = page(NAME).find(
        rf"micro F1 ({N}) \[({N}), {N}\] and LRAP ({N}) \[({N}), {N}\] on (\d+) pieces\. "
        rf"Without listening, the most frequent labels get ({N}) and ({N}), chance ({N}) and "
        rf"({N}), and all labels a micro F1 of ({N})\. (.*?) "
        rf"The score for which any label counts says ({N})"
    )
    shown = [scores.loc[row, x] for row in ("mean", "most frequent", "chance")
             for x in ("micro_f1", "lrap")]  # fmt: skip
    said = [float(found[i]) for i in (1, 3, 6, 7, 8, 9)]
    assert float(found[10]) == pytest.approx(scores.loc["all labels", "micro_f1"], abs=0.006)
    assert said == pytest.approx(shown, abs=0.006)
    assert float(found[12]) == pytest.approx(scores.loc["mean", "any_label"], abs=0.006)
    above = found[11].partition("; not in")[0]
    for low, name, bars in ((2, "micro F1", (6, 8, 10)), (4, "LRAP", (7, 9))):
        bar = max(float(found[i]) for i in bars)
        if abs(float(found[low]) - bar) > 0.006:  # else rounding hides which is higher
            assert (float(found[low]) > bar) == (name in above)


def test_a_threshold_chosen_on_the_test_pieces_is_never_worse(scores):
    text = page(NAME).find(r"would have been best on the test pieces: (.*?\))\.")[1]
    for how in WAYS:
        best = float(re.search(rf"(?:^|; ){how}: {N} and {N} \(micro F1 up to ({N})\)", text)[1])
        assert best >= scores.loc[how, "micro_f1"] - 0.03  # the figure steps by 0.02


def test_instruments_ranked_best_and_worst_are_those_of_the_table():
    labels = page(NAME).table("roc_auc", "precision", "recall")
    found = page(NAME).find(
        rf"For (\d+) of (\d+) instruments the interval of ROC-AUC lies above 0\.5\. Best ranked is "
        rf"(.+?) \(({N})\), worst (.+?) \(({N})\)"
    )
    assert int(found[2]) == len(labels)
    low = labels["roc_auc_low"]
    assert (low > 0.5).sum() <= int(found[1]) <= (low >= 0.5).sum()
    assert labels.loc[found[3], "roc_auc"] == labels["roc_auc"].max() == float(found[4])
    assert labels.loc[found[5], "roc_auc"] == labels["roc_auc"].min() == float(found[6])
