"""What a notebook has before its subject begins: its data in one call, and trained networks."""

import ast
import json

import jupytext
import keras
import numpy as np
import pytest
import soundfile

from helpers import experiment, features, training
from helpers.experiment import Experiment
from notebooks.tools import build

SOURCE = """# %% [markdown]
# # Loud

# %% tags=["parameters"]
OUT_DIR: str = "runs"  # where
RUN_NAME: str = "05_loud"  # name
EPOCHS: int = 40  # many
CLASSES: list = []  # names

# %%
import json
from pathlib import Path

if EPOCHS == 13:
    raise ValueError("thirteen is too many")
found = {"OUT_DIR": OUT_DIR, "RUN_NAME": RUN_NAME, "EPOCHS": EPOCHS, "CLASSES": CLASSES}
Path(OUT_DIR).write_text(json.dumps(found))
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "notebooks" / "src").mkdir(parents=True)
    (tmp_path / "notebooks" / "src" / "05_loud.py").write_text(SOURCE)
    monkeypatch.setattr(experiment, "ROOT", tmp_path)
    return tmp_path


def test_the_other_notebook_gets_what_it_declares_and_keeps_its_name(root, capsys):
    mine = {"OUT_DIR": "out.json", "RUN_NAME": "11_mine", "CLASSES": ["a'b"], "KEPT": 0.1}
    experiment.run_first("05_loud", mine, EPOCHS=2)
    found = json.loads((root / "out.json").read_text())
    assert found == {
        "OUT_DIR": "out.json", "RUN_NAME": "05_loud", "EPOCHS": 2, "CLASSES": ["a'b"],
    }  # fmt: skip
    assert "Notebook 05_loud has left nothing yet" in capsys.readouterr().out


def test_its_failure_is_said_in_one_line(root):
    with pytest.raises(RuntimeError, match="05_loud.* failed: ValueError: thirteen is too many"):
        experiment.run_first("05_loud", {}, EPOCHS=13)


def given_to(call, tree):
    """The named arguments of a call, also those of a dictionary that is spread out in it."""
    spread = {k.value.id for k in call.keywords if k.arg is None}
    given = {k.arg: k.value for k in call.keywords if k.arg}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in spread:
            given |= {key.value: value for key, value in zip(node.value.keys, node.value.values)}
    return given


def calls():
    """What makes other notebooks run first: who asks, for which one, with what parameters."""
    for path in build.sources():
        tree = ast.parse(path.read_text(encoding="utf8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if getattr(call.func, "id", "") == "run_first":
                given, parts = given_to(call, tree), ast.walk(call.args[0])
                names = [n.value for n in parts if isinstance(n, ast.Constant)]
            elif getattr(call.func, "id", "") == "open_network":
                given = given_to(call, tree)
                names = [given["first"].value] if "first" in given else ["05_convpool", "07_crnn"]
            else:
                continue
            others = set(given) - {"first", "model", "accepts"}
            yield from ((path.stem, name, others) for name in names if isinstance(name, str))


@pytest.mark.parametrize("caller, needed, given", list(calls()))
def test_what_is_asked_for_exists(caller, needed, given):
    declared = build.parameters(jupytext.read(build.sources([needed])[0]))
    assert given | set(experiment.SMALL[needed]) <= set(declared)


def test_every_notebook_that_opens_networks_makes_them_first():
    callers = {caller[:2] for caller, *_ in calls()}
    assert callers == {"06", "08", "10", "11", "12", "13", "14", "15", "16", "17"}


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Twenty tracks of noise, two of each artist, five artists a class; the parameters for them."""
    folder = tmp_path_factory.mktemp("music")
    rng = np.random.default_rng(0)
    for label in ("calm", "wild"):
        for artist in "abcde":
            for n in range(2):
                path = folder / "data" / "own" / label / f"{artist}{n}.wav"
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, 0.1 * rng.normal(size=2 * 8000), 8000)
    sounds = sorted((folder / "data" / "own").rglob("*.wav"))
    rows = [f"{p.parent.name}/{p.name},{p.parent.name},{p.parent.name} {p.name[0]}" for p in sounds]
    (folder / "data" / "own" / "labels.csv").write_text("file,label,artist\n" + "\n".join(rows))
    return {
        "DATASET": "folder", "DATA_DIR": str(folder / "data"), "OUT_DIR": str(folder / "out"),
        "DATASET_OPTIONS": {"folder": str(folder / "data" / "own")}, "RUN_NAME": "05_loud",
        "SR": 8000, "N_FFT": 256, "HOP_LENGTH": 80, "N_MELS": 8, "CLIP_SECONDS": 0.5, "JOBS": 1,
    }  # fmt: skip


def test_one_call_brings_what_notebook_03_builds(music):
    made = Experiment(music)
    assert made.store.params["n_mels"] == 8 and made.clip_frames == 50
    assert len(made.tracks) == 20
    owners = [set(groups) for groups in made.groups.values()]
    assert not owners[0] & owners[1] and not owners[1] & owners[2] and not owners[0] & owners[2]
    assert made.T.sum(axis=1).eq(1).all() and made.T["wild"].tolist() == made.Y.tolist()
    assert str(made).startswith("folder: 20 of 20 tracks can be used; 12 train, 4 valid, 4 test\n")
    X, y = made.random_clips()[0]
    assert X.shape == (32, 50, 8, 1) and set(y) == {0, 1}
    every = made.every_clip("test", Y=made.T, batch_size=4)
    assert every.y.shape[1] == 2 and every[0][0].shape == (4, 50, 8, 1)


def test_other_features_have_clips_of_as_many_seconds(music):
    made = Experiment(music)
    waves = made.extract(features.extract_waveform, sr=4000)
    assert made.random_clips(store=waves)[0][0].shape == (32, 2000, 1, 1)
    assert made.extract(features.extract_summary).shape[0] == 20
    assert made.extract(n_mels=12).n_mels == 12


def test_tracks_that_lack_other_features_are_left_out(music):
    made = Experiment(music)
    lost = made.ids["train"][0]
    made.keep([i for i in made.tracks.index if i != lost])
    assert lost not in made.ids["train"] and lost not in made.tracks.index


def test_a_card_says_how_its_network_reads_and_on_which_split_it_learned(music):
    made = Experiment(music)
    inputs = {**made.store.params, "n_mels": 6, "clip_frames": 30}
    card = {"inputs": inputs, "split": {"rule": made.split.rule}, "made_by": "05", "model": "m"}
    other = Experiment(music, card=card)
    assert other.ids == made.ids
    assert other.every_clip("valid")[0][0].shape[1:] == (30, 6, 1)
    with pytest.raises(ValueError, match="was trained on another split"):
        _ = Experiment(music, card=card | {"split": {"rule": "by chance"}}).split


def test_a_row_keeps_the_parameters_that_no_cell_names(music):
    made = Experiment(music)
    n = len(made.ids["test"])
    scores = {"accuracy": 0.5, "n_test": n, "chance": 0.5}
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    path = made.record("m", scores, proba=np.full((n, 2), 0.5), network=network)
    card = training.read_card(path)
    assert card["parameters"]["SPLIT_RULE"] == "auto" and card["parameters"]["SR"] == 8000
    assert card["split"]["rule"] == made.split.rule and card["dataset"]["name"] == "folder"


def test_the_other_notebook_gets_what_no_cell_names(root):
    """A study sets it for the caller; its `Experiment` and that of the other notebook see it."""
    source = root / "notebooks" / "src" / "05_loud.py"
    source.write_text(SOURCE.replace('"EPOCHS": EPOCHS', '"EPOCHS": EPOCHS, "FOLD": FOLD'))
    experiment.run_first("05_loud", {"OUT_DIR": "out.json", "FOLD": 3})
    assert json.loads((root / "out.json").read_text())["FOLD"] == 3


def net(made, *, kind="log_mel", loss=1.0, name="m", maps=True, run=None, classes=None, **card):
    """Save an untrained network, with the card that a training notebook would have given it."""
    layers = [keras.layers.Conv2D(2, 3)] if maps else [keras.layers.Activation("relu")]
    layers = [keras.layers.Input((None, 8, 1)), *layers, keras.layers.GlobalAveragePooling2D()]
    network = keras.Sequential([*layers, keras.layers.Dense(2, activation="softmax")])
    card = {
        "model": name, "made_by": "05_loud", "multilabel": False,
        "classes": classes or made.dataset.classes, "split": {"rule": made.split.rule},
        "inputs": {**made.store.params, "kind": kind, "clip_frames": 30} | card.pop("inputs", {}),
        "metrics": {"best_val_loss": loss, "parameters": network.count_params()},
    } | card  # fmt: skip
    folder = f"{made['OUT_DIR']}/models/{made['DATASET']}"
    training.save(network, f"{folder}/{run or card['made_by']}-{name}.keras", card)


@pytest.fixture
def own_folder(music, tmp_path):
    """The same music, and a folder without networks."""
    return Experiment(music | {"OUT_DIR": str(tmp_path / "out")})


def test_the_network_with_the_lowest_validation_loss_is_opened_with_its_experiment(own_folder):
    net(own_folder, name="worse", loss=0.9)
    net(own_folder, name="better", loss=0.5)
    net(own_folder, name="better", loss=0.4, run="11_test_set_analysis")  # a copy, calibrated
    net(own_folder, name="waves", loss=0.1, kind="waveform")
    net(own_folder, name="band", loss=0.1, inputs={"bands_used": [0, 4]})
    net(own_folder, name="others", loss=0.1, classes=["a", "b"])
    net(own_folder, name="mistake", loss=0.1, multilabel=True)
    name, network, opened = experiment.open_network(own_folder)
    assert name == "05_loud-better" and network.output_shape == (None, 2)
    assert opened.card["metrics"]["best_val_loss"] == 0.5 and opened.clip_frames == 30
    assert opened.dataset is own_folder.dataset and opened["N_MELS"] == 8
    assert experiment.open_network(own_folder, model="05_loud-worse")[0] == "05_loud-worse"
    calibrated = "11_test_set_analysis-better"
    assert experiment.open_network(own_folder, model=calibrated)[0] == calibrated


def test_only_a_network_that_will_do_is_opened(own_folder):
    net(own_folder, name="flat", loss=0.1, maps=False)
    net(own_folder, name="maps", loss=0.9)
    assert experiment.open_network(own_folder)[0] == "05_loud-flat"
    name, network, _ = experiment.open_network(own_folder, accepts=experiment.has_maps)
    assert name == "05_loud-maps" and experiment.has_maps(network)
    joined = keras.Model(network.inputs[0], network.outputs[0])  # no plain sequence
    assert not experiment.has_maps(joined)


@pytest.mark.parametrize("model", ["05_loud-none", "05_loud-waves"])
def test_a_network_that_is_named_and_cannot_be_opened_makes_nothing_run(
    own_folder, model, monkeypatch
):
    net(own_folder, name="waves", kind="waveform")
    monkeypatch.setattr(experiment, "run_first", lambda *_, **__: pytest.fail("it ran"))
    with pytest.raises(FileNotFoundError, match=f"no network {model} .*there are: 05_loud-waves"):
        experiment.open_network(own_folder, model=model)


def test_where_there_is_no_network_another_notebook_makes_one_first(own_folder, monkeypatch):
    asked = []

    def make(notebook, parameters, **others):
        asked.append((notebook, parameters["SR"], parameters["FOLD"], others))
        net(own_folder)

    monkeypatch.setattr(experiment, "run_first", make)
    assert experiment.open_network(own_folder, EPOCHS=2)[0] == "05_loud-m"
    assert experiment.open_network(own_folder)[0] == "05_loud-m"  # and runs nothing again
    assert asked == [("05_convpool", 8000, 0, {"EPOCHS": 2})]
    monkeypatch.setattr(experiment, "run_first", lambda *_, **__: None)
    with pytest.raises(FileNotFoundError, match="will do here; there are: 05_loud-m"):
        experiment.open_network(own_folder, accepts=lambda network: False)
