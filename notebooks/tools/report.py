"""What a study leaves for people: the leaderboard and a report page that needs no network."""

from __future__ import annotations

import base64
import contextlib
import html
import importlib.metadata
import io
import json
import platform
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import nbformat
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from helpers import __version__, plotting
from helpers.files import write_atomic

if TYPE_CHECKING:
    from notebooks.tools.plan import Step, Study

OK = ("done", "unchanged", "earlier")
COLUMNS = [
    *("model", "notebook", "dataset", "split", "n_test", "n_classes", "chance", "majority"),
    *("accuracy", "accuracy_low", "accuracy_high", "macro_f1", "macro_f1_low", "macro_f1_high"),
    *("top3", "log_loss", "parameters", "train_seconds"),
]
FIXED = ("model", "dataset", "n_classes", "chance", "parameters")  # the same in each training
MEANS = ("accuracy", "macro_f1", "top3", "roc_auc", "log_loss", "train_seconds")
SHOWN = ["accuracy", "n_test", "chance", "macro_f1", "top3", "log_loss", "parameters",
         "train_seconds", "folds", "seeds"]  # fmt: skip
MANY = 12  # models: more are one a notebook in the chart, and their table is folded
TABLES = ("leaderboard.csv", "ablations.csv")
HIGHEST = ", the highest model of each step"
PACKAGES = ("numpy", "pandas", "scikit-learn", "librosa", "keras", "tensorflow", "papermill")


def read_json(path: Path) -> dict:
    """Read a JSON object; anything else, a missing or broken file too, is an empty one."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def duration(seconds: float) -> str:
    """Write a time in seconds as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def summary(study: Study) -> str:
    """Say in one line how many steps ended how."""
    states = [step.status for step in study.steps.values()]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{len(states)} step{'s' if len(states) != 1 else ''}: {counts}"


def leaderboard(study: Study, *, ablations: bool = False) -> pd.DataFrame:
    """Collect what the successful steps measured: the study's dataset first, the best model first.

    Ablations, models trained to show what a part is worth or what a mistake costs, are a table of
    their own. They bear ``"ablation": true``.

    In each dataset, models with one answer a track, by accuracy, stand before those with several,
    by ROC-AUC. The column ``metric`` says which of the two counts. A model that was trained in
    several repetitions of a step is one row: the means, and how many folds and seeds they hold.
    """
    good = {step.name for step in study.steps.values() if step.status in OK}
    files = sorted((study.folder / "metrics").glob("*.json"))
    rows = [row for path in files if (row := read_json(path)).get("notebook") in good]
    rows = [row for row in rows if row.pop("ablation", False) == ablations]
    trainings = {}
    for row in rows:
        same = study.steps[row["notebook"]].base, row.get("model"), row.get("dataset")
        trainings.setdefault(same, []).append(row)
    rows = [same[0] if len(same) == 1 else _pooled(base, same)
            for (base, *_), same in trainings.items()]  # fmt: skip
    names = dict.fromkeys([*COLUMNS, "roc_auc", *(name for row in rows for name in row)])
    found = pd.DataFrame(rows, columns=list(names), dtype=object)  # whole numbers stay whole
    several = found["accuracy"].isna() & found["roc_auc"].notna()
    found["metric"] = several.map({True: "roc_auc", False: "accuracy"})
    found["score"] = pd.to_numeric(found["roc_auc"].where(several, found["accuracy"]))
    found["place"] = found["dataset"] != study.dataset
    order = ["place", "dataset", "metric", "score"]
    found = found.sort_values(order, ascending=[True, True, True, False], kind="stable")
    return found.drop(columns=["place", "score"]).reset_index(drop=True)


def _pooled(base: str, rows: list[dict]) -> dict:
    """Make one row of several trainings; their intervals hold one fold and seed each, and go."""
    means = {key: sum(row[key] for row in rows) / len(rows)
             for key in MEANS if all(key in row for row in rows)}  # fmt: skip
    folds = {row.get("fold"): row.get("n_test", 0) for row in rows}
    counts = {"folds": len(folds), "seeds": len({row.get("seed") for row in rows})}
    fixed = {key: rows[0].get(key) for key in FIXED}
    return fixed | {"notebook": base, "n_test": sum(folds.values())} | counts | means


def write_leaderboard(study: Study) -> Path:
    """Write ``leaderboard.csv`` and ``ablations.csv``: one row a model, missing values empty."""
    for name, ablations in zip(TABLES, (False, True)):
        found = leaderboard(study, ablations=ablations).drop(columns="metric")
        if len(found):
            found = found.dropna(axis="columns", how="all")
        write_atomic(study.folder / name, found.to_csv(index=False, lineterminator="\n"))
    return study.folder / TABLES[0]


def overwritten(study: Study) -> Iterator[str]:
    """Find metrics that another step wrote over: a model that is missing from the table."""
    for step in study.steps.values():
        for name in read_json(study.state(step)).get("metrics", []):
            owner = read_json(study.folder / "metrics" / name).get("notebook", step.name)
            if step.status in OK and owner != step.name:
                yield f"metrics/{name} of {step.name} was written over by {owner}"


# --- report --------------------------------------------------------------------------------


def write_report(study: Study, *, began: datetime, jobs: int = 1) -> Path:
    """Write ``report.html``: one page that works from disk without network."""
    here = jinja2.FileSystemLoader(Path(__file__).parent)
    template = jinja2.Environment(loader=here, autoescape=True).get_template("report.html")
    found, shown = leaderboard(study), leaderboard(study, ablations=True)
    steps = study.steps.values()
    page = template.render(
        study=study,
        summary=summary(study),
        headline=headline(study, found),
        analysis=next((s for s in steps if s.notebook[:2] == "11" and s.status in OK), None),
        facts=list(_facts(study, began, jobs)),
        failed=[step for step in steps if step.status == "failed"],
        not_run=[step for step in steps if step.status == "not run"],
        overwritten=list(overwritten(study)),
        charts=list(charts(found)),
        models=_table(study, found) if len(found) else "",
        n_models=len(found),
        many=len(found) > MANY,
        ablations=_table(study, shown) if len(shown) else "",
        n_ablations=len(shown),
        figures=[figure for step in steps for figure in _key_figures(study, step)],
        on_site={path.stem for path in study.folder.parent.glob("site/notebooks/*.html")},
        duration=duration,
        own=lambda step: _own_parameters(study, step),
    )
    path = study.folder / "report.html"
    write_atomic(path, page)
    return path


def headline(study: Study, found: pd.DataFrame) -> str:
    """Say which model scored highest, and how far that can be believed; empty without models."""
    rows = found[found["dataset"] == study.dataset]
    rows = rows[rows["metric"] == rows["metric"].iloc[0]] if len(rows) else rows
    if rows.empty:
        return ""
    best, metric = rows.iloc[0].to_dict(), rows["metric"].iloc[0]
    name = "ROC-AUC" if metric == "roc_auc" else metric
    said = f"Of {len(rows)} models, {best['model']} ({best['notebook']}) scores highest on the "
    said += f"test tracks: {name} {with_interval(best, metric)}"
    said += "".join(f", {word} {with_interval(best, key)}"
                    for key, word in (("n_test", "tracks"), ("chance", "chance"))
                    if pd.notna(best.get(key)))  # fmt: skip
    low = best.get(f"{metric}_low")
    if len(rows) > 1 and pd.notna(low):
        reach = int((rows[f"{metric}_high"].iloc[1:].astype(float) >= low).sum())
        said += f". The intervals of {reach} others reach into its own"
    return said + (". The highest of several flatters." if len(rows) > 1 else ".")


def _facts(study: Study, began: datetime, jobs: int) -> Iterator[tuple[str, str]]:
    took = duration((datetime.now().astimezone() - began).total_seconds())
    beside = f"; up to {jobs} steps side by side: times include what steps waited for each other"
    yield from (("Study", study.name), ("Dataset", study.dataset))
    yield from (("Data", note) for note in study.notes)
    yield from ((f"Needs {key}".strip(), value) for key, value in study.needs.items())
    yield "Parameters", _assigned(study.parameters.items()) or "the defaults of the notebooks"
    yield "Run", f"{began:%Y-%m-%d %H:%M}, {took}{beside if jobs > 1 else ''}"
    versions = [f"this series {__version__}", f"Python {platform.python_version()}"]
    for name in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    yield "Made with", ", ".join(versions)


def _assigned(items) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in items)


def _own_parameters(study: Study, step: Step) -> str:
    """Write the values that this step does not share with the whole study."""
    shared = {"DATASET": study.dataset, **study.parameters}
    runner = ("DATA_DIR", "OUT_DIR", "RUN_NAME")
    own = {k: v for k, v in step.parameters.items() if not (k in shared and shared[k] == v)}
    return _assigned((key, value) for key, value in own.items() if key not in runner)


@rc_context({"text.parse_math": False})  # a name with $ is no formula
def charts(found: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Draw one chart for each dataset and metric: only such rows compare."""
    for (dataset, metric), rows in found.groupby(["dataset", "metric"], sort=False, dropna=False):
        rows = rows[rows[metric].notna()]
        if rows.empty:
            continue
        if many := len(rows) > MANY:
            rows = rows.drop_duplicates("notebook")
        rows = rows.set_index(rows["model"].fillna("") + " · " + rows["notebook"])
        ends = [metric, f"{metric}_low", f"{metric}_high"]
        drawn = rows.reindex(columns=ends).astype(float)
        for end in ends[1:]:
            drawn[end] = drawn[end].fillna(drawn[metric])
        chance = rows["chance"].dropna().unique()
        figure = Figure(figsize=(8, 0.8 + 0.35 * len(rows)), layout="constrained")
        plotting.intervals(drawn, metric=metric, chance=chance[0] if len(chance) == 1 else None,
                           ax=figure.subplots())  # fmt: skip
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=110)
        name = "ROC-AUC" if metric == "roc_auc" else metric
        yield (
            f"{name} on {dataset}{HIGHEST * many}, interval; dotted: chance",
            _uri("image/png", picture.getvalue()),
        )


def _table(study: Study, found: pd.DataFrame) -> str:
    """Write the leaderboard as HTML; figures stand with their interval."""
    ends = [key.removesuffix("_low") for key in found if key.endswith("_low")]
    keys = [
        key for key in dict.fromkeys([*SHOWN, *ends]) if key in found and found[key].notna().any()
    ]
    table = pd.DataFrame({"model": _escaped(found["model"])})
    pages = {name: name in study.steps and study.path(study.steps[name], ".html").exists()
             for name in found["notebook"]}  # fmt: skip
    table["step"] = [f"<a href='{name}.html'>{name}</a>" if pages[name] else name
                     for name in found["notebook"]]  # fmt: skip
    for key in keys:
        table[key.replace("_", " ")] = [with_interval(row, key) for row in found.to_dict("records")]
    where = zip(_escaped(found["dataset"]), _escaped(found["split"]))
    table["split"] = [" · ".join(filter(None, both)) for both in where]
    return table.to_html(index=False, escape=False, border=0)


def _escaped(column: pd.Series) -> list[str]:
    return ["" if pd.isna(value) else html.escape(str(value)) for value in column]


def with_interval(row: dict, key: str) -> str:
    """Write a figure of a row of the leaderboard, with its interval where it has one."""
    value, low, high = (row.get(name) for name in (key, f"{key}_low", f"{key}_high"))
    if pd.isna(value):
        return ""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.{2 if abs(value) < 100 else 0}f}"
    return text if pd.isna([low, high]).any() else f"{text} [{low:.2f}, {high:.2f}]"


def _key_figures(study: Study, step: Step) -> Iterator[tuple[Step, str, str]]:
    """Find the figures of cells tagged key-figure, each with the heading above it."""
    if step.status not in OK or step.repetition:  # those of the first repetition are enough
        return
    heading = step.name
    for cell in nbformat.read(study.path(step, ".ipynb"), as_version=4).cells:
        if cell.cell_type == "markdown":
            found = re.findall(r"^#{1,6} +(.+?) *#*$", cell.source, re.MULTILINE)
            heading = found[-1] if found else heading
        elif "key-figure" in cell.metadata.get("tags", []):
            caption = re.sub(r"[*`_]{1,2}(\S.*?)[*`_]{1,2}", r"\1", heading)
            yield from ((step, caption, image) for image in _images(cell))


def _images(cell: nbformat.NotebookNode) -> Iterator[str]:
    for data in (output.get("data", {}) for output in cell.get("outputs", [])):
        if "image/svg+xml" in data:
            yield _uri("image/svg+xml", data["image/svg+xml"].encode())
        elif kind := next((k for k in ("image/png", "image/jpeg") if k in data), None):
            yield f"data:{kind};base64,{''.join(data[kind].split())}"


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
