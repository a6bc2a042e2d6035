"""Somebody else's DP-SGD, and the few lines that write down what an auditor needs: python docs/observe_dp_sgd.py obs.npz [--noise 0.5].

A logistic regression on clouds of points, in plain NumPy. The claim: noise multiplier 1, every example in a step with probability
0.05, 200 steps. `--noise 0.5` breaks it in secret. Lines marked "auditor" are all that is added to the training.
"""

import argparse

import numpy as np

SIGMA, CLIP, RATE, STEPS = 1.0, 1.0, 0.05, 200
CANARIES, EXAMPLES, FEATURES = 500, 500, 600
REPLAYS = 2_000


def gradients(weights: np.ndarray, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the gradient of each example's loss, [examples, features]."""
    return ((1 / (1 + np.exp(-inputs @ weights)) - labels)[:, None]) * inputs


def clipped(rows: np.ndarray) -> np.ndarray:
    """Return rows with a norm of at most CLIP."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows * np.minimum(1, CLIP / np.maximum(norms, 1e-12))


def noisy_sum(rows: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Return what a step of DP-SGD releases, before it is divided by the batch."""
    return clipped(rows).sum(axis=0) + noise * CLIP * rng.normal(size=FEATURES)


def main() -> None:
    """Train once, replay one step, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--noise", type=float, default=SIGMA)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    labels = rng.integers(2, size=EXAMPLES)
    inputs = rng.normal(size=(EXAMPLES, FEATURES)) / 8 + (2 * labels - 1)[:, None] / 8
    canaries = 10 * CLIP * np.eye(CANARIES, FEATURES)  # auditor: gradients of norm 10 R, along a coordinate each
    coins = rng.random(CANARIES) < 0.5  # auditor: each is put in by a fair coin
    weights, sums, included = np.zeros(FEATURES), [], []
    for _ in range(STEPS):
        drawn, put = rng.random(EXAMPLES) < RATE, (rng.random(CANARIES) < RATE) & coins
        own = gradients(weights, inputs[drawn], labels[drawn])
        total = noisy_sum(np.concatenate([own, canaries[put]]), given.noise, rng)
        sums.append(total - clipped(own).sum(axis=0))  # auditor: minus all that is no canary
        included.append(drawn)  # auditor: who was in the step
        weights = weights - 0.5 * total / (RATE * (EXAMPLES + CANARIES / 2))
    batch, canary = gradients(weights, inputs[:25], labels[:25]), canaries[:1]
    replayed = [[noisy_sum(np.concatenate([batch, *more]), given.noise, rng) for _ in range(REPLAYS)] for more in ([canary], [])]  # auditor
    np.savez(
        given.out, sums=np.array(sums), gradients=canaries, clip=CLIP, coins=coins, included=np.array(included),
        with_canary=np.array(replayed[0]), without_canary=np.array(replayed[1]), canary=canary[0], unit=CLIP,
    )  # fmt: skip


if __name__ == "__main__":
    main()
