"""``bluezone-node sync --places``: notices on a stick, from the file to the alert."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import bluezone_node
from bluezone_node import config as settings_file
from bluezone_node.commands import cli
from bluezone_node.commands.place_status import PROBLEMS
from bluezone_node.crypto.cose import public_bytes
from bluezone_node.errors import BadConfig
from bluezone_node.ports import StoredVisit
from bluezone_node.venues.trust import Role, TrustedKey, TrustList
from bluezone_node.venues.visits import OutKind, Visit
from bluezone_node.wiring.store import open_store
from tests.notices import Chain
from tests.venues.places import NOTICES, ROOT, card_of, text_of

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings of a device that was at the market three hours ago, for an hour."""
    path = tmp_path / "config.toml"
    root = b64encode(public_bytes(ROOT)).decode()
    path.write_text(f'[node]\nstate_dir = "{tmp_path / "state"}"\n[places]\nroot = "{root}"\n')
    came, left = NOW - 3 * HOUR, NOW - 2 * HOUR
    # Made as it is: arriving at a market, midnight could lie between.
    visit = Visit(came, came, "Chợ Hôm", card_of(), left=left, out=OutKind.SCAN)
    with open_store(settings_file.load(path)) as store:
        store.change_visits(lambda _: [StoredVisit(0, visit)])
    return path


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """What an authority published an hour ago, copied to a folder."""
    month = timedelta(days=30)
    chain = Chain(at=NOW - HOUR)
    key = TrustedKey(public_bytes(NOTICES), Role.NOTICES, "VN", NOW - month, NOW + month)
    chain.trust(TrustList(1, NOW - month, (key,)))
    text = replace(text_of(NOW - 3 * HOUR), issued=NOW - HOUR, expires=NOW + month)
    chain.add(chain.notice(card_of(), text))
    folder = tmp_path / "places"
    folder.mkdir()
    for name, content in chain.exports.files.items():
        assert isinstance(content, bytes)
        (folder / name).write_bytes(content)
    (folder / "index.txt").write_text("00000001.cose\n")
    return folder


def run(config: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, arguments), "--config", str(config)])


def test_a_stick_brings_the_alert(config: Path, stick: Path) -> None:
    """Taken once, told in words, and counted in status; a second time there is nothing new."""
    done = run(config, "sync", "--places", stick)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "00000001.cose: 16 notices, made-up ones included",
        "1 new alert(s): see `bluezone-node alerts`",
    ]
    assert "Địa điểm: Chợ Hôm." in run(config, "alerts", "show", "1").output
    assert run(config, "sync", "--places", stick).stderr == "nothing new\n"
    status = json.loads(run(config, "status", "--json").output)
    assert status["places"]["newest_bundle"] == 1
    digest = sha256((stick / "00000001.cose").read_bytes()).hexdigest()[:16]
    assert status["places"]["newest_digest"] == digest
    assert f", digest {digest}\n" in run(config, "status").output
    assert [source["name"] for source in status["sources"]] == ["places"]
    assert "source      places: 1 of 1 exports, 16 notices" in run(config, "status").output


def test_a_stick_that_was_changed_is_refused(config: Path, stick: Path) -> None:
    """By its reason, with exit status 1; so is one without its trust list."""
    bundle = stick / "00000001.cose"
    content = bundle.read_bytes()
    bundle.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run(config, "sync", "--places", stick)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "00000001.cose: refused (bundle_forged)" in done.stderr
    assert "hint: a bundle is signed by nobody who may" in done.stderr
    assert "source places: a bundle is signed by nobody" in run(config, "status").output
    (stick / "trust.cose").unlink()
    assert "places: unreachable" in run(config, "sync", "--places", stick).stderr


@pytest.mark.parametrize("line", ["../../../etc/shadow", "/etc/shadow", "00000001.cose/../x.cose"])
def test_an_index_leads_nowhere_else(config: Path, stick: Path, line: str) -> None:
    """Only bundles are fetched, and only from beside the index."""
    (stick / "index.txt").write_text(f"{line}\n")
    done = run(config, "sync", "--places", stick)
    assert "places: stale" in done.stderr
    assert "shadow" not in done.output


def test_what_is_wrong_with_notices_has_words() -> None:
    """All that a chain and a trust list are refused for, for who has no protocol at hand."""
    package = Path(bluezone_node.__file__).parent
    texts = [
        (package / name).read_text(encoding="utf-8")
        for name in ("node/notices.py", "venues/bundle.py", "venues/trust.py")
    ]
    named = {
        name for text in texts for name in re.findall(r'reason="((?:bundle|trust)_\w+)"', text)
    }
    bytes_alone = {"bundle_oversized", "bundle_malformed", "trust_oversized", "trust_malformed"}
    assert named - bytes_alone - {"trust_missing"} <= {*PROBLEMS}


def test_without_a_root_there_is_nothing_to_believe_by(tmp_path: Path, stick: Path) -> None:
    """The message says which setting is missing."""
    path = tmp_path / "bare.toml"
    path.write_text(f'[node]\nstate_dir = "{tmp_path / "bare"}"\n')
    assert isinstance(run(path, "sync", "--places", stick).exception, BadConfig)


def test_no_source_of_keys_may_take_the_name_of_the_notices(tmp_path: Path) -> None:
    """The ledger is kept by name."""
    path = tmp_path / "config.toml"
    path.write_text('[[sources]]\nname = "places"\nurl = "http://x"\npublic_keys = ["x"]\n')
    with pytest.raises(BadConfig, match="no source may be called 'places'"):
        settings_file.load(path)
