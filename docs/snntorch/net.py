"""A spiking network of snnTorch on Fashion-MNIST, as its tutorials build one; nothing of mia-audit is in here.

python net.py trains it on 1,000 pictures, and writes checkpoint.pth, members.txt and held_out.txt (docs/external.md).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import snntorch as snn
import torch
import torchvision
from torch import Tensor, nn

STEPS, EPOCHS, MEMBERS = 25, 30, 1_000


class Net(nn.Module):
    """Two dense layers of leaky neurons; returns spikes and membranes, [steps, examples, classes]."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(784, 256), snn.Leaky(beta=0.95)
        self.fc2, self.lif2 = nn.Linear(256, 10), snn.Leaky(beta=0.95)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Show the same picture at every step."""
        first, second = self.lif1.init_leaky(), self.lif2.init_leaky()
        current, spikes, membranes = self.fc1(x.flatten(1)), [], []
        for _ in range(STEPS):
            spike, first = self.lif1(current, first)
            spike, second = self.lif2(self.fc2(spike), second)
            spikes.append(spike)
            membranes.append(second)
        return torch.stack(spikes), torch.stack(membranes)


def pictures() -> tuple[Tensor, Tensor]:
    """Return the training part: pictures from 0 to 1, and labels."""
    data: Any = torchvision.datasets.FashionMNIST(os.environ.get("MIA_AUDIT_DATA", "data"), train=True, download=True)
    return data.data.float().unsqueeze(1) / 255, data.targets


def fit(indices: Sequence[int], seed: int) -> Net:
    """Train a network on these pictures."""
    torch.manual_seed(seed)
    x, y = (each[torch.as_tensor(indices)] for each in pictures())
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(EPOCHS):
        for some in torch.randperm(len(x)).split(128):
            membranes = net(x[some])[1]
            loss = nn.functional.cross_entropy(membranes.mean(0), y[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net


if __name__ == "__main__":
    drawn = torch.randperm(60_000, generator=torch.Generator().manual_seed(0)).tolist()
    members, others = drawn[:MEMBERS], drawn[MEMBERS : 2 * MEMBERS]
    torch.save(fit(members, 0).state_dict(), "checkpoint.pth")
    Path("members.txt").write_text("\n".join(map(str, members)))
    Path("held_out.txt").write_text("\n".join(map(str, others)))
