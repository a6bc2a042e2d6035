"""Data sets that users fetch by themselves and keep as files below the data root: two tables, and events of a camera. Cards name the files.

Location30/dataset_location.tgz   github.com/privacytrustlab/datasets: Shokri et al. 2017; class first, then 446 binary features
Adult/adult.data, adult.test      archive.ics.uci.edu/dataset/2/adult, as they are or compressed (.gz): Becker and Kohavi 1996. Six
                                  numbers, and one column for each value of eight categories ("?" is a value)
NMNIST-small/nmnist_small.npz     events of N-MNIST (Orchard et al. 2015), arrays x, y, p, dt, offsets and labels; rows up to 1,000
                                  are of the training part. github.com/bamsumit/slayerPytorch, example/NMNISTsmall, has them as .bs2
"""

from pathlib import Path

from mia_audit.data import events, tables
from mia_audit.data.cards import Card, Profile
from mia_audit.data.events import binned
from mia_audit.data.source import Source
from mia_audit.errors import DataError


def read(profile: Profile, *, root: Path, steps: int) -> Source:
    """Return a data set from its files; events are binned into `steps` frames. DataError says where absent files come from."""
    places = _places(profile.card)
    absent = [name for name in places if _found(root / name) is None]
    if absent:
        raise DataError(
            f"{profile.name} needs {absent[0]} in {root}, which is not there; fetch it from {profile.card.origin}, and name the folder "
            f"above it with --data-root or MIA_AUDIT_DATA"
        )
    paths = [path for path in (_found(root / name) for name in places) if path is not None]
    if profile.events:
        return events.read(paths[0], steps)
    return tables.adult(*paths) if profile.card.reader == "adult" else tables.location(paths[0])


def _places(card: Card) -> tuple[str, ...]:
    """Return a data set's files below the data root."""
    return tuple(f"{card.files.folder}/{name}" for name in card.files.names) if card.files else ()


def _found(path: Path) -> Path | None:
    """Return a file, or the same one compressed."""
    return next((each for each in (path, path.with_name(f"{path.name}.gz")) if each.is_file()), None)


__all__ = ["binned", "read"]
