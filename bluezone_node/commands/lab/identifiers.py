"""``bluezone-node lab identifiers``: what a key sends, interval by interval."""

import click

from bluezone_node.commands.console import columns, json_option, print_json
from bluezone_node.crypto import bluezone, metadata
from bluezone_node.crypto.identifiers import all_identifiers
from bluezone_node.crypto.keys import (
    KEY_BYTES,
    TemporaryExposureKey,
    associated_encrypted_metadata_key,
)
from bluezone_node.intervals import ROLLING_PERIOD, interval_start
from bluezone_node.proximity.model import IdentifierProtocol

_LAST_START = 2**32 - ROLLING_PERIOD


def hex_bytes(text: str) -> bytes:
    """Read hexadecimal. A wrong one is not repeated: it may be somebody's key."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise click.BadParameter(
            "it must be hexadecimal: two of 0-9 and a-f for each byte"
        ) from None


@click.command()
@click.option(
    "--protocol",
    type=click.Choice([protocol.value for protocol in IdentifierProtocol]),
    default=IdentifierProtocol.GAEN.value,
    show_default=True,
    help="Whose schedule of identifiers.",
)
@click.option(
    "--key",
    type=hex_bytes,
    metavar="HEX",
    required=True,
    help="Temporary Exposure Key (16 bytes), or Bluezone day key (32 bytes).",
)
@click.option(
    "--start",
    type=click.IntRange(0, _LAST_START),
    help="gaen: first ENIntervalNumber of the key (Unix seconds / 600).",
)
@click.option(
    "--period",
    type=click.IntRange(1, ROLLING_PERIOD),
    help=f"gaen: intervals the key is valid for.  [default: {ROLLING_PERIOD}]",
)
@click.option(
    "--metadata", "plain", type=hex_bytes, metavar="HEX", help="gaen: 4 plain bytes to encrypt."
)
@click.option(
    "--day-start", type=click.IntRange(0), help="bluezone: Unix seconds of the day's 00:00 UTC."
)
@json_option
def identifiers(
    protocol: str,
    key: bytes,
    start: int | None,
    period: int | None,
    plain: bytes | None,
    day_start: int | None,
    as_json: bool,
) -> None:
    """Print the identifiers that follow from a key, in the order they are sent."""
    if protocol == IdentifierProtocol.BLUEZONE.value:
        if (start, period, plain) != (None, None, None):
            raise click.UsageError("--start, --period and --metadata belong to gaen keys")
        if day_start is None:
            raise click.UsageError("a Bluezone day key needs --day-start, in Unix seconds")
        _bluezone(key, day_start, as_json)
        return
    if day_start is not None:
        raise click.UsageError("--day-start belongs to Bluezone day keys")
    if start is None:
        raise click.UsageError("a gaen key needs --start, its first ENIntervalNumber")
    _gaen(key, start, ROLLING_PERIOD if period is None else period, plain, as_json)


def _gaen(key: bytes, start: int, period: int, plain: bytes | None, as_json: bool) -> None:
    check_length("--key", key, KEY_BYTES)
    if plain is not None:
        check_length("--metadata", plain, metadata.METADATA_BYTES)
    aemk = associated_encrypted_metadata_key(key)
    rows = [
        {
            "interval": start + j,
            "rpi": rpi.hex(),
            "aem": None if plain is None else metadata.encrypt(aemk, rpi, plain).hex(),
        }
        for j, rpi in enumerate(all_identifiers(TemporaryExposureKey(key, start, period)))
    ]
    if as_json:
        print_json({"identifiers": rows})
        return
    columns(
        ("interval", "from (UTC)", "rpi", "aem"),
        (
            (row["interval"], _utc(start + j), row["rpi"], row["aem"] or "-")
            for j, row in enumerate(rows)
        ),
    )


def _bluezone(day_key: bytes, day_start: int, as_json: bool) -> None:
    check_length("--key", day_key, bluezone.DAY_KEY_BYTES)
    slots = bluezone.identifiers(day_key, day_start)
    if as_json:
        print_json({"identifiers": [{"slot": s.slot, "id": s.identifier.hex()} for s in slots]})
        return
    columns(
        ("slot", "from (Unix s)", "id"),
        ((s.slot, int(s.start), s.identifier.hex()) for s in slots),
    )


def check_length(option: str, value: bytes, wanted: int) -> None:
    """Refuse a value of another length than *wanted* bytes, as a misuse of *option*."""
    if len(value) != wanted:
        raise click.UsageError(f"{option} must have {wanted} bytes, this has {len(value)}")


def _utc(interval: int) -> str:
    try:
        return f"{interval_start(interval):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # after the year 9999, where the calendar ends
        return "-"
