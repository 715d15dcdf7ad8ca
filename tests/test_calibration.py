"""Calibration against scikit-learn, and with models that are known to boast."""

import numpy as np
import pytest
import sklearn.metrics
from scipy.special import softmax
from sklearn.calibration import calibration_curve

from helpers import evaluate


def answers(n=4000, n_classes=5, sharpness=1.0, seed=0):
    """Labels drawn from probabilities, so these are right by construction; then sharpened."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_classes)) * 1.5
    proba = softmax(logits, axis=1)
    y_true = (proba.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return y_true, softmax(logits * sharpness, axis=1)


def tags(n=4000, n_classes=3, sharpness=1.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, n_classes)) * 2
    Y = (rng.random((n, n_classes)) < 1 / (1 + np.exp(-logits))).astype(int)
    return Y, 1 / (1 + np.exp(-logits * sharpness))


@pytest.mark.parametrize("make", [answers, tags])
@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_applied_is_found(make, sharpness):
    y_true, proba = make(sharpness=sharpness)
    found = evaluate.fit_temperature(y_true, proba)
    assert found == pytest.approx(sharpness, rel=0.1)
    mild = evaluate.temper(proba, found, multilabel=y_true.ndim == 2)
    assert evaluate.ece(y_true, mild) < 0.03
    assert (mild.argmax(axis=1) == proba.argmax(axis=1)).all()
    assert evaluate.log_loss(y_true, mild) <= evaluate.log_loss(y_true, proba)


def test_loss_and_reliability_agree_with_scikit_learn():
    y_true, proba = answers(sharpness=3.0)
    assert evaluate.log_loss(y_true, proba) == pytest.approx(
        sklearn.metrics.log_loss(y_true, np.clip(proba, 1e-7, 1)), rel=1e-4
    )
    table = evaluate.reliability(y_true, proba, n_bins=8)
    right = proba.argmax(axis=1) == y_true
    true, claimed = calibration_curve(right, proba.max(axis=1), n_bins=8)
    assert np.allclose(table["true"], true) and np.allclose(table["claimed"], claimed)
    assert (table["low"] < table["true"]).all() and (table["true"] < table["high"]).all()
    Y, several = tags()
    true, _ = calibration_curve(Y.ravel(), several.ravel(), n_bins=10)
    assert np.allclose(evaluate.reliability(Y, several)["true"], true)


def test_a_boaster_has_a_large_error_and_an_honest_model_a_small_one():
    assert evaluate.ece(*answers()) < 0.03
    assert evaluate.ece(*answers(sharpness=4.0)) > 0.2
    assert evaluate.ece(np.array([0, 0, 1, 1]), np.tile([[1.0, 0.0]], (4, 1))) == 0.5


def test_answering_less_often_is_answering_better():
    y_true, proba = answers()
    curve = evaluate.abstention(y_true, proba)
    assert curve["coverage"].iloc[-1] == 1
    assert curve["accuracy"].iloc[-1] == (proba.argmax(axis=1) == y_true).mean()
    half = curve[curve["coverage"] <= 0.5].iloc[-1]
    assert half["accuracy"] > curve["accuracy"].iloc[-1] + 0.1
    assert (np.diff(curve["threshold"]) <= 0).all()


@pytest.mark.parametrize("coverage", [0.7, 0.9])
def test_sets_hold_the_truth_as_often_as_promised(coverage):
    """Over many draws of few calibration tracks, with a model that boasts."""
    found = []
    for seed in range(200):
        y_true, proba = answers(n=100, sharpness=3.0, seed=seed)
        threshold = evaluate.conformal_threshold(y_true[:40], proba[:40], coverage=coverage)
        held = proba[40:] >= threshold
        found.append(held[np.arange(60), y_true[40:]].mean())
    assert coverage - 0.01 <= np.mean(found) <= coverage + 0.04


def test_too_few_tracks_promise_nothing():
    y_true, proba = answers(n=5)
    assert evaluate.conformal_threshold(y_true, proba, coverage=0.9) == 0
    with pytest.raises(ValueError, match="there are none"):
        evaluate.fit_temperature(y_true[:0], proba[:0])
