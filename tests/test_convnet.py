"""The MSD convnet of notebook 10: its weights, its statistics, and the features published with it.

The architecture is the notebook's own: the cells tagged `architecture` are executed, not copied.
"""

import h5py
import jupytext
import keras
import librosa
import numpy as np
import pandas as pd
import pytest
from scipy.signal import convolve2d
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import features, published
from helpers.audio import load_audio
from notebooks.tools import build

SOURCE = build.ROOT / "notebooks" / "src" / "10_music_transfer.py"
FILE = "compact_cnn_weights_theano.hdf5"
INPUT = {"sr": 12000, "n_fft": 512, "hop_length": 256, "n_mels": 96}
# Real tracks that the authors processed in one batch (files 512 to 767 of their list).
SAMPLE = {"jazz": range(12, 40), "metal": range(100), "pop": range(68)}


@pytest.fixture(scope="module")
def cells():
    """Names that the notebook's architecture cells define."""
    found = {"keras": keras, "np": np}
    for cell in jupytext.read(SOURCE).cells:
        if "architecture" in cell.metadata.get("tags", []):
            exec(compile(cell.source, SOURCE.name, "exec"), found)
    return found


def write(path, arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


@pytest.fixture
def made_up():
    """Arrays in the layout of the published file, with other numbers."""
    rng = np.random.default_rng(0)
    arrays = {"melgram/param_0": (512, 1, 1, 257), "melgram/param_1": (512, 1, 1, 257),
              "melgram/param_2": (257, 96), "dense_1/dense_1_W": (32, 50),
              "dense_1/dense_1_b": (50,)}  # fmt: skip
    for k in range(1, 6):
        arrays[f"ConvBNEluDr/convolution2d_{k}_W"] = (32, 1 if k == 1 else 32, 3, 3)
        arrays[f"ConvBNEluDr/convolution2d_{k}_b"] = (32,)
        for name in ("gamma", "beta", "running_mean", "running_std"):
            arrays[f"ConvBNEluDr/batchnormalization_{k}_{name}"] = (32,)
    return {name: rng.normal(0, 0.3, shape).astype("float32") for name, shape in arrays.items()}


@pytest.fixture(scope="module")
def weights(shared_data):
    path = shared_data / "weights" / FILE
    if not path.exists():
        pytest.skip(f"no published weights: {path} is absent")
    return published.convnet_weights(path)


@pytest.fixture(scope="module")
def real(shared_data, weights):
    """Some twenty real tracks: names, log-mels [shape=(tracks, time, frequency, 1)], features."""
    names = [
        f"{genre}.{i:05d}"
        for genre, numbers in SAMPLE.items()
        for i in [j for j in numbers if _path(shared_data, genre, j).exists()][:8]
    ]
    if len(names) < 20:
        pytest.skip(f"only {len(names)} of the GTZAN tracks needed are in {shared_data}")
    sounds = [_path(shared_data, *name.split(".")) for name in names]
    sounds = [load_audio(path, sr=INPUT["sr"], max_seconds=29.0) for path in sounds]
    X = [features.log_mel(np.resize(y, 29 * INPUT["sr"]), **INPUT).T for y in sounds]
    folder = shared_data / "gtzan_features"
    listed = pd.read_csv(folder / "gtzan_genre.csv")["filepath"].str.extract(r"(\w+\.\d{5})\.au")[0]
    theirs = np.concatenate([np.load(folder / f"gtzan_genre_layer_{k}.npy") for k in range(5)], 1)
    return names, np.stack(X)[..., np.newaxis], pd.DataFrame(theirs, listed).loc[names].to_numpy()


def _path(folder, genre, i):
    return folder / "gtzan" / "genres" / genre / f"{genre}.{int(i):05d}.ogg"


def batches(X, size=4):
    return [X[i : i + size] for i in range(0, len(X), size)]


def answers(network, X):
    found = [network(batch, training=False) for batch in batches(X)]
    return np.concatenate([keras.ops.convert_to_numpy(answer) for answer in found])


def pretrained(cells, blocks, X):
    network = cells["convnet"](float(X.max()), "valid")
    cells["fill"](network, blocks)
    cells["freeze"](network, batches(X))
    return network


@pytest.fixture(scope="module")
def network(cells, weights, real):
    return pretrained(cells, weights["blocks"], real[1])


def agreement(network, X, theirs):
    """Median correlation over tracks with the published features, by block."""
    ours = pd.DataFrame(answers(network, X))
    return ours.corrwith(pd.DataFrame(theirs)).groupby(np.arange(160) // 32).median().to_numpy()


# --- without the published file -------------------------------------------------------------


def test_a_file_in_the_published_layout_is_read_and_used(tmp_path, made_up, cells):
    found = published.convnet_weights(write(tmp_path / FILE, made_up))
    shapes = [kernel.shape for kernel, *_ in found["blocks"]]
    assert shapes == [(3, 3, 1, 32)] + 4 * [(3, 3, 32, 32)]
    assert found["tags"][0].shape == (32, len(published.TAGS)) and found["mel"].shape == (257, 96)
    network = cells["convnet"](0.0)
    cells["fill"](network, found["blocks"])
    X = np.random.default_rng(1).uniform(-60, 0, (4, 50, 96, 1)).astype("float32")
    cells["freeze"](network, [X[:2], X[2:]])
    assert np.isfinite(answers(network, X)).all()


def test_kernels_do_what_theanos_did(tmp_path, made_up):
    """Theano flips kernels, and these see frequency first; Keras does not, and ours see time."""
    W = made_up["ConvBNEluDr/convolution2d_1_W"]
    kernel, bias, *_ = published.convnet_weights(write(tmp_path / FILE, made_up))["blocks"][0]
    X = np.random.default_rng(1).normal(size=(20, 12)).astype("float32")  # frequency, time
    layer = keras.layers.Conv2D(32, 3, padding="same")
    layer.build((None, None, None, 1))
    layer.set_weights([kernel, bias * 0])
    ours = keras.ops.convert_to_numpy(layer(X.T[np.newaxis, ..., np.newaxis]))[0]
    for i in (0, 31):
        theanos = convolve2d(X, W[i, 0], mode="same")
        np.testing.assert_allclose(ours[..., i].T, theanos, atol=1e-4)


def damage(arrays, kind):
    name = "ConvBNEluDr/convolution2d_3_W"
    if kind == "lacking":
        del arrays[name]
    elif kind == "shape":
        arrays[name] = arrays[name][:16]
    elif kind == "group":
        del arrays[name]
        arrays[f"{name}/inside"] = np.zeros(3)
    else:
        arrays[name][0, 0, 0, 0] = np.nan
    return arrays


@pytest.mark.parametrize(
    ("kind", "message"),
    [("lacking", "it has no"), ("shape", "has the shape"), ("group", "has the shape"),
     ("nan", "not finite")],
)  # fmt: skip
def test_a_wrong_file_says_what_is_wrong(tmp_path, made_up, kind, message):
    path = write(tmp_path / "other.h5", damage(made_up, kind))
    with pytest.raises(ValueError, match=rf"other\.h5: not the weights.*{message}") as caught:
        published.convnet_weights(path)
    assert "convolution2d_3_W" in str(caught.value)


def test_a_missing_file_and_one_that_is_not_hdf5(tmp_path):
    with pytest.raises(FileNotFoundError, match='fetch\\("msd_convnet"'):
        published.convnet_weights(tmp_path / "nowhere.h5")
    (tmp_path / "page.h5").write_text("<html>not found</html>")
    with pytest.raises(ValueError, match=r"page\.h5: not the weights of the MSD convnet"):
        published.convnet_weights(tmp_path / "page.h5")


def test_tags_are_fifty_in_order():
    assert len(set(published.TAGS)) == len(published.TAGS) == 50
    assert (published.TAGS[0], published.TAGS[9], published.TAGS[-1]) == ("rock", "jazz", "happy")


def test_the_network_takes_any_length_and_has_the_published_size(cells):
    network = cells["convnet"](10.0)
    convolutions = 32 * 9 + 32 + 4 * (32 * 32 * 9 + 32)
    assert network.count_params() == convolutions + 5 * 4 * 32 == 37952
    for frames in (1, 117, 1360):
        assert network(np.zeros((1, frames, 96, 1), "float32")).shape == (1, 160)
    X = np.zeros((1, 1360, 96, 1), "float32")  # 29 s become one point, as published
    for k in range(1, 6):
        X = cells["convnet"](10.0, "valid").get_layer(f"block_{k}")(X)
    assert X.shape == (1, 1, 1, 32)


def test_the_front_is_relative_and_cut_at_80_decibels(cells):
    front = cells["convnet"](20.0).get_layer("decibels")
    X = np.resize([25.0, 20.0, -10.0, -60.0, -100.0], (1, 1, 96, 1)).astype("float32")
    found = keras.ops.convert_to_numpy(front(X))[0, 0, :5, 0]
    np.testing.assert_allclose(found, [0.0, 0.0, -30.0, -80.0, -80.0])


def test_freezing_keeps_the_statistics_of_all_batches(cells):
    rng = np.random.default_rng(0)
    X = rng.uniform(-60, 0, (5, 40, 96, 1)).astype("float32") * rng.uniform(0.3, 1, (5, 1, 1, 1))
    X = X.astype("float32")
    keras.utils.set_random_seed(0)
    network = cells["convnet"](0.0)
    found = cells["freeze"](network, [X[:3], X[3:]])  # batches of two sizes
    np.testing.assert_allclose(found, answers(network, X), rtol=1e-4, atol=1e-4)
    conv, norm, *_ = network.get_layer("block_1").layers
    maps = keras.ops.convert_to_numpy(conv(network.get_layer("decibels")(X))).reshape(-1, 32)
    mean, variance = norm.get_weights()[2:]
    np.testing.assert_allclose(mean, maps.mean(axis=0), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(variance, maps.var(axis=0), rtol=1e-3)
    assert not network.trainable_weights


# --- with the published file ----------------------------------------------------------------


def test_the_stored_filters_are_librosas(weights):
    mel = librosa.filters.mel(sr=12000, n_fft=512, n_mels=96)
    np.testing.assert_allclose(weights["mel"].T, mel, atol=1e-7)
    window = librosa.filters.get_window("hann", 512)[:, np.newaxis]
    angles = 2 * np.pi * np.outer(np.arange(512), np.arange(257)) / 512
    np.testing.assert_allclose(weights["dft"][0], window * np.cos(angles), atol=1e-6)
    np.testing.assert_allclose(weights["dft"][1], window * np.sin(angles), atol=1e-6)


def test_our_log_mel_is_what_the_stored_front_end_computes(shared_data, weights):
    y = np.load(shared_data / "weights" / "compact_cnn_1100103.clip.npy")
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(y, 256), 512)[::256]
    cosine, sine = (framed @ kernel for kernel in weights["dft"])
    theirs = 10 * np.log10(np.maximum((cosine**2 + sine**2) @ weights["mel"], 1e-10))
    ours = features.log_mel(y, **INPUT).T
    assert ours.shape == (1360, 96)
    np.testing.assert_allclose(ours, theirs, atol=0.05)


def test_a_track_does_not_depend_on_its_batch(cells, weights, real):
    _, X, _ = real
    network = cells["convnet"](float(X.max()))
    cells["fill"](network, weights["blocks"])
    companies = X[:4], np.concatenate([X[:1], X[8:11]])  # among jazz, among metal
    swayed = [keras.ops.convert_to_numpy(network(x, training=True))[0] for x in companies]
    cells["freeze"](network, batches(X))
    spread = answers(network, X).std(axis=0)
    assert np.mean(np.abs(swayed[0] - swayed[1]) / spread) > 0.2, "batches would do no harm"
    steady = [answers(network, x)[0] for x in (X[:1], *companies)]
    assert max(np.abs((x - steady[0]) / spread).max() for x in steady) < 1e-3


def test_features_agree_with_the_published_ones(cells, weights, network, real):
    """Tracks of one of the authors' batches; without the flip the high blocks fall apart."""
    _, X, theirs = real
    right = agreement(network, X, theirs)
    assert (right > [0.99, 0.99, 0.99, 0.98, 0.97]).all(), right
    unflipped = [(kernel[::-1, ::-1], *rest) for kernel, *rest in weights["blocks"]]
    wrong = agreement(pretrained(cells, unflipped, X), X, theirs)
    assert wrong[-1] < 0.8, wrong


def test_the_network_still_names_genres(weights, network, real):
    names, X, _ = real
    kernel, bias = weights["tags"]
    tags = pd.DataFrame(answers(network, X)[:, -32:] @ kernel + bias, columns=list(published.TAGS))
    for genre in ("jazz", "metal", "pop"):
        assert roc_auc_score([name.startswith(genre) for name in names], tags[genre]) > 0.85, genre


@pytest.mark.parametrize("n_classes", [2, 3])
def test_extractor_and_head_are_one_file(cells, tmp_path, n_classes):
    """The saved network answers as the logistic regression that its last layers were."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-60, 0, (12, 50, 96, 1)).astype("float32")
    network = cells["convnet"](0.0)
    F = cells["freeze"](network, batches(X))
    F[:, 7] = 1.0  # a feature that never varies
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(F, np.arange(12) % n_classes)
    both = cells["with_head"](network, model, "transfer")
    both.save(tmp_path / "transfer.keras")
    again = keras.models.load_model(tmp_path / "transfer.keras", safe_mode=True)
    expected = answers(network, X)
    np.testing.assert_allclose(answers(again, X), model.predict_proba(expected), atol=1e-4)
    assert len(both.trainable_weights) == 2, "only the head may learn"
