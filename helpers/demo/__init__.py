"""Render the demo datasets: synthetic music composed by rule and played with a soundfont.

The music is invented and exactly known (tempo, key, instruments, artist), so that a notebook can
check what a model claims. It says nothing about real music.

Every track is drawn from the seed and its own name: the same call gives the same bytes in another
process and with any number of workers. Rendering can be stopped and called again; it continues.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import json
import os
import warnings
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np

from helpers.demo.scores import (
    Score,
    band_name,
    compose_drifting,
    compose_for,
    compose_piano,
    compose_song,
    coverage,
    interpret,
    make_artist,
    make_title,
    make_titles,
    outside_share,
    pick,
    window,
)
from helpers.demo.sound import SR, draw_sound, nudge, perform, write_audio
from helpers.demo.soundfont import SR as FONT_SR
from helpers.demo.soundfont import SoundFont
from helpers.demo.styles import (
    CHORDAL,
    COMPOSERS,
    GENRES,
    INSTRUMENTS,
    IRMAS_GENRES,
    PERFORMERS,
)
from helpers.files import write_atomic

if TYPE_CHECKING:
    import pandas as pd

VERSION = 4
ATTEMPTS = 4  # a score that fails is drawn again, from the next sub-seed
JOURNAL = "rendered.jsonl"
FUSION_SHARE = 0.12


class RenderError(RuntimeError):
    """A track could not be rendered."""


@lru_cache(maxsize=1)
def _font() -> SoundFont:
    return SoundFont()


def _rng(seed: int, *names) -> np.random.Generator:
    """Return the Generator that belongs to a name (an artist, a track, an attempt)."""
    return np.random.default_rng([seed, *(zlib.crc32(str(name).encode()) for name in names)])


def _tag_times(score: Score, seconds: float) -> list[tuple[str, float, float]]:
    """Return (tag, start, end) for each stretch in which an instrument plays."""
    rows = []
    for tag in sorted({part.tag for part in score.parts}):
        notes = np.concatenate([part.notes for part in score.parts if part.tag == tag])
        notes = notes[np.argsort(notes[:, 0])]
        spans: list[list[float]] = []
        for start, end in zip(notes[:, 0], notes[:, 0] + notes[:, 1], strict=True):
            if start >= seconds:
                break
            if spans and start - spans[-1][1] < 2.0:
                spans[-1][1] = max(spans[-1][1], end)
            else:
                spans.append([start, end])
        rows += [(tag, round(a, 3), round(min(b, seconds), 3)) for a, b in spans]
    return rows


def _save(job: dict, score: Score, sound: dict, files: dict | None = None, **truth) -> dict:
    """Record a score into the job's file, with the texts or bytes of `files` beside it."""
    seconds, folder = float(job["seconds"]), Path(job["folder"])
    y = perform(score, sound, _font(), seconds=seconds)
    for name, content in (files or {}).items():
        write_atomic(folder / name, content)
    write_audio(folder / job["path"], y)
    times = _tag_times(score, seconds)
    row = {
        "track_id": job["track_id"], "path": job["path"], "label": "", "labels": "", "artist": "",
        "album": "", "title": "", "group": job["track_id"], "split": "", "seconds": seconds,
        "tempo": score.tempo, "key": score.key, "drums": score.drums, "fusion": "",
        "tags": "|".join(sorted({tag for tag, _, _ in times})),
    }  # fmt: skip
    return {"row": {**row, **truth}, "tags": times, "files": list(files or {})}


# ---- rendering a dataset -------------------------------------------------------------------


def _render_one(job: dict) -> dict:
    """Render one track, in whichever process."""
    for attempt in range(ATTEMPTS):
        try:
            return _RENDERERS[job["kind"]]({**job, "attempt": attempt})
        except (RenderError, ArithmeticError, ValueError) as error:
            problem = error
    raise RenderError(
        f"{job['path']}: not rendered in {ATTEMPTS} attempts; the last one said: {problem}"
    ) from problem


def _read_journal(path: Path) -> tuple[dict, dict[str, dict]]:
    """Return the header of a journal and the answer for each track; a torn line is left out."""
    answers: dict[str, dict] = {}
    header: dict = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            if "row" in entry:
                answers[entry["row"]["track_id"]] = entry
            elif not header:
                header = entry
    return header, answers


def _files(folder: Path, answer: dict) -> list[Path]:
    return [folder / name for name in (answer["row"]["path"], *answer["files"])]


def folder_of(kind: str, data_dir: str | Path, **options) -> Path:
    """Return where a dataset with these options lies: each set of options has its own folder.

    Examples
    --------
    >>> folder_of("demo", "data", seed=0).name, folder_of("demo", "data", seed=1).name
    ('demo', 'demo-a4bbadc1')
    """
    declared = inspect.signature(globals()[f"render_{kind}"]).parameters
    other = {k: v for k, v in options.items() if k not in ("jobs", "progress")}
    other = {k: v for k, v in other.items() if v != declared[k].default}
    text = json.dumps(other, sort_keys=True, default=float)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Path(data_dir, f"{kind}-{digest}" if other else kind)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time render into a folder; a process that dies lets the next one in."""
    with open(folder / ".lock", "a") as file:
        with contextlib.suppress(ImportError):  # fcntl exists on Linux and macOS
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _rendered(folder: Path, header: dict) -> dict[str, dict]:
    """Return the answers for the tracks that are there, rendered with the same parameters."""
    found, answers = _read_journal(folder / JOURNAL)
    if found != header:
        return {}
    return {k: a for k, a in answers.items() if all(map(os.path.isfile, _files(folder, a)))}


def _open_journal(folder: Path, header: dict) -> dict[str, dict]:
    """Return what is rendered already; clear the folder of a rendering with other parameters."""
    journal = folder / JOURNAL
    found, answers = _read_journal(journal)
    if found == header:
        return _rendered(folder, header)
    if not found and (folder / "tracks.csv").exists():
        raise RenderError(f"{folder / 'tracks.csv'}: not made here; choose an empty folder")
    for answer in answers.values():
        for path in _files(folder, answer):
            if path.resolve().is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
    for name in ("tracks.csv", "tags.csv"):
        (folder / name).unlink(missing_ok=True)
    write_atomic(journal, json.dumps(header) + "\n")
    return {}


def _render(kind, folder, plan: list[dict], parameters: dict, jobs, progress) -> pd.DataFrame:
    """Render what is missing of a plan and return the table of tracks."""
    import pandas as pd

    for name, value in parameters.items():
        if value < (0 if name == "seed" else 1e-9):
            raise ValueError(f"{name} is {value}; give a number above zero")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    header = {"kind": kind, "version": VERSION, **parameters}
    answers = _rendered(folder, header)
    if len(answers) < len(plan) or not (folder / "tracks.csv").exists():
        with _alone(folder):  # who waited here finds what the other has made
            answers = _render_missing(folder, header, plan, jobs, progress)
    return pd.DataFrame([answers[job["track_id"]]["row"] for job in plan])


def _render_missing(folder: Path, header: dict, plan: list[dict], jobs, progress) -> dict:
    from tqdm.auto import tqdm

    answers, kind = _open_journal(folder, header), header["kind"]
    common = {"kind": kind, "folder": str(folder), "seed": header["seed"]}
    todo = [{**common, **job} for job in plan if job["track_id"] not in answers]
    if todo:
        bar = tqdm(total=len(plan), initial=len(answers), desc=f"rendering {kind}",
                   unit="track", disable=not progress)  # fmt: skip
        file = (folder / JOURNAL).open("a", encoding="utf-8", newline="\n")
        with bar, warnings.catch_warnings(), file as journal:
            journal.write("\n")  # ends a line torn by a kill
            pool = joblib.Parallel(jobs or joblib.cpu_count(), return_as="generator_unordered")
            # joblib says when it replaces a process whose memory has grown; nothing is lost by it.
            warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
            for answer in pool(joblib.delayed(_render_one)(job) for job in todo):
                journal.write(json.dumps(answer) + "\n")
                journal.flush()
                answers[answer["row"]["track_id"]] = answer
                bar.update()
    if todo or not (folder / "tracks.csv").exists():
        _write_tables(folder, [answers[job["track_id"]] for job in plan])
    return answers


def _write_tables(folder: Path, answers: list[dict]) -> None:
    """Write the table of tracks and the tag times."""
    import pandas as pd

    tracks = pd.DataFrame([answer["row"] for answer in answers])
    rows = [(a["row"]["track_id"], *times) for a in answers for times in a["tags"]]
    tags = pd.DataFrame(rows, columns=["track_id", "tag", "start", "end"])
    write_atomic(folder / "tags.csv", tags.to_csv(index=False, lineterminator="\n"))
    write_atomic(folder / "tracks.csv", tracks.to_csv(index=False, lineterminator="\n"))


# ---- demo: ten genres ----------------------------------------------------------------------


def render_demo(
    folder: str | Path,
    *,
    artists_per_genre: int = 10,
    tracks_per_artist: int = 3,
    seconds: float = 20.0,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Render the demo dataset: GTZAN's ten genres, played by invented artists."""
    parameters = {"artists_per_genre": artists_per_genre, "tracks_per_artist": tracks_per_artist,
                  "seconds": seconds, "seed": seed}  # fmt: skip
    plan = [
        _song_job(genre, artist, k, tracks_per_artist, seconds)
        for genre in GENRES
        for artist in range(artists_per_genre)
        for k in range(tracks_per_artist)
    ]
    return _render("demo", folder, plan, parameters, jobs, progress)


def _song_job(genre: str, artist: int, k: int, per_artist: int, seconds: float) -> dict:
    name = f"{genre}.{artist * per_artist + k:05d}"
    return {"track_id": name, "path": f"genres/{genre}/{name}.flac", "genre": genre,
            "artist": artist, "song": k, "seconds": seconds}  # fmt: skip


def _render_song(job: dict) -> dict:
    seed, genre, number = job["seed"], job["genre"], job["artist"]
    of_artist = _rng(seed, genre, number)
    name = band_name(seed, number * len(GENRES) + list(GENRES).index(genre))
    artist = make_artist(of_artist, genre, name)
    rng = _rng(seed, genre, number, job["song"], job["attempt"])
    fusion = ""
    if rng.random() < FUSION_SHARE:
        fusion = pick(rng, [other for other in GENRES if other != genre])
    score = compose_song(rng, artist, seconds=job["seconds"], fusion=fusion)
    sound = nudge(rng, draw_sound(of_artist))
    return _save(job, score, sound, label=genre, labels=genre, artist=name, group=name,
                 album=pick(rng, artist.albums), title=make_title(rng), fusion=fusion)  # fmt: skip


# ---- demo_instruments: IRMAS's eleven classes ----------------------------------------------


def render_demo_instruments(
    folder: str | Path,
    *,
    recordings_per_class: int = 12,
    excerpts_per_recording: int = 3,
    test_pieces: int = 30,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Render the instruments dataset: IRMAS's eleven classes and its layout."""
    parameters = {"recordings_per_class": recordings_per_class,
                  "excerpts_per_recording": excerpts_per_recording,
                  "test_pieces": test_pieces, "seed": seed}  # fmt: skip
    plan = [
        _excerpt_job(seed, label, recording, k, excerpts_per_recording)
        for label in INSTRUMENTS
        for recording in range(recordings_per_class)
        for k in range(excerpts_per_recording)
    ]
    plan += [_piece_job(seed, k) for k in range(test_pieces)]
    return _render("demo_instruments", folder, plan, parameters, jobs, progress)


def _excerpt_job(seed: int, label: str, recording: int, k: int, n: int) -> dict:
    genre = pick(_rng(seed, "genre", label, recording), list(IRMAS_GENRES))
    number = list(INSTRUMENTS).index(label) * 1000 + recording + 1
    name = f"[{label}][{genre}]{number:04d}__{k + 1}"
    return {"track_id": name, "path": f"IRMAS-TrainingData/{label}/{name}.flac", "label": label,
            "recording": recording, "excerpt": k, "excerpts": n, "genre": genre,
            "seconds": 3.0}  # fmt: skip


def _piece_job(seed: int, k: int) -> dict:
    seconds = round(float(_rng(seed, "length", k).uniform(5, 20)), 1)
    name = f"piece-{k + 1:04d}"
    return {"track_id": name, "path": f"IRMAS-TestingData-Part1/Part1/{name}.flac", "label": "",
            "recording": k, "seconds": seconds}  # fmt: skip


def _render_instrument(job: dict) -> dict:
    return _render_excerpt(job) if job["label"] else _render_piece(job)


@lru_cache(maxsize=4)
def _recording(seed: int, label: str, recording: int, genre: str, n: int, attempt: int):
    """Return the score, the sound, `n` excerpt starts and the names of a training recording."""
    rng = _rng(seed, "recording", label, recording, attempt)
    roles = {"lead": pick(rng, INSTRUMENTS[label])}
    if label in CHORDAL and rng.random() < 0.7:
        roles["comp"] = roles["lead"]
    backing = float(pick(rng, (-99.0, -14.0, -9.0, -6.0)))
    score = compose_for(rng, pick(rng, IRMAS_GENRES[genre]), roles,
                        seconds=6.0 * n + 12, backing=backing)  # fmt: skip
    lead = next(part for part in score.parts if part.role == "lead")
    starts = 3.0 * np.arange(2 * n + 4)
    best = sorted(starts, key=lambda at: -coverage(lead, at, 3.0))[:n]
    names = {"album": make_title(rng), "title": make_title(rng)}
    return score, draw_sound(rng), sorted(best), names


def _render_excerpt(job: dict) -> dict:
    label = job["label"]
    score, sound, starts, names = _recording(
        job["seed"], label, job["recording"], job["genre"], job["excerpts"], job["attempt"]
    )
    group = f"{label}-{job['recording'] + 1:04d}"
    return _save(job, window(score, starts[job["excerpt"]], 3.0), sound, label=label, labels=label,
                 group=group, artist=f"Ensemble {group}", split="train", **names)  # fmt: skip


def _render_piece(job: dict) -> dict:
    rng = _rng(job["seed"], "piece", job["recording"], job["attempt"])
    seconds = job["seconds"]
    front = [str(c) for c in rng.permutation(list(INSTRUMENTS))[: int(rng.integers(1, 4))]]
    front.sort(key=lambda c: c in CHORDAL)  # a melody instrument leads if there is one
    free = ["lead", "comp", "color"]
    programs, of_role = {}, {}
    for label in front:
        role = "comp" if label in CHORDAL and "comp" in free and programs else free[0]
        free.remove(role)
        programs[role], of_role[role] = pick(rng, INSTRUMENTS[label]), label
    genre = pick(rng, [g for genres in IRMAS_GENRES.values() for g in genres])
    score = compose_for(rng, genre, programs, seconds=seconds + 8,
                        backing=float(rng.uniform(-16, -8)))  # fmt: skip
    score = window(score, 4.0, seconds)
    heard = {of_role[part.role] for part in score.parts
             if part.role in of_role and coverage(part, 0, seconds) > 0.1}  # fmt: skip
    if not heard:
        raise RenderError("no instrument stands in front")
    labels = [label for label in INSTRUMENTS if label in heard]
    text = {job["path"].replace(".flac", ".txt"): "\n".join(labels) + "\n"}
    return _save(job, score, draw_sound(rng), text, label=labels[0], labels="|".join(labels),
                 title=make_title(rng), album=make_title(rng), split="test",
                 artist=f"Ensemble {job['track_id']}")  # fmt: skip


# ---- demo_composers: piano -----------------------------------------------------------------


def render_demo_composers(
    folder: str | Path,
    *,
    compositions: int = 6,
    performances: int = 3,
    seconds: float = 30.0,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Render the composers dataset: five invented ways of composing for piano."""
    parameters = {"compositions": compositions, "performances": performances,
                  "seconds": seconds, "seed": seed}  # fmt: skip
    plan = [
        _piano_job(composer, piece, k, seconds)
        for composer in COMPOSERS
        for piece in range(compositions)
        for k in range(performances)
    ]
    return _render("demo_composers", folder, plan, parameters, jobs, progress)


def _piano_job(composer: str, piece: int, k: int, seconds: float) -> dict:
    slug = composer.split()[-1].lower()
    name = f"{slug}-{piece + 1:02d}-{k + 1}"
    return {"track_id": name, "path": f"audio/{slug}/{name}.flac", "composer": composer,
            "piece": piece, "performance": k, "seconds": seconds}  # fmt: skip


def _render_piano(job: dict) -> dict:
    seed, composer, piece, k = job["seed"], job["composer"], job["piece"], job["performance"]
    written = compose_piano(
        _rng(seed, "piece", composer, piece), composer, seconds=1.35 * job["seconds"]
    )
    cast = _rng(seed, "cast", composer, piece).permutation(len(PERFORMERS))
    performer = PERFORMERS[cast[k % len(cast)]]
    of_performer = _rng(seed, "performer", performer)
    habits = {
        "pace": float(of_performer.uniform(0.9, 1.12)),
        "rubato": float(of_performer.uniform(0.02, 0.08)),
        "force": float(of_performer.uniform(0.75, 1.05)),
        "pedal": float(of_performer.uniform(0.9, 1.7)),
        "melody": float(of_performer.uniform(2, 14)),
    }
    rng = _rng(seed, "performance", composer, piece, k, job["attempt"])
    score = interpret(rng, written, habits)
    sound = nudge(rng, draw_sound(of_performer, strength=0.5))
    midi = job["path"].replace("audio/", "midi/", 1).replace(".flac", ".mid")
    form = COMPOSERS[composer]["form"]
    title = f"{form} No. {piece + 1} in {written.key}"
    group = job["track_id"].rsplit("-", 1)[0]
    return _save(job, score, sound, {midi: midi_bytes(window(score, 0, job["seconds"]))},
                 label=composer, labels=composer, artist=performer, title=title, group=group,
                 album=f"{performer} plays {composer}", midi=midi)  # fmt: skip


def midi_bytes(score: Score) -> bytes:
    """Return a score as a MIDI file, with times in seconds kept to a millisecond."""
    import symusic

    out = symusic.Score(480)
    for part in score.parts:
        track = symusic.Track(part.role, part.program, part.role == "drums")
        for start, duration, pitch, velocity in part.notes:
            ticks = max(1, round(duration * 960))
            track.notes.append(symusic.Note(round(start * 960), ticks, int(pitch), int(velocity)))
        out.tracks.append(track)
    return bytes(out.dumps_midi())


def render_midi(
    path: str | Path, out: str | Path, *, seconds: float | None = None, program: int = 0
) -> Path:
    """Play a MIDI file with one instrument of the soundfont."""
    import soxr

    from helpers import symbolic  # librosa and mir_eval: the renderers' processes need neither

    notes = symbolic.read_notes(path, pedal=True)
    length = float(notes["end"].max()) + 0.5
    length = min(length, seconds) if seconds else length
    played = notes.assign(duration=notes["end"] - notes["start"])
    played = played[["start", "duration", "pitch", "velocity"]].to_numpy(dtype=float)
    y = _font().play(played, program, seconds=length)
    half = soxr.resample(y, FONT_SR, SR)
    write_audio(Path(out), half * np.float32(0.7 / max(1e-9, float(np.abs(half).max()))))
    return Path(out)


# ---- demo_band: an invented discography ----------------------------------------------------


def render_demo_band(
    folder: str | Path,
    *,
    albums: int = 8,
    tracks_per_album: int = 8,
    seconds: float = 20.0,
    seed: int = 0,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Render an invented discography whose style drifts over the years, with one break."""
    parameters = {"albums": albums, "tracks_per_album": tracks_per_album, "seconds": seconds,
                  "seed": seed}  # fmt: skip
    plan = [_band_job(seed, album, albums, k, seconds)
            for album in range(albums) for k in range(tracks_per_album)]  # fmt: skip
    return _render("demo_band", folder, plan, parameters, jobs, progress)


def _band_job(seed: int, album: int, albums: int, k: int, seconds: float) -> dict:
    year = 1963 + album
    name = make_titles(_rng(seed, "albums"), album + 1)[album]
    title = make_titles(_rng(seed, "album", album), k + 1)[k]
    # A slow drift, and one step between two albums.
    after = album >= (albums + 1) // 2
    drift = 0.65 * album / max(albums - 1, 1) + 0.35 * after
    stem = f"{year} - {name}/{k + 1:02d} - {title}"
    return {"track_id": f"{year}-{k + 1:02d}", "path": f"{stem}.flac", "album": name,
            "year": year, "drift": round(drift, 4), "after": after, "title": title,
            "seconds": seconds}  # fmt: skip


def _render_band(job: dict) -> dict:
    seed, drift, seconds = job["seed"], job["drift"], job["seconds"]
    rng = _rng(seed, "song", job["track_id"], job["attempt"])
    score = compose_drifting(rng, drift, seconds=seconds)
    sound = draw_sound(_rng(seed, "studio", job["year"]), strength=0.4)
    sound |= {"high_cut": 5000 + 5500 * drift, "room": 0.3 + 0.9 * drift, "wet": -20 + 8 * drift}
    tags = [part.tag for part in score.parts if part.role not in ("drums", "bass")]
    guitars = sum("guitar" in tag for tag in tags)
    classic = sum(tag not in ("piano", "harmonica") and "guitar" not in tag for tag in tags)
    chords = [(a, min(b, seconds), label) for a, b, label in score.chords if a < seconds]
    stem = job["path"].removesuffix(".flac")
    tonic, mode = score.key.split()
    key = tonic + (":minor" if mode == "minor" else "")
    lab = "".join(f"{a:.6f} {b:.6f} {label}\n" for a, b, label in chords)
    files = {f"annotations/chords/{stem}.lab": lab,
             f"annotations/keys/{stem}.lab": f"0.000000 {seconds:.6f} Key {key}\n"}  # fmt: skip
    return _save(job, score, nudge(rng, sound, strength=0.15), files, label=job["album"],
                 labels=job["album"], artist=band_name(seed, 99), album=job["album"],
                 title=job["title"], year=job["year"], drift=drift, after_break=job["after"],
                 guitar_share=round(guitars / max(len(tags), 1), 4),
                 orchestra_share=round(classic / max(len(tags), 1), 4),
                 outside_share=round(outside_share(score, seconds), 4))  # fmt: skip


_RENDERERS = {"demo": _render_song, "demo_instruments": _render_instrument,
              "demo_composers": _render_piano, "demo_band": _render_band}  # fmt: skip
