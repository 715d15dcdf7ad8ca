"""The published CRNN, as notebook 10 rebuilds it, is the authors' network; 07's is its kin."""

from __future__ import annotations

import jupytext
import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from helpers import datasets, evaluate, published
from helpers.audio import load_audio
from helpers.published import choi
from notebooks.tools.build import ROOT

# The strongest five tags that the authors' README states for each example.
PUBLISHED = {
    "cute": {"jazz": 0.444, "instrumental": 0.151, "folk": 0.103, "Hip-Hop": 0.103,
             "ambient": 0.077},
    "actionable": {"jazz": 0.416, "instrumental": 0.181, "Hip-Hop": 0.085, "folk": 0.085,
                   "rock": 0.081},
    "dubstep": {"Hip-Hop": 0.245, "rock": 0.183, "alternative": 0.081, "electronic": 0.076,
                "alternative rock": 0.053},
    "thejazzpiano": {"jazz": 0.299, "instrumental": 0.174, "electronic": 0.089, "ambient": 0.061,
                     "chillout": 0.052},
}  # fmt: skip


@pytest.fixture(scope="module")
def notebook():
    """Run the cells that define the two networks, `crnn` and `published_crnn`."""
    names = {"keras": keras, "np": np}
    for name in ("src/07_crnn", "solutions/10_music_transfer"):
        for cell in jupytext.read(ROOT / "notebooks" / f"{name}.py").cells:
            if "architecture" in cell.metadata.get("tags", []):
                exec(compile(cell.source, name, "exec"), names)
    return names


@pytest.fixture(scope="module")
def path(shared_data):
    path = shared_data / "weights" / "music_tagger_crnn_weights_tensorflow.h5"
    if not path.exists():
        pytest.skip(f"no published weights: {path} is absent")
    return path


@pytest.fixture(scope="module")
def tagger(notebook, path):
    network = notebook["published_crnn"]()
    network.set_weights(published.crnn_weights(path))
    return network


@pytest.fixture(scope="module")
def examples(shared_data):
    folder = shared_data / "weights" / "examples"
    if not folder.is_dir():
        pytest.skip(f"no example mels: {folder} is absent")
    mels = {song: np.load(folder / f"bensound-{song}.npy") for song in PUBLISHED}
    return {song: mel[0, 0].T[np.newaxis, ..., np.newaxis] for song, mel in mels.items()}


def answer(network, X):
    return evaluate.predict(network, X.astype(np.float32))[0]


@pytest.mark.parametrize("song", PUBLISHED)
def test_published_tags_to_three_decimals(tagger, examples, song):
    proba = answer(tagger, examples[song])
    strongest = [published.TAGS[i] for i in np.argsort(-proba)[:5]]
    found = {tag: round(float(proba[published.TAGS.index(tag)]), 3) for tag in strongest}
    assert found == PUBLISHED[song]


def test_what_could_go_wrong_unnoticed_would_be_noticed(notebook, path, examples):
    """Flipped kernels and smooth gates fit as well, and change the published figures."""
    weights = published.crnn_weights(path)
    flipped = notebook["published_crnn"]()
    flipped.set_weights([w[::-1, ::-1] if w.ndim == 4 else w for w in weights])
    smooth = notebook["published_crnn"](gate="sigmoid")
    smooth.set_weights(weights)
    for network in (flipped, smooth):
        jazz = answer(network, examples["cute"])[published.TAGS.index("jazz")]
        assert abs(jazz - PUBLISHED["cute"]["jazz"]) > 0.002


def test_a_saved_tagger_is_the_same_and_needs_no_code_of_ours(tagger, examples, tmp_path):
    tagger.save(tmp_path / "crnn.keras")
    again = keras.models.load_model(tmp_path / "crnn.keras", custom_objects={}, safe_mode=True)
    assert not [layer for layer in again.layers if not type(layer).__module__.startswith("keras.")]
    for X in examples.values():
        assert np.array_equal(answer(again, X), answer(tagger, X))
    gru = [layer for layer in again.layers if isinstance(layer, keras.layers.GRU)]
    assert [layer.reset_after for layer in gru] == [False, False]
    assert [layer.recurrent_activation for layer in gru] == [keras.activations.hard_sigmoid] * 2


def test_scaled_gates_are_the_older_hard_sigmoid():
    x = np.linspace(-5, 5, 1001, dtype=np.float32)
    older = np.clip(0.2 * x + 0.5, 0, 1)
    today = np.asarray(keras.activations.hard_sigmoid(x))
    scaled = np.asarray(keras.activations.hard_sigmoid(np.float32(choi._GATE) * x))
    assert np.abs(scaled - older).max() < 1e-6 < 0.05 < np.abs(today - older).max()


def test_shapes_and_parameter_counts(notebook):
    theirs = notebook["published_crnn"]()
    assert theirs.input_shape == (None, 1366, 96, 1) and theirs.output_shape == (None, 50)
    assert theirs.count_params() == 400_562
    mean, variance = np.zeros((96, 1)), np.ones((96, 1))
    norm = keras.layers.Normalization(axis=(2, 3), mean=mean, variance=variance)
    ours = notebook["crnn"](norm, 10)
    assert ours.input_shape == (None, None, 96, 1)
    # The published one less its 4 x 1440 numbers for time, with 10 answers for 50, and our scaling.
    assert ours.count_params() == 400_562 - 4 * 1440 - 33 * 40 + 2 * 96
    for n_frames in (1, 95, 96, 97, 1366):
        answers = evaluate.predict(ours, np.zeros((2, n_frames, 96, 1), np.float32))
        assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_the_recurrent_layers_read_time(notebook):
    """A change at the end of a clip leaves the first steps of the sequence as they were."""
    network = notebook["published_crnn"]()
    gru = next(i for i, x in enumerate(network.layers) if isinstance(x, keras.layers.GRU))
    body = keras.Model(network.inputs[0], network.layers[gru - 1].output)
    X = np.random.default_rng(0).normal(0, 10, (1, 1366, 96, 1)).astype(np.float32)
    later = X.copy()
    later[:, 1200:] += 30
    change = np.abs(answer(body, later) - answer(body, X)).max(axis=1)
    assert change.shape == (15,)
    assert change[:11].max() < 1e-4 < 0.01 < change[-1]


def test_what_is_not_the_weights_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'fetch\("msd_crnn", data_dir\)'):
        published.crnn_weights(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(ValueError, match="not the weights of the MSD CRNN"):
        published.crnn_weights(tmp_path / "text.h5")


def test_the_other_networks_weights_are_refused(shared_data):
    other = shared_data / "weights" / "compact_cnn_weights_theano.hdf5"
    if not other.exists():
        pytest.skip(f"{other} is absent")
    with pytest.raises(ValueError, match="MSD CRNN; it has no bn_0_freq"):
        published.crnn_weights(other)


def test_without_a_server_one_sentence_comes_soon(tmp_path, monkeypatch, capfd):
    import requests

    def refuse(*arguments, timeout, **options):
        assert timeout <= 5
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "head", refuse)
    with pytest.raises(datasets.DatasetError) as problem:
        published.fetch_weights("msd_crnn", tmp_path)
    message = str(problem.value)
    assert "\n" not in message and "does not answer" in message
    assert 'fetch("msd_crnn"' in message and not list(tmp_path.rglob("*.h5"))
    assert capfd.readouterr() == ("", "")


def test_weights_on_disk_need_no_server(path, shared_data, monkeypatch, capfd):
    monkeypatch.setattr("requests.head", None)
    assert published.fetch_weights("msd_crnn", shared_data) == path
    assert capfd.readouterr() == ("", "")


# --- sound to input -------------------------------------------------------------------------


def tone(seconds, frequency=440.0, level=0.1):
    n = round(12000 * seconds)
    return level * np.sin(2 * np.pi * frequency * np.arange(n) / 12000).astype(np.float32)


@pytest.mark.parametrize("seconds", [1 / 12000, 1.0, 29.12, 29.13, 45.0])
def test_every_length_becomes_one_shape(seconds):
    S_db = published.crnn_input(tone(seconds))
    assert S_db.shape == (1366, 96) and S_db.dtype == np.float32
    assert np.isfinite(S_db).all()
    assert S_db.max() - S_db.min() <= 80.001


def test_decibels_are_of_the_squared_power():
    quiet, loud = (published.crnn_input(tone(30, level=level)) for level in (0.1, 0.2))
    assert loud.max() - quiet.max() == pytest.approx(40 * np.log10(2), abs=0.01)


def test_a_tone_stands_in_its_band():
    import librosa

    centres = librosa.mel_frequencies(98, fmin=0, fmax=6000)[1:-1]
    for frequency in (220.0, 880.0, 3520.0):
        band = published.crnn_input(tone(30, frequency)).mean(axis=0).argmax()
        assert abs(centres[band] - frequency) < 40


def test_the_middle_is_heard_and_a_short_track_is_followed_by_silence():
    y = np.concatenate([np.zeros(120_000, np.float32), tone(29.12), np.zeros(120_000, np.float32)])
    assert np.array_equal(published.crnn_input(y), published.crnn_input(tone(29.12)))
    S_db = published.crnn_input(tone(10))
    sounding = 10 * 12000 // 256
    assert S_db[2 : sounding - 2].max(axis=1).min() > S_db.max() - 1
    assert np.ptp(S_db[sounding + 3 :]) == 0 and S_db[-1, 0] == pytest.approx(S_db.max() - 80)


def test_what_is_no_mono_sound_is_refused():
    for y in (np.zeros(0), np.zeros((2, 12000))):
        with pytest.raises(ValueError, match="mono samples"):
            published.crnn_input(y)


@pytest.mark.slow
def test_real_music_gets_the_tags_of_its_genre(tagger, shared_data):
    """From sound to tags on real recordings: a wrong picture of sound would leave guesses."""
    tags = {"classical": "instrumental", "country": "country", "hiphop": "Hip-Hop", "jazz": "jazz",
            "rock": "rock"}  # fmt: skip
    dataset = datasets.load("gtzan", shared_data, classes=list(tags))
    some = dataset.tracks.groupby("label").head(6)
    sounds = [load_audio(path, sr=12000, offset=None, max_seconds=29.12) for path in some["path"]]
    proba = np.stack([answer(tagger, published.crnn_input(y)[None, ..., None]) for y in sounds])
    auc = [
        roc_auc_score(some["label"] == label, proba[:, published.TAGS.index(tag)])
        for label, tag in tags.items()
    ]
    assert np.mean(auc) > 0.65
