"""How examples get in: encodings against snnTorch's own, tables and events from files, augmentation."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from snntorch import spikegen

from mia_audit.audit.request.options import Options, describe
from mia_audit.data import augmenting, files
from mia_audit.data.examples import Examples, load
from mia_audit.data.profiles import profile
from mia_audit.errors import DataError, RecipeError
from mia_audit.models.encoding import delta, events, latency
from mia_audit.recipe import Data
from mia_audit.training.material import material
from tests.support.engine_runs import small_audit

ROOT = Path(os.environ.get("MIA_AUDIT_DATA", "/nowhere"))
FETCHED = pytest.mark.skipif(not (ROOT / "Location30").is_dir(), reason="no files in MIA_AUDIT_DATA")


@pytest.mark.parametrize("steps", [1, 2, 5, 10])
def test_latency_is_snntorchs(steps: int) -> None:
    """The linear, normalized code, spike for spike; every input spikes once."""
    x = torch.cat([torch.rand(3, 400, generator=torch.Generator().manual_seed(0)), torch.tensor([[0.0, 0.005, 0.01, 0.5, 1.0]] * 3)], dim=1)
    ours = latency(x.unsqueeze(0), steps)[0]
    encode: Any = spikegen.latency  # whose types are those of its defaults
    expected = encode(x, num_steps=steps, normalize=True, linear=True) if steps > 1 else torch.ones(1, *x.shape)
    assert torch.equal(ours, expected)
    assert torch.equal(ours.sum(0), torch.ones_like(x))


def test_delta_is_snntorchs() -> None:
    """Both signs, spike for spike; time comes to the front."""
    x = torch.randint(0, 4, (2, 3, 6, 5), generator=torch.Generator().manual_seed(0)).float() * 0.07
    expected = spikegen.delta(x.transpose(1, 2).transpose(0, 1), threshold=0.1, off_spike=True).transpose(0, 1)
    assert torch.equal(delta(x), expected)
    assert {-1.0, 0.0, 1.0} == set(delta(x).unique().tolist())


def test_frames_keep_their_order() -> None:
    """Step t is frame t."""
    x = torch.arange(24.0).view(1, 2, 3, 4)
    assert torch.equal(events(x)[0, 2, 1], x[0, 1, 2])


@pytest.mark.parametrize(
    ("target", "changes", "message"),
    [
        (
            "snn",
            {"model.encoding": "latency", "data.dataset": "iris"},
            "latency encoding needs intensities from 0 to 1, got the table",
        ),
        ("snn", {"model.encoding": "delta"}, "delta encoding needs frames of events, got digits; use --set model.encoding=direct"),
        ("snn", {"model.encoding": "events", "data.dataset": "adult"}, "events encoding needs frames of events, got adult"),
        ("snn", {"data.dataset": "nmnist-small"}, "direct encoding needs an example without time, got nmnist-small; .*=events"),
        ("snn-nmnist", {"data.augment": ["flip"]}, "data.augment needs images, got N-MNIST"),
        ("ann", {"data.augment": ["flip"], "data.dataset": "iris"}, "data.augment needs images, got Iris"),
        ("snn-nmnist", {"model.time_steps": 0}, "'time_steps': input should be greater than 0, got 0"),
    ],
)
def test_an_encoder_for_the_wrong_data_is_refused(target: str, changes: dict[str, object], message: str) -> None:
    """With the one that fits."""
    with pytest.raises(RecipeError, match=message):
        describe(target, Options(settings=changes))


def asked(target: str, dataset: str | None = None, root: Path = ROOT) -> Examples:
    """Return a target's examples."""
    return load(describe(target, Options(dataset=dataset)), root=root, offline=True, progress=print)


@pytest.mark.data
@FETCHED
def test_location30_is_what_its_archive_says() -> None:
    """As many records of each class as published, 446 binary features."""
    source = files.read(profile("location30"), root=ROOT, steps=1)
    assert np.bincount(source.train.labels).tolist()[:8] == [169, 178, 147, 155, 97, 182, 120, 308]
    assert source.train.inputs.shape == (5010, 446)
    assert source.train.inputs.mean() == pytest.approx(0.1204, abs=1e-4)


@pytest.mark.data
@FETCHED
def test_adult_is_what_its_files_say() -> None:
    """Rows and rich people as published; each category is one column of eight."""
    source = files.read(profile("adult"), root=ROOT, steps=1)
    assert source.test is not None
    assert [(len(part.labels), int(part.labels.sum())) for part in (source.train, source.test)] == [(32_561, 7841), (16_281, 3846)]
    categories = source.train.inputs[:, [*range(1, 10)]]
    assert set(np.unique(categories)) == {0.0, 1.0}
    assert source.train.inputs[0, 0] == 39
    pool = asked("ann", "adult").pool_inputs
    assert np.abs(pool.mean(axis=0)).max() < 1e-5


@pytest.mark.data
@FETCHED
def test_events_fall_where_and_when_they_fell() -> None:
    """Frames add up to all events of a sample, and equal those counted one event at a time."""
    with np.load(ROOT / "NMNIST-small/nmnist_small.npz") as file:
        arrays = {name: file[name][: 20_000 if name in {"x", "y", "p", "dt"} else 4] for name in file.files}
    frames = files.binned({**arrays, **{name: arrays[name][: arrays["offsets"][3]] for name in ("x", "y", "p", "dt")}}, 10)
    slow = np.zeros_like(frames)
    for sample in range(3):
        time = 0
        for event in range(arrays["offsets"][sample], arrays["offsets"][sample + 1]):
            time += int(arrays["dt"][event])
            slow[sample, time * 10 // 340_000, arrays["p"][event], arrays["y"][event], arrays["x"][event]] += 1
    assert np.array_equal(frames, slow)
    assert frames.sum() == arrays["offsets"][3]


@pytest.mark.data
@FETCHED
def test_an_audit_of_events(tmp_path: Path) -> None:
    """Frames go in as time steps, all the way to a record with pictures of where events were."""
    settings = {"training.epochs": 1, "model.time_steps": 3, "data.pool": 120, "model.channels": [4, 8], "data.test": 40}
    record = small_audit(tmp_path, "snn-nmnist", dataset="nmnist-small", settings=settings)
    assert record.summary.data.shape == (2, 34, 34)
    assert record.exposed["pictures"].shape[1:] == (34, 34)


@pytest.mark.parametrize(("target", "dataset"), [("ann", "location30"), ("ann", "adult"), ("snn-nmnist", None)])
def test_absent_files_say_where_they_come_from(target: str, dataset: str | None, tmp_path: Path) -> None:
    """A user learns the address and the folder."""
    with pytest.raises(DataError, match=r"which is not there; fetch it from https://"):
        asked(target, dataset, root=tmp_path)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    """An archive cut short is refused with what it raised, and nobody is told to delete it."""
    (tmp_path / "Location30").mkdir()
    (tmp_path / "Location30/dataset_location.tgz").write_bytes(b"\x1f\x8b\x08 no archive")
    with pytest.raises(
        DataError, match=r"location30: .*dataset_location.tgz cannot be read, got \w+Error: .*; put the published file there"
    ):
        asked("ann", "location30", root=tmp_path)


def test_augmentation_is_a_crop_of_the_padded_image_and_a_mirror() -> None:
    """Against numpy, image by image."""
    images = torch.rand(6, 5, 4, 2, generator=torch.Generator().manual_seed(0))
    moves = augmenting.draw(Data(augment=("crop", "flip"), crop_padding=2), 6, np.random.default_rng(3))
    moved = augmenting.moved(images, moves, 2)
    for image, (top, left), mirrored, got in zip(images.numpy(), moves.corners, moves.mirrored, moved.numpy(), strict=True):
        crop = np.pad(image, ((2, 2), (2, 2), (0, 0)))[top : top + 5, left : left + 4]
        assert np.array_equal(got, crop[:, ::-1] if mirrored else crop)
    assert {*map(tuple, moves.corners)} != {(2, 2)}
    assert 0 < moves.mirrored.sum() < 6


@pytest.mark.parametrize("augment", [(), ("flip",), ("crop",)])
def test_what_is_not_asked_for_stays(augment: tuple[str, ...]) -> None:
    """Without a crop the corner is the image's own, and without a flip nothing is mirrored."""
    moves = augmenting.draw(Data.model_validate({"augment": augment}), 50, np.random.default_rng(0))
    assert (moves.corners == 4).all() == ("crop" not in augment)
    assert moves.mirrored.any() == ("flip" in augment)


def test_augmented_queries_are_the_same_for_all(tmp_path: Path) -> None:
    """With augmented queries a record differs from one without, and members are asked as others are: the phantom stays at chance."""
    settings = {"training.epochs": 1, "data.augment": ["crop", "flip"], "data.crop_padding": 1, "audit.queries": 2}
    plain = small_audit(tmp_path, "ann", dataset="digits", settings=settings, out="plain")
    moved = small_audit(tmp_path, "ann", dataset="digits", settings={**settings, "audit.augmented_queries": True}, out="moved")
    assert plain.summary.attacks[0].auc.value != moved.summary.attacks[0].auc.value
    assert moved.summary.controls[0].passed


def test_events_are_channels_last() -> None:
    """The engine holds [N, T, H, W, C]."""
    digits = describe("ann", Options())
    examples = load(digits, root=None, offline=True, progress=print)
    assert material(digits, examples).pool_inputs.shape[1:] == (8, 8, 1)
