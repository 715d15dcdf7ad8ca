"""Piano music as MIDI, played by the piano of the soundfont: MAESTRO and ASAP."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd

from helpers.audio import walk
from helpers.datasets.table import (
    MIDI,
    Found,
    file_stem,
    joined,
    not_found,
    own_folder,
    read_csv,
    split_names,
    track_ids,
)
from helpers.download import DatasetError


def load_maestro(
    name: str,
    data_dir: Path,
    *,
    max_seconds: float | None = 60.0,
    cache_dir: str | os.PathLike | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Found:
    """MAESTRO's MIDI files, played by the piano of the soundfont."""
    bases = [data_dir / "maestro", data_dir]
    tables = sorted(
        path
        for base in bases
        for pattern in ("maestro-v*.csv", "maestro-v*.json")
        for path in [*base.glob(pattern), *base.glob(f"maestro-v*/{pattern}")]
    )
    if not tables:
        looked_for = [base / "maestro-v2.0.0" / "maestro-v2.0.0.csv" for base in bases]
        raise not_found(name, data_dir, looked_for, "the table of MAESTRO (.csv or .json)")
    table = _maestro_table(tables[0])
    root = tables[0].parent
    files = set(walk(root, MIDI))
    if not files.intersection(table["midi"]):
        in_the_way = tables[0] if root in bases else root
        raise _no_midi(name, data_dir, root / next(iter(table["midi"]), "*.midi"), in_the_way)
    table["path"] = joined(root, [f if f in files else "" for f in table["midi"]])
    cache = Path(cache_dir or data_dir / "maestro") / _rendered(max_seconds)
    render = _rendering(cache, max_seconds=max_seconds, jobs=jobs, progress=progress)
    return Found(table, str(root), render=render)


def _no_midi(name: str, data_dir: Path, looked_for: Path, in_the_way: Path | None) -> DatasetError:
    """Say that the MIDI files are missing, and what must go before they can come."""
    what = "the MIDI files, which this loader plays (it does not read audio),"
    message = str(not_found(name, data_dir, [looked_for], what))
    if in_the_way is not None:
        message += f"\nBefore that, move {in_the_way} away: it is in the way of the download"
    return DatasetError(message)


def _maestro_table(path: Path) -> pd.DataFrame:
    """Read MAESTRO's CSV, or its JSON (a list of pieces in v2, a table of columns in v3)."""
    required = ("canonical_composer", "canonical_title", "split", "midi_filename")
    if path.suffix == ".csv":
        raw = read_csv(path, required)
    else:
        raw = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))).astype(str)
    table = pd.DataFrame({"midi": raw["midi_filename"], "label": raw["canonical_composer"]})
    table["track_id"] = [file.rsplit(".", 1)[0] for file in table["midi"]]
    table["title"] = raw["canonical_title"]
    table["group"] = [_piece(c, t) for c, t in zip(table["label"], table["title"])]
    table["split"] = split_names(raw["split"], path)
    if "year" in raw:
        table["year"] = pd.to_numeric(raw["year"], errors="coerce")
    return table


def _piece(composer: str, title: str) -> str:
    """Name a composition, whoever plays it and however its title is written."""
    return f"{composer}: " + " ".join(re.findall(r"[^\W_]+", title.casefold()))


def load_asap(
    name: str,
    data_dir: Path,
    *,
    folder: str | os.PathLike = "asap",
    max_seconds: float | None = 60.0,
    cache_dir: str | os.PathLike | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> Found:
    """ASAP's performances (composer/.../piece/performance.mid), played by the piano."""
    root = own_folder(name, data_dir, folder)
    files = [f for f in walk(root, MIDI) if not file_stem(f).startswith("midi_score") and "/" in f]
    if not files:
        in_the_way = root if root == data_dir / name else None
        raise _no_midi(name, data_dir, root / "<composer>" / "<piece>" / "<player>.mid", in_the_way)
    known = {}
    if (root / "metadata.csv").exists():
        rows = read_csv(root / "metadata.csv", ("composer", "title", "midi_performance"))
        known = dict(zip(rows["midi_performance"], zip(rows["composer"], rows["title"])))
    pieces = [known.get(file) or _folder_piece(file) for file in files]
    table = pd.DataFrame({"midi": files, "track_id": track_ids(files), "path": joined(root, files)})
    table["label"] = [composer for composer, _ in pieces]
    table["title"] = [title for _, title in pieces]
    table["group"] = [_piece(composer, title) for composer, title in pieces]
    cache = Path(cache_dir or root) / _rendered(max_seconds)
    render = _rendering(cache, max_seconds=max_seconds, jobs=jobs, progress=progress)
    return Found(table, str(root), render=render)


def _folder_piece(file: str) -> tuple[str, str]:
    """Read composer and piece from the folders; versions with fewer repeats are one piece."""
    composer, *piece, player = file.split("/")
    return composer, re.sub(r"_no_repeat$", "", "_".join(piece) or file_stem(player))


def _rendered(max_seconds: float | None) -> str:
    return "rendered-whole" if max_seconds is None else f"rendered-{max_seconds:g}s"


def _rendering(
    cache: Path, *, max_seconds: float | None, jobs: int | None, progress: bool
) -> Callable[[pd.DataFrame, list[str]], pd.DataFrame]:
    """Return the step that plays the MIDI files of a table; what is in the cache stays."""

    def render(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
        out = [os.path.join(cache, f"{track_id}.flac") for track_id in table["track_id"]]
        failures = _play(table["path"], out, max_seconds, jobs or os.cpu_count() or 1, progress)
        ok = [path not in failures for path in out]
        if not any(ok):
            reason = next(iter(failures.values()), "no piece")
            raise DatasetError(f"no piece could be rendered into {cache} ({reason})")
        if failures:
            path, reason = next(iter(failures.items()))
            notes.append(f"{len(failures)} pieces could not be rendered, such as {path}: {reason}")
        table = table.assign(midi=table["path"], path=out)[ok]
        return table.assign(seconds=[_seconds(path) for path in table["path"]])

    return render


def _play(
    midi: Iterable[str], out: list[str], seconds: float | None, jobs: int, progress: bool
) -> dict[str, str]:
    """Render what is missing, several at a time; return the reason for each file that failed."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    todo = [(m, o) for m, o in zip(midi, out) if not os.path.exists(o)]
    try:
        for folder in {os.path.dirname(o) for _, o in todo}:
            os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"rendered audio cannot be written: {error}; give another place with cache_dir"
        ) from error
    results = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_play_one)(m, o, seconds) for m, o in todo
    )
    bar = tqdm(
        results, total=len(todo), desc="render", unit=" pieces", disable=not (progress and todo)
    )
    return {o: reason for (_, o), reason in zip(todo, bar) if reason}


def _play_one(midi: str, out: str, seconds: float | None) -> str:
    from helpers import demo

    try:
        demo.render_midi(midi, out, seconds=seconds)  # whole or not at all
    except (ValueError, OSError, RuntimeError) as error:
        return str(error) or type(error).__name__
    return ""


def _seconds(path: str) -> float:
    import soundfile

    return soundfile.info(path).duration
