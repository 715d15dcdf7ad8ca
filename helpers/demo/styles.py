"""Tables for the rendered demo datasets: genres, instruments, chords, names.

Patterns are strings, one character a step, one bar between two ``|``; a bar holds as many equal
steps as its string has characters. ``.`` is silence, ``-`` holds the note before.

- drums: ``K:x...x...;S:....X...``: drum letter (see `DRUMS`), then ``o`` soft, ``x``, ``X`` loud
- bass: r root, f fifth, o octave, t third, s sixth, v seventh, a a step below the next root
- chords: ``x`` the chord, ``X`` loud, a digit one note of it from below (an arpeggio)
- lead: ``x`` and ``X`` any melody note

Progressions are written in C, one chord a bar; ``Dm7+G7`` are two chords in one bar.
"""

from __future__ import annotations

DRUMS = {"K": 36, "R": 37, "S": 38, "C": 39, "H": 42, "P": 44, "O": 46, "L": 45, "T": 48, "X": 49,
         "D": 51, "A": 54, "W": 56, "G": 62, "U": 64, "M": 70}  # fmt: skip

QUALITIES = {
    "": (0, 4, 7), "m": (0, 3, 7), "5": (0, 7), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10), "6": (0, 4, 7, 9), "m6": (0, 3, 7, 9), "9": (0, 4, 7, 10, 14),
    "add9": (0, 4, 7, 14), "m9": (0, 3, 7, 10, 14), "sus4": (0, 5, 7), "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10), "aug": (0, 4, 8),
}  # fmt: skip
# The same chords as the public chord annotations write them (Harte et al. 2005).
HARTE = {
    "": "", "m": ":min", "5": ":(1,5)", "7": ":7", "maj7": ":maj7", "m7": ":min7", "6": ":maj6",
    "m6": ":min6", "9": ":9", "add9": ":maj(9)", "m9": ":min9", "sus4": ":sus4", "dim": ":dim",
    "m7b5": ":hdim7", "aug": ":aug",
}  # fmt: skip
PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

# First program of each family, in General MIDI order.
_FAMILIES = (
    (0, "piano"), (4, "electric piano"), (6, "harpsichord"), (7, "electric piano"),
    (8, "mallets"), (16, "organ"), (21, "accordion"), (22, "harmonica"), (23, "accordion"),
    (24, "acoustic guitar"), (26, "electric guitar"), (32, "bass"), (40, "strings"),
    (46, "harp"), (47, "drums"), (48, "strings"), (52, "choir"), (55, "brass"), (64, "sax"),
    (68, "reeds"), (72, "flute"), (80, "synth"), (104, "sitar"), (105, "banjo"),
    (106, "sitar"), (110, "strings"), (111, "reeds"), (112, "drums"),
)  # fmt: skip


def tag_of(program: int) -> str:
    """Return the instrument tag of a General MIDI program."""
    return [name for first, name in _FAMILIES if first <= program][-1]


MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
PENTA, MINOR_PENTA = (0, 2, 4, 7, 9), (0, 3, 5, 7, 10)
BLUES, MAJOR_BLUES = (0, 3, 5, 6, 7, 10), (0, 2, 3, 4, 7, 9)
HARMONIC, PHRYGIAN = (0, 2, 3, 5, 7, 8, 11), (0, 1, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)


def _style(tempo, drums, bass, comp, color, lead, **more) -> dict:
    """Return one groove family; the tempo is the range of beats a minute."""
    return {"tempo": tempo, "drums": drums, "bass": bass, "comp": comp, "color": color,
            "lead": lead, "pad": ["x---------------"], "meter": 4, "swing": (0.5, 0.5),
            **more}  # fmt: skip


_BACKBEAT = "K:X.......x.x.....;S:....X.......X...;H:x.x.x.x.x.x.x.x."

# Levels in dB against each other, after every part has been brought to the same loudness.
GENRES: dict[str, dict] = {
    "blues": {
        "minor": 0.3,
        "scales": {"major": MAJOR_BLUES, "minor": BLUES},
        "major": ["C C6 C C7 F7 F7 C C G7 F7 C C", "C F7 C C F7 F7 C C6 G7 F7 C G7",
                  "C C7 F7 F7 C G7 C C"],
        "minor_chords": ["Cm Cm7 Cm Cm7 Fm7 Fm7 Cm Cm Ab7 G7 Cm Cm",
                         "Cm Cm Fm7 Cm Cm Fm7 G7 Cm"],
        "styles": [
            _style((100, 138),
                   ["K:x.......x.......;S:....X.......X...;D:x.x.x.x.x.x.x.x.",
                    "K:x.......x..x....;S:....X.......X..o;H:X.x.X.x.X.x.X.x."],
                   ["r.r.t.t.f.f.s.s.", "r.r.f.f.s.s.f.f.", "r...t...f...s..."],
                   ["x.x.X.x.x.x.X.x.", "..x...x...x...x.", "x.....x.....x..."],
                   ["....x-......x-..", "x-----....x-----"],
                   ["x-x-x---..x-x---|x-------........", "..x-x-xxx-----..|..x-x---x-------",
                    "x---x-x-x-------|................"],
                   swing=(0.64, 0.68)),
            _style((70, 90),
                   ["K:X.....X..x..;S:...X.....X..;H:X..X..X..X..",
                    "K:X.....X.....;R:...X.....X..;D:X.oX.oX.oX.o"],
                   ["r--r.rf--s.f", "r--..rf--s.f"],
                   ["XooXooXooXoo", "x..X..x..X.."],
                   ["x-----x-----", "...x.....x.."],
                   ["x-xxxx------|..xxx-x-----", "...xxxx--xx-|x-----------"]),
        ],
        "programs": {"bass": [32, 33, 34], "comp": [26, 27, 0, 1, 29], "color": [16, 17, 18, 3],
                     "pad": [], "lead": [22, 27, 29, 66, 26], "kit": [0, 8, 32]},
        "levels": {"drums": -3, "bass": -2, "comp": -5, "color": -9, "lead": -1},
    },
    "classical": {
        "minor": 0.4,
        "scales": {"major": MAJOR, "minor": HARMONIC},
        "major": ["C G7 C G7 C F G7 C", "C F C G7 C Dm G7 C", "C Am Dm G7 C F C+G7 C",
                  "C C F C G G7 C C"],
        "minor_chords": ["Cm Fm Cm G7 Cm Fm G7 Cm", "Cm Ab Fm Cm Ab Fm G7 Cm",
                         "Cm Cm Fm Cm Dm7b5 G7 Cm Cm"],
        "styles": [
            _style((96, 138), [], ["r-------f-------", "r---....f---....", "r-------o-------"],
                   ["0.2.1.2.0.2.1.2.", "0.1.2.1.0.1.2.1.", "0-1-2-1-0-1-2-1-"],
                   ["x-------x-------", "x---------------"],
                   ["x---x-x-x---x---|x-x-x-x-x-------", "x-----x-x-x-x-x-|x-------x-------",
                    "xxxxx---x---x---|x-x-x---x-------"]),
            _style((100, 160), [], ["r-----------", "r---........"],
                   ["....x-..x-..", "0.1.2.1.2.1.", "0---1---2---"], ["x-----------"],
                   ["x---x-x-x---|x-------x---", "x-----x-x-x-|x-----------",
                    "x-x-x-x-x-x-|x---x---x---"], meter=3, pad=["x-----------"]),
            _style((60, 84), [], ["r-------r-------", "r---t---r---f---"],
                   ["x---x---x---x---", "0-1-2-3-2-1-2-1-", "x-------x-------"],
                   ["x---------------"],
                   ["x-------x---x---|x-----x-x-------", "x-----x-x-x-x---|x---------------"]),
        ],
        "programs": {"bass": [42, 43, 70, 42], "comp": [0, 6, 48, 46, 24, 45],
                     "color": [49, 48, 60, 71], "pad": [48, 49],
                     "lead": [40, 73, 68, 71, 40, 0, 6], "kit": [48]},
        "levels": {"bass": -5, "comp": -5, "color": -9, "pad": -11, "lead": -1},
    },
    "country": {
        "minor": 0.08,
        "scales": {"major": PENTA, "minor": MINOR_PENTA},
        "major": ["C C F C C F G7 C", "C F C G7 C F G7 C", "C G7 C C F C G7 C", "C Am F G7"],
        "minor_chords": ["Cm Ab Bb Cm Cm Fm G7 Cm"],
        "styles": [
            _style((96, 132),
                   ["K:x.......x.......;S:ooXoooXoooXoooXo",
                    "K:x...x...x...x...;S:..x...x...x...x.;H:x.x.x.x.x.x.x.x.",
                    "K:x.......x.......;R:....X.......X...;H:x.x.x.x.x.x.x.x."],
                   ["r---....f---....", "r-..r-..f-..f-..", "r---....f---..a."],
                   ["..x...x...x...x.", "0.x.2.x.0.x.2.x.", "x...x.x...x.x.x."],
                   ["0123210301232103", "2013201320132013", "....x---....x---"],
                   ["x---x-x-x-------|x-x-x---........", "..x-x-x-x---x---|x-------........",
                    "x-xxx-x-x-x-x-x-|x-------........"]),
            _style((88, 120),
                   ["K:x...........;S:....x...x...;H:x.x.x.x.x.x."],
                   ["r---........|f---........"], ["....x...x...", "0...x...x..."],
                   ["x-----------"], ["x-------x---|x-----------", "x---x---x---|x-------...."],
                   meter=3, pad=["x-----------"]),
            _style((104, 140),
                   [_BACKBEAT, "K:x.....x.x.......;S:....X.......X...;H:x.x.x.x.x.x.x.x."],
                   ["r---r-..f---f-..", "r-r-..r-f-f-..f-"],
                   ["x.xxx.xxx.xxx.xx", "x...x.x...x.x.x."], ["x-------x-------"],
                   ["x---x-x-x---x---|x-------........", "..x-x---x-x-x---|x-----------...."],
                   swing=(0.5, 0.56)),
        ],
        "programs": {"bass": [32, 33, 34], "comp": [25, 25, 24, 27], "color": [105, 0, 25, 3],
                     "pad": [], "lead": [110, 40, 27, 22, 25], "kit": [0, 40, 8]},
        "levels": {"drums": -5, "bass": -3, "comp": -2, "color": -6, "lead": -2},
    },
    "disco": {
        "minor": 0.6,
        "scales": {"major": PENTA, "minor": MINOR_PENTA},
        "major": ["C C Am7 F C C F+G C", "Cmaj7 Am7 Dm7+G7 C", "C F G C", "C C F+G C"],
        "minor_chords": ["Cm Cm7 Fm7 Cm", "Cm Ab Bb Cm", "Cm Cm7 Ab+Bb Cm", "Cm Fm G7 Cm"],
        "styles": [
            _style((110, 130),
                   ["K:X...X...X...X...;C:....x.......x...;S:....X.......X...;O:..x...x...x...x.;"
                    "H:x...x...x...x...",
                    "K:X...X...X...X...;S:....X.......X...;H:xxxxxxxxxxxxxxxx;O:..x...x...x...x.",
                    "K:X...X...X...X...;S:....X.......X..o;O:..x...x...x...x.;A:x.x.x.x.x.x.x.x.;"
                    "U:...x..xx...x..x."],
                   ["r.o.r.o.r.o.r.o.", "r..or.o.r..of.o.", "r.oro.orr.orf.ov"],
                   ["..x...x...x...x.", "x.xxx.x.x.xxx.xx", "xx.xx.xxxx.xx.xx"],
                   ["x.....x.........", "......x-x-......", "x--.x--.x--.x--."],
                   ["x---x---x-x-x-x-|x-------........", "..x-x-x---x-x---|x-------........",
                    "xxxxx-x-x---x---|................"]),
        ],
        "programs": {"bass": [33, 36, 38, 37], "comp": [28, 7, 27, 4], "color": [61, 48, 62, 50],
                     "pad": [48, 50], "lead": [48, 61, 81, 53, 73], "kit": [0, 8, 24]},
        "levels": {"drums": 0, "bass": -2, "comp": -6, "color": -6, "pad": -10, "lead": -4},
    },
    "hiphop": {
        "minor": 0.85,
        "scales": {"major": PENTA, "minor": MINOR_PENTA},
        "major": ["Cmaj7 Am7 Cmaj7 Am7", "C C F C"],
        "minor_chords": ["Cm7 Cm7 Fm7 Cm7", "Cm Cm Ab Cm", "Cm7 Cm7 Cm7 Gm7", "Cm9 Cm9 Abmaj7 Cm"],
        "styles": [
            _style((82, 100),
                   ["K:X..x..x...x.....;S:....X.......X...;H:x.x.x.x.x.x.x.x.",
                    "K:X.x.......xx....;S:....X..o.o..X...;H:x.x.x.xxx.x.x.x.",
                    "K:X......x.xx...x.;S:....X.......X...;H:xxx.x.xxx.x.x.x."],
                   ["r--...r---......", "r-----..r-..f-..", "r--r--....r-v-r-"],
                   ["x-------..x-....", "0.2.1.3.....x---", "x---..x---......"],
                   ["..........x-....", "x-..............", "3...2...1...2..."],
                   ["x-xxx-x-..x-x-x-|x-xxx-x-x---....", "xx.xx.x.xx.x..x.|x.xx.xx.x---....",
                    "................|x---x-x-x---...."],
                   swing16=0.58),
            _style((68, 78),
                   ["K:X.....x...x.....;C:........X.......;H:xxxxxxxxxxxxxoxx",
                    "K:X......x.x......;C:........X.......;H:x.xxx.xxx.xxxxxx"],
                   ["r-------....r---", "r-----r-----v---"],
                   ["0-2-3-2-1-2-3-2-", "x-----------x---"],
                   ["x---------------", "3-..3-2-..3-2-.."],
                   ["x.x.x.xxx.x.x---|x.x.xxx.x.......", "................|x-x-x---........"]),
        ],
        "programs": {"bass": [38, 39, 33, 35], "comp": [4, 5, 0, 11, 45], "color": [48, 55, 98, 52],
                     "pad": [89, 50], "lead": [85, 81, 80, 73, 53], "kit": [25, 24, 25]},
        "levels": {"drums": 2, "bass": 0, "comp": -6, "color": -10, "pad": -13, "lead": -7},
    },
    "jazz": {
        "minor": 0.35,
        "scales": {"major": MAJOR, "minor": DORIAN},
        "major": ["C Am7 Dm7+G7 C", "C6 Cmaj7 Dm7+G7 C", "Cmaj7 Fmaj7 Dm7+G7 C",
                  "C Dm7+G7 Cmaj7 C", "C A7 Dm7+G7 C"],
        "minor_chords": ["Cm7 Fm7 Dm7b5+G7 Cm", "Cm6 Cm Dm7b5+G7 Cm6 Cm Fm7 G7 Cm",
                         "Cm7 Cm7 Fm7 Cm7"],
        "styles": [
            _style((100, 134),
                   ["D:X...X.o.X...X.o.;P:....X.......X...;K:x...x...x...x...",
                    "D:X...X.o.X...X.o.;P:....X.......X...;R:......o.........;K:x...x...x...x..."],
                   ["r...t...f...a...", "r...f...r...a...", "r...t...f...r..."],
                   ["x---..x-........", "x-....x---......", "x-........x-...."],
                   ["x-----......x---", "........x---...."],
                   ["x-x-x-x-x-x-x-x-|x-x-x---........", "..x-x-x-x---x-x-|x-x-x-x-x-------",
                    "....x-x-x-x-x---|..x-x---........"],
                   swing=(0.62, 0.68)),
            _style((108, 136),
                   ["K:X...x.o.X...x.o.;R:x..x...x..x...x.;H:XoxoXoxoXoxoXoxo",
                    "K:X...x.o.X...x.o.;R:..x...x..x..x...;M:X.o.X.o.X.o.X.o."],
                   ["r---..f-f---..r-", "r-..r-f-r-..r-f-"],
                   ["x--x---x--x---x-", "x.....x.x..x...."], ["x---------------"],
                   ["x---x---x-x-x---|x-----------....", "..x-x-x-x---x---|x-------x---...."]),
            _style((66, 92),
                   ["D:x...x.x.x...x.x.;P:....x.......x...;S:o.o.o.o.o.o.o.o."],
                   ["r-------f---a---", "r-----..f-----.."],
                   ["x-----------x---", "..x-----..x-----"], ["x---------------"],
                   ["x-----x-x---x---|x---x-x-x-------", "..x-x-x-xxx-x---|x-----------...."],
                   swing=(0.58, 0.66)),
        ],
        "programs": {"bass": [32, 32, 35], "comp": [0, 26, 0, 4], "color": [11, 26, 61, 17],
                     "pad": [], "lead": [65, 66, 56, 59, 11, 64, 71], "kit": [32, 40, 40]},
        "levels": {"drums": -3, "bass": 0, "comp": -6, "color": -10, "lead": -1},
    },
    "metal": {
        "minor": 1.0,
        "scales": {"major": MAJOR, "minor": MINOR},
        "major": ["C5 C5 F5 C5"],
        "minor_chords": ["C5 C5 Ab5 Bb5", "Cm Cm Ab5 C5", "C5 Eb5 Ab5 C5", "C5 C5 Db5 C5",
                         "Cm Bb5 Ab5 C5"],
        "styles": [
            _style((130, 164),
                   ["K:x.x.x.x.x.x.x.x.;S:....X.......X...;D:X...X...X...X...",
                    "K:xxx.xxx.xxx.xxx.;S:....X.......X...;H:X...X...X...X...",
                    "K:X.xx..x.X.xx..x.;S:....X.......X...;X:x...............;D:X...X...X...X..."],
                   ["r.rrr.rrr.rrr.rr", "rrrrrrrrrrrrrrrr", "r.r.r.r.r.r.r.r."],
                   ["x.xxx.xxx.xxx.xx", "X.xxx.xxX.xxx.X-", "XxxxxxxxXxxxxxxx"],
                   ["x---------------", "x-------x-------"],
                   ["xxxxxxxxxxxxxxxx|x-------x-------", "x-x-x-xxx-x-x-xx|x-x-x-x-x-------",
                    "x---x---x-------|x-xxx-xxx-------"]),
            _style((92, 124),
                   ["K:X.....x.X.x.....;S:....X.......X...;O:x...x...x...x...",
                    "K:XxxxX...XxxxX...;S:....X.......X...;X:x.......x.......;H:x...x...x...x..."],
                   ["r---r-r-r---r-r-", "r.rrr.r.r.rrr.r."],
                   ["X---x.x.X---x.x.", "X.xxX---X.xxX---"], ["x---------------"],
                   ["x-------x---x---|x---------------", "xxx-xxx-xxx-xxx-|x-------x-------"]),
        ],
        "programs": {"bass": [34, 34, 33], "comp": [30, 30, 29], "color": [30, 29, 48],
                     "pad": [], "lead": [30, 29, 30], "kit": [16, 16, 8]},
        "levels": {"drums": 0, "bass": -4, "comp": 0, "color": -5, "lead": -3},
    },
    "pop": {
        "minor": 0.35,
        "scales": {"major": PENTA, "minor": MINOR_PENTA},
        "major": ["C G Am F C G F C", "C Am F G C Am F+G C", "C F Am G C F G C", "C Em F C"],
        "minor_chords": ["Cm Ab Eb Bb Cm Ab Bb Cm", "Cm Bb Ab Cm", "Cm Fm Ab Cm"],
        "styles": [
            _style((100, 128),
                   ["K:X...X...X...X...;C:....X.......X...;H:..x...x...x...x.",
                    "K:X.....x.X.......;S:....X.......X...;H:x.x.x.x.x.x.x.x.",
                    "K:X..x..x.X..x....;C:....X.......X...;H:xxxxxxxxxxxxxxxx"],
                   ["r.r.r.r.r.r.r.r.", "r---..r-r---..r-", "r-------r-----f-"],
                   ["x-x-x-x-x-x-x-x-", "x---..x---..x---", "0.2.3.2.1.2.3.2."],
                   ["3.2.1.2.3.2.1.2.", "x-..x-..x-..x-..", "..x...x...x...x."],
                   ["x-x-x-x-x---x---|..x-x-x-x-------", "x-x-x---x-x-x---|x-x-x---........",
                    "....x-x-x-x-x---|x---x---x-------"]),
            _style((72, 96),
                   ["K:X.......x.x.....;S:....X.......X...;H:x.x.x.x.x.x.x.x.",
                    "K:X..........x....;R:....X.......X...;M:x.x.x.x.x.x.x.x."],
                   ["r-------r-----f-", "r---------------"],
                   ["x---x---x---x---", "0-2-3-2-1-2-3-2-"], ["..x-..x-..x-..x-"],
                   ["x---x-x-x-------|x-x-x-x-x-------", "..x-x-x-x-x-x---|x-------........"]),
        ],
        "programs": {"bass": [38, 33, 39, 35], "comp": [0, 25, 90, 5, 2], "color": [80, 27, 98, 88],
                     "pad": [89, 50, 51], "lead": [53, 81, 54, 85, 80, 84], "kit": [24, 0, 8]},
        "levels": {"drums": -1, "bass": -3, "comp": -4, "color": -9, "pad": -9, "lead": -2},
    },
    "reggae": {
        "minor": 0.4,
        "scales": {"major": PENTA, "minor": MINOR_PENTA},
        "major": ["C C F C", "C F C F C F G C", "C G F C", "C Am F C"],
        "minor_chords": ["Cm Cm Fm Cm", "Cm Bb Ab Cm", "Cm Fm Cm Gm"],
        "styles": [
            _style((66, 88),
                   ["K:........X.......;R:........X.......;H:x.xxx.x.x.xxx.x.",
                    "K:X.......X.......;S:........X.......;H:x.x.x.x.x.x.x.x.",
                    "K:x...x...X...x...;R:........X....x..;H:x.x.x.xxx.x.x.x."],
                   ["r-..r-t-f-......", "r---..r-..f-o-..", "..r-r-..t-f-r---"],
                   ["....x.......x...", "....xx......xx..", "....X.......X..."],
                   ["..x.x.x...x.x.x.", "..x0..x0..x0..x0", "x-........x-...."],
                   ["x-x-x---........|x-x-x-x-x---....", "..x-x-x-x---....|..x-x---........",
                    "x---x---x-x-x---|................"],
                   swing16=0.55),
        ],
        "programs": {"bass": [33, 32, 35, 33], "comp": [27, 28, 27, 0], "color": [16, 17, 18, 16],
                     "pad": [], "lead": [57, 56, 53, 22, 21, 114], "kit": [0, 8, 8]},
        "levels": {"drums": -2, "bass": 1, "comp": -4, "color": -8, "lead": -5},
    },
    "rock": {
        "minor": 0.3,
        "scales": {"major": MAJOR_BLUES, "minor": MINOR_PENTA},
        "major": ["C F C G C F G C", "C C F C", "C G F C", "C C F C C Bb F C"],
        "minor_chords": ["Cm Cm Ab Bb Cm Bb Ab Cm", "Cm Ab Bb Cm", "Cm Fm Bb Cm"],
        "styles": [
            _style((112, 152),
                   [_BACKBEAT, "K:X..x..x.X.x.....;S:....X.......X...;H:X.x.X.x.X.x.X.x.",
                    "K:X.....x.X.......;S:....X..o....X...;D:x.x.x.x.x.x.x.x."],
                   ["r.r.r.r.r.r.r.r.", "r.r.r.r.f.f.o.o.", "r---r.r.r---f.r."],
                   ["x.x.x.x.x.x.x.x.", "x---x.x...x.x---", "X-----x-X---x-x-"],
                   ["x-------x-------", "x---x---x---x---", "0.1.2.1.0.1.2.1."],
                   ["x-x-x---x-x-x---|x-------........", "..x-x-x-x-x-x---|x-x-x---x-------",
                    "x---x-x-xxx-x---|x-----------...."]),
            _style((82, 108),
                   ["K:X......xX.x.....;S:....X.......X...;O:x...x...x...x...",
                    "K:X.x.....x.x...x.;S:....X.......X...;H:x.x.x.x.x.x.x.x."],
                   ["r---r---r-r-f---", "r-..r-..r-..t-f-"],
                   ["X-----x-X-----x-", "0-2-1-2-0-2-1-2-"], ["x---------------"],
                   ["x---x-x-x-------|x-x-x---x-------", "..x-x-x-x-------|..x-x-x-x-------"]),
        ],
        "programs": {"bass": [34, 33, 34], "comp": [29, 27, 29, 25], "color": [16, 18, 0, 29],
                     "pad": [], "lead": [29, 30, 53, 27], "kit": [0, 16, 8]},
        "levels": {"drums": -1, "bass": -3, "comp": -2, "color": -7, "lead": -2},
    },
}  # fmt: skip

FILLS = ("S:........xxxxxxXX", "S:........xx..xx..;T:..........xx....;L:............xxXX",
         "S:............xxXX", "T:....xx......x...;L:......xx....x.x.;S:x.xx....xx.x....")

# Words for invented names; any likeness to a real artist is chance.
ADJECTIVES = ("Amber", "Broken", "Crooked", "Dusty", "Electric", "Faded", "Gilded", "Hollow",
              "Iron", "Jaded", "Kindled", "Lonesome", "Marble", "Northern", "Olive", "Paper",
              "Quiet", "Restless", "Silver", "Tidal", "Unwritten", "Velvet", "Wandering", "Yellow")
NOUNS = ("Anchors", "Beacons", "Canyons", "Drifters", "Embers", "Ferries", "Gardens", "Harbours",
         "Islands", "Junipers", "Kestrels", "Lanterns", "Meadows", "Nomads", "Orchards", "Pilots",
         "Quarries", "Rivers", "Sparrows", "Tramways", "Umbrellas", "Voyagers", "Windows",
         "Zeppelins")  # fmt: skip
THINGS = ("Afternoon", "Bridge", "Circle", "Distance", "Evening", "Fortune", "Glass", "Horizon",
          "Island", "Journey", "Kitchen", "Letter", "Mirror", "Night", "Ocean", "Promise",
          "Question", "Rain", "Station", "Thunder", "Valley", "Winter", "Yesterday", "Zodiac")
TITLES = ("The {a} {n}", "{a} {n}", "{n} in {a}", "After the {n}", "My {a} {n}", "{n} and {m}",
          "Under the {n}", "No More {n}", "Waiting for the {n}", "{n} Song")  # fmt: skip

# IRMAS: class -> programs, and the roles that suit them best.
INSTRUMENTS = {
    "cel": (42,), "cla": (71,), "flu": (73, 74), "gac": (24, 25), "gel": (26, 27, 29),
    "org": (16, 17, 18, 19), "pia": (0, 1, 2), "sax": (64, 65, 66), "tru": (56, 59),
    "vio": (40, 110), "voi": (52, 53, 85),
}  # fmt: skip
CHORDAL = ("gac", "gel", "org", "pia")
NEUTRAL = (4, 11, 46, 89)  # instruments outside of the eleven classes, for accompaniment
IRMAS_GENRES = {"cla": ("classical",), "cou_fol": ("country",), "jaz_blu": ("jazz", "blues"),
                "pop_roc": ("pop", "rock"), "lat_sou": ("reggae", "disco")}  # fmt: skip

# Piano composers: invented persons, each with one way of composing. `shift` moves a part, in
# semitones; a part without a level is left out.
COMPOSERS: dict[str, dict] = {
    "Aldous Verrine": {
        "form": "Sonatina", "levels": {"comp": 0, "lead": 0}, "modes": ("major", "minor"),
        "scales": {"major": MAJOR, "minor": HARMONIC}, "shift": {"comp": -5, "lead": 2},
        "major": ["C C G7 C F C G7 C", "C F C G7 C Dm G7 C"],
        "minor": ["Cm G7 Cm Fm Cm Fm G7 Cm", "Cm Fm G7 Cm Ab Fm G7 Cm"],
        "style": _style((112, 150), [], [], ["0.2.1.2.0.2.1.2.", "0.1.2.1.0.1.2.1."], [],
                        ["x---x-x-x---x---|xxxxx---x-------", "x-----x-x-x-x-x-|x---x---x-------",
                         "x---x---xxxxx-x-|x-----x-x-------"]),
    },
    "Ottla Brandt": {
        "form": "Invention", "levels": {"bass": 0, "lead": 0}, "modes": ("minor", "major"),
        "scales": {"major": MAJOR, "minor": HARMONIC}, "shift": {"bass": 12, "lead": -5},
        "major": ["C F G7 C Am Dm G7 C", "C Am Dm G7 Em Am G7 C"],
        "minor": ["Cm Fm Bb Eb Ab Dm7b5 G7 Cm", "Cm G7 Cm Fm Bb7 Eb G7 Cm"],
        "style": _style((76, 100), [], ["r.t.f.o.f.t.r.a.", "r-rtf-tro-ofr-fa",
                                        "....r.t.f.t.r.a."], [], [],
                        ["xxxxx-x-xxxxx-x-|x-x-xxxxxxxx----", ".xxxx-x-.xxxx-x-|xxxxxxxxx-x-x---",
                         "x-xxx-xxx-xxx-xx|x-x-x-x-xxxxx---"]),
    },
    "Seraphine Mouret": {
        "form": "Nocturne", "levels": {"comp": 0, "lead": 0}, "modes": ("minor", "major"),
        "scales": {"major": MAJOR, "minor": HARMONIC}, "shift": {"comp": -17, "lead": 5},
        "major": ["Cmaj7 Am7 Dm7 G7 Cmaj7 Fm6 G7 C", "C Em Fm6 C Am Dm7 G7 C"],
        "minor": ["Cm Fm6 G7 Cm Abmaj7 Fm6 G7 Cm", "Cm Cm Fm6 Bb7 Eb Abmaj7 G7 Cm"],
        "style": _style((54, 72), [], [], ["023543023543", "024642024642"], [],
                        ["x--------x--|x-----x-x---", "x-----x--x--|x-----------",
                         "x--x--x-----|xxx---x-----"]),
    },
    "Ilario Quent": {
        "form": "Image", "levels": {"bass": 0, "comp": 0, "lead": 0}, "modes": ("whole-tone",),
        "scales": {"whole-tone": (0, 2, 4, 6, 8, 10)}, "shift": {"lead": 12, "comp": 7},
        "whole-tone": ["C9 D9 E9 D9 C9 Bb9 Ab9 C9", "Caug Daug Eaug Daug Caug Bbaug Daug Caug"],
        "style": _style((58, 84), [], ["r---------------", "r-------o-------"],
                        ["x---x---x-------", "..x-x-x-x-------", "x-------x---x---"], [],
                        ["................|....xxxxxx------", "x---------------|xxxxx-----......",
                         "....x-x-x-------|................"]),
    },
    "Jonah Pike": {
        "form": "Rag", "levels": {"bass": 0, "comp": 0, "lead": 0}, "modes": ("major",),
        "scales": {"major": MAJOR_BLUES}, "shift": {"comp": -5},
        "major": ["C A7 D7 G7 C A7 D7+G7 C", "C C G7 C F C D7+G7 C", "C E7 Am C F C D7+G7 C"],
        "style": _style((88, 112), [], ["r.......f.......", "r...o...f...o..."],
                        ["....x.......x...", "..x...x...x...x."], [],
                        ["x-xx-xx-x-xx-x--|xx-xx-x-x-------", ".xx-xx-xx-xx-xx-|x-xx-xx-x-------",
                         "x-x-xx-xxx-xx-x-|xx-xx-xxx-------"]),
    },
}  # fmt: skip
PERFORMERS = ("Ada Lindqvist", "Benno Achterberg", "Chiyo Tanabe", "Dario Fontanel",
              "Esme Okafor", "Filip Novotny")  # fmt: skip

# The invented discography: what the band plays at first, and at the end.
EARLY = {"comp": (25, 27, 27), "color": (26, 27, 0), "pad": (16,), "lead": (22, 27, 29)}
LATE = {"comp": (6, 48, 18, 89), "color": (60, 45, 46, 11), "pad": (48, 95, 52),
        "lead": (104, 73, 40, 68, 81)}  # fmt: skip
BORROWED = ("Eb", "Ab", "Bb", "Fm", "D7", "Db", "E7", "Gm")
BAND_STYLES = (
    _style((0, 0), [_BACKBEAT, "K:X...x...X...x...;S:....X.......X...;D:x.x.x.x.x.x.x.x."],
           ["r-..r-..f-..r-..", "r.r.f.f.r.r.t.f."], ["x.x.x.x.x.x.x.x.", "x---..x-x---..x-"],
           ["..x...x...x...x.", "x-------x-------"],
           ["x-x-x---x-x-x---|x-------........", "..x-x-x-x-x-x---|x-x-x---x-------"]),
    _style((0, 0), ["K:X......xX.......;S:....X.......X...;H:x...x...x...x...",
                    "K:X.......x.......;R:....X.......X...;A:x.x.x.x.x.x.x.x."],
           ["r-----f-t---r-f-", "r-------f---o---"], ["0-2-3-2-1-2-3-2-", "x---x---x---x---"],
           ["x---------------", "3-2-1-..3-2-1-.."],
           ["x-----x-x-------|x---x-x-x-------", "....x-x-x-x-x---|x-----------...."]),
)  # fmt: skip
