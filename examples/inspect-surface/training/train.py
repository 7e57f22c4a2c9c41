"""Trains the network that names the defect in a picture of a steel surface, and prints what it measured.

    python train.py --data DIR [--out FOLDER] [--keep FOLDER]

DIR holds neu-det/. Needs torch, numpy, pillow, onnx and onnxruntime. Writes models/surface-picture.onnx and
models/surface-picture.card.json; `npx tsx examples/training/write-card-page.ts CARD` makes the page for people.
--keep holds the networks of the folds, so that a training that was stopped goes on.
One thread and fixed seeds: the same machine and the same torch give the same bytes, another version may not.
"""

import argparse
import json
import pathlib

import numpy as np
import torch

from figures import measured, softmax, temperature_of
from network_file import answers_of, export
from novelty import novelty_of
from surface_card import card_of
from surface_network import SEED, logits_of, network, train
from surface_pictures import FOLDS, LABELS, pictures


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=here.parent / "models")
    parser.add_argument("--keep", type=pathlib.Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    images, labels, folds, digest = pictures(options.data / "neu-det")
    tensors, targets = torch.from_numpy(images), torch.from_numpy(labels)
    logits = np.zeros((len(labels), len(LABELS)))
    models = []
    for fold in range(FOLDS):
        inside = torch.from_numpy(np.flatnonzero(folds != fold))
        outside = np.flatnonzero(folds == fold)
        kept = options.keep and options.keep / f"fold{fold}.pt"
        if kept and kept.exists():
            models.append(network().eval())
            models[-1].load_state_dict(torch.load(kept))
        else:
            models.append(train(tensors[inside], targets[inside], SEED + fold))
            if kept:
                options.keep.mkdir(parents=True, exist_ok=True)
                torch.save(models[-1].state_dict(), kept)
        logits[outside] = logits_of(models[-1], tensors[outside])
        right = (logits[outside].argmax(1) == labels[outside]).mean()
        print(f"fold {fold + 1} of {FOLDS}: {right:.4f} of {len(outside)} pictures", flush=True)

    # The last fold is the one that is held out from the model in the file; the temperature comes from the others.
    held_out = folds == FOLDS - 1
    temperature = temperature_of(logits[~held_out], labels[~held_out])
    overall = measured(softmax(logits, temperature), labels)
    print(f"all folds: {overall['accuracy']} of {overall['n']}, 95 % interval {overall['accuracyInterval']}")
    for name, row in zip(LABELS, overall["confusion"]):
        print(f"  {name:16}", row)

    outside = torch.from_numpy(np.flatnonzero(held_out))
    whitening, novelty = novelty_of(models[-1], tensors[~held_out], tensors[outside])
    content = export(models[-1], whitening)
    held = measured(softmax(answers_of(content, tensors[outside]), temperature), labels[held_out])
    print(f"held out, by the file: {held['accuracy']} of {held['n']}, 95 % interval {held['accuracyInterval']}")
    print("temperature", temperature, "calibration error of the held-out fold", held["expectedCalibrationError"])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "surface-picture.onnx").write_bytes(content)
    accuracies = [
        round(float((logits[folds == fold].argmax(1) == labels[folds == fold]).mean()), 4) for fold in range(FOLDS)
    ]
    card = card_of(
        content=content,
        digest=digest,
        learnt=images[~held_out],
        held=held,
        accuracies=accuracies,
        overall=overall,
        temperature=temperature,
        novelty=novelty,
    )
    (options.out / "surface-picture.card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")


main()
