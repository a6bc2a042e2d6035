"""What a user gets wrong is said in one line on standard error, with the way out, and the exit code is 2."""

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mia_audit.audit import Silent, asked
from mia_audit.audit.running import prepare
from mia_audit.cli import main
from tests.support.engine_runs import small_audit, small_run

BITS = "RecipeError: snn-q4: [model]: [quantization]: '{}': input should be 32, 8, 6, 4, 3, 2 or 1, got "
TOO_LARGE = (
    "DataError: digits: a pool of 99999, a population of 100 and a test set of 297 need 100396 examples, "
    "the data set has 1797; use --set data.pool=1400"
)


class Refused:
    """What became of a command: its exit code and its one line."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd

    def __call__(self, *arguments: str) -> str:
        """Run the command line and return what it says, after checking that it is one line and nothing else."""
        with pytest.raises(SystemExit) as left:
            main(arguments)
        said = self.capfd.readouterr()
        assert left.value.code == 2
        assert said.out == ""
        assert said.err.endswith("\n")
        (line,) = (each for each in said.err.splitlines() if " cohorts came from the store " not in each)  # a note, no error
        return line


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Refused:
    """Return what runs a command that must be refused."""
    return Refused(capfd)


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Let the kernel refuse to write more than so many bytes to a file, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--target", "snn-q5"), "CatalogueError: unknown target 'snn-q5'; did you mean 'snn-q"),
        (("--surrogate", "fast_sigmoid"), "CatalogueError: unknown surrogate 'fast_sigmoid'; did you mean 'fast-sigmoid'?"),
        (("--set", "model.neuron.surrogate=ata"), "CatalogueError: unknown surrogate 'ata'; did you mean 'atan'?"),
        (("--surrogate-variant", "paper"), "RecipeError: snn-q4: [model]: [neuron]: 'surrogate_variant': input should be 'textbook'"),
        (("--dataset", "digit"), "CatalogueError: unknown data set 'digit'; did you mean 'digits'?"),
        (("--attacks", "los"), "CatalogueError: unknown attack 'los'; did you mean 'loss'?"),
        (("--attacks", "quik"), "CatalogueError: unknown attack 'quik'; did you mean 'quick'?"),
        (("--attacks", "loss,lira-onlin"), "CatalogueError: unknown attack 'lira-onlin'; did you mean 'lira-online'?"),
        (("--attacks", ""), "CatalogueError: an audit needs an attack or a suite, got none; suites: quick"),
        (("--attacks", " , "), "CatalogueError: an audit needs an attack or a suite, got none; suites: quick"),
        (("--set", "training.epoch=3"), "RecipeError: snn-q4: [training]: unknown key 'epoch'; did you mean 'epochs'?"),
        (("--set", "traning.epochs=3"), "RecipeError: --set traning.epochs: [traning] is no table of this recipe; did you mean 'train"),
        (("--set", "training.epochs"), "RecipeError: --set needs key.path=value, got 'training.epochs'; for example --set"),
        (("--set", "training.epochs=many"), "RecipeError: snn-q4: [training]: 'epochs': input should be a valid integer"),
        (("--set", "model.quantization.weight_bits=7"), BITS.format("weight_bits")),
        (("--set", "model.quantization.activation_bits=16"), BITS.format("activation_bits")),
        (("--set", "data.pool=99999"), TOO_LARGE),
        (("--set", "data.pool=12"), "DataError: digits: a pool needs an example of every class"),
        (("--shadows", "0"), "RecipeError: snn-q4: [audit]: 'shadows': input should be greater than or equal to 1, got 0"),
        (("--shadows", "1"), "RecipeError: an audit needs from 2 to 100000 shadow models, got 1; use --shadows 32"),
        (("--shadows", "4"), "ShadowBudgetError: lira-online needs at least 3 shadow models trained with and 3 without each example"),
        (("--memory", "lots"), "RecipeError: --memory needs a size such as 8GiB or 500MiB, got 'lots'"),
        (("--memory", "8"), "RecipeError: --memory needs a size such as 8GiB or 500MiB, got '8', which is 8 bytes; name the unit"),
        (("--out", ""), "UsageError: --out needs a path, got ''; give the name of a file or folder"),
        (("--slices", "~nobody-here/x.csv"), "UsageError: --slices needs a home folder for ~nobody-here, got '~nobody-here/x"),
        (("--data-root", "$NO_SUCH_VARIABLE/data"), "UsageError: --data-root needs a value of $NO_SUCH_VARIABLE, got none"),
        (("--attacks", "lir"), "CatalogueError: unknown attack 'lir'; did you mean 'lira'?"),
        (("other",), "UsageError: an audit needs one target, got 'other' and --target 'snn-q4'; leave one out"),
        (("--set", "training={epoch=3}"), "RecipeError: snn-q4: [training]: unknown key 'epoch'; did you mean 'epochs'?"),
        (("--set", "audit.shadows=1"), "RecipeError: an audit needs from 2 to 100000 shadow models, got 1; use --shadows 32"),
        (("--shadows", "10000000"), "RecipeError: an audit needs from 2 to 100000 shadow models, got 10000000; use --shadows 32"),
        (("--set", "name=../../x"), "RecipeError: the name of a recipe, and of its folder, takes letters, digits, . _ + -, got '../../x'"),
        (("--set", 'name="a\\nb"'), "RecipeError: the name of a recipe, and of its folder, takes letters, digits, . _ + -, got 'a\\nb'"),
        (("--set", "name="), "RecipeError: the name of a recipe, and of its folder, takes letters, digits, . _ + -, got ''"),
        (("--shadows", "many"), "UsageError: Invalid value for '--shadows': Input should be a valid integer"),
        (("--seed", "-1"), "UsageError: Invalid value for '--seed': Input should be greater than or equal to 0"),
        (("--workers", "0"), "UsageError: Invalid value for '--workers': Input should be greater than or equal to 1"),
        (("--device", "tpu"), "RecipeError: --device needs auto, cpu or cuda, got 'tpu'"),
        (("--architecture", "vgg"), "UsageError: No such option: --architecture"),
        (("--set", "model.architecture=vgg"), "CatalogueError: unknown architecture 'vgg'; did you mean 'vgg"),
        (("--set", "model.channels=[4,4,4,4,4]"), "RecipeError: max pooling over 2 x 2 needs a larger image"),
        (("--dataset", "iris", "--set", "model.encoding=rate"), "RecipeError: snn-q4: rate encoding needs intensities"),
        (("--dataset", "iris", "--set", "model.architecture=conv"), "RecipeError: architecture conv needs channels, got none"),
    ],
)  # fmt: skip
def test_a_slip_is_named_before_anything_is_computed(refused: Refused, tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    """Each mistake gets its own line with the nearest right name or a value that works, and no model is trained."""
    said = refused("run", "--target", "snn-q4", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out"), *arguments)
    assert said.startswith(line)
    assert not list(tmp_path.iterdir())  # not even an empty folder


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("model.neuron.surrogate_slope=-1",),
            "RecipeError: snn: [model]: [neuron]: 'surrogate_slope': input should be greater than or eq",
        ),
        (("model.neuron.surrogate_slope=0",), "RecipeError: surrogate atan needs a slope above 0, got 0; its default is 2.0"),
        (("model.time_steps=0",), "RecipeError: snn: [model]: 'time_steps': input should be greater than 0, got 0"),
        (("model.encoding=delta",), "RecipeError: snn: delta encoding needs frames of events, got digits; use --set model.encoding=direct"),
        (("model.norm=batch", "training.batch_size=1"), "RecipeError: batch norm needs at least two examples in a batch, got training.ba"),
        (
            ("model.quantization.weight_bits=4", "model.quantization.when=post-training", "data.pool=1400"),
            "DataError: digits: 140 calibration examples, a pool of 1400, a population of 100 and a test set of 297 need 1937 examples, ",
        ),
    ],
)
def test_what_the_zoo_cannot_do_is_named(refused: Refused, tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    """Normalization, surrogates, encoders and calibration are checked before a model is trained."""
    settings = [part for each in arguments for part in ("--set", each)]
    said = refused("run", "--target", "snn", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out"), *settings)
    assert said.startswith(line)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_too_few_shadow_models_are_told_the_number_that_would_do(refused: Refused, tmp_path: Path) -> None:
    """That many pass, one fewer does not: the coins of the audit's own seed are counted."""
    plan = ("run", "ann", "--dataset", "iris", "--attacks", "lira-online", "--store", str(tmp_path / "store"), "--shadows")
    enough = int(re.findall(r"Train (\d+) \(--shadows \1\)", refused(*plan, "5"))[0])
    assert f"Train {enough} (--shadows {enough})" in refused(*plan, str(enough - 1))
    prepare("ann", asked(dataset="iris", attacks="lira-online", store=tmp_path / "store", shadows=enough, device="cpu"), Silent())


@pytest.mark.parametrize("option", ["--surrogate", "--surrogate-variant"])
def test_a_surrogate_is_for_spiking_targets(refused: Refused, option: str) -> None:
    """The line names the option that was typed and a target that would take it."""
    said = refused("run", "--target", "ann-q8", option, "snntorch")
    assert said == f"RecipeError: {option} needs a spiking target, got 'ann-q8', an ANN; leave it out or choose a target such as snn-q4"


@pytest.mark.parametrize("arguments", [("run",), ("list",), ("report",), ("lst",), ("list", "modls"), ("run", "--target")])
def test_a_command_that_is_not_one_says_where_help_is(refused: Refused, arguments: tuple[str, ...]) -> None:
    """Usage errors keep to one line too."""
    said = refused(*arguments)
    assert said.startswith("UsageError: ")
    assert said.endswith("--help` shows what it takes")


@pytest.mark.parametrize("option", ["--out", "--store"])
@pytest.mark.parametrize("place", ["file/below", "/proc/below", "/dev/null/below"])
def test_a_folder_that_cannot_be_written(refused: Refused, tmp_path: Path, option: str, place: str) -> None:
    """Said before training: the folder, the reason, and the options that name another one."""
    (tmp_path / "file").touch()
    folder = tmp_path / place
    said = refused(*small_run(tmp_path), option, str(folder))
    assert said.startswith(f"OutputError: {folder}: an audit needs a folder it can write, got: ")
    assert said.endswith("give another one with --out or --store")


def test_a_full_disk_under_the_store(refused: Refused, tmp_path: Path) -> None:
    """A cohort that does not fit leaves no part of itself."""
    small_audit(tmp_path / "warm", shadows=2, attacks="thresholds")  # kernels are compiled to files of their own
    with no_file_larger_than(6000):
        said = refused(*small_run(tmp_path))
    assert said == f"StoreError: the store {tmp_path / 'store'} cannot be written: File too large; give another folder with --store"
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_full_disk_under_the_record(refused: Refused, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The record is the last thing written: what was trained stays, and the line says that it does."""
    with no_file_larger_than(200_000), pytest.raises(SystemExit):
        main(small_run(tmp_path))
    capfd.readouterr()
    with no_file_larger_than(4200):
        said = refused(*small_run(tmp_path), "--out", str(tmp_path / "other"))
    assert said.startswith(f"OutputError: {tmp_path / 'other'}: the record cannot be written, got: File too large; make room")
    assert not (tmp_path / "other" / "record.json").exists()


def test_losses_that_are_not_finite(refused: Refused, tmp_path: Path) -> None:
    """The audit stops and names model and epoch."""
    said = refused(*small_run(tmp_path), "--set", "training.learning_rate=1e38")
    assert said.startswith("TrainingError: model 0 needs finite lo")
    assert "epoch" in said
    assert "lower training.learning_rate" in said
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_data_root_without_the_files(refused: Refused, tmp_path: Path) -> None:
    """Offline, nothing is fetched: the line names the first file that is not there and both ways out."""
    said = refused(
        "run", "--target", "snn", "--dataset", "mnist", "--offline", "--data-root", str(tmp_path), "--out", str(tmp_path / "out")
    )
    assert said.startswith(f"DataError: mnist needs MNIST/raw/train-images-idx3-ubyte in {tmp_path}, which is not there")
    assert "--data-root" in said
    assert "leave out --offline" in said


def test_an_existing_record_is_not_overwritten(refused: Refused, tmp_path: Path) -> None:
    """Without --force, and before anything is computed."""
    (tmp_path / "record").mkdir()
    (tmp_path / "record" / "record.json").write_text("{}", encoding="utf-8")
    arguments = [each for each in small_run(tmp_path) if each != "--force"]
    said = refused(*arguments)
    assert said == (
        f"OutputError: {tmp_path / 'record'}: an audit needs a folder without a record, got one with record.json; "
        "give another --out, or --force"
    )
    assert [path.name for path in tmp_path.rglob("*")] == ["record", "record.json"]


def test_records_that_cannot_be_read(refused: Refused, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`report` names the folder and what is wrong with it: absent, not JSON, of another version, arrays of another record."""
    with pytest.raises(SystemExit) as left:
        main(small_run(tmp_path))
    assert left.value.code in {0, None}
    capfd.readouterr()
    record = tmp_path / "record"
    text, arrays = (record / "record.json").read_text(encoding="utf-8"), (record / "arrays.npz").read_bytes()
    page = str(tmp_path / "page.html")
    assert "a record needs a readable record.json, got FileNotFoundError" in refused("report", str(tmp_path), "-o", page)
    (record / "record.json").write_text(text[:-100], encoding="utf-8")
    assert "record.json is not a record; give the folder an audit wrote" in refused("report", str(record), "-o", page)
    (record / "record.json").write_text(text.replace('"schema_version": 1', '"schema_version": 99'), encoding="utf-8")
    assert "reads records of schema 1, got 99" in refused("report", str(record), "-o", page)
    (record / "record.json").write_text(text, encoding="utf-8")
    (record / "arrays.npz").write_bytes(arrays[: len(arrays) // 2])
    assert "a record needs readable arrays" in refused("report", str(record), "-o", page)
    assert not Path(page).exists()
