"""What one can touch: menus, a map with titles, a player of tags, the microphone of the browser."""

from __future__ import annotations

import base64
import html
import io
import json
import os
from collections.abc import Callable

import anywidget
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import traitlets
from matplotlib.colors import to_hex


def explore(function, **choices):
    """Show a menu for each argument; where nobody can click, call the function once.

    Parameters
    ----------
    function : callable
        Draws or prints something for one choice of arguments.
    **choices
        Name of an argument -> what it may be: a list, or a range of numbers.

    Notes
    -----
    A study and a render call the function with the first choices, so that what is kept shows what a
    person would see first.
    """
    if os.environ.get("SERIES_STATIC"):
        function(**{name: values[0] for name, values in choices.items()})
        return
    import ipywidgets

    menus = {
        name: ipywidgets.IntSlider(values[0], min(values), max(values), continuous_update=False)
        if isinstance(values, range)
        else ipywidgets.Dropdown(options=values)
        for name, values in choices.items()
    }
    ipywidgets.interact(function, **menus)


def hover_map(points: np.ndarray, labels, titles, *, size: int = 560) -> str:
    """Draw a map whose points say their title when the mouse rests on them.

    Parameters
    ----------
    points : np.ndarray [shape=(n, 2)]
        Places.
    labels : sequence of str [length=n]
        What colours the points.
    titles : sequence of str [length=n]
        What a point says.
    size : int
        Width and height in pixels.

    Returns
    -------
    str
        An SVG picture for `IPython.display.HTML`. It needs no script, so it works in JupyterLab, in
        Colab and on a saved page.

    Examples
    --------
    >>> hover_map(np.array([[0, 0], [1, 1]]), ["a", "b"], ["one", "two"]).count("<title>")
    2
    """
    points = np.asarray(points, dtype=float)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1e-9)
    places = 12 + (size - 24) * (points - low) / span
    kinds = sorted(set(labels))
    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    colours = {kind: to_hex(cycle[i % len(cycle)]) for i, kind in enumerate(kinds)}
    dots = [
        f'<circle cx="{x:.1f}" cy="{size - y:.1f}" r="5" fill="{colours[label]}">'
        f"<title>{html.escape(str(title))}</title></circle>"
        for (x, y), label, title in zip(places, labels, titles)
    ]
    names = [
        f'<circle cx="{size + 16}" cy="{20 + 18 * i}" r="5" fill="{colours[kind]}"/>'
        f'<text x="{size + 28}" y="{24 + 18 * i}" font-size="12">{html.escape(str(kind))}</text>'
        for i, kind in enumerate(kinds)
    ]
    inside = "".join(dots + names)
    height = max(size, 30 + 18 * len(kinds))
    return f'<svg viewBox="0 0 {size + 180} {height}" width="{size + 180}">{inside}</svg>'


def heard(times: pd.DataFrame, tags: list[str], start: np.ndarray, seconds: float) -> np.ndarray:
    """Say how much of each window each tag is there.

    Parameters
    ----------
    times : pd.DataFrame
        When tags are there in one track: tag, start, end, in seconds.
    tags : list of str
        The tags to look for.
    start : np.ndarray [shape=(n_windows,)]
        Where each window begins, in seconds.
    seconds : float > 0
        Length of a window.

    Returns
    -------
    np.ndarray [shape=(n_windows, n_tags)]
        Share of the window, 0 to 1.

    Examples
    --------
    >>> times = pd.DataFrame({"tag": ["sax", "sax"], "start": [1.0, 5.0], "end": [3.0, 9.0]})
    >>> heard(times, ["sax", "harp"], np.array([0.0, 2.0, 4.0]), 4.0).tolist()
    [[0.5, 0.0], [0.5, 0.0], [0.75, 0.0]]
    """
    start = np.asarray(start, dtype=float)
    out = np.zeros((len(start), len(tags)))
    for tag, first, last in times[["tag", "start", "end"]].itertuples(index=False):
        if tag in tags:
            both = np.minimum(last, start + seconds) - np.maximum(first, start)
            out[:, tags.index(tag)] += np.clip(both, 0, None) / seconds
    return np.minimum(out, 1.0)


def player(
    y: np.ndarray | str,
    proba: np.ndarray,
    tags: list[str],
    start: np.ndarray,
    seconds: float,
    *,
    sr: int,
    truth: np.ndarray | None = None,
    S_db: np.ndarray | None = None,
    title: str = "",
) -> str:
    """Make a player of one track: a picture of its tags, in which a click jumps to the moment.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)] or str
        The sound, or the address of a file that a browser can play.
    proba : np.ndarray [shape=(n_windows, n_tags)]
        Probability of each tag in each window.
    tags : list of str [length=n_tags]
        Their names, from top to bottom.
    start : np.ndarray [shape=(n_windows,)]
        Where each window begins, in seconds.
    seconds : float > 0
        Length of a window.
    sr : int
        Sample rate in hertz.
    truth : np.ndarray [shape=(n_windows, n_tags)], optional
        What is really there, 0 or 1: drawn as a line under each row.
    S_db : np.ndarray [shape=(n_mels, n_frames)], optional
        The log-mel spectrogram of the sound, drawn above the tags.
    title : str
        What stands above the picture.

    Returns
    -------
    str
        A piece of HTML that holds everything it needs, the sound as MP3. It works in JupyterLab,
        in Colab, on a saved page and on a phone, with a mouse, a finger or the arrow keys. Without
        scripts, the picture and the sound remain.

    Raises
    ------
    ValueError
        Shapes disagree.

    Notes
    -----
    A window is drawn around its middle.
    """
    proba, start = np.asarray(proba, dtype=float), np.asarray(start, dtype=float)
    if proba.shape != (len(start), len(tags)) or not len(start):
        raise ValueError(
            f"{len(start)} windows and {len(tags)} tags, but probabilities of shape {proba.shape}"
        )
    if truth is not None and np.shape(truth) != proba.shape:
        raise ValueError(f"the truth has shape {np.shape(truth)}, not {proba.shape}")
    length = max(0 if isinstance(y, str) else len(y) / sr, start[-1] + seconds)
    middle = start + seconds / 2
    edges = np.concatenate([[0.0], (middle[1:] + middle[:-1]) / 2, [length]])
    tags = [str(tag) for tag in tags]
    data = {"tags": tags, "edges": edges.round(3).tolist(), "proba": proba.round(3).tolist(),
            "seconds": round(length, 3)}  # fmt: skip
    return PLAYER.format(
        title=html.escape(str(title)),
        rows=_rows(proba, tags, edges / length, truth, S_db),
        end=1 + len(tags) + (S_db is not None),
        times="".join(f"<span>{clock(length * i / 4)}</span>" for i in range(5)),
        sound=html.escape(y) if isinstance(y, str) else _mp3(y, sr),
        data=for_script(data),
    )


def framed(page: str, *, height: int = 900) -> str:
    """Put a whole page into a notebook, where neither changes the look of the other.

    Parameters
    ----------
    page : str
        HTML, such as `helpers.pages.song_page` returns.
    height : int > 0
        In pixels.

    Returns
    -------
    str
        A frame for `IPython.display.HTML`.

    Examples
    --------
    >>> framed("<p>hello</p>").count("&lt;p&gt;")
    1
    """
    style = f"width:100%;height:{height}px;border:1px solid #8888"
    frame = f'<iframe title="song" style="{style}" srcdoc="{html.escape(page)}"></iframe>'
    return f"<div>{frame}</div>"  # of a bare frame, IPython warns in red


def clock(seconds: float) -> str:
    """Write a moment as minutes and seconds.

    Examples
    --------
    >>> clock(102.4)
    '1:42'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def for_script(data) -> str:
    """Write JSON that no page takes for the end of a script, or for the start of another."""
    # json.dumps itself escapes all that is not ASCII, the line ends U+2028 and U+2029 among it.
    return json.dumps(data).translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&"})


def _rows(proba, tags, edges, truth, S_db) -> str:
    """Draw one rectangle for each window and tag: the most probable one is the darkest."""
    parts = []
    if S_db is not None:
        picture = f'<img alt="log-mel spectrogram of the sound" src="{_png(S_db)}">'
        parts.append(f'<div class="ends"><div>high</div><div>low</div></div>{picture}')
    x, darkest = 1000 * edges, max(proba.max(), 1e-9)
    for k, tag in enumerate(tags):
        boxes = []
        for i, p in enumerate(proba[:, k]):
            box = f'x="{x[i]:.1f}" width="{x[i + 1] - x[i] + 0.5:.1f}"'
            fill = f'fill="#2f6fc4" opacity="{p / darkest:.2f}"'
            boxes.append(f'<rect {box} y="0" height="14" {fill}/>')
            if truth is not None and truth[i][k]:
                boxes.append(f'<rect {box} y="15" height="5" fill="#d95f02"/>')
        svg = '<svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true">'
        parts.append(f"<span>{html.escape(tag)}</span>{svg}{''.join(boxes)}</svg>")
    return "".join(parts)


def _png(S_db: np.ndarray) -> str:
    """Draw a log-mel [n_mels, n_frames] as a picture of at most 1200 points a row."""
    from PIL import Image

    blocks = np.array_split(np.asarray(S_db, dtype=float), min(1200, S_db.shape[1]), axis=1)
    S_db = np.stack([block.mean(axis=1) for block in blocks], axis=1)[::-1]
    S_db = np.clip((S_db - S_db.max()) / 80 + 1, 0, 1)
    picture = Image.fromarray(plt.get_cmap("magma")(S_db, bytes=True)[..., :3])
    buffer = io.BytesIO()
    picture.quantize(128).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _mp3(y: np.ndarray, sr: int) -> str:
    import soundfile

    buffer = io.BytesIO()
    loud = np.asarray(y, dtype=np.float32) / max(1.0, float(np.abs(y).max(initial=0.0)))
    with soundfile.SoundFile(
        buffer, "w", sr, 1, format="MP3", bitrate_mode="CONSTANT", compression_level=0.7
    ) as file:
        file.write(loud)
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


# One script for each player. It finds its own place by document.currentScript; where a notebook
# runs scripts without it, by the last player on the page.
PLAYER = """<div class="taggram"><style>
.taggram {{ font: 14px/1.5 system-ui, sans-serif; max-width: 60rem; }}
.taggram .rows {{ display: grid; grid-template-columns: fit-content(38%) minmax(0, 1fr);
  gap: 3px 0.6em; align-items: center; position: relative; }}
.taggram .rows > span {{ text-align: right; overflow-wrap: anywhere; line-height: 1.2; }}
.taggram .rows > img, .taggram .rows > svg {{ display: block; width: 100%; height: 1.3em; }}
.taggram .rows > img {{ height: 9em; }}
.taggram .ends {{ align-self: stretch; display: flex; flex-direction: column;
  justify-content: space-between; text-align: right; opacity: 0.8; }}
.taggram .over {{ position: absolute; inset: 0; grid-column: 2; grid-row: 1 / {end};
  cursor: pointer; border: 1px solid #8888; touch-action: manipulation; }}
.taggram .now {{ position: absolute; top: 0; bottom: 0; left: 0; width: 2px; background: #e0142d; }}
.taggram .times {{ grid-column: 2; display: flex; justify-content: space-between; }}
.taggram audio {{ width: 100%; margin-top: 0.5em; }}
.taggram .says {{ min-height: 3em; }}
</style><div>{title}</div>
<div class="rows">{rows}<div class="over" role="slider" tabindex="0" aria-label="place in the sound"
 aria-valuemin="0" aria-valuenow="0"><div class="now"></div></div>
<div class="times">{times}</div></div>
<audio controls preload="auto" src="{sound}"></audio>
<div class="says">Click on the picture to listen from there.</div>
<script data-player type="application/json">{data}</script>
<script data-player>
(function () {{
  var all = document.querySelectorAll("div.taggram");
  var here = document.currentScript;
  var box = here && here.closest ? here.closest("div.taggram") : null;
  box = box || all[all.length - 1];
  var data = JSON.parse(box.querySelector('script[type="application/json"]').textContent);
  var over = box.querySelector(".over"), sound = box.querySelector("audio");
  var line = box.querySelector(".now"), says = box.querySelector(".says");
  over.setAttribute("aria-valuemax", Math.round(data.seconds));
  function show() {{
    var at = sound.currentTime, i = 0;
    line.style.left = 100 * Math.min(1, at / data.seconds) + "%";
    while (i < data.proba.length - 1 && data.edges[i + 1] <= at) i++;
    var best = data.tags.map(function (tag, k) {{ return [data.proba[i][k], tag]; }});
    best.sort(function (a, b) {{ return b[0] - a[0]; }});
    var text = at.toFixed(1) + " s: " + best.slice(0, 3).map(
      function (pair) {{ return pair[1] + " " + Math.round(100 * pair[0]) + " %"; }}).join(", ");
    says.textContent = text;
    over.setAttribute("aria-valuenow", Math.round(at));
    over.setAttribute("aria-valuetext", text);
  }}
  function follow() {{ show(); if (!sound.paused) requestAnimationFrame(follow); }}
  function jump(to) {{
    sound.currentTime = Math.max(0, Math.min(data.seconds - 0.05, to));
    show();
  }}
  over.addEventListener("click", function (event) {{
    var place = over.getBoundingClientRect();
    jump((event.clientX - place.left) / place.width * data.seconds);
    sound.play();
  }});
  over.addEventListener("keydown", function (event) {{
    var step = {{ArrowLeft: -5, ArrowRight: 5}}[event.key];
    if (step) jump(sound.currentTime + step);
    else if (event.key === " ") sound.paused ? sound.play() : sound.pause();
    else return;
    event.preventDefault();
  }});
  sound.addEventListener("play", follow);
  sound.addEventListener("timeupdate", show);
}})();
</script></div>"""


class Recorder(anywidget.AnyWidget):
    """Record a few seconds in the browser and hand them to a function.

    Parameters
    ----------
    heard : callable
        Called with y [shape=(n_samples,)] and its rate in hertz; what it returns appears below the
        button.
    seconds : float > 0
        Length of a recording.

    Notes
    -----
    The sound goes from the browser to the kernel and nowhere else. It is a message, no part of the
    widget's state, which some notebooks keep in their file. The browser is asked not to clean the
    sound as it does for speech, which would take music away.
    """

    _esm = r"""
    const KEEP = `registerProcessor("keep", class extends AudioWorkletProcessor {
      process([[block]]) { if (block) this.port.postMessage(block.slice()); return true; }
    });`;
    const SENTENCES = {
      NoMediaDevices: "A browser gives the microphone only to pages from https or localhost. " +
        "Open this notebook at such an address.",
      NotAllowedError: "The browser was not permitted to use the microphone. " +
        "Permit it in the settings of this page, and try again.",
      NotFoundError: "There is no microphone. Connect one, and try again.",
      NotReadableError: "The microphone does not answer. Does another program use it?",
    };
    async function record(model, button) {
      if (!navigator.mediaDevices) throw {name: "NoMediaDevices"};
      const context = new AudioContext();
      let stream;
      try {
        const plain = {echoCancellation: false, noiseSuppression: false, autoGainControl: false};
        stream = await navigator.mediaDevices.getUserMedia({audio: plain});
        const code = URL.createObjectURL(new Blob([KEEP], {type: "text/javascript"}));
        await context.audioWorklet.addModule(code);
        URL.revokeObjectURL(code);
        const reader = new AudioWorkletNode(context, "keep",
          {channelCount: 1, channelCountMode: "explicit"});
        const blocks = [];
        reader.port.onmessage = (event) => blocks.push(event.data);
        context.createMediaStreamSource(stream).connect(reader);
        reader.connect(context.destination);  // silent, but some browsers only run what is heard
        context.resume();
        for (let left = model.get("seconds"); left > 0; left--) {
          button.textContent = `recording, ${Math.ceil(left)} s left`;
          await new Promise((done) => setTimeout(done, 1000 * Math.min(1, left)));
        }
        reader.disconnect();
        const y = new Float32Array(blocks.reduce((n, block) => n + block.length, 0));
        let n = 0;
        for (const block of blocks) { y.set(block, n); n += block.length; }
        model.send({rate: context.sampleRate}, undefined, [y.buffer]);
      } finally {
        if (stream) stream.getTracks().forEach((track) => track.stop());
        await context.close();
      }
    }
    function render({model, el}) {
      const button = document.createElement("button");
      const shown = document.createElement("pre");
      const name = () => { button.textContent = `record ${model.get("seconds")} s`; };
      button.onclick = async () => {
        button.disabled = true;
        shown.textContent = "";
        try { await record(model, button); }
        catch (problem) {
          shown.textContent = SENTENCES[problem.name] ||
            `The browser could not record: ${problem.message || problem.name}`;
        }
        button.disabled = false;
        name();
      };
      model.on("change:answer", () => { shown.textContent = model.get("answer"); });
      name();
      el.append(button, shown);
    }
    export default {render};
    """
    seconds = traitlets.Float(10.0).tag(sync=True)
    answer = traitlets.Unicode("").tag(sync=True)

    def __init__(self, heard: Callable[[np.ndarray, float], object], *, seconds: float = 10.0):
        super().__init__(seconds=seconds)
        self.heard = heard
        self.on_msg(self._listen)

    def _listen(self, _, content: dict, buffers: list[memoryview]) -> None:
        """Answer what the browser sent; a problem is an answer, too."""
        if "rate" not in content:
            return
        self.answer = "listening ..."  # the same answer twice would be no change to show
        try:
            y = np.frombuffer(b"".join(buffers), dtype=np.float32).copy()
            if y.any():
                self.answer = str(self.heard(y, content["rate"]))
            else:
                self.answer = "Nothing was recorded. Is the microphone on, and not muted?"
        except Exception as problem:  # nobody else would say it: no cell is running
            self.answer = f"There is no answer: {str(problem) or type(problem).__name__}"
