"""Run a study: a YAML file that runs notebooks of the series, in order, on one dataset.

::

    python -m notebooks.tools.run notebooks/studies/demo.yml --data-dir data --jobs 2

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
      - notebook: 06_convpool_augmentation
        after: [05_convpool]      # those repetitions that share its values
        repeat: {SEED: [0, 1]}    # one step for each value: 06_convpool_augmentation_seed0, ...
        parameters: {NETWORKS_FROM: "05_convpool_seed{SEED}"}

Each step is executed with papermill into ``runs/<study>/<step>.ipynb``. A step is skipped if its
notebook, its parameters, the helpers that it imports and its inputs have not changed. A step that
fails stops only what comes after it. With ``--jobs``, steps that do not come after each other run
side by side; with ``--dask``, on the workers of a cluster that see this folder. The run ends with
``leaderboard.csv``, ``ablations.csv`` and ``report.html``. Exit status: 0 if all went well, 1 if a
step failed, 2 if the study was refused, 130 if it was interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import nbformat

from helpers.files import write_atomic
from notebooks.tools import report
from notebooks.tools.build import ROOT, QuietKernelManager, to_html
from notebooks.tools.plan import (
    Step,
    Study,
    StudyError,
    fingerprint,
    hint,
    load_study,
    preflight,
)  # fmt: skip

TIMEOUT = "30s"  # for a Dask scheduler to answer
POOLS = (  # of threads or processes in each kernel, as large as the machine unless told
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS",
    "LOKY_MAX_CPU_COUNT",
)  # fmt: skip


class Progress:
    """Prints lines for a log; on a terminal also one line that shows what is running."""

    def __init__(self, stream: Any, *, every: float = 60.0) -> None:
        self.stream, self.every = stream, every
        self.live = bool(getattr(stream, "isatty", lambda: False)())
        self.last = time.monotonic()

    def line(self, text: str) -> None:
        """Print a line that stays."""
        print(("\r\x1b[K" if self.live else "") + text, file=self.stream, flush=True)

    def tick(self, study: Study, steps: Iterable[Step]) -> None:
        """Show how far the running steps are; call it often."""
        due = time.monotonic() - self.last > self.every
        if not (self.live or due):
            return
        shown = " | ".join(
            f"{step.name}: cell {_cell(study, step)} of {step.n_cells}, "
            f"{report.duration(time.time() - step.began)}"
            for step in steps
        )
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print("\r\x1b[K" + shown[:width], end="", file=self.stream, flush=True)
        elif shown:
            self.last = time.monotonic()
            self.line("      ... " + shown)


def run_study(
    study: Study,
    *,
    jobs: int = 1,
    dask: str = "",
    only: Sequence[str] = (),
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Step]:
    """Execute the steps of a study and write the leaderboard and the report."""
    progress = progress or Progress(sys.stdout)
    forced = set(only or study.steps) if force else set()
    selected = _select(study, only)
    preflight(study, selected.values())
    began = datetime.now().astimezone()
    (study.folder / ".state").mkdir(parents=True, exist_ok=True)
    with _lock(study):
        with _executor(jobs, dask) as (pool, width):
            _run_steps(study, selected, pool, width, forced=forced, progress=progress)
        report.write_leaderboard(study)
        report.write_report(study, began=began, jobs=width)
    return study.steps


def _select(study: Study, only: Sequence[str]) -> dict[str, Step]:
    unknown = [f"--only: there is no step {name!r}{hint(name, study.steps)}"
               for name in only if name not in study.steps]  # fmt: skip
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


@contextlib.contextmanager
def _executor(jobs: int, dask: str) -> Iterator[tuple[Executor, int]]:
    """Give what runs the steps, and how many at a time: threads here, or the workers of Dask."""
    if not dask:
        _share_cores(jobs)
        pool = ThreadPoolExecutor(jobs)
        yield pool, jobs  # not in a `with`: after Ctrl-C nobody waits for the threads
        pool.shutdown()
        return
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        if dask == "local":
            local = LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
            dask = stack.enter_context(local)
        try:
            client = stack.enter_context(Client(dask, timeout=TIMEOUT))
        except OSError as error:
            raise StudyError(f"--dask {dask}: no scheduler answers there ({error})") from error
        width = len(client.scheduler_info(n_workers=-1)["workers"])
        yield stack.enter_context(client.get_executor(pure=False)), max(width, 1)


def _share_cores(jobs: int) -> None:
    """Give each step its share of the cores, unless told otherwise: more would only wait."""
    for name in POOLS:
        os.environ.setdefault(name, str(max(1, (os.cpu_count() or 1) // jobs)))


def _run_steps(
    study: Study, selected: dict[str, Step], pool: Executor, width: int, *,
    forced: set[str], progress: Progress,
) -> None:  # fmt: skip
    order = TopologicalSorter({step.name: step.after for step in selected.values()})
    order.prepare()
    rank, ready, cold = _ranks(selected, width), [], width > 1
    running: dict[Future, Step] = {}
    while order.is_active():
        ready = sorted([*ready, *order.get_ready()], key=rank.get)
        while ready and len(running) < width:
            step = selected[ready.pop(0)]
            if _settle(study, step, forced):
                _announce(study, step, progress)
                order.done(step.name)
                ready = sorted([*ready, *order.get_ready()], key=rank.get)
            else:
                if cold:  # before the step's own time begins
                    _warm_up(study)
                    cold = False
                step.status, step.began = "running", time.time()
                step.n_cells = _n_code_cells(step.nb) + bool(step.parameters)
                _announce(study, step, progress)
                _forget(study, step)
                running[pool.submit(execute, _task(study, step))] = step
        for future in wait(running, timeout=0.5, return_when=FIRST_COMPLETED).done:
            step = running.pop(future)
            _take_over(study, step, future)
            _announce(study, step, progress)
            order.done(step.name)
        progress.tick(study, running.values())


def _warm_up(study: Study) -> None:
    """Compile what kernels that start together must not compile together; see warmup."""
    warmup = [sys.executable, "-m", "notebooks.tools.warmup"]
    subprocess.run(warmup, cwd=study.root, stderr=subprocess.DEVNULL, check=False)


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


def _settle(study: Study, step: Step, forced: set[str]) -> bool:
    """Decide whether a step whose turn has come need not, or cannot, be executed."""
    broken = [name for name in step.after if study.steps[name].status not in report.OK]
    if broken:
        step.status, step.error = "not run", f"comes after {', '.join(broken)}"
        return True
    step.fingerprint = fingerprint(study, step)
    if step.name not in forced and _recall(study, step):
        step.status = "unchanged"
        return True
    return False


# --- one step ------------------------------------------------------------------------------


def _task(study: Study, step: Step) -> dict[str, Any]:
    """Return all that a worker needs to execute a step; it may be another machine."""
    return {
        "source": str(step.path),
        "target": str(study.path(step, ".ipynb")),
        "counter": str(study.state(step, ".cell")),
        "root": str(study.root),
        "parameters": step.parameters or None,
        "n_cells": step.n_cells,
        "title": f"{step.name} · {study.title}",
    }


def execute(task: dict[str, Any]) -> dict[str, str]:
    """Execute one notebook, wherever this is called; return its error, empty if there is none."""
    import papermill

    logging.getLogger("papermill").setLevel(logging.ERROR)
    target, counter, done = Path(task["target"]), Path(task["counter"]), []

    def count(cell: nbformat.NotebookNode, cell_index: int) -> None:
        if cell.cell_type == "code" and cell.source.strip():
            done.append(cell_index)
            counter.write_text(str(len(done)))

    problem = {"error": "", "traceback": ""}
    try:
        papermill.execute_notebook(
            task["source"], str(target), parameters=task["parameters"],
            kernel_name="python3", kernel_manager_class=QuietKernelManager, start_timeout=120,
            request_save_on_cell_execute=False,  # but once, at the end: twice a cell is slow
            progress_bar=False, log_output=False, on_cell_start=count,
            resources={"metadata": {"path": task["root"]}},  # cwd= would move this process, too
        )  # fmt: skip
        if len(done) < task["n_cells"]:  # papermill takes sys.exit() for success
            raise StudyError("the notebook ended itself before its last cell")
        _write_page(target, task["title"])
    except Exception as error:
        problem = _explained(error)
        with contextlib.suppress(Exception):  # the page is only a convenience here
            _write_page(target, task["title"])
    return problem


def _n_code_cells(nb: nbformat.NotebookNode) -> int:
    return sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in nb.cells)


def _cell(study: Study, step: Step) -> int:
    """Return the number of the cell that a step has reached."""
    with contextlib.suppress(OSError, ValueError):
        step.cell = int(study.state(step, ".cell").read_text())
    return step.cell


def _write_page(path: Path, title: str) -> None:
    nb = nbformat.read(path, as_version=4)
    write_atomic(path.with_suffix(".html"), to_html(nb, title=title))


def _explained(error: Exception) -> dict[str, str]:
    name = getattr(error, "ename", type(error).__name__)
    text = getattr(error, "evalue", str(error)).strip()
    if name == "DeadKernelError":
        text = "the kernel died, often for want of memory; try fewer --jobs or less data"
    text = text if len(text) <= 500 else f"{text[:500]} ..."  # Keras may print a whole network
    lines = "\n".join(getattr(error, "traceback", [])).splitlines()
    return {"error": f"{name}: {text}" if text else name,
            "traceback": re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines[-25:]))}  # fmt: skip


def _take_over(study: Study, step: Step, future: Future) -> None:
    """Note how a step ended; one that ended well is remembered."""
    try:
        problem = future.result()
    except Exception as error:  # the worker itself was lost
        problem = _explained(error)
    _cell(study, step)
    study.state(step, ".cell").unlink(missing_ok=True)
    step.error, step.traceback = problem["error"], problem["traceback"]
    step.seconds = time.time() - step.began
    step.status = "failed" if step.error else "done"
    if not step.error:
        _remember(study, step)


# --- what need not run again ---------------------------------------------------------------


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
    left = [study.state(step), study.state(step, ".cell"), *_metric_files(study, step)]
    for path in [*left, study.path(step, ".ipynb"), study.path(step, ".html")]:
        path.unlink(missing_ok=True)


def _metric_files(study: Study, step: Step) -> list[Path]:
    files = sorted((study.folder / "metrics").glob("*.json"))
    return [path for path in files if report.read_json(path).get("notebook") == step.name]


def _written_by(study: Study, step: Step) -> Iterator[Path]:
    """Find the models, tables and lists that a step left. The feature store keeps its own books."""
    for folder in ("models", "predictions", "tables", "."):
        pattern = "**/*.*" if folder == "models" else "*.*"
        for path in sorted((study.folder / folder).glob(pattern)):
            own = folder != "." or path.suffix == ".csv"
            if own and path.name[0] != "." and path.name not in report.TABLES:
                with contextlib.suppress(FileNotFoundError):  # a step beside it may move a file
                    if path.is_file() and _wrote(study, step, path.name, path.stat().st_mtime):
                        yield path


def _wrote(study: Study, step: Step, file: str, changed: float) -> bool:
    """Say whether a file is of this step: it bears its name, or no other step ran meanwhile."""
    if changed < step.began:
        return False
    named = [name for name in study.steps if re.match(rf"{name}[-.]", file)]
    if named:
        return max(named, key=len) == step.name
    others = (s for s in study.steps.values() if s.began and s is not step)
    return not any(
        s.began <= changed and (s.status == "running" or changed <= s.began + s.seconds)
        for s in others
    )


def _remember(study: Study, step: Step) -> None:
    step.finished = datetime.now().astimezone().isoformat(timespec="milliseconds")
    metrics = _metric_files(study, step)
    files = [study.path(step, ".ipynb"), study.path(step, ".html"), *metrics]
    files += _written_by(study, step)
    state = {
        "fingerprint": step.fingerprint,
        "finished": step.finished,
        "seconds": round(step.seconds, 3),
        "n_cells": step.n_cells,
        "metrics": [path.name for path in metrics],
        "outputs": sorted({path.relative_to(study.folder).as_posix() for path in files}),
    }
    write_atomic(study.state(step), json.dumps(state, indent=1) + "\n")


# --- what is printed -----------------------------------------------------------------------


def _announce(study: Study, step: Step, progress: Progress) -> None:
    number, took = list(study.steps).index(step.name) + 1, report.duration(step.seconds)
    first = (step.error.splitlines() or [""])[0][:300]
    text = {
        "running": "running",
        "done": f"done, {step.n_cells} cells in {took}",
        "unchanged": f"unchanged since {step.finished[:16].replace('T', ' ')}, skipped",
        "failed": f"FAILED in cell In [{step.cell}] after {took}: {first}",
        "not run": f"not run, {step.error}",
    }[step.status]
    progress.line(f"[{number}/{len(study.steps)}] {step.name}: {text}")


def _print_end(study: Study, caller: Path) -> None:
    def show(path: Path) -> str:
        return str(path.relative_to(caller) if path.is_relative_to(caller) else path)

    print(f"\n{report.summary(study)}")
    for step in (step for step in study.steps.values() if step.status == "failed"):
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
        prog="python -m notebooks.tools.run", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("study", type=Path, help="the study file, notebooks/studies/demo.yml")
    add("--data-dir", type=Path, default=root / "data", help="default: data")
    add("--runs-dir", type=Path, default=root / "runs", help="default: runs")
    add("--jobs", type=int, default=1, help="steps side by side (default: 1)")
    add("--dask", default="", metavar="local|ADDRESS",
        help="on a new local cluster of --jobs workers, or on this scheduler")  # fmt: skip
    add("--only", nargs="+", default=[], metavar="STEP", help="these and what they come after")
    add("--force", action="store_true", help="run also what has not changed")
    args = parser.parse_args(argv)
    if args.jobs < 1:
        parser.error("--jobs must be at least 1")
    return args


def main(argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line and return its exit status."""
    args, caller, root = _arguments(argv, root), Path.cwd(), root.resolve()
    places = {"data_dir": Path(os.path.abspath(args.data_dir)),
              "runs_dir": Path(os.path.abspath(args.runs_dir))}  # fmt: skip
    try:
        study = load_study(args.study, root=root, **places)
        print(f"Study {study.name} on {study.dataset}: {len(study.steps)} steps", flush=True)
        run_study(study, jobs=args.jobs, dask=args.dask, only=args.only, force=args.force)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. What is finished is kept; the same command goes on from there.")
        return 130
    _print_end(study, caller)
    return 1 if any(s.status in ("failed", "not run") for s in study.steps.values()) else 0


if __name__ == "__main__":
    from notebooks.tools import run  # by its name, so that workers find `execute`

    status = run.main()
    if status == 130:
        sys.stdout.flush()
        os._exit(status)  # sys.exit would wait for the kernels; they end when this process does
    sys.exit(status)
