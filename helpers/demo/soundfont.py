"""Play notes with a SoundFont 2 file: a small sampler in numpy.

The soundfont is the one that pretty_midi ships (``TimGM6mb.sf2``, General MIDI, sampled
instruments). The sampler knows what a mono mix needs: key and velocity zones, tuning, loops,
volume envelopes and a fixed low-pass filter. It draws nothing at random, so the same notes give
the same samples.

Source: SoundFont Technical Specification 2.04, sections 7 (file) and 8 (generators).
"""

from __future__ import annotations

import importlib.util
import struct
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

SR = 44100
_CACHE_BYTES = 200_000_000
# Generators by their number in section 8.1.2 of the specification.
_FC, _MOD_ENV_TO_FC = 8, 11
_ATTACK, _HOLD, _DECAY, _SUSTAIN, _RELEASE, _KEY_TO_DECAY = 34, 35, 36, 37, 38, 40
_INSTRUMENT, _KEYS, _VELOCITIES, _ATTENUATION = 41, 43, 44, 48
_COARSE, _FINE, _SAMPLE, _MODE, _SCALE, _ROOT = 51, 52, 53, 54, 56, 58
_ADDRESSES = (0, 1, 2, 3, 4, 12, 45, 50)
_DEFAULTS = {_FC: 13500, _ATTACK: -12000, _HOLD: -12000, _DECAY: -12000, _RELEASE: -12000,
             _SCALE: 100, _ROOT: -1}  # fmt: skip
_UNSIGNED = {_INSTRUMENT, _SAMPLE}


def default_soundfont() -> Path:
    """Return the path of the soundfont that pretty_midi ships."""
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec else Path("TimGM6mb.sf2")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no soundfont; run `pip install pretty_midi`")
    return path


@dataclass(frozen=True, eq=False)
class _Zone:
    """One sample with the keys and velocities that it answers to."""

    keys: tuple[int, int]
    velocities: tuple[int, int]
    generators: dict
    sample: int

    def takes(self, key: int, velocity: int) -> bool:
        """Say whether a note falls into this zone."""
        low, high = self.keys
        soft, loud = self.velocities
        return low <= key <= high and soft <= velocity <= loud

    def seconds(self, generator: int) -> float:
        """Return a time generator in seconds (it is stored in timecents)."""
        return 2.0 ** (self.generators[generator] / 1200)


class SoundFont:
    """A SoundFont 2 file, ready to play."""

    def __init__(self, path: str | Path | None = None):
        self.path = Path(path) if path else default_soundfont()
        data = self.path.read_bytes()
        if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
            raise ValueError(f"{self.path}: not a SoundFont 2 file; give the path of an .sf2")
        chunks = _chunks(data)
        self._pcm = np.frombuffer(chunks["smpl"], "<i2")
        self._headers = list(struct.iter_unpack("<20s5IBbHH", chunks["shdr"]))
        self._presets = _presets(chunks)
        self._answers: dict[tuple, list[_Zone]] = {}
        self._fades: dict[int, np.ndarray] = {}
        self._samples: dict[int, tuple[np.ndarray, int]] = {}
        self._waves: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self._bytes = 0

    def play(self, notes, program: int = 0, *, seconds: float, drums: bool = False) -> np.ndarray:
        """Play notes with one instrument."""
        out = np.zeros(round(seconds * SR), dtype=np.float32)
        for start, duration, pitch, velocity in notes:
            first, held = round(start * SR), max(1, int(duration * SR))
            if 0 <= first < len(out) and velocity > 0:
                for zone in self._zones(program, drums, int(pitch), int(velocity)):
                    self._add(out[first:], zone, int(pitch), held, (velocity / 127) ** 1.7)
        return out

    def _zones(self, program: int, drums: bool, key: int, velocity: int) -> list[_Zone]:
        name = (program, drums, key, velocity)
        if name not in self._answers:
            bank = 128 if drums else 0
            zones = self._presets.get((bank, program)) or self._presets[bank, 0]
            self._answers[name] = [zone for zone in zones if zone.takes(key, velocity)]
        return self._answers[name]

    def _add(self, out: np.ndarray, zone: _Zone, key: int, held: int, gain: float) -> None:
        # 100 dB in the release time of the zone; inaudible after the first 60 of them.
        release = int(min(max(0.6 * zone.seconds(_RELEASE), 0.02), 1.0) * SR)
        wave = self._wave(zone, key, min(held + release, len(out)))
        n = min(len(wave), held + release, len(out))
        out[: min(n, held)] += np.float32(gain) * wave[: min(n, held)]
        if n > held:
            fade = self._fades.get(release)
            if fade is None:
                fade = np.exp(np.linspace(0, -6.9, release, dtype=np.float32))
                self._fades[release] = fade
            out[held:n] += np.float32(gain) * (fade[: n - held] * wave[held:n])

    def _wave(self, zone: _Zone, key: int, n: int) -> np.ndarray:
        """Return at least `n` samples of a held key, or all that a one-shot sample has."""
        name = (id(zone), key)
        wave, ended = self._waves.get(name, (np.zeros(0, np.float32), False))
        if len(wave) < n and not ended:
            self._bytes -= wave.nbytes
            wave, ended = self._synthesize(zone, key, -(-n // 4096) * 4096)
            self._bytes += wave.nbytes
            self._waves[name] = wave, ended
        self._waves.move_to_end(name)
        while self._bytes > _CACHE_BYTES and len(self._waves) > 1:
            self._bytes -= self._waves.popitem(last=False)[1][0].nbytes
        return wave

    def _synthesize(self, zone: _Zone, key: int, n: int) -> tuple[np.ndarray, bool]:
        g = zone.generators
        samples, factor = self._sample(zone.sample)
        _, start, end, loop_start, loop_end, rate, root, cents, _, _ = self._headers[zone.sample]
        root = g[_ROOT] if g[_ROOT] >= 0 else root
        tune = (key - root) * g[_SCALE] + 100 * g[_COARSE] + g[_FINE] + cents
        step = 2.0 ** (tune / 1200) * rate * factor / SR
        last = (end - start + g[1] - g[0] + 32768 * (g[12] - g[4])) * factor - 2
        position = np.arange(n) * step + (g[0] + 32768 * g[4]) * factor
        loop = (loop_start - start + g[2] + 32768 * g[45]) * factor
        length = (loop_end - loop_start + g[3] - g[2] + 32768 * (g[50] - g[45])) * factor
        looped = g[_MODE] in (1, 3) and length > 0
        if looped:
            k = int(np.searchsorted(position, loop + length))
            turns = np.floor((position[k:] - loop) * (1 / length))
            position[k:] -= turns * length
        else:
            position = position[: int(np.searchsorted(position, last))]
        np.minimum(position, len(samples) - 2, out=position)
        index = position.astype(np.int32)
        fraction = (position - index).astype(np.float32)
        y = samples[index]
        y += (samples[index + 1] - y) * fraction
        return _filter(y, g) * _envelope(zone, key, len(y)), len(y) < n

    def _sample(self, number: int) -> tuple[np.ndarray, int]:
        """Return a sample at 88.2 kHz or more, where straight lines interpolate well."""
        if number not in self._samples:
            _, start, end, _, _, rate, *_ = self._headers[number]
            factor = 2 if rate > 32000 else 4
            pcm = self._pcm[start : end + 8].astype(np.float32) / 32768
            self._samples[number] = resample_poly(pcm, factor, 1).astype(np.float32), factor
        return self._samples[number]


def _filter(y: np.ndarray, g: dict) -> np.ndarray:
    # The filter envelope is replaced by its middle: half of its depth, all the time.
    cutoff = 8.176 * 2.0 ** ((g[_FC] + g[_MOD_ENV_TO_FC] / 2) / 1200)
    if cutoff > 11000 or not len(y):
        return y
    return sosfilt(butter(2, max(cutoff, 60.0), fs=SR, output="sos"), y).astype(np.float32)


def _envelope(zone: _Zone, key: int, n: int) -> np.ndarray:
    g = zone.generators
    t = np.arange(n, dtype=np.float32) / np.float32(SR)
    attack, hold = max(zone.seconds(_ATTACK), 0.002), zone.seconds(_HOLD)
    decay = max(zone.seconds(_DECAY) * 2.0 ** ((60 - key) * g[_KEY_TO_DECAY] / 1200), 1e-3)
    fall = np.clip((t - np.float32(attack + hold)) * np.float32(100 / decay), 0, g[_SUSTAIN] / 10)
    fall += np.float32(0.04 * g[_ATTENUATION])  # synthesizers take 0.4 of the written value
    level = np.exp(fall * np.float32(-np.log(10) / 20))
    rise = min(n, int(attack * SR))
    level[:rise] *= t[:rise] / np.float32(attack)
    return level


def _chunks(data: bytes) -> dict[str, memoryview]:
    """Return the data of every chunk of the file, by name, without copying."""
    chunks, view = {}, memoryview(data)
    stack = [(12, len(data))]
    while stack:
        at, end = stack.pop()
        while at + 8 <= end:
            name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
            if name == b"LIST":
                stack.append((at + 12, at + 8 + size))
            else:
                chunks[name.decode("latin1")] = view[at + 8 : at + 8 + size]
            at += 8 + size + size % 2
    return chunks


def _bags(chunks: dict, kind: str) -> list[dict]:
    """Return the generators of all zones: of the presets ("p") or of the instruments ("i")."""
    bags = [bag[0] for bag in struct.iter_unpack("<HH", chunks[kind + "bag"])]
    generators = list(struct.iter_unpack("<Hh", chunks[kind + "gen"]))
    zones = [dict(generators[a:b]) for a, b in zip(bags, bags[1:], strict=False)]
    return [{k: v & 0xFFFF if k in _UNSIGNED else v for k, v in z.items()} for z in zones]


def _with_global(zones: list[dict], target: int) -> list[dict]:
    """Merge a leading zone without target, which holds the defaults, into the others."""
    common = zones[0] if zones and target not in zones[0] else {}
    return [{**common, **zone} for zone in zones if target in zone]


def _range(generators: dict, kind: int) -> tuple[int, int]:
    value = generators.get(kind, 127 << 8) & 0xFFFF
    return value & 0xFF, value >> 8


def _presets(chunks: dict) -> dict[tuple[int, int], list[_Zone]]:
    """Return the zones of each (bank, program), preset and instrument level merged."""
    bags = [row[1] for row in struct.iter_unpack("<20sH", chunks["inst"])]
    zones = _bags(chunks, "i")
    instruments = [
        _with_global(zones[a:b], _SAMPLE) for a, b in zip(bags, bags[1:], strict=False)
    ]
    zones = _bags(chunks, "p")
    headers = [row[1:4] for row in struct.iter_unpack("<20sHHHIII", chunks["phdr"])]
    return {
        (bank, program): [
            _merge(outer, inner)
            for outer in _with_global(zones[first:last], _INSTRUMENT)
            for inner in instruments[outer[_INSTRUMENT]]
        ]
        for (program, bank, first), (_, _, last) in zip(headers, headers[1:], strict=False)
    }


def _merge(outer: dict, inner: dict) -> _Zone:
    """Make a zone: the preset's ranges narrow, its other values add to the instrument's."""
    ranges = []
    for kind in (_KEYS, _VELOCITIES):
        pairs = _range(outer, kind), _range(inner, kind)
        ranges.append((max(p[0] for p in pairs), min(p[1] for p in pairs)))
    wanted = (*_ADDRESSES, _FC, _MOD_ENV_TO_FC, _ATTACK, _HOLD, _DECAY, _SUSTAIN, _RELEASE,
              _KEY_TO_DECAY, _ATTENUATION, _COARSE, _FINE, _MODE, _SCALE, _ROOT)  # fmt: skip
    values = {k: inner.get(k, _DEFAULTS.get(k, 0)) for k in wanted}
    for kind in set(values) - {*_ADDRESSES, _MODE, _ROOT}:
        values[kind] += outer.get(kind, 0)
    return _Zone(ranges[0], ranges[1], values, inner[_SAMPLE])
