"""The Debian packages in a clean Debian 12: installed, run, upgraded, removed, purged."""

import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.kiosks import market, venue_file
from tests.packaging.debian import Root

pytestmark = pytest.mark.slow

NODE, AUTHORITY = "bluezone-node", "bluezone-authority"
CONFIG = "etc/bluezone-node/config.toml"
DATABASE = "var/lib/bluezone-node/node.db"
MOST_BYTES = {NODE: 42 << 20, AUTHORITY: 24 << 20}
"""Of a package: more would mean that something got in which no one needs."""

SCENARIO = """\
start = 2026-03-02T01:00:00Z
pace = 60
[[devices]]
name = "an"
path = [{ at = "0m", x = 0, y = 0 }]
[[devices]]
name = "binh"
path = [{ at = "0m", x = 1, y = 0 }]
"""

# Two nodes on a simulated air, until the one has written down that it heard the other.
MEETING = """\
set -eu
cd /tmp/meeting
bluezone-node air serve two.toml --listen air.sock >/dev/null &
while [ ! -S air.sock ]; do sleep 0.1; done
bluezone-node run --radio air:/tmp/meeting/air.sock#an &
an=$!
BLUEZONE_STATE_DIR=/tmp/meeting/binh bluezone-node run --radio air:/tmp/meeting/air.sock#binh &
binh=$!
for attempt in $(seq 200); do
    bluezone-node encounters --json >encounters.json
    grep -q '"packets"' encounters.json && break
    kill -0 $an $binh
    sleep 0.1
done
kill -TERM $an $binh
wait $an
wait $binh
cat encounters.json
"""

# A kiosk on the settings of the package, until its page has answered; then it is asked to stop.
KIOSK = """\
set -eu
cd /tmp
bluezone-node kiosk --listen 127.0.0.1:0 2>kiosk.log &
kiosk=$!
until grep -q 'the page is at' kiosk.log; do
    kill -0 $kiosk || { cat kiosk.log >&2; exit 1; }
    sleep 0.1
done
/opt/bluezone-node/bin/python3 -I -c 'import re, sys, urllib.request as web
address = re.search(r"http://\\S+", open("kiosk.log").read())[0]
sys.stdout.write(web.urlopen(address).read().decode())'
# What reads the pictures of its camera.
/opt/bluezone-node/bin/python3 -I -c 'import bluezone_node.web.kiosk.picture'
kill -TERM $kiosk
wait $kiosk
"""


def newer(package: Path, folder: Path) -> Path:
    """Return *package* again with the next version and one more comment in its settings."""
    work = folder / "newer"
    subprocess.run(["dpkg-deb", "-R", package, work], check=True)
    control = work / "DEBIAN/control"
    text = control.read_text()
    version = text.split("Version: ")[1].split("\n")[0]
    control.write_text(text.replace(version, f"{version}+next"))
    if (config := work / CONFIG).exists():
        config.write_text(config.read_text() + "# A setting that is new.\n")
    path = folder / f"{package.name.split('_')[0]}_next.deb"
    subprocess.run(["dpkg-deb", "-Znone", "-b", work, path], check=True, capture_output=True)
    shutil.rmtree(work)
    return path


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_node_is_installed_meets_another_and_is_purged(
    packages: dict[str, Path], root: Root, tmp_path: Path
) -> None:
    """Its whole life on one device, with nothing left when it is over."""
    before = root.files()
    users = (root.path / "etc/passwd").read_text()
    assert packages[NODE].stat().st_size < MOST_BYTES[NODE]

    # Installed without a network: dpkg fetches nothing.
    said = root.dpkg("--install", packages[NODE])
    assert "systemctl enable --now bluezone-node" in said
    assert root.run("bluezone-node", "--version").stdout.startswith("bluezone-node, version ")
    state = root.path / "var/lib/bluezone-node"
    assert mode(state) == 0o700
    assert state.stat().st_uid != 0
    wants = root.path / "etc/systemd/system/multi-user.target.wants"
    for unit in ("bluezone-node.service", "bluezone-kiosk.service"):
        assert not (wants / unit).exists(), "it must not broadcast unasked"
    unresolved = root.run("sh", "-c", "find /opt -name '*.so*' | xargs ldd | grep 'not found'")
    assert unresolved.stdout == ""
    verified = root.run(
        *(
            "systemd-analyze",
            "verify",
            "--man=no",
            "bluezone-node.service",
            "bluezone-kiosk.service",
        )
    )
    assert verified.stderr == ""

    # What the package brings is whole and compiled; running it, even as root, adds nothing to it.
    assert root.run("dpkg", "--verify", NODE).stdout == ""
    shipped = {path for path in root.files() if path.startswith("opt/")}
    doctor = root.run("bluezone-node", "doctor", "--json", user="bluezone")
    subjects = {finding["subject"] for finding in json.loads(doctor.stdout)["findings"]}
    assert {"settings", "database", "radio", "node", "sources"} <= subjects
    assert "Traceback" not in doctor.stderr
    assert {path for path in root.files() if path.startswith("opt/")} == shipped
    missing = root.run("bluezone-node", "authority", "status", "--dir", "/tmp")
    assert "bluezone-authority" in missing.stderr
    assert "Traceback" not in missing.stderr

    # It works: as its user, as the service would run it.
    meeting = root.path / "tmp/meeting"
    meeting.mkdir(mode=0o777)
    meeting.chmod(0o777)
    (meeting / "two.toml").write_text(SCENARIO)
    met = root.run("sh", "-c", MEETING, user="bluezone")
    assert met.returncode == 0, met.stderr
    assert json.loads(met.stdout)["encounters"]
    status = json.loads(root.run("bluezone-node", "status", "--json", user="bluezone").stdout)
    assert status["own_keys"] == 1

    # A device at a place's door is the same package and the registrar's file.
    config = root.path / CONFIG
    venue = venue_file(state / "venue.json", market(at=datetime.now(UTC)), at=datetime.now(UTC))
    os.chown(venue, state.stat().st_uid, state.stat().st_gid)
    as_shipped = config.read_text()
    config.write_text(re.sub(r"^#(\[kiosk\]|venue = )", r"\1", as_shipped, flags=re.MULTILINE))
    page = root.run("sh", "-c", KIOSK, user="bluezone")
    assert page.returncode == 0, page.stderr
    assert "Chợ Hôm – Đức Viên" in page.stdout
    config.write_text(as_shipped)

    # An upgrade keeps data and settings.
    data = (root.path / DATABASE).read_bytes()
    config.write_text(config.read_text() + "# The owner's own line.\n")
    root.dpkg("--force-confold", "--install", newer(packages[NODE], tmp_path))
    assert config.read_text().endswith("# The owner's own line.\n")
    assert (root.path / DATABASE).read_bytes() == data
    assert mode(state) == 0o700
    again = json.loads(root.run("bluezone-node", "status", "--json", user="bluezone").stdout)
    assert again["own_keys"] == 1

    # Removed: the program is gone, what it knew is not.
    root.dpkg("--remove", NODE)
    assert not (root.path / "opt/bluezone-node").exists()
    assert (root.path / DATABASE).exists()
    assert config.exists()

    # Purged: nothing is left, of the user, a drop-in and a sealed key neither.
    for extra in (
        "etc/systemd/system/bluezone-node.service.d/radio.conf",
        "etc/systemd/system/bluezone-kiosk.service.d/network.conf",
        "etc/credstore.encrypted/bluezone-node.key",
    ):
        (root.path / extra).parent.mkdir(parents=True, exist_ok=True)
        (root.path / extra).write_text("")
    root.dpkg("--purge", NODE)
    # The store of credentials is systemd's, only the key in it was ours; dpkg drops an empty /opt.
    assert before ^ root.files() <= {"etc/credstore.encrypted", "opt"}
    assert (root.path / "etc/passwd").read_text() == users


def test_an_authority_is_installed_beside_the_program_and_purged(
    packages: dict[str, Path], root: Root
) -> None:
    """It brings the server's libraries only, and takes its keys along when it is purged."""
    before = root.files()
    assert packages[AUTHORITY].stat().st_size < MOST_BYTES[AUTHORITY]
    root.dpkg("--install", packages[NODE], packages[AUTHORITY])
    home = "/var/lib/bluezone-authority"
    made = root.run(*("bluezone-node", "authority", "init", home, "--json"), user=AUTHORITY)
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["dir"] == home
    code = root.run(*("bluezone-node", "authority", "code", "issue", "--dir", home), user=AUTHORITY)
    assert code.stdout.strip().isdecimal()
    verified = root.run(
        *("systemd-analyze", "verify", "--man=no"),
        *("bluezone-authority.service", "bluezone-authority.socket"),
        *("bluezone-authority-backup.service", "bluezone-authority-backup.timer"),
    )
    assert verified.stderr == ""
    desk = ("--dir", home, "--json")
    listed = ("bluezone-node", "venue", "register", "Chợ Hôm", "--commune", "4", *desk)
    place = root.run(*listed, user=AUTHORITY)
    assert place.returncode == 0, place.stderr
    # No letters without a font of the system, which is recommended: said in words.
    poster = ("bluezone-node", "venue", "poster", "Chợ Hôm", "--out", "/tmp/p.pdf", "--dir", home)
    unprinted = root.run(*poster, user=AUTHORITY)
    assert "fonts-dejavu-core" in unprinted.stderr
    assert "Traceback" not in unprinted.stderr
    # What a country's authority needs beside files: a database server, object storage, pages.
    libraries = "import psycopg, obstore, uvloop, babel; babel.Locale('vi').territories"
    imported = root.run("/opt/bluezone-node/bin/python3", "-I", "-c", libraries)
    assert imported.returncode == 0, imported.stderr

    root.dpkg("--remove", AUTHORITY)
    assert (root.path / home[1:] / "keys/export.pem").exists()
    assert root.run("bluezone-node", "--version").returncode == 0
    root.dpkg("--purge", AUTHORITY, NODE)
    assert before ^ root.files() <= {"opt"}  # dpkg removes what is empty
