"""What suits each data set: the literal list of data sets, and the recipe fields they fill in."""

from dataclasses import dataclass
from typing import Any, Literal

from mia_audit.errors import CatalogueError, nearest
from mia_audit.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A data set that a recipe can name, and what a recipe gets when it leaves fields open.

    source     bundled with scikit-learn, read (and fetched when absent) by torchvision, or files that the user fetches
    shape      of one example: (features,) or (channels, height, width); of one frame of events
    events     examples are as many frames as the model has time steps
    population examples of the third pool, that no model trains on and nobody scores
    public     whether pictures of exposed examples may be shown without being asked for
    """

    name: str
    title: str
    source: Literal["bundled", "torchvision", "files"]
    shape: tuple[int, ...]
    classes: int
    pool: int
    population: int
    test: int
    epochs: int
    batch_size: int
    learning_rate: float
    hidden: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    kernel: int = 3
    padding: int = 1
    public: bool = True
    events: bool = False

    @property
    def kind(self) -> Literal["image", "table"]:
        """Whether examples are images or rows of a table."""
        return "image" if len(self.shape) == 3 else "table"

    @property
    def channels_last(self) -> tuple[int, ...]:
        """The shape of one example (of one frame of events) as the engine holds it: (features,) or (height, width, channels)."""
        return (*self.shape[1:], self.shape[0]) if self.kind == "image" else self.shape


PROFILES: tuple[Profile, ...] = (
    Profile(name="digits", title="8x8 digits (scikit-learn)", source="bundled", shape=(1, 8, 8), classes=10,
            pool=1400, population=100, test=297, epochs=30, batch_size=32, learning_rate=5e-3, channels=(8, 16), hidden=(128,)),
    Profile(name="iris", title="Iris (scikit-learn)", source="bundled", shape=(4,), classes=3,
            pool=100, population=10, test=40, epochs=60, batch_size=10, learning_rate=5e-3, hidden=(64,)),
    Profile(name="breast-cancer", title="Wisconsin breast cancer (scikit-learn)", source="bundled", shape=(30,), classes=2,
            pool=400, population=40, test=129, epochs=40, batch_size=20, learning_rate=5e-3, hidden=(64,)),
    Profile(name="mnist", title="MNIST", source="torchvision", shape=(1, 28, 28), classes=10,
            pool=10_000, population=1000, test=2000, epochs=12, batch_size=128, learning_rate=2e-3, channels=(12, 64),
            kernel=5, padding=0, hidden=(256,)),
    Profile(name="fashion-mnist", title="Fashion-MNIST", source="torchvision", shape=(1, 28, 28), classes=10,
            pool=10_000, population=1000, test=2000, epochs=12, batch_size=128, learning_rate=2e-3, channels=(12, 64),
            kernel=5, padding=0, hidden=(256,)),
    Profile(name="cifar10", title="CIFAR-10", source="torchvision", shape=(3, 32, 32), classes=10,
            pool=10_000, population=1000, test=2000, epochs=15, batch_size=128, learning_rate=2e-3, channels=(32, 64),
            kernel=3, padding=1, hidden=(256,)),
    Profile(name="cifar100", title="CIFAR-100", source="torchvision", shape=(3, 32, 32), classes=100,
            pool=10_000, population=1000, test=2000, epochs=20, batch_size=128, learning_rate=2e-3, channels=(32, 64),
            kernel=3, padding=1, hidden=(256,)),
    Profile(name="location30", title="Location-30, check-ins in Bangkok", source="files", shape=(446,), classes=30,
            pool=3200, population=500, test=1000, epochs=40, batch_size=64, learning_rate=2e-3, hidden=(256,), public=False),
    Profile(name="adult", title="Adult, census income", source="files", shape=(108,), classes=2,
            pool=10_000, population=1000, test=4000, epochs=20, batch_size=128, learning_rate=2e-3, hidden=(128,), public=False),
    Profile(name="nmnist-small", title="N-MNIST, the first thousand samples", source="files", shape=(2, 34, 34), classes=10,
            pool=800, population=100, test=100, epochs=20, batch_size=32, learning_rate=2e-3, channels=(8, 16),
            kernel=5, padding=0, hidden=(128,), events=True),
)  # fmt: skip


def profile(name: str) -> Profile:
    """Return the profile of a data set; CatalogueError names the nearest one."""
    for known in PROFILES:
        if known.name == name:
            return known
    raise CatalogueError(f"unknown data set {name!r}{nearest(name, [known.name for known in PROFILES])}")


def resolve(recipe: Recipe) -> Recipe:
    """Return the recipe with every open field filled in from its data set's profile."""
    suits = profile(recipe.data.dataset)
    architecture = recipe.model.architecture
    if architecture == "auto":
        architecture = "conv" if suits.kind == "image" else "mlp"
    training = _filled(recipe.training, suits, ("epochs", "batch_size", "learning_rate"))
    recipe = _calibrating(recipe, suits)
    sized = ("hidden", "channels", "kernel", "padding") if architecture in {"conv", "mlp"} else ()
    return recipe.model_copy(
        update={
            "data": _filled(recipe.data, suits, ("pool", "population", "test")),
            "model": _filled(recipe.model, suits, sized).model_copy(update={"architecture": architecture}),
            "training": training.model_copy(update={"stop_epoch": training.last_epoch}),
        }
    )


def _calibrating(recipe: Recipe, suits: Profile) -> Recipe:
    """Fill in how many examples calibrate quantizers after training: a tenth of the pool, which gives them up where it is open."""
    if not recipe.quantized_later or recipe.model.quantization.calibration is not None:
        return recipe
    calibration = min(256, (recipe.data.pool or suits.pool) // 10)
    quantization = recipe.model.quantization.model_copy(update={"calibration": calibration})
    pool = suits.pool - calibration if recipe.data.pool is None else recipe.data.pool
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"pool": pool}),
            "model": recipe.model.model_copy(update={"quantization": quantization}),
        }
    )


def _filled(section: Any, suits: Profile, fields: tuple[str, ...]) -> Any:
    return section.model_copy(update={name: getattr(suits, name) for name in fields if getattr(section, name) is None})
