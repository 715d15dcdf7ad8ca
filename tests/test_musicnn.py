"""musicnn is the authors' network: it gives the answers that their own code gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy.signal import chirp, square

from helpers import clips, features, published
from helpers.audio import load_audio
from helpers.classify import Classifier
from helpers.datasets import DatasetError
from helpers.published.musicnn import INPUTS
from helpers.training import read_card


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A data folder into which the package index has brought musicnn."""
    folder = tmp_path_factory.mktemp("data")
    try:
        published.musicnn(folder, progress=False)
    except DatasetError as problem:
        pytest.skip(f"no package index: {problem}")
    return folder


@pytest.mark.parametrize("name", ["MSD", "MTT"])
def test_the_answers_are_those_of_the_original(data_dir, shared_data, name):
    network = keras.models.load_model(published.musicnn(data_dir, name), safe_mode=True)
    wanted = {k: INPUTS[k] for k in ("sr", "n_fft", "hop_length", "n_mels")}
    with np.load(shared_data / "weights" / "musicnn_reference.npz") as reference:
        keys = [key for key in reference if key.endswith(f"|{name}_musicnn")]
        for key in keys:
            y = load_audio(shared_data / "examples" / f"{key.split('|')[0]}.ogg", sr=INPUTS["sr"])
            S_db = features.log_mel(y, **wanted).T
            at = INPUTS["clip_frames"] * np.arange(len(reference[key]))
            X = np.stack([clips.cut(S_db, start, INPUTS["clip_frames"]) for start in at])
            found = network.predict(X[..., np.newaxis], verbose=0)
            assert np.abs(found - reference[key]).max() < 1e-4, key
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("MSD", {"electronic": 0.4225, "dance": 0.2127, "electro": 0.1373}),
        ("MTT", {"techno": 0.6461, "electronic": 0.3372, "fast": 0.3304}),
    ],
)
def test_a_sound_of_our_own_keeps_its_answers(data_dir, name, answers):
    """Noted from the network that gives the original's answers, for where no recording is."""
    t = np.arange(9 * 16000) / 16000
    y = 0.3 * chirp(t, 110, 9, 1760) * (1 + square(2 * np.pi * 2 * t)) / 2
    y += 0.05 * np.random.default_rng(0).normal(size=len(t))
    found = Classifier(published.musicnn(data_dir, name))(y.astype("float32"), sr=16000).overall
    assert found.head(3).to_dict() == pytest.approx(answers, abs=1e-3)


def test_it_is_a_network_like_any_other(data_dir):
    """One file with its card, which the classifier opens; it is made once."""
    path = published.musicnn(data_dir, progress=False)
    made = path.stat().st_mtime_ns
    assert published.musicnn(data_dir, progress=False).stat().st_mtime_ns == made
    card = read_card(path)
    assert card["multilabel"] and card["licence"] == "ISC" and len(card["classes"]) == 50
    y = np.sin(2 * np.pi * 440 * np.arange(10 * 22050) / 22050)
    answer = Classifier(path)(y, sr=22050)
    assert answer.embedding.shape == (200,) and set(answer.overall.index) == set(published.TAGS)
    assert answer.over_time.shape == (3, 50)


def test_layers_and_tags():
    network = published.build_musicnn()
    shapes = {name: network.get_layer(name).output.shape[-1] for name in
              ("front", "middle", "max", "mean", "penultimate", "tags")}  # fmt: skip
    assert list(shapes.values()) == [561, 753, 753, 753, 200, 50]
    assert network.count_params() == 792_079
    assert len(set(published.MTT_TAGS)) == 50
    with pytest.raises(ValueError, match="choose MSD or MTT"):
        published.musicnn("nowhere", "FMA")


def test_loud_music_does_not_overflow():
    """In half precision, 10000 times the power of loud music is infinite."""
    network = published.build_musicnn()
    loud = network.get_layer("log_power")
    input_ = keras.Model(network.input, loud.output)
    S_db = np.array([-100.0, 0.0, 40.0, 80.0], "float32")
    X = np.tile(S_db[:, np.newaxis, np.newaxis, np.newaxis], (1, 1, 96, 1))
    found = input_.predict(X, verbose=0)[:, 0, 0, 0]
    assert np.allclose(found, np.log10(1e4 * 10 ** (S_db / 10) + 1), rtol=1e-5, atol=1e-6)
