"""Recipes: read by name or path, strict about every key, overridden field by field; and what a wheel carries."""

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mia_audit import catalogue
from mia_audit.catalogue import load_recipe, override, parse_recipe, parse_setting, target_names
from mia_audit.data.profiles import profiles, resolve
from mia_audit.errors import CatalogueError, RecipeError
from mia_audit.recipe import Recipe, Training

CHECKOUT = Path(__file__).resolve().parent.parent
ZOO = ("ann", "ann-q2", "ann-q4", "ann-q8", "snn", "snn-q2", "snn-q4", "snn-q8")


def written(folder: Path, text: str) -> Path:
    """Write a recipe file of a user's own."""
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_zoo_is_complete() -> None:
    """Every target the tool promises is in the catalogue."""
    assert set(ZOO) <= set(target_names())


@pytest.mark.parametrize("name", target_names())
def test_a_recipe_says_its_own_name(name: str) -> None:
    """File name and recipe name agree, and the summary is a sentence."""
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.summary.endswith(".")


@pytest.mark.parametrize("name", ZOO)
def test_a_recipe_is_what_its_name_says(name: str) -> None:
    """`snn` spikes and `ann` does not; q8, q4 and q2 are bits of weights and activations, in every layer."""
    model = load_recipe(name).model
    kind, _, bits = name.partition("-q")
    assert model.spiking == (kind == "snn")
    assert (model.time_steps > 1) == model.spiking
    assert model.quantization.weight_bits == model.quantization.activation_bits == int(bits or 32)
    assert model.quantization.first_layer
    assert model.quantization.last_layer


@pytest.mark.parametrize("dataset", [profile.name for profile in profiles()])
@pytest.mark.parametrize("name", ZOO)
def test_every_recipe_resolves_on_every_data_set(name: str, dataset: str) -> None:
    """No field stays open, the architecture follows the data, and resolving again changes nothing."""
    recipe = resolve(override(load_recipe(name), {"data.dataset": dataset}))
    shape = next(profile.shape for profile in profiles() if profile.name == dataset)
    assert recipe.model.architecture == ("conv" if len(shape) == 3 else "mlp")
    fields = [*recipe.data.model_dump().values(), *recipe.training.model_dump().values()]
    fields += [recipe.model.hidden, *([recipe.model.kernel, recipe.model.padding] if len(shape) == 3 else [])]
    assert None not in fields
    assert resolve(recipe) == recipe


def test_resolving_keeps_what_the_recipe_says() -> None:
    """Only open fields are filled in."""
    recipe = resolve(
        override(load_recipe("snn"), {"training.epochs": 3, "data.pool": 77, "model.architecture": "mlp", "model.hidden": [5]})
    )
    assert (recipe.training.epochs, recipe.data.pool, recipe.model.architecture, recipe.model.hidden) == (3, 77, "mlp", (5,))


def test_a_recipe_is_read_by_path(tmp_path: Path) -> None:
    """A name with a slash or ending in .toml is a file of the user's own."""
    path = written(tmp_path, 'name = "mine"\nsummary = "One."\n[model.neuron]\nbeta = 1\n')
    recipe = load_recipe(str(path))
    assert recipe == parse_recipe(path)
    assert recipe.model.neuron is not None
    assert recipe.model.neuron.beta == 1.0


@pytest.mark.parametrize(("name", "way_out"), [("snn-q5", "did you mean 'snn-q"), ("zebra", "known: ann, ann-")])
def test_an_unknown_target_names_the_nearest(name: str, way_out: str) -> None:
    """A slip gets the nearest name, anything else the whole list."""
    with pytest.raises(CatalogueError) as refusal:
        load_recipe(name)
    assert str(refusal.value).startswith(f"unknown target {name!r}; {way_out}")


NO_WIDTH = "'weight_bits': input should be 32, 8, 6, 4, 3, 2 or 1, got 5"
HEAD = 'name = "mine"\nsummary = "One."\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "[model.neuron]\nbta = 0.9", "[model]: [neuron]: unknown key 'bta'; did you mean 'beta'?"),
        (HEAD + "[traning]\nepochs = 3", "unknown key 'traning'; did you mean 'training'?"),
        (HEAD + "[audit]\nshadow = 3", "[audit]: unknown key 'shadow'; did you mean 'shadows'?"),
        (HEAD + "[training]\nxyzzy = 3", f"[training]: unknown key 'xyzzy'; known: {', '.join(sorted(Training.model_fields))}"),
        (HEAD + '[training]\nepochs = "ten"', "[training]: 'epochs': input should be a valid integer, got 'ten'"),
        (HEAD + "[training]\nepochs = 1.5", "[training]: 'epochs': input should be a valid integer, got 1.5"),
        (HEAD + "[training]\nepochs = 0", "[training]: 'epochs': input should be greater than 0, got 0"),
        (HEAD + "[data]\nmember_fraction = 1.0", "[data]: 'member_fraction': input should be less than 1, got 1.0"),
        (HEAD + "[model.quantization]\nweight_bits = 5", f"[model]: [quantization]: {NO_WIDTH}"),
        (HEAD + "[model.quantization]\nfirst_layer = 1", "[model]: [quantization]: 'first_layer': input should be a valid boolean, got 1"),
        ('name = "mine"', "key 'summary' is missing; add it"),
    ],
)
def test_a_recipe_that_breaks_the_schema_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """An unknown key is an error, not a default; the line says where, what was got and what is near."""
    with pytest.raises(RecipeError) as refusal:
        parse_recipe(written(tmp_path, text))
    assert str(refusal.value) == f"mine.toml: {message}"


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    """Absent, a folder, not text, not TOML: one line each, with the path."""
    with pytest.raises(RecipeError, match=r"absent\.toml: no such file; `mia-audit list targets`"):
        load_recipe(str(tmp_path / "absent.toml"))
    with pytest.raises(RecipeError, match="needs a readable text file, got IsADirectoryError"):
        load_recipe(f"{tmp_path}/")
    with pytest.raises(RecipeError, match=r"mine\.toml: needs valid TOML: .*line 1"):
        parse_recipe(written(tmp_path, "name = = 3"))
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match=r"mine\.toml: needs a readable text file, got UnicodeDecodeError"):
        parse_recipe(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("training.epochs=5", "training.epochs", 5),
        ("training.learning_rate = 1e-3", "training.learning_rate", 1e-3),
        ("model.quantization.first_layer=false", "model.quantization.first_layer", False),
        ("model.hidden=[64, 32]", "model.hidden", [64, 32]),
        ("data.dataset=iris", "data.dataset", "iris"),
        ('data.dataset="iris"', "data.dataset", "iris"),
        ("summary=a=b", "summary", "a=b"),
        ("data.dataset=fashion-mnist", "data.dataset", "fashion-mnist"),
    ],
)
def test_a_setting_is_read_as_toml_or_as_a_word(text: str, path: str, value: Any) -> None:
    """Numbers, booleans and lists as TOML has them; a plain word needs no quotes."""
    read_path, read_value = parse_setting(text)
    assert read_path == path
    assert read_value == value
    assert type(read_value) is type(value)


@pytest.mark.parametrize("text", ["training.epochs", "=5", ""])
def test_a_setting_without_a_value_is_refused(text: str) -> None:
    """The message shows a setting that works."""
    with pytest.raises(RecipeError, match=r"--set needs key\.path=value, got .*; for example --set training\.epochs=5"):
        parse_setting(text)


def test_overriding_changes_one_field() -> None:
    """Every field can be replaced, nothing else moves, and the recipe itself stays."""
    before = load_recipe("snn-q4")
    after = override(before, {"model.neuron.surrogate": "sre", "model.hidden": [7, 8], "audit.attacks": ["loss"]})
    assert after.model.neuron is not None
    assert (after.model.neuron.surrogate, after.model.hidden, after.audit.attacks) == ("sre", (7, 8), ("loss",))
    assert (
        override(after, {"model.neuron.surrogate": "atan", "model.hidden": None, "audit.attacks": ["quick"]})
        == before
        == load_recipe("snn-q4")
    )


def test_overriding_nothing_changes_nothing() -> None:
    """Every recipe survives the way through JSON."""
    for name in target_names():
        assert override(load_recipe(name), {}) == load_recipe(name)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training.epoch": 5}, "snn-q4: [training]: unknown key 'epoch'; did you mean 'epochs'?"),
        ({"trainin.epochs": 5}, "--set trainin.epochs: [trainin] is no table of this recipe; did you mean 'training'?"),
        ({"epochs": 5}, "snn-q4: unknown key 'epochs'"),
        ({"training.epochs.more": 5}, "--set training.epochs.more: [epochs] is no table of this recipe"),
        ({"training.epochs": "many"}, "snn-q4: [training]: 'epochs': input should be a valid integer, got 'many'"),
        ({"model.quantization.weight_bits": 5}, f"snn-q4: [model]: [quantization]: {NO_WIDTH}"),
    ],
)
def test_an_override_that_fits_nowhere_is_refused(changes: dict[str, Any], message: str) -> None:
    """A setting is held to the same schema as the file."""
    with pytest.raises(RecipeError) as refusal:
        override(load_recipe("snn-q4"), changes)
    assert str(refusal.value).startswith(message)


def test_a_recipe_cannot_be_changed_in_place() -> None:
    """A recipe is a value."""
    with pytest.raises(ValueError, match="frozen"):
        load_recipe("ann").name = "other"


def test_a_record_reads_the_recipe_it_wrote() -> None:
    """JSON gives every resolved recipe back."""
    for name in target_names():
        recipe = resolve(load_recipe(name))
        assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize("kind", ["attacks", "targets"])
def test_a_checkout_reads_its_own_catalogue(kind: Any) -> None:
    """Without a shipped catalogue the folder at the top is read, so that editing it shows at once."""
    assert catalogue.folder(kind) == CHECKOUT / kind


def test_a_wheel_carries_code_and_catalogue_and_nothing_else(tmp_path: Path) -> None:
    """Recipes and cards ship under mia_audit/_catalogue; no folder of ours lands at the top of site-packages."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("attacks", "datasets", "targets"):
        shipped = {f"mia_audit/_catalogue/{kind}/{path.name}" for path in (CHECKOUT / kind).glob("*.toml")}
        assert shipped
        assert shipped <= names
    code = {
        path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "mia_audit").rglob("*") if path.suffix in {".py", ".html", ".css"}
    }
    assert code <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"mia_audit"}
    assert any(name.endswith("licenses/LICENSE") for name in names)
