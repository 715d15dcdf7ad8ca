"""What the browser sends arrives as sound: here with stand-ins, in test_browser.py in a browser."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

from helpers.interactive import Recorder

Y = np.linspace(-1, 1, 4096, dtype=np.float32)


def send(widget: Recorder, content: dict, *buffers) -> None:
    """Hand a message of the browser to a widget as ipywidgets does: its bytes are a memoryview."""
    data = {"method": "custom", "content": content}
    message = {"content": {"data": data}, "buffers": [memoryview(b) for b in buffers]}
    widget._handle_msg(message)


def test_samples_arrive_and_the_answer_is_shown():
    heard = []
    widget = Recorder(lambda y, sr: heard.append((y, sr)) or f"{len(y)} samples", seconds=3)
    send(widget, {"rate": 48000}, Y.tobytes())
    assert np.array_equal(heard[0][0], Y) and heard[0][1] == 48000 and heard[0][0].flags.writeable
    assert widget.answer == "4096 samples" and widget.seconds == 3


def test_a_message_of_another_kind_is_no_sound():
    widget = Recorder(lambda y, sr: "heard")
    send(widget, {"kind": "anything else"})
    assert widget.answer == ""


def test_the_sound_is_no_part_of_the_state():
    """Notebooks keep the state of their widgets, and the voice of a person is not for a file."""
    widget = Recorder(lambda y, sr: "heard")
    before = {name for name in widget.get_state()}
    send(widget, {"rate": 48000}, Y.tobytes())
    after = widget.get_state()
    assert set(after) == before and not any(
        isinstance(v, bytes | memoryview) for v in after.values()
    )


@pytest.mark.parametrize(("problem", "said"), [
    (ValueError("the file is too short"), "There is no answer: the file is too short"),
    (RuntimeError("no memory"), "There is no answer: no memory"),
    (ValueError(), "There is no answer: ValueError"),
])  # fmt: skip
def test_a_problem_is_said_and_not_raised(problem, said):
    def refuse(y, sr):
        raise problem

    widget = Recorder(refuse)
    send(widget, {"rate": 48000}, Y.tobytes())
    assert widget.answer == said


@pytest.mark.parametrize("sound", [b"", bytes(4096)])
def test_nothing_and_silence_are_said(sound):
    """Each time anew: an answer that stays the same would not be sent, and not be shown."""
    widget, told = Recorder(lambda y, sr: "heard"), []
    widget.observe(lambda change: told.append(change["new"]), "answer")
    for _ in range(2):
        send(widget, {"rate": 48000}, sound)
        assert told[-1].startswith("Nothing was recorded.")
    assert len(told) == 4 and told[0] == told[2] == "listening ..."


STAND_IN = """
import widget from "./widget.mjs";
const told = {closed: 0, stopped: 0}, elements = [];
const stream = {getTracks: () => [{stop() { told.stopped += 1; }}]};
const media = {getUserMedia: async (wish) => {
  told.wish = wish;
  if (PROBLEM) throw Object.assign(new Error("in words of the browser"), {name: PROBLEM});
  return stream;
}};
Object.defineProperty(globalThis, "navigator",
  {value: PROBLEM === "insecure" ? {} : {mediaDevices: media}});
let port = null;
globalThis.AudioContext = class {
  sampleRate = 44100;
  audioWorklet = {addModule: async (url) => {
    const other = {postMessage: (data) => port.onmessage({data})};
    globalThis.AudioWorkletProcessor = class { port = other; };
    globalThis.registerProcessor = (name, kind) => { told[name] = new kind(); };
    new Function(await (await fetch(url)).text())();
  }};
  createMediaStreamSource() { return {connect() {}}; }
  resume() {}
  async close() { told.closed += 1; }
};
globalThis.AudioWorkletNode = class {
  constructor(context, name) { this.name = name; this.port = port = {}; }
  connect() {
    const node = told[this.name];
    for (const value of [0.25, -0.5]) node.process([[new Float32Array(128).fill(value)]]);
    node.process([[]]);
  }
  disconnect() {}
};
globalThis.document = {createElement: () => { const e = {}; elements.push(e); return e; }};
const model = {get: () => 0.05, on() {}, send(content, _, [buffer]) {
  told.content = content; told.sound = Buffer.from(buffer).toString("base64");
}};
widget.render({model, el: {append() {}}});
await elements[0].onclick();
console.log(JSON.stringify({...told, keep: 0, label: elements[0].textContent,
  disabled: elements[0].disabled, shown: elements[1].textContent}));
"""


def click(folder, problem: str = "") -> dict:
    """Run the widget's script with stand-ins for what it uses of a browser, and click."""
    if shutil.which("node") is None:
        pytest.skip("node, which would run the script, is not installed")
    (folder / "widget.mjs").write_text(Recorder._esm)
    (folder / "run.mjs").write_text(STAND_IN.replace("PROBLEM", json.dumps(problem)))
    done = subprocess.run(["node", folder / "run.mjs"], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["label"] == "record 0.05 s" and told["disabled"] is False
    return told


def test_what_the_script_sends_is_what_the_kernel_hears(tmp_path):
    """Two blocks of known samples leave the microphone; it is off afterwards."""
    told = click(tmp_path)
    assert (told["stopped"], told["closed"], told["shown"]) == (1, 1, "")
    assert not any(told["wish"]["audio"].values())  # no cleaning as if it were speech
    widget = Recorder(lambda y, sr: json.dumps([len(y), float(y[0]), float(y[-1]), sr]))
    send(widget, told["content"], base64.b64decode(told["sound"]))
    assert json.loads(widget.answer) == [256, 0.25, -0.5, 44100]


@pytest.mark.parametrize(("problem", "said"), [
    ("insecure", "from https or localhost. Open"),
    ("NotAllowedError", "was not permitted to use the microphone. Permit"),
    ("NotFoundError", "There is no microphone. Connect"),
    ("NotReadableError", "Does another program use it?"),
    ("AbortError", "The browser could not record: in words of the browser"),
])  # fmt: skip
def test_trouble_is_said_in_sentences(tmp_path, problem, said):
    told = click(tmp_path, problem)
    assert said in told["shown"] and "content" not in told
