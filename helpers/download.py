"""Download data sets and pretrained weights: checksums, mirrors, resume, safe unpacking.

Use it through :func:`helpers.datasets.fetch`. What can be had, and where, stands in
``sources.toml``.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TRIES = 4  # failures in a row, without one new byte, before a mirror is given up
WAIT = 1.0  # seconds before the second try; doubled each time
TIMEOUT = (15, 60)  # seconds to connect, seconds of silence
BRANCH = re.compile(r"/(?:heads/\w+|main|master)\b")
MOVED = (
    "  This is the address of a branch, which may have moved on since its checksum was noted. If "
    "you trust what it holds now, write the new checksum into helpers/sources.toml."
)


class DatasetError(RuntimeError):
    """A dataset is missing, incomplete or not in a known layout; the message says what to do."""


@dataclass(frozen=True)
class Remote:
    """One file to download."""

    path: str
    urls: tuple[str, ...] = ()
    known_hash: str | None = None
    unpack_to: str = ""
    requirement: str = ""  # of the package whose wheel this file is: pip brings it
    size: int = 0  # bytes, where the publisher states them
    members: tuple[str, ...] = ()  # what is taken out of the archive; nothing named: all

    @property
    def final(self) -> str:
        """What is there in the end, relative to the data folder."""
        return self.unpack_to or self.path


@dataclass(frozen=True)
class Source:
    """What `sources.toml` says of a data set: its files, or how to bring them by hand."""

    remotes: tuple[Remote, ...] = ()
    by_hand: str = ""
    licence: str = ""
    citation: str = ""


def _registry() -> dict[str, Source]:
    raw = tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8"))

    def remotes(entry: dict) -> tuple[Remote, ...]:
        files = (
            {key: tuple(value) if isinstance(value, list) else value for key, value in file.items()}
            for file in entry["files"]
        )
        own = (Remote(**file) for file in files)
        return (*(r for name in entry.get("with", ()) for r in remotes(raw[name])), *own)

    said = ("by_hand", "licence", "citation")
    return {
        name: Source(remotes({"files": [], **entry}), *(entry.get(key, "") for key in said))
        for name, entry in raw.items()
    }


REGISTRY = _registry()


def how_to_get(name: str, data_dir: str | os.PathLike) -> str:
    """Return the sentence that says how to get a dataset."""
    source = REGISTRY[name]
    if source.by_hand:
        return source.by_hand.format(name=name, data_dir=data_dir)
    return f'fetch("{name}", "{data_dir}") downloads it'


def fetch(name: str, data_dir: str | os.PathLike, *, progress: bool = True) -> Path:
    """Download a dataset or a file of weights, check it, and unpack it where `load` looks.

    What is already there is left alone: a file with the right checksum, or an unpacked folder
    (delete the folder to fetch it again). A download that was cut goes on where it stopped.
    An archive that you put in place yourself is checked and unpacked.

    Parameters
    ----------
    name : str
        A dataset, "gtzan_lists" (the fault-filtered lists), or the weights of a pretrained network:
        "musicnn", "msd_crnn", "msd_convnet" (music), "efficientnet_lite0" (photographs).
    data_dir : path
        The folder that holds the datasets.
    progress : bool
        Show progress bars on the standard error stream.

    Returns
    -------
    Path
        The file, or the folder in which all files of the dataset lie.

    Raises
    ------
    DatasetError
        The name is unknown, the dataset has to be brought by hand (the message says how), no
        mirror delivered the right file, the disk is too small, or an archive is damaged or
        hostile.
    """
    if name not in REGISTRY:
        raise DatasetError(f"nothing called {name!r} can be fetched; known: {', '.join(REGISTRY)}")
    remotes = REGISTRY[name].remotes
    if not remotes:
        raise DatasetError(f"{name}: {how_to_get(name, data_dir)}")
    paths = [_get(remote, name, Path(data_dir), progress=progress) for remote in remotes]
    return Path(os.path.commonpath(paths))


def _get(remote: Remote, name: str, data_dir: Path, *, progress: bool) -> Path:
    """Bring one file to where it belongs and return what is there in the end."""
    final = data_dir / remote.final
    if remote.unpack_to and final.exists():
        return final
    archive = data_dir / remote.path
    brought = archive.exists()  # what somebody put there is theirs: never deleted
    if remote.urls:
        download(remote, data_dir, progress=progress)
    elif remote.requirement:
        _fetch_wheel(remote, archive, progress=progress)
    elif not brought:
        raise DatasetError(f"{name}: {archive} is missing: {how_to_get(name, data_dir)}")
    if remote.unpack_to:
        unpack(archive, final, members=remote.members, progress=progress)
        if not brought:
            archive.unlink()
    return final


# --- downloading ----------------------------------------------------------------------------


def download(remote: Remote, data_dir: str | os.PathLike, *, progress: bool = True) -> Path:
    """Download one file from the first mirror that delivers the right bytes."""
    target = Path(data_dir, remote.path)
    part = target.with_name(target.name + ".part")
    failures = []
    for url in remote.urls:
        try:
            return _retrieve(url, remote, target, _Resume(part, progress=progress))
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"  {url}: {error}")
            if isinstance(error, ValueError) and BRANCH.search(url):
                failures.append(MOVED)
    reasons = "\n".join(failures)
    kept = part.stat().st_size if part.exists() else 0
    again = f"; {kept:,} bytes are kept, the same call goes on from there" if kept else ""
    raise DatasetError(f"{target} could not be downloaded{again}:\n{reasons}")


def _retrieve(url: str, remote: Remote, target: Path, resume: _Resume) -> Path:
    import pooch

    def once() -> Path:
        # pooch checks the sum, removes a wrong file and moves a right one into place.
        return Path(
            pooch.retrieve(
                url, remote.known_hash, fname=target.name, path=target.parent, downloader=resume
            )
        )

    try:
        return once()
    except ValueError:
        if not resume.resumed:
            raise
        return once()  # what an earlier run left was not part of this file: from the start


class _Resume:
    """A pooch downloader that goes on where an earlier download was cut (HTTP Range)."""

    def __init__(self, part: Path, *, progress: bool):
        self.part = part
        self.progress = progress
        self.resumed = False

    def __call__(self, url: str, output_file: str, pooch, check_only: bool = False) -> None:
        import requests

        cut = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
        self.resumed = self._size() > 0
        failures, best = 0, self._size()
        while True:
            try:
                self._append(url)
                break
            except cut:
                failures = 0 if self._size() > best else failures + 1
                best = max(best, self._size())
                if failures == TRIES:
                    raise
                time.sleep(WAIT * 2**failures)
        os.replace(self.part, output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _append(self, url: str) -> None:
        """Ask for the bytes that are missing and append them; restart if the server cannot."""
        import requests

        have = self._size()
        # "identity": a length in bytes must mean bytes of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if have and response.status_code == 416:
                return  # nothing is missing: the checksum decides
            response.raise_for_status()
            resumes = re.match(rf"bytes {have}-", response.headers.get("Content-Range", ""))
            have = have if response.status_code == 206 and resumes else 0
            length = int(response.headers.get("Content-Length", 0))
            _check_space(self.part.parent, length)
            self._write(response, have, have + length if length else None)

    def _write(self, response, have: int, total: int | None) -> None:
        import requests
        from tqdm.auto import tqdm

        bar = tqdm(
            initial=have,
            total=total,
            unit="B",
            unit_scale=True,
            desc=self.part.stem,
            disable=not self.progress,
        )
        with bar, open(self.part, "ab" if have else "wb") as file:
            for chunk in response.iter_content(1 << 16):
                file.write(chunk)
                bar.update(len(chunk))
        if total is not None and self._size() != total:
            raise requests.ConnectionError(f"cut after {self._size():,} of {total:,} bytes")


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{folder}: {needed / 1e9:.1f} GB are needed and {free / 1e9:.1f} GB are free; "
            "make room or choose another data folder"
        )


# --- wheels ---------------------------------------------------------------------------------


def _fetch_wheel(remote: Remote, wheel: Path, *, progress: bool) -> None:
    """Bring a wheel with pip, which knows the index and the proxy of its user; check its sum."""
    if not wheel.exists():
        wheel.parent.mkdir(parents=True, exist_ok=True)
        _check_space(wheel.parent, 2 * remote.size)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=wheel.parent) as work:
            _pip_download(remote, Path(work), wheel, progress=progress)
            os.replace(Path(work, wheel.name), wheel)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != remote.known_hash.removeprefix("sha256:"):
        raise DatasetError(f"{wheel} has another checksum than {remote.requirement}; delete it")


def _size_of_wheel(work: Path) -> int:
    """Bytes of the largest wheel below `work`, from which pip removes folders meanwhile."""
    sizes = [0]
    for folder, _, names in os.walk(work):
        for name in names:
            if name.endswith(".whl"):
                with contextlib.suppress(FileNotFoundError):
                    sizes.append(os.path.getsize(os.path.join(folder, name)))
    return max(sizes)


def _pip_download(remote: Remote, work: Path, wheel: Path, *, progress: bool) -> None:
    """Run ``pip download`` into the folder `work`, with a progress bar of the bytes that arrive."""
    from tqdm.auto import tqdm

    wanted = work / "requirements.txt"
    wanted.write_text(f"{remote.requirement} --hash={remote.known_hash}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--retries", "1", "--timeout", str(TIMEOUT[0]), "--quiet"]
    command += ["--dest", str(work), "--requirement", str(wanted)]
    env = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work))
    bar = {"total": remote.size, "unit": "B", "unit_scale": True, "disable": not progress}
    with tqdm(desc=wheel.name, **bar) as shown, open(work / "log", "w+", encoding="utf-8") as log:
        pip = subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT)
        while pip.poll() is None:
            time.sleep(0.1)
            shown.update(_size_of_wheel(work) - shown.n)
        log.seek(0)
        said = [line for line in log.read().splitlines() if line.strip()]
    if pip.returncode or not (work / wheel.name).exists():
        errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
        why = (errors or said or ["it says nothing"])[-1]
        raise DatasetError(
            f"pip could not fetch {remote.requirement} ({why}). With a network, try again; or get "
            f"the wheel elsewhere and put it at {wheel}"
        )


# --- unpacking ------------------------------------------------------------------------------


def unpack(
    archive: str | os.PathLike,
    folder: str | os.PathLike,
    *,
    members: tuple[str, ...] = (),
    progress: bool = True,
) -> Path:
    """Unpack a zip or tar archive, or what of it begins like `members`, wholly or not at all."""
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise DatasetError(f"{folder} is already there; delete it to unpack {archive} again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    content = work / "content"  # mkdtemp's own folder is private to the user
    content.mkdir()
    try:
        _write_members(archive, content, members or ("",), progress=progress)
        os.replace(_only_folder(content), folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DatasetError(
            f"{archive}: unpacking failed ({error}); if the archive is damaged, delete it and "
            "get it again"
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _write_members(archive: Path, folder: Path, members: tuple, *, progress: bool) -> None:
    from tqdm.auto import tqdm

    with _opened(archive) as file:
        zipped = isinstance(file, zipfile.ZipFile)
        if zipped:
            _check_space(archive.parent, sum(info.file_size for info in file.infolist()))
        else:  # Python 3.11.3 has no filters yet; `_checked_name` refuses the same and more
            file.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        bar = {"desc": f"unpack {archive.name}", "unit": " files", "disable": not progress}
        for member in tqdm(file.infolist() if zipped else file, **bar):
            name = _checked_name(member, archive)
            if not name or name.startswith("__MACOSX") or PurePosixPath(name).name[:2] == "._":
                continue
            if not name.startswith(members):
                continue
            setattr(member, "filename" if zipped else "name", name)
            file.extract(member, folder)


def _opened(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    if zipfile.is_zipfile(archive):
        return zipfile.ZipFile(archive)
    if tarfile.is_tarfile(archive):
        return tarfile.open(archive)
    raise DatasetError(
        f"{archive} is neither a zip nor a tar archive, or is damaged; delete it and get it again"
    )


def _checked_name(member: zipfile.ZipInfo | tarfile.TarInfo, archive: Path) -> str:
    """Return the name of a plain file or folder; anything else stops everything."""
    if isinstance(member, zipfile.ZipInfo):
        name = member.filename
        kind = (member.external_attr >> 16) & 0o170000  # the Unix type, 0 where none is stored
        plain = kind in (0, 0o100000, 0o040000)
    else:
        name, plain = member.name, member.isfile() or member.isdir()
    problem = "" if plain else "is a link or a device"
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name):
        problem = "points outside the folder"
    if problem:
        raise DatasetError(
            f"{archive}: member {name!r} {problem}; nothing was unpacked. Do not use this archive"
        )
    is_folder = name.replace("\\", "/").endswith("/")
    return "" if path == PurePosixPath(".") else f"{path}{'/' * is_folder}"


def _only_folder(content: Path) -> Path:
    """Return the one folder that an archive holds, or the whole content."""
    entries = [entry for entry in content.iterdir() if not entry.name.startswith(".")]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else content
