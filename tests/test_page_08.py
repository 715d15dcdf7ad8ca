"""What page 08 says of its own run: each computed sentence against the table or line it reads."""

import re

import pytest

from tests.kept import page

D = r"([+-]\d\.\d\d) \[([+-]\d\.\d\d), ([+-]\d\.\d\d)\](, so)?"


@pytest.fixture
def kept():
    return page("08_raw_waveform")


@pytest.fixture
def scores(kept):
    return kept.table("accuracy", "parameters", "steps")


def number(text):
    return float(text.replace(",", ""))


def test_the_clip_is_as_long_as_its_batch(kept):
    batch = kept.find(r"samples \(\d+, (\d+), 1, 1\), log-mels \(\d+, (\d+), (\d+), 1\)")
    samples, frames, bands = map(int, batch.groups())
    said = kept.find(r"The clip is ([\d,]+) samples, ([\d.]+) times as many numbers")
    assert number(said[1]) == samples
    assert number(said[2]) == pytest.approx(samples / (frames * bands), abs=0.05)
    lost = kept.find(
        r"lie (\d+) of the (\d+) mel bands, but little energy: "
        r"from ([\d.]+)% \([\w ]+\) to ([\d.]+)% \("
    )
    assert int(lost[2]) == bands > int(lost[1])
    assert float(lost[3]) <= float(lost[4]) < 50


def test_the_work_is_that_of_the_table(kept):
    work = kept.table("positions", "multiplications")
    total = work.groupby("network")["multiplications"].sum()
    said = kept.find(
        r"comes down to (\d+) positions in one stride, .*? take ([\d.]+) and ([\d.]+) million multi"
    )
    wave, sample = work[work["network"] == "wavecnn"], work[work["network"] == "samplecnn"]
    assert int(said[1]) == wave["positions"].iloc[0]
    millions = [total["wavecnn"] / 1e6, total["samplecnn"] / 1e6]
    assert [float(said[2]), float(said[3])] == pytest.approx(millions, abs=0.051)
    early = sample[sample["positions"] > 1000]
    said = kept.find(r"(\d+)% of those of samplecnn fall to its first (\d+) layers")
    assert int(said[2]) == len(early)
    share = 100 * early["multiplications"].sum() / total["samplecnn"]
    assert int(said[1]) == pytest.approx(share, abs=0.5)


def test_every_network_was_trained_past_its_best_epoch(kept, scores):
    said = kept.find(r"Best epochs: (.*?)\. (None was still improving|Still improving)")
    best = {n: (int(a), int(b)) for n, a, b in re.findall(r"([\w-]+) (\d+) of (\d+)", said[1])}
    assert set(best) == set(scores.index)
    assert all(at < of for at, of in best.values()) and said[2].startswith("None")
    assert len({scores.loc[name, "steps"] / of for name, (_, of) in best.items()}) == 1


def test_every_network_is_above_chance(scores):
    assert (scores["accuracy_low"] > scores["chance"]).all()


def test_the_difference_on_the_test_tracks_is_that_of_the_table(kept, scores):
    other, *found, unsure = kept.find(
        rf"convpool-band minus (\w+), the network .*? loss, is {D}"
    ).groups()
    accuracy = scores["accuracy"]
    value, low, high = map(float, found)
    assert value == pytest.approx(accuracy["convpool-band"] - accuracy[other], abs=0.0061)
    assert low <= value <= high and (0 in (low, high) or bool(unsure) == (low < 0 < high))


def test_which_spacing_the_filters_are_nearer_to(kept):
    said = kept.find(
        r"lie ([\d.]+) octaves from even mel and ([\d.]+) from even hertz: nearer to even (\w+)"
    )
    mel, hertz = float(said[1]), float(said[2])
    assert mel == hertz or (mel < hertz) == (said[3] == "mel")


def test_the_share_of_changed_answers_is_that_of_the_table(kept):
    table = kept.table("wavecnn", "samplecnn", "convpool-band", "correlation")
    changes = {"A millisecond changed": "1 ms later", "swapped poles": "poles swapped",
               "half the loudness": "half as loud"}  # fmt: skip
    for words, row in changes.items():
        said = kept.find(
            rf"{words} (\d+)% \(wavecnn\), (\d+)% \(samplecnn\), (\d+)% \(convpool-band\)"
        )
        shares = 100 * table.loc[row, ["wavecnn", "samplecnn", "convpool-band"]]
        assert [int(x) for x in said.groups()] == pytest.approx(shares.tolist(), abs=0.551)
    steady = kept.find(r"Over all five changes, ([\w-]+) is the steadiest")[1]
    means = table.drop(columns="correlation").mean()
    assert means[steady] == pytest.approx(means.min(), abs=0.001)
    assert table.loc["poles swapped", "convpool-band"] == 0, "a power has no sign"
