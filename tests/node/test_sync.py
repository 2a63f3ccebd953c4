"""Fetching, verifying, matching and telling, through every way an authority can fail."""

import asyncio
import random
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import pairwise

import pytest

from bluezone_node.alerts import Alert, AlertLevel
from bluezone_node.clock import SimClock
from bluezone_node.crypto.keys import TemporaryExposureKey, associated_encrypted_metadata_key
from bluezone_node.crypto.metadata import Metadata, encode, encrypt
from bluezone_node.errors import BadExport, Unreachable
from bluezone_node.intervals import interval_at, rolling_start
from bluezone_node.node.advertiser import beacon
from bluezone_node.node.exposure import Yardstick
from bluezone_node.node.keys import DiagnosisKeys, KeyTaker, judge_by
from bluezone_node.node.matching import Stopped
from bluezone_node.node.sync import FIRST_RETRY, JITTER, Sync
from bluezone_node.ports import ExportState
from bluezone_node.presets import load_preset, load_profile
from bluezone_node.proximity.encounters import fold_all
from bluezone_node.proximity.model import DiagnosisKey, ReportType, Sighting
from tests.sources import OTHER_KEY, SIGNING_KEY, MemoryExports, Told, at_once, signed_export
from tests.stores import MemoryNodeStore, OnMemory

MET = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
AN = TemporaryExposureKey(b"an's key of day1", rolling_start(interval_at(MET)))
DIAGNOSED = DiagnosisKey(
    AN.key,
    AN.rolling_start,
    AN.rolling_period,
    ReportType.CONFIRMED_TEST,
    days_since_onset=0,
)
STRANGER = replace(DIAGNOSED, key=b"somebody else's!")


def met(minutes: int, rssi: int = -45) -> list[Sighting]:
    """Return what is heard of An in so many minutes, a packet every two seconds."""
    sightings = []
    for second in range(0, minutes * 60, 2):
        at = MET + timedelta(seconds=second)
        sent = beacon(AN, interval_at(at), Metadata(12, 3))
        sightings.append(Sighting(at, sent.rpi, sent.aem, rssi))
    return sightings


class Stage:
    """A node that met An for so long, and its way to the authority."""

    def __init__(self, minutes: int = 20) -> None:
        self.clock = SimClock(NOW)
        self.store = MemoryNodeStore()
        self.store.log(*fold_all(met(minutes)))
        self.exports = MemoryExports()
        self.told = Told()
        self.sync = Sync(
            [
                DiagnosisKeys(
                    self.exports,
                    (SIGNING_KEY.public_key(),),
                    KeyTaker(OnMemory(self.store), at_once),
                )
            ],
            clock=self.clock,
            on_store=OnMemory(self.store),
            entropy=random.Random(3).randbytes,
            judges=[
                judge_by(
                    Yardstick(load_preset("vn-f1-2m"), load_profile("people"), 0.0),
                    OnMemory(self.store),
                )
            ],
            notifier=self.told,
            every=14400,
        )

    @property
    def problem(self) -> str:
        return self.store.source_state("authority").problem


GOOD = signed_export([DIAGNOSED, STRANGER], end=NOW)


async def test_a_contact_is_told_once_with_its_evidence() -> None:
    """Twenty minutes at a metre raise one alert, and a second round raises none."""
    stage = Stage()
    stage.exports.files["1.zip"] = GOOD
    done = await stage.sync.once()
    again = await stage.sync.once()

    assert [record.matched_keys for record in done.records] == [1]
    (alert,) = stage.told.alerts
    assert alert.level is AlertLevel.HIGH
    assert (alert.start, alert.end) == (MET, MET + timedelta(minutes=20))
    assert alert.nearness is not None
    assert alert.nearness.minutes_heard == 20
    assert alert.nearness.within_2m.value > 11
    assert again.records == ()
    assert stage.exports.fetched == ["1.zip"]


async def test_a_brief_meeting_is_no_contact() -> None:
    """Five minutes match the key and stay below the rule."""
    stage = Stage(minutes=5)
    stage.exports.files["1.zip"] = GOOD
    done = await stage.sync.once()

    assert done.records[0].matched_keys == 1
    assert not stage.told.alerts


async def test_a_revoked_diagnosis_withdraws_the_alert() -> None:
    """Primary keys first, revised after: the alert goes, also in a later export."""
    stage = Stage()
    stage.exports.files["1.zip"] = GOOD
    await stage.sync.once()
    revoked = replace(DIAGNOSED, report_type=ReportType.REVOKED)
    later = NOW + timedelta(hours=4)
    stage.exports.files["2.zip"] = signed_export([], revised=[revoked], end=later)
    await stage.sync.once()

    assert stage.store.alerts() == []


def changed(content: bytes) -> bytes:
    """Return the export with one byte of a key changed, and the archive otherwise whole."""
    with zipfile.ZipFile(BytesIO(content)) as before:
        parts = {name: bytearray(before.read(name)) for name in before.namelist()}
    parts["export.bin"][parts["export.bin"].index(AN.key)] ^= 1
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for name, part in parts.items():
            after.writestr(name, bytes(part))
    return packed.getvalue()


def bomb() -> bytes:
    """Return a small zip that unpacks to 100 MB of well-formed fields that nobody knows."""
    field = b"\x7a\x80\x20" + bytes(4096)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.bin", b"EK Export v1    " + field * 25_000)
        archive.writestr("export.sig", b"")
    return packed.getvalue()


def unsigned() -> bytes:
    with zipfile.ZipFile(BytesIO(GOOD)) as before:
        content = before.read("export.bin")
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export.bin", content)
        archive.writestr("export.sig", b"")
    return packed.getvalue()


FAULTS = {
    "truncated": (GOOD[: len(GOOD) // 2], "zip_truncated"),
    "unsigned": (unsigned(), "signature_unsigned"),
    "signed by another": (signed_export([DIAGNOSED], end=NOW, key=OTHER_KEY), "signature_bad"),
    "changed": (changed(GOOD), "signature_bad"),
    "no export at all": (b"<html>sign in to the hotel's network</html>", "header"),
    "empty": (b"", "header"),
    "too large": (BadExport("too large", reason="oversized"), "oversized"),
}


@pytest.mark.parametrize(("content", "reason"), FAULTS.values(), ids=FAULTS)
async def test_a_bad_export_is_named_and_tried_again_and_never_alerts(
    content: bytes | BadExport, reason: str
) -> None:
    """Nothing is believed, nothing is forgotten: when the file is mended it is matched."""
    stage = Stage()
    stage.exports.files["1.zip"] = content
    await stage.sync.once()
    await stage.sync.once()
    (record,) = stage.store.export_records("authority")

    assert (record.state, record.reason, record.attempts) == (ExportState.FAILED, reason, 2)
    assert stage.problem == reason
    assert stage.store.source_state("authority").last_success is None
    assert not stage.told.alerts

    stage.exports.files["1.zip"] = GOOD
    await stage.sync.once()

    assert stage.problem == ""
    assert len(stage.told.alerts) == 1


async def test_a_zip_bomb_is_refused_in_little_memory() -> None:
    """What unpacks to more than any honest export is not unpacked."""
    stage = Stage()
    stage.exports.files["1.zip"] = bomb()
    await stage.sync.once()

    assert stage.problem == "zip_bomb"


async def test_a_bad_export_does_not_keep_the_others_from_being_matched() -> None:
    """One file that fails is one file that fails."""
    stage = Stage()
    stage.exports.files = {"1.zip": GOOD[:100], "2.zip": GOOD}
    await stage.sync.once()

    assert stage.problem == "zip_truncated"
    assert len(stage.told.alerts) == 1


async def test_an_authority_that_does_not_answer_is_named_and_tried_again() -> None:
    """It is unreachable in status, and nothing of what was known is lost."""
    stage = Stage()
    stage.exports.files["1.zip"] = GOOD
    await stage.sync.once()
    stage.exports.down = True
    done = await stage.sync.once()

    assert [state.problem for state in done.problems] == ["unreachable"]
    assert len(stage.store.alerts()) == 1

    stage.exports.down = False
    assert not (await stage.sync.once()).problems


async def test_a_download_that_breaks_off_is_taken_up_at_the_file_it_broke_at() -> None:
    """Files before it are not fetched again."""
    stage = Stage()
    stage.exports.files = {"1.zip": GOOD, "2.zip": Unreachable("broke off")}
    await stage.sync.once()
    assert stage.problem == "unreachable"
    assert states(stage) == [ExportState.MATCHED, ExportState.SEEN]
    stage.exports.files["2.zip"] = signed_export([STRANGER], end=NOW)
    await stage.sync.once()

    assert stage.problem == ""
    assert states(stage) == [ExportState.MATCHED, ExportState.MATCHED]
    assert stage.exports.fetched == ["1.zip", "2.zip", "2.zip"]


def states(stage: Stage) -> list[ExportState]:
    return [record.state for record in stage.store.export_records("authority")]


async def test_a_match_that_was_stopped_leaves_the_export_verified_and_is_done_again() -> None:
    """A node told to stop in the middle of a country's keys has recorded nothing it did not do."""
    stage = Stage()
    stage.exports.files["1.zip"] = GOOD

    def stop(_keys: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        await stage.sync.once(stop)
    assert states(stage) == [ExportState.VERIFIED]
    await stage.sync.once()

    assert states(stage) == [ExportState.MATCHED]
    assert len(stage.told.alerts) == 1


async def test_an_index_that_lost_its_newest_file_was_rolled_back() -> None:
    """An old index served again is a problem, though it holds nothing bad."""
    stage = Stage()
    first, second = NOW - timedelta(hours=4), NOW
    stage.exports.files = {
        "1.zip": signed_export([STRANGER], end=first),
        "2.zip": signed_export([DIAGNOSED], end=second),
    }
    await stage.sync.once()
    del stage.exports.files["2.zip"]
    await stage.sync.once()

    assert stage.problem == "rolled_back"
    assert len(stage.store.alerts()) == 1


async def test_an_index_whose_files_expired_was_not_rolled_back() -> None:
    """After fourteen days an authority takes a file away, as it should."""
    stage = Stage()
    stage.exports.files["1.zip"] = GOOD
    await stage.sync.once()
    stage.exports.files.clear()
    stage.clock.advance(15 * 86400)
    await stage.sync.once()

    assert stage.problem == ""


async def test_what_fails_is_retried_soon_and_with_jitter() -> None:
    """A failed round is repeated after about a minute, then after longer and longer."""
    stage = Stage()
    stage.exports.down = True
    asked: list[datetime] = []

    async def index() -> list[str]:
        asked.append(stage.clock.now())
        raise Unreachable("no answer")

    stage.exports.index = index  # type: ignore[method-assign]
    task = asyncio.create_task(stage.sync.run())
    await stage.clock.sleep(3600)
    task.cancel()
    waits = [(b - a).total_seconds() for a, b in pairwise(asked)]

    assert FIRST_RETRY * (1 - JITTER) <= waits[0] <= FIRST_RETRY * (1 + JITTER)
    assert all(later > earlier for earlier, later in pairwise(waits))
    assert len({round(wait / 2**i, 3) for i, wait in enumerate(waits)}) == len(waits)


async def test_metadata_cannot_be_forged_into_a_nearer_contact() -> None:
    """Flipped bits in the metadata change the sender's power: implausible power does not count."""
    stage = Stage(minutes=0)
    sightings = []
    for sighting in met(20, rssi=-80):
        aemk = associated_encrypted_metadata_key(AN.key)
        forged = encrypt(aemk, sighting.identifier, encode(Metadata(-60, 3)))
        sightings.append(replace(sighting, metadata=forged))
    stage.store.log(*fold_all(sightings))
    stage.exports.files["1.zip"] = GOOD
    await stage.sync.once()

    assert not stage.told.alerts


async def test_an_alert_that_could_not_be_told_is_told_in_the_next_round() -> None:
    """Commit, then tell, then note it: dying in between tells it once more, never not at all."""
    stage = Stage()
    stage.exports.files["1.zip"] = GOOD
    tell = stage.told.tell

    async def dies(_alert: Alert) -> None:
        raise ConnectionError

    stage.told.tell = dies  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await stage.sync.once()
    stage.told.tell = tell  # type: ignore[method-assign]
    await stage.sync.once()
    await stage.sync.once()

    assert len(stage.told.alerts) == 1
