"""docs/protocol-places.md says what the program does: its example, and every reason to refuse."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol-places.md").read_text(encoding="utf-8")
OURS = json.loads((Path(__file__).parent / "vectors.json").read_text(encoding="utf-8"))
ELSEWHERE = {"visits.py", "persons.py"}
"""Modules whose refusals concern nothing that passes between two machines."""


def test_the_example_is_the_committed_vector() -> None:
    """Each value of the shorter card and of its proof stands in the page, line breaks aside."""
    example = PAGE.partition("## Example")[2].partition("\n## ")[0]
    bare = re.sub(r"\s", "", example)
    vector = OURS["least"]
    for name in ("payload", "url", "location_id", "spoken_code", "k_slot", "k_note", "frame"):
        assert vector[name] in bare
    for name in ("tags", "slot_keys"):
        assert all(value in bare for value in vector[name][:2])
    assert vector["cose"][-128:] in bare
    assert str(vector["slot"]) in bare
    for name in ("registrar_private_key", "registrar_public_key", "key_id"):
        assert OURS[name] in bare
    assert all(str(value) in bare for value in OURS["proof"].values())


def test_every_reason_of_what_is_read_is_explained() -> None:
    """Whoever writes another implementation learns what it must refuse."""
    package = ROOT / "bluezone_node"
    sources = [package / "crypto" / "cose.py", *(package / "venues").rglob("*.py")]
    reasons = {
        reason
        for source in sources
        if source.name not in ELSEWHERE
        for reason in re.findall(r'reason="([a-z0-9_]+)"', source.read_text(encoding="utf-8"))
    }
    assert reasons
    assert not {reason for reason in reasons if f"`{reason}`" not in PAGE} - {"party"}
