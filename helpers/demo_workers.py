"""Worker processes for rendering: they can be killed, and a job that hangs is tried again.

A worker is a plain ``python -m helpers.demo --worker`` that reads jobs on its input, one JSON
object a line. This works the same from a notebook, a script without a main guard and a test.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

ATTEMPTS = 4
# A render takes a fraction of a second; one that needs this long hangs.
TIME_LIMIT = 90.0


class RenderError(RuntimeError):
    """A track could not be rendered."""


def worker_command() -> list[str]:
    """Return the command that starts a worker."""
    return [sys.executable, "-m", "helpers.demo", "--worker"]


class _Worker:
    """A process that renders one job after another, and that can be killed."""

    def __init__(self):
        self._process: subprocess.Popen | None = None
        self._closed = False

    def ask(self, job: dict, limit: float) -> dict:
        """Return the answer to a job, or what went wrong under "error"."""
        if self._closed:
            return {"error": "stopped"}
        if self._process is None or self._process.poll() is not None:
            self._start()
        process = self._process
        timer = threading.Timer(limit, process.kill)
        timer.start()
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            line = ""
        finally:
            timer.cancel()
        if line:
            return json.loads(line)
        process.kill()
        code = process.wait()
        return {"error": f"the worker ended with code {code} (limit {limit:g} s)"}

    def _start(self) -> None:
        root = str(Path(__file__).resolve().parents[1])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            worker_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            encoding="utf-8", env={**os.environ, **one, "PYTHONPATH": path},
        )  # fmt: skip

    def stop(self) -> None:
        """End the process."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()


def _persist(worker: _Worker, job: dict) -> dict:
    """Render a job; a render that fails or hangs is drawn again from the next sub-seed."""
    answer: dict = {}
    for attempt in range(ATTEMPTS):
        answer = worker.ask({**job, "attempt": attempt}, TIME_LIMIT)
        if "row" in answer:
            return answer
    return {"error": f"{job['path']}: not rendered in {ATTEMPTS} attempts; the last one said: "
                     f"{answer.get('error')}; call again to continue"}  # fmt: skip


def work_off(todo: list[dict], workers: int) -> Iterator[dict]:
    """Give jobs to worker processes.

    Parameters
    ----------
    todo : list of dict
        The jobs, each with its `path`; they must survive JSON.
    workers : int > 0
        Number of processes.

    Yields
    ------
    dict
        The answer to each job, in the order in which they come.

    Raises
    ------
    RenderError
        If a job fails in every attempt.
    """
    waiting, done = SimpleQueue(), SimpleQueue()
    for job in todo:
        waiting.put(job)
    crew = [_Worker() for _ in range(min(workers, len(todo)))]

    def drain(worker: _Worker) -> None:
        while True:
            try:
                done.put(_persist(worker, waiting.get_nowait()))
            except Empty:
                return

    for worker in crew:
        threading.Thread(target=drain, args=(worker,), daemon=True).start()
    try:
        for _ in todo:
            answer = done.get()
            if "row" not in answer:
                raise RenderError(answer["error"])
            yield answer
    finally:
        while not waiting.empty():
            waiting.get_nowait()
        for worker in crew:
            worker.stop()
