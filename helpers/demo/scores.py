"""Compose the scores of the rendered demo datasets by rule.

Nothing here touches files or audio: a score is lists of notes with everything known about them
(tempo, key, chords, instruments). All chance comes from the Generator that is passed in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

from helpers.demo.styles import (
    ADJECTIVES,
    BAND_STYLES,
    BORROWED,
    COMPOSERS,
    DRUMS,
    EARLY,
    FILLS,
    GENRES,
    HARTE,
    LATE,
    MAJOR,
    MINOR,
    NEUTRAL,
    NOUNS,
    PITCHES,
    QUALITIES,
    THINGS,
    TITLES,
    tag_of,
)

LOWEST, HIGHEST = 28, 96
LOW_BASS = 36  # the lowest root: what plays it on small speakers is heard as its own note
ROLES = ("drums", "bass", "comp", "color", "pad", "lead")
# How likely a part plays in a section.
_PLAYS = {
    "intro": {"drums": 0.6, "bass": 0.6, "comp": 1.0, "color": 0.5, "pad": 0.5, "lead": 0.1},
    "verse": {"drums": 1.0, "bass": 1.0, "comp": 1.0, "color": 0.3, "pad": 0.3, "lead": 0.85},
    "chorus": {"drums": 1.0, "bass": 1.0, "comp": 1.0, "color": 0.9, "pad": 0.8, "lead": 0.8},
}
_LOUDNESS = {"intro": 0.86, "verse": 0.94, "chorus": 1.04}
_VELOCITY = {"o": 52, "x": 88, "X": 112}
_CENTRE = {"comp": 60, "color": 67, "pad": 62, "lead": 74}


@dataclass(frozen=True)
class Part:
    """One instrument: notes are rows (start, duration, pitch, velocity), times in seconds."""

    role: str
    program: int
    level: float
    notes: np.ndarray

    @property
    def tag(self) -> str:
        """Return the instrument tag."""
        return "drums" if self.role == "drums" else tag_of(self.program)


@dataclass(frozen=True)
class Score:
    """Parts that sound together, and the truth about them."""

    parts: list[Part]
    tempo: float
    key: str
    chords: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def drums(self) -> bool:
        """Say whether there is a drum part."""
        return any(part.role == "drums" for part in self.parts)


@dataclass(frozen=True)
class Artist:
    """An invented artist: what its tracks share."""

    name: str
    albums: tuple[str, ...]
    genre: str
    style: int
    programs: dict[str, int]
    keys: tuple[tuple[int, str], ...]
    pace: float
    patterns: dict[str, float]
    levels: dict[str, float]


@dataclass(frozen=True)
class _Bar:
    start: float
    section: str
    chords: tuple[tuple[float, int, str], ...]
    first: bool
    fill: bool
    following: int

    def chord(self, beat: float) -> tuple[int, str]:
        """Return (root, quality) at a beat of the bar."""
        return next((r, q) for at, r, q in reversed(self.chords) if at <= beat + 1e-6)


def pick(rng: np.random.Generator, items):
    """Return one of the items."""
    return items[int(rng.integers(len(items)))]


@cache
def parse_chord(name: str) -> tuple[int, str]:
    """Split a chord name into its root, in semitones above C, and its quality."""
    size = 2 if name[1:2] in ("b", "#") else 1
    root = "C D EF G A B".index(name[0]) + {"b": -1, "#": 1}.get(name[1:size], 0)
    return root % 12, name[size:]


def make_artist(rng: np.random.Generator, genre: str, name: str = "Nobody") -> Artist:
    """Draw an artist of a genre."""
    table = GENRES[genre]
    modes = ["minor" if rng.random() < table["minor"] else "major" for _ in range(3)]
    return Artist(
        name=name,
        albums=tuple(make_title(rng) for _ in range(int(rng.integers(1, 3)))),
        genre=genre,
        style=int(rng.integers(len(table["styles"]))),
        programs={r: pick(rng, p) for r, p in table["programs"].items() if p},
        keys=tuple((int(rng.integers(12)), mode) for mode in modes),
        pace=float(rng.random()),
        patterns={role: float(rng.random()) for role in ROLES},
        levels={role: float(rng.normal(0, 2.0)) for role in ROLES},
    )


def band_name(seed: int, number: int) -> str:
    """Return the name of the invented band with a number; no two of a seed are the same."""
    rounds, k = divmod(number, len(ADJECTIVES) * len(NOUNS))
    k = int(np.random.default_rng(seed).permutation(len(ADJECTIVES) * len(NOUNS))[k])
    adjective, noun = divmod(k, len(NOUNS))
    return f"The {ADJECTIVES[adjective]} {NOUNS[noun]}" + (f" {rounds + 1}" if rounds else "")


def make_title(rng: np.random.Generator) -> str:
    """Invent a title."""
    first, second = pick(rng, THINGS), pick(rng, THINGS)
    return pick(rng, TITLES).format(a=pick(rng, ADJECTIVES), n=first, m=second)


def make_titles(rng: np.random.Generator, n: int) -> list[str]:
    """Invent `n` titles, no two the same."""
    titles: dict[str, None] = {}
    while len(titles) < n:
        titles[make_title(rng)] = None
    return list(titles)


def compose_song(
    rng: np.random.Generator, artist: Artist, *, seconds: float, fusion: str = ""
) -> Score:
    """Compose a song of an artist's genre."""
    table = GENRES[artist.genre]
    own = artist.style if rng.random() < 0.8 else int(rng.integers(len(table["styles"])))
    style, programs = dict(table["styles"][own]), dict(artist.programs)
    levels = {r: v + artist.levels[r] for r, v in table["levels"].items()}
    tonic, mode = artist.keys[int(rng.choice(len(artist.keys), p=[0.5, 0.3, 0.2]))]
    harmony = table
    if fusion:
        style, programs, harmony = _blend(rng, style, programs, table, fusion, levels)
    low, high = style["tempo"]
    pace = np.clip(artist.pace + rng.normal(0, 0.15), 0, 1)
    return arrange(
        rng, style, programs, levels, tempo=round(float(low + pace * (high - low)), 2),
        tonic=tonic, mode=mode, scale=harmony["scales"][mode], seconds=seconds,
        progressions=harmony["major" if mode == "major" else "minor_chords"],
        taste=artist.patterns,
    )  # fmt: skip


def _blend(rng, style, programs, table, fusion, levels):
    """Lend rhythm or instruments of the second genre, and now and then its harmony."""
    other = GENRES[fusion]
    if rng.random() < 0.5:
        style = dict(pick(rng, other["styles"]))
    else:
        programs |= {r: pick(rng, other["programs"][r]) for r in ("kit", "comp", "lead")}
    levels |= {r: v for r, v in other["levels"].items() if r not in levels}
    return style, programs, other if rng.random() < 0.4 else table


def arrange(
    rng: np.random.Generator, style: dict, programs: dict, levels: dict, *, tempo: float,
    tonic: int, mode: str, scale: tuple, progressions: list, seconds: float, taste: dict,
) -> Score:  # fmt: skip
    """Write out a song form with every part of a band."""
    beat = 60 / tempo
    n_bars = int(np.ceil(seconds / (beat * style["meter"]))) + 1
    bars = _form(rng, n_bars, style["meter"], progressions, tonic)
    plays = _who_plays(rng, bars)
    swing = float(rng.uniform(*style["swing"])), style.get("swing16", 0.5)
    band = _Band(rng, style, swing, taste, scale, tonic)
    parts = []
    for role in ROLES:
        program = programs.get("kit" if role == "drums" else role)
        if role not in levels or program is None or not style[role]:
            continue
        played = [bar for bar in bars if plays[bar.section, role]]
        notes = band.write(role, played, program)
        if notes:
            parts.append(Part(role, program, levels[role], _humanize(rng, notes, beat)))
    return Score(parts, tempo, f"{PITCHES[tonic]} {mode}", _chord_times(bars, style, beat))


def _form(rng, n_bars, meter, progressions, tonic) -> list[_Bar]:
    """Lay out intro, verses and choruses until there are enough bars."""
    verse, chorus = pick(rng, progressions).split(), pick(rng, progressions).split()
    intro = int(rng.integers(0, 3))
    plan = [("intro", verse[:intro])]
    while sum(len(chords) for _, chords in plan) < n_bars:
        plan += [("verse", verse), ("chorus", chorus)]
    names = [(s, c, i == 0, i == len(cs) - 1) for s, cs in plan for i, c in enumerate(cs)]
    names = names[: max(n_bars, 1)]
    bars = []
    for k, (section, chord, first, last) in enumerate(names):
        pieces = chord.split("+")
        following = parse_chord(names[(k + 1) % len(names)][1].split("+")[0])[0]
        chords = [parse_chord(piece) for piece in pieces]
        timed = tuple((i * meter / len(pieces), (r + tonic) % 12, q)
                      for i, (r, q) in enumerate(chords))  # fmt: skip
        fill = last and section != "intro" and rng.random() < 0.8
        bars.append(_Bar(k * meter, section, timed, first, fill, (following + tonic) % 12))
    return bars


def _who_plays(rng, bars) -> dict:
    plays = {(s, r): bool(rng.random() < p) for s, row in _PLAYS.items() for r, p in row.items()}
    loud = {bar.section for bar in bars} - {"intro"}
    if not any(plays[section, "lead"] for section in loud):
        plays["verse", "lead"] = True
    return plays


def _chord_times(bars, style, beat) -> list[tuple[float, float, str]]:
    rows = [[(bar.start + at) * beat, PITCHES[root] + HARTE[quality]]
            for bar in bars for at, root, quality in bar.chords]  # fmt: skip
    rows = [row for k, row in enumerate(rows) if k == 0 or row[1] != rows[k - 1][1]]
    end = (bars[-1].start + style["meter"]) * beat
    ends = [row[0] for row in rows[1:]] + [end]
    return [(start, stop, label) for (start, label), stop in zip(rows, ends, strict=True)]


def _humanize(rng, notes, beat, *, spread: float = 0.006) -> np.ndarray:
    """Turn notes in beats into seconds, with small errors of time and force."""
    rows = np.array(notes, dtype=float)
    rows[:, 0] = np.maximum(rows[:, 0] * beat + rng.normal(0, spread, len(rows)), 0) + 0.01
    rows[:, 1] = np.maximum(rows[:, 1] * beat, 0.04)
    rows[:, 2] = fold(rows[:, 2])
    rows[:, 3] = np.clip(np.round(rows[:, 3] + rng.normal(0, 4, len(rows))), 12, 127)
    return rows[np.lexsort((rows[:, 2], rows[:, 0]))]


def fold(pitch: np.ndarray) -> np.ndarray:
    """Move pitches by octaves into the range that the soundfont plays well."""
    pitch = np.asarray(pitch)
    low = np.where(pitch < LOWEST, pitch + 12 * np.ceil((LOWEST - pitch) / 12), pitch)
    return np.where(low > HIGHEST, low - 12 * np.ceil((low - HIGHEST) / 12), low).astype(int)


def voicing(root: int, quality: str, before: list[int], centre: int) -> list[int]:
    """Return the voicing of a chord that is nearest to the one before it."""
    intervals = QUALITIES[quality]
    if len(intervals) == 2:  # a power chord stays low and whole
        low = 40 + (root - 40) % 12
        return [low, low + 7, low + 12]
    classes = [(root + i) % 12 for i in (intervals if len(intervals) < 5 else
                                         intervals[:2] + intervals[3:])]  # fmt: skip
    best, cost = [], np.inf
    for k in range(len(classes)):
        for low in range(centre - 10, centre + 3):
            if low % 12 != classes[k]:
                continue
            pitches = [low]
            for pc in sorted((c - classes[k]) % 12 for c in classes)[1:]:
                pitches.append(low + pc)
            move = sum(min(abs(p - q) for q in before) for p in pitches) if before else 0
            total = move + 0.5 * abs(np.mean(pitches) - centre)
            if total < cost:
                best, cost = pitches, total
    return best


def _sounding(pattern: str):
    """Yield (step, steps held, character) of each note in one bar of a pattern."""
    for k, char in enumerate(pattern):
        if char not in ".-":
            held = len(pattern[k + 1 :]) - len(pattern[k + 1 :].lstrip("-"))
            yield k, held + 1, char


class _Band:
    """Writes the parts of one song; it remembers swing, taste, scale and key."""

    def __init__(self, rng, style, swing, taste, scale, tonic):
        self.rng, self.style, self.swing, self.taste = rng, style, swing, taste
        self.scale, self.tonic = scale, tonic

    def write(self, role: str, bars: list[_Bar], program: int) -> list[tuple]:
        """Return the notes of a part as (beat, beats held, pitch, velocity)."""
        if role == "drums":
            return self._drums(bars)
        if role == "bass":
            return self._bass(bars)
        if role == "lead":
            return self._lead(bars)
        return self._chords(role, bars, strum=24 <= program <= 31 or program == 105)

    def _pattern(self, role: str, section: str) -> str:
        """Return the pattern that a part plays in a section: the favourite in the verse."""
        choice = self.style[role]
        k = int(self.taste[role] * len(choice)) + (section == "chorus") * (self.taste[role] < 0.5)
        return choice[k % len(choice)]

    def _steps(self, pattern: str, bar: _Bar):
        """Yield (beat, beats held, character) of one bar, swung."""
        pieces = pattern.split("|")
        piece = pieces[int(bar.start / self.style["meter"]) % len(pieces)]
        unit = self.style["meter"] / len(piece)
        for k, held, char in _sounding(piece):
            start, stop = self._swung(k * unit, unit), self._swung((k + held) * unit, unit)
            yield bar.start + start, stop - start, char

    def _swung(self, beat: float, unit: float) -> float:
        if abs(unit - 1 / 3) < 1e-6:  # triplets are swung already
            return beat
        for size, ratio in ((1.0, self.swing[0]), (0.5, self.swing[1])):
            whole, part = divmod(beat, size)
            part /= size
            late = part * 2 * ratio if part < 0.5 else ratio + (part - 0.5) * 2 * (1 - ratio)
            beat = (whole + late) * size
        return beat

    def _drums(self, bars) -> list[tuple]:
        notes, after_fill = [], True
        for bar in bars:
            groove = self._pattern("drums", bar.section).split(";")
            fill = pick(self.rng, FILLS).split(";") if bar.fill else []
            half = bar.start + self.style["meter"] / 2
            for line in groove:
                notes += self._hits(line, bar, lambda b, f=fill, h=half: not f or b < h)
            for line in fill:
                notes += self._hits(line, bar, lambda b, h=half: b >= h)
            if after_fill and bar.first and bar.section == "chorus":
                notes.append((bar.start, 2.0, DRUMS["X"], 100))
            after_fill = bool(fill) or bar.section == "intro"
        return notes

    def _hits(self, line: str, bar: _Bar, wanted) -> list[tuple]:
        drum, pattern = line.split(":")
        held = 0.5 if drum == "O" else 1.5
        loud = _LOUDNESS[bar.section] * (0.75 if drum in "HDAM" else 1.0)
        return [(beat, held, DRUMS[drum], _VELOCITY[char] * loud)
                for beat, _, char in self._steps(pattern, bar) if wanted(beat)]  # fmt: skip

    def _bass(self, bars) -> list[tuple]:
        notes = []
        for bar in bars:
            pattern = self._pattern("bass", bar.section)
            for beat, held, char in self._steps(pattern, bar):
                root, quality = bar.chord(beat - bar.start)
                low = LOW_BASS + (root - LOW_BASS) % 12
                if char == "a":
                    near = LOW_BASS + (bar.following - LOW_BASS) % 12
                    pitch = near + (-1 if self.rng.random() < 0.5 else 2)
                else:
                    third = 3 if 3 in QUALITIES[quality] else 4
                    steps = {"r": 0, "f": 7, "o": 12, "t": third, "s": 9, "v": 10}
                    pitch = low + steps[char]
                    # The sixth of a minor chord would sound outside of the key.
                    pitch -= 2 * (char == "s" and third == 3)
                notes.append((beat, held * 0.92, pitch, 96 * _LOUDNESS[bar.section]))
        return notes

    def _chords(self, role: str, bars, *, strum: bool) -> list[tuple]:
        notes, before = [], []
        for bar in bars:
            pattern = self._pattern(role, bar.section)
            for k, (beat, held, char) in enumerate(self._steps(pattern, bar)):
                root, quality = bar.chord(beat - bar.start)
                pitches = before = voicing(root, quality, before, _CENTRE[role])
                if char.isdigit():
                    octave, index = divmod(int(char), len(pitches))
                    pitches = [pitches[index] + 12 * octave]
                force = _VELOCITY.get(char, 84) * _LOUDNESS[bar.section]
                order = pitches if k % 2 == 0 else pitches[::-1]
                delay = 0.025 if strum else 0.0
                notes += [(beat + i * delay, held * 0.95, p, force) for i, p in enumerate(order)]
        return notes

    def _lead(self, bars) -> list[tuple]:
        ladder = [p for p in range(58, 89) if (p - self.tonic) % 12 in self.scale]
        motifs = {s: self.rng.choice([-2, -1, -1, 0, 1, 1, 2], 64) for s in _PLAYS}
        notes, k, at = [], 0, len(ladder) // 2
        for i, bar in enumerate(bars):
            if bar.start % (2 * self.style["meter"]) == 0:
                k = 0
            for beat, held, char in self._steps(self._pattern("lead", bar.section), bar):
                at = int(np.clip(at + motifs[bar.section][k], 2, len(ladder) - 3))
                k += 1
                if (beat - bar.start) % 2 < 0.01 or held >= 1:
                    at = self._resolve(ladder, at, bar, beat)
                end = held >= 1.5 and (bar.fill or i == len(bars) - 1)
                if end:
                    at = min(range(len(ladder)), key=lambda j: (
                        (ladder[j] - self.tonic) % 12 != 0, abs(j - at)))  # fmt: skip
                force = (_VELOCITY[char] + 8) * _LOUDNESS[bar.section]
                notes.append((beat, held * 0.93, ladder[at], force))
        return notes

    def _resolve(self, ladder, at, bar, beat) -> int:
        """Move to the nearest chord tone, rather to the key note or its minor third."""
        root, quality = bar.chord(beat - bar.start)
        tones = {(root + i) % 12 for i in QUALITIES[quality]}
        middle = len(ladder) / 2
        return min(range(len(ladder)), key=lambda j: (
            ladder[j] % 12 not in tones, abs(j - at) + 0.1 * abs(j - middle)
            - 1.5 * ((ladder[j] - self.tonic) % 12 in (0, 3))))  # fmt: skip


def scale_of(mode: str) -> tuple[int, ...]:
    """Return the seven-note scale of a mode, in semitones above the key note."""
    return MAJOR if mode == "major" else MINOR


# ---- the other demo datasets ---------------------------------------------------------------


def window(score: Score, start: float, seconds: float) -> Score:
    """Return what begins within a window of a score, moved to time zero."""
    parts = []
    for part in score.parts:
        at = part.notes[:, 0] - start
        notes = part.notes[(at >= -0.03) & (at < seconds)]
        if len(notes):
            moved = np.column_stack([np.maximum(notes[:, 0] - start, 0), notes[:, 1:]])
            parts.append(replace(part, notes=moved))
    chords = [(max(a - start, 0.0), min(b - start, seconds), label)
              for a, b, label in score.chords if b > start and a < start + seconds]  # fmt: skip
    return replace(score, parts=parts, chords=chords)


def coverage(part: Part, start: float, seconds: float) -> float:
    """Return the share of a window in which a part has notes begun in it (chords count once)."""
    first, last = part.notes[:, 0], part.notes[:, 0] + part.notes[:, 1]
    inside = (first >= start - 0.03) & (first < start + seconds)
    grid = np.linspace(start, start + seconds, 60, endpoint=False)[:, None]
    return float(((grid >= first[inside]) & (grid < last[inside])).any(axis=1).mean())


def compose_for(rng: np.random.Generator, genre: str, roles: dict[str, int], *, seconds: float,
                backing: float) -> Score:  # fmt: skip
    """Compose a song in which chosen instruments stand in front."""
    artist = make_artist(rng, genre)
    table = GENRES[genre]
    others = {"comp": pick(rng, NEUTRAL), "bass": pick(rng, (32, 33, 35)),
              "kit": artist.programs["kit"]}  # fmt: skip
    behind = {"drums": backing, "bass": backing, "comp": backing} if backing > -60 else {}
    style = table["styles"][artist.style]
    low, high = style["tempo"]
    tonic, mode = artist.keys[0]
    return arrange(
        rng, style, {**others, **roles}, {**behind, **dict.fromkeys(roles, 0.0)},
        tempo=round(float(rng.uniform(low, high)), 2), tonic=tonic, mode=mode,
        scale=table["scales"][mode], seconds=seconds, taste=artist.patterns,
        progressions=table["major" if mode == "major" else "minor_chords"],
    )  # fmt: skip


def compose_piano(rng: np.random.Generator, composer: str, *, seconds: float) -> Score:
    """Compose a piano piece in the way of an invented composer."""
    table = COMPOSERS[composer]
    mode = pick(rng, table["modes"])
    score = arrange(
        rng, table["style"], dict.fromkeys(table["levels"], 0), table["levels"],
        tempo=round(float(rng.uniform(*table["style"]["tempo"])), 2),
        tonic=int(rng.integers(12)), mode=mode, scale=table["scales"][mode],
        progressions=table[mode], seconds=seconds + 4,
        taste={role: float(rng.random()) for role in ROLES},
    )  # fmt: skip
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        notes[:, 2] = fold(notes[:, 2] + table["shift"].get(part.role, 0))
        parts.append(replace(part, notes=notes))
    return replace(score, parts=parts)


def interpret(rng: np.random.Generator, score: Score, habits: dict) -> Score:
    """Perform a piano score: another tempo, rubato, dynamics, touch and pedal."""
    pace = habits["pace"] * float(np.exp(rng.normal(0, 0.04)))
    grid = np.arange(0, 600, 0.05)
    waves = sum(np.sin(2 * np.pi * (grid / period + rng.random()))
                for period in rng.uniform(4, 18, 3))  # fmt: skip
    clock = np.cumsum(0.05 / (pace * (1 + habits["rubato"] * waves / 2)))
    swell = 1 + 0.12 * np.sin(2 * np.pi * (grid / rng.uniform(7, 14) + rng.random()))
    rows = []
    for part in score.parts:
        notes = part.notes.copy()
        start, end = notes[:, 0], notes[:, 0] + notes[:, 1]
        force = habits["force"] * np.interp(start, grid, swell) * notes[:, 3]
        force += habits["melody"] * (part.role == "lead")
        notes[:, 3] = force + rng.normal(0, 3, len(notes))
        notes[:, 0] = np.interp(start, grid, clock) - clock[0] + rng.uniform(0, 0.012, len(notes))
        notes[:, 1] = (np.interp(end, grid, clock) - clock[0] - notes[:, 0]) * habits["pedal"]
        rows.append(notes)
    notes = np.concatenate(rows)
    notes[:, 1] = np.maximum(notes[:, 1], 0.05)
    notes[:, 3] = np.clip(np.round(notes[:, 3]), 15, 127)
    notes = notes[np.lexsort((notes[:, 2], notes[:, 0]))]
    return replace(score, parts=[Part("lead", 0, 0.0, notes)], tempo=round(score.tempo * pace, 2),
                   chords=[])  # fmt: skip


def compose_drifting(rng: np.random.Generator, drift: float, *, seconds: float) -> Score:
    """Compose a song of the invented band."""
    programs = {role: pick(rng, (LATE if rng.random() < drift else EARLY)[role]) for role in EARLY}
    programs |= {"bass": pick(rng, (33, 34)), "kit": pick(rng, (0, 8))}
    mode = "minor" if rng.random() < 0.2 + 0.3 * drift else "major"
    pop = GENRES["pop"]["major" if mode == "major" else "minor_chords"]
    progressions = [_borrow(rng, p.split(), 0.45 * drift) for p in pop]
    levels = {"drums": -2 - 3 * drift, "bass": -3, "comp": -3, "color": -8, "lead": -2,
              "pad": -14 + 8 * drift}  # fmt: skip
    return arrange(
        rng, BAND_STYLES[int(rng.random() < drift)], programs, levels,
        tempo=round(float(rng.normal(142 - 44 * drift, 8)), 2), tonic=int(rng.integers(12)),
        mode=mode, scale=GENRES["pop"]["scales"][mode], progressions=progressions,
        seconds=seconds, taste={role: float(rng.random()) for role in ROLES},
    )  # fmt: skip


def _borrow(rng, chords: list[str], share: float) -> str:
    """Put chords from outside of the key in the place of others; the first and last stay."""
    inner = [pick(rng, BORROWED) if rng.random() < share else c for c in chords[1:-1]]
    return " ".join([chords[0], *inner, chords[-1]])


def outside_share(score: Score, seconds: float) -> float:
    """Return the share of time in which the chord has notes outside of the key."""
    tonic, mode = score.key.split()
    scale = {(PITCHES.index(tonic) + step) % 12 for step in scale_of(mode)}
    outside = 0.0
    for start, end, label in score.chords:
        root, _, quality = label.partition(":")
        shorts = [s for s, harte in HARTE.items() if harte == (f":{quality}" if quality else "")]
        notes = {(PITCHES.index(root) + step) % 12 for step in QUALITIES[shorts[0]]}
        outside += max(min(end, seconds) - start, 0.0) * bool(notes - scale)
    return outside / seconds
