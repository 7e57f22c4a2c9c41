"""How good probabilities are: the figures that the card carries, as `examples/training/measure.ts` makes them."""

import numpy as np

from surface_pictures import LABELS


def softmax(logits, temperature):
    scaled = np.exp((logits - logits.max(1, keepdims=True)) / temperature)
    return scaled / scaled.sum(1, keepdims=True)


def temperature_of(logits, labels):
    """The one temperature that minimises the mean negative log-likelihood (Guo and others 2017), to two decimals."""
    losses = {
        temperature: -np.log(softmax(logits, temperature)[np.arange(len(labels)), labels]).mean()
        for temperature in np.round(np.arange(0.2, 3.0001, 0.02), 2)
    }
    return float(min(losses, key=losses.get))


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
    error = sum(abs((probabilities.max(1)[bins == one] - (answers == labels)[bins == one]).sum()) for one in range(10))
    return {
        "n": n,
        "accuracy": round(float(hits.sum() / n), 4),
        "accuracyInterval": wilson(int(hits.sum()), n),
        "macroF1": round(float((2 * hits / np.maximum(1, actual + answered)).mean()), 4),
        "recall": {name: round(float(hits[i] / max(1, actual[i])), 4) for i, name in enumerate(LABELS)},
        "expectedCalibrationError": round(float(error / n), 4),
        "confusion": confusion.tolist(),
    }
