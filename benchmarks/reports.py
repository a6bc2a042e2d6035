"""Make the reference audits in reports/ again, by the commands that a user would type.

python benchmarks/reports.py [digits] [bits] [fashion-mnist]     (all of them when none is named)

digits: 64 shadow models, every attack. bits: the privacy-accuracy page of ann and snn at 32, 8, 4, 2 bits on digits.
fashion-mnist: a pool of 10,000 real images and 16 shadow models; the files come from $MIA_AUDIT_DATA.
"""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


def make(name: str) -> None:
    """Run the audits of one reference, and draw the comparison page where there are several."""
    for arguments in AUDITS[name]:
        folder = ROOT / arguments.split()[-1]
        shutil.rmtree(folder, ignore_errors=True)
        _mia_audit(f"run {arguments}")
    if len(AUDITS[name]) > 1:
        records = [arguments.split()[-1] for arguments in AUDITS[name]]
        _mia_audit(f"report {' '.join(records)} -o {Path(records[0]).parent}/report.html")
        for record in records:
            (ROOT / record / "report.html").unlink()  # the comparison page has them all


def _mia_audit(arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("mia-audit")), *shlex.split(arguments)], cwd=ROOT, check=True)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or AUDITS:
        make(wanted)
