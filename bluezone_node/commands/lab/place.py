"""``bluezone-node lab place``: what the code of a place says, ours or another country's."""

import sys
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click

from bluezone_node.commands.console import json_option, print_json
from bluezone_node.crypto.cose import read_public_key
from bluezone_node.crypto.signing import PublicKey, load_public_key
from bluezone_node.errors import BadInput
from bluezone_node.intervals import from_unix
from bluezone_node.venues.card import VIETNAM, SignedCard
from bluezone_node.venues.foreign import MAX_CODE_CHARACTERS, ForeignPlace, read_foreign
from bluezone_node.venues.foreign.warnings import MAX_PUBLISHED_BYTES, windows_about
from bluezone_node.venues.kinds import RULES
from bluezone_node.venues.tags import PROOF_SECONDS
from bluezone_node.venues.text import DEFAULT_HOST, PlaceText, read_text
from bluezone_node.venues.trust import (
    ANYWHERE,
    MAX_TRUST_BYTES,
    Role,
    TrustedKey,
    TrustList,
    accept_card,
    read_handed_list,
    read_trust_list,
)

_EPOCH = date(1970, 1, 1)
_FIRST, _LAST = from_unix(0), from_unix(2**32 - 1)
"""Of the times that a trust list can write."""
_COSE = bytes.fromhex("84 4d a2 01 27 04 48")
"""How a trust list begins, and no public key does, but for one of 2**56."""
_STRANGE = {"text_unknown", "text_oversized"}
"""Reasons that leave open whose code it is meant to be; as those of links do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The JSON document. What the code does not tell is null."""

    kind: str
    valid: bool
    why: str | None = None
    """Machine name of what is wrong with it."""
    name: str | None = None
    address: str | None = None
    id: str | None = None
    """What notices know the place by: hexadecimal, or as the country writes it."""
    window: tuple[str, str] | None = None
    """When it counts, from and to: days of Vietnam, or instants; the end is not in it."""


def _nhs_key(text: str) -> tuple[str, PublicKey]:
    name, separator, key = text.partition("=")
    if not name or not separator:
        raise click.BadParameter("it must be KID=SPKI_BASE64")
    try:
        return name, load_public_key(key)
    except BadInput as refused:
        raise click.BadParameter(str(refused)) from None


@click.command()
@click.argument("text")
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whose cards count: a trust list, or one registrar's Ed25519 public key.",
)
@click.option(
    "--root",
    metavar="FILE|BASE64",
    help="The Ed25519 public key that must have signed the trust list. Without, it is believed as"
    " it lies there, like a public key.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    metavar="YYYY-MM-DD[THH:MM]",
    help="Judge as a device would at that time of Vietnam. Without, times are told, not judged.",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=[DEFAULT_HOST],
    show_default=True,
    help="Where a genuine link leads. May be repeated.",
)
@click.option(
    "--nhs-key",
    "nhs_keys",
    type=_nhs_key,
    metavar="KID=SPKI_BASE64",
    multiple=True,
    help="Whose signatures count on NHS posters. May be repeated.",
)
@click.option(
    "--warnings",
    "warnings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What New Zealand, the NHS or Germany published: tell when a case was at the place.",
)
@json_option
def place(
    text: str,
    trust_file: Path | None,
    root: str | None,
    at: datetime | None,
    hosts: tuple[str, ...],
    nhs_keys: tuple[tuple[str, PublicKey], ...],
    warnings_file: Path | None,
    as_json: bool,
) -> None:
    """Read the code of a place: TEXT as it was scanned, or - to take it from standard input.

    Ours, and those of New Zealand, England and Wales, Germany, Switzerland and New South Wales.
    Fails where a device would refuse the code, and where nothing is given to judge it by.
    """
    if text == "-":
        text = sys.stdin.buffer.read(4 * MAX_CODE_CHARACTERS + 1).decode(errors="replace")
    if len({name for name, _ in nhs_keys}) != len(nhs_keys):
        raise click.UsageError("two keys of --nhs-key have one name")
    trust = _trust(trust_file, root)
    said: PlaceText | None = None
    refusal: BadInput | None = None
    if foreign := read_foreign(text, dict(nhs_keys)):
        reading = _foreign(foreign)
        if not foreign.valid:
            refusal = BadInput(foreign.why, reason=foreign.reason)
    else:
        try:
            said = read_text(text, hosts)
        except BadInput as refused:
            refusal = refused
        else:
            refusal = _refusal(said.card, trust, at and at.replace(tzinfo=VIETNAM))
        reading = _ours(said, refusal)
    warned = None if warnings_file is None else _warned(foreign, warnings_file)
    if as_json:
        print_json(reading if warned is None else asdict(reading) | {"warned": warned})
    else:
        _print(reading, said, foreign, warned)
    if refusal:
        raise refusal


def _warned(place: ForeignPlace | None, file: Path) -> list[tuple[str, str]]:
    if place is None:
        raise click.UsageError("--warnings is for the code of another country's place")
    with file.open("rb") as stream:
        published = stream.read(MAX_PUBLISHED_BYTES + 1)
    try:
        windows = windows_about(place, published)
    except BadInput as refused:
        raise click.UsageError(f"--warnings: {refused}") from None
    return [(start.isoformat(), end.isoformat()) for start, end in windows]


def _trust(file: Path | None, root: str | None) -> TrustList | None:
    """Return whom to believe; one bare key is a list of one."""
    if file is None:
        if root is not None:
            raise click.UsageError("--root is for a trust list: name it with --trust")
        return None
    with file.open("rb") as stream:
        data = stream.read(MAX_TRUST_BYTES + 1)
    try:
        if root is not None:
            named = Path(root)
            root_key = read_public_key(named.read_bytes() if named.is_file() else root)
            return read_trust_list(data, root_key)
        if data.startswith(_COSE):
            return read_handed_list(data)
        key = TrustedKey(read_public_key(data), Role.CARDS, ANYWHERE, _FIRST, _LAST)
        return TrustList(1, _FIRST, (key,))
    except BadInput as refused:
        raise click.UsageError(f"--trust: {refused}") from None


def _refusal(signed: SignedCard, trust: TrustList | None, at: datetime | None) -> BadInput | None:
    """Tell why the card is not believed; without *at*, its times are left to the reader."""
    if trust is None:
        return BadInput(
            "The card is well-formed; whether it is genuine is not known.",
            reason="card_not_verified",
            hint="give --trust",
        )
    if at is None:
        at = datetime.combine(_day(signed.card.from_day), time(), VIETNAM)
        keys = (replace(key, start=_FIRST, end=_LAST) for key in trust.keys)
        trust = replace(trust, keys=tuple(keys))
    try:
        accept_card(signed, trust, at)
    except BadInput as refused:
        return refused
    return None


def _foreign(place: ForeignPlace) -> Reading:
    return Reading(
        place.kind,
        place.valid,
        place.reason or None,
        place.name or None,
        place.address or None,
        place.id or None,
        place.window and (place.window[0].isoformat(), place.window[1].isoformat()),
    )


def _ours(said: PlaceText | None, refusal: BadInput | None) -> Reading:
    why = refusal.reason if refusal else None
    if said is None:
        strange = why in _STRANGE or (why or "").startswith("link_")
        return Reading("unknown" if strange else "vnp1", valid=False, why=why)
    card = said.card.card
    return Reading(
        "vnp1",
        refusal is None,
        why,
        card.name,
        card.address or None,
        said.card.location_id.hex(),
        (_day(card.from_day).isoformat(), _day(card.to_day).isoformat()),
    )


def _print(
    reading: Reading,
    said: PlaceText | None,
    foreign: ForeignPlace | None,
    warned: list[tuple[str, str]] | None,
) -> None:
    rows: dict[str, object] = {
        "kind": reading.kind,
        "valid": "yes" if reading.valid else f"no: {reading.why}",
        "name": reading.name,
        "address": reading.address,
        "id": reading.id,
        "window": reading.window and " to ".join(reading.window),
    }
    if foreign is not None:
        rows["in warnings"] = foreign.listed_as
    if warned is not None:
        rows["a case was there"] = ", ".join(map(" to ".join, warned)) or "never, by that file"
    if said is not None:
        card = said.card.card
        rows |= {
            "room": card.room,
            "kind of place": f"{RULES[card.kind].name_vi} ({RULES[card.kind].name_en})",
            "spoken code": said.card.spoken_code,
            "registrar's key": said.card.key_id.hex(),
            "hangs at the way": said.direction,
        }
        if said.proof is not None:
            shown = from_unix(said.proof.step * PROOF_SECONDS).astimezone(VIETNAM)
            rows["on a screen at"] = f"{shown:%Y-%m-%d %H:%M} (not verified)"
    for name, value in rows.items():
        if value:
            # The code is anybody's: what it says must not steer the terminal.
            plain = "".join(c if c.isprintable() else " " for c in str(value))
            click.echo(f"{name + ':':18}{plain}")


def _day(number: int) -> date:
    return _EPOCH + timedelta(number)
