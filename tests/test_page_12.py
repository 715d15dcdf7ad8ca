"""What notebook 12 says of its run, held to its own tables."""

import pytest

from tests.kept import page

NAME = "12_listening_to_a_network"
HALF = 0.0051


@pytest.fixture
def kept():
    return page(NAME)


def verdict(low, high):
    low, high = float(low), float(high)
    return "passed" if low > 0 else "failed" if high < 0 else "not passed"


def test_the_accuracy_is_that_of_the_clips(kept):
    right, n, accuracy, low, high = map(float, kept.find(
        r"names the class of (\d+) of these (\d+) clips by \d+ artists: accuracy (\S+) "
        r"\[(\S+), (\S+)\]"
    ).groups())  # fmt: skip
    assert accuracy == pytest.approx(right / n, abs=HALF) and low <= accuracy <= high


def test_the_largest_share_of_heat_is_not_the_smallest(kept):
    most, least = map(int, kept.find(
        r"\(\d+\) has the largest share of its heat below [\d,]+ Hz, (\d+)%, \S+ \(\d+\) the "
        r"smallest, (\d+)%;"
    ).groups())  # fmt: skip
    assert 0 <= least <= most <= 100
    points = kept.find(r"last maps have (\d+) points in time and (\d+) in frequency").groups()
    again = kept.find(r"picture of what spoke for them, with (\d+) × (\d+) points").groups()
    assert again == points


def test_a_lead_over_a_control_is_the_difference_of_the_means_and_passes_by_its_interval(kept):
    mean = kept.table("what spoke for it", "the same, shifted", "the loudest places").loc["mean"]
    lost = kept.find(r"the answer loses (\S+) of (\S+) on average")
    assert float(lost[1]) == pytest.approx(mean["what spoke for it"], abs=HALF + 0.001)
    for control in ("the same, shifted", "the loudest places"):
        lead, low, high, said = kept.find(
            rf"against {control} (\S+) \[(\S+), (\S+)\], (passed|failed|not passed)"
        ).groups()
        assert float(lead) == pytest.approx(mean.iloc[0] - mean[control], abs=HALF + 0.001)
        assert float(low) <= float(lead) <= float(high)
        if 0 not in (float(low), float(high)):  # rounded to nothing
            assert said == verdict(low, high)


def test_what_is_said_of_the_untrained_network_follows_its_interval(kept):
    r, low, high, two, two_low, two_high, said = kept.find(
        r"rank correlation with an untrained network is (\S+) \[(\S+), (\S+)\], with plain "
        r"loudness .*?\]\. Between two untrained networks it is (\S+) \[(\S+), (\S+)\]"
        r"\. (The untrained|An untrained|The music)"
    ).groups()
    assert float(low) <= float(r) <= float(high)
    assert float(two_low) <= float(two) <= float(two_high)
    alike = "An untrained" if float(low) > 0.5 else "The music"
    wanted = "The untrained" if float(high) < 0.5 else alike
    assert said == wanted
    assert kept.find(r"pictures of an untrained network is (\S+)\.")[1] == r


def test_two_ways_of_asking_agree_only_where_the_interval_says_so(kept):
    r, low, high, said = kept.find(
        r"rank correlation of the two is (\S+) \[(\S+), (\S+)\]: about when, they (.+?)\."
    ).groups()
    words = {"passed": "agree", "failed": "contradict each other"}
    if 0 not in (float(low), float(high)):
        assert said == words.get(verdict(low, high), "do not agree")
    learned = kept.find(
        r"Occlusion and Grad-CAM (.+?) about the moments .*?: rank correlation (\S+)"
    )
    assert learned.groups() == (said, r)
