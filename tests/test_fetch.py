"""Downloading and unpacking, against a server on this machine."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from helpers import download
from helpers.datasets import DatasetError, fetch, load
from helpers.download import REGISTRY, Remote, Source, unpack

BODY = bytes(range(256)) * 2000  # half a megabyte


class Server(ThreadingHTTPServer):
    """Serves `files`; `cut` closes the next answers after so many bytes of their body."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut: list[int] = []
        self.ranges = True
        self.log: list[tuple[str, str | None, int]] = []  # path, Range, bytes sent

    def url(self, name):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"

    def sent(self):
        return [size for _, _, size in self.log]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server, name, asked = self.server, self.path.lstrip("/"), self.headers.get("Range")
        if name not in server.files:
            server.log.append((name, asked, 0))
            return self.send_error(404)
        body, start = server.files[name], 0
        if asked and server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(body):
                server.log.append((name, asked, 0))
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if name.endswith("/"):
            self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        part = body[start:]
        if server.cut:
            part = part[: server.cut.pop(0)]
            self.close_connection = True
        server.log.append((name, asked, len(part)))
        self.wfile.write(part)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "WAIT", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def offer(server, monkeypatch):
    """Register a name whose files lie on the server; more mirrors, wrong sums as asked."""

    def register(name, path, body, *, mirrors=("file",), known_hash=None, unpack_to=""):
        server.files[mirrors[-1]] = body
        known_hash = known_hash or "sha256:" + hashlib.sha256(body).hexdigest()
        remote = Remote(path, tuple(map(server.url, mirrors)), known_hash, unpack_to)
        monkeypatch.setitem(REGISTRY, name, Source((remote,)))

    return register


# --- downloading ----------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_good_file_once(server, offer, tmp_path, algorithm):
    digest = hashlib.new(algorithm, BODY).hexdigest()
    offer("weights", "weights/net.h5", BODY, known_hash=f"{algorithm}:{digest}")
    path = fetch("weights", tmp_path, progress=False)
    assert path == tmp_path / "weights/net.h5" and path.read_bytes() == BODY
    assert fetch("weights", tmp_path, progress=False) == path
    assert server.sent() == [len(BODY)]  # the second call asked for nothing
    assert [p.name for p in path.parent.iterdir()] == ["net.h5"]


def test_changed_file_is_fetched_again(server, offer, tmp_path):
    offer("weights", "net.h5", BODY)
    (tmp_path / "net.h5").write_bytes(b"something else")
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY


def test_wrong_checksum_names_both_sums_and_leaves_nothing(server, offer, tmp_path):
    wrong = "0" * 64
    offer("weights", "net.h5", BODY, known_hash=f"sha256:{wrong}")
    with pytest.raises(DatasetError) as error:
        fetch("weights", tmp_path, progress=False)
    assert wrong in str(error.value) and hashlib.sha256(BODY).hexdigest() in str(error.value)
    assert list(tmp_path.iterdir()) == []
    assert len(server.log) == 1


@pytest.mark.parametrize("name", ["a/refs/heads/main.zip", "a/master/b.txt", "a/main/b.txt"])
def test_a_branch_that_moved_on_is_told(server, offer, tmp_path, name):
    offer("weights", "net.h5", BODY, mirrors=(name,), known_hash=f"sha256:{'0' * 64}")
    with pytest.raises(DatasetError, match="a branch, which may have moved on.*sources.toml"):
        fetch("weights", tmp_path, progress=False)
    del server.files[name]  # what is not there has not moved on
    with pytest.raises(DatasetError) as error:
        fetch("weights", tmp_path, progress=False)
    assert "moved on" not in str(error.value)


def test_wrong_bytes_on_one_mirror_then_the_next(server, offer, tmp_path):
    offer("weights", "net.h5", BODY, mirrors=("stale", "file"))
    server.files["stale"] = b"an error page"
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY


def test_cut_connection_goes_on_with_the_missing_bytes(server, offer, tmp_path):
    offer("weights", "net.h5", BODY)
    server.cut = [200_000]
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY
    (_, first, _), (_, second, sent) = server.log
    have = int(second.removeprefix("bytes=").removesuffix("-"))
    assert first is None and 0 < have <= 200_000
    assert sent == len(BODY) - have


def test_cut_for_good_is_resumed_by_a_later_call(server, offer, tmp_path):
    offer("weights", "net.h5", BODY)
    server.cut = [300_000] + [0] * 20
    with pytest.raises(DatasetError, match="bytes are kept, the same call goes on"):
        fetch("weights", tmp_path, progress=False)
    part = tmp_path / "net.h5.part"
    kept = part.stat().st_size
    assert len(server.log) == 1 + download.TRIES
    server.cut, server.log = [], []
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY
    assert server.sent() == [len(BODY) - kept] and not part.exists()


def test_server_without_ranges_restarts(server, offer, tmp_path):
    offer("weights", "net.h5", BODY)
    server.cut, server.ranges = [200_000], False
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY
    assert server.sent() == [200_000, len(BODY)]


def test_leftover_of_another_file_starts_afresh(server, offer, tmp_path):
    offer("weights", "net.h5", BODY)
    (tmp_path / "net.h5.part").write_bytes(b"x" * 1000)
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY
    assert server.sent() == [len(BODY) - 1000, len(BODY)]


def test_complete_leftover_needs_no_byte(server, offer, tmp_path):
    offer("weights", "net.h5", BODY)
    (tmp_path / "net.h5.part").write_bytes(BODY)
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY
    assert server.sent() == [0]


def test_404_then_mirror(server, offer, tmp_path):
    offer("weights", "net.h5", BODY, mirrors=("gone", "file"))
    assert fetch("weights", tmp_path, progress=False).read_bytes() == BODY
    assert [name for name, _, _ in server.log] == ["gone", "file"]


def test_no_mirror_names_each(server, offer, tmp_path):
    offer("weights", "net.h5", BODY, mirrors=("gone", "file"))
    del server.files["file"]
    with pytest.raises(DatasetError) as error:
        fetch("weights", tmp_path, progress=False)
    assert server.url("gone") in str(error.value) and server.url("file") in str(error.value)
    assert "404" in str(error.value)


def test_full_disk_is_said_before_it_is_full(server, offer, tmp_path, monkeypatch):
    offer("weights", "net.h5", BODY)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    with pytest.raises(DatasetError, match="GB are needed"):
        fetch("weights", tmp_path, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_fetched(tmp_path):
    with pytest.raises(DatasetError, match="nothing called 'gtzn' can be fetched; known: demo"):
        fetch("gtzn", tmp_path)
    for name, words in {"demo": "renders", "folder": "your own music", "asap": "git clone"}.items():
        with pytest.raises(DatasetError, match=words):
            fetch(name, tmp_path)


def test_registry_is_sound():
    for name, source in REGISTRY.items():
        assert source.remotes or source.by_hand, name
        for remote in source.remotes:
            assert not remote.path.startswith("/")
            assert all(url.startswith("https://") for url in remote.urls)
            if remote.urls or remote.requirement:
                kind, digest = remote.known_hash.split(":")
                assert len(digest) == 2 * hashlib.new(kind).digest_size and int(digest, 16)
            else:
                assert source.by_hand


def test_sums_of_what_is_here(shared_data):
    for name in ("gtzan_lists", "msd_crnn", "msd_convnet"):
        for remote in REGISTRY[name].remotes:
            digest = hashlib.sha256((shared_data / remote.path).read_bytes()).hexdigest()
            assert remote.known_hash == f"sha256:{digest}"


# --- wheels ---------------------------------------------------------------------------------

WHEEL = "tiny_music-1.0-py3-none-any.whl"


@pytest.fixture
def index(server, monkeypatch):
    """A package index on the server that has one package, with two networks and some code."""
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", server.url("simple/"))
    inside = {"tiny/__init__.py": b"raise SystemExit", "tiny/one/w": b"1", "tiny/two/w": b"2"}
    about = "tiny_music-1.0.dist-info"
    inside[f"{about}/METADATA"] = b"Metadata-Version: 2.1\nName: tiny-music\nVersion: 1.0\n"
    inside[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nTag: py3-none-any\n"
    body = zipped(inside)
    server.files["simple/tiny-music/"] = f'<a href="/{WHEEL}">{WHEEL}</a>'.encode()
    server.files[WHEEL] = body
    remote = Remote(
        f"weights/{WHEEL}", known_hash="sha256:" + hashlib.sha256(body).hexdigest(),
        requirement="tiny-music==1.0", unpack_to="weights/tiny", members=("tiny/one/",),
    )  # fmt: skip
    monkeypatch.setitem(REGISTRY, "tiny", Source((remote,)))
    return server


def test_of_a_wheel_only_its_networks_are_taken(index, tmp_path):
    folder = fetch("tiny", tmp_path, progress=False)
    files = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert folder == tmp_path / "weights/tiny" and files == {"weights/tiny/one/w"}
    asked = len(index.log)
    assert fetch("tiny", tmp_path, progress=False) == folder and len(index.log) == asked


def test_a_wheel_with_another_checksum_is_not_taken(index, tmp_path):
    index.files[WHEEL] = zipped({"tiny/one/w": b"evil"})
    with pytest.raises(DatasetError, match="pip could not fetch tiny-music==1.0 "):
        fetch("tiny", tmp_path, progress=False)
    (tmp_path / "weights" / WHEEL).write_bytes(index.files[WHEEL])  # somebody brought it by hand
    with pytest.raises(DatasetError, match="has another checksum"):
        fetch("tiny", tmp_path, progress=False)
    assert not (tmp_path / "weights/tiny").exists()


def test_without_an_index_or_pip_there_is_one_message(index, tmp_path, monkeypatch):
    del index.files["simple/tiny-music/"]
    with pytest.raises(DatasetError, match=f"put it at .*{WHEEL}"):
        fetch("tiny", tmp_path, progress=False)
    monkeypatch.setattr(download.sys, "executable", shutil.which("false"))
    with pytest.raises(DatasetError, match=f"put it at .*{WHEEL}"):
        fetch("tiny", tmp_path, progress=False)
    assert [p.name for p in tmp_path.rglob("*")] == ["weights"]


# --- unpacking ------------------------------------------------------------------------------


def zipped(members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, body in members.items():
            file.writestr(name, body)
    return data.getvalue()


def tarred(members, mode="w:gz"):
    """Make a tar; a member that is a TarInfo goes in as it is."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as file:
        for name, body in members.items():
            if isinstance(body, tarfile.TarInfo):
                file.addfile(body)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(body)
            file.addfile(info, io.BytesIO(body))
    return data.getvalue()


def special(kind, target=""):
    info = tarfile.TarInfo("top/special")
    info.type, info.linkname = kind, target
    return {"top/a": b"a", "top/special": info}


def zip_link():
    info = zipfile.ZipInfo("top/link")
    info.external_attr = 0o120777 << 16
    return {"top/a": b"a", info: b"/etc/passwd"}


HOSTILE = {
    "zip-up.zip": zipped({"top/a": b"a", "../evil": b"x"}),
    "zip-inner-up.zip": zipped({"top/a": b"a", "top/../../evil": b"x"}),
    "zip-absolute.zip": zipped({"top/a": b"a", "/tmp/evil": b"x"}),
    "zip-windows.zip": zipped({"top/a": b"a", "C:\\evil": b"x"}),
    "zip-backslash.zip": zipped({"top/a": b"a", "..\\evil": b"x"}),
    "zip-link.zip": zipped(zip_link()),
    "tar-up.tar.gz": tarred({"top/a": b"a", "../evil": b"x"}),
    "tar-absolute.tar.gz": tarred({"top/a": b"a", "/tmp/evil": b"x"}),
    "tar-symlink.tar.gz": tarred(special(tarfile.SYMTYPE, "../../evil")),
    "tar-hardlink.tar.gz": tarred(special(tarfile.LNKTYPE, "/etc/passwd")),
    "tar-device.tar.gz": tarred(special(tarfile.CHRTYPE)),
    "tar-fifo.tar.gz": tarred(special(tarfile.FIFOTYPE)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_leaves_nothing(tmp_path, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / name).write_bytes(HOSTILE[name])
    with pytest.raises(DatasetError, match="nothing was unpacked"):
        unpack(inside / name, inside / "out", progress=False)
    assert [p.name for p in inside.iterdir()] == [name]
    assert [p.name for p in tmp_path.iterdir()] == ["inside"]


@pytest.mark.parametrize("kind", ["text", "cut.zip", "cut.tar.gz"])
def test_damaged_archive_leaves_nothing(tmp_path, kind):
    bodies = {f"top/{k}": bytes([k]) * 50_000 for k in range(5)}
    body = {
        "text": b"<html>not found</html>",
        "cut.zip": zipped(bodies)[:120_000],
        "cut.tar.gz": tarred(bodies)[:400],
    }[kind]
    (tmp_path / "archive").write_bytes(body)
    with pytest.raises(DatasetError, match="damaged"):
        unpack(tmp_path / "archive", tmp_path / "out", progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize("pack", [zipped, tarred, lambda m: tarred(m, "w")])
def test_unpack_layouts(tmp_path, pack):
    one = {"top/a/é.wav": b"1", "top/._b": b"2", "__MACOSX/top/._a": b"3", "._top": b"4"}
    (tmp_path / "one").write_bytes(pack(one))
    out = unpack(tmp_path / "one", tmp_path / "x/y", progress=False)
    assert [p.relative_to(out).as_posix() for p in sorted(out.rglob("*"))] == ["a", "a/é.wav"]
    (tmp_path / "two").write_bytes(pack({"a/b": b"1", "readme": b"2"}))
    out = unpack(tmp_path / "two", tmp_path / "z", progress=False)
    assert sorted(p.name for p in out.iterdir()) == ["a", "readme"]
    assert out.stat().st_mode & 0o055  # others may read it, as any new folder
    (tmp_path / "three").write_bytes(pack({"a\\b": b"1", "c": b"2"}))  # made on Windows
    out = unpack(tmp_path / "three", tmp_path / "w", progress=False)
    assert (out / "a" / "b").read_bytes() == b"1"
    with pytest.raises(DatasetError, match="already there"):
        unpack(tmp_path / "two", tmp_path / "z", progress=False)


def test_a_tar_is_unpacked_by_a_python_without_filters(tmp_path, monkeypatch):
    monkeypatch.delattr(tarfile, "data_filter")  # 3.11.0 to 3.11.3
    (tmp_path / "one").write_bytes(tarred({"top/a": b"1"}))
    assert (unpack(tmp_path / "one", tmp_path / "x", progress=False) / "a").read_bytes() == b"1"
    (tmp_path / "two").write_bytes(tarred(special(tarfile.SYMTYPE, "../../evil")))
    with pytest.raises(DatasetError, match="is a link or a device"):
        unpack(tmp_path / "two", tmp_path / "y", progress=False)


def test_hostile_download_is_refused(server, offer, tmp_path):
    offer("music", "music/a.zip", HOSTILE["zip-up.zip"], unpack_to="music/out")
    with pytest.raises(DatasetError, match="points outside"):
        fetch("music", tmp_path, progress=False)
    assert not (tmp_path / "music/out").exists() and not list(tmp_path.rglob("evil"))


# --- the whole way --------------------------------------------------------------------------


def wav(tmp_path):
    import numpy as np
    import soundfile as sf

    sf.write(tmp_path / "x.wav", np.zeros(100), 8000)
    body = (tmp_path / "x.wav").read_bytes()
    (tmp_path / "x.wav").unlink()
    return body


def test_fetch_then_load(server, offer, tmp_path):
    body = wav(tmp_path)
    members = {f"gtzan_mini-main/genres/{g}/{g}.00000.wav": body for g in ("rock", "jazz")}
    archive = zipped(members | {"gtzan_mini-main/README.md": b"hello"})
    offer("gtzan_mini", "gtzan_mini/main.zip", archive, unpack_to="gtzan_mini/gtzan_mini-main")
    with pytest.raises(DatasetError, match=r'fetch\("gtzan_mini"'):
        load("gtzan_mini", tmp_path)
    fetch("gtzan_mini", tmp_path, progress=False)
    assert load("gtzan_mini", tmp_path).classes == ["jazz", "rock"]
    assert not (tmp_path / "gtzan_mini/main.zip").exists()  # what fetch brought, fetch removes
    fetch("gtzan_mini", tmp_path, progress=False)
    assert len(server.log) == 1


def test_archive_brought_by_hand(server, tmp_path, monkeypatch):
    lists = [r for r in REGISTRY["gtzan"].remotes if not r.unpack_to]
    served = []
    for remote in lists:
        body = b"rock/rock.00000.wav\n" if "train" in remote.path else b"\n"
        server.files[remote.path] = body
        digest = "sha256:" + hashlib.sha256(body).hexdigest()
        served.append(Remote(remote.path, (server.url(remote.path),), digest))
    archive = Remote("gtzan/genres.tar.gz", unpack_to="gtzan/genres")
    source = Source((*served, archive), by_hand=REGISTRY["gtzan"].by_hand)
    monkeypatch.setitem(REGISTRY, "gtzan", source)
    with pytest.raises(DatasetError, match=r"curl -L(?s:.*)genres\.tar\.gz"):
        fetch("gtzan", tmp_path, progress=False)
    members = {"genres/rock/rock.00000.wav": wav(tmp_path), "._genres": b"junk"}
    (tmp_path / "gtzan/genres.tar.gz").write_bytes(tarred(members))
    assert fetch("gtzan", tmp_path, progress=False) == tmp_path / "gtzan"
    assert load("gtzan", tmp_path).tracks["split"].tolist() == ["train"]
    assert (tmp_path / "gtzan/genres.tar.gz").exists()  # not ours to delete


def test_what_pip_has_fetched_so_far_may_vanish_while_it_is_counted(tmp_path, monkeypatch):
    """pip renames the wheel and removes its folder while the progress bar looks."""
    (tmp_path / "pip-unpack").mkdir()
    (tmp_path / "pip-unpack" / "a.whl").write_bytes(b"123")
    (tmp_path / "b.whl.metadata").write_bytes(b"12345")
    assert download._size_of_wheel(tmp_path) == 3
    assert download._size_of_wheel(tmp_path / "gone") == 0

    def gone(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(os.path, "getsize", gone)
    assert download._size_of_wheel(tmp_path) == 0
