"""Debian's chromium, headless: screenshots, print, and what the page is like once laid out."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
PROBE = """<script>
addEventListener("load", () => {
  const box = element => { const b = element.getBoundingClientRect(); return [b.left, b.top, b.width, b.height].map(Math.round); };
  const seen = what => [...document.querySelectorAll(what)].filter(element => element.checkVisibility());  // not what is folded
  const found = {
    width: document.documentElement.scrollWidth, inner: innerWidth, height: document.documentElement.scrollHeight,
    drawings: seen("svg.drawing").map(box),
    pictures: [...document.images].map(image => image.complete && image.naturalWidth > 0),
    text: Math.min(...seen("svg.drawing").flatMap(svg => [...svg.querySelectorAll("text")].map(
      text => parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))),
    fetched: performance.getEntriesByType("resource").map(entry => entry.name).filter(name => !name.startsWith("data:")),
  };
  const told = parent.document.createElement("pre"); told.id = "probe"; told.textContent = JSON.stringify(found);
  parent.document.body.append(told);
});
</script>"""


def executable() -> str | None:
    """Return where chromium is, None when it is absent."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True, kw_only=True)
class Browser:
    """A browser with a profile of its own in an empty folder."""

    program: str
    folder: Path

    def screenshot(self, page: Path, *, width: int, height: int, dark: bool = False) -> npt.NDArray[np.uint8]:
        """Return the page's pixels, [height, width, 3]."""
        image = self.folder / "screenshot.png"
        scheme = ("--blink-settings=preferredColorScheme=0",) if dark else ()
        self._run(page, f"--window-size={width},{height}", f"--screenshot={image}", *scheme)
        with Image.open(image) as opened:
            return np.asarray(opened.convert("RGB"))

    def print(self, page: Path) -> Path:
        """Print the page and return the PDF."""
        printed = self.folder / "printed.pdf"
        self._run(page, "--no-pdf-header-footer", f"--print-to-pdf={printed}")
        return printed

    def console(self, page: Path) -> list[str]:
        """Return what the page writes to the browser's console."""
        log = self._run(page, "--enable-logging=stderr", "--dump-dom")
        return [line for line in log.stderr.splitlines() if "CONSOLE" in line]

    def probe(self, page: Path, *, width: int) -> dict[str, Any]:
        """Lay out a copy of the page that measures itself, and return the measurements."""
        text = page.read_text(encoding="utf-8").replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
        probed = escape(text.replace("</body>", f"{PROBE}</body>"), quote=True)
        frame = self.folder / "frame.html"  # a window is never narrower than 500 pixels, a frame may be
        frame.write_text(f'<!DOCTYPE html><body><iframe width="{width}" height="800" style="border:0" srcdoc="{probed}"></iframe>')
        shown = self._run(frame, "--window-size=1400,900", "--dump-dom").stdout
        found = json.loads(unescape(shown.split('<pre id="probe">')[1].split("</pre>")[0]))
        assert isinstance(found, dict)
        return found

    def _run(self, page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        profile = f"--user-data-dir={self.folder / 'profile'}"
        return subprocess.run(
            [self.program, *QUIET, profile, *flags, page.as_uri()], capture_output=True, text=True, check=True, timeout=90
        )
