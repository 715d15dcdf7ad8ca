"""Read a study file, refuse what is wrong in it, and say what each step depends on."""

from __future__ import annotations

import ast
import contextlib
import difflib
import hashlib
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from string import Formatter
from typing import Any

import nbformat
import yaml

from helpers import datasets
from helpers.files import on_disk
from notebooks.tools.build import ROOT, UNKNOWN, Parameter, code_hash, parameters

STUDY_KEYS = {"name": str, "title": str, "description": str, "needs": (str, dict),
              "dataset": str, "parameters": dict, "steps": list}  # fmt: skip
STEP_KEYS = {"notebook": str, "name": str, "after": list, "parameters": dict, "repeat": dict}
KINDS = {str: "text", dict: "a mapping", list: "a list"}
RUNNER_SETS = {"DATA_DIR": "use --data-dir", "OUT_DIR": "use --runs-dir",
               "RUN_NAME": "use the step's name"}  # fmt: skip
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class StudyError(ValueError):
    """A study cannot be run as it is written; the message names the file and the key."""


@dataclass
class Step:
    """One execution of one notebook, and how far it is."""

    name: str
    notebook: str
    base: str = ""  # the name that repetitions with other folds and seeds share
    repetition: int = 0
    after: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    declared: dict[str, Parameter] = field(default_factory=dict)
    path: Path = Path()  # of the notebook
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

    def state(self, step: Step, suffix: str = ".json") -> Path:
        """Return the path of the file that exists only if the step succeeded."""
        return self.folder / ".state" / f"{step.name}{suffix}"


# --- reading and refusing ------------------------------------------------------------------


def load_study(path: Path, *, data_dir: Path, runs_dir: Path, root: Path = ROOT) -> Study:
    """Read a study file and check all of it before anything runs."""
    raw = _read_yaml(path)
    _refuse(path, _wrong_keys(raw, STUDY_KEYS, required=("dataset", "steps")))
    _refuse(path, [p for i, step in enumerate(raw["steps"], 1) for p in _wrong_step(step, i)])
    name, needs = raw.get("name", path.stem), raw.get("needs", {})
    steps = [_step(entry, root) for entry in _written_out(raw["steps"])]
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


def _wrong_keys(entry: dict, keys: dict, *, required: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{key} is missing" for key in required if not entry.get(key))
    for key, value in entry.items():
        if key not in keys:
            yield f"unknown key {key!r}{hint(key, keys)}"
        elif not isinstance(value, keys[key]):
            kinds = keys[key] if isinstance(keys[key], tuple) else (keys[key],)
            yield f"{key} must be {' or '.join(KINDS[kind] for kind in kinds)}, not {value!r}"


def _wrong_step(entry: Any, number: int) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield f"steps[{number}] must be a mapping such as {{notebook: 05_convpool}}, not {entry!r}"
        return
    for problem in _wrong_keys(entry, STEP_KEYS, required=("notebook",)):
        yield f"steps[{number}]: {problem}"
    repeat = entry.get("repeat", {})
    for key, values in repeat.items() if isinstance(repeat, dict) else ():
        if not isinstance(values, list) or not values:
            yield f"steps[{number}]: repeat: {key} must be a list of values, not {values!r}"
    if isinstance(repeat, dict) and isinstance(entry.get("parameters"), dict):
        for key, value in entry["parameters"].items() if repeat else ():
            for name in _placeholders(value) - set(repeat):
                close = hint(name, repeat)
                yield f"steps[{number}]: parameters: {key}: {name} is not repeated{close}"


def _placeholders(value: Any) -> set[str]:
    """Find the names in braces, which a repetition fills in."""
    parts = Formatter().parse(value) if isinstance(value, str) else ()
    return {name for _, name, *_ in parts if name}


def _runs(entry: dict) -> Iterator[tuple[str, dict]]:
    """Give name and values of each repetition of a step; of a single one, where none is wanted."""
    name, repeat = entry.get("name", entry["notebook"]), entry.get("repeat", {})
    for values in itertools.product(*repeat.values()):
        own = dict(zip(repeat, values))
        named = (f"_{key.lower()}{value}" for key, value in own.items())
        yield name + re.sub(r"[^\w-]", "-", "".join(named)), own


def _base(entry: dict, own: dict) -> str:
    """Name what repetitions share that are one model: other folds and seeds, nothing else."""
    others = {key: [value] for key, value in own.items() if key not in ("FOLD", "SEED")}
    return next(_runs(entry | {"repeat": others}))[0]


def _written_out(entries: list[dict]) -> Iterator[dict]:
    """Give one step for each repetition, after those of other steps that share its values."""
    before = {entry.get("name", entry["notebook"]): list(_runs(entry)) for entry in entries}
    for entry in entries:
        for number, (name, own) in enumerate(_runs(entry)):
            after = [other for wanted in entry.get("after", ())
                     for other, its in before.get(wanted, [(wanted, {})])
                     if all(own.get(key, its[key]) == its[key] for key in its)]  # fmt: skip
            given = {key: value.format(**own) if own and isinstance(value, str) else value
                     for key, value in entry.get("parameters", {}).items()}  # fmt: skip
            told = {"base": _base(entry, own), "repetition": number}
            yield told | entry | {"name": name, "after": after, "parameters": own | given}


def _step(entry: dict, root: Path) -> Step:
    step = Step(
        name=entry["name"],
        notebook=entry["notebook"],
        base=entry["base"],
        repetition=entry["repetition"],
        after=tuple(entry["after"]),
        parameters=entry["parameters"],
    )
    step.path = root / "notebooks" / f"{step.notebook}.ipynb"
    if step.path.is_file():
        step.nb = nbformat.read(step.path, as_version=4)
        step.declared = parameters(step.nb)
    return step


def _wrong_names(name: str, steps: list[Step], root: Path) -> Iterator[str]:
    known = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    names = [step.name for step in steps]
    if not SAFE_NAME.fullmatch(name):
        yield f"name: {name!r} must consist of letters, digits, - and _"
    for step in steps:
        where = f"step {step.name}"
        if not SAFE_NAME.fullmatch(step.name) or step.name == "report":
            yield f"{where}: name must consist of letters, digits, - and _ and not be 'report'"
        if names.count(step.name) > 1:
            yield f"{where}: name stands twice; give one of the steps another name"
        if step.nb is None:
            missing = f"there is no notebooks/{step.notebook}.ipynb{hint(step.notebook, known)}"
            yield f"{where}: notebook: {missing}"


def _wrong_order(study: Study) -> Iterator[str]:
    for step in study.steps.values():
        for other in set(step.after) - set(study.steps):
            yield f"step {step.name}: after: there is no step {other!r}{hint(other, study.steps)}"
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
            yield f"parameters: no notebook of the study declares {key}{hint(key, names)}"
        else:
            wrong = (_wrong_type(value, s.declared[key]) for s in steps if key in s.declared)
            yield from (f"parameters: {key}: {problem}" for problem in {*wrong} - {""})
    for step in steps:
        for key, value in step.parameters.items():
            where = f"step {step.name}: parameters: {key}"
            if key in RUNNER_SETS:
                yield f"{where}: {RUNNER_SETS[key]}"
            elif key not in step.declared:
                close = hint(key, step.declared)
                yield f"{where}: notebooks/{step.notebook}.ipynb does not declare it{close}"
            elif problem := _wrong_type(value, step.declared[key]):
                yield f"{where}: {problem}"


def _wrong_type(value: Any, declared: Parameter) -> str:
    """Compare a value with the declared default, where the default says clearly what it takes."""
    default = declared.default
    several = re.search(r"\||\b(Any|Union|Optional)\b", declared.annotation)
    if default is None or default is UNKNOWN or value is None or several:
        return ""
    kind = list if isinstance(default, tuple) else type(default)
    fits = isinstance(value, (int, float) if kind is float else kind)
    if fits and isinstance(value, bool) == (kind is bool):
        return ""
    remedy = ""
    if isinstance(value, str) and kind is not str:
        with contextlib.suppress(ValueError):
            remedy = f"; write {float(value)!r}"  # YAML reads 1e-3 and "3" as text
    return f"must be {kind.__name__} like the default {default!r}, not {value!r}{remedy}"


def hint(word: str, known: Iterable[str]) -> str:
    """Say which of the known words is meant, if one is near."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _injected(study: Study, step: Step, data_dir: Path) -> dict[str, Any]:
    """Return what papermill injects: the shared values, the step's own, and the runner's."""
    values = {"DATASET": study.dataset, **study.parameters, **step.parameters}
    values |= {"DATA_DIR": _in_kernel(data_dir, study), "OUT_DIR": _in_kernel(study.folder, study)}
    values |= {"RUN_NAME": step.name}
    return {key: value for key, value in values.items() if key in step.declared}


def _in_kernel(path: Path, study: Study) -> str:
    """Write a path as a kernel sees it, which runs in the root."""
    inside = path.is_relative_to(study.root)
    return (path.relative_to(study.root) if inside else path).as_posix()


# --- is the data there? --------------------------------------------------------------------


def preflight(study: Study, steps: Iterable[Step]) -> None:
    """Load the table of every real dataset that the steps use, before anything runs."""
    loaded: dict[str, str] = {}
    for step in steps:
        name = step.value("DATASET", study.dataset)
        if name in datasets.RENDERED:
            continue
        options = {"classes": step.value("CLASSES") or None}
        options |= step.value("DATASET_OPTIONS") or {}
        key = _canonical([name, options])
        if key not in loaded:
            loaded[key] = _load(study, name, step.value("DATA_DIR", "data"), options)
        study.data[step.name] = loaded[key]


def _load(study: Study, name: str, data_dir: str, options: dict) -> str:
    try:
        dataset = datasets.load(name, study.root / data_dir, **options)
    except (datasets.DatasetError, TypeError, ValueError) as error:
        needs = "".join(f"\n  {kind}: {text}" for kind, text in study.needs.items() if kind)
        needs = f"\nThe study {study.name} needs{needs}" if needs else ""
        said = str(error).removeprefix(f"{name}: ")
        raise StudyError(f"dataset {name}: {said}{needs}") from error
    study.notes.append(f"{name}: {len(dataset.tracks)} tracks, {len(dataset.classes)} classes")
    study.notes += [str(note) for note in dataset.notes]
    paths = map(Path, dataset.tracks["path"])
    return _hash(f"{_in_kernel(path, study)} {_file_facts(path)}" for path in paths)


def _file_facts(path: Path) -> str:
    try:
        facts = os.stat(on_disk(path))
    except OSError:
        return "absent"
    return f"{facts.st_size} {facts.st_mtime_ns}"


# --- what a step depends on ----------------------------------------------------------------


def fingerprint(study: Study, step: Step) -> str:
    """Hash all that the results of a step depend on."""
    code = "\n".join(cell.source for cell in step.nb.cells if cell.cell_type == "code")
    parents = [study.steps[name] for name in step.after]
    return _hash(
        [
            code_hash(step.nb),
            _canonical(step.parameters),
            *(path.read_text("utf-8") for path in modules(code, study.root)),
            study.data.get(step.name, ""),
            *(f"{parent.fingerprint} {parent.finished}" for parent in parents),
        ]
    )


def modules(code: str, root: Path) -> list[Path]:
    """Return the files of `helpers` that some code imports, with all that those import."""
    found, todo = set(), _imported(code, root)
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo |= _imports_of(path, path.stat().st_mtime_ns, root)
    return sorted(found)


@lru_cache(maxsize=256)
def _imports_of(path: Path, _changed: int, root: Path) -> frozenset[Path]:
    return frozenset(_imported(path.read_text("utf-8"), root))


def _imported(code: str, root: Path) -> set[Path]:
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names if name.split(".")[0] == "helpers"]
    places = [root.joinpath(*part[:n]) for part in parts for n in range(1, len(part) + 1)]
    files = [path for p in places for path in (p.with_suffix(".py"), p / "__init__.py")]
    return {path for path in files if path.is_file()}


def _hash(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
