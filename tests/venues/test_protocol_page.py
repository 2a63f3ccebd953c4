"""docs/protocol-places.md says what the program does: its example, and every reason to refuse."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from bluezone_node.node import presence
from bluezone_node.node.notices import AHEAD
from bluezone_node.venues import (
    answer,
    bundle,
    card,
    notices,
    opening,
    passes,
    register,
    tags,
    text,
    trust,
    visits,
    warrant,
)
from bluezone_node.venues.kinds import VenueKind

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


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def in_words(number: int) -> str:
    return {2: "two", 3: "three"}[number]


def listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" or {numbers[-1]}"


SAID = {
    "card": (
        ", ".join(f"{each:d} {each.name.lower().replace('_', ' ')}" for each in VenueKind),
        f"name | one line, 1–{card.MAX_NAME_BYTES} bytes",
        f"room | one line, 1–{card.MAX_ROOM_BYTES} bytes",
        f"address | one line, 1–{card.MAX_ADDRESS_BYTES} bytes",
        f"last: {card.MIN_STAY}–{card.MAX_STAY}, or 0",
        f"more than {card.MAX_CARD_BYTES} are refused",
        f"{card.CardFlag.REGISTER_REQUIRED:d} register required",
        f"{card.CardFlag.DECLARATION_REQUIRED:d} declaration required",
        f"{card.CardFlag.BLE_NODE:d} a node sends the tags",
        f"{card.CardFlag.CHECK_OUT_CODE:d} there is a code for the way out",
        f"{card.CardFlag.STAFF_CODE:d} staff code",
        f"{card.CardFlag.DUAL_CONTROL:d} notices need the place's signature too",
    ),
    "trust list": (
        f"{trust.Role.CARDS:d} cards, {trust.Role.NOTICES:d} notices, {trust.Role.REGISTER:d} reg",
        f"{trust.Role.WARRANT_REQUEST:d} warrant request",
        f"{trust.Role.WARRANT_APPROVE:d} warrant approval",
        f"longer than {trust.MAX_TRUST_BYTES // 1024} KiB",
        f"a province is 1–{trust.MAX_PROVINCE_BYTES} bytes",
    ),
    "text": (f"refuses more than {text.MAX_TEXT_CHARACTERS} characters",),
    "tags": (
        f"⌊Unix seconds / {tags.SLOT_SECONDS}⌋",
        f"⌊Unix seconds / {tags.PROOF_SECONDS}⌋",
        f"within {visits.PROOF_STEPS * tags.PROOF_SECONDS // 60} minutes before or after",
    ),
    "stays": (
        f"at least −{-presence.NEAR_DBM} dBm",
        f"lie {in_words(presence.NEAR_FOR // MINUTE)} minutes apart",
        f"{in_words(presence.NEAR_MINUTES)} of them or more",
        f"minutes of −{-presence.FAR_DBM} dBm and more",
        f"a gap of more than {visits.SILENCE // MINUTE} minutes",
        f"(±{presence.CLOCKS // MINUTE} min)",
        f"within {presence.SAME_LEVEL} dB of its level",
        f"{presence.MOST_TAGS} tags are followed at once, {presence.MOST_PER_DAY} stays a day",
    ),
    "notices": (
        f"zeros up to {listed(notices.TEXT_SIZES)} bytes",
        f"at most {notices.LONGEST_WINDOW // HOUR} h",
        *(f"{each:d} {each.name.lower()}" for each in notices.NoticeLevel),
        f"{notices.Advice.NONE:d} none, {notices.Advice.WATCH:d} watch your health",
        f"{notices.Advice.TEST:d} get tested, {notices.Advice.STAY_HOME:d} stay at home",
        f"0–{notices.MAX_OVERLAP_MINUTES}, 0: any",
        f"at most {notices.MAX_TEXT_BYTES} bytes each",
        f"at most {notices.MAX_PROOF_KEYS} in all",
        f"random ones up to {listed(notices.TAG_COUNTS)},",
        f"At most {notices.MAX_TAGS} tags and {notices.MAX_SEALED_BYTES} bytes sealed",
    ),
    "bundles": (
        f"up to {listed(bundle.SIZES)},",
        "to " + ", ".join(map(str, bundle.RETRACTED_SIZES[:3])) + " … nids",
        f"{notices.USUAL[0]} tags and {notices.USUAL[1]} bytes sealed",
        f"At most {bundle.MAX_BUNDLE_BYTES >> 20} MiB",
        f"away for {visits.VISIT_RETENTION // DAY} days, for which bundles are kept",
        "dated a day or more later" if AHEAD == DAY else "",
    ),
    "register": (
        f"at most {register.MAX_DAYS} days",
        f"zeros up to {register.CONTACT_BYTES} bytes",
        f"{register.INNER_BYTES} bytes",
        f"at most {register.MAX_NAME_BYTES} bytes; phone",
        f"party 1–{visits.MAX_PARTY};",
    ),
    "warrant": (
        f"at most {warrant.MAX_WARRANT_BYTES} bytes long",
        f"at most {warrant.LONGEST_WINDOW // HOUR} h of visits",
        f"{warrant.LONGEST_LIFE // HOUR} h of life",
        f"at most {warrant.MAX_CASE_BYTES} and {warrant.MAX_BASIS_BYTES} bytes",
        f"in parts of at most {answer.PART_ROWS},",
        f"at most {answer.MAX_ROWS} rows and {answer.MAX_ANSWER_BYTES // 10**6} MB",
        f"erased after {in_words(opening.OPENING_RETENTION // DAY // 365)} years",
    ),
    "visitor's own code": (
        f"at most {passes.MAX_PASS_CHARACTERS} characters",
        f"party, 1–{visits.MAX_PARTY}",
        f"1–{passes.MAX_NAME_BYTES} and 1–{passes.MAX_PHONE_BYTES} bytes",
        f"lives for {passes.PASS_LIFE // MINUTE} minutes",
        f"clocks may differ by {passes.EARLY // MINUTE}",
    ),
}


@pytest.mark.parametrize("part", SAID)
def test_every_number_of_the_page_is_the_programs(part: str) -> None:
    """Whoever goes by the page makes and takes what this program does."""
    assert [each for each in SAID[part] if not each or each not in PAGE] == []
