"""What the browser sends arrives as sound. The script itself runs in a browser only."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from helpers.interactive import Recorder


def test_samples_arrive_and_the_answer_is_shown():
    heard = []
    widget = Recorder(lambda y, sr: heard.append((y, sr)) or f"{len(y)} samples", seconds=3)
    y = np.linspace(-1, 1, 4096, dtype=np.float32)
    widget.rate = 48000
    widget.samples = y.tobytes()
    assert np.array_equal(heard[0][0], y) and heard[0][1] == 48000
    assert widget.answer == "4096 samples" and widget.seconds == 3


def test_a_problem_is_said_and_not_raised():
    def refuse(y, sr):
        raise ValueError("there are no samples to listen to")

    widget = Recorder(refuse)
    widget.samples = np.zeros(4, dtype=np.float32).tobytes()
    assert widget.answer == "there are no samples to listen to"


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_script_records_with_a_stand_in_for_the_browser(tmp_path):
    """Two blocks of known samples leave the microphone; the model gets both, and the rate."""
    (tmp_path / "widget.mjs").write_text(Recorder._esm)
    (tmp_path / "run.mjs").write_text("""
    import widget from "./widget.mjs";
    const stream = {getTracks: () => [{stop() { told.stopped = true; }}]};
    const told = {values: {seconds: 0.05}};
    const mediaDevices = {getUserMedia: async () => stream};
    Object.defineProperty(globalThis, "navigator", {value: {mediaDevices}});
    globalThis.AudioContext = class {
      sampleRate = 44100;
      createMediaStreamSource() { return {connect() {}}; }
      createScriptProcessor() {
        const reader = {connect() {
          for (const value of [0.25, -0.5]) {
            const block = new Float32Array(4096).fill(value);
            reader.onaudioprocess({inputBuffer: {getChannelData: () => block}});
          }
        }, disconnect() {}};
        return reader;
      }
      async close() {}
    };
    const elements = [];
    globalThis.document = {createElement: () => { const e = {}; elements.push(e); return e; }};
    const model = {
      get: (name) => told.values[name],
      set: (name, value) => { told.values[name] = value; },
      save_changes() { told.saved = true; },
      on() {},
    };
    widget.render({model, el: {append() {}}});
    await elements[0].onclick();
    const y = new Float32Array(told.values.samples.buffer);
    console.log(JSON.stringify({n: y.length, first: y[0], last: y[8191], rate: told.values.rate,
      saved: told.saved, stopped: told.stopped, label: elements[0].textContent}));
    """)
    out = subprocess.run(["node", tmp_path / "run.mjs"], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == {
        "n": 8192, "first": 0.25, "last": -0.5, "rate": 44100, "saved": True, "stopped": True,
        "label": "record 0.05 s",
    }  # fmt: skip
