"""PyTorch's own BatchNorm1d under its own SGD on raw samples: JSON in, JSON out, for an interpreter that has PyTorch.

It stands alone, with nothing of this project, so that any installation of PyTorch can be the witness.
"""

import json
import sys

import torch


def train(X, y, w0, a0, lr, lr_a, steps, eps):
    """Return a and ||w|| after each step of full-batch gradient descent on mean((y - gamma N(Xw))^2)/2."""
    linear = torch.nn.Linear(len(w0), 1, bias=False, dtype=torch.float64)
    norm = torch.nn.BatchNorm1d(1, eps=eps, dtype=torch.float64)
    X, y = torch.tensor(X, dtype=torch.float64), torch.tensor(y, dtype=torch.float64)
    with torch.no_grad():
        linear.weight[:] = torch.tensor([w0], dtype=torch.float64)
        norm.weight[:] = a0
    optimiser = torch.optim.SGD([{"params": [linear.weight], "lr": lr}, {"params": [norm.weight], "lr": lr_a}], lr=lr)
    a, length = [], []
    for _ in range(steps):
        optimiser.zero_grad()
        (torch.mean((y - norm(linear(X))[:, 0]) ** 2) / 2).backward()
        optimiser.step()
        a.append(float(norm.weight))
        length.append(float(linear.weight.norm()))
    return {"a": a, "norm": length}


if __name__ == "__main__":
    torch.set_num_threads(1)
    given = json.load(sys.stdin)
    json.dump({"version": torch.__version__, "runs": [train(**one) for one in given]}, sys.stdout)
