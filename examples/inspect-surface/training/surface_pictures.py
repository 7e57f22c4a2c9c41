"""The pictures of NEU's collection, and pictures that show no surface at all."""

import hashlib
import re

import numpy as np
import torch
from PIL import Image

LABELS = ["crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches"]
SIDE = 100
FOLDS = 5


def pictures(folder):
    """The pictures as float32 [n, 1, 100, 100] in 0 to 1, their labels, and a fold for each.

    Neighbouring numbers may show the same plate, so a fold is a run of numbers of each class, never a random draw.
    """
    files = sorted((folder / "images").glob("*.jpg"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    images, labels, folds = [], [], []
    for label, name in enumerate(LABELS):
        own = [file for file in files if file.stem.rsplit("_", 1)[0] == name]
        own.sort(key=lambda file: int(re.search(r"(\d+)$", file.stem)[1]))
        for position, file in enumerate(own):
            grey = np.asarray(Image.open(file).convert("L"), dtype=np.float32) / 255
            images.append(grey.reshape(SIDE, 2, SIDE, 2).mean((1, 3))[None])
            labels.append(label)
            folds.append(position * FOLDS // len(own))
    return np.stack(images), np.array(labels), np.array(folds), digest.hexdigest()


def pattern():
    """A texture that a formula makes: the program that uses the file must come to the same answer from the same bytes."""
    y, x = np.mgrid[0 : 2 * SIDE, 0 : 2 * SIDE]
    grey = (96 + ((x * x * 3 + y * y * 5 + x * y) >> 6) % 64).astype(np.float32) / 255
    return torch.from_numpy(grey.reshape(SIDE, 2, SIDE, 2).mean((1, 3))[None, None])


def foreign():
    """Pictures that show no surface at all: how far they are says whether the threshold is worth anything."""
    draw = np.random.default_rng(2013)
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    pictures = {
        "even grey": np.full((SIDE, SIDE), 0.5),
        "a slope": x,
        "white noise": draw.random((SIDE, SIDE)),
        "a chequered board": ((x * 8).astype(int) + (y * 8).astype(int)) % 2,
        "black bars": ((x * 20).astype(int) % 2) * 1.0,
    }
    return {name: torch.from_numpy(one.astype(np.float32)[None, None]) for name, one in pictures.items()}
