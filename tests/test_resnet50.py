"""The parts of notebook 09, run from its own cells: preprocessing, cache, freezing, joining."""

import ast
from pathlib import Path
from types import SimpleNamespace

import jupytext
import keras
import numpy as np
import pandas as pd
import pytest

from helpers import features
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
    names = {"Path": Path, "SEED": 0, "BATCH_SIZE": 4, "ENLARGE": 1}
    for source in [imports(), *cells("architecture")]:
        exec(compile(source, "notebook 09", "exec"), names)
    return names


@pytest.fixture(scope="module")
def base(nb):
    keras.utils.set_random_seed(0)
    found, source = nb["resnet50"]("none")
    assert source == "random weights"
    return found


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


def test_preprocessing_is_that_of_keras(nb, X):
    picture = to_numpy(nb["brightness"](X, -80.0, 0.0))
    official = keras.applications.resnet50.preprocess_input(picture.copy())
    np.testing.assert_allclose(to_numpy(nb["as_imagenet"](picture)), official, atol=1e-4)
    # With unequal channels the order would matter: Keras takes red first, the layer blue first.
    photo = np.random.default_rng(1).uniform(0, 255, (1, 8, 8, 3)).astype("float32")
    official = keras.applications.resnet50.preprocess_input(photo.copy())
    np.testing.assert_allclose(to_numpy(nb["as_imagenet"](photo[..., ::-1])), official, atol=1e-4)


def parted(nb, base, batchnorm=False):
    """Return the upper part with a head, compiled, and rows for it."""
    nb["unfreeze"](base, "conv5", batchnorm=batchnorm)
    lower, upper = nb["parts"](base, "conv5")
    decide = nb["head"](np.zeros(2048), np.ones(2048), 4)
    layers = [upper, keras.layers.GlobalAveragePooling2D(), *decide]
    network = keras.Sequential([keras.layers.Input(lower.output.shape[1:]), *layers])
    network.compile("adam", loss="sparse_categorical_crossentropy")
    return lower, network, decide


def test_phase_two_trains_the_top_block_and_leaves_batchnorm_alone(nb, base, X):
    lower, network, _ = parted(nb, base)
    ready = nb["as_imagenet"](nb["brightness"](X, -80.0, 0.0))
    before = statistics(base), kernels(base, "conv5"), kernels(base, "conv4")
    network.fit(lower(ready), np.array([0, 1, 2]), verbose=0)
    after = statistics(base), kernels(base, "conv5"), kernels(base, "conv4")
    assert same(before[0], after[0]) and same(before[2], after[2])
    assert not any(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True))
    assert [w.path for w in network.trainable_weights if "_bn" in w.path] == []


def test_batchnorm_would_move_if_it_were_not_frozen(nb, base, X):
    lower, network, _ = parted(nb, base, batchnorm=True)
    ready = nb["as_imagenet"](nb["brightness"](X, -80.0, 0.0))
    before = statistics(base)
    network.fit(lower(ready), np.array([0, 1, 2]), verbose=0)
    assert not same(before, statistics(base))


def test_the_joined_network_equals_its_parts(nb, base, X, tmp_path):
    lower, network, decide = parted(nb, base)
    ready = nb["as_imagenet"](nb["brightness"](X, -80.0, 0.0))
    expected = to_numpy(network(lower(ready)))
    whole = nb["joined"](base, -80.0, 0.0, SHAPE[1], decide)
    assert whole.input_shape == (None, None, SHAPE[1], 1)
    np.testing.assert_allclose(to_numpy(whole(X)), expected, atol=1e-5)
    assert whole(X[:, :33]).shape == (3, 4), "any length in time"
    whole.save(tmp_path / "whole.keras")
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
        return np.stack([X.mean(axis=(1, 2, 3)), X.max(axis=(1, 2, 3))], axis=1)


@pytest.fixture
def music(nb, tmp_path):
    """Put three tracks of noise into a feature store, where the notebook's cells find them."""
    import soundfile

    rng, paths = np.random.default_rng(0), {}
    for name in "abc":
        paths[name] = tmp_path / f"{name}.wav"
        soundfile.write(paths[name], rng.normal(0, 0.1, 2 * 22050), 22050)
    tracks = pd.DataFrame({"track_id": list(paths), "path": list(paths.values())})
    store = features.extract(tracks, tmp_path / "features", n_mels=SHAPE[1], progress=False)
    nb |= {"store": store, "tracks": store.usable(tracks), "OUT_DIR": str(tmp_path)}
    nb |= {"clip_frames": 40, "low": -80.0, "high": 0.0}
    return list(paths)


def test_the_cache_computes_each_track_once(nb, music):
    network = Network()
    kept, n_computed = nb["cached"]("test", network, music)
    assert n_computed == 3
    assert kept.frames("b").shape == (2, 2) and kept.frames("b").dtype == np.float16
    clip = nb["store"].frames("b")[40:80].astype("float32")
    np.testing.assert_allclose(kept.frames("b")[1], [clip.mean(), clip.max()], rtol=2e-3)

    calls = network.calls
    again, n_computed = nb["cached"]("test", network, music[::-1])
    assert n_computed == 0 and network.calls == calls
    assert np.array_equal(again.frames("b"), kept.frames("b"))


def test_other_weights_or_another_file_are_computed_anew(nb, music):
    nb["cached"]("test", Network(), music)
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(nb["tracks"].at["a", "path"], np.full(3 * 22050, 0.1), 22050)
    assert nb["cached"]("test", Network(), music)[1] == 1
    assert nb["cached"]("test", Network(weight=1.0), music)[1] == 3
    nb["low"] = -70.0
    assert nb["cached"]("test", Network(), music)[1] == 3


def test_an_interrupted_cache_goes_on_where_it_stopped(nb, music):
    with pytest.raises(KeyboardInterrupt):
        nb["cached"]("test", Network(limit=2), music, tracks_a_shard=1)
    network = Network()
    kept, n_computed = nb["cached"]("test", network, music, tracks_a_shard=1)
    assert n_computed == network.calls == 1
    assert sorted(kept.index["track_id"]) == music


def test_weights_from_a_file_none_and_missing(nb, base, tmp_path, capsys, monkeypatch):
    base.save_weights(tmp_path / "mine.weights.h5")
    found, source = nb["resnet50"](str(tmp_path / "mine.weights.h5"))
    assert "mine" in source
    assert same(found.get_weights(), base.get_weights())
    assert capsys.readouterr().out == ""
    assert nb["resnet50"](None)[1] == "random weights"

    assert nb["resnet50"](str(tmp_path / "absent.h5"))[1].startswith("random weights")
    assert "absent.h5 is missing" in capsys.readouterr().out
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    with pytest.raises(OSError, match="broken|signature|open"):
        nb["resnet50"](str(tmp_path / "broken.weights.h5"))

    build = keras.applications.ResNet50

    def offline(weights, **options):
        if weights:
            raise Exception("URL fetch failure")  # what keras.utils.get_file raises
        return build(weights=None, **options)

    monkeypatch.setattr(keras.applications, "ResNet50", offline)
    assert nb["resnet50"]("imagenet")[1].startswith("random weights")
    assert "No pretrained weights" in capsys.readouterr().out


def test_white_is_a_level_though_the_store_keeps_half_precision(nb):
    """NumPy below 2.2 answers nan when it counts more than 65,504 points in float16."""
    source = jupytext.read(ROOT / "notebooks/src/09_resnet50_finetuning.py")
    cell = next(c.source for c in source.cells if "np.percentile(levels" in c.source)
    frames = np.random.default_rng(0).uniform(-80, 20, (20_000, 64)).astype(np.float16)
    names = nb | {"RANGE_DB": 80.0, "ids": {"train": ["a"]}}
    names["store"] = SimpleNamespace(frames=lambda track_id: frames)
    exec(compile(cell, "notebook 09", "exec"), names)
    assert names["high"] == pytest.approx(19.9, abs=0.06) and names["low"] == names["high"] - 80
