"""What notebook 11 says of its run, held to its own tables."""

import pandas as pd
import pytest

from notebooks.tools.build import ROOT
from tests.kept import page

NAME = "11_test_set_analysis"
HALF = 0.0051  # half of the last digit shown


@pytest.fixture
def kept():
    return page(NAME)


def test_the_first_model_and_how_far_its_interval_reaches(kept):
    table = kept.table("accuracy", "accuracy_low", "folds", "train_seconds")
    said = kept.find(
        r"Folds in this run: (\d+); trainings of a model on each: (\d+)\. The first is (.+?): "
        r"(\S+) \[(\S+), (\S+)\], n = (\d+) tracks"
    )
    first = table.iloc[0]
    assert said[3] == table.index[0] and table["accuracy"].is_monotonic_decreasing
    ends = first[["accuracy", "accuracy_low", "accuracy_high"]].tolist()
    assert [float(said[i]) for i in (4, 5, 6)] == ends
    assert int(said[1]) == table["folds"].max() and int(said[2]) == table["seeds"].max()
    assert int(said[7]) == first["n_test"]


def test_pairs_are_counted_with_and_without_the_correction(kept):
    n_models = len(kept.table("accuracy", "accuracy_low", "folds", "train_seconds"))
    said = kept.find(
        r"(\d+) of (\d+) pairs differ after Holm.*? Without it (\d+) would have p < 0.05, where "
        r"(\S+) are expected by chance.*? (?:(\d+) of them do not survive Holm. )?"
        r"Of the (\d+) models beside (.+?), this test cannot tell (\d+) from it"
    )
    after, pairs, alone, chance, taken, others = (float(said[i] or 0) for i in range(1, 7))
    as_good = float(said[8])
    assert pairs == n_models * (n_models - 1) / 2 and others == n_models - 1
    assert chance == pytest.approx(0.05 * pairs, abs=0.051)
    assert taken == alone - after >= 0 and others - after <= as_good <= others
    table = kept.table("model", "other", "p", "holm")
    assert (table["holm"] < 0.05).sum() == min(after, len(table))
    assert (table["p"] < 0.05).sum() == min(alone, len(table))
    assert table["p"].is_monotonic_increasing and (table["holm"] >= table["p"]).all()
    exact = min(1, table["p"].iloc[0] * pairs)
    assert table["holm"].iloc[0] == pytest.approx(exact, abs=0.0001 * pairs)
    learned = kept.find(r"(\d+) of (\d+) pairs differ after Holm; without it (\d+) would")
    assert [float(part) for part in learned.groups()] == [after, pairs, alone]


def test_the_full_comparison_is_the_table_that_is_kept(kept):
    table = pd.read_csv(ROOT / "notebooks/results/demo_full.csv", comment="#")
    models, each = table[table["fold"] == "all"].set_index("model"), table[table["fold"] != "all"]
    said = kept.find(
        r"In full, (.+?) is first with (\S+) \[(\S+), (\S+)\]; after Holm it is better than (\d+) "
        r"of the (\d+) others\. .*? lie up to (\S+) apart \(the widest, (.+?)\)"
    )
    top = models.iloc[0]
    assert said[1] == models.index[0] and int(said[6]) == len(models) - 1
    ends = top[["accuracy", "accuracy_low", "accuracy_high"]].tolist()
    assert [float(said[i]) for i in (2, 3, 4)] == pytest.approx(ends, abs=HALF)
    beaten = top["better_than"].split("; ") if pd.notna(top["better_than"]) else []
    assert int(said[5]) == len(beaten)
    accuracy = each.groupby("model")["accuracy"]
    spread = accuracy.max() - accuracy.min()
    assert float(said[7]) == pytest.approx(spread.max(), abs=HALF) and said[8] == spread.idxmax()


def test_the_kept_comparison_is_complete_and_adds_up():
    """Each artist is tested once; networks that draw have three trainings on each of five folds."""
    table = pd.read_csv(ROOT / "notebooks/results/demo_full.csv", comment="#")
    models, each = table[table["fold"] == "all"].set_index("model"), table[table["fold"] != "all"]
    assert set(models["n_test"]) == {300} and set(models["folds"]) == {5}
    drawn = models.index[~models.index.str.startswith(("04", "10"))]
    assert len(drawn) == 7 and set(models.loc[drawn, "seeds"]) == {3}
    for name, row in models.iterrows():
        own = each[each["model"] == name]
        assert len(own) == 5 * row["seeds"]
        mean = (own["accuracy"] * own["n_test"]).sum() / own["n_test"].sum()
        assert row["accuracy"] == pytest.approx(mean, abs=2e-3)
        assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]


def test_right_and_wrong_answers_add_up(kept):
    said = kept.find(
        r"accuracy (\S+) \[\S+, \S+\], n = (\d+) tracks, chance \S+; (\d+) of (\d+) tra"
    )
    accuracy, n, right, of = map(float, said.groups())
    assert n == of and accuracy == pytest.approx(right / n, abs=HALF)
    found, true, went = kept.find(
        r"was found least: (\d+) of (\d+) times. The wrong answers went (.+?)\. "
        r"(?:The most|There is)"
    ).groups()
    moved = [int(part.split()[0]) for part in went.split(", ") if part != "nowhere"]
    assert int(found) + sum(moved) == int(true)
    if right < n:
        of_class, wrong = kept.find(r"wrong answer is .+?: (\d+) of (\d+), from").groups()
        assert int(wrong) == n - right and int(of_class) <= int(wrong)


def test_the_mistake_that_is_heard_is_the_most_confident(kept):
    table = kept.table("truth", "answer", "confidence")
    assert table["confidence"].is_monotonic_decreasing
    track, truth, verb, answer, fine, clips = kept.find(
        r"([\w.]+) \((\w+)\) (was taken for|was correctly called) (.+?)\. "
        r"In (\d+) of its (\d+) clips"
    ).groups()
    assert int(fine) <= int(clips)
    if len(table):
        first = table.iloc[0]
        assert [track, truth, verb, answer] == [
            table.index[0], first["truth"], "was taken for", first["answer"],
        ]  # fmt: skip
        assert (table["truth"] != table["answer"]).all()


def test_labels_that_were_found_stand_beside_all_suspects(kept):
    said = kept.find(
        r"(\d+) of (\d+) labels were swapped. The search found (\d+) of them, a recall of (\S+?); "
        r"as many tracks drawn at random would reach (\S+?)\. It suspected (\d+) tracks, so its "
        r"precision is only (\S+?), at random (\S+?)\. The other (\d+) suspects"
    )
    swapped, n, found, recall, drawn, suspects, precision, guess, rest = map(float, said.groups())
    assert drawn == pytest.approx(suspects / n, abs=HALF)
    assert recall == pytest.approx(found / swapped, abs=HALF)
    assert precision == pytest.approx(found / suspects, abs=HALF)
    assert guess == pytest.approx(swapped / n, abs=HALF) and rest == suspects - found
    learned = kept.find(r"found (\d+) of (\d+), with a precision of (\S+)\.")
    assert [float(part) for part in learned.groups()] == [found, swapped, precision]


def test_calibration_is_what_the_table_says(kept):
    table = kept.table("ECE", "log loss", "mean claim", "came true")
    said = kept.find(
        r"claimed (\S+) on average, and (\S+) came true. A temperature of (\S+) takes the ECE from "
        r"(\S+) to (\S+) and the log loss from (\S+) to (\S+?)\. Perfectly honest claims would "
        r"show an ECE between (\S+) and (\S+) on these \d+ tracks: what is left (may|is more)"
    )
    claimed, true, temperature, *moved, low, high = map(float, said.groups()[:-1])
    before, after = table.iloc[0], table.iloc[1]
    shown = [before["mean claim"], before["came true"], before["ECE"], after["ECE"],
             before["log loss"], after["log loss"]]  # fmt: skip
    assert [claimed, true, *moved] == pytest.approx(shown, abs=HALF + 0.001)
    assert table.index[1] == f"temperature {temperature:.2f}"
    if abs(after["ECE"] - high) > HALF:
        assert (said[10] == "may") == (after["ECE"] < high)
    assert low <= high
