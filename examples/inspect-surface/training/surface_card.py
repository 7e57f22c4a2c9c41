"""The card of the network: what it is, where it comes from, how good it is and where it must not be trusted."""

import hashlib

from network_file import golden_of
from surface_network import DEVIATION, EPOCHS, MEAN, SEED, WIDTHS
from surface_pictures import LABELS, SIDE


def card_of(*, content, digest, learnt, held, accuracies, overall, temperature, novelty):
    return {
        "id": "dinrail/surface-picture",
        "version": "1.0.0",
        "task": "Names the defect that a grey picture of a hot-rolled steel surface shows.",
        "licence": "Apache-2.0",
        "artefact": {
            "file": "surface-picture.onnx",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        },
        "input": {
            "name": "image",
            "shape": ["batch", 1, SIDE, SIDE],
            "unit": "1",
            "description": f"grey values in 0 to 1, {MEAN} subtracted, divided by {DEVIATION}",
        },
        "output": {
            "name": "logits",
            "shape": ["batch", len(LABELS)],
            "unit": "1",
            "description": "one for each label; divided by the temperature, their softmax is the probability",
        },
        "labels": LABELS,
        "normalisation": {"mean": MEAN, "deviation": DEVIATION},
        "data": {
            "name": "NEU surface defects, 240 of its 1,800 pictures, 40 of each class",
            "source": "K. Song and Y. Yan, Northeastern University, 2013",
            "licence": "no licence text; not redistributed, so no picture of it is in this card",
            "sha256": digest,
            "sha256Of": "the 240 pictures concatenated in the order of their names",
        },
        "split": "each class in the order of its numbers, cut into 5 runs of 8 pictures; the last run is held out",
        "slices": {"train": len(learnt), "calibration": 0, "heldOut": held["n"]},
        "seed": SEED,
        "method": (
            f"convolutions of {', '.join(map(str, WIDTHS))} channels, average and maximum pooling and one linear layer; "
            f"{EPOCHS} epochs with flips, quarter turns, crops, exposure and noise; temperature from the answers of "
            "the other folds' networks to the pictures that they were not trained on"
        ),
        "temperature": temperature,
        "novelty": novelty,
        "metrics": {
            "heldOut": held,
            "validation": {
                "kind": "5-fold cross-validation over runs of numbers",
                "accuracies": accuracies,
                "mean": overall["accuracy"],
                "interval": overall["accuracyInterval"],
            },
        },
        "trainingRange": {
            "mean grey": {
                "minimum": round(float(learnt.mean((1, 2, 3)).min()), 4),
                "maximum": round(float(learnt.mean((1, 2, 3)).max()), 4),
                "unit": "1",
            },
            "deviation of grey": {
                "minimum": round(float(learnt.std((1, 2, 3)).min()), 4),
                "maximum": round(float(learnt.std((1, 2, 3)).max()), 4),
                "unit": "1",
            },
        },
        "limitations": [
            "240 pictures of one laboratory's collection. Another mill, camera or light needs its own evaluation.",
            "The interval treats the pictures as independent; several may show the same plate.",
            "Two networks were compared by the mean of all folds, the held-out one among them, so both figures are slightly favourable; a third, larger one was given up after two folds on which it was no better.",
            "It always names one of six defects. A sound surface is not among them.",
            "A picture of something else is refused where what the network sees in it is unlike all surfaces, such as an even grey or bars; a nameplate is not. The threshold was chosen with the held-out pictures and such others in view.",
            "The weights' bytes depend on the version of torch; the seed repeats them on one machine.",
        ],
        "golden": golden_of(content, temperature),
    }
