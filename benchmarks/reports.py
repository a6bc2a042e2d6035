"""Make the reference audits in reports/ again, by the commands that a user would type.

python benchmarks/reports.py [digits] [bits] [fashion-mnist] [pages]     (all of them when none is named)
python benchmarks/reports.py privacy | privacy-small                     (when it is named alone)

digits: 64 shadow models, every attack. bits: the privacy-accuracy page of ann and snn at 32, 8, 4, 2 bits on digits.
fashion-mnist: a pool of 10,000 real images and 16 shadow models; the files come from $MIA_AUDIT_DATA.
privacy: dp-snn and dp-ann at noise 0.5, 1 and 1.6 and without privacy, on Fashion-MNIST: a pool of 20,000, 20 epochs, 32 shadow models,
14 hours of one core. privacy-small: a pool of 4,000, 6 epochs, 12 shadow models, into the same folder, half an hour of one core. `python -m
benchmarks.privacy_page --instruments` then puts the claims to the test, and writes reports/privacy.md.
pages: draw every page, and the README's picture, from the records that lie there; nothing is trained. The picture needs chromium.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 1100, 1930  # of the picture: the verdict, the numbers, the ROC curves
VARIANTS = [f"{kind}{bits}" for kind in ("ann", "snn") for bits in ("", "-q8", "-q4", "-q2")]
AUDITS = {
    "digits": ["--target snn-q4 --surrogate sre --shadows 64 --attacks full --out reports/digits-snn-q4-sre"],
    "bits": [f"--target {name} --shadows 32 --out reports/digits-bits/{name}" for name in VARIANTS],
    "fashion-mnist": [
        (
            "--target snn-q4 --surrogate sre --dataset fashion-mnist --offline --shadows 16 --attacks quick "
            "--out reports/fashion-mnist-snn-q4-sre"
        )
    ],
}
SIZES = {
    "privacy": "--set data.pool=20000 --set training.epochs=20 --shadows 32",
    "privacy-small": "--set data.pool=4000 --set training.epochs=6 --shadows 12",
}
NOISES = {
    **{sigma: f"--set privacy.noise_multiplier={sigma}" for sigma in ("0.5", "1.0", "1.6")},
    "none": "--set privacy=none",
}
PRIVACY = {
    size: [
        f"--target {target} --dataset fashion-mnist --offline {how} --set training.precision=fp32 {noise} "
        f"--attacks loss,lira-online,rmia-online --out reports/privacy/{target}-{sigma}"
        for sigma, noise in NOISES.items()
        for target in ("dp-snn", "dp-ann")
    ]
    for size, how in SIZES.items()
}
"""What is asked for by name alone: it takes hours."""


def make(name: str) -> None:
    """Run the audits of one reference."""
    for arguments in (AUDITS | PRIVACY)[name]:
        shutil.rmtree(ROOT / _folder(arguments), ignore_errors=True)
        _mia_audit(f"run {arguments}")


def draw(name: str) -> None:
    """Draw the page of one reference; records that are compared on one keep no page of their own."""
    records = [folder for arguments in (AUDITS | PRIVACY)[name] if (ROOT / (folder := _folder(arguments)) / "record.json").is_file()]
    if not records:
        return
    place = str(Path(records[0]).parent) if len((AUDITS | PRIVACY)[name]) > 1 else records[0]
    _mia_audit(f"report {' '.join(records)} -o {place}/report.html")
    for record in records:
        if record != place:
            (ROOT / record / "report.html").unlink(missing_ok=True)


def picture(page: Path, out: Path) -> None:
    """Photograph the top of a page for the README, in few colours: a screenshot of a browser without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("the README's picture needs chromium on the path, found none; apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/profile")
        size = f"--window-size={WIDTH},{HEIGHT}"
        subprocess.run([program, *flags, size, f"--screenshot={shot}", page.as_uri()], check=True, capture_output=True, timeout=90)
        with Image.open(shot) as taken:
            taken.convert("RGB").quantize(128).save(out, optimize=True)


def _folder(arguments: str) -> str:
    return arguments.rsplit(maxsplit=1)[-1]


def _mia_audit(arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("mia-audit")), *shlex.split(arguments)], cwd=ROOT, check=True)


if __name__ == "__main__":
    asked = sys.argv[1:] or [*AUDITS, "pages"]
    if unknown := set(asked) - {*AUDITS, *PRIVACY, "pages"}:
        sys.exit(f"unknown reference {unknown.pop()!r}; known: {', '.join([*AUDITS, *PRIVACY, 'pages'])}")
    for wanted in asked:
        if wanted != "pages":
            make(wanted)
    for wanted in [*AUDITS, "privacy"] if "pages" in asked else asked:
        draw(wanted)
    if {"pages", "digits"} & set(asked):
        picture(ROOT / "reports" / "digits-snn-q4-sre" / "report.html", ROOT / "reports" / "report.png")
