"""Download data sets and pretrained weights: checksums, mirrors, resume, safe unpacking.

Use it through :func:`helpers.datasets.fetch`. A file enters the registry only with a checksum that
its publisher, or a library that pins it, states; everything else is fetched by hand, and
:func:`fetch` says how.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

TRIES = 4  # failures in a row, without one new byte, before a mirror is given up
WAIT = 1.0  # seconds before the second try; doubled each time
TIMEOUT = (15, 60)  # seconds to connect, seconds of silence


class DatasetError(RuntimeError):
    """A dataset is missing, incomplete or not in a known layout; the message says what to do."""


@dataclass(frozen=True)
class Remote:
    """One file to download.

    Parameters
    ----------
    path : str
        Where the file goes, relative to the data folder.
    urls : tuple of str
        Mirrors, tried in this order. Empty: the file is brought by hand.
    known_hash : str or None
        Checksum as pooch writes it: ``"sha256:..."``, ``"sha1:..."`` or ``"md5:..."``.
    unpack_to : str
        Folder, relative to the data folder, that an archive becomes; "" for a plain file.
    """

    path: str
    urls: tuple[str, ...] = ()
    known_hash: str | None = None
    unpack_to: str = ""

    @property
    def final(self) -> str:
        """What is there in the end, relative to the data folder."""
        return self.unpack_to or self.path


@dataclass(frozen=True)
class Source:
    """The files of one name in the registry, and what to do where they cannot be fetched."""

    remotes: tuple[Remote, ...] = ()
    by_hand: str = ""


def _gtzan_lists() -> tuple[Remote, ...]:
    base = "https://raw.githubusercontent.com/coreyker/dnn-mgr/master/gtzan/"
    sums = {
        "train": "2b04966cef1486f1a7767b74271533fa23e220388db804a1937835e1fc4fa3fa",
        "valid": "f8fbee7c52397a0e0f3a91dc54fedecb2e27f5bdc9a9daeab8cb10d077e26956",
        "test": "09cafa6a89ce0a27f30ed250d56ecb4d03c22fffb5a693f96c7ae655ee02ac72",
    }
    return tuple(
        Remote(f"gtzan/lists/{s}_filtered.txt", (f"{base}{s}_filtered.txt",), f"sha256:{digest}")
        for s, digest in sums.items()
    )


def _fma(name: str) -> Remote:
    # SHA-1 as the README of mdeff/fma states them.
    sums = {
        "fma_metadata": "f0df49ffe5f2a6008d7dc83c6915b31835dfe733",
        "fma_small": "ade154f733639d52e35e32f5593efe5be76c6d70",
        "fma_medium": "c67b69ea232021025fca9231fc1c7c1a063ab50b",
        "fma_large": "497109f4dd721066b5ce5e5f250ec604dc78939e",
        "fma_full": "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab",
    }
    url = f"https://os.unil.cloud.switch.ch/fma/{name}.zip"
    return Remote(f"fma/{name}.zip", (url,), f"sha1:{sums[name]}", f"fma/{name}")


def _irmas() -> tuple[Remote, ...]:
    # MD5 as mirdata pins them.
    sums = {
        "IRMAS-TrainingData": "4fd9f5ed5a18d8e2687e6360b5f60afe",
        "IRMAS-TestingData-Part1": "5a2e65520dcedada565dff2050bb2a56",
        "IRMAS-TestingData-Part2": "afb0c8ea92f34ee653693106be95c895",
        "IRMAS-TestingData-Part3": "9b3fb2d0c89cdc98037121c25bd5b556",
    }
    base = "https://zenodo.org/record/1290750/files/"
    return tuple(
        Remote(f"irmas/{n}.zip", (f"{base}{n}.zip?download=1",), f"md5:{digest}", f"irmas/{n}")
        for n, digest in sums.items()
    )


def _weights(file: str, path: str, sha256: str) -> Source:
    url = f"https://raw.githubusercontent.com/keunwoochoi/music-auto_tagging-keras/master/{path}"
    return Source((Remote(f"weights/{file}", (url,), f"sha256:{sha256}"),))


_RENDERED = 'nothing to fetch: load("{name}", ...) renders this dataset on this machine'

REGISTRY: dict[str, Source] = {
    "demo": Source(by_hand=_RENDERED),
    "demo_instruments": Source(by_hand=_RENDERED),
    "demo_composers": Source(by_hand=_RENDERED),
    "demo_band": Source(by_hand=_RENDERED),
    "gtzan_lists": Source(_gtzan_lists()),
    "gtzan": Source(
        # No mirror states a checksum for the bytes it serves, so the archive is brought by hand.
        (*_gtzan_lists(), Remote("gtzan/genres.tar.gz", unpack_to="gtzan/genres")),
        by_hand="the first home of genres.tar.gz is gone. A copy (1.2 GB) lies at "
        "https://huggingface.co/datasets/marsyas/gtzan. Get it with\n"
        "  curl -L -C - --create-dirs -o {data_dir}/gtzan/genres.tar.gz https://huggingface.co"
        "/datasets/marsyas/gtzan/resolve/main/data/genres.tar.gz\n"
        'then fetch("gtzan", "{data_dir}") once more: it unpacks the archive',
    ),
    "gtzan_mini": Source(
        (
            Remote(
                "gtzan_mini/main.zip",
                ("https://github.com/TempoBeatDownbeat/gtzan_mini/archive/refs/heads/main.zip",),
                "md5:44f7f23af8363d96c59663a987f29a4c",  # as mirdata pins it
                "gtzan_mini/gtzan_mini-main",
            ),
        )
    ),
    **{
        name: Source((_fma("fma_metadata"), _fma(name)))
        for name in ("fma_small", "fma_medium", "fma_large", "fma_full")
    },
    "irmas": Source(_irmas()),
    "maestro": Source(
        (
            Remote(
                "maestro/maestro-v2.0.0-midi.zip",
                (
                    "https://storage.googleapis.com/magentadata/datasets/maestro/v2.0.0/"
                    "maestro-v2.0.0-midi.zip",
                ),
                # as muspy pins it
                "sha256:ec2cc9d94886c6b376db1eaa2b8ad1ce62ff9f0a28b3744782b13163295dadf3",
                "maestro/maestro-v2.0.0",
            ),
        )
    ),
    "asap": Source(
        by_hand="get it with\n"
        "  git clone --depth 1 https://github.com/fosfrancesco/asap-dataset {data_dir}/asap"
    ),
    "discography": Source(
        by_hand="your own music: put it at {data_dir}/discography/<artist>/<album>/<track>, or "
        'name another folder: load("discography", ..., folder="path/to/music")'
    ),
    "folder": Source(
        by_hand="your own music: put it at <folder>/<class>/<track> and name the folder: "
        'load("folder", ..., folder="path/to/music")'
    ),
    "msd_crnn": _weights(
        "music_tagger_crnn_weights_tensorflow.h5",
        "data/music_tagger_crnn_weights_tensorflow.h5",
        "df63638de9f3113780768181670c554f122fbd1297c63c065836d70a251115a8",
    ),
    "msd_convnet": _weights(
        "compact_cnn_weights_theano.hdf5",
        "compact_cnn/weights_theano.hdf5",
        "caf89f811415691fbb245be7eef394b9cebd787d7e3f78e29695972141cf2a08",
    ),
}


def how_to_get(name: str, data_dir: str | os.PathLike) -> str:
    """Return the sentence that says how to get a dataset.

    Parameters
    ----------
    name : str
        A name in the registry.
    data_dir : path
        The folder that holds the datasets.

    Returns
    -------
    str
        A call of :func:`fetch`, or what to do by hand.

    Examples
    --------
    >>> how_to_get("gtzan_lists", "data")
    'fetch("gtzan_lists", "data") downloads it'
    """
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
        A dataset, or "gtzan_lists" (the fault-filtered lists), "msd_crnn" or "msd_convnet" (the
        two pretrained music networks).
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

    Examples
    --------
    >>> weights = fetch("msd_crnn", "data")  # doctest: +SKIP
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
    elif not brought:
        raise DatasetError(f"{name}: {archive} is missing: {how_to_get(name, data_dir)}")
    if remote.unpack_to:
        unpack(archive, final, progress=progress)
        if not brought:
            archive.unlink()
    return final


# --- downloading ----------------------------------------------------------------------------


def download(remote: Remote, data_dir: str | os.PathLike, *, progress: bool = True) -> Path:
    """Download one file from the first mirror that delivers the right bytes.

    Parameters
    ----------
    remote : Remote
        What to download.
    data_dir : path
        The folder that holds the datasets.
    progress : bool
        Show a progress bar on the standard error stream.

    Returns
    -------
    Path
        The file, with the right checksum.

    Raises
    ------
    DatasetError
        No mirror delivered the file; the message names each and its failure.

    Examples
    --------
    >>> lists = REGISTRY["gtzan_lists"].remotes
    >>> download(lists[0], "data")  # doctest: +SKIP
    """
    target = Path(data_dir, remote.path)
    part = target.with_name(target.name + ".part")
    failures = []
    for url in remote.urls:
        try:
            return _retrieve(url, remote, target, _Resume(part, progress=progress))
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            failures.append(f"  {url}: {error}")
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
        from tqdm import tqdm

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


# --- unpacking ------------------------------------------------------------------------------


def unpack(archive: str | os.PathLike, folder: str | os.PathLike, *, progress: bool = True) -> Path:
    """Unpack a zip or tar archive into a new folder, wholly or not at all.

    If the archive holds one folder, that folder becomes `folder`; otherwise all it holds goes
    into `folder`. Only plain files and folders are written, with their content alone: a member
    that is absolute, climbs with "..", is a link or a device stops everything. The files that
    macOS adds (``._name``, ``__MACOSX``) are left out.

    Parameters
    ----------
    archive : path
        A .zip, .tar, .tar.gz or .tgz file.
    folder : path
        The folder to make; it must not exist.
    progress : bool
        Show a progress bar on the standard error stream.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        The archive is damaged, hostile or of another kind, the disk is too small, or the folder
        exists. Nothing is left behind then.

    Examples
    --------
    >>> unpack("data/fma/fma_small.zip", "data/fma/fma_small")  # doctest: +SKIP
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise DatasetError(f"{folder} is already there; delete it to unpack {archive} again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    content = work / "content"  # mkdtemp's own folder is private to the user
    content.mkdir()
    try:
        _write_members(archive, content, progress=progress)
        os.replace(_only_folder(content), folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DatasetError(
            f"{archive}: unpacking failed ({error}); if the archive is damaged, delete it and "
            "get it again"
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _write_members(archive: Path, folder: Path, *, progress: bool) -> None:
    from tqdm import tqdm

    with _opened(archive) as members:
        for name, is_folder, open_member in tqdm(
            members, desc=f"unpack {archive.name}", unit=" files", disable=not progress
        ):
            parts = _safe_parts(name, archive)
            if not parts or parts[0] == "__MACOSX" or parts[-1].startswith("._"):
                continue
            target = folder.joinpath(*parts)
            if is_folder:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member() as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)


Member = tuple[str, bool, Callable[[], IO[bytes]]]


@contextmanager
def _opened(archive: Path) -> Iterator[Iterator[Member]]:
    """Open an archive and give its members: name, whether it is a folder, how to open it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            _check_space(archive.parent, sum(info.file_size for info in file.infolist()))
            yield _zip_members(file, archive)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as file:
            yield _tar_members(file, archive)
    else:
        raise DatasetError(
            f"{archive} is neither a zip nor a tar archive, or is damaged; delete it and get it "
            "again"
        )


def _zip_members(file: zipfile.ZipFile, archive: Path) -> Iterator[Member]:
    for info in file.infolist():
        kind = (info.external_attr >> 16) & 0o170000  # the Unix file type, 0 where none is stored
        if kind not in (0, 0o100000, 0o040000):
            raise _hostile(archive, info.filename, "is a link or a device")
        yield info.filename, info.is_dir(), lambda info=info: file.open(info)


def _tar_members(file: tarfile.TarFile, archive: Path) -> Iterator[Member]:
    for info in file:
        if not (info.isfile() or info.isdir()):
            raise _hostile(archive, info.name, "is a link or a device")
        yield info.name, info.isdir(), lambda info=info: file.extractfile(info)


def _safe_parts(name: str, archive: Path) -> tuple[str, ...]:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name):
        raise _hostile(archive, name, "points outside the folder")
    return path.parts


def _hostile(archive: Path, member: str, problem: str) -> DatasetError:
    return DatasetError(
        f"{archive}: member {member!r} {problem}; nothing was unpacked. Do not use this archive"
    )


def _only_folder(content: Path) -> Path:
    """Return the one folder that an archive holds, or the whole content."""
    entries = [entry for entry in content.iterdir() if not entry.name.startswith(".")]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else content
