"""Trains the network that names the defect in a picture of a steel surface, and prints what it measured.

    python train.py --data DIR [--out FOLDER] [--keep FOLDER]

DIR holds neu-det/. Needs torch, numpy, pillow, onnx and onnxruntime. Writes models/surface-picture.onnx and
models/surface-picture.card.json; `npx tsx examples/training/write-card-page.ts CARD` makes the page for people.
--keep holds the networks of the folds, so that a training that was stopped goes on.
One thread and fixed seeds: the same machine and the same torch give the same bytes, another version may not.
"""

import argparse
import hashlib
import json
import pathlib
import re

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import nn
from torch.nn import functional

LABELS = ["crazing", "inclusion", "patches", "pitted_surface", "rolled-in_scale", "scratches"]
SIDE = 100
FOLDS = 5
EPOCHS = 150
BATCH = 32
SEED = 2013
WIDTHS = [16, 32, 48, 64]
MARGIN = 1.25


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


def network():
    layers, before = [], 1
    for index, width in enumerate(WIDTHS):
        stride = 2 if index < 3 else 1
        layers += [nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        before = width
    return nn.Sequential(*layers, Pooled(), nn.Dropout(0.2), nn.Linear(2 * before, len(LABELS)))


class Pooled(nn.Module):
    """The average says how much of a texture there is, the maximum whether there is one spot of it."""

    def forward(self, value):
        return torch.cat([value.mean((2, 3)), value.amax((2, 3))], 1)


def disturbed(batch, generator):
    """Flips, quarter turns, a crop of at least 80 %, another exposure, noise: what another camera might have seen."""
    out = []
    for image in batch:
        draw = torch.rand(8, generator=generator)
        if draw[0] < 0.5:
            image = image.flip(-1)
        if draw[1] < 0.5:
            image = image.flip(-2)
        image = torch.rot90(image, int(draw[2] * 4), (-2, -1))
        side = SIDE - int(draw[3] * 21)
        top, left = int(draw[4] * (SIDE - side + 1)), int(draw[5] * (SIDE - side + 1))
        crop = image[None, :, top : top + side, left : left + side]
        image = functional.interpolate(crop, size=(SIDE, SIDE), mode="bilinear", align_corners=False)[0]
        mean = image.mean()
        image = (image - mean) * (0.8 + 0.4 * draw[6]) + mean + 0.2 * (draw[7] - 0.5)
        image = image + 0.02 * torch.randn(image.shape, generator=generator)
        out.append(image.clamp(0, 1))
    return torch.stack(out)


def train(images, labels, normalise, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    steps = EPOCHS * -(-len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps)
    model.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(images), generator=generator)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            loss = functional.cross_entropy(
                model(normalise(disturbed(images[chosen], generator))), labels[chosen], label_smoothing=0.05
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


def logits_of(model, images, normalise):
    with torch.no_grad():
        return model(normalise(images)).numpy().astype(np.float64)


def novelty_of(model, images, held, normalise):
    """How far what the network sees in a picture may be from what it saw while it was trained.

    The pooled features whitened, so that their root mean square is the Mahalanobis distance of one direction; the threshold
    is a margin above what 1 % of the training's disturbed pictures pass. Gives the whitening, and the rest as the card's data.
    """

    def features(batch):
        with torch.no_grad():
            return model[:-2](normalise(batch)).numpy().astype(np.float64)

    generator = torch.Generator().manual_seed(SEED)
    seen = np.concatenate([features(images)] + [features(disturbed(images, generator)) for _ in range(8)])
    mean = seen.mean(0)
    values, axes = np.linalg.eigh(np.cov((seen - mean).T))
    whitening = axes / np.sqrt(np.maximum(values, 1e-6 * values.mean()))
    distance = lambda batch: np.sqrt((((features(batch) - mean) @ whitening) ** 2).mean(1))
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


def pattern():
    """A texture that a formula makes: the program that uses the file must come to the same answer from the same bytes."""
    y, x = np.mgrid[0 : 2 * SIDE, 0 : 2 * SIDE]
    grey = (96 + ((x * x * 3 + y * y * 5 + x * y) >> 6) % 64).astype(np.float32) / 255
    return torch.from_numpy(grey.reshape(SIDE, 2, SIDE, 2).mean((1, 3))[None, None])


def golden_of(content, normalise, temperature):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": normalise(pattern()).numpy()})
    probabilities = softmax(logits.astype(np.float64), temperature)[0]
    return [{"output": [float(f"{value:.6g}") for value in probabilities], "tolerance": 0.001}]


def foreign():
    """Pictures that show no surface at all: how far they are says whether the threshold is worth anything."""
    draw = np.random.default_rng(SEED)
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    pictures = {
        "even grey": np.full((SIDE, SIDE), 0.5),
        "a slope": x,
        "white noise": draw.random((SIDE, SIDE)),
        "a chequered board": ((x * 8).astype(int) + (y * 8).astype(int)) % 2,
        "black bars": ((x * 20).astype(int) % 2) * 1.0,
    }
    return {name: torch.from_numpy(one.astype(np.float32)[None, None]) for name, one in pictures.items()}


def softmax(logits, temperature):
    scaled = np.exp((logits - logits.max(1, keepdims=True)) / temperature)
    return scaled / scaled.sum(1, keepdims=True)


def wilson(right, n, z=1.959964):
    share = right / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return [round(float(max(0, centre - half)), 4), round(float(min(1, centre + half)), 4)]


def measured(probabilities, labels):
    answers, n = probabilities.argmax(1), len(labels)
    confusion = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(confusion, (labels, answers), 1)
    hits, actual, answered = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    bins = np.minimum(9, (probabilities.max(1) * 10).astype(int))
    error = sum(
        abs((probabilities.max(1)[bins == one] - (answers == labels)[bins == one]).sum()) for one in range(10)
    )
    return {
        "n": n,
        "accuracy": round(float(hits.sum() / n), 4),
        "accuracyInterval": wilson(int(hits.sum()), n),
        "macroF1": round(float((2 * hits / np.maximum(1, actual + answered)).mean()), 4),
        "recall": {name: round(float(hits[i] / max(1, actual[i])), 4) for i, name in enumerate(LABELS)},
        "expectedCalibrationError": round(float(error / n), 4),
        "confusion": confusion.tolist(),
    }


def export(model, whitening, normalisation):
    """The file of the network: batch normalisation folded into the convolutions, so that it is plain operators."""
    nodes, constants, value = [], [], "image"

    def constant(name, data):
        constants.append(numpy_helper.from_array(np.asarray(data, dtype=np.float32), name))
        return name

    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in model if isinstance(layer, nn.BatchNorm2d)]
    for index, (layer, norm) in enumerate(zip(convolutions, norms)):
        scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach().numpy().astype(np.float64)
        weight = layer.weight.detach().numpy() * scale[:, None, None, None]
        bias = norm.bias.detach().numpy() - norm.running_mean.numpy() * scale
        inputs = [value, constant(f"weight{index}", weight), constant(f"bias{index}", bias)]
        nodes.append(
            helper.make_node(
                "Conv", inputs, [f"conv{index}"], kernel_shape=[3, 3], pads=[1] * 4, strides=list(layer.stride)
            )
        )
        nodes.append(helper.make_node("Relu", [f"conv{index}"], [f"relu{index}"]))
        value = f"relu{index}"
    last = model[-1]
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["average"]))
    nodes.append(helper.make_node("GlobalMaxPool", [value], ["maximum"]))
    nodes.append(helper.make_node("Concat", ["average", "maximum"], ["both"], axis=1))
    nodes.append(helper.make_node("Flatten", ["both"], ["pooled"]))
    weight, bias = constant("weight", last.weight.detach().numpy()), constant("bias", last.bias.detach().numpy())
    nodes.append(helper.make_node("Gemm", ["pooled", weight, bias], ["logits"], transB=1))
    centre, directions = whitening
    nodes.append(helper.make_node("Sub", ["pooled", constant("centre", centre)], ["away"]))
    nodes.append(helper.make_node("MatMul", ["away", constant("directions", directions)], ["seen"]))
    graph = helper.make_graph(
        nodes,
        "surface-picture",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(LABELS)]),
            helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["batch", 2 * WIDTHS[-1]]),
        ],
        constants,
    )
    file = helper.make_model(
        graph, producer_name="dinrail", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )
    file.doc_string = f"Which defect a picture of a steel surface shows; grey in 0 to 1, then {normalisation}."
    onnx.checker.check_model(file)
    return file.SerializeToString(deterministic=True)


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
    mean, deviation = 0.5, 0.2  # fixed, so that no figure of a held-out picture enters
    tensors, targets = torch.from_numpy(images), torch.from_numpy(labels)
    normalise = lambda batch: (batch - mean) / deviation
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
            models.append(train(tensors[inside], targets[inside], normalise, SEED + fold))
            if kept:
                options.keep.mkdir(parents=True, exist_ok=True)
                torch.save(models[-1].state_dict(), kept)
        logits[outside] = logits_of(models[-1], tensors[outside], normalise)
        right = (logits[outside].argmax(1) == labels[outside]).mean()
        print(f"fold {fold + 1} of {FOLDS}: {right:.4f} of {len(outside)} pictures", flush=True)

    # The last fold is the one that is held out from the model in the file; the temperature comes from the others.
    heldOut = folds == FOLDS - 1
    losses = {
        temperature: -np.log(softmax(logits[~heldOut], temperature)[np.arange((~heldOut).sum()), labels[~heldOut]]).mean()
        for temperature in np.round(np.arange(0.2, 3.0001, 0.02), 2)
    }
    temperature = float(min(losses, key=losses.get))
    overall = measured(softmax(logits, temperature), labels)
    held = measured(softmax(logits[heldOut], temperature), labels[heldOut])
    print(f"all folds: {overall['accuracy']} of {overall['n']}, 95 % interval {overall['accuracyInterval']}")
    print(f"held out: {held['accuracy']} of {held['n']}, 95 % interval {held['accuracyInterval']}")
    print("temperature", temperature, "calibration error of the held-out fold", held["expectedCalibrationError"])
    for name, row in zip(LABELS, overall["confusion"]):
        print(f"  {name:16}", row)

    outside = torch.from_numpy(np.flatnonzero(heldOut))
    whitening, novelty = novelty_of(models[-1], tensors[inside], tensors[outside], normalise)
    content = export(models[-1], whitening, f"({mean} subtracted, divided by {deviation})")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "surface-picture.onnx").write_bytes(content)
    accuracies = [
        round(float((logits[folds == fold].argmax(1) == labels[folds == fold]).mean()), 4) for fold in range(FOLDS)
    ]
    learnt = images[~heldOut]
    card = {
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
            "description": f"grey values in 0 to 1, {mean} subtracted, divided by {deviation}",
        },
        "output": {
            "name": "logits",
            "shape": ["batch", len(LABELS)],
            "unit": "1",
            "description": "one for each label; divided by the temperature, their softmax is the probability",
        },
        "labels": LABELS,
        "normalisation": {"mean": mean, "deviation": deviation},
        "data": {
            "name": "NEU surface defects, 240 of its 1,800 pictures, 40 of each class",
            "source": "K. Song and Y. Yan, Northeastern University, 2013",
            "licence": "no licence text; not redistributed, so no picture of it is in this card",
            "sha256": digest,
            "sha256Of": "the 240 pictures concatenated in the order of their names",
        },
        "split": "each class in the order of its numbers, cut into 5 runs of 8 pictures; the last run is held out",
        "slices": {"train": int((~heldOut).sum()), "calibration": 0, "heldOut": int(heldOut.sum())},
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
            "Two networks were compared by the mean of all folds, the held-out one among them, so both figures are slightly favourable.",
            "It always names one of six defects. A sound surface is not among them.",
            "A picture of something else is refused where what the network sees in it is unlike all surfaces, such as an even grey or bars; a nameplate is not.",
            "The weights' bytes depend on the version of torch; the seed repeats them on one machine.",
        ],
        "golden": golden_of(content, normalise, temperature),
    }
    (options.out / "surface-picture.card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")


main()
