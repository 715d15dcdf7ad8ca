"""Train a network so that its best epoch is kept, and write down what a trained model is."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import time
import zipfile
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.keras import TqdmCallback

from helpers import (
    __version__,
    clips,  # noqa: F401  registers SpecAugment, which a saved network may hold
)
from helpers.files import replacing, write_atomic

PACKAGES = ("keras", "tensorflow", "librosa", "numpy", "scikit-learn")
CARD = "card.json"  # member of the .keras archive
PLACES = {"DATA_DIR", "OUT_DIR", "REPOSITORY"}  # say where a run took place, not what it did


def fit(network: keras.Model, X, valid=None, *, epochs: int, patience: int | None = None) -> dict:
    """Train a compiled network, to the last epoch or until it gets no better.

    With `patience`, training stops when so many epochs bring no lower validation loss, and goes
    back to the best epoch; halfway there the learning rate is cut to 0.3 of its value. Without it,
    the last weights are kept: give the optimizer a rate that falls to zero, such as `falling`. A
    progress bar runs where one can be shown.

    Parameters
    ----------
    network : keras.Model
        Compiled.
    X : keras.utils.PyDataset
        Training batches, such as `helpers.clips.RandomClips`, which draws its own order.
    valid : keras.utils.PyDataset, optional
        Validation batches. With `patience` they choose the epoch, so they must not be the test set.
    epochs : int > 0
        Most epochs to train.
    patience : int > 0, optional
        Epochs without progress after which training stops.

    Returns
    -------
    dict
        The lists of Keras's `History`, one value an epoch (loss and metrics, with `valid` val_loss
        and its metrics), seconds : float, the time it took, and kept : int, the epoch, from 0,
        whose weights are kept.

    Raises
    ------
    ValueError
        The loss of the weights to be kept is not finite: the network diverged. Or there is
        `patience`, but nothing to choose the epoch by.

    Examples
    --------
    >>> network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1)])
    >>> network.compile(loss="mse")
    >>> class Batches(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.ones((4, 3)), np.ones((4, 1))
    >>> history = fit(network, Batches(), Batches(), epochs=2, patience=2)
    >>> len(history["val_loss"])
    2
    """
    if patience and valid is None:
        raise ValueError("patience chooses an epoch by its validation loss: give `valid`")
    callbacks = [keras.callbacks.TerminateOnNaN(), TqdmCallback(verbose=0)]
    if patience:
        callbacks += [
            keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=max(1, patience // 2)),
        ]
    begin = time.perf_counter()
    if network.built:  # its variables are known: made while tracing, they would cost a second trace
        network.optimizer.build(network.trainable_variables)
    history = network.fit(
        X, validation_data=valid, epochs=epochs, callbacks=callbacks, verbose=0, shuffle=False
    ).history
    losses = history.get("val_loss", []) if patience else history["loss"][-1:]
    if not np.isfinite(losses).any():
        raise ValueError(f"{network.name} diverged: its loss is not finite. Lower LEARNING_RATE.")
    kept = np.nanargmin(losses) if patience else len(history["loss"]) - 1
    return history | {"seconds": time.perf_counter() - begin, "kept": int(kept)}


def falling(rate: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    """Return a learning rate that rises over a tenth of the steps, then falls to zero.

    Parameters
    ----------
    rate : float > 0
        The highest rate.
    steps : int > 0
        Batches of the whole training.

    Returns
    -------
    keras.optimizers.schedules.CosineDecay
        For an optimizer. The fall is half a cosine wave.

    Examples
    --------
    >>> rate = falling(0.01, steps=100)
    >>> [round(float(rate(step)), 4) for step in (0, 10, 55, 100)]
    [0.001, 0.01, 0.005, 0.0]

    Notes
    -----
    Source: Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*, 2017.
    """
    warm = max(1, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        rate / 10, max(1, steps - warm), warmup_target=rate, warmup_steps=warm
    )


def untrained(path: str | os.PathLike, *, seed: int) -> keras.Model:
    """Return an untrained copy of a saved network: its architecture and scaling, new weights.

    Parameters
    ----------
    path : path
        A `.keras` file.
    seed : int
        Seed of the new weights.

    Returns
    -------
    keras.Model
        Not compiled.

    Raises
    ------
    FileNotFoundError
        The file is missing. The message says which notebook makes it.
    """
    path = Path(path)
    if not path.exists():
        maker = path.stem.split("-")[0]
        raise FileNotFoundError(f"{path} is missing: run notebook {maker} with this OUT_DIR first.")
    saved = keras.models.load_model(path, compile=False, safe_mode=True)
    keras.utils.set_random_seed(seed)
    return keras.models.clone_model(saved)


def record(
    name: str,
    scores: dict,
    *,
    proba: np.ndarray,
    track_ids: list[str],
    parameters: dict,
    dataset,
    split,
    network: keras.Model | None = None,
    history: dict | None = None,
    inputs: dict | None = None,
    **figures,
) -> Path:
    """Write a model's row, its answers and its network; `Experiment.record` calls it."""
    kept = {k: v for k, v in parameters.items() if k.isupper() and _is_plain(v)}
    run = kept["RUN_NAME"]
    row = {"model": name, "notebook": run, "dataset": kept["DATASET"], "split": split.rule}
    row |= scores | {"fold": kept["FOLD"], "seed": kept["SEED"]}
    if network is not None:
        row |= {"parameters": network.count_params()}
    if history is not None:
        row |= {
            "train_seconds": round(history["seconds"], 1),
            "epochs": len(history["loss"]),
            "first_loss": history["loss"][0],
            "last_loss": history["loss"][-1],
        }
        if "val_loss" in history:
            losses = history["val_loss"]
            row["best_val_loss"] = losses[history.get("kept", int(np.argmin(losses)))]
    row = _plain(row | figures)
    lacking = [k for k in ("n_test", "chance") if k not in row]
    if lacking or not {"accuracy", "roc_auc"} & set(row):
        raise ValueError(f"the scores of {name} lack {lacking or 'accuracy or roc_auc'}")
    if np.shape(proba) != (len(track_ids), len(dataset.classes)):
        raise ValueError(
            f"the answers of {name} have the shape {np.shape(proba)}, but there are "
            f"{len(track_ids)} tracks and {len(dataset.classes)} classes"
        )
    answers = pd.DataFrame(proba, pd.Index(track_ids, name="track_id"), list(dataset.classes))
    out = Path(parameters["OUT_DIR"])
    row_path = out / "metrics" / f"{run}-{name}.json"
    text = json.dumps(row, indent=1, allow_nan=False) + "\n"
    buffer = io.BytesIO()
    answers.astype(np.float32).to_parquet(buffer)
    write_atomic(out / "predictions" / f"{run}-{name}.parquet", buffer.getvalue())
    write_atomic(row_path, text)
    if network is None:
        return row_path
    card = {
        "model": name,
        "made_by": run,
        "inputs": inputs or {},
        "classes": list(dataset.classes),
        "multilabel": dataset.multilabel,
        "dataset": {"name": dataset.name, "licence": dataset.licence, "citation": dataset.citation},
        "split": {"rule": split.rule, **split.sides.value_counts().to_dict()},
        "metrics": row,
        "parameters": {k: v for k, v in kept.items() if k not in PLACES},
    }
    return save(network, out / "models" / kept["DATASET"] / f"{run}-{name}.keras", card)


def save(network: keras.Model, path: str | os.PathLike, card: dict) -> Path:
    """Save a network as one file that carries its card, and the card beside it for people.

    Parameters
    ----------
    network : keras.Model
        Any network.
    path : path
        The ``.keras`` file. The card also goes beside it, with the ending ``.json``.
    card : dict
        What to know about the network; its input shape, its last activation and the versions are
        added.

    Returns
    -------
    Path
        The file. `read_card` finds the card inside, so it may be moved alone.

    Raises
    ------
    ValueError
        A figure in the card is not finite.

    Notes
    -----
    A ``.keras`` file is a zip archive, and Keras reads the members that it knows.
    """
    path = Path(path)
    versions = {"series": __version__, "python": platform.python_version()}
    versions |= {p: version(p) for p in PACKAGES}
    card = card | {
        "input_shape": list(network.input_shape),
        "activation": network.layers[-1].get_config().get("activation"),
        "versions": versions,
        "backend": keras.backend.backend(),
    }
    text = json.dumps(card, indent=1, allow_nan=False)
    with replacing(path) as temporary:
        network.save(temporary)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(CARD, text)
        found = {"file": path.name, "sha256": hashlib.sha256(temporary.read_bytes()).hexdigest()}
    write_atomic(path.with_suffix(".json"), json.dumps(found | card, indent=1) + "\n")
    return path


def find_networks(folder: str | os.PathLike) -> pd.DataFrame:
    """List the networks in a folder by what their cards say, lowest validation loss first.

    Parameters
    ----------
    folder : path
        ``OUT_DIR/models/<DATASET>``.

    Returns
    -------
    pd.DataFrame
        One row a network, indexed by the stem of its file: file, model, made_by, multilabel,
        classes (tuple), activation (of the last layer), kind (of its input), parameters,
        best_val_loss. No rows if there is no such
        folder.

    Examples
    --------
    >>> len(find_networks("nowhere"))
    0

    Notes
    -----
    Losses compare only where task and classes are the same.
    """
    columns = ["file", "model", "made_by", "multilabel", "classes", "activation", "kind",
               "parameters", "best_val_loss"]  # fmt: skip
    rows = {}
    for file in sorted(Path(folder).glob("*.keras")):
        card = read_card(file)
        metrics = card.get("metrics", {})
        rows[file.stem] = (
            file, card["model"], card["made_by"], card["multilabel"], tuple(card["classes"]),
            card.get("activation"), card["inputs"].get("kind", ""), metrics.get("parameters"),
            metrics.get("best_val_loss", np.nan),
        )  # fmt: skip
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    found.index = found.index.astype(object)  # text, also where there is none
    return found.astype({"multilabel": bool}).sort_values("best_val_loss", kind="stable")


def check_split(card: dict, split) -> None:
    """Refuse to test a network on a split that it was not trained on."""
    if card["split"]["rule"] != split.rule:
        raise ValueError(
            f"{card['made_by']}-{card['model']} was trained on another split "
            f"({card['split']['rule']}) than this one ({split.rule}): some of these test tracks "
            "may have taught it. Train it again, or give this notebook its split file."
        )


def read_card(path: str | os.PathLike) -> dict:
    """Read the card inside a ``.keras`` file that `save` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is no ``.keras`` file, or has no card. The message names the file.
    """
    if Path(path).is_dir():
        raise ValueError(f"{path} is a folder; give the name of a .keras file in it")
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(CARD))
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise ValueError(
            f"{path} has no card: only networks that this series saved say what they expect and "
            "answer. Train it again with its notebook."
        ) from None


def _is_plain(value) -> bool:
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, str | int | float)


def _plain(row: dict) -> dict:
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
