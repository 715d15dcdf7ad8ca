"""Build, render and check the notebooks of the series.

The text files in ``notebooks/src`` (jupytext, percent format) are what people edit; the
``.ipynb`` files in ``notebooks`` are made from them and hold the outputs of a run on the demo
dataset::

    python -m notebooks.tools.build build        # .py -> .ipynb, keeps ids and outputs
    python -m notebooks.tools.build render 05    # executes one notebook and keeps its outputs
    python -m notebooks.tools.build keep         # keeps the outputs of the demo study, `make run`
    python -m notebooks.tools.build pull 05      # an edit made in JupyterLab -> .py
    python -m notebooks.tools.build check        # lists what is out of date
"""

from __future__ import annotations

import argparse
import ast
import base64
import copy
import hashlib
import html
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from jupyter_client import AsyncKernelManager

from helpers.experiment import DEFAULTS
from helpers.files import write_atomic
from notebooks.tools import glossary

ROOT = Path(__file__).resolve().parents[2]
MAX_BYTES = 1_000_000  # of a notebook
SOUND_BYTES = 500_000  # of the sound in it
CLIP_SECONDS, CLIP_RATE = 5, 22050
SOUND = re.compile(r"(?:<|&lt;)audio\b|data:audio/")  # a player, or a page that holds one
PLAYER = re.compile(r"<audio\b.*?</audio>", re.DOTALL)
DATA_PLACEHOLDER = "(run the cell: this page keeps no data of others)\n"
AUDIO_PLACEHOLDER = "(audio player: run the cell to listen)"
NO_MORE_SOUND = "(audio player: run the cell to listen; this page keeps no more sound)"
MAX_ERROR = 24  # of 255: how far a colour of a figure may move for the sake of its size
# Cells that are folded: JupyterLab and Colab show a line with the title in their place.
FOLDED = {"setup": "Setup", "imports": "Imports", "parameters": "Parameters"}
TITLE = re.compile(r"\A# ?@title .*\n")
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
STAMP = "music_series"  # our entry in the metadata of a notebook
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
REPOSITORY = re.compile(r"""^REPOSITORY = ["'](.*?)["']""", re.MULTILINE)
UNKNOWN = object()  # a default that is not a literal


# What runs last, for it is registered first: a kernel that has tidied up goes at once. Python would
# take TensorFlow apart for two seconds, piece by piece.
LEAVE = "import atexit, os; atexit.register(os._exit, 0); del atexit, os"


class QuietKernelManager(AsyncKernelManager):
    """Start kernels with figures inline, whose own log and native libraries stay silent.

    Unless told otherwise, TensorFlow and JAX take all memory of a GPU at their start, and the
    second of two kernels finds none. What the caller has set for them stays.
    """

    async def _async_launch_kernel(self, kernel_cmd, **options):
        offered = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_FORCE_GPU_ALLOW_GROWTH": "true",
                   "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # fmt: skip
        wanted = {"MPLBACKEND": "module://matplotlib_inline.backend_inline",
                  "SERIES_STATIC": "1"}  # fmt: skip  # nobody is there to use a menu
        options["env"] = offered | dict(options.get("env") or os.environ) | wanted
        options["stderr"] = subprocess.DEVNULL  # a cell that fails says so in the notebook
        quiet = ["--IPKernelApp.log_level=50", f"--IPKernelApp.exec_lines={LEAVE}"]
        await super()._async_launch_kernel([*kernel_cmd, *quiet], **options)


class NotebookError(RuntimeError):
    """A notebook cannot be built, executed or read back; the message says which and why."""


class Parameter(NamedTuple):
    """A parameter that a notebook declares."""

    default: Any
    annotation: str


# --- the shape of the series ---------------------------------------------------------------


def sources(names: Sequence[str] = (), *, root: Path = ROOT) -> list[Path]:
    """Find the text sources in numeric order, all of them or those that are named."""
    files = sorted((root / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
    files = [path for path in files if path.stem != "00_template"]
    chosen = set()
    for name in names:
        stem = Path(name).name.removesuffix(".py").removesuffix(".ipynb")
        found = {path for path in files if stem in (path.stem, path.stem.split("_")[0])}
        if not found:
            known = ", ".join(path.stem for path in files) or "none"
            raise NotebookError(f"no notebook {name!r} in notebooks/src; there are: {known}")
        chosen |= found
    return sorted(chosen) if names else files


def code_hash(nb: nbformat.NotebookNode) -> str:
    """Hash the sources of the code cells, in order (SHA-256, 64 hexadecimal digits)."""
    return _digest(
        cell.source for cell in nb.cells if cell.cell_type == "code" and "setup" not in _tags(cell)
    )


def parameters(nb: nbformat.NotebookNode) -> dict[str, Parameter]:
    """Read the parameters that a notebook takes: those of its cell tagged ``parameters``.

    A notebook that makes an `Experiment` takes the parameters of that, too.
    """
    found = {}
    if any("Experiment(globals()" in cell.source for cell in nb.cells):
        found = {k: Parameter(v, type(v).__name__) for k, v in DEFAULTS.items()}
    for cell in nb.cells:
        if cell.cell_type == "code" and "parameters" in _tags(cell):
            for node in ast.parse(cell.source).body:
                found.update(_declared(node))
            break
    return found


def _declared(node: ast.stmt) -> dict[str, Parameter]:
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        targets, annotation = [node.target], ast.unparse(node.annotation)
    elif isinstance(node, ast.Assign):
        targets, annotation = node.targets, ""
    else:
        return {}
    try:
        default = ast.literal_eval(node.value)
    except ValueError:
        default = UNKNOWN
    return {t.id: Parameter(default, annotation) for t in targets if isinstance(t, ast.Name)}


# --- build, pull, check --------------------------------------------------------------------


def build(names: Sequence[str] = (), *, root: Path = ROOT, force: bool = False) -> list[Path]:
    """Make the ``.ipynb`` files from their text sources, one way."""
    files = sources(names, root=root)
    repository = address(root) if files else ""
    return [_build_one(path, repository, root=root, force=force) for path in files]


def address(root: Path = ROOT) -> str:
    """Return where readers can clone the series: GitHub's `origin`, else the template's setting."""
    if shutil.which("git"):
        git = ["git", "-C", str(root), "remote", "get-url", "origin"]
        origin = subprocess.run(git, capture_output=True, text=True, check=False).stdout
        if found := re.search(r"\bgithub\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?\s*$", origin):
            return f"https://github.com/{found[1]}"
    return REPOSITORY.search(_template(root))[1].removesuffix("/").removesuffix(".git")


def _build_one(
    path: Path, repository: str, *, root: Path, force: bool, pulled: str | None = None
) -> Path:
    old_text = path.read_text(encoding="utf-8")
    text = old_text if pulled is None else _put_setup(pulled, "", path, root=root)
    nb, target = _from_text(text, repository, path, root=root), _target(path)
    previous = _read(target, root=root) if target.exists() else None
    if previous is not None and not force and _was_edited(previous, nb):
        raise NotebookError(
            f"{_where(target, root)} was edited after it was built; bring the edit back with "
            f"`make pull NB={path.stem}`, or drop it with `python -m notebooks.tools.build build "
            f"{path.stem} --force`"
        )
    stamp = {"built_hash": _cells_hash(nb)}
    if previous is not None:
        code = previous.metadata.get(STAMP, {}).get("code_hash")
        stamp |= {"code_hash": code} if code else {}
        nb = _keep_outputs(nb, previous)
    _give_ids(nb.cells, previous.cells if previous is not None else [])
    nb.metadata = nbformat.from_dict({**KERNEL, STAMP: stamp})
    if text != old_text:
        write_atomic(path, text)
    write_atomic(target, _to_json(nb))
    return target


def _template(root: Path) -> str:
    """Return the text of the setup cell."""
    path = root / "notebooks" / "src" / "00_template.py"
    if not path.exists():
        raise NotebookError(f"{_where(path, root)} is missing; it holds the shared setup cell")
    text = path.read_text(encoding="utf-8")
    start, end = _setup_span(text, _where(path, root))
    if not REPOSITORY.search(text[start:end]):
        raise NotebookError(f'{_where(path, root)} has no line REPOSITORY = "..."')
    return text[start:end].rstrip("\n")


def _setup_span(text: str, where: str) -> tuple[int, int]:
    """Find the text of the cell tagged ``setup``, its marker line included."""
    found = re.search(r"^# %%.*\btags\s*=\s*\[[^\]\n]*\"setup\".*$", text, re.MULTILINE)
    if found is None:
        raise NotebookError(f'{where} has no setup cell (# %% tags=["setup"])')
    following = re.compile(r"^# %%", re.MULTILINE).search(text, found.end())
    return found.start(), following.start() if following else len(text)


def _put_setup(text: str, setup: str, path: Path, *, root: Path) -> str:
    """Return the source with another text in its setup cell, which stands in the template."""
    start, end = _setup_span(text, _where(path, root))
    marker = text[start:end].partition("\n")[0]
    parts = [text[:start] + (setup or marker), text[end:]]
    return "\n\n".join(part for part in parts if part) + ("" if parts[1] else "\n")


def _from_text(text: str, repository: str, path: Path, *, root: Path) -> nbformat.NotebookNode:
    """Make a notebook: with the setup cell, the address, and links to the glossary."""
    import jupytext

    text = _put_setup(text, _template(root), path, root=root)
    nb = jupytext.reads(text, fmt="py:percent")
    nb.nbformat, nb.nbformat_minor = 4, 5
    for cell in nb.cells:
        cell.metadata = _metadata(cell)
        cell.setdefault("id", "new")
        if "setup" in _tags(cell):
            cell.source = REPOSITORY.sub(f'REPOSITORY = "{repository}"', cell.source)
        if title := _title(cell):
            cell.source = f"# @title {title}\n{cell.source}"
    first = next((c for c in nb.cells if c.cell_type == "markdown"), None)
    if first is None or not first.source.startswith("# "):
        raise NotebookError(f"notebooks/src/{path.name} has no title (# # Title in its first cell)")
    glossary.link(nb, glossary.read_terms(path.parents[1] / "glossary.md"))
    if repository.startswith("https://github.com/"):
        colab = repository.replace("https://github.com", "https://colab.research.google.com/github")
        title, gap, rest = first.source.partition("\n")
        badge = f"{BADGE}({colab}/blob/main/notebooks/{path.stem}.ipynb)"
        first.source = f"{title}\n\n{badge}{gap}{rest}"
    return nb


def _repository_of(nb: nbformat.NotebookNode) -> str:
    """Return the address that a built notebook holds."""
    found = [REPOSITORY.search(c.source) for c in nb.cells if "setup" in _tags(c)]
    return next((match[1] for match in found if match), "")


def _keep_outputs(
    nb: nbformat.NotebookNode, previous: nbformat.NotebookNode
) -> nbformat.NotebookNode:
    """Match the cells as ``jupytext --update`` does; only unchanged code keeps its outputs."""
    from jupytext.combine import combine_inputs_with_outputs

    before = {cell.id: cell.source for cell in previous.cells}
    kept = [_metadata(cell) for cell in nb.cells]
    nb = combine_inputs_with_outputs(nb, previous, fmt="py:percent")
    nb.nbformat_minor = 5
    for cell, metadata in zip(nb.cells, kept, strict=True):
        cell.metadata = metadata
        if cell.cell_type == "code" and before.get(cell.id) != cell.source:
            cell.outputs, cell.execution_count = [], None
    return nb


def _give_ids(cells: list, previous: list) -> None:
    """Give new cells an id made from their source, so that two builds are the same bytes."""
    used = {cell.id for cell in previous}
    for cell in cells:
        if cell.get("id") in used:
            continue
        tries = 0
        while (new := _digest([cell.source, str(tries)])[:8]) in used:
            tries += 1
        cell.id = new
        used.add(new)


def _was_edited(previous: nbformat.NotebookNode, nb: nbformat.NotebookNode) -> bool:
    now, built = _cells_hash(previous), previous.metadata.get(STAMP, {}).get("built_hash")
    return built is not None and now != built and now != _cells_hash(nb)


def pull(name: str, *, root: Path = ROOT) -> Path:
    """Bring an edit made in JupyterLab from the ``.ipynb`` back into the text source."""
    import jupytext

    (path,) = sources([name], root=root)
    nb = _read(_target(path), root=root)
    old_text = path.read_text(encoding="utf-8")
    for cell in nb.cells:  # what the build has added is no edit
        cell.source = re.sub(r"\n\n" + re.escape(BADGE) + r".*", "", cell.source)
        cell.source = TITLE.sub("", cell.source) if _title(cell) else cell.source
        cell.source = glossary.unlink(cell.source)
    _keep_blank_lines(nb.cells, jupytext.reads(old_text, fmt="py:percent").cells)
    # The header of the source stays as it is: only what follows the first marker is written.
    options = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,-all"}
    nb.metadata = nbformat.from_dict({"jupytext": options})
    body = jupytext.writes(nb, fmt="py:percent")
    header = re.split(r"^# %%", old_text, maxsplit=1, flags=re.MULTILINE)[0]
    _build_one(path, address(root), root=root, force=True, pulled=header + body)
    return path


def _keep_blank_lines(cells: list, old_cells: list) -> None:
    """Leave as many lines after a cell as the source had, so that pull changes only the edit."""
    old = {cell.source: cell.metadata.get("lines_to_next_cell") for cell in old_cells}
    for cell in cells:
        cell.metadata = _metadata(cell)
        if (lines := old.get(cell.source)) is not None:
            cell.metadata["lines_to_next_cell"] = lines


def check(names: Sequence[str] = (), *, root: Path = ROOT) -> list[str]:
    """List what is out of date: notebooks not built from their source, outputs of other code."""
    files = sources(names, root=root)
    problems = [problem for path in files if (problem := _check_one(path, root))]
    if not names:
        known = {path.stem for path in files}
        strays = sorted((root / "notebooks").glob("*.ipynb"))
        problems += [
            f"{_where(path, root)} has no source in notebooks/src"
            for path in strays
            if path.stem not in known
        ]
    return problems


def _check_one(path: Path, root: Path) -> str:
    target, stem = _target(path), path.stem
    where, text = _where(target, root), path.read_text(encoding="utf-8")
    if _put_setup(text, "", path, root=root) != text:
        return f"{_where(path, root)}: its setup cell must be empty; what runs is the template's"
    if not target.exists():
        return f"{where} is missing; `make notebooks`"
    nb = _read(target, root=root)
    if _cells_hash(nb) != _cells_hash(_from_text(text, _repository_of(nb), path, root=root)):
        return (
            f"{where} is not built from its source; `make notebooks`, or `make pull NB={stem}` "
            f"if it was edited in JupyterLab"
        )
    stamp = nb.metadata.get(STAMP, {}).get("code_hash")
    if stamp is None:
        return f"{where} has no outputs yet; `make render NB={stem}`"
    if stamp != code_hash(nb):
        return f"{where} holds outputs of other code; `make render NB={stem}`"
    if target.stat().st_size > MAX_BYTES:
        return f"{where} is larger than {MAX_BYTES} bytes; make its figures smaller"
    return ""


# --- render --------------------------------------------------------------------------------


def render(names: Sequence[str] = (), *, root: Path = ROOT) -> list[Path]:
    """Execute notebooks with their default parameters, in numeric order, and keep the outputs."""
    return [_render_one(target, root) for target in build(names, root=root)]


def _render_one(target: Path, root: Path) -> Path:
    where = _where(target, root)
    return _keep(_execute(_read(target, root=root), where, root), target, root)


def keep(names: Sequence[str] = (), *, root: Path = ROOT) -> list[Path]:
    """Keep the outputs of the demo study: what one reads is what `make run` computes."""
    return [_keep(_executed(target, root), target, root) for target in build(names, root=root)]


def _executed(target: Path, root: Path) -> nbformat.NotebookNode:
    """Return the notebook with the outputs that it had in the demo study."""
    done = root / "runs" / "demo" / target.name
    if not done.exists():
        raise NotebookError(f"{_where(done, root)} is missing; `make run`")
    ran = nbformat.read(done, as_version=4)
    ran.cells = [cell for cell in ran.cells if "injected-parameters" not in _tags(cell)]
    nb = _read(target, root=root)
    if code_hash(ran) != code_hash(nb) or any(
        output.output_type == "error" for cell in _code_cells(ran) for output in cell.outputs
    ):
        ran_what = f"{_where(done, root)} is not a run of {_where(target, root)}"
        raise NotebookError(f"{ran_what}; `make run`")
    for cell, source in zip(_code_cells(nb), _code_cells(ran), strict=True):
        cell.outputs = source.outputs
    return nb


def _keep(nb: nbformat.NotebookNode, target: Path, root: Path) -> Path:
    """Write an executed notebook with outputs that are small, quiet and ours to give away."""
    where = _where(target, root)
    for number, cell in enumerate(_code_cells(nb), start=1):
        cell.execution_count = number
        cell.outputs = _clean_outputs(cell.outputs, number)
        if "real-data" in _tags(cell):
            cell.outputs = [nbformat.v4.new_output("stream", text=DATA_PLACEHOLDER)]
    _keep_sound(nb)
    for cell in nb.cells:
        cell.metadata = _metadata(cell)
    stamp = {"built_hash": _cells_hash(nb), "code_hash": code_hash(nb)}
    nb.metadata = nbformat.from_dict({**KERNEL, STAMP: stamp})
    text = _to_json(nb)
    if (size := len(text.encode())) > MAX_BYTES:
        largest = max(_code_cells(nb), key=lambda cell: len(str(cell.outputs)))
        raise NotebookError(
            f"{where} would hold {size} bytes, more than {MAX_BYTES}; the largest output is "
            f"that of cell In [{largest.execution_count}]"
        )
    write_atomic(target, text)
    return target


def _execute(nb: nbformat.NotebookNode, where: str, root: Path) -> nbformat.NotebookNode:
    from nbclient import NotebookClient

    nb = copy.deepcopy(nb)
    started = []
    client = NotebookClient(
        nb,
        kernel_name="python3",
        timeout=None,
        record_timing=False,
        store_widget_state=False,
        kernel_manager_class=QuietKernelManager,
        resources={"metadata": {"path": str(root)}},
        on_cell_start=lambda cell, cell_index: started.append(cell),
    )
    try:
        client.execute()
    except Exception as error:
        number = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in started)
        name, text = getattr(error, "ename", type(error).__name__), getattr(error, "evalue", "")
        raise NotebookError(f"{where}, cell In [{number}]: {name}: {text or error}") from error
    return nb


def _clean_outputs(outputs: list, number: int) -> list:
    kept: list = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text  # stdout that a dropped output had cut in two
                continue
        elif "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
            continue
        elif "image/png" in output.get("data", {}):
            output.data["image/png"] = _smaller(output.data["image/png"])
        if output.output_type == "execute_result":
            output.execution_count = number
        kept.append(output)
    return kept


def _smaller(png: str) -> str:
    """Reduce a figure to 256 colours, a third of the bytes, where the eye sees no difference.

    Pillow's other methods move single colours of a colormap by 50 of 255.
    """
    from PIL import Image, ImageChops

    image = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    few = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    error = ImageChops.difference(image, few.convert("RGB")).getextrema()
    packed = io.BytesIO()
    (image if max(error)[1] > MAX_ERROR else few).save(packed, "PNG", optimize=True)
    return min(png, base64.b64encode(packed.getvalue()).decode(), key=len)


def _keep_sound(nb: nbformat.NotebookNode) -> None:
    """Leave rendered music as short clips, until there is enough; never sound of real data."""
    from helpers.datasets import RENDERED

    dataset, left = parameters(nb).get("DATASET"), SOUND_BYTES
    for cell in _code_cells(nb):
        real = dataset is None or dataset.default not in RENDERED or "real-sound" in _tags(cell)
        for output in cell.outputs:
            page = output.get("data", {}).get("text/html", "")
            if not SOUND.search(page):
                continue
            page = "" if real else _shorter(page)
            if page and len(page) <= left:
                output.data["text/html"] = page
                left -= len(page)
            else:
                text = NO_MORE_SOUND if page else AUDIO_PLACEHOLDER
                output.data = nbformat.from_dict({"text/plain": text})
                output.metadata = nbformat.from_dict({})


def _shorter(page: str) -> str:
    """Shorten the players of a page; a picture that follows its sound needs the whole."""
    if "data:audio/" not in page:  # the sound is in a file
        return ""
    return page if 'class="taggram"' in page else PLAYER.sub(_clip, page)


def _clip(player: re.Match) -> str:
    """Keep the first seconds of a player as MP3, 30 kB."""
    import soundfile
    import soxr

    found = re.search(r"data:audio/[^,]*;base64,([\w+/=]+)", player[0])
    if found is None:
        return AUDIO_PLACEHOLDER
    y, sr = soundfile.read(io.BytesIO(base64.b64decode(found[1])), always_2d=True)
    clip = soxr.resample(0.8 * y[: CLIP_SECONDS * sr].mean(axis=1), sr, CLIP_RATE)  # MP3 overshoots
    mp3 = io.BytesIO()
    soundfile.write(mp3, clip, CLIP_RATE, format="MP3", bitrate_mode="AVERAGE",
                    compression_level=0.75)  # fmt: skip
    source = f"data:audio/mpeg;base64,{base64.b64encode(mp3.getvalue()).decode()}"
    cut = f" the first {CLIP_SECONDS} of {len(y) / sr:.0f} s" if len(y) > CLIP_SECONDS * sr else ""
    return f'<audio controls src="{source}">run the cell to listen</audio>{cut}'


# --- web pages -----------------------------------------------------------------------------


def to_html(nb: nbformat.NotebookNode, *, title: str) -> str:
    """Turn a notebook into one web page that needs no network."""
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    template = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    exporter = HTMLExporter(template_name="lab", embed_images=True, raw_template=template)
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # progress bars
    page, _ = exporter.from_notebook_node(nb, resources={"metadata": {"name": title}})
    page = re.sub(r"<script\b(?! data-player).*?</script\b[^>]*>", "", page, flags=re.S | re.I)
    page = glossary.as_abbreviations(page)
    return re.sub(r"""<(?:img|link)\b(?:[^>"']|"[^"]*"|'[^']*')*>""", _from_disk, page)


def _from_disk(tag: re.Match) -> str:
    """Replace an image or a style sheet that the page would fetch from the network."""
    if not re.search(r"""\b(?:src|href)\s*=\s*["']?(?:https?:)?//""", tag[0]):
        return tag[0]
    alt = re.search(r"""\balt=(["'])(.*?)\1""", tag[0], re.DOTALL)
    return html.escape(html.unescape(alt[2])) if alt else ""


# --- small parts ---------------------------------------------------------------------------


def _digest(parts: Any) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8")
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()


def _cells_hash(nb: nbformat.NotebookNode) -> str:
    return _digest(
        part for cell in nb.cells for part in (cell.cell_type, cell.source, *_tags(cell))
    )


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _title(cell: nbformat.NotebookNode) -> str:
    """Return what stands in the place of a folded cell."""
    return next((FOLDED[tag] for tag in _tags(cell) if tag in FOLDED), "")


def _metadata(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return what we keep of a cell's metadata: its tags, and that it is folded."""
    tags = {"tags": _tags(cell)} if _tags(cell) else {}
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}} if _title(cell) else {}
    return nbformat.from_dict(tags | folded)


def _code_cells(nb: nbformat.NotebookNode) -> list:
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def _target(path: Path) -> Path:
    return path.parent.parent / f"{path.stem}.ipynb"


def _where(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _read(path: Path, *, root: Path) -> nbformat.NotebookNode:
    if not path.exists():
        raise NotebookError(f"{_where(path, root)} is missing; `make notebooks`")
    try:
        nb = nbformat.read(path, as_version=4)
    except Exception as error:
        raise NotebookError(
            f"{_where(path, root)} is not a notebook ({error}); delete it and `make notebooks`"
        ) from error
    _give_ids(nb.cells, [cell for cell in nb.cells if "id" in cell])  # Colab gives none
    return nb


def _to_json(nb: nbformat.NotebookNode) -> str:
    nb.nbformat, nb.nbformat_minor = 4, 5
    return nbformat.writes(nb, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def main(argv: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; the exit status is 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m notebooks.tools.build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["build", "render", "keep", "pull", "check"])
    parser.add_argument("names", nargs="*", metavar="NB", help="05 or 05_convpool; none: all")
    parser.add_argument("--force", action="store_true", help="build: drop edits of the .ipynb")
    args = parser.parse_args(argv)
    try:
        return _run(args, root)
    except NotebookError as error:
        print(error, file=sys.stderr)
        return 1


def _run(args: argparse.Namespace, root: Path) -> int:
    if args.command == "check":
        problems = check(args.names, root=root)
        print("\n".join(problems), end="\n" if problems else "")
        return 1 if problems else 0
    if args.command == "pull" and not args.names:
        raise NotebookError("pull needs the name of a notebook, such as 05")
    for path in sources(args.names, root=root):
        if args.command == "build":
            done = build([path.stem], root=root, force=args.force)[0]
        elif args.command == "render":
            done = render([path.stem], root=root)[0]
        elif args.command == "keep":
            done = keep([path.stem], root=root)[0]
        else:
            done = pull(path.stem, root=root)
        print(_where(done, root), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
