"""A drift and a break that are there are found, and those that are not are not."""

import numpy as np
import pandas as pd
import pytest

from helpers import drift

YEARS = np.arange(1963, 1973)


def albums(slope=0.0, jump=0.0, noise=1.0, seed=0, width=6):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(2, width))
    line = slope * (YEARS - YEARS.mean())[:, None] * direction[0]
    return (
        line + jump * (YEARS > 1966)[:, None] * direction[1] + noise * rng.normal(size=(10, width))
    )


def test_a_drift_is_found_and_noise_is_not():
    assert drift.mantel(albums(slope=1), YEARS, n_shuffles=200).pvalue < 0.01
    found = [drift.mantel(albums(seed=s), YEARS, n_shuffles=100, seed=s).pvalue for s in range(60)]
    assert 0.3 < np.mean(found) < 0.7 and np.mean(np.array(found) < 0.05) < 0.15


def test_a_break_is_found_where_it_is_and_a_drift_is_none():
    broken = albums(slope=0.3, jump=6)
    found = drift.step(broken, YEARS, n_shuffles=200)
    assert drift.steps(broken, YEARS).idxmax() == 1966
    assert found.pvalue < 0.02
    lines = [albums(slope=1, seed=s) for s in range(30)]
    none = [drift.step(x, YEARS, n_shuffles=60, seed=s).pvalue for s, x in enumerate(lines)]
    assert 0.3 < np.mean(none) < 0.7 and np.mean(np.array(none) < 0.05) < 0.2


def test_a_trend_has_a_direction():
    falling = drift.trend(-np.arange(10.0), YEARS, n_shuffles=200)
    assert falling.statistic == pytest.approx(-1) and falling.pvalue < 0.02
    assert drift.trend([3, 1, 4, 1, 5, 9, 2, 6, 5, 3], YEARS, n_shuffles=200).pvalue > 0.1
    assert np.isnan(drift.trend(np.ones(10), YEARS, n_shuffles=5).pvalue)


def test_p_counts_the_true_order_and_never_is_zero():
    assert drift.mantel(albums(slope=9, noise=0.01), YEARS, n_shuffles=99).pvalue >= 0.01
    one = drift.mantel(albums(slope=1), YEARS, n_shuffles=50, seed=3)
    assert np.array_equal(
        one.null_distribution,
        drift.mantel(albums(slope=1), YEARS, n_shuffles=50, seed=3).null_distribution,
    )


def test_the_share_that_a_step_explains_follows_by_hand():
    years = np.arange(6.0)
    style = np.where(years > 2, 1.0, 0.0)[:, None] + 0.5 * years[:, None]
    found = drift.steps(style, years)
    assert found.index.tolist() == [1, 2, 3] and found[2] == pytest.approx(1) and found[1] < 0.9


def test_an_outlier_is_far_from_the_others_and_not_from_itself():
    table = pd.DataFrame({"x": [0.0, 0.0, 0.0, 9.0, 5.0, 5.0]}, list("abcdef"))
    album = pd.Series(["one"] * 4 + ["two"] * 2, table.index)
    far = drift.outliers(table, album)
    assert far.idxmax() == "d" and far["d"] == pytest.approx(9 / table["x"].std())
    assert far["a"] == pytest.approx(3 / table["x"].std()) and far[["e", "f"]].isna().all()
    assert drift.by_album(table, album).index.tolist() == ["one", "two"]


def test_too_few_albums_are_refused():
    for test, n in ((drift.mantel, 3), (drift.trend, 3), (drift.step, 4)):
        with pytest.raises(ValueError, match=f"{n} albums"):
            test(albums()[:n] if test is not drift.trend else np.arange(n), YEARS[:n])
