"""Augmentation as a layer, so that it is saved with a network and off when the network answers."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="helpers")
class SpecAugment(keras.layers.Layer):
    """Hide random stretches of time and random ranges of frequency, in training only.

    What is hidden becomes 0: behind a layer that subtracts the mean of each band, that is the
    mean. Each clip of a batch gets masks of its own.

    Parameters
    ----------
    time : float in [0, 1)
        Widest stretch of time that one mask hides, as a share of the clip.
    frequency : float in [0, 1)
        Widest range of bands that one mask hides, as a share of the bands.
    masks : int > 0
        Number of masks on each axis.
    seed : int, optional
        Seed of the masks.
    **options
        Those of every Keras layer, such as name.

    Raises
    ------
    ValueError
        A share or the number of masks is out of range.

    Examples
    --------
    >>> layer = SpecAugment(time=0.5, frequency=0.5, seed=0)
    >>> X = ops.ones((1, 8, 4, 1))  # (clips, time, frequency, channel)
    >>> bool(ops.all(layer(X) == X)), bool(ops.all(layer(X, training=True) == X))
    (True, False)

    Notes
    -----
    Notebook: 06_convpool_augmentation. Source: D. Park et al., *SpecAugment*, Interspeech 2019,
    without its time warping, which its authors found to matter least.
    """

    def __init__(
        self,
        *,
        time: float = 0.2,
        frequency: float = 0.2,
        masks: int = 2,
        seed: int | None = None,
        **options,
    ):
        super().__init__(**options)
        if not (0 <= time < 1 and 0 <= frequency < 1 and masks > 0):
            raise ValueError(
                f"time and frequency are shares in [0, 1) and masks a positive number, "
                f"not {time}, {frequency} and {masks}"
            )
        self.time, self.frequency, self.masks, self.seed = time, frequency, masks, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, X, training=False):
        """Return X [shape=(clips, time, frequency, channels)], masked where `training` is true."""
        if not training:
            return X
        n_clips, n_frames, n_bands = ops.shape(X)[:3]
        for _ in range(self.masks):
            X = X * ops.reshape(self._seen(n_clips, n_frames, self.time), (n_clips, n_frames, 1, 1))
            bands = self._seen(n_clips, n_bands, self.frequency)
            X = X * ops.reshape(bands, (n_clips, 1, n_bands, 1))
        return X

    def _seen(self, n_clips, length, share):
        """Draw 0 inside one random stretch of each clip and 1 elsewhere [n_clips, length]."""
        draw = keras.random.uniform((2, n_clips, 1), seed=self.generator)
        size = ops.cast(length, draw.dtype)
        width = draw[0] * share * size
        start = draw[1] * (size - width)
        place = ops.cast(ops.arange(length), draw.dtype)
        hidden = ops.logical_and(place >= start, place < start + width)
        return 1.0 - ops.cast(hidden, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Return the shape of the input."""
        return input_shape

    def get_config(self):
        """Return what the layer was made with, for the saved network."""
        made_with = {name: getattr(self, name) for name in ("time", "frequency", "masks", "seed")}
        return super().get_config() | made_with
