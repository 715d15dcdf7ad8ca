"""What the kept page on the discography says is what its tables and tests found."""

import numpy as np
import pytest

from tests.kept import page

NAME = "14_beatles_exploration"
NUMBER = r"(-?\d+\.\d+)"


def test_the_verdict_on_harmony_follows_holms_correction():
    table = page(NAME).table("rank correlation", "p", "p after Holm")
    p = table["p"].dropna().sort_values()
    by_hand = (p * np.arange(len(p), 0, -1)).cummax().clip(upper=1)  # of rounded figures
    assert table["p after Holm"][p.index].to_numpy() == pytest.approx(by_hand.to_numpy(), abs=0.004)
    found = page(NAME).find(
        rf"albums: (.+?) \(smallest p {NUMBER} for (.+?), {NUMBER} after Holm\)\. What cannot"
    )
    assert float(found[2]) == p.min() and found[3] == p.idxmin()
    assert float(found[4]) == table.loc[p.idxmin(), "p after Holm"]
    alone, kept = (list(table.index[table[c] < 0.05]) for c in ("p", "p after Holm"))
    if kept:
        assert found[1].startswith(f"{', '.join(kept)}: changed with the years")
    elif alone:
        assert found[1].startswith(f"taken alone, {', '.join(alone)} would pass")
        assert "after the correction, no trend can be told" in found[1]
    else:
        assert found[1].startswith("no trend can be told from chance, even without")


def test_a_drift_and_a_break_are_found_only_where_p_is_small():
    drift = page(NAME).find(
        rf"go together with {NUMBER} \(p = {NUMBER} after Holm\): "
        r"(the sound changes with the years|no change can be told)"
    )
    assert (float(drift[2]) < 0.05) == (drift[3] == "the sound changes with the years")
    broken = page(NAME).find(
        rf"break is after (.+?) \(p = {NUMBER} after Holm\): "
        r"(a break beyond the drift|no break can be told)"
    )
    assert (float(broken[2]) < 0.05) == (broken[3] == "a break beyond the drift")
    truth = page(NAME).find(r"the step comes after (.+?), which is (that|another) place")
    assert (truth[1] == broken[1]) == (truth[2] == "that")


def test_the_guessed_years_beat_the_rival_only_beyond_the_interval():
    found = page(NAME).find(
        rf"miss by {NUMBER} years, the middle year by {NUMBER}: (better than|worse than|no clear "
        rf"gain over) the rival \(gain {NUMBER} \[{NUMBER}, {NUMBER}\] years"
    )
    error, baseline, gain, low, high = (float(found[k]) for k in (1, 2, 4, 5, 6))
    assert gain == pytest.approx(baseline - error, abs=0.11) and low <= gain <= high
    if low > 0 or high < 0:
        assert found[3] == ("better than" if low > 0 else "worse than")
    if low < 0 < high:
        assert found[3] == "no clear gain over"


def test_the_summary_repeats_what_the_page_found():
    verdict = page(NAME).find(r"albums: (.+?)\. What cannot be told")[1]
    sound = page(NAME).find(r"For \d+ albums, (distances .+?)\. The composer")[1]
    summary = page(NAME).find(r"- Harmony: (.+?)\. Sound of .+?: (distances .+?)\. - ")
    assert (summary[1], summary[2]) == (verdict, sound)


def test_the_first_sentence_says_whose_chords_these_are():
    whose = page(NAME).find(r"Chords: \d+ songs on (\d+) albums by (the Beatles|the invented band)")
    assert page(NAME).find(rf"For {whose[2]}, {whose[1]} albums: ")
    assert page(NAME).find(rf"- The chords of \d+ songs by {whose[2]} became")
