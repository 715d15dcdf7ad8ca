"""ResNet50 and what notebook 09 does with it: scaling, kept answers, freezing, joining."""

import ast
import re
import sys
from types import SimpleNamespace

import jupytext
import keras
import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers import clips, features, published
from helpers.download import DatasetError
from helpers.published.efficientnet import Pretrained, resnet50
from notebooks.tools.build import ROOT

to_numpy = keras.ops.convert_to_numpy
SHAPE = (40, 32)  # frames and mel bands of a tiny clip


def cells(tag):
    nb = jupytext.read(ROOT / "notebooks/src/09_resnet50_finetuning.py")
    return [c.source for c in nb.cells if tag in c.metadata.get("tags", [])]


def imports():
    nb = jupytext.read(ROOT / "notebooks/src/09_resnet50_finetuning.py")
    code = next(c.source for c in nb.cells if c.cell_type == "code" and "import keras" in c.source)
    kept = [n for n in ast.parse(code).body if isinstance(n, ast.Import | ast.ImportFrom)]
    return ast.unparse(ast.Module(kept, type_ignores=[]))


@pytest.fixture(scope="module")
def nb():
    """Return what the notebook defines, as attributes would be: a dict of names."""
    names = {}
    for source in [imports(), *cells("architecture")]:
        exec(compile(source, "notebook 09", "exec"), names)
    return names


@pytest.fixture(scope="module")
def base():
    return published.imagenet_network("nowhere", "none").network


@pytest.fixture
def X():
    return np.random.default_rng(0).uniform(-90, 10, (3, *SHAPE, 1)).astype("float32")


def statistics(network):
    """Return the running statistics of all BatchNorm layers."""
    layers = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    return [to_numpy(w) for x in layers for w in (x.moving_mean, x.moving_variance)]


def kernels(network, block):
    return [to_numpy(w) for x in network.layers if x.name.startswith(block) for w in x.weights
            if w.path.endswith("kernel")]  # fmt: skip


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_a_clip_becomes_a_grey_picture(nb, X):
    picture = to_numpy(nb["brightness"](X, -80.0, 0.0))
    assert picture.shape == (3, *SHAPE, 3)
    assert picture.min() == 0 and picture.max() == 255
    assert np.array_equal(picture[..., 0], picture[..., 1])
    expected = np.clip((X + 80) / 80, 0, 1) * 255
    np.testing.assert_allclose(picture[..., :1], expected, atol=1e-3)
    assert nb["brightness"](X, -80.0, 0.0, enlarge=2).shape == (3, 80, 64, 3)


def test_scaling_is_that_of_keras(base):
    scaled = keras.Model(base.input, base.get_layer("scaled").output)
    photo = np.random.default_rng(1).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    official = keras.applications.resnet50.preprocess_input(photo.copy())
    np.testing.assert_allclose(to_numpy(scaled(photo)), official, atol=1e-4)


def whole(nb, base, batchnorm=False):
    """Return the network with a head, its top block trainable, compiled."""
    nb["unfreeze"](base, "conv5", batchnorm=batchnorm)
    decide = nb["head"](np.zeros(2048), np.ones(2048), 4)
    network = nb["joined"](base, -80.0, 0.0, SHAPE[1], decide)
    network.compile("adam", loss="sparse_categorical_crossentropy")
    return network


def test_phase_two_trains_the_top_block_and_leaves_batchnorm_alone(nb, base, X):
    network = whole(nb, base)
    before = statistics(base), kernels(base, "conv5"), kernels(base, "conv4")
    network.fit(X, np.array([0, 1, 2]), verbose=0)
    after = statistics(base), kernels(base, "conv5"), kernels(base, "conv4")
    assert same(before[0], after[0]) and same(before[2], after[2])
    assert not any(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True))
    assert [w.path for w in network.trainable_weights if "_bn" in w.path] == []


@pytest.mark.slow
def test_batchnorm_would_move_if_it_were_not_frozen(nb, base, X):
    network = whole(nb, base, batchnorm=True)
    before = statistics(base)
    network.fit(X, np.array([0, 1, 2]), verbose=0)
    assert not same(before, statistics(base))


def test_in_the_other_network_too_a_block_and_all_above_is_trained(nb):
    lite = published.build_efficientnet_lite0()
    nb["unfreeze"](lite, "stage7")
    trained = {layer.name[:6] for layer in lite.layers if layer.trainable_weights}
    assert {"stage7", "stage8", "stage9"} <= trained <= {"stage7", "stage8", "stage9", "logits"}


def test_the_joined_network_is_saved_with_all_its_steps(nb, base, X, tmp_path):
    network = whole(nb, base)
    expected = to_numpy(network(X))
    by_hand = base(nb["brightness"](X, -80.0, 0.0))
    for layer in network.layers[-4:]:
        by_hand = layer(by_hand)
    np.testing.assert_allclose(to_numpy(by_hand), expected, atol=1e-5)
    assert network.input_shape == (None, None, SHAPE[1], 1)
    assert network(X[:, :33]).shape == (3, 4), "any length in time"
    network.save(tmp_path / "whole.keras")
    again = keras.models.load_model(tmp_path / "whole.keras", safe_mode=True, compile=False)
    np.testing.assert_allclose(to_numpy(again(X)), expected, atol=1e-5)


class Network:
    """Count what is computed; stop after `limit` batches, as an interrupted run does."""

    def __init__(self, limit=None, weight=0.0):
        self.calls, self.limit, self.weight = 0, limit, weight

    def get_weights(self):
        return [np.array([self.weight])]

    def predict_on_batch(self, X):
        if self.calls == self.limit:
            raise KeyboardInterrupt
        self.calls += 1
        answer = np.stack([X.mean(axis=(1, 2, 3)), X.max(axis=(1, 2, 3))], axis=1)
        return answer[:, np.newaxis].astype("float32")


@pytest.fixture
def ask(tmp_path):
    """Ask a network about three tracks of noise; what it answers is kept."""
    rng, paths = np.random.default_rng(0), {}
    for name in "abc":
        paths[name] = tmp_path / f"{name}.wav"
        soundfile.write(paths[name], rng.normal(0, 0.1, 2 * 22050), 22050)
    tracks = pd.DataFrame({"track_id": list(paths), "path": list(paths.values())})
    store = features.extract(tracks, tmp_path / "features", n_mels=SHAPE[1], progress=False)
    tracks = store.usable(tracks)

    def asked(network, names="abc", **options):
        options = {"clip_frames": 40, "batch_size": 4, "layer": "test"} | options
        folder = tmp_path / "answers"
        return clips.kept_answers(network, store, tracks.loc[list(names)], folder, **options)

    asked.store, asked.tracks = store, tracks
    return asked


def test_each_track_is_asked_once(ask):
    network = Network()
    kept, n_computed = ask(network)
    assert n_computed == 3
    assert kept.frames("b").shape == (2, 2)
    clip = ask.store.frames("b")[40:80].astype("float32")
    np.testing.assert_allclose(kept.frames("b")[1], [clip.mean(), clip.max()], rtol=1e-5)

    calls = network.calls
    again, n_computed = ask(network, "cba")
    assert n_computed == 0 and network.calls == calls
    assert np.array_equal(again.frames("b"), kept.frames("b"))


def test_other_weights_or_another_file_are_asked_anew(ask):
    ask(Network())
    soundfile.write(ask.tracks.at["a", "path"], np.full(3 * 22050, 0.1), 22050)
    assert ask(Network())[1] == 1
    assert ask(Network(weight=1.0))[1] == 3
    assert ask(Network(), dB=[-70.0, 0.0])[1] == 3


def test_interrupted_it_goes_on_where_it_stopped(ask):
    with pytest.raises(KeyboardInterrupt):
        ask(Network(limit=2), tracks_a_shard=1)
    network = Network()
    kept, n_computed = ask(network, tracks_a_shard=1)
    assert n_computed == network.calls == 1
    assert sorted(kept.index["track_id"]) == ["a", "b", "c"]


def test_weights_from_a_file(base, tmp_path):
    base.save_weights(tmp_path / "mine.weights.h5")
    found = published.imagenet_network("nowhere", tmp_path / "mine.weights.h5")
    assert found[1:] == ("ResNet50", "weights of mine.weights.h5", "")
    assert same(found.network.get_weights(), base.get_weights())
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    with pytest.raises(OSError, match="broken|signature|open"):
        published.imagenet_network("nowhere", tmp_path / "broken.weights.h5")


def test_where_resnet50_is_out_of_reach_another_network_takes_its_place(monkeypatch, tmp_path):
    module = sys.modules["helpers.published.efficientnet"]

    def offline(weights):
        if weights:
            raise Exception("URL fetch failure on https://here")  # as keras.utils.get_file does
        return resnet50(None)

    def lite(data_dir, progress):
        path = tmp_path / "lite.keras"
        published.build_efficientnet_lite0().save(path)
        return path

    def nowhere(data_dir, progress):
        raise DatasetError("pip could not fetch it")

    monkeypatch.setattr(module, "resnet50", offline)
    monkeypatch.setattr(module, "efficientnet_lite0", lite)
    reasons = {"imagenet": r"\(URL fetch failure\)", "absent.h5": "absent.h5 is missing"}
    for wanted, reason in reasons.items():
        found = published.imagenet_network("nowhere", wanted)
        assert found[1:3] == ("EfficientNet-Lite0", "ImageNet weights")
        assert re.search(reason, found.why)
    assert found.network.output_shape == (None, None, None, 1280)

    monkeypatch.setattr(module, "efficientnet_lite0", nowhere)
    found = published.imagenet_network("nowhere", "imagenet")
    assert found[1:3] == ("ResNet50", "random weights")
    assert "URL fetch failure" in found.why and "pip could not fetch it" in found.why


@pytest.mark.parametrize("weights", ["ImageNet weights", "random weights"])
def test_the_page_says_in_its_first_lines_what_it_shows(monkeypatch, weights):
    """It never compares random weights with random weights."""
    source = jupytext.read(ROOT / "notebooks/src/09_resnet50_finetuning.py")
    code = [c.source for c in source.cells if c.cell_type == "code"]
    at = next(i for i, s in enumerate(code) if "imagenet_network(" in s)
    assert at == 3, "after setup, imports and parameters"
    network = SimpleNamespace(count_params=lambda: 7)
    found = Pretrained(network, "ResNet50", weights, "for a reason")
    monkeypatch.setattr(published, "imagenet_network", lambda *a, **b: found)
    shown = []
    names = {"published": published, "DATA_DIR": "", "WEIGHTS": "", "SEED": 0, "TOP_BLOCK": "",
             "Markdown": shown.append}  # fmt: skip
    exec(code[at], names)
    assert ("Nothing can be learned about transfer here" in shown[0]) == (weights[0] == "r")
    assert "for a reason" in shown[0]
    compared = next(s for s in code if "clone_model(base)" in s and "random weights" in s)
    assert "if learned else {}" in compared


def test_the_note_beside_the_features_names_the_network():
    """Notebook 10 reads it; the answers' own parameters call a fingerprint weights."""
    source = jupytext.read(ROOT / "notebooks/src/09_resnet50_finetuning.py")
    cell = next(c.source for c in source.cells if "note = {" in c.source)
    line = next(line for line in cell.splitlines() if line.startswith("note = {"))
    names = {"frozen": SimpleNamespace(params={"weights": "c0bee34e755e"}), "name": "ResNet50",
             "source": "ImageNet weights", "dataset": SimpleNamespace(licence="free")}  # fmt: skip
    exec(line, names)
    assert (names["note"]["network"], names["note"]["weights"]) == ("ResNet50", "ImageNet weights")


def test_white_is_a_level_though_the_store_keeps_half_precision(nb):
    """NumPy below 2.2 answers nan when it counts more than 65,504 points in float16."""
    source = jupytext.read(ROOT / "notebooks/src/09_resnet50_finetuning.py")
    cell = next(c.source for c in source.cells if "np.percentile(levels" in c.source)
    frames = np.random.default_rng(0).uniform(-80, 20, (20_000, 64)).astype(np.float16)
    names = nb | {"SEED": 0, "RANGE_DB": 80.0, "ids": {"train": ["a"]}}
    names["store"] = SimpleNamespace(frames=lambda track_id: frames)
    exec(compile(cell, "notebook 09", "exec"), names)
    assert names["high"] == pytest.approx(19.9, abs=0.06) and names["low"] == names["high"] - 80
