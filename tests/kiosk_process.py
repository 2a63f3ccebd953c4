"""A kiosk as a process of its own, and a browser before it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import segno
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.kiosks import market, venue_file
from tests.patience import PATIENCE

CHROMIUM = "/usr/bin/chromium"


@dataclass
class Running:
    """One that answers."""

    address: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2].rstrip("/"))

    def stop(self) -> int:
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


@contextmanager
def kiosk_process(
    folder: Path, config: str = "", *arguments: str, hours: tuple[int, int] | None = None
) -> Iterator[Running]:
    """Run the kiosk of a market, whose state and settings are in *folder*."""
    now = datetime.now(UTC)
    folder.mkdir(exist_ok=True)
    venue = folder / "venue.json"
    if not venue.exists():
        venue_file(venue, market(at=now, hours=hours), at=now)
    settings = folder / "config.toml"
    settings.write_text(f'[node]\ntime = "trusted"\n[kiosk]\nvenue = "{venue}"\n{config}')
    process = subprocess.Popen(
        [sys.executable, "-m", "bluezone_node", "kiosk", "--listen", "127.0.0.1:0", *arguments],
        env={
            **os.environ,
            "BLUEZONE_STATE_DIR": str(folder / "state"),
            "BLUEZONE_CONFIG": str(settings),
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if "http://" in line:
                    yield Running(line.split()[-1].rstrip("/"), process)
                    break
            else:
                raise AssertionError("the kiosk did not come up")
        finally:
            process.kill()


def film_of(path: Path, text: str) -> Path:
    """Write a film in which a telephone with the square of *text* is held before the camera."""
    png = BytesIO()
    segno.make_qr(text).save(png, kind="png", scale=8, border=4)
    square = Image.open(png).convert("L")
    scene = Image.new("L", (960, 720), 96)
    scene.paste(square.resize((520, 520)), (220, 100))
    frame = BytesIO()
    scene.convert("RGB").save(frame, "JPEG", quality=85)
    path.write_bytes(frame.getvalue() * 5)
    return path


@contextmanager
def browser(
    film: Path | None = None, size: tuple[int, int] = (1280, 800), *, script: bool = True
) -> Iterator[Page]:
    """Open Chromium; *film*: what its camera sees. Anything that its console says is an error."""
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    if film is not None:
        arguments += [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={film}",
        ]
    said: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, java_script_enabled=script
        )
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        chromium.close()
    assert said == []
