"""Tags over time inside one track: the windows, the truth beside them, and a player to click on."""

from __future__ import annotations

import base64
import html
import io
import json

import numpy as np
import pandas as pd

LEFT, WIDE, ROW = 130, 620, 20  # room for the names, for the picture, and of a row, in pixels
TOTAL = LEFT + WIDE + 2


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

    Notes
    -----
    Notebook: 13_multilabel_tagging.
    """
    start = np.asarray(start, dtype=float)
    out = np.zeros((len(start), len(tags)))
    for tag, first, last in times[["tag", "start", "end"]].itertuples(index=False):
        if tag in tags:
            both = np.minimum(last, start + seconds) - np.maximum(first, start)
            out[:, tags.index(tag)] += np.clip(both, 0, None) / seconds
    return np.minimum(out, 1.0)


def player(
    y: np.ndarray,
    proba: np.ndarray,
    tags: list[str],
    start: np.ndarray,
    seconds: float,
    *,
    sr: int,
    truth: np.ndarray | None = None,
    title: str = "",
) -> str:
    """Make a player of one track: a picture of its tags, in which a click jumps to the moment.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        The sound.
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
    title : str
        What stands above the picture.

    Returns
    -------
    str
        A piece of HTML that holds everything it needs, the sound as MP3. It works in JupyterLab,
        in Colab and on a saved page. Without scripts, the picture and the sound remain.

    Raises
    ------
    ValueError
        Shapes disagree.

    Notes
    -----
    Notebook: 13_multilabel_tagging. A window is drawn around its middle.
    """
    proba, start = np.asarray(proba, dtype=float), np.asarray(start, dtype=float)
    if proba.shape != (len(start), len(tags)) or not len(start):
        raise ValueError(
            f"{len(start)} windows and {len(tags)} tags, but probabilities of shape {proba.shape}"
        )
    if truth is not None and np.shape(truth) != proba.shape:
        raise ValueError(f"the truth has shape {np.shape(truth)}, not {proba.shape}")
    length = max(len(y) / sr, start[-1] + seconds)
    middle = start + seconds / 2
    edges = np.concatenate([[0.0], (middle[1:] + middle[:-1]) / 2, [length]])
    picture = _picture(proba, list(tags), edges / length, truth)
    names = json.dumps({"tags": list(tags), "edges": edges.round(3).tolist(),
                        "proba": proba.round(3).tolist(), "seconds": round(length, 3)})  # fmt: skip
    return PAGE.format(
        title=html.escape(title), picture=picture, sound=_mp3(y, sr), width=TOTAL,
        left=LEFT, wide=WIDE, data=names.replace("</", "<\\/"),
    )  # fmt: skip


def _picture(proba, tags, edges, truth) -> str:
    """Draw one rectangle for each window and tag: the darker, the more probable."""
    parts = []
    x = LEFT + WIDE * edges
    for k, tag in enumerate(tags):
        parts.append(f'<text x="{LEFT - 8}" y="{ROW * k + 14}" text-anchor="end" font-size="12" '
                     f'fill="currentColor">{html.escape(tag)}</text>')  # fmt: skip
        for i, p in enumerate(proba[:, k]):
            box = f'x="{x[i]:.1f}" y="{ROW * k + 1}" width="{x[i + 1] - x[i] + 0.3:.1f}"'
            parts.append(f'<rect {box} height="{ROW - 6}" fill="#1f4e9c" opacity="{p:.2f}"/>')
            if truth is not None and truth[i][k]:
                box = f'x="{x[i]:.1f}" y="{ROW * (k + 1) - 4}" width="{x[i + 1] - x[i] + 0.3:.1f}"'
                parts.append(f'<rect {box} height="3" fill="#d95f02"/>')
    n = ROW * len(tags)
    parts.append(f'<rect x="{LEFT}" y="0" width="{WIDE}" height="{n}" fill="none" stroke="#999"/>')
    parts.append(f'<line class="now" x1="{LEFT}" x2="{LEFT}" y1="0" y2="{n}" stroke="#d00"/>')
    size = f'viewBox="0 0 {TOTAL} {n}" width="{TOTAL}" height="{n}"'
    return f'<svg {size} style="cursor:pointer;max-width:100%">{"".join(parts)}</svg>'


def _mp3(y: np.ndarray, sr: int) -> str:
    import soundfile

    buffer = io.BytesIO()
    loud = np.asarray(y, dtype=np.float32) / max(1.0, float(np.abs(y).max(initial=0.0)))
    with soundfile.SoundFile(
        buffer, "w", sr, 1, format="MP3", bitrate_mode="CONSTANT", compression_level=0.8
    ) as file:
        file.write(loud)
    return "data:audio/mpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


# One script for each player. It finds its own place by document.currentScript; where a notebook
# runs scripts without it, by the last player on the page.
PAGE = """<div class="taggram" style="font-family:sans-serif">
<div>{title}</div>{picture}
<div><audio controls preload="auto" style="width:{width}px;max-width:100%"
 src="{sound}"></audio></div>
<div class="says" style="min-height:1.4em">Click into the picture to listen from there.</div>
<script data-player type="application/json">{data}</script>
<script data-player>
(function () {{
  var all = document.querySelectorAll("div.taggram");
  var here = document.currentScript;
  var box = here && here.closest ? here.closest("div.taggram") : null;
  box = box || all[all.length - 1];
  var data = JSON.parse(box.querySelector('script[type="application/json"]').textContent);
  var svg = box.querySelector("svg"), sound = box.querySelector("audio");
  var line = box.querySelector(".now"), says = box.querySelector(".says");
  function show() {{
    var x = {left} + {wide} * Math.min(1, sound.currentTime / data.seconds);
    line.setAttribute("x1", x); line.setAttribute("x2", x);
    var i = 0;
    while (i < data.proba.length - 1 && data.edges[i + 1] <= sound.currentTime) i++;
    var best = data.tags.map(function (tag, k) {{ return [data.proba[i][k], tag]; }});
    best.sort(function (a, b) {{ return b[0] - a[0]; }});
    says.textContent = sound.currentTime.toFixed(1) + " s: " + best.slice(0, 3).map(
      function (pair) {{ return pair[1] + " " + Math.round(100 * pair[0]) + " %"; }}).join(", ");
  }}
  svg.addEventListener("click", function (event) {{
    var place = svg.getBoundingClientRect();
    var x = (event.clientX - place.left) * {width} / place.width;
    sound.currentTime = Math.max(0, Math.min(1, (x - {left}) / {wide})) * data.seconds;
    show(); sound.play();
  }});
  sound.addEventListener("timeupdate", show);
}})();
</script></div>"""
