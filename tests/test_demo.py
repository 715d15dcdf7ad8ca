"""The rendered demo datasets: same bytes, resumable, known exactly, and music."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from helpers import datasets, demo
from helpers.demo.scores import compose_song, fold, make_artist, parse_chord, voicing
from helpers.demo.sound import draw_sound, perform
from helpers.demo.soundfont import SR as FONT_SR
from helpers.demo.soundfont import SoundFont
from helpers.demo.styles import GENRES, QUALITIES

ROOT = Path(__file__).resolve().parents[1]
TINY = {"artists_per_genre": 1, "tracks_per_artist": 1, "seconds": 2.0, "progress": False}
COLUMNS = {"track_id", "path", "label", "labels", "artist", "album", "title", "group", "split",
           "seconds", "tempo", "key", "drums", "fusion", "tags"}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    names = [p for p in folder.rglob("[!.]*") if p.is_file() and p.name != demo.JOURNAL]
    return {str(p.relative_to(folder)): hashlib.md5(p.read_bytes()).hexdigest() for p in names}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    demo.render_demo(folder, jobs=1, **TINY)
    return folder


@pytest.fixture(scope="session")
def medium(tmp_path_factory) -> tuple[Path, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("medium")
    options = {"artists_per_genre": 4, "tracks_per_artist": 2, "seconds": 8.0}
    if "EVERY_NETWORK" in os.environ:
        options |= {"tracks_per_artist": 3, "seconds": 15.0}
    return folder, demo.render_demo(folder, progress=False, **options)


def test_what_is_rendered_and_never_looked_for_is_what_has_a_renderer():
    named = {name.removeprefix("render_") for name in dir(demo) if name.startswith("render_demo")}
    assert named == set(datasets.RENDERED)


# ---- the sampler ---------------------------------------------------------------------------


@pytest.mark.parametrize("program", [0, 24, 30, 33, 48, 56, 65, 73])
def test_notes_have_their_pitch(program):
    """Loops of stretched samples must keep the pitch, also long after the attack."""
    y = SoundFont().play([(0.0, 1.5, 67, 100)], program, seconds=1.5)
    held = y[int(0.8 * FONT_SR) : int(1.4 * FONT_SR)]
    spectrum = np.abs(np.fft.rfft(held * np.hanning(len(held)), 1 << 18))
    hertz = np.fft.rfftfreq(1 << 18, 1 / FONT_SR)
    loudest = hertz[np.argmax(spectrum * (hertz > 50))]
    semitones = 12 * np.log2(loudest / 440) + 69
    # The loudest partial is one of the first six of the note.
    errors = [abs(semitones - 67 - 12 * np.log2(k)) for k in range(1, 7)]
    assert min(errors) < 0.3


def test_sampler_cuts_releases_and_is_silent_without_notes():
    font = SoundFont()
    y = font.play([(0.2, 0.3, 60, 100), (5.0, 1.0, 60, 100)], 19, seconds=2.0)
    assert y.shape == (2 * FONT_SR,) and y.dtype == np.float32
    assert not y[: int(0.19 * FONT_SR)].any()
    assert np.abs(y[int(0.3 * FONT_SR) : int(0.5 * FONT_SR)]).max() > 0.01
    assert np.abs(y[int(1.8 * FONT_SR) :]).max() < 1e-3
    assert not font.play([], 0, seconds=0.5).any()


def test_sampler_plays_a_note_the_same_whatever_it_played_before():
    used, fresh = SoundFont(), SoundFont()
    for drum in range(35, 82):
        used.play([(0.0, 0.02, drum, 100)], seconds=0.1, drums=True)
        again, alone = (
            font.play([(0.0, 1.5, drum, 100)], seconds=3.0, drums=True) for font in (used, fresh)
        )
        np.testing.assert_array_equal(again, alone)


def test_sampler_names_a_file_that_is_no_soundfont(tmp_path):
    (tmp_path / "x.sf2").write_bytes(b"no font")
    with pytest.raises(ValueError, match=r"x\.sf2: not a SoundFont 2 file"):
        SoundFont(tmp_path / "x.sf2")


# ---- scores --------------------------------------------------------------------------------


def test_tables_are_consistent():
    for genre, table in GENRES.items():
        for progression in table["major"] + table["minor_chords"]:
            for name in progression.replace("+", " ").split():
                assert parse_chord(name)[1] in QUALITIES, (genre, name)
        for style in table["styles"]:
            lines = [p for g in style["drums"] for line in g.split(";") for p in [line[2:]]]
            for role in ("bass", "comp", "color", "lead", "pad"):
                lines += [bar for pattern in style[role] for bar in pattern.split("|")]
            assert {len(line) for line in lines} <= {12, 16}, genre


def test_voices_move_little():
    c = voicing(0, "", [], 60)
    f = voicing(5, "", c, 60)
    assert {p % 12 for p in f} == {5, 9, 0}
    assert max(min(abs(p - q) for q in c) for p in f) <= 2


@pytest.mark.parametrize("genre", GENRES)
def test_score_of_every_genre_fills_the_time(genre):
    rng = np.random.default_rng(3)
    score = compose_song(rng, make_artist(rng, genre), seconds=20.0)
    assert max(part.notes[:, 0].max() for part in score.parts) > 19.0
    for part in score.parts:
        assert part.notes[:, 2].min() >= 28 and part.notes[:, 2].max() <= 96
        assert part.notes[:, 3].min() >= 12 and part.notes[:, 3].max() <= 127
    assert score.drums == (genre != "classical")
    assert fold(np.array([27, 97])).tolist() == [39, 85]


def test_silence_and_non_finite_samples_are_refused(monkeypatch):
    rng = np.random.default_rng(0)
    score = compose_song(rng, make_artist(rng, "pop"), seconds=2.0)
    font = SoundFont()
    monkeypatch.setattr(font, "play", lambda *a, seconds, **k: np.full(88200, np.nan, np.float32))
    with pytest.raises(FloatingPointError):
        perform(score, draw_sound(rng), font, seconds=2.0)
    monkeypatch.setattr(font, "play", lambda *a, seconds, **k: np.zeros(88200, np.float32))
    with pytest.raises(FloatingPointError):
        perform(score, draw_sound(rng), font, seconds=2.0)


# ---- rendering -----------------------------------------------------------------------------


@pytest.mark.processes
def test_same_bytes_with_other_jobs_and_from_a_plain_script(tiny, tmp_path):
    demo.render_demo(tmp_path / "a", jobs=2, **TINY)
    script = f"from helpers.demo import render_demo; render_demo('b', jobs=2, **{TINY!r})"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-"], input=script, text=True, cwd=tmp_path, env=env,
                   check=True, timeout=120)  # fmt: skip
    assert digests(tiny) == digests(tmp_path / "a") == digests(tmp_path / "b")
    assert len(digests(tiny)) == 12


def test_another_seed_gives_other_music(tiny, tmp_path):
    demo.render_demo(tmp_path, jobs=2, seed=1, **TINY)
    mine, other = digests(tiny), digests(tmp_path)
    assert mine.keys() == other.keys()
    assert not set(mine.values()) & set(other.values())


def test_a_finished_rendering_is_not_touched(tiny, monkeypatch):
    monkeypatch.setattr(demo, "_render_one", lambda job: pytest.fail("rendered again"))
    before = {p: p.stat().st_mtime_ns for p in tiny.rglob("*") if p.is_file()}
    tracks = demo.render_demo(tiny, **TINY)
    assert before == {p: p.stat().st_mtime_ns for p in tiny.rglob("*") if p.is_file()}
    stored = pd.read_csv(tiny / "tracks.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(tracks, stored, check_dtype=False)


def test_deleted_files_come_back_with_the_same_bytes(tmp_path):
    tracks = demo.render_demo(tmp_path, jobs=2, **TINY)
    before = digests(tmp_path)
    for name in [*tracks["path"][:3], "tracks.csv"]:
        (tmp_path / name).unlink()
    with (tmp_path / demo.JOURNAL).open("a") as journal:
        journal.write('{"row": {"track_id": "torn')
    kept = (tmp_path / tracks["path"][5]).stat().st_mtime_ns
    again = demo.render_demo(tmp_path, jobs=2, **TINY)
    assert digests(tmp_path) == before
    assert (tmp_path / tracks["path"][5]).stat().st_mtime_ns == kept
    pd.testing.assert_frame_equal(tracks, again)


@pytest.mark.processes
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_rendering_is_continued(tiny, tmp_path):
    script = f"from helpers.demo import render_demo; render_demo('.', jobs=1, **{TINY!r})"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=env)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.rglob("*.flac"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "tracks.csv").exists()
    demo.render_demo(tmp_path, jobs=2, **TINY)
    assert digests(tmp_path) == digests(tiny)


def test_other_parameters_replace_the_rendering(tmp_path):
    demo.render_demo(tmp_path, jobs=2, **TINY)
    tracks = demo.render_demo(tmp_path, jobs=2, **{**TINY, "seconds": 1.0})
    assert set(tracks["seconds"]) == {1.0}
    assert all(sf.info(tmp_path / path).duration == 1.0 for path in tracks["path"])


def test_each_set_of_options_has_its_own_folder(tmp_path):
    options = {**TINY, "seconds": np.float64(1.0)}
    first, second = (demo.folder_of("demo", tmp_path, **o) for o in (TINY, options))
    assert demo.folder_of("demo", tmp_path, seed=0, jobs=3) == tmp_path / "demo"
    assert first != second and {first.parent, second.parent} == {tmp_path}
    demo.render_demo(first, jobs=1, **TINY)
    before = digests(first)
    demo.render_demo(second, jobs=1, **options)
    assert digests(first) == before and len(before) == len(digests(second)) == 12


def test_two_at_once_render_each_track_once(tiny, tmp_path, monkeypatch):
    rendered, render = [], demo._render_one

    def count(job):
        rendered.append(job["path"])
        return render(job)

    monkeypatch.setattr(demo, "_render_one", count)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(demo.render_demo, tmp_path, jobs=1, **TINY) for _ in range(2)]
        pd.testing.assert_frame_equal(both[0].result(), both[1].result())
    assert len(rendered) == len(set(rendered)) == 10
    assert digests(tmp_path) == digests(tiny)


def test_a_table_from_elsewhere_is_kept(tmp_path):
    (tmp_path / "tracks.csv").write_text("track_id\n1\n")
    with pytest.raises(demo.RenderError, match="choose an empty folder"):
        demo.render_demo(tmp_path, **TINY)
    assert (tmp_path / "tracks.csv").read_text() == "track_id\n1\n"


def test_sizes_must_be_positive(tmp_path):
    with pytest.raises(ValueError, match="tracks_per_artist is 0"):
        demo.render_demo(tmp_path, **{**TINY, "tracks_per_artist": 0})


@pytest.fixture
def flaky(monkeypatch):
    """A renderer that succeeds at the attempt that a job names."""

    def render(job):
        if job["attempt"] < job["fails"]:
            raise FloatingPointError("non-finite samples")
        return job["attempt"]

    monkeypatch.setitem(demo._RENDERERS, "flaky", render)


def test_a_render_that_fails_is_drawn_again(flaky):
    job = {"kind": "flaky", "path": "a.flac", "fails": 1}
    assert demo._render_one(job) == 1 and demo._render_one({**job, "fails": 0}) == 0


def test_a_render_that_never_works_is_named(flaky):
    with pytest.raises(demo.RenderError, match="a.flac: not rendered in 4 attempts.*non-finite"):
        demo._render_one({"kind": "flaky", "path": "a.flac", "fails": 99})


# ---- the tables ----------------------------------------------------------------------------


def check_audio(folder: Path, tracks: pd.DataFrame) -> None:
    for row in tracks.itertuples():
        y, sr = sf.read(folder / row.path)
        assert sr == 22050 and y.ndim == 1
        assert len(y) == round(row.seconds * sr), row.track_id
        assert np.abs(y).max() < 0.999, row.track_id
        assert np.sqrt((y**2).mean()) > 0.01, row.track_id


def check_tables(folder: Path, tracks: pd.DataFrame) -> None:
    assert set(tracks.columns) >= COLUMNS
    assert tracks["track_id"].is_unique and (tracks["group"] != "").all()
    times = pd.read_csv(folder / "tags.csv").merge(tracks[["track_id", "seconds", "tags"]])
    assert (times["start"] >= 0).all() and (times["start"] < times["end"]).all()
    assert (times["end"] <= times["seconds"]).all()
    heard = times.groupby("track_id")["tag"].agg(lambda tags: "|".join(sorted(set(tags))))
    assert heard.to_dict() == tracks.set_index("track_id")["tags"].to_dict()


@pytest.mark.processes
def test_medium_tables_and_audio(medium):
    folder, tracks = medium
    check_tables(folder, tracks)
    check_audio(folder, tracks)
    assert (tracks["group"] == tracks["artist"]).all() and tracks["artist"].nunique() == 40
    assert (tracks.groupby("artist")["label"].nunique() == 1).all()
    assert 0.03 < (tracks["fusion"] != "").mean() < 0.25
    assert tracks.groupby("artist")["album"].nunique().max() <= 2
    assert (folder / "genres/blues/blues.00000.flac").is_file()


def test_instruments(tmp_path):
    tracks = demo.render_demo_instruments(
        tmp_path, recordings_per_class=1, excerpts_per_recording=2, test_pieces=6, progress=False
    )
    check_tables(tmp_path, tracks)
    check_audio(tmp_path, tracks)
    train, test = tracks[tracks["split"] == "train"], tracks[tracks["split"] == "test"]
    assert len(train) == 22 and len(test) == 6 and train["label"].nunique() == 11
    assert (train.groupby("group").size() == 2).all() and (train["seconds"] == 3.0).all()
    assert test["seconds"].between(5, 20).all()
    assert not set(train["group"]) & set(test["group"])
    for row in test.itertuples():
        lines = (tmp_path / row.path).with_suffix(".txt").read_text().split()
        assert lines == row.labels.split("|") and 1 <= len(lines) <= 3
    first = train.iloc[0]
    assert Path(first["path"]).name == f"{first['track_id']}.flac"


def test_composers(tmp_path):
    options = {"compositions": 2, "performances": 2, "seconds": 5.0, "progress": False}
    tracks = demo.render_demo_composers(tmp_path, **options)
    check_tables(tmp_path, tracks)
    check_audio(tmp_path, tracks)
    assert tracks["label"].nunique() == 5 and tracks["group"].nunique() == 10
    assert (tracks.groupby("group")["artist"].nunique() == 2).all()
    assert (tracks.groupby("group")["tempo"].nunique() == 2).all()
    assert (tracks.groupby("group")["title"].nunique() == 1).all()
    out = demo.render_midi(tmp_path / tracks["midi"][0], tmp_path / "x.flac", seconds=3.0)
    y, sr = sf.read(out)
    assert sr == 22050 and len(y) == 3 * sr and 0.3 < np.abs(y).max() < 0.9


def test_render_midi_names_a_bad_file(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"not midi")
    with pytest.raises(ValueError, match=r"x\.mid: not a readable MIDI file"):
        demo.render_midi(tmp_path / "x.mid", tmp_path / "x.flac")


def test_band(tmp_path):
    options = {"albums": 6, "tracks_per_album": 3, "seconds": 6.0, "progress": False}
    tracks = demo.render_demo_band(tmp_path, **options)
    check_tables(tmp_path, tracks)
    check_audio(tmp_path, tracks)
    drift = tracks.groupby("year")["drift"].first()
    steps = drift.diff().dropna()
    assert (steps > 0).all() and steps.idxmax() == 1966 and steps.max() > 2 * steps.min()
    early, late = tracks[~tracks["after_break"]], tracks[tracks["after_break"]]
    assert early["guitar_share"].mean() > late["guitar_share"].mean() + 0.2
    assert early["tempo"].mean() > late["tempo"].mean() + 10
    assert early["outside_share"].mean() < late["outside_share"].mean()
    for path in tracks["path"]:
        lab = tmp_path / "annotations" / "chords" / Path(path).with_suffix(".lab")
        rows = [line.split() for line in lab.read_text().splitlines()]
        assert float(rows[0][0]) == 0.0 and float(rows[-1][1]) == 6.0
        assert all(float(a[1]) == float(b[0]) for a, b in zip(rows, rows[1:]))


# ---- it is music ---------------------------------------------------------------------------

# Krumhansl & Kessler 1982.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


def listen(path: Path) -> tuple[float, str, np.ndarray]:
    """Return tempo, key and MFCC statistics as they are heard."""
    import librosa

    y, sr = sf.read(path, dtype="float32")
    tempo = float(np.atleast_1d(librosa.beat.beat_track(y=y, sr=sr)[0])[0])
    chroma = librosa.feature.chroma_cqt(
        y=y, sr=sr, hop_length=4096, tuning=0, fmin=librosa.note_to_hz("C2"), n_octaves=5
    ).mean(axis=1)
    fits = {
        f"{name} {mode}": np.corrcoef(np.roll(profile, k), chroma)[0, 1]
        for mode, profile in (("major", MAJOR_PROFILE), ("minor", MINOR_PROFILE))
        for k, name in enumerate(NAMES)
    }
    mfcc = librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20)
    return tempo, max(fits, key=fits.get), np.r_[mfcc.mean(axis=1), mfcc.std(axis=1)]


@pytest.fixture(scope="session")
def heard(medium) -> pd.DataFrame:
    folder, tracks = medium
    listen(folder / tracks["path"].iloc[0])  # librosa compiles in one process, not in two at once
    with joblib.parallel_config("loky", inner_max_num_threads=1):
        answers = joblib.Parallel(2, batch_size=5)(
            joblib.delayed(listen)(folder / path) for path in tracks["path"]
        )
    return tracks.assign(
        heard_tempo=[a[0] for a in answers], heard_key=[a[1] for a in answers],
        mfcc=[a[2] for a in answers],
    )  # fmt: skip


@pytest.mark.processes
@pytest.mark.slow
def test_tempo_agrees_with_the_truth(heard):
    drummed = heard[heard["drums"] & (heard["label"] != "classical")]
    ratio = drummed["heard_tempo"] / drummed["tempo"]
    right = np.min([(ratio / octave - 1).abs() for octave in (0.5, 1, 2)], axis=0) <= 0.06
    share = pd.Series(right, index=drummed["label"]).groupby(level=0).mean()
    assert len(share) == 9 and (share >= 0.8).all(), share.to_dict()


@pytest.mark.processes
@pytest.mark.slow
def test_key_agrees_with_the_truth(heard):
    right = (heard["heard_key"] == heard["key"]).groupby(heard["label"]).mean()
    assert (right >= 0.6).all(), right.to_dict()


@pytest.mark.processes
@pytest.mark.slow
def test_genre_is_learnable_and_the_artist_effect_is_there(heard):
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    X, y = np.stack(heard["mfcc"]), heard["label"].to_numpy(dtype=object).astype(str)
    groups = heard["group"].to_numpy(dtype=object).astype(str)
    model = make_pipeline(StandardScaler(), SVC(C=10))
    scores = {"artist": [], "track": []}
    for seed in range(3):
        folds = {"artist": StratifiedGroupKFold(4, shuffle=True, random_state=seed),
                 "track": StratifiedKFold(4, shuffle=True, random_state=seed)}  # fmt: skip
        for name, cv in folds.items():
            given = groups if name == "artist" else None
            scores[name] += list(cross_val_score(model, X, y, groups=given, cv=cv))
    by_artist, by_track = np.mean(scores["artist"]), np.mean(scores["track"])
    assert 0.25 < by_artist < 0.85, by_artist
    assert by_track - by_artist >= 0.08, (by_artist, by_track)
    assert by_track < 0.97
