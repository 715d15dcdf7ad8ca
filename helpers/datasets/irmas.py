"""IRMAS: eleven instruments, alone to train on and in music to test on."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

import pandas as pd

from helpers.audio import walk
from helpers.datasets.table import Found, bare_name, not_found
from helpers.download import DatasetError

INSTRUMENTS = {
    "cel": "cello",
    "cla": "clarinet",
    "flu": "flute",
    "gac": "acoustic guitar",
    "gel": "electric guitar",
    "org": "organ",
    "pia": "piano",
    "sax": "saxophone",
    "tru": "trumpet",
    "vio": "violin",
    "voi": "voice",
}
IRMAS_SIZE = {"train": 6705, "test": 2874}


def load_irmas(name: str, data_dir: Path) -> Found:
    """IRMAS: excerpts with one label to train on, longer music with several to test on."""
    roots = [path for path in (data_dir / "irmas", data_dir / "IRMAS") if path.is_dir()][:1]
    roots = roots or [path for path in sorted(data_dir.glob("IRMAS-*")) if path.is_dir()]
    rows = [_irmas_row(root, file) for root in roots for file in walk(root)]
    if not rows:
        looked_for = [data_dir / "irmas" / "IRMAS-TrainingData", data_dir / "IRMAS-TrainingData"]
        raise not_found(name, data_dir, looked_for, "IRMAS-TrainingData, IRMAS-TestingData-Part1")
    unlabelled = sum(not row["labels"] for row in rows)
    table = pd.DataFrame([row for row in rows if row["labels"]], columns=list(rows[0]))
    notes = [f"{unlabelled} files without a label are left out"] if unlabelled else []
    count = table["split"].value_counts() if len(table) else {}
    notes += [
        f"{count.get(s, 0):,} of the {n:,} {s} excerpts of IRMAS are present"
        for s, n in IRMAS_SIZE.items()
        if count.get(s, 0) < n
    ]
    return Found(table, ", ".join(map(str, roots)), notes, multilabel=True)


def _irmas_row(root: Path, file: str) -> dict:
    folder, stem = (root / file).parent.name, bare_name(file)
    tags = re.findall(r"\[(\w+)\]", stem)
    row = {"track_id": f"{folder}/{stem}", "path": os.path.join(root, file), "title": stem}
    if folder in INSTRUMENTS or (tags and tags[0] in INSTRUMENTS):
        label = INSTRUMENTS[folder if folder in INSTRUMENTS else tags[0]]
        recording = re.search(r"(\d+)__\d+$", stem)
        group = f"recording {recording[1]}" if recording else stem
        drums = next((tag for tag in tags if tag in ("dru", "nod")), "")
        genre = next((t for t in reversed(tags[1:]) if t not in ("dru", "nod")), "")
        return row | {
            "label": label,
            "labels": (label,),
            "group": group,
            "split": "train",
            "drums": drums,
            "genre": genre,
        }
    labels = _irmas_labels(root / PurePosixPath(file).with_name(f"{stem}.txt"))
    song = re.sub(r"-\d+$", "", stem)  # excerpts of one song end in -1, -2, ...
    return row | {
        "label": labels[0] if len(labels) == 1 else "",
        "labels": labels,
        "group": f"song {song}",
        "split": "test",
        "drums": "",
        "genre": "",
    }


def _irmas_labels(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    codes = {line[:3] for line in path.read_text(encoding="utf-8", errors="replace").split()}
    unknown = sorted(codes - set(INSTRUMENTS))
    if unknown:
        raise DatasetError(f"{path}: unknown instrument {unknown[0]!r}; is this file of IRMAS?")
    return tuple(sorted(INSTRUMENTS[code] for code in codes))
