"""Notes: what is read is what was written, and each family moves with what it is named after."""

import numpy as np
import pandas as pd
import pytest

from helpers import symbolic


def played(**change):
    """A scale of C major in eighths, hands two octaves apart."""
    scale = np.tile([60, 62, 64, 65, 67, 69, 71, 72], 4)
    start = np.arange(len(scale)) * 0.25
    both = pd.DataFrame({
        "start": np.tile(start, 2), "end": np.tile(start + 0.24, 2),
        "pitch": np.concatenate([scale, scale - 24]), "velocity": 64,
    })  # fmt: skip
    return both.assign(**change).sort_values(["start", "pitch"], ignore_index=True)


def family(d, name):
    return np.array([v for k, v in d.items() if k.startswith(name)])


def test_midi_round_trip(tmp_path):
    import symusic

    score = symusic.Score(480)
    track = symusic.Track("piano", 0, False)
    for k, pitch in enumerate((60, 64, 67)):
        track.notes.append(symusic.Note(480 * (k + 2), 240, pitch, 70 + k))
    drums = symusic.Track("drums", 0, True)
    drums.notes.append(symusic.Note(0, 240, 36, 100))
    score.tracks.append(track)
    score.tracks.append(drums)
    score.dump_midi(str(tmp_path / "a.mid"))
    found = symbolic.read_notes(tmp_path / "a.mid")
    assert found["pitch"].tolist() == [60, 64, 67] and found["velocity"].tolist() == [70, 71, 72]
    assert np.allclose(found["start"], [0, 0.5, 1.0])
    assert np.allclose(found["end"] - found["start"], 0.25)
    assert len(symbolic.read_notes(tmp_path / "a.mid", seconds=0.6)) == 2


def test_the_pedal_holds_notes_but_not_for_ever(tmp_path):
    import symusic

    score = symusic.Score(480)  # 960 ticks are a second
    track = symusic.Track("piano", 0, False)
    for start in (0, 960, 4800, 9600):
        track.notes.append(symusic.Note(start, 480, 60, 70))
    for tick, value in ((240, 127), (2160, 0), (4900, 127), (14500, 0)):  # 2 s, 10 s
        track.controls.append(symusic.ControlChange(tick, 64, value))
    score.tracks.append(track)
    score.dump_midi(str(tmp_path / "a.mid"))
    plain, held = (symbolic.read_notes(tmp_path / "a.mid", pedal=p) for p in (False, True))
    assert np.allclose(plain["end"], [0.5, 1.5, 5.5, 10.5])
    assert np.allclose(held["end"], [2.25, 2.25, 9.5, 14.5], atol=1e-3)


def test_unreadable_midi_is_named(tmp_path):
    (tmp_path / "b.mid").write_bytes(b"nonsense")
    with pytest.raises(ValueError, match="b.mid: not a readable MIDI file"):
        symbolic.read_notes(tmp_path / "b.mid")


def test_pianoroll_is_time_by_key():
    roll = symbolic.pianoroll(played(), fps=20)
    assert roll.shape == (160, 88)
    assert roll[2, 60 - 21] == 64 and roll[2, 36 - 21] == 64 and roll[2].astype(bool).sum() == 2
    assert roll[7, 62 - 21] == 64


def test_register_density_dynamics():
    d = symbolic.describe_notes(played())
    assert 71 <= d["register: high"] <= 72 and d["density: notes struck together"] == 2
    assert d["density: onsets a second"] == pytest.approx(32 / 7.99, rel=1e-6)
    fast = played()
    fast[["start", "end"]] /= 2
    density = symbolic.describe_notes(fast)["density: onsets a second"]
    assert density == pytest.approx(64 / 7.99, rel=1e-6)
    loud = symbolic.describe_notes(played(velocity=100))
    assert loud["dynamics: mean"] == 100 and loud["dynamics: spread"] == 0


def test_harmony_knows_the_key_and_not_its_pitch():
    d = symbolic.describe_notes(played())
    degrees = family(d, "harmony: degree")
    assert d["harmony: major"] == 1 and (degrees[[0, 2, 4, 5, 7, 9, 11]] > 0).all()
    assert degrees[[1, 3, 6, 8, 10]].sum() == 0 and degrees.sum() == pytest.approx(1)
    higher = played()
    higher["pitch"] += 5
    moved = symbolic.describe_notes(higher)
    assert np.allclose(family(moved, "harmony"), family(d, "harmony"))
    assert np.allclose(family(moved, "density"), family(d, "density"))
    assert moved["register: mean"] == d["register: mean"] + 5
    minor = played()
    minor["pitch"] = minor["pitch"].map(lambda p: p - (p % 12 in (4, 9, 11)))
    assert symbolic.describe_notes(minor)["harmony: major"] == 0


def test_one_note_is_enough():
    one = pd.DataFrame({"start": [0.0], "end": [1.0], "pitch": [60], "velocity": [1]})
    assert np.isfinite(list(symbolic.describe_notes(one).values())).all()
