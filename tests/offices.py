"""A health authority with two officers, and a clinic whose kiosk keeps a register of names."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bluezone_node import config as settings_file
from bluezone_node.clock import SystemClock
from bluezone_node.config import Settings
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.store.node import open_node_store
from bluezone_node.venuefile import VenueFile, read_venue_file
from bluezone_node.venues.card import VIETNAM
from bluezone_node.venues.checkins import Checkin, Way
from bluezone_node.venues.register import Contact
from bluezone_node.wiring.kiosk_register import register_of
from tests.program import Done, run

ANH = Contact("Nguyễn Thị Ánh", "0912345678", 1961)
FORMULA = Contact("=HYPERLINK(1)", "+84912345679")
CANARIES = ("Nguyễn Thị Ánh", "912345678", "HYPERLINK", "912345679")


@dataclass
class Offices:
    """They, as folders, and what is typed there."""

    folder: Path

    def __post_init__(self) -> None:
        self.home = make_folder(self.folder / "a", ["registrar"]).path
        self.words = self.folder / "words"
        self.words.write_text("bốn từ rút bằng xúc xắc")
        for name, role in (("an", "warrant-request"), ("binh", "warrant-approve")):
            made = self.done("warrant", "key", self.pem(name), *self.passphrase)
            self.desk("trust", "add", made.stdout.strip(), "--role", role)
        self.code = self.desk(
            "venue", "register", "Phòng khám Hoa Sen", "--commune", 4, "--kind", "health-facility",
            "--mark", "register",
        ).stdout.strip()  # fmt: skip
        self.config = self.folder / "config.toml"
        root = json.loads(self.desk("trust", "show", "--json").stdout)["root"]
        self.config.write_text(
            f'[node]\nstate_dir = "{self.folder / "state"}"\nradio = "none"\n'
            f'[places]\nroot = "{root}"\n[kiosk]\nvenue = "{self.folder / "venue.json"}"\n'
        )
        public = self.kiosk("kiosk", "key").stdout.strip()
        self.desk(
            "venue", "kiosk", self.code, "--register-key", public,
            "--out", self.folder / "venue.json",
        )  # fmt: skip
        self.desk("notice", "publish")
        self.kiosk("sync", "--places", self.home / "exports" / "places")

    @property
    def passphrase(self) -> tuple[object, ...]:
        return ("--passphrase-file", self.words)

    def pem(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def done(self, *arguments: object) -> Done:
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        return done

    def desk(self, *arguments: object) -> Done:
        return self.done(*arguments, "--dir", self.home)

    def kiosk(self, *arguments: object) -> Done:
        return self.done(*arguments, "--config", self.config)

    @property
    def settings(self) -> Settings:
        """Of the kiosk."""
        return settings_file.load(self.config)

    @property
    def venue(self) -> VenueFile:
        return read_venue_file(self.folder / "venue.json")

    def visitor(self, contact: Contact, nonce: bytes | None = None) -> None:
        """Let somebody come to the clinic now."""
        with open_node_store(self.settings.state_dir() / "node.db") as store:
            register = register_of(self.settings, self.venue, store, SystemClock())
            assert register is not None
            now = SystemClock().now()
            store.add_checkin(Checkin(0, now, Way.ID_CARD), register.seal(contact, now, nonce))

    def request(self, *more: object) -> Done:
        now = datetime.now(VIETNAM)
        window = {
            "--from": f"{now - timedelta(hours=2):%d/%m/%Y %H:%M}",
            "--to": f"{now + timedelta(minutes=1):%Y-%m-%dT%H:%M}",
            "--case": "F0-118",
            "--basis": "Luật Phòng, chống bệnh truyền nhiễm 2007",
            "--key": self.pem("an"),
        }
        said = [each for option in window.items() for each in option]
        return run(
            "warrant", "request", self.code, *said, *self.passphrase, *more, "--dir", self.home
        )

    def approved(self) -> str:
        asked = self.request()
        assert asked.returncode == 0, asked.stderr
        number = asked.stdout.strip()
        told = self.desk(
            "warrant", "approve", number[:8], "--key", self.pem("binh"), "--yes", *self.passphrase
        )
        assert "Luật Phòng" in told.stderr
        return number

    def state(self) -> tuple[str, int]:
        (only,) = json.loads(self.desk("warrant", "list", "--json").stdout)
        return only["state"], only["rows"]
