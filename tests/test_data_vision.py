"""Image data sets: reading, fetching, and what is said when files are absent or damaged."""

import errno
import os
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from mia_audit.data import vision
from mia_audit.data.examples import Examples, load
from mia_audit.data.profiles import PROFILES, profile, resolve
from mia_audit.errors import DataError
from mia_audit.recipe import Data, Recipe

TRAIN, TEST = 300, 60
RAW = Path("MNIST") / "raw"


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


@pytest.mark.parametrize("dataset", [known.name for known in PROFILES if known.source == "torchvision"])
def test_layouts_are_torchvisions(dataset: str) -> None:
    """The files looked for are those that torchvision's class reads."""
    from torchvision import datasets  # noqa: PLC0415  costs seconds

    layout = vision.LAYOUTS[dataset]
    reader = getattr(datasets, layout.reader)
    if hasattr(reader, "resources"):
        assert layout.folder == f"{layout.reader}/raw"
        assert set(layout.files) == {name.removesuffix(".gz") for name, _ in reader.resources}
    else:
        assert layout.folder == reader.base_folder
        assert set(layout.files) == {name for name, _ in reader.train_list + reader.test_list} | {reader.meta["filename"]}


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
    assert files(root) == sorted(str(RAW / name) for name in vision.IDX)
    assert told == [f"mnist: downloading 12 MB into {root}"]


def test_a_download_completes_a_half_filled_folder(tmp_path: Path) -> None:
    """Files that are missing from a root are fetched; the folder does not stand in the way."""
    small_mnist(tmp_path)
    (tmp_path / RAW / vision.IDX[2]).unlink()
    read(tmp_path, offline=False, fetch=lambda _, folder: small_mnist(folder))
    assert len(files(tmp_path)) == 4


def unplugged(_: str, folder: Path) -> None:
    """Fail as a network does, after the first file."""
    (folder / RAW).mkdir(parents=True)
    (folder / RAW / vision.IDX[0]).write_bytes(b"half")
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
    images = folder / RAW / vision.IDX[0]
    images.write_bytes(images.read_bytes()[:-1])


def incomplete(_: str, folder: Path) -> None:
    """Return without an error, one file missing."""
    small_mnist(folder)
    (folder / RAW / vision.IDX[3]).unlink()


@pytest.mark.parametrize(
    ("fetch", "reason"),
    [
        (unplugged, "URLError: <urlopen error Name or service not known>"),
        (cut_off, "IncompleteRead: IncompleteRead(3 bytes read, 100 more expected)"),
        (full_disk, "OSError: [Errno 28] No space left on device"),
        (wrong_sum, "File not found or corrupted."),
        (truncated, "Error: "),
        (incomplete, "RuntimeError: Dataset not found."),
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
    (tmp_path / RAW / vision.IDX[2]).unlink()
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


@pytest.mark.parametrize("harm", [cut, empty, lengthen, replace_by_words])
@pytest.mark.parametrize("name", vision.IDX)
def test_damaged_files_are_refused(tmp_path: Path, name: str, harm: Callable[[Path], None]) -> None:
    """Whichever file is damaged, and however: the folder is named, and the way out; nothing is fetched over it."""
    small_mnist(tmp_path)
    harm(tmp_path / RAW / name)
    with pytest.raises(DataError) as refusal:
        read(tmp_path, offline=False)
    message = str(refusal.value)
    assert message.startswith(f"mnist needs whole files in {tmp_path / RAW}, got damaged ones (")
    assert message.endswith("); delete that folder and run again to download them")
    assert "\n" not in message


def test_labels_that_do_not_match_are_refused(tmp_path: Path) -> None:
    """Labels of another data set, or too few of them, do not pass for MNIST's."""
    small_mnist(tmp_path)
    labels = tmp_path / RAW / vision.IDX[1]
    write_idx(labels, np.full(TRAIN, 10))
    with pytest.raises(DataError, match="labels up to 10, not up to 9"):
        read(tmp_path)
    write_idx(labels, np.zeros(TRAIN - 1))
    with pytest.raises(DataError, match=r"299 labels for images of shape \(300, 1, 28, 28\)"):
        read(tmp_path)


def test_damaged_cifar_is_refused(tmp_path: Path) -> None:
    """The MD5 check of torchvision comes out as one line, for both CIFAR sets."""
    for dataset in ("cifar10", "cifar100"):
        layout = vision.LAYOUTS[dataset]
        for path in layout.paths(tmp_path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not a batch")
        with pytest.raises(DataError, match=rf"^{dataset} needs whole files .*corrupted.*; delete that folder"):
            read(tmp_path, recipe=asked(dataset))


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

    reader = getattr(datasets, vision.LAYOUTS[dataset].reader)(data_root, train=False, transform=transforms.ToTensor())
    got = read(data_root, recipe=asked(dataset, test=10_000))
    theirs = {}
    for image, label in (reader[row] for row in range(0, 10_000, 100)):
        theirs[image.numpy().tobytes()] = label
    ours = {image.tobytes(): int(label) for image, label in zip(got.test_inputs, got.test_labels, strict=True)}
    assert len(theirs) == 100
    assert all(ours[pixels] == label for pixels, label in theirs.items())


@pytest.mark.data
def test_a_truncated_real_file_is_refused(data_root: Path, tmp_path: Path) -> None:
    """A CIFAR batch that lost its end fails torchvision's MD5 and is named."""
    layout = vision.LAYOUTS["cifar10"]
    for real, copy in zip(layout.paths(data_root), layout.paths(tmp_path), strict=True):
        copy.parent.mkdir(exist_ok=True)
        copy.symlink_to(real)
    batch = tmp_path / layout.folder / "data_batch_5"
    content = batch.read_bytes()[:-1]
    batch.unlink()
    batch.write_bytes(content)
    with pytest.raises(DataError, match=r"^cifar10 needs whole files"):
        read(tmp_path, recipe=asked("cifar10"))
