"""Turn a score into a recording: instruments, mix, equalizer, room, saturation and level."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy.fft
import soundfile as sf

from helpers.demo.scores import Score
from helpers.demo.soundfont import SR as FONT_SR
from helpers.demo.soundfont import SoundFont
from helpers.files import replacing

SR = 22050


def draw_sound(rng: np.random.Generator, *, strength: float = 1.0) -> dict:
    """Draw the sound of a recording: equalizer, room, saturation, hiss and level."""
    bumps = [[float(rng.uniform(0, 7.5)), float(rng.uniform(0.4, 1.3)),
              float(rng.normal(0, 2.7 * strength))] for _ in range(6)]  # fmt: skip
    return {
        "bumps": bumps,
        "tilt": float(rng.normal(0, 0.75 * strength)),
        "low_cut": float(rng.uniform(25, 90)),
        "high_cut": float(np.exp(rng.uniform(np.log(5000), np.log(11000)))),
        "room": float(rng.uniform(0.2, 1.4)),
        "wet": float(rng.uniform(-24, -9)),
        "drive": float(rng.uniform(0.3, 1.5)),
        "hiss": float(rng.uniform(-75, -52)),
        "level": float(rng.uniform(-23, -14)),
        "seed": int(rng.integers(2**31)),
    }


def nudge(rng: np.random.Generator, sound: dict, *, strength: float = 0.3) -> dict:
    """Return a sound a little changed, as from one session of an artist to the next."""
    bumps = [[c, w, g + float(rng.normal(0, 3 * strength))] for c, w, g in sound["bumps"]]
    level = sound["level"] + float(rng.normal(0, 3 * strength))
    return {**sound, "bumps": bumps, "level": min(level, -12.0)}


@lru_cache(maxsize=8)
def _response(sound: str, n: int) -> np.ndarray:
    """Return the frequency response [shape=(n // 2 + 1,)] of a sound's equalizer and room."""
    s = json.loads(sound)
    octave = np.linspace(-2, 7.9, 400)  # above 50 Hz
    gain = s["tilt"] * (octave - 4)
    for centre, width, level in s["bumps"]:
        gain += level * np.exp(-0.5 * ((octave - centre) / width) ** 2)
    hertz = 50 * 2**octave
    gain -= 10 * np.log10(1 + (s["low_cut"] / hertz) ** 4)
    gain -= 10 * np.log10(1 + (hertz / s["high_cut"]) ** 6)
    bins = np.maximum(np.arange(n // 2 + 1) * (SR / n), 1.0)
    equalizer = 10 ** (np.interp(np.log2(bins / 50), octave, gain) / 20)
    t = np.arange(int(s["room"] * SR)) / SR
    tail = np.random.default_rng(s["seed"]).normal(size=len(t)) * np.exp(-6.9 * t / s["room"])
    tail *= 10 ** (s["wet"] / 20) / np.sqrt((tail**2).sum())
    tail[:200] = 0
    tail[0] = 1.0
    return equalizer.astype(np.float32) * scipy.fft.rfft(tail.astype(np.float32), n)


def _loudness(y: np.ndarray) -> float:
    """Return the RMS of the parts of `y` that sound."""
    power = (y[: len(y) // 2205 * 2205].reshape(-1, 2205) ** 2).mean(axis=1)
    sounding = power[power > 1e-3 * power.max()] if len(power) else power
    return float(np.sqrt(sounding.mean())) if len(sounding) else 0.0


def perform(score: Score, sound: dict, font: SoundFont, *, seconds: float) -> np.ndarray:
    """Play, mix and record a score."""
    mix = np.zeros(round(seconds * FONT_SR), dtype=np.float32)
    for part in score.parts:
        stem = font.play(part.notes, part.program, seconds=seconds, drums=part.role == "drums")
        loudness = _loudness(stem)
        if loudness > 0:
            mix += stem * np.float32(10 ** (part.level / 20) / loudness)
    return _record(mix, sound, round(seconds * SR))


def _record(mix: np.ndarray, sound: dict, n_out: int) -> np.ndarray:
    """Put a mix [44,100 Hz] through the recording's sound; down to 22,050 Hz on the way."""
    n = scipy.fft.next_fast_len(n_out + int(sound["room"] * SR), real=True)
    # Half of the spectrum is half of the sampling rate.
    spectrum = scipy.fft.rfft(mix, 2 * n)[: n // 2 + 1] * _response(json.dumps(sound), n)
    y = scipy.fft.irfft(spectrum, n)[:n_out].astype(np.float32)
    loudness = _loudness(y)
    if not np.isfinite(loudness) or loudness == 0:
        raise FloatingPointError("non-finite samples or silence")
    y = np.tanh(y * np.float32(0.35 * sound["drive"] / loudness))
    y *= np.float32(10 ** (sound["level"] / 20) / _loudness(y))
    noise = np.random.default_rng(sound["seed"]).standard_normal(n_out, dtype=np.float32)
    y += noise * np.float32(10 ** ((sound["level"] + sound["hiss"] + 14) / 20))
    fade = min(220, n_out // 2)
    y[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
    y[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return y * np.float32(min(1.0, 0.98 / np.abs(y).max()))


def write_audio(path: Path, y: np.ndarray, *, sr: int = SR) -> None:
    """Write mono 16-bit FLAC in one step: the file is whole or not there."""
    with replacing(path) as temporary:
        sf.write(temporary, y, sr, format="FLAC", subtype="PCM_16")
