"""Draw which module imports which into CONTRIBUTING.md: `make imports`."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

from helpers.files import write_atomic

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"helpers": ROOT / "helpers", "tools": ROOT / "notebooks" / "tools"}


def room(module: str) -> str:
    """Name a module as the drawing does: a package of helpers is one box."""
    parts = module.removeprefix("notebooks.").split(".")
    return ".".join(parts[:2]) if parts[0] in ROOMS and len(parts) > 1 else ""


def files() -> dict[Path, str]:
    """Return every file, with the name of its box."""
    found = {}
    for name, folder in ROOMS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if parts[0] != "__init__":
                found[path] = f"{name}.{parts[0]}"
    return found


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, each with the name taken from it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in ("helpers", "notebooks")}


def graph() -> dict[str, list[str]]:
    """Return for each box the boxes that it imports."""
    edges: dict[str, set[str]] = {}
    for path, name in files().items():
        edges.setdefault(name, set()).update(room(other) for other in imported(path))
    return {name: sorted(others & edges.keys() - {name}) for name, others in sorted(edges.items())}


def drawing() -> str:
    """Return the graph for Mermaid, which GitHub draws: what is imported comes first."""
    edges = graph()
    lines = ["```mermaid", "graph LR"]
    for kind in ROOMS:
        boxes = [n for n in TopologicalSorter(edges).static_order() if n.startswith(f"{kind}.")]
        lines += [f"  subgraph {kind}", *(f"    {n}[{n.split('.')[1]}]" for n in boxes), "  end"]
    lines += [f"  {one} --> {other}" for one in edges for other in edges[one]]
    return "\n".join([*lines, "```"])


def main() -> None:
    """Write the drawing into CONTRIBUTING.md."""
    path = ROOT / "CONTRIBUTING.md"
    before, _, rest = path.read_text(encoding="utf-8").partition("<!-- imports -->\n")
    after = rest.partition("<!-- imports end -->")[2]
    write_atomic(path, f"{before}<!-- imports -->\n{drawing()}\n<!-- imports end -->{after}")


if __name__ == "__main__":
    main()
