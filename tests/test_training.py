"""Training keeps its best epoch; a trained model is written down whole."""

import hashlib
import json
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest

from helpers import evaluate, splits, training
from helpers.clips import SpecAugment

DATASET = SimpleNamespace(
    name="demo", classes=["a", "b"], multilabel=False, licence="free", citation="nobody"
)
SPLIT = splits.Split(pd.Series({"x": "train", "y": "test"}), "by hand")
SCORES = {"accuracy": np.float32(0.5), "n_test": np.int64(3), "chance": 0.5}


class Batches(keras.utils.PyDataset):
    """Points on a line, whose label is their sign; `flip` makes the labels wrong."""

    def __init__(self, flip=False):
        super().__init__()
        rng = np.random.default_rng(0)
        self.X = rng.normal(size=(64, 2)).astype("float32")
        self.y = (self.X[:, 0] > 0).astype(int) ^ int(flip)

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return self.X[i * 32 : i * 32 + 32], self.y[i * 32 : i * 32 + 32]


def network(learning_rate=0.1):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((2,)), keras.layers.Dense(2, activation="softmax")]
    net = keras.Sequential(layers, name="net")
    net.compile(keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy")
    return net


def parameters(folder, **more):
    kept = {"DATASET": "demo", "OUT_DIR": str(folder), "RUN_NAME": "07_x", "SEED": 1, "FOLD": 2}
    return kept | {"DATA_DIR": "/secret", "lower": 1, "ROOT": folder, "LAYERS": {"a": print}} | more


def answers(folder):
    """Everything that `record` must be told about any model."""
    told = {"parameters": parameters(folder), "dataset": DATASET, "split": SPLIT}
    return told | {"proba": np.array([[0.25, 0.75]]), "track_ids": ["y"]}


def test_the_best_epoch_is_kept_and_training_stops():
    """Labels that contradict the training set: each epoch is worse, so the first one is best."""
    net = network()
    history = training.fit(net, Batches(), Batches(flip=True), epochs=50, patience=3)
    assert len(history["val_loss"]) == 4 and np.argmin(history["val_loss"]) == 0
    assert net.evaluate(Batches(flip=True), verbose=0) == pytest.approx(history["val_loss"][0])
    assert history["seconds"] > 0
    assert history["learning_rate"][-1] == pytest.approx(0.1 * 0.3**2)


def test_without_patience_the_last_weights_are_kept_and_the_rate_falls_to_zero():
    net = network()
    net.compile(keras.optimizers.SGD(training.falling(0.1, 5 * len(Batches()))), net.loss)
    history = training.fit(net, Batches(), Batches(flip=True), epochs=5)
    assert len(history["val_loss"]) == 5 and np.argmin(history["val_loss"]) == 0
    assert net.evaluate(Batches(flip=True), verbose=0) == pytest.approx(history["val_loss"][-1])
    assert float(net.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    assert "val_loss" not in training.fit(net, Batches(), epochs=1)


def test_a_rate_rises_for_a_tenth_of_the_steps_then_falls():
    rate = training.falling(0.2, 100)
    rates = [float(rate(step)) for step in range(101)]
    assert np.argmax(rates) == 10 and max(rates) == pytest.approx(0.2)
    assert (np.diff(rates[:11]) > 0).all() and (np.diff(rates[10:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-8)
    assert np.isfinite([float(training.falling(0.2, 1)(step)) for step in (0, 1)]).all()


def test_the_loss_on_the_card_is_that_of_the_weights_that_are_kept(tmp_path):
    net = network()
    for patience in (5, None):
        history = training.fit(net, Batches(), Batches(flip=True), epochs=3, patience=patience)
        path = training.record(
            "net", SCORES, **answers(tmp_path), network=net, history=history, inputs={}
        )
        row = training.read_card(path)["metrics"]
        assert row["best_val_loss"] == pytest.approx(net.evaluate(Batches(flip=True), verbose=0))


def test_two_runs_agree():
    """Weights, clips, dropout and masks all follow from the seed, to the last bit."""

    class Pictures(Batches):
        def __getitem__(self, i):
            X, y = super().__getitem__(i)
            return np.outer(X[:, 0], np.arange(1, 97)).reshape(-1, 12, 8, 1).astype("float32"), y

    def run():
        keras.utils.set_random_seed(7)
        net = keras.Sequential([
            keras.layers.Input((None, 8, 1)), SpecAugment(seed=7), keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(), keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dropout(0.5, seed=7), keras.layers.Dense(2, activation="softmax"),
        ])  # fmt: skip
        net.compile("adam", loss="sparse_categorical_crossentropy")
        return training.fit(net, Pictures(), Pictures(), epochs=3, patience=3)

    one, two = run(), run()
    assert one["loss"] == two["loss"] and one["val_loss"] == two["val_loss"]


def test_divergence_is_said():
    net = network()
    net.set_weights([np.full_like(w, np.nan) for w in net.get_weights()])
    with pytest.raises(ValueError, match="net diverged.*LEARNING_RATE"):
        training.fit(net, Batches(), Batches(), epochs=2, patience=2)


def test_without_patience_a_late_divergence_is_said():
    """The first epoch is finite, but the weights of the last would be kept."""
    trained = SimpleNamespace(history={"loss": [0.5, np.nan], "val_loss": [0.5, np.nan]})
    net = SimpleNamespace(name="net", built=False, fit=lambda *args, **options: trained)
    with pytest.raises(ValueError, match="net diverged"):
        training.fit(net, Batches(), Batches(), epochs=2)
    assert training.fit(net, Batches(), Batches(), epochs=2, patience=2)["kept"] == 0


def test_the_training_step_is_traced_once():
    """TensorFlow traces it again where the first trace made variables, those of the optimizer."""
    traced = []

    class Counted(keras.layers.Dense):
        def call(self, X, training=None):
            traced.append(training)
            return super().call(X)

    net = keras.Sequential([keras.layers.Input((2,)), Counted(1)])
    net.compile("adam", loss="mse")
    traced.clear()
    training.fit(net, Batches(), epochs=2)
    assert traced == [True]


def test_patience_needs_something_to_choose_by():
    with pytest.raises(ValueError, match="give `valid`"):
        training.fit(network(), Batches(), epochs=2, patience=1)


def test_record_writes_row_network_and_card(tmp_path):
    net = network()
    history = training.fit(net, Batches(), Batches(), epochs=2, patience=2)
    path = training.record(
        "net", SCORES, **answers(tmp_path), network=net, history=history, inputs={"sr": 22050},
        note="x",
    )  # fmt: skip
    assert path == tmp_path / "models" / "demo" / "07_x-net.keras"
    again = keras.models.load_model(path, safe_mode=True)
    assert np.allclose(again.predict(Batches(), verbose=0), net.predict(Batches(), verbose=0))
    row = json.loads((tmp_path / "metrics" / "07_x-net.json").read_text())
    assert row["accuracy"] == 0.5 and row["parameters"] == 6 and row["epochs"] == 2
    assert row["split"] == "by hand" and (row["seed"], row["fold"]) == (1, 2) and row["note"] == "x"
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["classes"] == ["a", "b"] and card["metrics"] == row
    assert card["split"] == {"rule": "by hand", "train": 1, "test": 1}
    assert card["dataset"]["licence"] == "free" and card["inputs"] == {"sr": 22050}
    assert card["parameters"] == {"DATASET": "demo", "RUN_NAME": "07_x", "SEED": 1, "FOLD": 2}
    assert card["input_shape"] == [None, 2] and set(card["versions"]) > {"keras", "python"}
    text = path.with_suffix(".json").read_text()
    assert str(tmp_path) not in text and "secret" not in text
    kept = pd.read_parquet(tmp_path / "predictions" / "07_x-net.parquet")
    assert kept.index.tolist() == ["y"] and kept.columns.tolist() == ["a", "b"]
    assert np.allclose(kept.to_numpy(), [[0.25, 0.75]])
    names = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert names == ["07_x-net.json", "07_x-net.json", "07_x-net.keras", "07_x-net.parquet"]


def test_a_network_that_was_moved_alone_has_its_card(tmp_path):
    (tmp_path / "empty").mkdir()
    saved = training.save(network(), tmp_path / "net.keras", {"classes": ["a", "b"]})
    beside = json.loads(saved.with_suffix(".json").read_text())
    assert beside.pop("file") == "net.keras"
    assert beside.pop("sha256") == hashlib.sha256(saved.read_bytes()).hexdigest()
    moved = saved.rename(tmp_path / "empty" / "other.keras")
    assert training.read_card(moved) == beside
    again = keras.models.load_model(moved, safe_mode=True)
    assert np.array_equal(again.get_weights()[0], network().get_weights()[0])


def test_a_file_without_a_card_is_refused(tmp_path):
    network().save(tmp_path / "bare.keras")
    (tmp_path / "broken.keras").write_bytes(b"PK nothing")
    for name in ("bare.keras", "broken.keras"):
        with pytest.raises(ValueError, match=f"{name} has no card.*Train it again"):
            training.read_card(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        training.read_card(tmp_path / "missing.keras")


def test_record_of_a_model_that_is_no_network(tmp_path):
    path = training.record("svm", SCORES, **answers(tmp_path))
    assert path == tmp_path / "metrics" / "07_x-svm.json"
    names = sorted(p.name for p in tmp_path.rglob("*") if p.is_file())
    assert names == ["07_x-svm.json", "07_x-svm.parquet"]


def test_record_refuses_what_the_leaderboard_cannot_use(tmp_path):
    options = answers(tmp_path)
    with pytest.raises(ValueError, match="net lack .*n_test"):
        training.record("net", {"accuracy": 1.0, "chance": 0.5}, **options)
    with pytest.raises(ValueError, match="accuracy or roc_auc"):
        training.record("net", {"n_test": 1, "chance": 0.5}, **options)
    with pytest.raises(ValueError):
        training.record("net", SCORES | {"accuracy": float("nan")}, **options)
    with pytest.raises(ValueError, match=r"net have the shape \(1, 2\), but there are 0 tracks"):
        training.record("net", SCORES, **options | {"track_ids": []})
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_copy_keeps_the_scaling_and_forgets_the_rest(tmp_path):
    scaling = keras.layers.Normalization(axis=-1, mean=[5.0, -3.0], variance=[4.0, 0.25])
    layers = [keras.layers.Input((2,)), scaling, keras.layers.Dense(2)]
    saved = keras.Sequential(layers)
    saved.save(tmp_path / "05_convpool-a.keras")
    one, two = (training.untrained(tmp_path / "05_convpool-a.keras", seed=3) for _ in range(2))
    X = np.array([[5.0, -3.0], [7.0, -3.0]], dtype="float32")
    assert np.allclose(one.layers[0](X), [[0, 0], [1, 0]])
    one, two, saved = (evaluate.predict(network, X) for network in (one, two, saved))
    assert np.allclose(one, two) and not np.allclose(one, saved)
    with pytest.raises(FileNotFoundError, match="run notebook 05_convpool"):
        training.untrained(tmp_path / "05_convpool-b.keras", seed=3)


def saved_networks(folder, losses, classes=("a", "b")):
    for name, loss in losses.items():
        answer = "softmax" if name.endswith("softmax") else "sigmoid"
        network = keras.Sequential([
            keras.layers.Input((None, 8, 1)), keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(len(classes), activation=answer),
        ])  # fmt: skip
        card = {"model": name, "made_by": "07_crnn", "classes": list(classes), "multilabel": True,
                "inputs": {"kind": "log_mel"}, "metrics": {"best_val_loss": loss}}  # fmt: skip
        training.save(network, folder / f"07_crnn-{name}.keras", card)


def test_networks_are_listed_by_their_validation_loss(tmp_path):
    saved_networks(tmp_path, {"crnn": 0.4, "tagger": 0.3, "tagger-softmax": 0.1})
    found = training.find_networks(tmp_path)
    assert found["best_val_loss"].tolist() == [0.1, 0.3, 0.4]
    assert found.index[0] == "07_crnn-tagger-softmax" and found["activation"].iloc[0] == "softmax"


def test_a_network_is_not_tested_on_tracks_that_may_have_taught_it():
    card = {"model": "crnn", "made_by": "07_crnn", "split": {"rule": "group, fold 1 of 5"}}
    training.check_split(card, SimpleNamespace(rule="group, fold 1 of 5"))
    with pytest.raises(ValueError, match=r"07_crnn-crnn .* \(group, fold 1 of 5\) .* \(official\)"):
        training.check_split(card, SimpleNamespace(rule="official"))
