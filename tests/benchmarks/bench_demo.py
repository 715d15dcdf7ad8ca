"""How many times faster than real time the demo dataset is rendered.

Run ``python tests/benchmarks/bench_demo.py [artists_per_genre]``. Composing, playing, recording
and writing are all counted, the start of the worker processes too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.demo import render_demo  # noqa: E402


def main() -> None:
    """Print the factor for one worker and for two."""
    artists = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    factors = {}
    for jobs in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            tracks = render_demo(folder, artists_per_genre=artists, jobs=jobs, progress=False)
            wall = time.perf_counter() - start
        factors[jobs] = tracks["seconds"].sum() / wall
        print(f"{jobs} worker(s): {len(tracks)} tracks of 20 s in {wall:.1f} s, "
              f"{factors[jobs]:.0f} times real time")  # fmt: skip
    print(f"two workers against one: {factors[2] / factors[1]:.2f}")


if __name__ == "__main__":
    main()
