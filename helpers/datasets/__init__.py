"""Load any dataset of the series as one table of tracks.

One small loader a dataset; :func:`load` checks the options, keeps the classes asked for, cuts
official lists down to the tracks that are present, and says so in :attr:`Dataset.notes`.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from helpers.audio import AUDIO, PROTECTED
from helpers.datasets.demo import RENDERED, load_demo, load_demo_genres, renderer
from helpers.datasets.fma import load_fma
from helpers.datasets.gtzan import load_gtzan, load_gtzan_mini
from helpers.datasets.irmas import INSTRUMENTS, load_irmas
from helpers.datasets.own import load_discography, load_folder
from helpers.datasets.piano import load_asap, load_maestro
from helpers.datasets.table import COLUMNS, TEXT, Dataset, Found
from helpers.download import REGISTRY, DatasetError, fetch, how_to_get

__all__ = ["INSTRUMENTS", "Dataset", "DatasetError", "RENDERED", "fetch", "load"]


def load(
    name: str,
    data_dir: str | os.PathLike,
    *,
    classes: Iterable[str] | None = None,
    **options,
) -> Dataset:
    """Load a dataset from a folder, in the layout in which it is distributed.

    A partial copy works: official lists are cut down to the tracks that are present, and
    `Dataset.notes` says how many of how many.

    Parameters
    ----------
    name : str
        demo, demo_instruments, demo_composers, demo_band, gtzan_mini, gtzan, fma_small,
        fma_medium, fma_large, fma_full, irmas, maestro, asap, discography or folder.
    data_dir : path
        The folder that holds the datasets, each in a folder of its own name.
    classes : iterable of str, optional
        Keep these classes only.
    **options
        Of the dataset. demo*: arguments of its renderer in helpers.demo. demo: `multilabel`, the
        instruments that play as labels. gtzan: `folders`, several
        folders read as one. fma_*: `multilabel`, all genres instead of the top genre. maestro and
        asap: `max_seconds` of each piece (None: all), `cache_dir` for the rendered audio, `jobs`,
        `progress`. asap, discography and folder: `folder`, the place of the files, relative to
        `data_dir`.

    Returns
    -------
    Dataset
        The table of tracks and what belongs to it.

    Raises
    ------
    DatasetError
        The name, an option or a class is unknown; or the files are missing, packed or not in a
        known layout. The message says what to do.

    Examples
    --------
    >>> load("gtzen", "data")
    Traceback (most recent call last):
    helpers.download.DatasetError: unknown dataset 'gtzen'; known: demo, demo_instruments, ...
    """
    if name not in _LOADERS:
        raise DatasetError(f"unknown dataset {name!r}; known: {', '.join(_LOADERS)}")
    _check_options(name, options)
    found = _LOADERS[name](name, Path(data_dir), **options)
    notes = list(found.notes)
    table = _complete(found.table)
    if not (table["path"] != "").any():
        raise DatasetError(
            f"{name}: {found.where} holds none of the dataset's tracks (looked for audio files, "
            f"such as {', '.join(AUDIO[:6])}); {how_to_get(name, data_dir)}"
        )
    table = _keep_classes(name, table, classes, found.multilabel)
    notes += _present_notes(table, found.list_name)
    table = table[table["path"] != ""].reset_index(drop=True)
    notes += _locked_notes(table["path"])
    if found.render:
        table = found.render(table, notes).reset_index(drop=True)
    source = REGISTRY[name]
    about = (source.licence, source.citation, notes)
    return Dataset(name, table, _classes(table, found.multilabel), found.multilabel, *about)


def _options(name: str) -> dict[str, inspect.Parameter]:
    """Return the options of a dataset, with their defaults."""
    functions = [_LOADERS[name], *([renderer(name)] if name in RENDERED else [])]
    parameters = [p for f in functions for p in inspect.signature(f).parameters.values()]
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def _check_options(name: str, options: dict) -> None:
    known = _options(name) if options else {}
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise DatasetError(
            f"{name} has no option {', '.join(map(repr, unknown))}; "
            f"known: {', '.join(['classes', *known])}"
        )


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """Give a table every column of the contract, with the right types, in the right order."""
    table = table.reset_index(drop=True)
    for column in TEXT:
        if column not in table:
            table[column] = ""
        table[column] = table[column].fillna("").astype(str)
    if "labels" not in table:
        table["labels"] = [(label,) if label else () for label in table["label"]]
    table["group"] = table["group"].where(table["group"] != "", table["track_id"])
    if "seconds" not in table:
        table["seconds"] = float("nan")
    table["seconds"] = pd.to_numeric(table["seconds"], errors="coerce").astype(float)
    twice = table["track_id"][table["track_id"].duplicated()]
    if len(twice):
        raise DatasetError(f"track_id {twice.iloc[0]!r} stands for more than one track")
    return table[[*COLUMNS, *[c for c in table if c not in COLUMNS]]]


def _classes(table: pd.DataFrame, multilabel: bool) -> list[str]:
    labels = table["labels"].explode().dropna() if multilabel else table["label"]
    return sorted(set(labels) - {""})


def _keep_classes(
    name: str, table: pd.DataFrame, classes: Iterable[str] | None, multilabel: bool
) -> pd.DataFrame:
    if not classes:
        return table
    classes = [classes] if isinstance(classes, str) else list(classes)
    present = _classes(table[table["path"] != ""], multilabel)
    unknown = [c for c in classes if c not in present]
    if unknown:
        raise DatasetError(
            f"{name} has no class {', '.join(map(repr, unknown))}; present: {', '.join(present)}"
        )
    if not multilabel:
        return table[table["label"].isin(classes)]
    labels = [tuple(c for c in row if c in classes) for row in table["labels"]]
    label = table["label"].where(table["label"].isin(classes), "")
    table = table.assign(labels=pd.Series(labels, table.index, dtype=object), label=label)
    return table[[bool(row) for row in labels]]


def _present_notes(table: pd.DataFrame, list_name: str) -> list[str]:
    total = table["split"].value_counts()
    here = table["split"][table["path"] != ""].value_counts()
    order = [s for s in ("train", "valid", "test", "") if s in total]
    notes = [
        f"{here.get(s, 0):,} of the {total[s]:,} {s + ' ' if s else ''}tracks in {list_name} "
        "are present"
        for s in order
        if here.get(s, 0) < total[s]
    ]
    if here.get("", 0) and len(here) > 1:
        notes.append(f"{here['']:,} tracks present stand in no part of {list_name}: no split")
    return notes


def _locked_notes(paths: pd.Series) -> list[str]:
    kinds = paths.str.lower().str.extract(r"(\.\w+)$")[0]
    kinds = kinds[kinds.isin(PROTECTED)].value_counts()
    return [
        f"{count:,} files end in {kind}: a shop has locked them, and they cannot be decoded; get "
        "them without protection"
        for kind, count in kinds.items()
    ]


_LOADERS: dict[str, Callable[..., Found]] = {
    "demo": load_demo_genres,
    "demo_instruments": load_demo,
    "demo_composers": load_demo,
    "demo_band": load_demo,
    "gtzan_mini": load_gtzan_mini,
    "gtzan": load_gtzan,
    "fma_small": load_fma,
    "fma_medium": load_fma,
    "fma_large": load_fma,
    "fma_full": load_fma,
    "irmas": load_irmas,
    "maestro": load_maestro,
    "asap": load_asap,
    "discography": load_discography,
    "folder": load_folder,
}
