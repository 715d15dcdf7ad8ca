"""Install what the notebooks need and this Python lacks, and change nothing that is there already.

The setup cell calls this where a notebook had to fetch its series, as in Google Colab::

    python -m notebooks.tools.install

Needed are the lines of ``requirements.txt`` above "# tools". Only the standard library and
``packaging``, which matplotlib brings, may be imported here.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def missing(lines: list[str]) -> list[Requirement]:
    """Return those requirements that no installed package meets."""
    texts = (line.partition("#")[0].strip() for line in lines)
    return [r for r in map(Requirement, filter(None, texts)) if not _is_met(r)]


def _is_met(requirement: Requirement) -> bool:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def main() -> int:
    """Install what is missing, in a few words; the exit status is 1 if that cannot be done."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8").partition("# tools")[0]
    wanted = missing(text.splitlines())
    if not wanted:
        return 0
    names = [canonicalize_name(r.name) for r in wanted]
    print(f"Installing {', '.join(names)} (about a minute, once)", flush=True)
    there = {canonicalize_name(d.name): d.version for d in metadata.distributions() if d.name}
    kept = [f"{name}=={version}" for name, version in there.items() if name not in names]
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "installed.txt"
        pins.write_text("\n".join(kept), encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(pins)]
        if subprocess.run([*pip, *map(str, wanted)]).returncode:
            print("Could not install them beside the packages that are here: see above.")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
