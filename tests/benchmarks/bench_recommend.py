"""How long a query takes among 100,000 tracks, against a plain search.

Run ``python tests/benchmarks/bench_recommend.py [n_tracks] [n_features]``. Vectors are synthetic,
and a tenth of the tracks share their artist with nine others, so filtering is counted too.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import cosine_distances

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers.recommend import Recommender  # noqa: E402


def seconds(function, repeats: int = 20) -> float:
    """Median time of a call."""
    times = []
    for i in range(repeats):
        begin = time.perf_counter()
        function(i)
        times.append(time.perf_counter() - begin)
    return float(np.median(times))


def main() -> None:
    """Print build time, time of a query, and the ratio to the obvious way."""
    n, width = (int(a) for a in (*sys.argv[1:3], *("100000", "128")[len(sys.argv[1:3]) :]))
    rng = np.random.default_rng(0)
    ids = [f"t{i:06d}" for i in range(n)]
    table = pd.DataFrame(rng.normal(size=(n, width)).astype(np.float32), ids)
    groups = pd.Series(np.arange(n) // 10, ids)
    begin = time.perf_counter()
    index = Recommender(table, groups)
    print(f"{n:,} tracks of {width} values: built in {time.perf_counter() - begin:.2f} s")
    ours = seconds(lambda i: index.nearest(ids[i], k=10))
    X, owner = table.to_numpy(), groups.to_numpy()

    def plain(i: int) -> np.ndarray:
        distance = cosine_distances(X[i : i + 1], X)[0]
        return np.argsort(np.where(owner == owner[i], np.inf, distance))[:10]

    obvious = seconds(plain)
    assert index.nearest(ids[3], k=10)["track_id"].tolist() == [ids[j] for j in plain(3)]
    print(f"a query: {1000 * ours:.0f} ms; the obvious way {1000 * obvious:.0f} ms, "
          f"ratio {obvious / ours:.1f}")  # fmt: skip


if __name__ == "__main__":
    main()
