"""What only real recordings can show. Skipped where they are absent."""

import pytest

from helpers import datasets, features, splits


@pytest.fixture(scope="module")
def jazz(shared_data, tmp_path_factory):
    dataset = datasets.load("gtzan", shared_data, classes=["jazz"])
    folder = tmp_path_factory.mktemp("jazz")
    return dataset, features.extract(dataset.tracks, folder, n_mels=64, progress=False)


def test_repeated_jazz_tracks_of_gtzan_are_found(jazz):
    """Sturm (2013) lists these repetitions; other pairs of jazz tracks are not the same."""
    dataset, store = jazz
    found = splits.near_duplicates(store, dataset.tracks["track_id"])
    pairs = {tuple(sorted(pair)) for pair in found[["a", "b"]].to_numpy()}
    known = {("jazz.00035", "jazz.00055"), ("jazz.00036", "jazz.00058"),
             ("jazz.00042", "jazz.00068"), ("jazz.00045", "jazz.00071")}  # fmt: skip
    assert known <= pairs
    assert len(pairs) <= 15
    assert found["correlation"].min() > 0.9


def test_copies_across_a_careless_split_stop_the_training(jazz):
    dataset, store = jazz
    pairs = splits.near_duplicates(store, dataset.tracks["track_id"])
    careless = splits.by_track(dataset.tracks, seed=0)
    with pytest.raises(splits.LeakError, match="near-duplicate jazz"):
        splits.check(careless, dataset.tracks, pairs)
    tracks = dataset.tracks.assign(group=splits.linked(dataset.tracks, pairs))
    splits.check(splits.by_group(tracks, seed=0), tracks, pairs)
