"""Pages that need nothing else: what a network says about one song, and a map of a library."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import jinja2
import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d
from tqdm.auto import tqdm

from helpers import features, interactive
from helpers.audio import TRIED_AGAIN, read_audio, read_tags, reason_of
from helpers.files import readable, write_atomic
from helpers.recommend import Recommender
from helpers.store import File

HAS, BIT = 0.2, 0.1  # a song has a tag, and has a bit of it, from these mean probabilities on
PART_SECONDS = 20.0  # a part is at least so long on average
SHORTEST_SECONDS = 10.0  # a shorter part belongs to a neighbour
MOST_PARTS = 8
MOST_HAS, MOST_BITS = 3, 2  # tags that are named
SMOOTH_SECONDS = 15.0  # over which the curves are averaged before parts are looked for
RULE = (  # for the reader of a page
    f"The curves are averaged over {SMOOTH_SECONDS:.0f} s. Neighbouring windows are joined, the "
    f"most alike first, until there is one part for each {PART_SECONDS:.0f} s, but no more than "
    f"{MOST_PARTS}. A part of less than {SHORTEST_SECONDS:.0f} s belongs to a neighbour; parts "
    f"that have the same tags are one. A part has a tag whose mean is at least {HAS:.0%} (at most "
    f"{MOST_HAS}, the strongest first), and a bit of one from {BIT:.0%} on (at most {MOST_BITS})."
)
ROWS = 12  # tags in the picture of a song
EMBED_SECONDS = 900.0  # a longer sound is linked, not put into the page
PAGE_SR = 24000  # rate in hertz of the sound in a page
NEAREST = 5
N_NEIGHBORS = 15  # of UMAP: what counts as a neighbourhood


class Part(NamedTuple):
    """A stretch of a song, and what it has in words."""

    start: float
    end: float
    words: str


def parts(over_time: pd.DataFrame, seconds: float) -> list[Part]:
    """Cut a song where its tags change most, and say in words what each part has.

    The rule stands in `RULE`, which the page of a song shows.

    Parameters
    ----------
    over_time : pd.DataFrame
        As in `helpers.classify.Answer`: windows by tags, indexed by the window's start in seconds.
    seconds : float > 0
        Length of the song.

    Returns
    -------
    list of Part
        start and end in seconds, and words.

    Examples
    --------
    >>> curves = pd.DataFrame({"jazz": [0.5] * 20, "rock": [0.1] * 10 + [0.4] * 10})
    >>> curves.index = 3.0 * curves.index
    >>> [(round(part.start), part.words) for part in parts(curves, 60.0)]
    [(0, 'jazz, and a bit of rock'), (27, 'jazz and rock')]

    Notes
    -----
    Source: `librosa.segment.agglomerative`.
    """
    import librosa

    n = int(np.clip(seconds / PART_SECONDS, 1, min(MOST_PARTS, len(over_time))))
    step, first = seconds / len(over_time), [0]
    if n > 1:
        width = min(len(over_time), max(1, round(SMOOTH_SECONDS / step)))
        smooth = uniform_filter1d(over_time.to_numpy(), width, axis=0, mode="nearest")
        first = _long_enough(librosa.segment.agglomerative(smooth.T, n), len(over_time), step)
    spans = [(0, 0)]
    for begin, end in zip(first, [*first[1:], len(over_time)]):
        if _tags(over_time.iloc[slice(*spans[-1])]) == _tags(over_time.iloc[begin:end]):
            begin = spans.pop()[0]
        spans.append((begin, end))
    return [
        Part(begin * step, end * step, in_words(over_time.iloc[begin:end].mean()))
        for begin, end in spans[1:]
    ]


def _long_enough(first: Sequence[int], end: int, step: float) -> list[int]:
    """Return where parts begin, without those that are too short."""
    kept = [0]
    for begin in first[1:]:
        if (begin - kept[-1]) * step >= SHORTEST_SECONDS:
            kept.append(begin)
    if len(kept) > 1 and (end - kept[-1]) * step < SHORTEST_SECONDS:
        kept.pop()
    return kept


def _tags(some: pd.DataFrame) -> set[str]:
    """Return the tags that some windows have, or else those of which they have a bit."""
    mean = some.mean()
    return set(mean[mean >= HAS].index) or set(mean[mean >= BIT].index)


def in_words(mean: pd.Series) -> str:
    """Name the tags that are there: the strongest first, then those of which there is a bit."""
    mean = mean.sort_values(ascending=False)
    has = list(mean[mean >= HAS].index[:MOST_HAS])
    bit = list(mean[(mean >= BIT) & (mean < HAS)].index[:MOST_BITS])
    if bit:
        has.append(f"a bit of {' and '.join(bit)}")
    if len(has) > 1:
        return f"{', '.join(has[:-1])}{',' if bit else ''} and {has[-1]}"
    return has[0] if has else "nothing that stands out"


def sentences(found: Sequence[Part]) -> list[str]:
    """Say the parts of a song as a person would."""
    if len(found) == 1:
        return [f"From beginning to end it has {found[0].words}."]
    spans = (f"from {interactive.clock(p.start)} to {interactive.clock(p.end)}" for p in found)
    said = [f"{span} it has {part.words}." for span, part in zip(spans, found)]
    return [sentence[0].upper() + sentence[1:] for sentence in said]


# --- one song ------------------------------------------------------------------------------


def song_page(ask: Callable, path: str | os.PathLike, page: str | os.PathLike = "") -> str:
    """Return a page about one song: a player, its log-mel, its tags over time and in words.

    Parameters
    ----------
    ask : helpers.classify.Classifier
        The network that answers.
    path : path
        The song.
    page : path, optional
        Where the page will lie. A song of more than a quarter of an hour is linked from there;
        a shorter one is part of the page, as MP3.

    Returns
    -------
    str
        HTML that needs no network.

    Raises
    ------
    AudioError
        The song cannot be read.
    """
    answer = ask(path)
    audio = read_audio(path, sr=PAGE_SR)
    embed = answer.seconds <= EMBED_SECONDS or not page
    tags = list(answer.over_time.mean().sort_values(ascending=False).index[:ROWS])
    start = answer.over_time.index.to_numpy()
    seconds = start[1] - start[0] if len(start) > 1 else answer.seconds
    S_db = features.log_mel(audio.y, sr=audio.sr, n_mels=96, hop_length=1024)
    shown = interactive.player(
        audio.y if embed else address(path, page), answer.over_time[tags].to_numpy(), tags, start,
        seconds, sr=audio.sr, S_db=S_db,
    )  # fmt: skip
    told = sentences(parts(answer.over_time, answer.seconds))
    return _template("song.html").render(
        title=title_of(path), player=shown, sentences=told, note=answer.note, window=seconds,
        most=answer.over_time[tags].to_numpy().max(),
        length=interactive.clock(answer.seconds), overall=answer.overall.head(ROWS), card=ask.card,
        rule=RULE,
    )  # fmt: skip


def title_of(path: str | os.PathLike) -> str:
    """Return artist and title from the file, or the name of the file."""
    tags = read_tags(path)
    if "title" not in tags:
        return readable(Path(path).stem)
    return " – ".join(tags[key] for key in ("artist", "title") if key in tags)


def address(path: str | os.PathLike, page: str | os.PathLike) -> str:
    """Return the address of a file as a page beside it links it."""
    path, folder = os.path.abspath(path), os.path.dirname(os.path.abspath(page))
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:  # another drive of Windows
        return Path(path).as_uri()
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _template(name: str) -> jinja2.Template:
    here = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    world = jinja2.Environment(loader=here, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return world.get_template(name)


# --- a library -----------------------------------------------------------------------------


def library_page(
    ask: Callable, paths: Iterable[str | os.PathLike], root: str | os.PathLike,
    page: str | os.PathLike,
) -> dict:  # fmt: skip
    """Write a page about many songs: a map, a table, a search, playlists.

    What was heard stands in a journal beside the page. A second call reads it, and listens only to
    what is new or changed, or where an interrupted call stopped.

    Parameters
    ----------
    ask : helpers.classify.Classifier
        The network that answers.
    paths : sequence of path
        The songs.
    root : path
        The folder of the library. A song's artist is what its file says, or else the first folder
        below `root`.
    page : path
        The HTML file to write. It links the songs from where it lies.

    Returns
    -------
    dict
        songs and problems: how many could be heard, and how many could not.

    Raises
    ------
    ValueError
        No song could be heard.
    """
    rows = [place_in(root, row["path"]) | row for row in listen(ask, paths, page)]
    songs = [row for row in rows if "problem" not in row]
    problems = [row for row in rows if "problem" in row]
    if not songs:
        why = "; ".join(f"{row['path']}: {row['problem']}" for row in problems[:3])
        raise ValueError(f"none of {len(rows)} songs can be heard ({why})")
    E = np.stack([np.frombuffer(base64.b64decode(s["embedding"]), "<f2") for s in songs])
    proba = np.array([song["proba"] for song in songs])
    strongest = np.argsort(-proba, axis=1)[:, :3]
    data = {
        "tags": ask.classes,
        "songs": [
            {
                "title": song["title"], "artist": song["artist"], "folder": song["folder"],
                "seconds": round(song["seconds"]), "address": address(song["path"], page),
                "xy": [round(float(v), 3) for v in xy], "near": near, "note": song["note"],
                "tags": [int(k) for k in best if song["proba"][k] >= BIT],
                "proba": [round(100 * p) for p in song["proba"]],
            }
            for song, xy, near, best in zip(songs, places(E), neighbours(E, songs), strongest)
        ],
    }  # fmt: skip
    text = _template("library.html").render(
        data=interactive.for_script(data), problems=problems, card=ask.card, n=len(songs),
        title=readable(Path(os.path.abspath(root)).name),
    )  # fmt: skip
    write_atomic(page, text)
    return {"songs": len(songs), "problems": len(problems)}


def listen(ask: Callable, paths: Iterable[str | os.PathLike], page: str | os.PathLike) -> list:
    """Ask about each song that the journal beside the page does not have; return all rows."""
    journal = Path(page).with_suffix(".jsonl")
    journal.parent.mkdir(parents=True, exist_ok=True)
    known, rows = _journal(journal), []
    with open(journal, "a", encoding="utf-8") as file:
        for path in tqdm(list(paths), desc="listening", unit="song"):
            key = json.dumps([*File.look("", readable(path)), ask.digest])
            if key not in known or known[key].get("problem") in TRIED_AGAIN:
                known[key] = _heard(ask, path)
                file.write(json.dumps({"key": key, **known[key]}) + "\n")
                file.flush()
            rows.append(known[key] | {"path": path})
    return rows


def _journal(path: Path) -> dict[str, dict]:
    """Read the rows of earlier calls; a line that was cut short is no row."""
    rows = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                rows[row.pop("key")] = row
            except (ValueError, KeyError, AttributeError):
                continue
    return rows


def _heard(ask: Callable, path) -> dict:
    """Return what is kept of one song; a song that cannot be heard is a row with a reason."""
    try:
        answer = ask(path)
    except Exception as problem:
        reason, note = reason_of(problem)
        return {"problem": reason, "note": note}
    return {
        "seconds": answer.seconds,
        "proba": [round(float(p), 4) for p in answer.overall[ask.classes]],
        "embedding": base64.b64encode(answer.embedding.astype("<f2").tobytes()).decode(),
        "note": answer.note,
    } | read_tags(path)


def place_in(root, path) -> dict:
    """Return title, artist and folder of a song by where it lies."""
    folders = Path(os.path.relpath(path, root)).parent.parts
    return {
        "name": readable(Path(path).name),
        "title": readable(Path(path).stem),
        "artist": readable(folders[0]) if folders else "",
        "folder": readable(os.path.join(*folders)) if folders else "",
    }


def places(E: np.ndarray) -> np.ndarray:
    """Return places on a map [shape=(n, 2)], 0 to 1: songs that sound alike lie close together."""
    if len(E) <= N_NEIGHBORS:  # too few for neighbourhoods
        E = E.astype(np.float32) - E.astype(np.float32).mean(axis=0)
        xy = np.linalg.svd(E, full_matrices=False)[0][:, :2]
        xy = np.pad(xy, ((0, 0), (0, 2 - xy.shape[1])))
    else:
        import umap

        reducer = umap.UMAP(N_NEIGHBORS, metric="cosine", random_state=0, n_jobs=1)
        xy = reducer.fit_transform(E.astype(np.float32))
    return (xy - xy.min(axis=0)) / np.maximum(np.ptp(xy, axis=0), 1e-9)


def neighbours(E: np.ndarray, songs: Sequence[dict]) -> list[list[int]]:
    """Return the nearest songs by other artists of each song, as places in the list."""
    table = pd.DataFrame(E.astype(np.float32), [str(i) for i in range(len(E))])
    alone = (song["artist"] or f"\0{i}" for i, song in enumerate(songs))  # no artist: each its own
    lists = Recommender(table, pd.Series(list(alone), table.index)).lists(k=NEAREST)
    return [[int(i) for i in near if i >= 0] for near in lists]
