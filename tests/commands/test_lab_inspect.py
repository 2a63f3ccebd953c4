"""``lab inspect`` tells what a file is, and fails where a node would refuse it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bluezone_node.commands import cli
from bluezone_node.crypto import signing
from bluezone_node.errors import BadExport
from bluezone_node.export.archive import open_contents
from bluezone_node.export.container import ExportHeader, write_export
from bluezone_node.export.signature import SignedBy, Signer
from bluezone_node.proximity.model import DiagnosisKey
from tests.sources import packed

KEY = signing.generate_private_key(bytes(range(48)))
PUBLIC = signing.public_base64(KEY.public_key())
STRANGER = signing.public_base64(signing.generate_private_key(bytes(48)).public_key())
HEADER = ExportHeader(1_590_019_200, 1_590_105_600, "VN\x1b[2J")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A signed export of two keys and a revised one."""
    keys = [DiagnosisKey(bytes([i] * 16), 2_650_032, 144) for i in range(3)]
    path = tmp_path / "export.zip"
    path.write_bytes(write_export(keys[:2], keys[2:], HEADER, [Signer(KEY, SignedBy("452", "v1"))]))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["lab", "inspect", *map(str, arguments)])


def reason_of(result: Result) -> str:
    assert isinstance(result.exception, BadExport)
    assert result.exit_code == 1
    return result.exception.reason


def test_a_real_file_as_json(vectors: Path) -> None:
    """Google's example verifies with the PEM beside it; the document has the promised shape."""
    folder = vectors / "exports"
    result = run(
        folder / "ens-testExport-2-records-1-of-1.zip",
        "--public-key", folder / "ens-example-public.pem", "--json",
    )  # fmt: skip
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "header_ok": True,
        "region": "US",
        "start": 1590159600,
        "end": 1590246000,
        "batch_num": 1,
        "batch_size": 1,
        "keys": 2,
        "revised_keys": 0,
        "signature": "verified",
        "problems": [],
    }


def test_a_bare_file_without_a_key_is_shown(vectors: Path) -> None:
    """Nobody asked for a signature: it is told that there is none, and that is all."""
    result = run(vectors / "exports" / "internals-raw-export.bin", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["keys"], document["signature"]) == (0, 110, "unsigned")
    assert document["problems"] == ["unsigned"]


def test_a_public_key_may_be_a_file_pem_text_or_base64(export: Path, tmp_path: Path) -> None:
    """However the authority's key was handed over, it can be given."""
    pem = signing.public_pem(KEY.public_key())
    file = tmp_path / "khóa công khai.pem"
    file.write_bytes(pem)
    line = tmp_path / "key.txt"
    line.write_text(PUBLIC + "\n")
    for given in (file, line, pem.decode(), PUBLIC):
        result = run(export, "--public-key", given, "--json")
        assert json.loads(result.stdout)["signature"] == "verified"
    both = run(export, "--public-key", STRANGER, "--public-key", PUBLIC, "--json")
    assert json.loads(both.stdout)["signature"] == "verified"


def test_without_a_key_the_signature_is_unknown_and_the_file_is_shown(export: Path) -> None:
    """A look into a file needs no key; it is not called verified for that."""
    result = run(export, "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["signature"]) == (0, "unknown_key")
    assert (document["keys"], document["revised_keys"]) == (2, 1)


def test_a_stranger_s_signature_is_bad(export: Path) -> None:
    """A file that is not by the given key is shown, named and failed."""
    result = run(export, "--public-key", STRANGER, "--json")
    document = json.loads(result.stdout)
    assert (document["header_ok"], document["signature"]) == (True, "bad")
    assert document["reason"] == reason_of(result) == "signature_bad"


def test_an_altered_file_is_bad(export: Path) -> None:
    """One changed byte, in a zip that is sound otherwise, and the file fails."""
    contents = open_contents(export.read_bytes())
    altered = bytearray(b"".join(contents.blocks()))
    altered[-1] ^= 1
    export.write_bytes(packed(bytes(altered), contents.signature_list or b""))
    result = run(export, "--public-key", PUBLIC, "--json")
    assert json.loads(result.stdout)["signature"] == "bad"
    assert reason_of(result) == "signature_bad"


def test_any_changed_byte_of_the_file_is_noticed(export: Path) -> None:
    """Wherever in the zip a byte is changed, the file is not verified, or is still the same."""
    whole = export.read_bytes()
    original = b"".join(open_contents(whole).blocks())
    for at in range(0, len(whole), 7):
        data = bytearray(whole)
        data[at] ^= 0x10
        export.write_bytes(data)
        result = run(export, "--public-key", PUBLIC, "--json")
        document = json.loads(result.stdout)
        if result.exit_code == 0:
            assert b"".join(open_contents(bytes(data)).blocks()) == original
        else:
            assert document["signature"] in {"bad", "unsigned"}
            assert document["reason"] == reason_of(result)


def test_an_unsigned_file_is_refused_where_a_key_is_given(export: Path) -> None:
    """Who gives a key wants a signature."""
    contents = open_contents(export.read_bytes())
    export.write_bytes(b"".join(contents.blocks()))
    result = run(export, "--public-key", PUBLIC, "--json")
    assert json.loads(result.stdout)["signature"] == "unsigned"
    assert reason_of(result) == "unsigned"


@pytest.mark.parametrize(
    ("data", "reason"), [(b"", "header"), (b"hello", "header"), (b"PK\3\4", "zip_truncated")]
)
def test_what_is_no_export_is_refused_with_a_document(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    """A script gets its JSON even then, with the reason; a person gets the sentence."""
    path = tmp_path / "file"
    path.write_bytes(data)
    result = run(path, "--json")
    document = json.loads(result.stdout)
    assert (document["header_ok"], document["keys"]) == (False, 0)
    assert document["problems"] == [reason]
    assert document["reason"] == reason_of(result) == reason
    assert run(path).stdout == ""


def test_plain_output_is_for_people_and_cannot_steer_the_terminal(export: Path) -> None:
    """What the file says is shown without its control characters."""
    result = run(export, "--public-key", PUBLIC)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    shown = dict(line.split(":", 1) for line in result.stdout.splitlines())
    assert shown["region"].strip() == "VN?[2J"
    assert shown["published"].strip() == "2020-05-21 00:00 to 2020-05-22 00:00 UTC"
    assert shown["signature"].strip() == "verified"
    assert shown["signed by, as it claims"].strip() == "452 (v1)"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--public-key", "nonsense"], "not readable"),
        (["--public-key", signing.private_pem(KEY).decode()], "private key"),
    ],
)
def test_a_wrong_public_key_is_misuse(export: Path, arguments: list[str], sentence: str) -> None:
    """A key that is none is the caller's mistake, not the file's, and is not repeated."""
    result = run(export, *arguments)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "MIG" not in result.stderr


def test_a_missing_file_is_misuse(tmp_path: Path) -> None:
    """A file that is not there is named."""
    result = run(tmp_path / "nowhere.zip")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr
