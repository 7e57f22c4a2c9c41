"""The network that names a defect, and how it is trained."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from surface_pictures import LABELS, SIDE

WIDTHS = [16, 32, 48, 64]
EPOCHS = 150
BATCH = 32
SEED = 2013
# Fixed, so that no figure of a held-out picture enters.
MEAN, DEVIATION = 0.5, 0.2


def normalise(batch):
    return (batch - MEAN) / DEVIATION


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


def train(images, labels, seed):
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


def logits_of(model, images):
    with torch.no_grad():
        return model(normalise(images)).numpy().astype(np.float64)
