"""Image data sets: reading, fetching, and what is said when files are absent or damaged."""

import errno
import gzip
import os
import pickle
import tarfile
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest

from mia_audit.audit.bank.repeats import repeats
from mia_audit.data import idx, vision
from mia_audit.data.examples import Examples, load
from mia_audit.data.profiles import profile, profiles, resolve
from mia_audit.errors import DataError
from mia_audit.recipe import Data, Recipe

TRAIN, TEST = 300, 60
RAW = Path("MNIST") / "raw"
IDX = vision.layout_of(profile("mnist").card).files


@pytest.fixture
def data_root() -> Path:
    """Return the folder of real data sets, or skip."""
    named = os.environ.get("MIA_AUDIT_DATA", "")
    if not named or not Path(named).is_dir():
        pytest.skip(f"needs real data sets: MIA_AUDIT_DATA is {f'{named}, no folder' if named else 'not set'}")
    return Path(named)


def small_mnist(root: Path, *, train: int = TRAIN, test: int = TEST) -> None:
    """Write a small MNIST in MNIST's own format; white but for the first pixel: the row number modulo 250; labels modulo 10."""
    raw = root / RAW
    raw.mkdir(parents=True)
    for part, size in (("train", train), ("t10k", test)):
        numbers = np.arange(size)
        images = np.full((size, 28, 28), 255)
        images[:, 0, 0] = numbers % 250
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", numbers % 10)


def write_idx(path: Path, values: np.ndarray) -> None:
    """Write bytes with the header of the IDX format."""
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + sizes + values.astype(np.uint8).tobytes())


def asked(dataset: str = "mnist", *, pool: int = 200, population: int = 50, test: int = 40) -> Recipe:
    """Return a resolved recipe of a small audit."""
    return resolve(Recipe(name="t", summary="", data=Data(dataset=dataset, pool=pool, population=population, test=test)))


def never(reader: str, folder: Path) -> None:
    """Stand in for the network where nothing may be fetched."""
    raise AssertionError(f"nothing may be fetched, asked for {reader} into {folder}")


def read(root: Path, *, offline: bool = True, fetch: vision.Fetch = never, recipe: Recipe | None = None) -> Examples:
    """Load examples below a root."""
    return load(recipe or asked(), root=root, offline=offline, progress=lambda _: None, fetch=fetch)


def files(root: Path) -> list[str]:
    """Return every file below a root."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.mark.parametrize("dataset", [known.name for known in profiles() if known.source == "torchvision"])
def test_layouts_are_torchvisions(dataset: str) -> None:
    """The files looked for are those that torchvision's class reads."""
    from torchvision import datasets  # noqa: PLC0415  costs seconds

    layout = vision.layout_of(profile(dataset).card)
    reader = getattr(datasets, layout.reader)
    if hasattr(reader, "resources"):
        assert layout.folder == f"{layout.reader}/raw"
        assert set(layout.files) == {name.removesuffix(".gz") for name, _ in reader.resources}
        assert list(layout.class_names) == [name.split(" - ")[0] for name in reader.classes]  # MNIST says "0 - zero"
    else:
        assert layout.folder == reader.base_folder
        assert set(layout.files) == {name for name, _ in reader.train_list + reader.test_list} | {reader.meta["filename"]}
        assert layout.archive == reader.filename


def test_pixels_go_from_zero_to_one(tmp_path: Path) -> None:
    """An image keeps its label; black is 0 and white is 1; pool and population come from the training split alone."""
    small_mnist(tmp_path)
    got = read(tmp_path)
    assert got.pool_inputs.shape == (200, 1, 28, 28)
    assert got.pool_inputs.dtype == np.float32
    assert (got.pool_inputs[:, 0, 1:] == 1).all()
    for inputs, labels in ((got.pool_inputs, got.pool_labels), (got.population_inputs, got.population_labels)):
        assert np.array_equal(np.round(inputs[:, 0, 0, 0] * 255) % 10, labels)
    assert got.test_inputs[:, 0, 0, 0].max() * 255 < TEST
    assert np.array_equal(np.round(got.test_inputs[:, 0, 0, 0] * 255) % 10, got.test_labels)
    assert got.class_names == tuple("0123456789")


def test_files_that_are_there_are_not_fetched(tmp_path: Path) -> None:
    """Online or not, what lies in the root is used."""
    small_mnist(tmp_path)
    assert read(tmp_path, offline=False).sha256 == read(tmp_path, offline=True).sha256


def test_absent_files_offline_are_named(tmp_path: Path) -> None:
    """The message names the folder looked in and both ways out."""
    with pytest.raises(DataError) as refusal:
        read(tmp_path)
    assert str(refusal.value) == (
        f"mnist needs MNIST/raw/train-images-idx3-ubyte in {tmp_path}, which is not there; give the folder that torchvision reads "
        f"with --data-root or MIA_AUDIT_DATA, or leave out --offline to download 12 MB"
    )


def test_a_download_moves_into_place(tmp_path: Path) -> None:
    """A whole download ends up where torchvision looks, the archives and the scratch folder are gone, progress was told."""

    def fetch(reader: str, folder: Path) -> None:
        assert reader == "MNIST"
        small_mnist(folder)
        (folder / RAW / "train-images-idx3-ubyte.gz").write_bytes(b"archive")

    told: list[str] = []
    root = tmp_path / "new" / "root"
    got = load(asked(), root=root, offline=False, progress=told.append, fetch=fetch)
    assert got.sha256 == read(root).sha256
    assert files(root) == sorted(str(RAW / name) for name in IDX)
    assert told == [f"mnist: downloading 12 MB into {root}"]


def test_a_download_completes_a_half_filled_folder(tmp_path: Path) -> None:
    """Files that are missing from a root are fetched; the folder does not stand in the way."""
    small_mnist(tmp_path)
    (tmp_path / RAW / IDX[2]).unlink()
    read(tmp_path, offline=False, fetch=lambda _, folder: small_mnist(folder))
    assert len(files(tmp_path)) == 4


def unplugged(_: str, folder: Path) -> None:
    """Fail as a network does, after the first file."""
    (folder / RAW).mkdir(parents=True)
    (folder / RAW / IDX[0]).write_bytes(b"half")
    raise URLError("Name or service not known")


def cut_off(_: str, folder: Path) -> None:
    """Fail as a server does that hangs up."""
    raise IncompleteRead(folder.name.encode()[:3], 100)


def full_disk(_: str, folder: Path) -> None:
    """Fail as a full disk does."""
    small_mnist(folder, train=30)
    raise OSError(errno.ENOSPC, "No space left on device")


def wrong_sum(_: str, folder: Path) -> None:
    """Fail as torchvision does when the MD5 differs."""
    raise RuntimeError(f"Error downloading:\nTried a mirror for {folder.name}, got:\nFile not found or corrupted.\n")


def truncated(_: str, folder: Path) -> None:
    """Return without an error, one file short of its end."""
    small_mnist(folder)
    images = folder / RAW / IDX[0]
    images.write_bytes(images.read_bytes()[:-1])


def incomplete(_: str, folder: Path) -> None:
    """Return without an error, one file missing."""
    small_mnist(folder)
    (folder / RAW / IDX[3]).unlink()


@pytest.mark.parametrize(
    ("fetch", "reason"),
    [
        (unplugged, "URLError: <urlopen error Name or service not known>"),
        (cut_off, "IncompleteRead: IncompleteRead(3 bytes read, 100 more expected)"),
        (full_disk, "OSError: [Errno 28] No space left on device"),
        (wrong_sum, "File not found or corrupted."),
        (truncated, "got 1 bytes fewer"),
        (incomplete, "t10k-labels-idx1-ubyte is not there"),
    ],
)
def test_a_failed_download_leaves_nothing(tmp_path: Path, fetch: vision.Fetch, reason: str) -> None:
    """However a download fails: one line with the reason and the way out, and no file in the root."""
    with pytest.raises(DataError) as refusal:
        read(tmp_path, offline=False, fetch=fetch)
    message = str(refusal.value)
    assert message.startswith(f"mnist needs a download into {tmp_path}, which failed and left nothing half-written (")
    assert reason in message
    assert message.endswith("; try again, or give a folder that holds the files with --data-root or MIA_AUDIT_DATA")
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_keeps_what_was_there(tmp_path: Path) -> None:
    """A download that completes a folder and fails harms none of its files."""
    small_mnist(tmp_path)
    (tmp_path / RAW / IDX[2]).unlink()
    before = files(tmp_path)
    with pytest.raises(DataError):
        read(tmp_path, offline=False, fetch=truncated)
    assert files(tmp_path) == before


def test_an_interrupted_download_leaves_nothing(tmp_path: Path) -> None:
    """Ctrl-C is not turned into an error of the data, and leaves no file."""

    def interrupted(_: str, folder: Path) -> None:
        small_mnist(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(tmp_path, offline=False, fetch=interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file where the data root should be gets one line, not a traceback."""
    (tmp_path / "root").write_text("a file")
    with pytest.raises(DataError, match=r"failed and left nothing half-written \((FileExists|NotADirectory)Error"):
        read(tmp_path / "root", offline=False)


def cut(path: Path) -> None:
    """Drop the last byte."""
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    """Drop everything."""
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    """Add a byte."""
    path.write_bytes(path.read_bytes() + b"x")


def replace_by_words(path: Path) -> None:
    """Write what a captive portal would have served."""
    path.write_text("<html>please log in</html>")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut, "needs as many values as its header says, .*, got 1 bytes fewer"),
        (empty, "needs to be an IDX file, got 0 bytes"),
        (lengthen, "needs as many values as its header says, .*, got 1 bytes more"),
        (replace_by_words, "needs to be an IDX file, got 26 bytes that begin with b'<html>please log'"),
    ],
)
@pytest.mark.parametrize("name", IDX)
def test_damaged_files_are_refused(tmp_path: Path, name: str, harm: Callable[[Path], None], said: str) -> None:
    """Whichever file is damaged, and however: it is named with what was found in it; nothing is fetched over it or to be deleted."""
    small_mnist(tmp_path)
    harm(tmp_path / RAW / name)
    with pytest.raises(DataError, match=said) as refusal:
        read(tmp_path, offline=False)
    message = str(refusal.value)
    assert message.startswith(f"mnist: {tmp_path / RAW / name} ")
    assert "delete" not in message
    assert "\n" not in message


def compress(path: Path) -> None:
    """Put a file's compressed self in its place."""
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("place", [".", ".."])
def test_compressed_files_are_read(tmp_path: Path, dataset: str, place: str) -> None:
    """As people fetch them by hand, into the folder or the one above it, all or some of them: the same examples, nothing fetched."""
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    folder = vision.layout_of(profile(dataset).card).folder
    for root in (plain, packed):
        small_mnist(root)
        (root / "MNIST").rename(root / vision.layout_of(profile(dataset).card).reader)
    for name in IDX[:3]:
        compress(packed / folder / name)
        (packed / folder / f"{name}.gz").rename(packed / folder / place / f"{name}.gz")
    before = files(packed)
    assert read(packed, offline=False, recipe=asked(dataset)).sha256 == read(plain, recipe=asked(dataset)).sha256
    assert files(packed) == before


def test_a_damaged_archive_of_a_file_is_named(tmp_path: Path) -> None:
    """Cut short, it is no download of ours."""
    small_mnist(tmp_path)
    compress(tmp_path / RAW / IDX[0])
    cut(tmp_path / RAW / f"{IDX[0]}.gz")
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz cannot be read, got EOFError: .*; put the whole file there$"):
        read(tmp_path)


def test_labels_that_do_not_match_are_refused(tmp_path: Path) -> None:
    """Labels of another data set, or too few of them, do not pass for MNIST's."""
    small_mnist(tmp_path)
    labels = tmp_path / RAW / IDX[1]
    write_idx(labels, np.where(np.arange(TRAIN) < 7, 1, 10))
    message = rf"^mnist: a label needs a whole number from 0 to 9, got 10 in {labels}, row 7 \(from 0\) \(293 of 300 rows are so\)"
    with pytest.raises(DataError, match=message):
        read(tmp_path)
    write_idx(labels, np.zeros(TRAIN - 1))
    with pytest.raises(DataError, match=r"needs a label for each of 300 pictures, got 299 labels"):
        read(tmp_path)


def test_labels_of_the_test_part_are_looked_at_too(tmp_path: Path) -> None:
    """-1 in a byte is 255."""
    small_mnist(tmp_path)
    write_idx(tmp_path / RAW / IDX[3], np.where(np.arange(TEST) == 5, -1, 3))
    with pytest.raises(DataError, match=rf"got 255 in {tmp_path / RAW / IDX[3]}, row 5 "):
        read(tmp_path)


@pytest.mark.parametrize("kind", sorted(idx.TYPES))
def test_labels_of_any_type_are_read(tmp_path: Path, kind: int) -> None:
    """As long as they are whole: the examples are those of bytes."""
    small_mnist(tmp_path)
    expected = read(tmp_path).sha256
    path, values = tmp_path / RAW / IDX[1], np.arange(TRAIN) % 10
    path.write_bytes(bytes([0, 0, kind, 1]) + TRAIN.to_bytes(4, "big") + values.astype(idx.TYPES[kind]).tobytes())
    assert read(tmp_path).sha256 == expected


@pytest.mark.parametrize("value", [np.nan, 0.5, -1.0, np.inf, 10.0])
def test_labels_that_are_no_class_are_refused(tmp_path: Path, value: float) -> None:
    """Not whole, no number, beyond the classes."""
    small_mnist(tmp_path)
    values = np.where(np.arange(TRAIN) == 3, value, 1.0).astype(">f4")
    (tmp_path / RAW / IDX[1]).write_bytes(bytes([0, 0, 0x0D, 1]) + TRAIN.to_bytes(4, "big") + values.tobytes())
    with pytest.raises(DataError, match=rf"a label needs a whole number from 0 to 9, got {value:g} in .*, row 3 \(from 0\); mend"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((TRAIN, 32, 32)) + 200, "needs pictures of 28 x 28, got 300 x 32 x 32 values"),
        (np.zeros((TRAIN, 28, 28, 3)) + 200, "needs pictures of 28 x 28, got 300 x 28 x 28 x 3 values"),
        (np.zeros((TRAIN, 784)) + 200, "needs pictures of 28 x 28, got 300 x 784 values"),
        (np.zeros((TRAIN, 28, 28)), "needs pixels from 0 to 255, got 0 as the brightest of 300 pictures"),
        (np.ones((TRAIN, 28, 28)), "needs pixels from 0 to 255, got 1 as the brightest of 300 pictures"),
        (np.zeros((0, 28, 28)), "needs pixels from 0 to 255, got none as the brightest of 0 pictures"),
    ],
)
def test_pictures_of_another_kind_are_refused(tmp_path: Path, images: np.ndarray, message: str) -> None:
    """Other sizes, colours, rows of values, and pictures without contrast."""
    small_mnist(tmp_path)
    write_idx(tmp_path / RAW / IDX[0], images)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_pictures_of_floats_are_refused(tmp_path: Path) -> None:
    """What 1.0 would mean there nobody knows."""
    small_mnist(tmp_path)
    sizes = b"".join(size.to_bytes(4, "big") for size in (TRAIN, 28, 28))
    (tmp_path / RAW / IDX[0]).write_bytes(bytes([0, 0, 0x0D, 3]) + sizes + np.ones(TRAIN * 784, ">f4").tobytes())
    with pytest.raises(DataError, match="needs pixels as unsigned bytes from 0 to 255, got float32; write them as bytes"):
        read(tmp_path)


def test_test_pictures_that_were_trained_on_are_told(tmp_path: Path) -> None:
    """How many, and how many of them are in the pool; a test set of its own gets no word."""
    small_mnist(tmp_path)
    images = np.random.default_rng(0).integers(0, 256, (TRAIN, 28, 28))
    write_idx(tmp_path / RAW / IDX[0], images)
    write_idx(tmp_path / RAW / IDX[2], images[:TEST])
    write_idx(tmp_path / RAW / IDX[3], np.arange(TEST) % 10)
    (told,) = repeats(read(tmp_path))
    pool = {each.tobytes() for each in read(tmp_path).pool_inputs}
    inside = sum(each.tobytes() in pool for each in read(tmp_path).test_inputs)
    assert told.startswith(f"40 of 40 test examples stand in the training part too, {inside} of them in the pool: test accuracy")
    write_idx(tmp_path / RAW / IDX[2], np.random.default_rng(1).integers(0, 256, (TEST, 28, 28)))
    assert repeats(read(tmp_path)) == ()
    assert read(tmp_path).repeated == 0


def small_cifar(
    root: Path, dataset: str = "cifar10", *, protocol: int = 2, harm: Callable[[str, dict[str, Any]], Any] | None = None
) -> None:
    """Write a small CIFAR in its authors' own format; `harm` may change what a file holds."""
    layout = vision.layout_of(profile(dataset).card)
    rng, fine = np.random.default_rng(3), dataset == "cifar100"
    *batches, meta = layout.files
    for name in batches:
        labels = [int(label) for label in np.arange(100) % (100 if fine else 10)]
        content: dict[str, Any] = {"data": rng.integers(0, 256, (100, 3072), dtype=np.uint8), "fine_labels" if fine else "labels": labels}
        write_pickle(root / layout.folder / name, harm(name, content) if harm else content, protocol)
    names = {"fine_label_names" if fine else "label_names": [f"class {number}" for number in range(100 if fine else 10)]}
    write_pickle(root / layout.folder / meta, harm(meta, names) if harm else names, protocol)


def write_pickle(path: Path, content: Any, protocol: int = 2) -> None:
    """Pickle something to a file whose folder may not be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol))


def tiny(dataset: str) -> Recipe:
    """Return a resolved recipe that asks for all of a small CIFAR's first class and more."""
    return asked(dataset, pool=390 if dataset == "cifar10" else 100, population=0, test=40)


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100"])
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_cifar_is_read_from_its_folder_and_from_its_archive(tmp_path: Path, dataset: str, protocol: int) -> None:
    """The same examples, in colour, from files and from the archive that they come in; nothing is unpacked or fetched."""
    layout = vision.layout_of(profile(dataset).card)
    small_cifar(tmp_path / "files", dataset, protocol=protocol)
    (tmp_path / "packed").mkdir()
    with tarfile.open(tmp_path / "packed" / layout.archive, "w:gz") as tar:
        tar.add(tmp_path / "files" / layout.folder, arcname=layout.folder)
    plain, packed = (read(tmp_path / name, offline=False, recipe=tiny(dataset)) for name in ("files", "packed"))
    assert plain.sha256 == packed.sha256
    assert plain.pool_inputs.shape[1:] == (3, 32, 32)
    assert plain.class_names[3] == "class 3"
    assert files(tmp_path / "packed") == [layout.archive]
    rng = np.random.default_rng(3)  # as small_cifar draws
    rows = np.concatenate([rng.integers(0, 256, (100, 3072), dtype=np.uint8) for _ in layout.files[:-2]])
    stored = rows[plain.pool_positions].reshape(-1, 3, 32, 32)
    assert np.array_equal(np.rint(plain.pool_inputs * 255).astype(np.uint8), stored)


class Evil:
    """Leave a file behind when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    """It runs nothing."""
    small_cifar(tmp_path)
    batch = tmp_path / vision.layout_of(profile("cifar10").card).folder / "data_batch_2"
    write_pickle(batch, {"data": Evil(tmp_path / "gone"), "labels": []})
    with pytest.raises(DataError, match=rf"^cifar10: {batch} needs to be one of CIFAR's pickled files, .*which is no array"):
        read(tmp_path, recipe=tiny("cifar10"))
    assert not (tmp_path / "gone").exists()


def minus_one(content: dict[str, Any]) -> dict[str, Any]:
    """Give a row nobody labelled the label -1."""
    return {**content, "labels": [*content["labels"][:-1], -1]}


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("data_batch_3", minus_one, r"a label needs a whole number from 0 to 9, got -1 in .*data_batch_3, row 99 \(from 0\)"),
        ("test_batch", minus_one, r"got -1 in .*test_batch, row 99"),
        ("test_batch", lambda c: {**c, "labels": [*c["labels"][1:], float("nan")]}, "got nan in .*test_batch, row 99"),
        ("data_batch_1", lambda c: {"images": c["data"]}, "data_batch_1 needs data and labels, got images"),
        ("data_batch_1", lambda c: {**c, "data": c["data"][:, :1024]}, r"got data of \(100, 1024\) and labels of \(100,\)"),
        ("data_batch_1", lambda c: {**c, "data": c["data"] / 255}, "needs pixels as unsigned bytes from 0 to 255, got float64"),
        ("data_batch_1", lambda c: [c], "data_batch_1 needs data and labels, got nothing"),
        ("batches.meta", lambda _: {"label_names": ["cat"]}, "needs names of 10 classes, got 1"),
    ],
)
def test_cifar_files_of_another_kind_are_refused(tmp_path: Path, name: str, change: Callable[[Any], Any], message: str) -> None:
    """Each in one line, with the file and what was found in it."""
    small_cifar(tmp_path, harm=lambda file, content: change(content) if file == name else content)
    with pytest.raises(DataError, match=message):
        read(tmp_path, recipe=tiny("cifar10"))


def test_damaged_cifar_is_refused(tmp_path: Path) -> None:
    """Files and archives that are none come out as one line, for both CIFAR sets."""
    for dataset in ("cifar10", "cifar100"):
        layout = vision.layout_of(profile(dataset).card)
        (tmp_path / layout.archive).write_bytes(b"not an archive")
        with pytest.raises(DataError, match=rf"^{dataset}: .*{layout.archive} cannot be read, got ReadError"):
            read(tmp_path, recipe=asked(dataset))
        for path in layout.paths(tmp_path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not a batch")
        with pytest.raises(DataError, match=rf"^{dataset}: .*{layout.folder}/.* needs to be one of CIFAR's pickled files, got 11 bytes"):
            read(tmp_path, recipe=asked(dataset))


def test_an_archive_without_a_file_is_named(tmp_path: Path) -> None:
    """With what is in it."""
    small_cifar(tmp_path / "files")
    layout = vision.layout_of(profile("cifar10").card)
    with tarfile.open(tmp_path / layout.archive, "w:gz") as tar:
        tar.add(tmp_path / "files" / layout.folder / "test_batch", arcname="test_batch")
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz needs a file data_batch_1, got test_batch; put the published archive"):
        read(tmp_path, recipe=tiny("cifar10"))


def test_a_pool_larger_than_the_training_split_is_refused(tmp_path: Path) -> None:
    """Pool and population share the official training split."""
    small_mnist(tmp_path)
    with pytest.raises(
        DataError, match=r"^mnist: a pool of 280 and a population of 50 need 330 examples, the data set has 300; .*pool=250$"
    ):
        read(tmp_path, recipe=asked(pool=280))


@pytest.mark.data
@pytest.mark.parametrize(
    ("dataset", "known", "name"),
    [("mnist", 5923, "0"), ("fashion-mnist", 6000, "T-shirt/top"), ("cifar10", 5000, "airplane")],
)
def test_real_data_are_read_as_published(data_root: Path, dataset: str, known: int, name: str) -> None:
    """The whole training split holds the published number of examples of its first class."""
    source = vision.read(profile(dataset), root=data_root, offline=True, progress=print, fetch=never)
    assert source.class_names[0] == name
    assert int((source.train.labels == 0).sum()) == known
    assert source.test is not None
    assert source.test.labels.size == 10_000


@pytest.mark.data
@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "cifar10"])
def test_real_images_equal_torchvisions_tensors(data_root: Path, dataset: str) -> None:
    """Dealt images are torchvision's, through its own ToTensor, with their labels."""
    from torchvision import datasets, transforms  # noqa: PLC0415  costs seconds

    reader = getattr(datasets, vision.layout_of(profile(dataset).card).reader)(data_root, train=False, transform=transforms.ToTensor())
    got = read(data_root, recipe=asked(dataset, test=10_000))
    theirs = {}
    for image, label in (reader[row] for row in range(0, 10_000, 100)):
        theirs[image.numpy().tobytes()] = label
    ours = {image.tobytes(): int(label) for image, label in zip(got.test_inputs, got.test_labels, strict=True)}
    assert len(theirs) == 100
    assert all(ours[pixels] == label for pixels, label in theirs.items())


@pytest.mark.data
def test_a_truncated_real_file_is_refused(data_root: Path, tmp_path: Path) -> None:
    """A CIFAR batch that lost its end is named."""
    layout = vision.layout_of(profile("cifar10").card)
    for real, copy in zip(layout.paths(data_root), layout.paths(tmp_path), strict=True):
        copy.parent.mkdir(exist_ok=True)
        copy.symlink_to(real)
    batch = tmp_path / layout.folder / "data_batch_5"
    content = batch.read_bytes()[:-1]
    batch.unlink()
    batch.write_bytes(content)
    with pytest.raises(DataError, match=r"^cifar10: .*data_batch_5 needs to be one of CIFAR's pickled files"):
        read(tmp_path, recipe=asked("cifar10"))
