"""What the setup cell installs in Colab: only what is missing, beside what is there."""

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from notebooks.tools import install


def test_only_what_no_package_meets_is_missing():
    lines = [
        "# sound",
        "numpy>=1,<99               # there",
        "numpy>=99                  # too old",
        "no-such-package>=1         # absent",
        "",
    ]
    assert [str(r) for r in install.missing(lines)] == ["numpy>=99", "no-such-package>=1"]


@pytest.fixture
def pip(monkeypatch, tmp_path):
    """Replace pip; return its arguments and the pins that it was given."""
    calls = []

    def run(command, **_):
        pins = Path(command[command.index("--constraint") + 1]).read_text()
        calls.append((command, pins.split()))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(install.subprocess, "run", run)
    monkeypatch.setattr(install, "ROOT", tmp_path)
    return calls


def test_no_package_that_is_there_may_change(pip, tmp_path, capsys):
    needed = "numpy>=1\npandas>=99\nno-such-package>=1\n# tools: not in Colab\npapermill>=99"
    (tmp_path / "requirements.txt").write_text(needed)
    assert install.main() == 0
    [(command, pins)] = pip
    assert command[-2:] == ["pandas>=99", "no-such-package>=1"]
    assert f"numpy=={metadata.version('numpy')}" in pins
    assert not any(pin.startswith("pandas==") for pin in pins)  # too old: only a newer one helps
    assert capsys.readouterr().out == "Installing pandas, no-such-package (about a minute, once)\n"


def test_nothing_missing_says_and_does_nothing(pip, tmp_path, capsys):
    (tmp_path / "requirements.txt").write_text("numpy>=1\n")
    assert install.main() == 0
    assert pip == [] and capsys.readouterr().out == ""


def test_what_cannot_be_installed_is_said(monkeypatch, tmp_path, capsys):
    (tmp_path / "requirements.txt").write_text("no-such-package>=1\n")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    failed = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: failed)
    assert install.main() == 1
    assert "Could not install them beside the packages that are here" in capsys.readouterr().out
