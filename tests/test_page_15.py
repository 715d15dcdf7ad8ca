"""What the kept page on tagging says is what its tables and intervals show."""

import re

import pytest

from tests.kept import page

NAME = "15_multilabel_tagging"
NUMBER = r"([-+]?\d+\.\d+)"
INTERVAL = rf"{NUMBER} \[{NUMBER}, {NUMBER}\]"


def test_the_best_and_the_worst_tag_are_those_of_the_table():
    table = page(NAME).table("n_tracks", "prevalence", "roc_auc", "average_precision")
    roc_auc = table["roc_auc"].dropna()
    worst = "|".join(map(re.escape, roc_auc.index[roc_auc == roc_auc.min()]))
    best = roc_auc.index[roc_auc == roc_auc.max()]
    tag = f"(?:{'|'.join(map(re.escape, best))})"
    said = page(NAME).find(
        rf"({tag}(?:, {tag})*) (is|are) ranked best \(ROC-AUC {roc_auc.max():.2f}\), "
        rf"({worst}) worst \({roc_auc.min():.2f}\)"
    )
    assert len(said[1].split(", ")) == len(best) and (said[2] == "are") == (len(best) > 1)
    macro = page(NAME).find(rf"of (\d+) tags, the interval lies .+? Macro: ROC-AUC {INTERVAL}")
    assert int(macro[1]) == len(roc_auc)
    assert float(macro[2]) == pytest.approx(roc_auc.mean(), abs=0.011)


def test_softmax_is_judged_by_the_interval_and_adds_up_to_one():
    found = page(NAME).find(
        rf"Softmax (ranks worse|ranks better|cannot be told from sigmoid by its ranking): ROC-AUC "
        rf"{NUMBER} against {NUMBER} \(difference {INTERVAL}\)\. But its probabilities add up to "
        rf"{NUMBER} on every track, where tracks have {NUMBER} tags"
    )
    softmax, sigmoid, difference, low, high, total, _ = map(float, found.groups()[1:])
    assert difference == pytest.approx(softmax - sigmoid, abs=0.011) and total == 1.0
    verdict = "ranks worse" if high < 0 else "ranks better" if low > 0 else "cannot be told"
    assert found[1].startswith(verdict) or 0 in (low, high)  # which a rounded end cannot say


def test_the_best_threshold_is_that_of_the_figures():
    """The table parts the validation tracks; the summary gives the test tracks."""
    table = page(NAME).table("micro_f1", "macro_f1")
    valid = table[table.iloc[:, 0] == "valid"]["macro_f1"]
    ways = ["0.5 by habit", "one for all", "one for each tag"]
    assert list(valid.index) == ways
    summary = page(NAME).find(
        rf"macro F1 on test tracks was {INTERVAL}; with one threshold from validation tracks "
        rf"{INTERVAL}, with one for each tag {INTERVAL}"
    )
    test = dict(zip(ways, (float(summary[k]) for k in (1, 4, 7))))
    said = page(NAME).find(rf"and macro F1 {NUMBER}, {NUMBER}, {NUMBER}\. Mind")
    assert list(map(float, said.groups())) == list(test.values())
    each = page(NAME).find(rf"macro F1 is {NUMBER} where it was chosen and {NUMBER} on test tracks")
    assert [float(each[1]), float(each[2])] == [valid["one for each tag"], test["one for each tag"]]


def test_rarity_and_threshold_are_tied_only_beyond_the_interval():
    found = page(NAME).find(rf"Rank correlation {INTERVAL} over \d+ tags: (.+?)\.")
    value, low, high = map(float, found.groups()[:3])
    assert low <= value <= high
    if low > 0 or high < 0:
        assert found[4] == f"rarer tags got {'lower' if low > 0 else 'higher'} thresholds"
    if low < 0 < high:
        assert found[4] == "no rule can be told from chance"


def test_the_taggram_knows_when_only_above_chance():
    found = page(NAME).find(
        rf"the times score a ROC-AUC of {INTERVAL}, n = \d+ pairs .+? chance 0\.50: "
        r"(it knows something of when|nothing shows that it knows when)"
    )
    low = float(found[2])
    assert (found[4] == "it knows something of when") == (low > 0.5) or low == 0.5


def test_training_ended_by_itself():
    for name in ("tagger", "tagger-softmax"):
        epochs = page(NAME).find(rf"{name}: (\d+) epochs, best (\d+)")
        assert int(epochs[2]) < int(epochs[1])
