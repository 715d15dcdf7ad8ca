"""What notebook 02 says in words is what its tables show."""

import nbformat
import pytest

from notebooks.tools import build
from tests.kept import page

NAME = "02_feature_extraction"


@pytest.fixture(scope="module")
def kept():
    return page(NAME)


def number(text):
    return float(text.replace(",", "").replace("%", ""))


def test_the_fast_way_is_the_right_way(kept):
    printed = kept.find(r"largest difference from librosa: (\S+) dB")[1]
    assert 0 <= float(printed) < 0.01
    assert kept.find(r"differed from librosa by at most (\S+) dB")[1] == printed


def test_the_histogram_in_decibels_has_its_spike_where_the_sentence_says(kept):
    said = kept.find(r"The fullest bar, (\d+)%, lies between (-?\d+) and (-?\d+) dB")
    assert int(said[2]) < int(said[3]) and 2 <= int(said[1]) <= 100
    bars = int(kept.find(r"In decibels, (\d+) of the 50 bars hold more than 1 %")[1])
    assert bars + number(said[1]) <= 101, "each of these bars holds more than 1 %, the fullest more"
    assert number(kept.find(r"In power, ([\d.]+)% of the values")[1]) > 2


def test_values_a_second_follow_from_the_parameters(kept):
    nb = nbformat.read(build.ROOT / "notebooks" / f"{NAME}.ipynb", 4)
    given = {name: p.default for name, p in build.parameters(nb).items()}
    ours = given["N_MELS"] * given["SR"] / given["HOP_LENGTH"]
    said = kept.find(
        r"coarse picture has ([\d,]+) values, of ours ([\d,]+), of the fine one ([\d,]+)"
    )
    found = [number(n) for n in said.groups()]
    assert found == pytest.approx([ours / 16, ours, ours * 8], abs=0.6)


def test_a_second_call_wrote_as_many_shards_as_is_claimed(kept):
    printed = kept.find(r"(\d+) of (\d+) shards were written again")
    assert kept.find(r"a second run wrote (\d+) shards again")[1] == printed[1] == "0"
    assert int(printed[2]) > 0


def test_broken_files_are_rows_with_a_reason(kept):
    table = kept.table("status", "reason", "note", "n_frames").set_index("track_id")
    failed = table[table["status"] == "failed"]
    said = kept.find(r"(\d+) files failed, each with its reason: (.*?)\. The download")
    assert int(said[1]) == len(failed) and said[2].split(", ") == failed["reason"].tolist()
    assert failed["reason"].ne("").all() and "missing" in failed["reason"].tolist()
    said = kept.find(r"broke off is kept as far as it goes, with (\d+) of (\d+) frames and a note")
    broken, whole = table.loc["broken off"], table.iloc[-1]
    assert (int(said[1]), int(said[2])) == (broken["n_frames"], whole["n_frames"])
    assert 0 < broken["n_frames"] < whole["n_frames"]
    assert broken["status"] == whole["status"] == "ok" and isinstance(broken["note"], str)
    learned = kept.find(r"and (\d+) broken files became rows with a reason")
    assert int(learned[1]) == len(failed)


def test_the_boxes_are_read_aloud(kept):
    table = kept.table("due to the class", "pairs of boxes apart")
    best = table["due to the class"].idxmax()
    said = kept.find(r"Of the four, (\S+) tells most: (\d+)% of its variance")
    assert said[1] == best
    assert number(said[2]) == pytest.approx(100 * table.loc[best, "due to the class"], abs=1.01)
    said = kept.find(r"boxes are apart in only (\d+) of (\d+) pairs")
    assert int(said[1]) == table.loc[best, "pairs of boxes apart"] < int(said[2])


WAYS = {"JPEG takes": "JPEG", "With stretched frames": "JPEG, frames stretched"}


def test_what_a_picture_costs_is_read_from_the_table(kept):
    table = kept.table("KB a track", "error", "difference_low", "difference_high")
    full, jpeg = table.loc["NumPy file, float32"], table.loc["JPEG"]
    said = kept.find(r"scores ([\d.]+) \[([\d.]+), ([\d.]+)\] \(n = \d+ tracks, chance [\d.]+\)")
    shown = [full["accuracy"], full["accuracy_low"], full["accuracy_high"]]
    assert [float(n) for n in said.groups()] == pytest.approx(shown, abs=0.0056)
    said = kept.find(
        r"JPEG takes (\d+)% of its bytes and is off by ([\d.]+) gray levels, that is ([\d.]+) dB"
    )
    assert number(said[1]) == pytest.approx(100 * jpeg["KB a track"] / full["KB a track"], abs=0.6)
    shown = [float(jpeg["error"]), float(jpeg["error in dB"])]
    assert [float(said[2]), float(said[3])] == pytest.approx(shown, abs=0.051)
    stretched = kept.find(r"With stretched frames the error is ([\d.]+) levels")
    assert float(stretched[1]) == pytest.approx(
        table.loc[WAYS["With stretched frames"], "error"], abs=0.051
    )
    assert table["error in dB"].astype(float).isna().sum() == 1, "stretched frames have no decibels"


@pytest.mark.parametrize("start", WAYS)
def test_a_difference_is_claimed_only_where_its_interval_leaves_out_0(kept, start):
    row = kept.table("difference_low").loc[WAYS[start]]
    said = kept.find(
        rf"{start}.*?in accuracy, ([+-][\d.]+) \[([+-][\d.]+), ([+-][\d.]+)\], (a|no) difference"
    )
    found = [float(n) for n in said.groups()[:3]]
    assert found == pytest.approx(
        [row[f"difference{end}"] for end in ("", "_low", "_high")], abs=1e-3
    )
    assert (said[4] == "a") == (found[1] > 0 or found[2] < 0)


def test_the_baseline_differs_from_itself_by_nothing(kept):
    row = kept.table("difference_low").loc["NumPy file, float32"]
    assert (row[["difference", "difference_low", "difference_high"]].astype(float) == 0).all()
