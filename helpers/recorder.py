"""A button that records from the microphone of the browser, in JupyterLab and in Colab."""

from __future__ import annotations

from collections.abc import Callable

import anywidget
import numpy as np
import traitlets


class Recorder(anywidget.AnyWidget):
    """Record a few seconds in the browser and hand them to a function.

    Parameters
    ----------
    heard : callable
        Called with y [shape=(n_samples,)] and its rate in hertz; what it shows appears below the
        button.
    seconds : float > 0
        Length of a recording.

    Notes
    -----
    Notebook: 11_test_set_analysis. The sound goes from the browser to the kernel and nowhere else.
    """

    _esm = """
    async function record(model, button) {
      const stream = await navigator.mediaDevices.getUserMedia({audio: true});
      const context = new AudioContext();
      const source = context.createMediaStreamSource(stream);
      const reader = context.createScriptProcessor(4096, 1, 1);
      const blocks = [];
      reader.onaudioprocess = (event) => blocks.push(event.inputBuffer.getChannelData(0).slice());
      source.connect(reader);
      reader.connect(context.destination);
      for (let left = model.get("seconds"); left > 0; left--) {
        button.textContent = `recording, ${Math.ceil(left)} s left`;
        await new Promise((done) => setTimeout(done, 1000 * Math.min(1, left)));
      }
      reader.disconnect();
      stream.getTracks().forEach((track) => track.stop());
      const y = new Float32Array(blocks.length * 4096);
      blocks.forEach((block, i) => y.set(block, i * 4096));
      model.set("rate", context.sampleRate);
      model.set("samples", new DataView(y.buffer));
      model.save_changes();
      await context.close();
    }
    function render({model, el}) {
      const button = document.createElement("button");
      const shown = document.createElement("pre");
      const name = () => { button.textContent = `record ${model.get("seconds")} s`; };
      button.onclick = async () => {
        button.disabled = true;
        try { await record(model, button); }
        catch (problem) { shown.textContent = `The browser does not record: ${problem.message}`; }
        button.disabled = false;
        name();
      };
      model.on("change:answer", () => { shown.textContent = model.get("answer"); });
      name();
      el.append(button, shown);
    }
    export default {render};
    """
    seconds = traitlets.Float(10.0).tag(sync=True)
    rate = traitlets.Float(0.0).tag(sync=True)
    samples = traitlets.Bytes(b"").tag(sync=True)
    answer = traitlets.Unicode("").tag(sync=True)

    def __init__(self, heard: Callable[[np.ndarray, float], object], *, seconds: float = 10.0):
        super().__init__(seconds=seconds)
        self.heard = heard
        self.observe(self._listen, "samples")

    def _listen(self, change) -> None:
        y = np.frombuffer(change["new"], dtype=np.float32)
        try:
            self.answer = str(self.heard(y, self.rate))
        except ValueError as problem:
            self.answer = str(problem)
