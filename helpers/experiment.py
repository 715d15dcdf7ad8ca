"""Dataset, features, split and clips in one call, and networks that a notebook opens."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pandas as pd

from helpers import datasets

ROOT = Path(__file__).resolve().parents[1]
# What a notebook's cell of parameters leaves out. Set it there, in a study or with papermill.
DEFAULTS = {
    "DATASET": "demo",  # name of the dataset, see data/README.md
    "DATA_DIR": "data",  # folder that holds the datasets
    "OUT_DIR": "runs/demo",  # folder for features, split, models, metrics
    "CLASSES": [],  # keep these classes only; empty keeps all
    "DATASET_OPTIONS": {},  # further arguments of helpers.datasets.load
    "SPLIT_NAME": "split",  # the split file is OUT_DIR/SPLIT_NAME.csv; an existing file is used
    "SPLIT_RULE": "auto",  # auto, official, group or track
    "FOLD": 0,  # which fifth of the groups is the test set, where no official list is
    "TRAIN_PERCENT": 100,  # of the training and validation groups, for a learning curve
    "SR": 22050,  # sample rate in hertz that all audio is brought to
    "N_FFT": 2048,  # window of the Fourier transform in samples
    "HOP_LENGTH": 1024,  # distance between frames in samples
    "N_MELS": 64,  # number of mel bands
    "MAX_SECONDS": 30.0,  # longest excerpt of a track that is used
    "CLIP_SECONDS": 3.0,  # length of a clip in seconds
    "CLIPS_PER_TRACK": 4,  # random clips that an epoch draws from each training track
    "BATCH_SIZE": 32,  # clips in a training batch
    "BALANCED": False,  # draw all classes equally often in training
    "JOBS": 2,  # number of files read at the same time
    "SEED": 0,  # seed of every random choice
}
# Enough training for networks that can be looked into, in a minute or two on the demo dataset.
SMALL = {
    "05_convpool": {"EPOCHS": 8, "PICTURES": ["log-mel"]},
    "07_crnn": {"RIVALS": [], "LENGTH_TRACKS": 5},
}


class Experiment:
    """What notebook 03 builds step by step: tracks, log-mels, a split without leaks, clips.

    Each part is made when it is first asked for. What exists on disk is not computed again.

    Parameters
    ----------
    parameters : dict
        The notebook's ``globals()``. What stands neither there nor in the study is taken from
        `DEFAULTS`; ``experiment["FOLD"]`` tells a value.
    card : dict, optional
        Of a trained network: log-mels and clips are then as it reads them, and a split that it
        was not trained on is refused.
    dataset : helpers.datasets.Dataset, optional
        Where it is loaded already.

    Attributes
    ----------
    dataset : helpers.datasets.Dataset
        All tracks, and the classes.
    store : helpers.store.FeatureStore
        Log-mels of all tracks that could be read.
    tracks : pd.DataFrame [index=track_id]
        Those tracks.
    split : helpers.splits.Split
        Audited: no group and no near-duplicate stands on two sides.
    ids : dict of str to list of str
        The track_ids on each side.
    groups : dict of str to np.ndarray of str
        Their groups: artists, recordings or compositions.
    Y : pd.Series of int or pd.DataFrame of float [index=track_id]
        Position of the label in the sorted classes; with several labels, `T` as float.
    T : pd.DataFrame of int [index=track_id, columns=classes]
        1 where a track has the label, else 0.
    clip_frames : int
        Length of a clip in frames.

    Raises
    ------
    helpers.datasets.DatasetError, helpers.features.FeatureError, helpers.splits.LeakError
        Where that part is first asked for.

    Examples
    --------
    >>> Experiment({"FOLD": 1})["FOLD"], Experiment({})["FOLD"]
    (1, 0)
    """

    def __init__(self, parameters: dict, *, card: dict | None = None, dataset=None):
        given = {k: v for k, v in parameters.items() if k.isupper()}
        self.parameters, self.card = DEFAULTS | given, card
        if dataset is not None:
            self.dataset = dataset

    def __getitem__(self, name: str):
        """Return the value of a parameter."""
        return self.parameters[name]

    def __str__(self) -> str:
        """Say in two lines how many tracks there are, and how they are divided."""
        of = f"{len(self.tracks)} of {len(self.dataset.tracks)} tracks can be used"
        sides = ", ".join(f"{len(ids)} {side}" for side, ids in self.ids.items())
        return f"{self.dataset.name}: {of}; {sides}\n{self.split.rule}"

    @cached_property
    def dataset(self):
        """All tracks, and the classes."""
        options = self["DATASET_OPTIONS"]
        classes = self["CLASSES"] or None
        return datasets.load(self["DATASET"], self["DATA_DIR"], classes=classes, **options)

    @cached_property
    def store(self):
        """Log-mels of all tracks that could be read."""
        return self.extract()

    @cached_property
    def tracks(self):
        """The tracks that can be used."""
        return self.store.usable(self.dataset.tracks)

    @cached_property
    def split(self):
        """Which side each track stands on, audited."""
        from helpers import splits

        path = f"{self['OUT_DIR']}/{self['SPLIT_NAME']}.csv"
        how = {"rule": self["SPLIT_RULE"], "fold": self["FOLD"], "seed": self["SEED"]}
        split = splits.prepare(self.tracks, self.store, path, **how)
        if self["TRAIN_PERCENT"] < 100:
            split = splits.thinned(split, self.tracks, self["TRAIN_PERCENT"], seed=self["SEED"])
        if self.card:
            from helpers import training

            training.check_split(self.card, split)
        return split

    @cached_property
    def ids(self):
        """The track_ids on each side."""
        return {side: self.split.ids(side) for side in ("train", "valid", "test")}

    @cached_property
    def groups(self):
        """The group of each track, by side."""
        return {side: self.tracks.loc[ids, "group"].to_numpy() for side, ids in self.ids.items()}

    @cached_property
    def T(self):
        """Truth as a table of 0 and 1, one column a class."""
        classes, tracks = self.dataset.classes, self.tracks
        labels = (
            tracks["labels"] if self.dataset.multilabel else tracks["label"].map(lambda x: (x,))
        )
        rows = [[int(c in row) for c in classes] for row in labels]
        return pd.DataFrame(rows, tracks.index, classes)

    @cached_property
    def Y(self):
        """What a network is to answer."""
        if self.dataset.multilabel:
            return self.T.astype(float)
        return pd.Series(self.T.to_numpy().argmax(axis=1), self.tracks.index)

    @cached_property
    def clip_frames(self):
        """Length of a clip in frames."""
        if self.card:
            return self.card["inputs"]["clip_frames"]
        return round(self["CLIP_SECONDS"] * self.store.frames_per_second)

    def extract(self, how=None, **settings):
        """Return features of all tracks, made with these parameters.

        Parameters
        ----------
        how : callable, default=`helpers.features.extract`
            Or `extract_summary`, or `extract_waveform`.
        **settings
            Arguments of `how` that differ, such as ``n_mels=96``.

        Returns
        -------
        helpers.store.FeatureStore, or pd.DataFrame for summary features
        """
        from helpers import features  # heavy imports wait: the runner reads only DEFAULTS

        how = how or features.extract
        inputs = self.card["inputs"] if self.card else {}
        names = [n for n in inspect.signature(how).parameters if n.upper() in DEFAULTS]
        made_with = {name: inputs.get(name, self[name.upper()]) for name in names}
        folder = f"{self['OUT_DIR']}/features"
        return how(self.dataset.tracks, folder, **made_with | settings)

    def keep(self, track_ids) -> None:
        """Leave out tracks that are not among these, such as those without summary features."""
        self.ids = {side: [i for i in ids if i in track_ids] for side, ids in self.ids.items()}
        self.tracks = self.tracks[[i in track_ids for i in self.tracks.index]]

    def every_clip(self, side, *, store=None, Y=None, clip_frames=None, **options):
        """Return every clip of one side, in order, never changed: to validate and to test.

        Parameters
        ----------
        side : str or list of str
            "train", "valid" or "test", or track_ids.
        store : helpers.store.FeatureStore, optional
            Cut from these features instead of `store`.
        Y : pd.Series or pd.DataFrame [index=track_id], optional
            Answers to learn instead of `Y`.
        clip_frames : int, optional
            Length of a clip; CLIP_SECONDS by default, or as the card says.
        **options
            Of `helpers.clips.EveryClip`, such as ``batch_size``.

        Returns
        -------
        helpers.clips.EveryClip
        """
        from helpers import clips

        return clips.EveryClip(**self._what(side, store, Y, clip_frames), **options)

    def random_clips(self, side="train", *, store=None, Y=None, clip_frames=None, **options):
        """Return training clips from random places, new ones in each epoch.

        Parameters
        ----------
        side, store, Y, clip_frames
            As in `every_clip`.
        **options
            Of `helpers.clips.RandomClips`, such as ``redraw``.

        Returns
        -------
        helpers.clips.RandomClips
            The same seed draws the same places, whatever the store.
        """
        from helpers import clips

        names = ("clips_per_track", "batch_size", "balanced", "seed")
        drawn = {name: self[name.upper()] for name in names}
        return clips.RandomClips(**self._what(side, store, Y, clip_frames), **drawn | options)

    def _what(self, side, store, Y, clip_frames) -> dict:
        """Return what both kinds of clips are cut from."""
        ids = self.ids[side] if isinstance(side, str) else list(side)
        if clip_frames is None:
            other = store is not None and store is not self.store
            seconds = self["CLIP_SECONDS"]
            clip_frames = round(seconds * store.frames_per_second) if other else self.clip_frames
        answers = (self.Y if Y is None else Y).loc[ids].to_numpy()
        source = self.store if store is None else store
        return {"store": source, "track_ids": ids, "Y": answers, "clip_frames": clip_frames}

    def record(self, name: str, scores: dict, *, proba, **more):
        """Write a model's row of the leaderboard, its answers and, for a network, file and card.

        The row is ``OUT_DIR/metrics/<RUN_NAME>-<name>.json``, and the answers to the test tracks
        are ``OUT_DIR/predictions/<RUN_NAME>-<name>.parquet``: with them, models can be compared
        track by track. The network is ``OUT_DIR/models/<DATASET>/<RUN_NAME>-<name>.keras``, with
        its card: what it expects and answers, what it was trained on and how, what it scored, and
        the licence of the data. All writes are atomic.

        Parameters
        ----------
        name : str
            Name of the model, such as "convpool".
        scores : dict
            What `helpers.evaluate.scores` returns.
        proba : np.ndarray [shape=(n_tracks, n_classes)]
            The answers to the test tracks that were scored.
        **more
            ``network`` : keras.Model, ``history`` : dict (what `helpers.training.fit` returns),
            ``inputs`` : dict (what the network expects: parameters of its features, length of a
            clip); ``track_ids``, ``dataset``, ``split`` where they are not the experiment's; and
            figures, numbers or text, for further columns of the row.

        Returns
        -------
        Path
            The network's file, or the row's where there is no network.

        Raises
        ------
        ValueError
            A figure is not finite, one that the leaderboard needs is missing, or the answers are
            not one row for each track, one column for each class.

        Notes
        -----
        Source: Mitchell et al., *Model cards for model reporting*, 2019.
        """
        from helpers import training

        mine = {"track_ids": self.ids["test"], "parameters": self.parameters}
        mine |= {"dataset": self.dataset, "split": self.split}
        return training.record(name, scores, proba=proba, **mine | more)


def open_network(experiment: Experiment, *, model: str = "", accepts=None, first="", **others):
    """Open the network with the lowest validation loss, and the experiment as its card wants it.

    Where there is no such network yet, a notebook that trains some runs first, made small.

    Parameters
    ----------
    experiment : Experiment
        Of the notebook that wants the network: ``Experiment(globals())``.
    model : str
        Stem of the file, such as "05_convpool-convpool", to open that one.
    accepts : callable, optional
        Takes a keras.Model and says whether it will do, such as `has_maps`.
    first : str
        The notebook to run where there is none; "05_convpool" by default, or "07_crnn" where
        tracks have several labels.
    **others
        Parameters of that notebook.

    Returns
    -------
    name : str
        Stem of the file that was opened.
    network : keras.Model
        Loaded in Keras's safe mode.
    experiment : Experiment
        With the card of the network, as ``experiment.card``.

    Raises
    ------
    FileNotFoundError
        There is no network `model`, or none will do. The message names those that are there.

    Notes
    -----
    The network reads log-mels and answers the classes of the dataset in their order. Those that
    show a mistake, and copies of a network under another name, are opened only by name. Test tracks
    play no part in the choice, so figures on the test tracks stay fair.
    """
    from helpers import training

    folder = f"{experiment['OUT_DIR']}/models/{experiment['DATASET']}"
    dataset = experiment.dataset
    first = first or ("07_crnn" if dataset.multilabel else "05_convpool")
    if not (found := _first_that_does(folder, dataset.classes, model, accepts)) and not model:
        run_first(first, experiment.parameters, **others)
        found = _first_that_does(folder, dataset.classes, model, accepts)
    if not found:
        there = ", ".join(training.find_networks(folder).index) or "none"
        raise FileNotFoundError(
            f"no network {model + ' ' if model else ''}in {folder} reads log-mels, answers these "
            f"classes and will do here; there are: {there}"
        )
    name, network, card = found
    return name, network, Experiment(experiment.parameters, card=card, dataset=dataset)


def has_maps(network) -> bool:
    """Say whether `helpers.explain.grad_cam` can look into a network.

    Parameters
    ----------
    network : keras.Model
        Any network.

    Returns
    -------
    bool
        It is a plain sequence of layers, and one is a convolution over time and frequency.
    """
    import keras

    layers = network.layers if isinstance(network, keras.Sequential) else []
    return any(isinstance(layer, keras.layers.Conv2D) for layer in layers)


def _first_that_does(folder: str, classes: list[str], model: str, accepts):
    """Return name, network and card of the first that will do, lowest validation loss first."""
    import keras

    from helpers import training

    found = training.find_networks(folder)
    mistake = found["multilabel"] & (found["activation"] == "softmax")
    copied = found.index != found["made_by"] + "-" + found["model"]
    wanted = (found.index == model) if model else ~(mistake | copied)
    fits = wanted & (found["kind"] == "log_mel") & (found["classes"] == tuple(classes))
    for name, file in found[fits]["file"].items():
        card = training.read_card(file)
        network = keras.models.load_model(file, compile=False, safe_mode=True)
        if "bands_used" not in card["inputs"] and (accepts is None or accepts(network)):
            return name, network, card
    return None


def run_first(notebook: str, parameters: dict, **others) -> None:
    """Run another notebook of the series, made small, because its networks are needed here.

    So a notebook that opens trained networks runs alone, too. Where the other notebook has left
    its networks already, do not call this.

    Parameters
    ----------
    notebook : str
        Such as "05_convpool".
    parameters : dict
        The caller's ``globals()``. What the other notebook declares as well is handed on, but for
        RUN_NAME.
    **others
        Further parameters of the other notebook.

    Raises
    ------
    RuntimeError
        The other notebook failed. The message ends with its error.

    Examples
    --------
    >>> run_first("99_none", {})
    Traceback (most recent call last):
    FileNotFoundError: there is no notebooks/src/99_none.py
    """
    path = ROOT / "notebooks" / "src" / f"{notebook}.py"
    if not path.is_file():
        raise FileNotFoundError(f"there is no notebooks/src/{notebook}.py")
    script = _with_parameters(path.read_text(encoding="utf-8"), notebook, parameters, others)
    print(f"Notebook {notebook} has left nothing yet: it runs first, made small, a minute or two.")
    quiet = {"MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3", "SERIES_STATIC": "1"}
    done = subprocess.run(
        [sys.executable, "-"], input=script, cwd=ROOT, env={**os.environ, **quiet},
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"notebook {notebook}, which is needed first, failed: {lines[-1]}")


def _with_parameters(text: str, notebook: str, parameters: dict, others: dict) -> str:
    """Return the source with other values behind its cell of parameters, as papermill would."""
    cells = re.split(r"^(?=# %%)", text, flags=re.MULTILINE)
    at = next(i for i, cell in enumerate(cells) if re.match(r'# %%.*"parameters"', cell))
    declared = re.findall(r"^([A-Z][A-Z0-9_]*):", cells[at], flags=re.MULTILINE)
    handed_on = {*declared, *DEFAULTS} & set(parameters) - {"RUN_NAME"}
    known = {k: parameters[k] for k in sorted(handed_on)}
    values = known | SMALL.get(notebook, {}) | others
    cells[at] += "".join(f"{name} = {value!r}\n" for name, value in values.items())
    return "".join(cells)
