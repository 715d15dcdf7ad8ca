"""What a study leaves for people: the leaderboard and a report page that needs no network."""

from __future__ import annotations

import base64
import contextlib
import csv
import html
import importlib.metadata
import io
import json
import platform
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from helpers.files import write_atomic

if TYPE_CHECKING:
    from helpers.study import Step, Study

OK = ("done", "unchanged", "earlier")
COLUMNS = [
    *("model", "notebook", "dataset", "split", "n_test", "n_classes", "chance", "majority"),
    *("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high"),
    *("top3", "log_loss", "parameters", "train_seconds"),
]
SHOWN = (
    *("accuracy", "n_test", "chance", "macro_f1", "top3", "log_loss"),
    *("parameters", "train_seconds"),
)
PACKAGES = ("numpy", "pandas", "scikit-learn", "librosa", "keras", "tensorflow", "papermill")


def read_json(path: Path) -> dict:
    """Read a JSON object; anything else, a missing or broken file too, is an empty one.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict

    Examples
    --------
    >>> read_json(Path("no/such/file.json"))
    {}
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def duration(seconds: float) -> str:
    """Write a time in seconds as people say it.

    Parameters
    ----------
    seconds : float
        The time.

    Returns
    -------
    str

    Examples
    --------
    >>> duration(12), duration(130), duration(3 * 3600 + 60)
    ('12 s', '2 min 10 s', '3 h 01 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def summary(study: Study) -> str:
    """Say in one line how many steps ended how.

    Parameters
    ----------
    study : Study
        The study, after its run.

    Returns
    -------
    str

    Examples
    --------
    >>> summary(study)  # doctest: +SKIP
    '4 steps: 3 done, 1 failed'
    """
    states = [step.status for step in study.steps.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{len(states)} step{'s' if len(states) != 1 else ''}: {counts}"


# --- leaderboard ---------------------------------------------------------------------------


def leaderboard(study: Study) -> list[dict[str, Any]]:
    """Collect the metrics that the successful steps of the study wrote, best first.

    The study's own dataset comes first, and in each dataset models with one answer a track, by
    accuracy, before those with several, by ROC-AUC.

    Parameters
    ----------
    study : Study
        The study, after its run.

    Returns
    -------
    list of dict
        One flat row a model. Metrics of steps that failed or are no longer in the study are
        left out.

    Examples
    --------
    >>> leaderboard(study)[0]["accuracy"]  # doctest: +SKIP
    0.71
    """
    good = {step.name for step in study.steps.values() if step.status in OK}
    files = sorted((study.folder / "metrics").glob("*.json"))
    rows = [row for path in files if (row := read_json(path)).get("notebook") in good]

    def place(row: dict) -> tuple:
        name, metric = _task(row)
        score = -_number(row, metric, default=-1.0)
        return name != study.dataset, name, metric != "accuracy", score

    return sorted(rows, key=place)


def _task(row: dict) -> tuple[str, str]:
    """Return what can be compared: the dataset, and the metric that counts."""
    several = _number(row, "accuracy") is None and _number(row, "roc_auc") is not None
    return str(row.get("dataset", "")), "roc_auc" if several else "accuracy"


def _number(row: dict, key: str, *, default: float | None = None) -> float | None:
    value = row.get(key)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and value == value else default


def write_leaderboard(study: Study) -> Path:
    """Write ``leaderboard.csv``: one row a model, missing values empty.

    Parameters
    ----------
    study : Study
        The study, after its run.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> write_leaderboard(study)  # doctest: +SKIP
    PosixPath('runs/demo/leaderboard.csv')
    """
    rows = leaderboard(study)
    others = dict.fromkeys(key for row in rows for key in row if key not in COLUMNS)
    present = [key for key in COLUMNS if not rows or any(key in row for row in rows)]
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, [*present, *others], restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    path = study.folder / "leaderboard.csv"
    write_atomic(path, text.getvalue())
    return path


def overwritten(study: Study) -> Iterator[str]:
    """Find metrics that another step wrote over: a model that is missing from the table.

    Parameters
    ----------
    study : Study
        The study, after its run.

    Yields
    ------
    str
        One sentence a file.

    Examples
    --------
    >>> list(overwritten(study))  # doctest: +SKIP
    []
    """
    for step in study.steps.values():
        for name in read_json(study.state(step)).get("metrics", []):
            owner = read_json(study.folder / "metrics" / name).get("notebook", step.name)
            if step.status in OK and owner != step.name:
                yield f"metrics/{name} of {step.name} was written over by {owner}"


# --- report --------------------------------------------------------------------------------

STYLE = """
:root { color-scheme: light; --ink: #1d2329; --soft: #5b6670; --line: #dde2e6; --mark: #14647a;
  --bad: #a3231b; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 60rem; color: var(--ink);
  background: #fff; font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line); }
p { max-width: 42rem; } a { color: var(--mark); }
.lead { font-size: 1.1rem; white-space: pre-line; } .soft { color: var(--soft); }
.verdict { font-weight: 600; } .bad { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 1rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .9rem .4rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right; }
td.text { white-space: normal; min-width: 14rem; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .86em; }
pre { overflow-x: auto; padding: .8rem 1rem; background: #f6f7f8; border-left: 3px solid var(--bad);
  line-height: 1.45; }
figure { margin: 1.8rem 0; } figure img { max-width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .92rem; margin-top: .4rem; }
svg { width: 100%; max-width: 36rem; height: auto; display: block; }
@media (max-width: 32rem) {
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
}
"""


def write_report(study: Study, *, began: datetime, jobs: int = 1) -> Path:
    """Write ``report.html``: one page that works from disk without network.

    Parameters
    ----------
    study : Study
        The study, after its run.
    began : datetime.datetime
        When the run began.
    jobs : int
        How many steps could run side by side.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> write_report(study, began=datetime.now())  # doctest: +SKIP
    PosixPath('runs/demo/report.html')
    """
    title = html.escape(study.title)
    parts = [
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f"<h1>{title}</h1>",
        f"<p class='lead'>{html.escape(study.description.strip())}</p>",
        _verdict(study),
        _facts(study, began, jobs),
        _failures(study),
        _models(study),
        _figures(study),
        _steps(study),
        "</body>\n</html>\n",
    ]
    path = study.folder / "report.html"
    write_atomic(path, "\n".join(part for part in parts if part))
    return path


def _verdict(study: Study) -> str:
    bad = any(step.status in ("failed", "not run") for step in study.steps.values())
    return f"<p class='verdict{' bad' if bad else ''}'>{html.escape(summary(study))}</p>"


def _facts(study: Study, began: datetime, jobs: int) -> str:
    seconds = (datetime.now().astimezone() - began).total_seconds()
    beside = f"; up to {jobs} steps side by side: times include what steps waited for each other"
    values = ", ".join(f"{key} = {value!r}" for key, value in study.parameters.items())
    facts = [
        ("Study", study.name),
        ("Dataset", study.dataset),
        *(("Data", note) for note in study.notes),
        *((f"Needs {key}".strip(), value) for key, value in study.needs.items()),
        ("Parameters", values or "the defaults of the notebooks"),
        ("Run", f"{began:%Y-%m-%d %H:%M}, {duration(seconds)}{beside if jobs > 1 else ''}"),
        ("Made with", _versions()),
    ]
    rows = (f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts)
    return f"<dl>{''.join(rows)}</dl>"


def _versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return ", ".join(found)


def _failures(study: Study) -> str:
    parts = []
    for step in study.steps.values():
        if step.status == "failed":
            parts.append(
                f"<h3>{_link(study, step, '.html', step.name)}, cell In [{step.cell}]</h3>"
                f"<p class='bad'>{html.escape(step.error)}</p>"
            )
            if step.traceback:
                parts.append(f"<pre>{html.escape(step.traceback)}</pre>")
    parts += [f"<p class='bad'>{html.escape(text)}</p>" for text in overwritten(study)]
    return "<h2>What went wrong</h2>" + "".join(parts) if parts else ""


def _link(study: Study, step: Step, suffix: str, text: str, anchor: str = "") -> str:
    name = f"{step.name}{suffix}"
    if not (study.folder / name).exists():
        return html.escape(text)
    return f"<a href='{html.escape(name + anchor)}'>{html.escape(text)}</a>"


def _models(study: Study) -> str:
    rows = leaderboard(study)
    if not rows:
        return "<h2>Leaderboard</h2><p class='soft'>No step wrote metrics.</p>"
    intervals = dict.fromkeys(
        key.removesuffix("_low") for row in rows for key in row if key.endswith("_low")
    )
    keys = [
        key
        for key in dict.fromkeys([*SHOWN, *intervals])
        if any(_number(row, key) is not None for row in rows)
    ]
    head = "".join(f"<th class='n'>{html.escape(key.replace('_', ' '))}</th>" for key in keys)
    body = "".join(_model_row(study, row, keys) for row in rows)
    return (
        f"<h2>Leaderboard</h2>{_charts(rows)}"
        f"<div class='wide'><table><tr><th>model</th><th>step</th>{head}<th>split</th></tr>"
        f"{body}</table></div><p class='soft'>Brackets hold the interval that the notebook "
        f"states (95 % unless it says otherwise). Rows compare only where dataset and split are "
        f"the same. All columns: <a href='leaderboard.csv'>leaderboard.csv</a></p>"
    )


def _model_row(study: Study, row: dict, keys: list[str]) -> str:
    step = study.steps[row["notebook"]]
    where = " · ".join(str(row[key]) for key in ("dataset", "split") if row.get(key))
    numbers = "".join(f"<td class='n'>{html.escape(_with_interval(row, key))}</td>" for key in keys)
    return (
        f"<tr><td>{html.escape(str(row.get('model', '')))}</td>"
        f"<td>{_link(study, step, '.html', step.name)}</td>{numbers}"
        f"<td>{html.escape(where)}</td></tr>"
    )


def _with_interval(row: dict, key: str) -> str:
    value, low, high = (_number(row, name) for name in (key, f"{key}_low", f"{key}_high"))
    if value is None:
        return ""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{2 if abs(value) < 100 else 0}f}"
    return text if low is None or high is None else f"{text} [{low:.2f}, {high:.2f}]"


def _charts(rows: list[dict]) -> str:
    """Draw one chart for each dataset and metric: only such rows compare."""
    tasks: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        if _number(row, _task(row)[1]) is not None:
            tasks.setdefault(_task(row), []).append(row)
    return "".join(_chart(some, metric, name) for (name, metric), some in tasks.items())


def _chart(rows: list[dict], metric: str, dataset: str) -> str:
    """Draw a dot and an interval for each figure, with a dashed line at chance."""
    left, width, height, top = 12, 456, 42, 26
    bottom = top + height * len(rows)
    marks = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = left + width * share
        marks.append(
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{top}' y2='{bottom}' stroke='#dde2e6'/>"
            f"<text x='{x:.1f}' y='{top - 8}' text-anchor='middle' fill='#5b6670'>{share:g}</text>"
        )
    for number, row in enumerate(rows):
        marks.append(_chart_row(row, metric, left, width, top + height * number, height))
    name = "ROC-AUC" if metric == "roc_auc" else metric
    note = html.escape(f"{name}{f' on {dataset}' if dataset else ''}, interval; dashed: chance")
    return (
        f"<svg viewBox='0 0 {left * 2 + width} {bottom + 26}' role='img' aria-label='{note}' "
        f"font-family='system-ui, sans-serif' font-size='13'>{''.join(marks)}"
        f"<text x='{left}' y='{bottom + 18}' fill='#5b6670'>{note}</text></svg>"
    )


def _chart_row(row: dict, metric: str, left: float, width: float, top: float, height: float) -> str:
    value, y = row[metric], top + height - 11
    low, high = (_number(row, f"{metric}_{end}", default=value) for end in ("low", "high"))
    x, x_low, x_high = (left + width * min(max(v, 0.0), 1.0) for v in (value, low, high))
    label = html.escape(f"{row.get('model', '')} · {row['notebook']}")
    chance = _number(row, "chance")
    line = ""
    if chance is not None:
        c = left + width * chance
        line = (
            f"<line x1='{c:.1f}' x2='{c:.1f}' y1='{top}' y2='{top + height}' stroke='#a3231b' "
            f"stroke-width='1.5' stroke-dasharray='4 3'/>"
        )
    return (
        f"{line}<text x='{left + 4}' y='{top + 17}' fill='#1d2329' "
        f"stroke='#fff' stroke-width='4' paint-order='stroke'>{label}</text>"
        f"<line x1='{x_low:.1f}' x2='{x_high:.1f}' y1='{y}' y2='{y}' stroke='#14647a' "
        f"stroke-width='3' stroke-linecap='round'/>"
        f"<circle cx='{x:.1f}' cy='{y}' r='5' fill='#14647a'/>"
    )


def _figures(study: Study) -> str:
    parts = [part for step in study.steps.values() for part in _step_figures(study, step)]
    return "<h2>Key figures</h2>" + "".join(parts) if parts else ""


def _step_figures(study: Study, step: Step) -> Iterator[str]:
    if step.status not in OK:
        return
    heading = step.name
    for cell in nbformat.read(study.path(step, ".ipynb"), as_version=4).cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,6} +(.+?) *#*$", cell.source, re.MULTILINE)
            heading = found[-1] if found else heading
        elif "key-figure" in cell.metadata.get("tags", []):
            caption = re.sub(r"[*`_]{1,2}(\S.*?)[*`_]{1,2}", r"\1", heading)
            link = _link(study, step, ".html", step.name)
            for image in _images(cell):
                yield (
                    f"<figure><img src='{image}' alt='{html.escape(caption)}'>"
                    f"<figcaption>{html.escape(caption)} · {link}</figcaption></figure>"
                )


def _images(cell: nbformat.NotebookNode) -> Iterator[str]:
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "image/svg+xml" in data:
            svg = base64.b64encode(data["image/svg+xml"].encode()).decode()
            yield f"data:image/svg+xml;base64,{svg}"
            continue
        for kind in ("image/png", "image/jpeg"):
            if kind in data:
                yield f"data:{kind};base64,{''.join(data[kind].split())}"
                break


def _own_parameters(study: Study, step: Step) -> Iterator[tuple[str, Any]]:
    """Find the values that this step does not share with the whole study."""
    shared = {"DATASET": study.dataset, **study.parameters}
    for key, value in step.parameters.items():
        same = key in shared and shared[key] == value
        if not same and key not in ("DATA_DIR", "OUT_DIR", "RUN_NAME"):
            yield key, value


def _steps(study: Study) -> str:
    rows = []
    for step in study.steps.values():
        text = ", ".join(f"{key} = {value!r}" for key, value in _own_parameters(study, step))
        took = duration(step.seconds) if step.seconds else ""
        bad = " class='bad'" if step.status in ("failed", "not run") else ""
        rows.append(
            f"<tr><td>{_link(study, step, '.html', step.name)}</td>"
            f"<td>{_link(study, step, '.ipynb', step.notebook)}</td>"
            f"<td{bad}>{step.status}</td><td class='n'>{took}</td>"
            f"<td class='text'><code>{html.escape(text)}</code></td></tr>"
        )
    return (
        "<h2>Steps</h2><div class='wide'><table><tr><th>step (web page)</th>"
        "<th>notebook (to open in Jupyter)</th><th>status</th><th class='n'>time</th>"
        f"<th>parameters</th></tr>{''.join(rows)}</table></div>"
    )
