"""Run a study: a YAML file that runs notebooks of the series, in order, on one dataset.

::

    python -m helpers.study notebooks/studies/demo.yml --data-dir data --jobs 2

A study file holds::

    name: demo                    # folder under runs/; default: the name of the file
    title: A first look           # text, shown in the report
    description: What it is for.  # text, shown in the report
    needs: nothing                # text, or a mapping of texts: data, disk, hours
    dataset: demo                 # becomes DATASET in every notebook
    parameters: {SEED: 1}         # given to each notebook that declares them
    steps:
      - notebook: 02_feature_extraction
      - notebook: 05_convpool
        name: 05_convpool_wide    # default: the name of the notebook
        after: [02_feature_extraction]
        parameters: {EPOCHS: 20}

Each step is executed with papermill into ``runs/<study>/<step>.ipynb``. A step whose notebook,
parameters, helpers and inputs have not changed is skipped; a step that fails stops only what comes
after it. With ``--jobs``, steps that do not come after each other run side by side, those with the
longest chain behind them first. The run ends with ``leaderboard.csv`` and ``report.html``. Exit
status: 0 if all went well, 1 if a step failed, 2 if the study was refused, 130 if it was
interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import hashlib
import importlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import nbformat
import yaml

from helpers import report
from helpers.files import write_atomic
from helpers.notebooks import (
    KERNEL_ARGUMENTS,
    ROOT,
    UNKNOWN,
    Parameter,
    QuietKernelManager,
    code_hash,
    kernel_environment,
    parameters,
    to_html,
)

STUDY_KEYS = {
    "name": str,
    "title": str,
    "description": str,
    "needs": (str, dict),
    "dataset": str,
    "parameters": dict,
    "steps": list,
}
STEP_KEYS = {"notebook": str, "name": str, "after": list, "parameters": dict}
RUNNER_SETS = {
    "DATA_DIR": "use --data-dir",
    "OUT_DIR": "use --runs-dir",
    "RUN_NAME": "use the step's name",
}
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class StudyError(ValueError):
    """A study cannot be run as it is written; the message names the file and the key."""


@dataclass
class Step:
    """One execution of one notebook, and how far it is."""

    name: str
    notebook: str
    after: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    declared: dict[str, Parameter] = field(default_factory=dict)
    nb: nbformat.NotebookNode | None = None
    status: str = "waiting"
    fingerprint: str = ""
    began: float = 0.0
    seconds: float = 0.0
    finished: str = ""
    cell: int = 0
    n_cells: int = 0
    error: str = ""
    traceback: str = ""

    def value(self, name: str, default: Any = None) -> Any:
        """Return the value that a parameter has in this step, set or declared."""
        if name in self.parameters:
            return self.parameters[name]
        declared = self.declared[name].default if name in self.declared else UNKNOWN
        return default if declared is UNKNOWN else declared


@dataclass
class Study:
    """A validated study: all that is needed to run it."""

    name: str
    title: str
    description: str
    needs: dict[str, str]
    dataset: str
    parameters: dict[str, Any]
    steps: dict[str, Step]
    root: Path
    folder: Path
    data: dict[str, str] = field(default_factory=dict)  # step name -> digest of its dataset
    notes: list[str] = field(default_factory=list)

    def path(self, step: Step, suffix: str) -> Path:
        """Return the path of the executed notebook of a step, or of its web page."""
        return self.folder / f"{step.name}{suffix}"

    def state(self, step: Step) -> Path:
        """Return the path of the file that exists only if the step succeeded."""
        return self.folder / ".state" / f"{step.name}.json"


# --- reading and refusing ------------------------------------------------------------------


def load_study(path: Path, *, data_dir: Path, runs_dir: Path, root: Path = ROOT) -> Study:
    """Read a study file and check all of it before anything runs.

    Parameters
    ----------
    path : pathlib.Path
        The YAML file.
    data_dir, runs_dir : pathlib.Path
        Where the datasets lie and where the run is written. Absolute.
    root : pathlib.Path
        The root of the repository, where the kernels run.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        With one line for each thing that is wrong, naming the file and the key.

    Examples
    --------
    >>> load_study(Path("no/such.yml"), data_dir=Path("data"), runs_dir=Path("runs"))
    Traceback (most recent call last):
    helpers.study.StudyError: no/such.yml: no such study file
    """
    raw = _read_yaml(path)
    _refuse(path, _wrong_keys(raw, STUDY_KEYS, required=("dataset", "steps")))
    _refuse(path, [p for i, step in enumerate(raw["steps"], start=1) for p in _wrong_step(step, i)])
    name = raw.get("name", path.stem)
    steps = [_step(entry, root) for entry in raw["steps"]]
    needs = raw.get("needs", {})
    study = Study(
        name=name,
        title=raw.get("title", name),
        description=raw.get("description", ""),
        needs={k: str(v) for k, v in needs.items()} if isinstance(needs, dict) else {"": needs},
        dataset=raw["dataset"],
        parameters=raw.get("parameters", {}),
        steps={step.name: step for step in steps},
        root=root,
        folder=runs_dir / name,
    )
    _refuse(path, _wrong_names(name, steps, root))
    _refuse(path, [*_wrong_order(study), *_wrong_parameters(study)])
    for step in steps:
        step.parameters = _injected(study, step, data_dir)
    return study


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error, not a silent loss."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"the key {key.value} stands twice (line {line})")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> dict:
    if not path.is_file():
        found = ", ".join(sorted(other.name for other in path.parent.glob("*.yml")))
        raise StudyError(f"{path}: no such study file" + (f"; there are: {found}" if found else ""))
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise StudyError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise StudyError(f"{path}: a study is a mapping with the keys {', '.join(STUDY_KEYS)}")
    return raw


def _refuse(path: Path, problems: Iterable[str]) -> None:
    problems = list(problems)
    if problems:
        raise StudyError("\n".join(f"{path}: {problem}" for problem in problems))


def _wrong_keys(entry: dict, keys: dict, *, required: Sequence[str]) -> Iterator[str]:
    for key in required:
        if not entry.get(key):
            yield f"{key} is missing"
    for key, value in entry.items():
        if key not in keys:
            yield f"unknown key {key!r}{_hint(key, keys)}"
        elif not isinstance(value, keys[key]):
            kinds = keys[key] if isinstance(keys[key], tuple) else (keys[key],)
            names = {str: "text", dict: "a mapping", list: "a list"}
            wanted = " or ".join(names[kind] for kind in kinds)
            yield f"{key} must be {wanted}, not {value!r}"


def _wrong_step(entry: Any, number: int) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"steps[{number}] must be a mapping such as {{notebook: 05_convpool}}, not {entry!r}"
        return
    for problem in _wrong_keys(entry, STEP_KEYS, required=("notebook",)):
        yield f"steps[{number}]: {problem}"


def _step(entry: dict, root: Path) -> Step:
    step = Step(
        name=entry.get("name", entry["notebook"]),
        notebook=entry["notebook"],
        after=tuple(entry.get("after", ())),
        parameters=entry.get("parameters", {}),
    )
    path = root / "notebooks" / f"{step.notebook}.ipynb"
    if path.is_file():
        step.nb = nbformat.read(path, as_version=4)
        step.declared = parameters(step.nb)
    return step


def _wrong_names(name: str, steps: list[Step], root: Path) -> Iterator[str]:
    known = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    seen = set()
    if not SAFE_NAME.fullmatch(name):
        yield f"name: {name!r} must consist of letters, digits, - and _"
    for step in steps:
        where = f"step {step.name}"
        if not SAFE_NAME.fullmatch(step.name) or step.name == "report":
            yield f"{where}: name must consist of letters, digits, - and _ and not be 'report'"
        if step.name in seen:
            yield f"{where}: name stands twice; give one of the steps another name"
        seen.add(step.name)
        if step.nb is None:
            yield (
                f"{where}: notebook: there is no notebooks/{step.notebook}.ipynb"
                f"{_hint(step.notebook, known)}"
            )


def _wrong_order(study: Study) -> Iterator[str]:
    for step in study.steps.values():
        for other in step.after:
            if other not in study.steps:
                yield (
                    f"step {step.name}: after: there is no step {other!r}"
                    f"{_hint(other, study.steps)}"
                )
    try:
        TopologicalSorter({step.name: step.after for step in study.steps.values()}).prepare()
    except CycleError as error:
        yield f"steps: after goes in a circle: {' -> '.join(map(str, error.args[1]))}"


def _wrong_parameters(study: Study) -> Iterator[str]:
    steps = study.steps.values()
    for key, value in study.parameters.items():
        if key in RUNNER_SETS or key == "DATASET":
            yield f"parameters: {key}: {RUNNER_SETS.get(key, 'use the key dataset')}"
        elif not any(key in step.declared for step in steps):
            names = {name for step in steps for name in step.declared}
            yield f"parameters: no notebook of the study declares {key}{_hint(key, names)}"
        else:
            wrong = (_wrong_type(value, s.declared[key]) for s in steps if key in s.declared)
            yield from (f"parameters: {key}: {problem}" for problem in {*wrong} - {""})
    for step in steps:
        for key, value in step.parameters.items():
            where = f"step {step.name}: parameters: {key}"
            if key in RUNNER_SETS:
                yield f"{where}: {RUNNER_SETS[key]}"
            elif key not in step.declared:
                hint = _hint(key, step.declared)
                yield f"{where}: notebooks/{step.notebook}.ipynb does not declare it{hint}"
            elif problem := _wrong_type(value, step.declared[key]):
                yield f"{where}: {problem}"


def _wrong_type(value: Any, declared: Parameter) -> str:
    """Compare a value with the declared default, where the default says clearly what it takes."""
    default = declared.default
    several = re.search(r"\||\b(Any|Union|Optional)\b", declared.annotation)
    if default is None or default is UNKNOWN or value is None or several:
        return ""
    if isinstance(default, bool) or isinstance(value, bool):
        fits = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, float):
        fits = isinstance(value, (int, float))
    elif isinstance(default, tuple):
        fits = isinstance(value, list)
    else:
        fits = isinstance(value, type(default))
    if fits:
        return ""
    wanted = "list" if isinstance(default, tuple) else type(default).__name__
    hint = ""
    if isinstance(value, str) and not isinstance(default, str):
        with contextlib.suppress(ValueError):
            hint = f"; write {float(value)!r}"  # YAML reads 1e-3 and "3" as text
    return f"must be {wanted} like the default {default!r}, not {value!r}{hint}"


def _hint(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _injected(study: Study, step: Step, data_dir: Path) -> dict[str, Any]:
    """Return what papermill injects: the shared values, the step's own, and the runner's."""
    values = {
        "DATASET": study.dataset,
        **study.parameters,
        **step.parameters,
        "DATA_DIR": _for_kernel(data_dir, study.root),
        "OUT_DIR": _for_kernel(study.folder, study.root),
        "RUN_NAME": step.name,
    }
    return {key: value for key, value in values.items() if key in step.declared}


def _for_kernel(path: Path, root: Path) -> str:
    """Return a path as the kernel, which runs in the root, should see it."""
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


# --- is the data there? --------------------------------------------------------------------


def preflight(study: Study, steps: Iterable[Step]) -> None:
    """Load the table of every real dataset that the steps use, before anything runs.

    The demo datasets render themselves and are left alone.

    Parameters
    ----------
    study : Study
        The study. Its ``data`` and ``notes`` are filled in.
    steps : iterable of Step
        The steps that will run.

    Raises
    ------
    StudyError
        If a dataset is absent or its options are wrong.

    Examples
    --------
    >>> preflight(study, study.steps.values())  # doctest: +SKIP
    """
    loaded: dict[str, str] = {}
    for step in steps:
        name = step.value("DATASET", study.dataset)
        if name.startswith("demo"):
            continue
        options = {
            "classes": step.value("CLASSES") or None,
            **(step.value("DATASET_OPTIONS") or {}),
        }
        key = _canonical([name, options])
        if key not in loaded:
            loaded[key] = _load(study, name, step.value("DATA_DIR", "data"), options)
        study.data[step.name] = loaded[key]


def _load(study: Study, name: str, data_dir: str, options: dict) -> str:
    datasets = importlib.import_module("helpers.datasets")
    try:
        dataset = datasets.load(name, data_dir, **options)
    except (datasets.DatasetError, TypeError, ValueError) as error:
        needs = "".join(f"\n  {kind}: {text}" for kind, text in study.needs.items() if kind)
        needs = f"\nThe study {study.name} needs{needs}" if needs else ""
        said = str(error).removeprefix(f"{name}: ")
        raise StudyError(f"dataset {name}: {said}{needs}") from error
    study.notes.append(f"{name}: {len(dataset.tracks)} tracks, {len(dataset.classes)} classes")
    study.notes += [str(note) for note in dataset.notes]
    return _hash(_file_facts(Path(path)) for path in dataset.tracks["path"])


def _file_facts(path: Path) -> str:
    try:
        facts = path.stat()
    except OSError:
        return f"{path} absent"
    return f"{path} {facts.st_size} {facts.st_mtime_ns}"


# --- what need not run again ---------------------------------------------------------------


def _hash(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _helpers_hash(root: Path) -> str:
    files = sorted((root / "helpers").glob("*.py"))
    return _hash(part for path in files for part in (path.name, path.read_text("utf-8")))


def _fingerprint(study: Study, step: Step, helpers: str) -> str:
    """Hash all that the results of a step depend on."""
    parents = [study.steps[name] for name in step.after]
    return _hash(
        [
            code_hash(step.nb),
            _canonical(step.parameters),
            helpers,
            study.data.get(step.name, ""),
            *(f"{parent.fingerprint} {parent.finished}" for parent in parents),
        ]
    )


def _recall(study: Study, step: Step) -> bool:
    """Take over an earlier result of the step, if it still holds."""
    state = report.read_json(study.state(step))
    if state.get("fingerprint") != step.fingerprint:
        return False
    if not all((study.folder / name).exists() for name in state["outputs"]):
        return False
    step.seconds, step.finished = state["seconds"], state["finished"]
    step.cell = step.n_cells = state["n_cells"]
    return True


def _forget(study: Study, step: Step) -> None:
    """Remove what an earlier execution of the step left, so that nothing stale is counted."""
    study.state(step).unlink(missing_ok=True)
    for suffix in (".ipynb", ".html"):
        study.path(step, suffix).unlink(missing_ok=True)
    for path in _metric_files(study, step):
        path.unlink(missing_ok=True)


def _metric_files(study: Study, step: Step) -> list[Path]:
    files = sorted((study.folder / "metrics").glob("*.json"))
    return [path for path in files if report.read_json(path).get("notebook") == step.name]


def _written_since(study: Study, began: float) -> Iterator[Path]:
    """Find the models, tables and lists that a step left. The feature store keeps its own books."""
    for folder in ("models", "predictions", "tables", "."):
        pattern = "**/*.*" if folder == "models" else "*.*"
        for path in sorted((study.folder / folder).glob(pattern)):
            own = folder != "." or path.suffix == ".csv"
            if own and path.name[0] != "." and path.name != "leaderboard.csv":
                with contextlib.suppress(FileNotFoundError):  # a step beside it may move a file
                    if path.is_file() and path.stat().st_mtime >= began:
                        yield path


# --- running -------------------------------------------------------------------------------


class Progress:
    """Prints lines for a log; on a terminal also one line that shows what is running.

    Parameters
    ----------
    stream : text stream
        Where to print.
    every : float
        Seconds between two signs of life in a plain log.

    Examples
    --------
    >>> Progress(sys.stdout).line("[1/2] 01_data_visualization: running")
    [1/2] 01_data_visualization: running
    """

    def __init__(self, stream: Any, *, every: float = 60.0) -> None:
        self.stream, self.every = stream, every
        self.live = bool(getattr(stream, "isatty", lambda: False)())
        self.last = time.monotonic()

    def line(self, text: str) -> None:
        """Print a line that stays."""
        print(("\r\x1b[K" if self.live else "") + text, file=self.stream, flush=True)

    def tick(self, steps: Iterable[Step]) -> None:
        """Show how far the running steps are; call it often."""
        shown = [
            f"{step.name}: cell {step.cell} of {step.n_cells}, "
            f"{report.duration(time.time() - step.began)}"
            for step in steps
            if step.status == "running"
        ]
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print("\r\x1b[K" + " | ".join(shown)[:width], end="", file=self.stream, flush=True)
        elif shown and time.monotonic() - self.last > self.every:
            self.last = time.monotonic()
            self.line("      ... " + " | ".join(shown))


def run_study(
    study: Study,
    *,
    jobs: int = 1,
    only: Sequence[str] = (),
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Step]:
    """Execute the steps of a study and write the leaderboard and the report.

    Parameters
    ----------
    study : Study
        A validated study.
    jobs : int
        How many steps may run side by side.
    only : sequence of str
        Run these steps and what they come after; empty means all.
    force : bool
        Run the steps (those in `only`, if given) even if nothing changed.
    progress : Progress, optional
        Where progress is printed; standard output by default.

    Returns
    -------
    dict of str to Step
        The steps by name, with status ``"done"``, ``"unchanged"``, ``"failed"``, ``"not run"``
        or, for what `only` leaves out, ``"earlier"`` (it has results) and ``"not selected"``.

    Raises
    ------
    StudyError
        If `only` names an unknown step, a dataset is absent, or another run is at work.

    Examples
    --------
    >>> run_study(study, jobs=2)  # doctest: +SKIP
    """
    progress = progress or Progress(sys.stdout)
    forced = set(only or study.steps) if force else set()
    with contextlib.chdir(study.root), kernel_environment():
        selected = _select(study, only)
        preflight(study, selected.values())
        began = datetime.now().astimezone()
        (study.folder / ".state").mkdir(parents=True, exist_ok=True)
        if jobs > 1:  # kernels that start together must not compile together: see warmup
            warmup = [sys.executable, "-m", "helpers.warmup"]
            subprocess.run(warmup, stderr=subprocess.DEVNULL, check=False)
        with _lock(study):
            _run_steps(study, selected, jobs=jobs, forced=forced, progress=progress)
            report.write_leaderboard(study)
            report.write_report(study, began=began, jobs=jobs)
    return study.steps


def _select(study: Study, only: Sequence[str]) -> dict[str, Step]:
    unknown = [
        f"--only: there is no step {n!r}{_hint(n, study.steps)}"
        for n in only
        if n not in study.steps
    ]
    if unknown:
        raise StudyError("\n".join(unknown))
    chosen, todo = set(), list(only or study.steps)
    while todo:
        name = todo.pop()
        if name not in chosen:
            chosen.add(name)
            todo += study.steps[name].after
    for step in study.steps.values():
        state = report.read_json(study.state(step))
        step.status = "earlier" if state else "not selected"
        step.seconds, step.finished = state.get("seconds", 0.0), state.get("finished", "")
        if step.name in chosen:
            step.status, step.seconds = "waiting", 0.0
    return {name: step for name, step in study.steps.items() if name in chosen}


@contextlib.contextmanager
def _lock(study: Study) -> Iterator[None]:
    """Keep a second run out of the same folder; the system frees the lock when a run dies."""
    with open(study.folder / ".state" / "lock", "w") as file:
        with contextlib.suppress(ImportError):  # fcntl exists on Linux and macOS
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"another run is at work in {study.folder}; wait for it or stop it"
                raise StudyError(message) from error
        yield


def _run_steps(
    study: Study, selected: dict[str, Step], *, jobs: int, forced: set[str], progress: Progress
) -> None:
    logging.getLogger("papermill").setLevel(logging.ERROR)
    order = TopologicalSorter({step.name: step.after for step in selected.values()})
    order.prepare()
    rank = _ranks(selected, jobs)
    helpers = _helpers_hash(study.root)
    ready: list[str] = []
    running: dict[Future, Step] = {}
    pool = ThreadPoolExecutor(jobs)
    while order.is_active():
        ready = sorted([*ready, *order.get_ready()], key=rank.get)
        while ready and len(running) < jobs:
            step = selected[ready.pop(0)]
            if _settle(study, step, helpers, forced):
                _announce(study, step, progress)
                order.done(step.name)
                ready = sorted([*ready, *order.get_ready()], key=rank.get)
            else:
                step.status, step.began = "running", time.time()
                _announce(study, step, progress)
                running[pool.submit(_execute, study, step)] = step
        for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
            step = running.pop(future)
            step.status = future.result()
            _announce(study, step, progress)
            order.done(step.name)
        progress.tick(running.values())
    pool.shutdown()


def _ranks(selected: dict[str, Step], jobs: int) -> dict[str, tuple[int, int]]:
    """Say which steps go first: those with the longest chain behind them, then as they are listed.

    A chain that starts late ends alone, while the other jobs have nothing to do.
    """
    chain = dict.fromkeys(selected, 0)
    order = TopologicalSorter({step.name: step.after for step in selected.values()})
    for name in reversed(list(order.static_order()) if jobs > 1 else []):
        for earlier in selected[name].after:
            chain[earlier] = max(chain[earlier], chain[name] + 1)
    return {name: (-chain[name], place) for place, name in enumerate(selected)}


def _settle(study: Study, step: Step, helpers: str, forced: set[str]) -> bool:
    """Decide whether a step whose turn has come need not, or cannot, be executed."""
    broken = [name for name in step.after if study.steps[name].status not in report.OK]
    if broken:
        step.status, step.error = "not run", f"comes after {', '.join(broken)}"
        return True
    step.fingerprint = _fingerprint(study, step, helpers)
    if step.name not in forced and _recall(study, step):
        step.status = "unchanged"
        return True
    return False


def _execute(study: Study, step: Step) -> str:
    """Execute one step, in its thread; return its status."""
    import papermill

    step.n_cells = _n_code_cells(step.nb) + bool(step.parameters)
    try:
        _forget(study, step)
        papermill.execute_notebook(
            str(study.root / "notebooks" / f"{step.notebook}.ipynb"),
            str(study.path(step, ".ipynb")),
            parameters=step.parameters or None,
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            start_timeout=120,
            extra_arguments=list(KERNEL_ARGUMENTS),
            kernel_manager_class=QuietKernelManager,
            cwd=str(study.root),
            on_cell_start=lambda cell, cell_index: _count(step, cell),
        )
        if step.cell < step.n_cells:  # papermill takes sys.exit() for success
            raise StudyError("the notebook ended itself before its last cell")
        _write_page(study, step)
        _remember(study, step)
    except Exception as error:
        _explain(step, error)
        with contextlib.suppress(Exception):  # the page is only a convenience here
            _write_page(study, step)
        return "failed"
    return "done"


def _n_code_cells(nb: nbformat.NotebookNode) -> int:
    return sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in nb.cells)


def _count(step: Step, cell: nbformat.NotebookNode) -> None:
    step.cell += cell.cell_type == "code" and bool(cell.source.strip())


def _write_page(study: Study, step: Step) -> None:
    nb = nbformat.read(study.path(step, ".ipynb"), as_version=4)
    write_atomic(study.path(step, ".html"), to_html(nb, title=f"{step.name} · {study.title}"))


def _explain(step: Step, error: Exception) -> None:
    step.seconds = time.time() - step.began
    name = getattr(error, "ename", type(error).__name__)
    text = getattr(error, "evalue", str(error)).strip()
    if name == "DeadKernelError":
        text = "the kernel died, often for want of memory; try fewer --jobs or less data"
    text = text if len(text) <= 500 else f"{text[:500]} ..."  # Keras may print a whole network
    step.error = f"{name}: {text}" if text else name
    lines = "\n".join(getattr(error, "traceback", [])).splitlines()
    step.traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines[-25:]))


def _remember(study: Study, step: Step) -> None:
    step.seconds = time.time() - step.began
    step.finished = datetime.now().astimezone().isoformat(timespec="milliseconds")
    files = [study.path(step, ".ipynb"), study.path(step, ".html"), *_metric_files(study, step)]
    files += _written_since(study, step.began)
    state = {
        "fingerprint": step.fingerprint,
        "finished": step.finished,
        "seconds": round(step.seconds, 3),
        "n_cells": step.n_cells,
        "metrics": [path.name for path in _metric_files(study, step)],
        "outputs": sorted({path.relative_to(study.folder).as_posix() for path in files}),
    }
    write_atomic(study.state(step), json.dumps(state, indent=1) + "\n")


def _announce(study: Study, step: Step, progress: Progress) -> None:
    number = list(study.steps).index(step.name) + 1
    text = {
        "running": "running",
        "done": f"done, {step.n_cells} cells in {report.duration(step.seconds)}",
        "unchanged": f"unchanged since {step.finished[:16].replace('T', ' ')}, skipped",
        "failed": f"FAILED in cell In [{step.cell}] after {report.duration(step.seconds)}: "
        f"{_first_line(step.error)}",
        "not run": f"not run, {step.error}",
    }[step.status]
    progress.line(f"[{number}/{len(study.steps)}] {step.name}: {text}")


def _first_line(text: str) -> str:
    return (text.splitlines() or [""])[0][:300]


# --- command line --------------------------------------------------------------------------


def _print_end(study: Study, caller: Path) -> None:
    def show(path: Path) -> str:
        return str(path.relative_to(caller) if path.is_relative_to(caller) else path)

    print(f"\n{report.summary(study)}")
    for step in study.steps.values():
        if step.status == "failed":
            lines = step.error.splitlines()
            shown = "\n    ".join(lines if len(lines) < 6 else [lines[0], "...", *lines[-4:]])
            print(f"\nFAILED {step.name} (notebooks/{step.notebook}.ipynb), cell In [{step.cell}]")
            print(f"    {shown}\n    open {show(study.path(step, '.ipynb'))}")
    for text in report.overwritten(study):
        print(f"\nWARNING {text}; let the notebook name the file after RUN_NAME")
    print(f"\nReport:      {show(study.folder / 'report.html')}")
    print(f"Leaderboard: {show(study.folder / 'leaderboard.csv')}")
    print(f"Notebooks:   {show(study.folder / '*.ipynb')} (the same as web pages: *.html)")


def _arguments(argv: Sequence[str] | None, root: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("study", type=Path, help="the study file, notebooks/studies/demo.yml")
    parser.add_argument("--data-dir", type=Path, default=root / "data", help="default: data")
    parser.add_argument("--runs-dir", type=Path, default=root / "runs", help="default: runs")
    parser.add_argument("--jobs", type=int, default=1, help="steps side by side (default: 1)")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="STEP", help="these steps and what they come after"
    )
    parser.add_argument("--force", action="store_true", help="run also what has not changed")
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    return args


def main(argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line and return its exit status.

    Examples
    --------
    >>> main(["notebooks/studies/demo.yml", "--jobs", "2"])  # doctest: +SKIP
    0
    """
    args, caller, root = _arguments(argv, root), Path.cwd(), root.resolve()
    try:
        study = load_study(
            args.study,
            data_dir=Path(os.path.abspath(args.data_dir)),
            runs_dir=Path(os.path.abspath(args.runs_dir)),
            root=root,
        )
        print(f"Study {study.name} on {study.dataset}: {len(study.steps)} steps", flush=True)
        run_study(study, jobs=args.jobs, only=args.only, force=args.force)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. What is finished is kept; the same command goes on from there.")
        return 130
    _print_end(study, caller)
    return 1 if any(s.status in ("failed", "not run") for s in study.steps.values()) else 0


if __name__ == "__main__":
    status = main()
    if status == 130:
        sys.stdout.flush()
        os._exit(status)  # sys.exit would wait for the kernels; they end when this process does
    sys.exit(status)
