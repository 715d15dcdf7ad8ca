"""Ask a network about any sound, from Python or from the shell.

``python -m helpers.classify SOUND... --csv CSV`` asks musicnn, which has learned from real songs,
about files and whole folders; with a ``.keras`` file before the sounds, it asks that network.
``--page PAGE`` writes a page to look at and to listen to: of one song, or of a library.
``--export FORMAT OUT`` saves the network in a form that other programs run on samples.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from helpers import clips, evaluate, features, published, training
from helpers.audio import AUDIO, AudioError, check_level, read_audio, reason_of, walk
from helpers.files import readable
from helpers.recommend import Recommender

BATCH = 16  # clips that are sent through the network at once


@dataclass(frozen=True)
class Answer:
    """What a network says about one sound."""

    overall: pd.Series  # calibrated probability of each class, highest first
    over_time: pd.DataFrame  # [clips, classes], indexed by the clip's start in seconds
    embedding: np.ndarray  # [n_features] what enters the last layer, the mean over the clips
    seconds: float  # length of the sound
    note: str = ""  # what is wrong with the sound, such as that its end is missing


class Classifier:
    """A saved network that can be asked about any sound.

    Everything it needs is in the file: classes, sample rate, how sound becomes its input, scaling
    and, if the file was calibrated, the temperature.

    Parameters
    ----------
    path : path
        A ``.keras`` file that `helpers.training.save` wrote.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file has no card, or its network reads a picture of sound that only its notebook makes.
    """

    def __init__(self, path: str | os.PathLike):
        self.card = training.read_card(path)
        self.inputs, self.classes = self.card["inputs"], self.card["classes"]
        kind = self.inputs.get("kind")
        if kind not in READERS or "bands_used" in self.inputs:
            raise ValueError(
                f"{path} reads {kind!r} pictures that only {self.card['made_by']} makes"
            )
        self.read = READERS[kind]
        self.path = Path(path)
        network = keras.models.load_model(path, compile=False, safe_mode=True)
        last = network.layers[-1]
        self.network = keras.Model(network.inputs[0], [last.input, network.outputs[0]])

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file: what was heard with another one is heard again."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def __call__(self, sound, *, sr: float | None = None) -> Answer:
        """Answer for one sound."""
        y, note = self._samples(sound, sr)
        X, seconds = self.read(y, self.inputs)
        batches = (X[i : i + BATCH] for i in range(0, len(X), BATCH))
        found = [self.network.predict_on_batch(batch) for batch in batches]
        E, proba = (np.concatenate(part) for part in zip(*found))
        temperature = self.card.get("temperature", 1.0)
        voted = proba.mean(axis=0, keepdims=True)
        if temperature != 1.0:
            several = self.card["multilabel"]
            voted = evaluate.temper(voted, temperature, multilabel=several)
        overall = pd.Series(voted[0], self.classes, name="probability")
        over_time = pd.DataFrame(proba, pd.Index(seconds, name="seconds"), self.classes)
        overall, length = overall.sort_values(ascending=False), len(y) / self.inputs["sr"]
        return Answer(overall, over_time, E.mean(axis=0), length, note)

    def _samples(self, sound, sr: float | None) -> tuple[np.ndarray, str]:
        """Return samples at the network's rate, and the note of their file."""
        rate = self.inputs["sr"]
        if not isinstance(sound, np.ndarray):
            audio = read_audio(sound, sr=rate)
            check_level(sound, audio.y)
            return audio.y, audio.note
        if not sr:
            raise ValueError("samples need their rate: give sr, in hertz")
        if not len(sound):
            raise ValueError("there are no samples to listen to")
        check_level("the sound", sound)
        import soxr

        return soxr.resample(sound.astype(np.float32), sr, rate) if sr != rate else sound, ""


# --- from samples to what a network reads --------------------------------------------------


def _cut(frames: np.ndarray, inputs: dict, per_second: float) -> tuple[np.ndarray, np.ndarray]:
    at = clips.starts(len(frames), inputs["clip_frames"])
    X = np.stack([clips.cut(frames, start, inputs["clip_frames"]) for start in at])
    return X[..., np.newaxis], at / per_second


def _log_mel(y: np.ndarray, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
    wanted = ("sr", "n_fft", "hop_length", "n_mels", "fmin", "fmax")
    S_db = features.log_mel(y, **{name: inputs[name] for name in wanted})
    return _cut(S_db.T, inputs, inputs["sr"] / inputs["hop_length"])


def _waveform(y: np.ndarray, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
    return _cut(y[:, np.newaxis], inputs, inputs["sr"])


def _summary(y: np.ndarray, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
    """One row for the excerpt from the middle that the network was trained on."""
    n = int(inputs["max_seconds"] * inputs["sr"]) if inputs["max_seconds"] else len(y)
    start = max(0, (len(y) - n) // 2)
    values = features.summary_features(y[start : start + n], sr=inputs["sr"])
    row = np.array([[values[column] for column in inputs["columns"]]], dtype=np.float32)
    return row, np.array([start / inputs["sr"]])


def _msd_crnn(y: np.ndarray, inputs: dict) -> tuple[np.ndarray, np.ndarray]:
    n = int(inputs["seconds"] * inputs["sr"])
    at = clips.starts(len(y), n)
    X = np.stack([published.crnn_input(y[start : start + n]) for start in at])
    return X[..., np.newaxis], at / inputs["sr"]


READERS = {"log_mel": _log_mel, "waveform": _waveform, "summary": _summary, "msd_crnn": _msd_crnn}


# --- whole folders -------------------------------------------------------------------------


def find_sounds(paths: Sequence[str | os.PathLike]) -> Iterator[Path]:
    """Yield files as they are, and of folders all audio files in them, sorted."""
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        yield from [path / file for file in walk(path)] if path.is_dir() else [path]


def classify_all(
    ask: Classifier,
    sounds: Sequence[Path],
    out: Path,
    *,
    top: int = 3,
    collection: Recommender | None = None,
) -> int:
    """Write one row a sound into a CSV; go on where an interrupted run stopped."""
    labels = [f"{name}_{i}" for i in range(1, top + 1) for name in ("label", "confidence")]
    near = [f"neighbour_{i}" for i in range(1, top + 1)] if collection else []
    columns = ["path", *labels, *near, "problem", "note", *ask.classes]
    part = out.with_name(out.name + ".part")
    done = _rows(part, columns)
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(part, "w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, restval="")
        table.writeheader()
        table.writerows(done.values())  # whole rows only: the last one may have been cut short
        for path in tqdm([p for p in sounds if readable(p) not in done], unit="file"):
            table.writerow({"path": readable(path), **_row(ask, path, top, collection)})
            file.flush()
    problems = sum(bool(row["problem"]) for row in _rows(part, columns).values())
    os.replace(part, out)
    return problems


def _rows(part: Path, columns: list[str]) -> dict[str, dict]:
    """Rows of an interrupted run, by path; none if it asked for something else."""
    if not part.exists():
        return {}
    with open(part, encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        whole = [row for row in table if None not in row and None not in row.values()]
    return {row["path"]: row for row in whole} if table.fieldnames == columns else {}


def _row(ask: Classifier, path: Path, top: int, collection: Recommender | None) -> dict:
    try:
        answer = ask(path)
    except Exception as problem:
        reason, note = reason_of(problem)
        tqdm.write(str(AudioError(path, reason, note)), file=sys.stderr)
        return {"problem": reason, "note": note}
    row = {"note": answer.note} | {label: f"{p:.4f}" for label, p in answer.overall.items()}
    for i, (label, p) in enumerate(answer.overall.head(top).items(), 1):
        row |= {f"label_{i}": label, f"confidence_{i}": f"{p:.4f}"}
    if collection:
        near = collection.nearest(answer.embedding, k=top)["track_id"]
        row |= {f"neighbour_{i}": track_id for i, track_id in enumerate(near, 1)}
    return row


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the shell."""
    told = _parser().parse_args(argv)
    model = told.sounds.pop(0) if told.sounds[0].endswith(".keras") else None
    try:
        if told.export:
            return _export(Classifier(model or published.musicnn(told.data_dir)), told)
        out = told.page or told.csv
        if out.is_dir():
            raise ValueError(f"{out} is a folder; give the name of a file in it")
        if not told.sounds:
            raise ValueError("give a sound or a folder after the network")
        sounds = list(find_sounds(told.sounds))
        if not sounds:
            kinds = ", ".join(AUDIO[:6])
            raise ValueError(f"no audio file (such as {kinds}) in {', '.join(told.sounds)}")
        ask = Classifier(model or published.musicnn(told.data_dir))
        collection = Recommender(pd.read_parquet(told.collection)) if told.collection else None
        if told.page:
            problems = _write_page(ask, told, sounds)
        else:
            problems = classify_all(ask, sounds, told.csv, top=told.top, collection=collection)
            print(f"{told.csv}: {len(sounds) - problems} of {len(sounds)} sounds answered")
    except (OSError, ValueError, RuntimeError) as problem:
        print(problem, file=sys.stderr)
        return 2
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.classify", description=__doc__.replace("``", "")
    )
    parser.add_argument("sounds", nargs="+", metavar="[MODEL.keras] SOUND",
                        help="audio files, or folders of them; a .keras file of this series before "
                        "them takes the place of musicnn; with --export, the file to "
                        "write")  # fmt: skip
    out = parser.add_mutually_exclusive_group()
    out.add_argument("--csv", type=Path, default=Path("answers.csv"), help="table to write")
    out.add_argument("--page", type=Path, help="page to write instead: .html")
    out.add_argument("--export", choices=["onnx", "litert"],
                     help="save the network for other programs instead: --export onnx "
                     "[MODEL.keras] OUT.onnx, or litert [MODEL.keras] OUT.tflite")  # fmt: skip
    parser.add_argument("--top", type=int, default=3, help="labels to name for each sound")
    parser.add_argument("--collection", help="table that notebook 13 wrote; names similar tracks")
    parser.add_argument("--data-dir", default="data", help="folder where musicnn is kept")
    return parser


def _export(ask: Classifier, told: argparse.Namespace) -> int:
    """Write the network for another program."""
    from helpers.export import card_of, export

    if len(told.sounds) != 1:
        raise ValueError("give one file to write after the network, and no sounds")
    out = export(ask, told.sounds[0], form=told.export)
    size = out.stat().st_size / 1e6
    print(f"{out}: {size:.1f} MB; {card_of(out)} says how to ask it")
    return 0


def _write_page(ask: Classifier, told: argparse.Namespace, sounds: Sequence[Path]) -> int:
    """Write the page of a song, or of a library; return how many sounds could not be heard."""
    from helpers import pages
    from helpers.files import write_atomic

    if len(told.sounds) == 1 and not os.path.isdir(told.sounds[0]):
        write_atomic(told.page, pages.song_page(ask, sounds[0], told.page))
        print(f"{told.page}: open it in a browser")
        return 0
    root = os.path.commonpath([os.path.abspath(path) for path in told.sounds])
    found = pages.library_page(ask, sounds, root, told.page)
    print(f"{told.page}: {found['songs']} of {len(sounds)} songs; open it in a browser")
    return found["problems"]


if __name__ == "__main__":
    sys.exit(main())
