"""The generated protobuf code belongs to the schema beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "bluezone_node/export/export.proto"


@pytest.mark.slow
def test_the_checked_in_code_is_what_the_schema_generates(tmp_path: Path) -> None:
    """Generating anew, with the command that the schema gives, changes nothing."""
    pytest.importorskip("grpc_tools")
    text = (ROOT / SCHEMA).read_text()
    command = next(line for line in text.splitlines() if "grpc_tools.protoc" in line)
    arguments = command.removeprefix("//").split()[1:]
    arguments = [
        argument.replace("_out=.", f"_out={tmp_path}") if "_out" in argument else argument
        for argument in arguments
    ]
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True)
    made = sorted(tmp_path.rglob("export_pb2*"))
    assert [path.name for path in made] == ["export_pb2.py", "export_pb2.pyi"]
    for path in made:
        assert path.read_text() == (ROOT / SCHEMA).with_name(path.name).read_text()
