"""The study runner, with tiny notebooks in a temporary repository."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pandas as pd
import papermill
import pytest
import yaml
from jupyter_client import AsyncKernelManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from notebooks.tools import build, plan, report, warmup
from notebooks.tools import run as study

IMPORT = "from helpers.features import extract"
PARAMETERS = 'OUT_DIR: str = "runs"  # where\nRUN_NAME: str = "x"\n'
METRICS = """import json, pathlib
folder = pathlib.Path(OUT_DIR) / "metrics"
folder.mkdir(parents=True, exist_ok=True)
row = dict(model="<net>", notebook=RUN_NAME, dataset="demo", split="test", n_test=40, chance=0.1,
           accuracy={accuracy}, accuracy_low=0.5, accuracy_high=0.75, extra=3)
_ = (folder / (RUN_NAME + ".json")).write_text(json.dumps(row))"""
# Each of two steps waits for the other: they can only end if they run side by side.
MEET = """import pathlib, time
(pathlib.Path(OUT_DIR) / (RUN_NAME + ".here")).touch()
end = time.time() + 60
while len(list(pathlib.Path(OUT_DIR).glob("*.here"))) < 2:
    assert time.time() < end
    time.sleep(0.05)"""
FIGURE = """from IPython.display import SVG
SVG("<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>")"""


def write_notebook(root: Path, name: str, *cells: str, declared: str = PARAMETERS) -> None:
    """Write a notebook: title, parameters cell, then code cells (``#F`` marks a key figure)."""
    made = [new_markdown_cell(f"# {name}\n\n[![badge](https://example.org/b.svg)](https://x.org)")]
    made.append(new_code_cell(declared, metadata={"tags": ["parameters"]}))
    for source in cells:
        if source.startswith("#F"):
            made.append(new_markdown_cell("## Tempo & *key* <b>"))
        tags = {"tags": ["key-figure"]} if source.startswith("#F") else {}
        made.append(new_code_cell(source.removeprefix("#F\n"), metadata=tags))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb = new_notebook(cells=made, metadata={"kernelspec": kernel})
    (root / "notebooks").mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, root / "notebooks" / f"{name}.ipynb")


def write_study(root: Path, **keys) -> Path:
    path = root / "notebooks" / "studies" / "tiny.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"dataset": "demo", **keys}, sort_keys=False))
    return path


def load(root: Path, path: Path) -> study.Study:
    return study.load_study(path, data_dir=root / "data", runs_dir=root / "runs", root=root)


def run(root: Path, path: Path, **options) -> dict[str, str]:
    return {k: s.status for k, s in study.run_study(load(root, path), **options).items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "audio.py").write_text("A = 1\n")
    return tmp_path


@pytest.fixture
def no_kernel(monkeypatch):
    """Replace papermill by a copy of the notebook; return the names that were executed."""
    executed = []

    def execute(source, output, *, parameters, on_cell_start, **_):
        nb = nbformat.read(source, as_version=4)
        for index, cell in enumerate([*nb.cells, new_code_cell("injected = 1")]):
            on_cell_start(cell, index)
            if cell.source == "fail":
                nbformat.write(nb, output)
                raise ValueError("as told")
        nbformat.write(nb, output)
        executed.append(Path(output).stem)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    return executed


# --- one real run, looked at from all sides -------------------------------------------------


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run the command line once, from another folder, on a study in which one step fails."""
    root = tmp_path_factory.mktemp("repository")
    (root / "helpers").mkdir()
    declared = PARAMETERS + 'DATA_DIR: str = "data"\nDATASET: str = "x"\nSEED: int = 0  # a=b\n'
    check = (
        "import os, pathlib\n"
        "assert (DATASET, SEED, DATA_DIR) == ('demo', 7, 'music'), (DATASET, SEED, DATA_DIR)\n"
        "assert pathlib.Path('notebooks').is_dir() and os.environ['TF_CPP_MIN_LOG_LEVEL']\n"
        "assert os.environ['MPLBACKEND'].startswith('module://matplotlib_inline')"
    )
    write_notebook(root, "01_look", check, METRICS.format(accuracy=0.6), declared=declared)
    write_notebook(root, "02_left", MEET, "#F\n" + FIGURE)
    write_notebook(root, "03_right", MEET, METRICS.format(accuracy=0.7))
    write_notebook(root, "04_broken", METRICS.format(accuracy=1), "raise ValueError('no <b> here')")
    write_notebook(root, "05_quits", "import sys\nsys.exit()", "1 + 1")
    steps = [
        {"notebook": "02_left", "after": ["01_look"]},
        {"notebook": "03_right", "name": "03_wide", "after": ["01_look"]},
        {"notebook": "01_look"},
        {"notebook": "04_broken"},
        {"notebook": "01_look", "name": "06_last", "after": ["02_left", "04_broken"]},
        {"notebook": "05_quits"},
    ]
    path = write_study(
        root, title="Tiny & <small>", description="For tests.", needs={"disk": "1 MB"},
        parameters={"SEED": 7}, steps=steps,
    )  # fmt: skip
    stale = root / "runs" / "tiny" / "metrics" / "old.json"
    stale.parent.mkdir(parents=True)
    stale.write_text(json.dumps({"model": "old", "notebook": "99_gone", "accuracy": 0.99}))
    code = "import sys; from notebooks.tools.run import main; from pathlib import Path\n"
    code += "sys.exit(main(sys.argv[2:], root=Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, root, path, "--jobs", "2", "--data-dir", "../music"]
    done = subprocess.run(
        [*command, "--runs-dir", "../runs"],
        cwd=root / "helpers",
        env={**os.environ, "PYTHONPATH": str(study.ROOT), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
    )
    assert "02_left" in done.stdout, done.stderr
    return SimpleNamespace(root=root, folder=root / "runs" / "tiny", done=done)


@pytest.mark.processes
def test_a_failed_step_stops_only_what_comes_after_it(ran):
    out = ran.done.stdout
    assert ran.done.returncode == 1
    assert "6 steps: 3 done, 2 failed, 1 not run" in out
    assert re.search(r"06_last: not run, comes after 04_broken", out)
    states = {path.stem for path in (ran.folder / ".state").glob("*.json")}
    assert states == {"01_look", "02_left", "03_wide"}


@pytest.mark.processes
def test_the_failure_names_notebook_cell_and_error(ran):
    assert "FAILED 04_broken (notebooks/04_broken.ipynb), cell In [4]" in ran.done.stdout
    assert "ValueError: no <b> here" in ran.done.stdout
    assert re.search(r"open \S*04_broken\.ipynb", ran.done.stdout)
    cells = nbformat.read(ran.folder / "04_broken.ipynb", as_version=4).cells
    assert [c.execution_count for c in cells if c.source.startswith("raise")] == [4]


@pytest.mark.processes
def test_a_notebook_that_quits_early_has_failed(ran):
    assert re.search(r"FAILED 05_quits .* In \[3\]\n.*ended itself", ran.done.stdout)


@pytest.mark.processes
def test_steps_run_in_order_and_side_by_side(ran):
    lines = re.findall(r"\] (\w+): (running|done)", ran.done.stdout)
    assert lines.index(("01_look", "done")) < lines.index(("02_left", "running"))
    assert lines.index(("03_wide", "running")) < lines.index(("02_left", "done"))


@pytest.mark.processes
def test_the_last_lines_say_where_the_results_are(ran):
    last = ran.done.stdout.splitlines()[-3:]
    assert last[0].endswith("tiny/report.html") and last[1].endswith("tiny/leaderboard.csv")
    assert "*.ipynb" in last[2]


@pytest.mark.processes
def test_leaderboard_holds_the_successful_steps_best_first(ran):
    with open(ran.folder / "leaderboard.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["notebook"], row["accuracy"]) for row in rows] == [
        ("03_wide", "0.7"),
        ("01_look", "0.6"),
    ]
    assert list(rows[0])[:3] == ["model", "notebook", "dataset"] and list(rows[0])[-1] == "extra"


@pytest.mark.processes
@pytest.mark.parametrize("name", ["report", "02_left", "04_broken"])
def test_pages_load_nothing_from_the_network(ran, name):
    page = (ran.folder / f"{name}.html").read_text()
    loads = r"<(?:script|img|iframe|source|link)\b[^>]*\b(?:src|href)\s*=\s*[\"']?(?:https?:)?//"
    assert not re.search(loads, page)
    assert not re.search(r"@import|url\(\s*[\"']?http|<script", page)


@pytest.mark.processes
def test_the_page_of_a_step_shows_its_code(ran):
    text = re.sub(r"<[^>]+>", "", (ran.folder / "02_left.html").read_text())
    assert "while len(list(pathlib.Path(OUT_DIR)" in text and "badge" in text


def test_kernels_share_a_gpu_unless_told_otherwise(monkeypatch):
    started = {}

    async def launch(self, kernel_cmd, **options):
        started.update(options["env"])

    monkeypatch.setattr(AsyncKernelManager, "_async_launch_kernel", launch)
    monkeypatch.delenv("TF_FORCE_GPU_ALLOW_GROWTH", raising=False)
    monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    asyncio.run(build.QuietKernelManager()._async_launch_kernel(["python"]))
    assert started["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert started["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in os.environ


@pytest.mark.processes
def test_report_tells_the_run(ran):
    page = (ran.folder / "report.html").read_text()
    assert "<h1>Tiny &amp; &lt;small&gt;</h1>" in page and "For tests." in page
    assert "SEED = 7" in page and "1 MB" in page and "papermill" in page
    assert "up to 2 steps side by side" in page
    assert "0.70 [0.50, 0.75]" in page and "accuracy on demo, interval; dotted: chance" in page
    assert "&lt;net&gt;" in page and "<net>" not in page and "99_gone" not in page
    assert "ValueError: no &lt;b&gt; here" in page and "04_broken.html" in page
    caption = (
        r'<figure><img src="data:image/svg\+xml;base64,[^"]+" alt="Tempo &amp; key &lt;b&gt;">'
    )
    assert re.search(caption, page)
    for link in re.findall(r"""href=["']([^"'#]+)""", page):
        assert (ran.folder / link).exists(), link


def test_the_report_links_into_the_site_that_is_there(root, no_kernel):
    for name in ("01_a", "02_b"):
        write_notebook(root, name, "1", declared=PARAMETERS)
    site = root / "runs" / "site" / "notebooks"
    site.mkdir(parents=True)
    (site / "01_a.html").touch()
    run(root, write_study(root, steps=[{"notebook": "01_a"}, {"notebook": "02_b"}]))
    page = (root / "runs" / "tiny" / "report.html").read_text()
    links = re.findall('href="([^"]+)">in the series', page)
    assert links == ["../site/notebooks/01_a.html"]
    assert (root / "runs" / "tiny" / links[0]).exists()


# --- what runs again ------------------------------------------------------------------------


@pytest.fixture
def chain(root):
    """Two steps, the second after the first, and one alone."""
    # The first imports the helper `audio` by way of `features`.
    (root / "helpers" / "features.py").write_text("from helpers import audio\n")
    write_notebook(root, "01_a", IMPORT, declared=PARAMETERS + "SEED: int = 0\n")
    write_notebook(root, "02_b", "2", declared=PARAMETERS + "RATE: float = 1.0\n")

    def make(rate=1.0):
        second = {"notebook": "02_b", "after": ["01_a"], "parameters": {"RATE": rate}}
        steps = [{"notebook": "01_a"}, second, {"notebook": "02_b", "name": "03_c"}]
        return write_study(root, steps=steps)

    return make


def test_side_by_side_the_longest_chain_goes_first(root, no_kernel, monkeypatch, capsys):
    monkeypatch.setattr(study.subprocess, "run", lambda *_, **__: None)  # the warmup
    names = ["01_a", "02_b", "03_c", "04_d", "05_e"]
    for name in names:
        write_notebook(root, name, "1", declared=PARAMETERS)
    steps = [{"notebook": name} for name in names]
    steps[4]["after"] = ["04_d"]
    path = write_study(root, steps=steps)

    def started(jobs):
        run(root, path, jobs=jobs, force=True)
        return re.findall(r"\] (\w+): running", capsys.readouterr().out)

    assert started(jobs=1) == names  # one at a time: as they are listed
    assert started(jobs=2)[:2] == ["04_d", "01_a"]
    assert set(no_kernel) == set(names)


def test_unchanged_steps_are_skipped(root, chain, no_kernel):
    assert set(run(root, chain()).values()) == {"done"}
    assert set(run(root, chain()).values()) == {"unchanged"}
    assert no_kernel == ["01_a", "02_b", "03_c"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("parameter", ["02_b"]),
        ("notebook", ["01_a", "02_b"]),
        ("helper", ["01_a", "02_b"]),
        ("other helper", []),
        ("output", ["01_a", "02_b"]),
        ("prose", []),
    ],
)
def test_changed_steps_and_what_comes_after_run_again(root, chain, no_kernel, change, expected):
    run(root, chain())
    del no_kernel[:]
    declared = PARAMETERS + "SEED: int = 0\n"
    if change == "notebook":
        write_notebook(root, "01_a", IMPORT + "; 1", declared=declared)
    elif change == "prose":
        path = root / "notebooks" / "01_a.ipynb"
        path.write_text(path.read_text().replace("# 01_a", "# Another title"))
    elif change == "helper":
        (root / "helpers" / "audio.py").write_text("A = 2\n")
    elif change == "other helper":
        (root / "helpers" / "quality.py").write_text("A = 2\n")
    elif change == "output":
        (root / "runs" / "tiny" / "01_a.html").unlink()
    run(root, chain(rate=2.0 if change == "parameter" else 1.0))
    assert no_kernel == expected


def test_a_failure_is_not_forgotten_when_the_change_is_undone(root, no_kernel):
    path = write_study(root, steps=[{"notebook": "01_a"}])
    for code, expected in [("1", "done"), ("fail", "failed"), ("1", "done"), ("1", "unchanged")]:
        write_notebook(root, "01_a", code)
        assert run(root, path) == {"01_a": expected}


def test_force_and_only(root, chain, no_kernel):
    assert run(root, chain(), only=["02_b"]) == {
        "01_a": "done",
        "02_b": "done",
        "03_c": "not selected",
    }
    run(root, chain(), only=["02_b"], force=True)
    assert no_kernel == ["01_a", "02_b", "02_b"]
    assert run(root, chain(), only=["03_c"])["01_a"] == "earlier"
    run(root, chain(), force=True)
    assert no_kernel[-3:] == ["01_a", "02_b", "03_c"]
    with pytest.raises(study.StudyError, match="no step '02_c'; did you mean"):
        run(root, chain(), only=["02_c"])


def test_steps_side_by_side_claim_only_their_own_files(root, monkeypatch):
    monkeypatch.setattr(study.subprocess, "run", lambda *_, **__: None)  # the warmup
    folder, meet = root / "runs" / "tiny" / "tables", threading.Barrier(2)

    def execute(source, output, *, parameters, on_cell_start, **_):
        name = parameters["RUN_NAME"]
        folder.mkdir(exist_ok=True)
        time.sleep(0.1)  # a file's time may be a little behind the clock
        if name != "04_d":
            meet.wait(30)
        for file in (f"{name}-x.csv", f"{name}.csv", f"of_{name}.csv", "shared.csv"):
            (folder / file).write_text("1")
        nb = nbformat.read(source, as_version=4)
        for index, cell in enumerate([*nb.cells, new_code_cell("injected = 1")]):
            on_cell_start(cell, index)
        nbformat.write(nb, output)
        if name != "04_d":
            meet.wait(30)

    monkeypatch.setattr(papermill, "execute_notebook", execute)
    write_notebook(root, "01_a", "1")
    names = ["01_a", "01_a-wide", "04_d"]
    steps = [{"notebook": "01_a", "name": name} for name in names]
    steps[2]["after"] = names[:2]
    assert set(run(root, write_study(root, steps=steps), jobs=2).values()) == {"done"}
    for name in names:
        state = json.loads((root / "runs" / "tiny" / ".state" / f"{name}.json").read_text())
        own = {f"tables/{name}{end}" for end in ("-x.csv", ".csv")}
        if name == "04_d":  # it ran alone: what bears no step's name is its own, too
            own |= {"tables/of_04_d.csv", "tables/shared.csv"}
        assert {x for x in state["outputs"] if x.startswith("tables")} == own


@pytest.mark.processes
def test_the_runner_stays_where_it_is(root, chain, monkeypatch):
    here, moved = os.getcwd(), []  # papermill goes to where it is
    monkeypatch.setattr(os, "chdir", lambda path: path == here or moved.append(path))
    write_notebook(root, "01_a", "import os\nassert os.path.isdir('notebooks')")
    assert run(root, chain(), only=["01_a"])["01_a"] == "done"
    assert moved == []


def test_metrics_written_over_by_another_step_are_reported(root, chain, no_kernel):
    path = chain()
    run(root, path)
    metrics = root / "runs" / "tiny" / "metrics"
    metrics.mkdir()
    (metrics / "net.json").write_text(json.dumps({"notebook": "02_b", "accuracy": 0.5}))
    state = root / "runs" / "tiny" / ".state" / "01_a.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "metrics": ["net.json"]}))
    run(root, path)
    assert "net.json of 01_a was written over by 02_b" in (
        root / "runs" / "tiny" / "report.html"
    ).read_text()  # fmt: skip


def start(root: Path, path: Path) -> subprocess.Popen:
    code = "import sys; from notebooks.tools import run as study; from pathlib import Path\n"
    code += "s = study.main(sys.argv[2:], root=Path(sys.argv[1])); import os; os._exit(s)"
    return subprocess.Popen(
        [sys.executable, "-c", code, root, path, "--runs-dir", root / "runs"],
        env={**os.environ, "PYTHONPATH": str(study.ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_step_runs_again(root, number):
    wait_here = (
        "import os, pathlib, time\n"
        "folder = pathlib.Path(OUT_DIR)\n"
        "_ = (folder / 'pid.tmp').write_text(str(os.getpid()))\n"
        "os.replace(folder / 'pid.tmp', folder / 'pid')\n"
        "while not (folder / 'go').exists():\n"
        "    time.sleep(0.05)"
    )
    write_notebook(root, "01_a", "1")
    write_notebook(root, "02_b", wait_here)
    path = write_study(root, steps=[{"notebook": "01_a"}, {"notebook": "02_b"}])
    folder = root / "runs" / "tiny"
    process = start(root, path)
    wait_for((folder / "pid").exists)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    if number == signal.SIGINT:
        assert process.returncode == 130 and "Interrupted" in out
    assert (folder / ".state" / "01_a.json").exists()
    assert not (folder / ".state" / "02_b.json").exists()
    wait_for(lambda: is_gone(int((folder / "pid").read_text())), seconds=20)
    (folder / "go").touch()
    assert run(root, path) == {"01_a": "unchanged", "02_b": "done"}


@pytest.mark.processes
def test_a_killed_dask_worker_loses_no_step(root):
    """Two workers; one is killed in the middle of a step, which then runs on a worker again."""
    pytest.importorskip("distributed")
    wait_once = (
        "import os, pathlib, time\n"
        "pid = pathlib.Path(OUT_DIR) / 'pid'\n"
        "if not pid.exists():\n"
        "    _ = pid.with_suffix('.tmp').write_text(str(os.getppid()))\n"
        "    os.replace(pid.with_suffix('.tmp'), pid)\n"
        "    time.sleep(600)"
    )
    write_notebook(root, "01_a", wait_once)
    write_notebook(root, "02_b", METRICS.format(accuracy=0.6))
    write_notebook(root, "03_c", "raise ValueError('as told')")
    after = {"notebook": "02_b", "name": "04_last", "after": ["01_a"]}
    steps = [{"notebook": "01_a"}, {"notebook": "02_b"}, {"notebook": "03_c"}, after]
    path, pid = write_study(root, steps=steps), root / "runs" / "tiny" / "pid"

    def kill():
        wait_for(pid.exists)
        os.kill(int(pid.read_text()), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    done = {"01_a": "done", "02_b": "done", "03_c": "failed", "04_last": "done"}
    assert run(root, path, jobs=2, dask="local") == done
    killer.join()
    rerun = run(root, path, jobs=2, dask="local")
    assert rerun == done | dict.fromkeys(["01_a", "02_b", "04_last"], "unchanged")


def test_a_scheduler_that_does_not_answer_is_named(root, chain, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(study, "TIMEOUT", "1s")
    with pytest.raises(study.StudyError, match="--dask tcp://127.0.0.1:9: no scheduler answers"):
        run(root, chain(), dask="tcp://127.0.0.1:9")


def test_two_runs_do_not_share_a_folder(root, chain, no_kernel):
    pytest.importorskip("fcntl")
    made = load(root, chain())
    (made.folder / ".state").mkdir(parents=True)
    with study._lock(made), pytest.raises(study.StudyError, match="another run"):
        run(root, chain())
    assert no_kernel == []


# --- what is refused ------------------------------------------------------------------------

DECLARED = """SEED: int = 0  # the same=the same
N = 3  # A = 2 was tried
RATE = 1.0
FLAG = True
NAMES = []
SHAPE = (1, 2)
FREE = None
EITHER: int | str = 3
WHERE = str(1)
"""


@pytest.fixture
def declared(root):
    write_notebook(root, "01_a", "1", declared=DECLARED + PARAMETERS)
    return root


@pytest.mark.parametrize(
    "values",
    [
        {"SEED": 2, "N": 4, "RATE": 2, "FLAG": False, "NAMES": ["rock"], "SHAPE": [3, 4]},
        {"FREE": 3, "EITHER": "all", "WHERE": 5, "RATE": None},
    ],
)
def test_declared_parameters_are_accepted(declared, values):
    path = write_study(declared, steps=[{"notebook": "01_a", "parameters": values}])
    assert load(declared, path).steps["01_a"].parameters == {
        **values,
        "OUT_DIR": "runs/tiny",
        "RUN_NAME": "01_a",
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"SEEDS": 1}, "SEEDS: notebooks/01_a.ipynb does not declare it; did you mean SEED"),
        ({"SEED": "1"}, "SEED: must be int like the default 0, not '1'; write 1.0"),
        ({"SEED": 1.5}, "SEED: must be int"),
        ({"N": True}, "N: must be int"),
        ({"FLAG": 1}, "FLAG: must be bool"),
        ({"RATE": "1e-3"}, "RATE: must be float like the default 1.0, not '1e-3'; write 0.001"),
        ({"NAMES": "rock"}, "NAMES: must be list"),
        ({"SHAPE": 3}, "SHAPE: must be list"),
        ({"OUT_DIR": "x"}, "OUT_DIR: use --runs-dir"),
    ],
)
def test_wrong_parameters_are_refused(declared, values, message):
    path = write_study(declared, steps=[{"notebook": "01_a", "parameters": values}])
    with pytest.raises(study.StudyError, match=r"tiny\.yml: step 01_a: parameters: ") as refused:
        load(declared, path)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"steps": [{"notebook": "01_a"}], "stepz": 1}, "unknown key 'stepz'; did you mean steps?"),
        ({"steps": []}, "steps is missing"),
        ({"steps": [{"notebook": "01_b"}]}, "no notebooks/01_b.ipynb; did you mean 01_a?"),
        ({"steps": [{"notebook": "01_a"}] * 2}, "step 01_a: name stands twice"),
        ({"steps": [{"notebook": "01_a", "nam": "x"}]}, "steps[1]: unknown key 'nam'"),
        ({"steps": ["01_a"]}, "steps[1] must be a mapping"),
        ({"steps": [{"notebook": "01_a", "after": ["x"]}]}, "after: there is no step 'x'"),
        ({"steps": [{"notebook": "01_a", "after": "x"}]}, "after must be a list"),
        (
            {"steps": [{"notebook": "01_a", "repeat": {"SEED": 1}}]},
            "steps[1]: repeat: SEED must be a list of values, not 1",
        ),
        (
            {"steps": [
                {"notebook": "01_a", "repeat": {"SEED": [1]}, "parameters": {"A": "{SEDE}"}}
            ]},  # fmt: skip
            "parameters: A: SEDE is not repeated; did you mean SEED?",
        ),
        (
            {"steps": [{"notebook": "01_a", "repeat": {"SEDE": [1]}}]},
            "step 01_a_sede1: parameters: SEDE: notebooks/01_a.ipynb does not declare it",
        ),
        ({"steps": [{"notebook": "01_a", "name": "../x"}]}, "letters, digits"),
        ({"steps": [{"notebook": "01_a", "name": "report"}]}, "not be 'report'"),
        ({"steps": [{"notebook": "01_a"}], "name": "a b"}, "name: 'a b' must consist"),
        (
            {"steps": [{"notebook": "01_a"}], "parameters": {"EPOCHS": 1}},
            "parameters: no notebook of the study declares EPOCHS",
        ),
        (
            {"steps": [{"notebook": "01_a"}], "parameters": {"SEED": "one"}},
            "parameters: SEED: must be int",
        ),
        (
            {"steps": [{"notebook": "01_a"}], "parameters": {"DATASET": "gtzan"}},
            "parameters: DATASET: use the key dataset",
        ),
    ],
)
def test_wrong_studies_are_refused(declared, keys, message):
    with pytest.raises(study.StudyError) as refused:
        load(declared, write_study(declared, **keys))
    assert message in str(refused.value) and "tiny.yml" in str(refused.value)


def test_a_repeated_step_is_one_step_for_each_value(root):
    """It comes after those repetitions that share its values, and what follows after all."""
    given = PARAMETERS + 'SEED: int = 0  # seed\nFOLD: int = 0  # fold\nFROM: str = ""  # file\n'
    for name in ("01_a", "02_b", "03_c"):
        write_notebook(root, name, declared=given)
    steps = [
        {"notebook": "01_a", "repeat": {"FOLD": [0, 1]}},
        {"notebook": "02_b", "after": ["01_a"], "repeat": {"SEED": [3, 4], "FOLD": [0, 1]},
         "parameters": {"FROM": "01_a_fold{FOLD}"}},
        {"notebook": "03_c", "after": ["02_b"], "parameters": {"FROM": "{as it is}"}},
    ]  # fmt: skip
    steps = load(root, write_study(root, steps=steps)).steps
    twos = ["02_b_seed3_fold0", "02_b_seed3_fold1", "02_b_seed4_fold0", "02_b_seed4_fold1"]
    assert list(steps) == ["01_a_fold0", "01_a_fold1", *twos, "03_c"]
    assert [steps[two].after for two in twos] == [("01_a_fold0",), ("01_a_fold1",)] * 2
    assert steps["03_c"].after == tuple(twos)
    found = [(steps[t].parameters["SEED"], steps[t].parameters["FROM"]) for t in twos]
    assert found == [(3, "01_a_fold0"), (3, "01_a_fold1"), (4, "01_a_fold0"), (4, "01_a_fold1")]
    assert steps["03_c"].parameters["FROM"] == "{as it is}"
    assert steps[twos[1]].parameters["RUN_NAME"] == twos[1]
    assert {steps[two].base for two in twos} == {"02_b"}


def test_repetitions_with_other_parameters_than_folds_and_seeds_are_other_models(root):
    given = PARAMETERS + "SEED: int = 0  # seed\nRATE: float = 0.1  # rate\n"
    write_notebook(root, "01_a", declared=given)
    steps = [{"notebook": "01_a", "repeat": {"RATE": [0.1, 0.2], "SEED": [0, 1]}}]
    found = load(root, write_study(root, steps=steps)).steps
    assert [s.base for s in found.values()] == ["01_a_rate0-1"] * 2 + ["01_a_rate0-2"] * 2
    assert list(found)[1] == "01_a_rate0-1_seed1"


def test_steps_side_by_side_share_the_cores_unless_told_otherwise(root, no_kernel, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 9)
    for name in study.POOLS:
        monkeypatch.setenv(name, "")  # so that what is set below is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    write_notebook(root, "01_a")
    run(root, write_study(root, steps=[{"notebook": "01_a"}]), jobs=4)
    assert {name: os.environ[name] for name in study.POOLS} == {
        "OMP_NUM_THREADS": "5", "OPENBLAS_NUM_THREADS": "2", "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "2", "LOKY_MAX_CPU_COUNT": "2",
    }  # fmt: skip


def test_circles_are_refused(declared):
    steps = [
        {"notebook": "01_a", "name": "x", "after": ["y"]},
        {"notebook": "01_a", "name": "y", "after": ["x"]},
    ]
    with pytest.raises(study.StudyError, match="goes in a circle: [xy] -> [xy] -> [xy]"):
        load(declared, write_study(declared, steps=steps))


def test_a_key_that_stands_twice_is_refused(declared):
    path = write_study(declared, steps=[{"notebook": "01_a"}])
    path.write_text(path.read_text() + "dataset: gtzan\n")
    with pytest.raises(study.StudyError, match="the key dataset stands twice"):
        load(declared, path)


def test_shared_parameters_go_where_they_are_declared(declared):
    write_notebook(declared, "02_b", "2")
    path = write_study(
        declared, parameters={"SEED": 5}, steps=[{"notebook": "01_a"}, {"notebook": "02_b"}]
    )
    steps = load(declared, path).steps
    assert steps["01_a"].parameters["SEED"] == 5 and "SEED" not in steps["02_b"].parameters


# --- real datasets --------------------------------------------------------------------------


def use_datasets(monkeypatch, load):
    monkeypatch.setattr(plan.datasets, "load", lambda name, where, **o: load(name, where, o))


def test_an_absent_dataset_is_one_message(root, chain, no_kernel, monkeypatch, capsys):
    def absent(name, data_dir, options):
        raise plan.datasets.DatasetError(f"no folder {data_dir}/genres; get it from example.org")

    use_datasets(monkeypatch, absent)
    path = chain()
    path.write_text(path.read_text().replace("dataset: demo", "dataset: gtzan"))
    arguments = [str(path), "--runs-dir", str(root / "runs"), "--data-dir", str(root / "data")]
    assert study.main(arguments, root=root) == 2
    message = capsys.readouterr().err
    assert message == f"dataset gtzan: no folder {root}/data/genres; get it from example.org\n"
    assert no_kernel == [] and not (root / "runs").exists()


def test_changed_files_of_a_dataset_run_again(root, no_kernel, monkeypatch):
    asked = []

    def present(name, data_dir, options):
        asked.append((name, data_dir, options))
        table = {"path": [str(root / "a.wav"), str(root / "gone.wav")]}
        return SimpleNamespace(tracks=table, classes=["rock"], notes=["2 of 9 tracks"])

    use_datasets(monkeypatch, present)
    (root / "a.wav").write_bytes(b"1")
    lines = 'DATA_DIR = "data"\nDATASET = "demo"\nCLASSES = []\nDATASET_OPTIONS = {}\n'
    write_notebook(root, "01_a", "1", declared=lines)
    options = {"CLASSES": ["rock"], "DATASET_OPTIONS": {"cut": 3}}
    steps = [{"notebook": "01_a", "parameters": options}]
    path = write_study(root, steps=[*steps, {**steps[0], "name": "again"}])
    path.write_text(path.read_text().replace("dataset: demo", "dataset: gtzan"))
    run(root, path)
    assert asked == [("gtzan", root / "data", {"classes": ["rock"], "cut": 3})]
    run(root, path)
    assert no_kernel == ["01_a", "again"]
    assert "2 of 9 tracks" in (root / "runs" / "tiny" / "report.html").read_text()
    (root / "a.wav").write_bytes(b"12")
    run(root, path)
    assert no_kernel == ["01_a", "again"] * 2


def test_models_of_different_datasets_and_metrics_are_told_apart(tmp_path):
    step = SimpleNamespace(name="07", base="07", status="done")
    told = SimpleNamespace(steps={"07": step}, folder=tmp_path, dataset="tiny")
    (tmp_path / "metrics").mkdir()
    figures = {"c": ("other", "accuracy", 0.9), "b": ("tiny", "roc_auc", 0.8),
               "a": ("tiny", "accuracy", 0.3), "d": ("tiny", "accuracy", 0.4)}  # fmt: skip
    for model, (dataset, metric, value) in figures.items():
        row = {"model": model, "notebook": "07", "dataset": dataset, metric: value}
        (tmp_path / "metrics" / f"{model}.json").write_text(json.dumps(row))
    found = report.leaderboard(told)
    assert found["model"].tolist() == ["d", "a", "b", "c"]
    captions = [caption for caption, _ in report.charts(found)]
    assert [caption.split(",")[0] for caption in captions] == [
        "accuracy on tiny", "ROC-AUC on tiny", "accuracy on other",
    ]  # fmt: skip


def test_ablations_are_a_table_of_their_own(tmp_path):
    """One is highest of all, and yet not what the report's first sentence names."""
    steps = {"05": SimpleNamespace(name="05", notebook="05", base="05", repetition=0, status="done",
                                   seconds=1.0, after=(), parameters={})}  # fmt: skip
    (tmp_path / "metrics").mkdir()
    row = {"notebook": "05", "dataset": "tiny", "split": "by group", "n_test": 8, "chance": 0.5}
    for model, accuracy, more in (
        ("net", 0.6, {}), ("mistake", 0.9, {"ablation": True}), ("other", 0.5, {"ablation": False}),
    ):  # fmt: skip
        text = json.dumps({"model": model, **row, "accuracy": accuracy} | more)
        (tmp_path / "metrics" / f"{model}.json").write_text(text)
    told = SimpleNamespace(steps=steps, folder=tmp_path, dataset="tiny", title="T", description="",
                           name="t", notes=[], needs={}, parameters={},
                           path=lambda step, suffix: tmp_path / f"{step.name}{suffix}",
                           state=lambda step: tmp_path / f"{step.name}.json")  # fmt: skip
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "05.ipynb")
    report.write_leaderboard(told)
    tables = [pd.read_csv(tmp_path / f"{name}.csv") for name in ("leaderboard", "ablations")]
    assert [list(table["model"]) for table in tables] == [["net", "other"], ["mistake"]]
    assert not any("ablation" in table for table in tables)
    page = report.write_report(told, began=datetime.now().astimezone()).read_text()
    assert "Of 2 models, net (05) scores highest" in page
    leaderboard, _, ablations = page.partition("<h2>Ablations</h2>")
    assert "mistake" in ablations and "mistake" not in leaderboard


def test_trainings_of_a_repeated_step_are_one_row(tmp_path):
    """Two folds with two seeds each; another step of the same notebook stays another row."""
    names = {f"05_seed{s}_fold{f}": (s, f) for s in (0, 1) for f in (0, 1)} | {"05_wide": (0, 0)}
    bases = {name: name.split("_seed")[0] for name in names}
    steps = {name: SimpleNamespace(name=name, base=bases[name], status="done") for name in names}
    (tmp_path / "metrics").mkdir()
    for name, (seed, fold) in names.items():
        row = {"model": "net", "notebook": name, "dataset": "tiny", "split": f"fold {fold}",
               "n_test": 10 + fold, "fold": fold, "seed": seed, "accuracy": 0.5 + seed / 4,
               "accuracy_low": 0.1, "accuracy_high": 0.9, "chance": 0.1}  # fmt: skip
        (tmp_path / "metrics" / f"{name}-net.json").write_text(json.dumps(row))
    told = SimpleNamespace(steps=steps, folder=tmp_path, dataset="tiny")
    found = report.leaderboard(told).set_index("notebook")
    assert found["accuracy"].to_dict() == {"05": 0.625, "05_wide": 0.5}
    pooled = found.loc["05"]
    assert (pooled["folds"], pooled["seeds"], pooled["n_test"], pooled["chance"]) == (2, 2, 21, 0.1)
    assert pooled.isna()["accuracy_low"] and found.loc["05_wide", "accuracy_low"] == 0.1
    told.path = lambda step, suffix: tmp_path / f"{step.name}{suffix}"
    assert "05_wide" in report._table(told, found.reset_index())


def test_the_first_screen_says_what_was_found_and_how_far_it_can_be_believed():
    rows = [{"model": f"m{i}", "notebook": "05", "dataset": "tiny", "metric": "accuracy",
             "accuracy": 0.9 - i / 10, "accuracy_low": 0.7 - i / 10, "accuracy_high": 0.95 - i / 10,
             "n_test": 60, "chance": 0.1} for i in range(4)]  # fmt: skip
    told, other = SimpleNamespace(dataset="tiny"), rows[0] | {"dataset": "other", "model": "x"}
    said = report.headline(told, pd.DataFrame([*rows, other]))
    assert said == (
        "Of 4 models, m0 (05) scores highest on the test tracks: accuracy 0.90 [0.70, 0.95], "
        "tracks 60, chance 0.10. The intervals of 2 others reach into its own. "
        "The highest of several flatters."
    )
    assert report.headline(told, pd.DataFrame(rows[:1])).endswith("tracks 60, chance 0.10.")
    assert report.headline(told, pd.DataFrame([other])) == ""


def test_a_chart_of_many_models_shows_the_highest_of_each_step(monkeypatch):
    drawn = []

    def note(rows, **options):
        drawn.append(list(rows.index))

    monkeypatch.setattr(report.plotting, "intervals", note)
    rows = [{"model": f"m{i}", "notebook": f"0{i % 3}", "dataset": "tiny", "metric": "accuracy",
             "accuracy": 0.9 - i / 100, "chance": 0.1} for i in range(20)]  # fmt: skip
    [(many, _)] = report.charts(pd.DataFrame(rows))
    [(few, _)] = report.charts(pd.DataFrame(rows[:5]))
    assert "the highest model of each step" in many and "highest" not in few
    assert drawn == [["m0 · 00", "m1 · 01", "m2 · 02"], [f"m{i} · 0{i % 3}" for i in range(5)]]


def test_numbers_in_the_report():
    row = {"accuracy": 0.617, "accuracy_low": 0.5, "accuracy_high": 0.7, "parameters": 12345}
    assert report.with_interval(row, "accuracy") == "0.62 [0.50, 0.70]"
    assert report.with_interval(row, "parameters") == "12,345"
    assert report.with_interval({"top3": float("nan")}, "top3") == ""


def test_the_cache_of_numba_is_filled_once(tmp_path, monkeypatch):
    source = tmp_path / "core" / "audio.py"
    for folder in ("core", "__pycache__"):
        (tmp_path / folder).mkdir()
    source.touch()
    monkeypatch.setattr(warmup, "LIBROSA", tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))  # a cache that no mark speaks of
    warmup.main()
    assert not warmup.is_warm() and not list(tmp_path.glob("__pycache__/warm-*"))
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert not warmup.is_warm()
    warmup.main()
    assert warmup.is_warm()
    for newer in (source, Path(warmup.__file__)):  # librosa installed again; other calls
        written = newer.stat().st_mtime
        os.utime(warmup.mark(), (written - 1, written - 1))
        assert not warmup.is_warm()
        warmup.mark().touch()
        assert warmup.is_warm()
    monkeypatch.setattr(warmup, "get_host_cpu_name", lambda: "another")
    assert not warmup.is_warm()
