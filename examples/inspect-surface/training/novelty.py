"""How far what the network sees in a picture is from what it saw while it was trained."""

import numpy as np
import torch

from surface_network import SEED, disturbed, normalise
from surface_pictures import foreign, pattern

MARGIN = 1.25


def novelty_of(model, images, held):
    """The pooled features whitened, so that their root mean square is the Mahalanobis distance of one direction.

    The threshold is a margin above what 1 % of the training's disturbed pictures pass. Gives the whitening, and the rest as
    the card's data.
    """

    def features(batch):
        with torch.no_grad():
            return model[:-2](normalise(batch)).numpy().astype(np.float64)

    generator = torch.Generator().manual_seed(SEED)
    seen = np.concatenate([features(images)] + [features(disturbed(images, generator)) for _ in range(8)])
    mean = seen.mean(0)
    values, axes = np.linalg.eigh(np.cov((seen - mean).T))
    whitening = axes / np.sqrt(np.maximum(values, 1e-6 * values.mean()))

    def distance(batch):
        return np.sqrt((((features(batch) - mean) @ whitening) ** 2).mean(1))

    threshold = MARGIN * float(np.quantile(np.sqrt((((seen - mean) @ whitening) ** 2).mean(1)), 0.99))
    beyond = int((distance(held) > threshold).sum())
    print(f"novelty: threshold {threshold:.3f}, {beyond} of {len(held)} held-out pictures beyond")
    others = {name: round(float(distance(other)[0]), 2) for name, other in foreign().items()}
    print(f"  pictures of no surface: {others}; the golden pattern: {distance(pattern())[0]:.2f}")
    return (mean, whitening), {
        "of": "seen",
        "threshold": float(f"{threshold:.6g}"),
        "heldOutBeyond": beyond,
        "picturesOfNoSurface": others,
    }
