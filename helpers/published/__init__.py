"""Pretrained networks from elsewhere: what they hear, their weights, and how to get them."""

from helpers.published.choi import (
    CRNN_INPUT,
    TAGS,
    convnet_weights,
    crnn_input,
    crnn_weights,
    fetch_weights,
)
from helpers.published.efficientnet import (
    build_efficientnet_lite0,
    efficientnet_lite0,
    imagenet_network,
)
from helpers.published.musicnn import MTT_TAGS, build_musicnn, musicnn

__all__ = [
    "CRNN_INPUT",
    "MTT_TAGS",
    "TAGS",
    "build_efficientnet_lite0",
    "build_musicnn",
    "convnet_weights",
    "crnn_input",
    "crnn_weights",
    "efficientnet_lite0",
    "fetch_weights",
    "imagenet_network",
    "musicnn",
]
