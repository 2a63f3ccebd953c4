"""``lab match``: an export and a recording give exposure windows, or one clear reason why not."""

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands.lab.match import match
from bluezone_node.commands.lab.sightings import read_sightings
from bluezone_node.crypto import metadata
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import TemporaryExposureKey, associated_encrypted_metadata_key
from bluezone_node.crypto.signing import generate_private_key, public_pem
from bluezone_node.errors import BadExport, BadInput
from bluezone_node.export.container import ExportHeader, write_export
from bluezone_node.export.signature import SignedBy, Signer
from bluezone_node.proximity.model import DiagnosisKey, ReportType

DAY = 2642976
PUBLISHED = DiagnosisKey(
    bytes.fromhex("75c734c6dd1a782de7a965da5eb93125"), DAY, 144, ReportType.SELF_REPORT, 0, 0
)
STRANGER = DiagnosisKey(bytes(range(16)), DAY, 144, ReportType.CONFIRMED_TEST, 0, 0)
PRIVATE = generate_private_key(bytes(range(48)))
OTHER = generate_private_key(bytes(range(1, 49)))
TX_POWER = 8

Row = tuple[object, bytes, bytes, int]


def sent(key: DiagnosisKey, j: int) -> tuple[bytes, bytes]:
    """What is on the air in interval *j* of *key*."""
    own = TemporaryExposureKey(key.key, key.rolling_start, key.rolling_period)
    rpi = all_identifiers(own)[j]
    plain = metadata.encode(metadata.Metadata(TX_POWER))
    return rpi, metadata.encrypt(associated_encrypted_metadata_key(key.key), rpi, plain)


def meeting(key: DiagnosisKey, j: int, minutes: int, rssi: int = -60) -> list[Row]:
    """One packet at the start of each of *minutes* minutes from interval *j* on."""
    rpi, aem = sent(key, j)
    return [((DAY + j) * 600 + 60 * minute, rpi, aem, rssi) for minute in range(minutes)]


def recording(folder: Path, rows: Sequence[Row]) -> Path:
    path = folder / "sightings.csv"
    lines = [f"{at},{rpi.hex()},{aem.hex()},{rssi}" for at, rpi, aem, rssi in rows]
    path.write_text("\n".join(["time,rpi,aem,rssi", *lines]))
    return path


def export(
    folder: Path, keys: Sequence[DiagnosisKey], revised: Sequence[DiagnosisKey] = ()
) -> Path:
    path = folder / "export.zip"
    header = ExportHeader(DAY * 600, (DAY + 144) * 600, "VN")
    path.write_bytes(write_export(keys, revised, header, [Signer(PRIVATE, SignedBy("452", "v1"))]))
    return path


def run(export_file: Path, sightings: Path, *options: str) -> Result:
    files = ["--export", str(export_file), "--sightings", str(sightings)]
    return CliRunner().invoke(match, [*files, *options])


def document(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.exception
    document = json.loads(result.stdout)
    assert document.pop("keys_per_second") > 0
    return document  # type: ignore[no-any-return]


def test_two_minutes_near_the_published_key(tmp_path: Path) -> None:
    """The documented JSON: GAEN's numbers, one scan a minute, attenuation of the power sent."""
    files = export(tmp_path, [PUBLISHED, STRANGER]), recording(tmp_path, meeting(PUBLISHED, 6, 2))
    result = run(*files, "--json", "--public-key", public_pem(PRIVATE.public_key()).decode())
    assert document(result) == {
        "keys": 2,
        "revised_keys": 0,
        "matched_keys": 1,
        "windows": [
            {
                "day": "2020-04-02",
                "report_type": 3,
                "infectiousness": 2,
                "scans": [
                    {
                        "start": f"2020-04-02T01:0{minute}:00Z",
                        "seconds": 60,
                        "count": 1,
                        "typical_attenuation": 68,
                        "min_attenuation": 68,
                    }
                    for minute in range(2)
                ],
            }
        ],
    }
    assert result.stderr == ""


def test_the_vectors_of_google_are_heard(tmp_path: Path, vectors: Path) -> None:
    """Published identifiers with their published metadata, one an interval for a whole day."""
    intervals = json.loads((vectors / "gaen_vectors.json").read_text())["intervals"]
    rows: list[Row] = [
        (row["interval"] * 600, bytes.fromhex(row["rpi"]), bytes.fromhex(row["aem"]), -70)
        for row in intervals
    ]
    result = document(run(export(tmp_path, [PUBLISHED]), recording(tmp_path, rows), "--json"))
    windows = result["windows"]
    assert isinstance(windows, list)
    scans = [scan for window in windows for scan in window["scans"]]
    assert len(scans) == 144
    assert {scan["min_attenuation"] for scan in scans} == {78}


def test_a_real_export_is_verified_and_matched(tmp_path: Path, vectors: Path) -> None:
    """Google's example file, signed by its example key; its second key begins off midnight."""
    exports = vectors / "exports"
    listed = json.loads((exports / "ens-example-keys.json").read_text())
    row = listed["temporaryExposureKeys"][1]
    raw = b64decode(row["key"])
    key = DiagnosisKey(raw, row["rollingStartNumber"], row["rollingPeriod"])
    rpi, aem = sent(key, key.rolling_period - 1)
    rows: list[Row] = [((key.rolling_end - 1) * 600, rpi, aem, -50)]
    result = document(
        run(
            exports / "ens-testExport-2-records-1-of-1.zip",
            recording(tmp_path, rows),
            "--json",
            "--public-key",
            str(exports / "ens-example-public.pem"),
        )
    )
    assert (result["keys"], result["matched_keys"]) == (2, 1)


def test_a_revised_key_replaces_the_diagnosis(tmp_path: Path) -> None:
    """Primary keys first, then revised: same key, new report type, once."""
    revised = DiagnosisKey(PUBLISHED.key, DAY, 144, ReportType.CONFIRMED_TEST, 0, 14)
    rows = recording(tmp_path, meeting(PUBLISHED, 6, 2))
    result = document(run(export(tmp_path, [PUBLISHED], [revised]), rows, "--json"))
    assert (result["keys"], result["revised_keys"], result["matched_keys"]) == (1, 1, 1)
    (window,) = result["windows"]  # type: ignore[misc]
    assert (window["report_type"], window["infectiousness"]) == (1, 0)


def test_a_key_known_only_as_revised_counts(tmp_path: Path) -> None:
    """The primary row may be in an earlier file that is not at hand."""
    rows = recording(tmp_path, meeting(PUBLISHED, 6, 2))
    result = document(run(export(tmp_path, [STRANGER], [PUBLISHED]), rows, "--json"))
    assert (result["matched_keys"], len(result["windows"])) == (1, 1)  # type: ignore[arg-type]


def test_without_metadata_a_key_matches_and_gives_no_window(tmp_path: Path) -> None:
    """An attenuation cannot be had without the power sent; that the key was heard can."""
    rows: list[Row] = [(at, rpi, b"", rssi) for at, rpi, _, rssi in meeting(PUBLISHED, 6, 2)]
    result = document(run(export(tmp_path, [PUBLISHED]), recording(tmp_path, rows), "--json"))
    assert (result["matched_keys"], result["windows"]) == (1, [])


def test_a_replay_far_from_its_interval_is_no_match(tmp_path: Path) -> None:
    """Heard long before and long after, but never within two hours."""
    rpi, aem = sent(PUBLISHED, 70)
    rows: list[Row] = [((DAY + 70 + off) * 600, rpi, aem, -50) for off in (-40, 40)]
    result = document(run(export(tmp_path, [PUBLISHED]), recording(tmp_path, rows), "--json"))
    assert result["matched_keys"] == 0


def test_people_read_a_table(tmp_path: Path) -> None:
    """Without --json: how many keys were heard, and a line for each window."""
    result = run(export(tmp_path, [PUBLISHED]), recording(tmp_path, meeting(PUBLISHED, 6, 5)))
    assert result.exit_code == 0
    first, _, window = result.stdout.splitlines()
    assert first.startswith("1 of 1 keys were heard")
    assert window.split() == ["2020-04-02", "01:00", "5", "68", "self_report", "high"]
    assert "was checked (unknown_key)" in result.stderr


def test_another_signature_is_refused(tmp_path: Path) -> None:
    """A file that the given key did not sign is not matched."""
    files = export(tmp_path, [PUBLISHED]), recording(tmp_path, [])
    key = public_pem(OTHER.public_key()).decode()
    refused = run(*files, "--public-key", key).exception
    assert isinstance(refused, BadExport)
    assert refused.reason == "signature_bad"
    base64 = b64encode(bytes.fromhex("00")).decode()
    assert run(*files, "--public-key", base64).exit_code == 2


def test_an_unsigned_file_is_matched_with_a_note_unless_a_key_is_given(
    tmp_path: Path, vectors: Path
) -> None:
    """A bare export.bin carries no signature: said on stderr; refused where one is asked for."""
    files = vectors / "exports" / "internals-raw-export.bin", recording(tmp_path, [])
    result = run(*files, "--json")
    assert document(result)["keys"] == 110
    assert "unsigned" in result.stderr
    key = public_pem(OTHER.public_key()).decode()
    refused = run(*files, "--public-key", key).exception
    assert isinstance(refused, BadExport)
    assert refused.reason == "unsigned"


RPI = "8be6cd371c5c891604bfbe49df845096"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: there is no column time and no rpi and no aem and no rssi"),
        ("time,rpi,rssi\n", "line 1: there is no column aem"),
        (f"time,rpi,aem,rssi\n0,{RPI},,-60\nnoon,{RPI},,-60\n", "line 3: time: neither"),
        (f"time,rpi,aem,rssi\n1585785600000,{RPI},,-60\n", "line 2: time: outside 1970"),
        (f"time,rpi,aem,rssi\nnan,{RPI},,-60\n", "line 2: time: outside 1970"),
        ("time,rpi,aem,rssi\n0,8be6,,-60\n", "line 2: rpi: 2 bytes instead of 16"),
        ("time,rpi,aem,rssi\n0,xyz,,-60\n", "line 2: rpi: not hexadecimal"),
        (f"time,rpi,aem,rssi\n0,{RPI},7203,-60\n", "line 2: aem: 2 bytes instead of 4"),
        (f"time,rpi,aem,rssi\n0,{RPI},,weak\n", "line 2: rssi: not a whole number"),
        (f"time,rpi,aem,rssi\n0,{RPI},,127\n", "line 2: rssi: not within -127 to 20"),
        (f"time,rpi,aem,rssi\n0,{RPI}\n", "line 2: 4 columns are announced, 2 are here"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, text: str, told: str) -> None:
    """Which line, which column, what is wrong; and never the identifier itself."""
    path = tmp_path / "sightings.csv"
    path.write_text(text)
    refused = run(export(tmp_path, [PUBLISHED]), path).exception
    assert isinstance(refused, BadInput)
    assert refused.reason == "sightings_malformed"
    assert told in str(refused)
    assert RPI not in str(refused)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    """A zip given in the place of the recording is no traceback."""
    path = export(tmp_path, [PUBLISHED])
    refused = run(path, path).exception
    assert isinstance(refused, BadInput)


def test_sightings_are_read_as_people_write_them(tmp_path: Path) -> None:
    """Any order, other columns, capitals, blank lines, a byte order mark; ISO or Unix time."""
    path = tmp_path / "sightings.csv"
    path.write_text(
        f"\ufeffRSSI, note ,AEM,RPI,Time\n"
        f"-60,near,72033874,{RPI.upper()},1585785600\n\n"
        f"-60,,72033874,{RPI},2020-04-02T00:00:00Z\n"
        f"-60,,72033874,{RPI},2020-04-02 00:00:00\n"
        f"-60,,72033874,{RPI},2020-04-02T07:00:00+07:00\n",
        encoding="utf-8",
    )
    read = list(read_sightings(path))
    assert len(read) == 4
    assert len(set(read)) == 1
    assert read[0].at == datetime(2020, 4, 2, tzinfo=UTC)
    assert read[0].metadata == bytes.fromhex("72033874")
