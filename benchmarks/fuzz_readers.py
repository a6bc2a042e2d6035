"""Every reader of foreign files on files with bytes changed, cut off or put in: each is read or refused in one line, and nothing else.

    python -m benchmarks.fuzz_readers [rounds]

Prints how many files each reader saw and how many it refused; the first that ended otherwise is kept, named, and ends the run.
"""

import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pyarrow as pa
import safetensors.torch
import skops.io
import torch
from pyarrow import parquet
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.table import say
from mia_audit.errors import AuditError
from mia_audit.external import checkpoint, membership, networks, predictions
from mia_audit.external.recipe import External
from mia_audit.external.roles import Wanted

Reader = Callable[[Path], object]


def seeds(folder: Path) -> dict[str, tuple[bytes, Reader]]:
    """Return a sound file for each reader, and the reader."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "member": rng.random(40) < 0.5,
        "label": rng.integers(0, 2, 40),
        "logit_0": rng.normal(size=40),
        "logit_1": rng.normal(size=40),
    }
    np.savez(folder / "a.npz", **columns)
    np.savez_compressed(folder / "b.npz", **columns)
    parquet.write_table(pa.table(columns), folder / "a.parquet")
    parquet.write_table(pa.table({"member": columns["member"], "logits": rng.normal(size=(40, 3)).tolist()}), folder / "b.parquet")
    lines = ["member,label,logit_0,logit_1", *(f"{int(m)},{y},{a:.4f},{b:.4f}" for m, y, a, b in zip(*columns.values(), strict=True))]
    (folder / "a.csv").write_text("\n".join(lines))
    (folder / "m.json").write_text(str(list(range(20))))
    (folder / "m.txt").write_text("\n".join(map(str, range(20))))
    readers: dict[str, Reader] = {
        name: lambda path: predictions.read(path, Wanted()) for name in ("a.npz", "b.npz", "a.parquet", "b.parquet", "a.csv")
    }
    readers |= {name: lambda path: membership.positions(path, 20) for name in ("m.json", "m.txt")}
    weights = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4)).state_dict()
    torch.save({"epoch": 3, "state_dict": weights}, folder / "c.pth")
    torch.save(weights, folder / "d.tar", _use_new_zipfile_serialization=False)
    safetensors.torch.save_file(weights, folder / "e.safetensors")
    readers |= dict.fromkeys(("c.pth", "d.tar", "e.safetensors"), checkpoint.read)
    readers |= _asked(folder)
    return {name: ((folder / name).read_bytes(), reader) for name, reader in readers.items()}


def _asked(folder: Path) -> dict[str, Reader]:
    """Write networks that need no code, and return what reads each and asks it about a few examples."""
    x = np.random.default_rng(0).random((40, 4))
    labels = np.arange(40) % 3
    skops.io.dump(RandomForestClassifier(3, random_state=0).fit(x, labels), folder / "f.skops")
    skops.io.dump(HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=2).fit(x, labels), folder / "h.skops")
    skops.io.dump(make_pipeline(StandardScaler(), SVC()).fit(x, labels), folder / "s.skops")
    skops.io.dump(KNeighborsClassifier().fit(x, labels), folder / "k.skops")
    lif = nir.LIF(tau=np.full(3, 1e-2), r=np.ones(3), v_leak=np.zeros(3), v_threshold=np.ones(3))
    nodes = {"in": nir.Input(input_type={"input": np.array([4])}), "a": nir.Linear(weight=np.ones((3, 4))), "l": lif}
    nodes["out"] = nir.Output(output_type={"output": np.array([3])})
    nir.write(folder / "n.nir", nir.NIRGraph(nodes=nodes, edges=[("in", "a"), ("a", "l"), ("l", "out")], type_check=False))

    def ask(path: Path) -> object:
        external = External(checkpoint=path.name, steps=3, dt=1e-3, reset="zero")
        return networks.built(external, path.parent)[0](torch.from_numpy(x))

    return dict.fromkeys(("f.skops", "h.skops", "s.skops", "k.skops", "n.nir"), ask)


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    """Return bytes with a few changed, put in or left out."""
    found = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        place, kind = int(rng.integers(0, len(found) + 1)), int(rng.integers(0, 4))
        if kind == 0:
            found[place : place + 1] = rng.bytes(1)
        elif kind == 1:
            found[place:place] = rng.bytes(int(rng.integers(1, 9)))
        elif kind == 2:
            del found[place : place + int(rng.integers(1, 33))]
        else:
            found[place : place + 4] = int(rng.choice([0, 1, 2**31 - 1, 2**32 - 1])).to_bytes(4, "little")
    return bytes(found)


def inside(content: bytes, rng: np.random.Generator) -> bytes:
    """Return an archive with a member changed and its checksum right, which no reader of archives notices."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {each: archive.read(each) for each in archive.namelist()}
    chosen = sorted(members)[int(rng.integers(0, len(members)))]
    members[chosen] = changed(members[chosen], rng)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, each in members.items():
            archive.writestr(name, each)
    return written.getvalue()


def fuzz(rounds: int) -> dict[str, tuple[int, int]]:
    """Return by reader how many files it saw and how many it refused."""
    rng, counts = np.random.default_rng(1), dict[str, tuple[int, int]]()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, (content, reader) in seeds(folder).items():
            refused = 0
            for _ in range(rounds):
                path = folder / f"changed{Path(name).suffix}"
                path.write_bytes((inside if content[:2] == b"PK" and rng.random() < 0.5 else changed)(content, rng))
                try:
                    reader(path)
                except AuditError as error:
                    refused += 1
                    if not str(error).isprintable():
                        raise SystemExit(f"{name}: more than a line: {error!r}") from error
            counts[name] = (rounds, refused)
            say(f"{name}: {refused} of {rounds} refused")
    return counts


if __name__ == "__main__":
    total = fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000)
    print(f"{sum(each for each, _ in total.values())} files, {sum(each for _, each in total.values())} refused in one line, no other end")
