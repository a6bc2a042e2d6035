"""What the zoo's targets reach: train and test accuracy of a few models each, as the recipe trains them, written into the recipe.

    python benchmarks/expect.py [TARGET ...] [--models 4]

Without names: every target but the deep ones on CIFAR-10, which take hours on a CPU. `mia-audit list targets` shows the mean test
accuracy; nothing else reads the table, and no record holds it.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.setting import Setting, one_thread, setting
from benchmarks.table import say
from mia_audit.catalogue import load_recipe, target_names
from mia_audit.data.profiles import resolve
from mia_audit.signals import query
from mia_audit.training.lockstep import Cohort, train
from mia_audit.types import Bools, Floats, Ints

TARGETS = Path(__file__).resolve().parent.parent / "targets"


def measured(chosen: Setting) -> tuple[Floats, Floats]:
    """Return train and test accuracies of every model."""
    models, device = len(chosen.rows), torch.device("cpu")
    population = train(chosen.recipe, Cohort(indices=tuple(range(models)), rows=chosen.rows), chosen.pool, device, lambda _: None)

    def right(inputs: Floats, labels: Ints) -> Bools:
        answers = query(population, inputs, chosen.recipe).logits.mean(axis=1)
        hits: Bools = answers.argmax(axis=-1) == labels
        return hits

    members = right(chosen.pool.inputs, chosen.pool.labels).mean(axis=1, where=chosen.rows)
    return members, right(chosen.test_inputs, chosen.test_labels).mean(axis=1)


def written(text: str, chosen: Setting, found: tuple[Floats, Floats]) -> str:
    """Return a recipe's text with its table of what to expect, at the end."""
    kept = text.partition("\n[expect]")[0].rstrip()
    data, seed = chosen.recipe.data, chosen.recipe.training.seed
    (train_accuracy, test_accuracy) = (f"[{each.mean():.4f}, {each.std(ddof=1):.4f}]" for each in found)
    return f"""{kept}

[expect]                       # mean and standard deviation; measured by benchmarks/expect.py, nothing depends on it
train_accuracy = {train_accuracy}
test_accuracy = {test_accuracy}
models = {len(chosen.rows)}
how = "{data.dataset}, half of a pool of {data.pool:,}, seed {seed}"
"""


def main() -> None:
    """Measure the targets that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--models", type=int, default=4)
    asked = parser.parse_args()
    one_thread()
    for name in asked.targets or [each for each in target_names() if resolve(load_recipe(each)).data.dataset != "cifar10"]:
        chosen = setting(name, resolve(load_recipe(name)).data.dataset, asked.models)
        found = measured(chosen)
        path = TARGETS / f"{name}.toml"
        path.write_text(written(path.read_text(encoding="utf-8"), chosen, found), encoding="utf-8")
        say(f"{name}: train {np.round(found[0], 4).tolist()}, test {np.round(found[1], 4).tolist()}")


if __name__ == "__main__":
    main()
