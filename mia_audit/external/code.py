"""Code that a recipe names: run only where the user trusts it, by --trust-code or by having made the recipe on this machine.

A recipe is a text that may come from anybody, and the code beside it runs with the user's rights. `mia-audit init`, whose command line
names the code, marks recipe and code as trusted in the user's cache, by a hash of both: a changed one has to be trusted anew.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mia_audit.errors import RecipeError
from mia_audit.external import program
from mia_audit.external.files import reason, regular, told
from mia_audit.external.named import is_named as named_by_library
from mia_audit.external.recipe import External
from mia_audit.paths import cache


def named(text: str, folder: Path) -> Any:
    """Return what "file:name" names, of a file beside the recipe; its code is run. RecipeError where it is not there."""
    path, attribute = place(text, folder), text.partition(":")[2]
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise RecipeError(f"{told(text)}: needs a file of Python beside the recipe, got {told(path.name)}; correct it")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module  # pickles and dataclasses look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody's code raises
        raise RecipeError(f"{told(path.name)}: could not be run, got {reason(error)}; try it with python {path.name}") from error
    finally:
        sys.path[:] = before
    if not hasattr(module, attribute):
        raise RecipeError(f"{told(path.name)}: needs {attribute!r}, which is not there; correct model or train")
    return getattr(module, attribute)


def place(text: str, folder: Path) -> Path:
    """Return the file of "file:name"."""
    file = text.partition(":")[0]
    return regular(folder / (file if file.endswith(".py") else f"{file}.py"), "code")


def files(external: External, folder: Path) -> tuple[Path, ...]:
    """Return the files that a recipe would have run: code that it names, and a checkpoint that is a program."""
    texts = [each for each in (external.model, external.train) if each and not named_by_library(each)]
    alone = folder / external.checkpoint if external.checkpoint and not external.model else None
    return (*(place(each, folder) for each in texts), *([alone] if alone is not None and program.is_program(alone) else []))


def trust(run: Sequence[Path], recipe: str) -> None:
    """Remember that this recipe may run these files."""
    mark = _mark(run, recipe)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def require_trusted(run: Sequence[Path], recipe: str, *, trusted: bool) -> None:
    """Refuse to run code that nobody here has named on a command line."""
    if run and not trusted and not _mark(run, recipe).exists():
        names = " and ".join(told(each.name) for each in run)
        raise RecipeError(f"running this recipe needs the code in {names}, which it names itself; read it, and give --trust-code")


def require_program_trusted(run: Sequence[Path], *, trusted: bool) -> None:
    """Refuse a checkpoint that is a program: whoever names a file of weights does not expect one."""
    one = next((each for each in run if program.is_program(each)), None)
    if one is not None and not trusted:
        raise RecipeError(f"{told(one.name)}: is a program, which may do what you may; give --trust-code, or its weights as a state dict")


def _mark(run: Sequence[Path], recipe: str) -> Path:
    state = hashlib.sha256(recipe.encode())
    for each in run:
        with each.open("rb") as file:
            state.update(hashlib.file_digest(file, "sha256").digest())
    return cache() / "trusted" / state.hexdigest()
