"""``kiosk key``, ``kiosk warrant`` and ``kiosk openings``: the register of names at a kiosk."""

from base64 import b64encode
from pathlib import Path

import click

from bluezone_node import config as settings_file
from bluezone_node.commands.console import json_option, note, print_json
from bluezone_node.commands.options import config_option
from bluezone_node.commands.private_file import write_private
from bluezone_node.commands.vietnam_time import in_vietnam, window_in_vietnam
from bluezone_node.errors import BadInput
from bluezone_node.venues.answer import write_answer
from bluezone_node.venues.opening import Opening, first_broken
from bluezone_node.venues.warrant import MAX_WARRANT_BYTES

_FILE = click.Path(path_type=Path, dir_okay=False)
_venue_option = click.option(
    "--venue", type=_FILE, help="The registrar's file of the place, as for `kiosk`."
)


@click.command()
@config_option
def key(config: Path | None) -> None:
    """Make the key of a register of names; print its public half, for the registrar."""
    from bluezone_node.wiring.kiosk_register import make_register_key

    public = make_register_key(settings_file.load(config))
    click.echo(b64encode(public).decode())
    note("Khóa riêng ở lại máy này; mất khóa thì không ai mở được sổ khách.")
    note("The private half stays on this device: without it nobody opens the register.")
    note("bluezone-node venue kiosk VENUE --register-key … --out venue.json")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--out", type=_FILE, help="Write what the authority may read to OUT, for a stick.")
@_venue_option
@config_option
@json_option
def warrant(
    file: Path, out: Path | None, venue: Path | None, config: Path | None, as_json: bool
) -> None:
    """Check the warrant in FILE and note it; with --out, release the rows that it names."""
    from bluezone_node.wiring.kiosk_register import at_register

    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_WARRANT_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}", reason="unreadable") from error
    if out is not None and out.exists():
        raise BadInput(
            f"{out} exists and is not overwritten", reason="exists", hint="choose another name"
        )
    settings = settings_file.load(config)
    if out is None:
        checked = at_register(settings, venue, lambda register: register.check(data))
        window = window_in_vietnam(checked.start, checked.end)
        click.echo(f"{window}; {checked.basis}")
        note("Lệnh có giá trị; chưa mở gì. / It holds; nothing was opened: give --out FILE.")
        return
    opened = at_register(settings, venue, lambda register: register.open(data))
    write_private(write_answer(opened.answer), out, replace=False)
    rows = len(opened.answer.rows)
    if as_json:
        print_json(
            {
                "id": opened.warrant.warrant_id.hex(),
                "rows": rows,
                "unreadable": opened.unreadable,
                "file": str(out),
            }
        )
        return
    click.echo(f"{rows} dòng / rows → {out}")
    note("Mang về cơ quan y tế / back at the authority: bluezone-node warrant answer FILE")
    if opened.unreadable:
        note(f"{opened.unreadable} rows are of an earlier key, or were changed on the disk")


@click.command()
@_venue_option
@config_option
@json_option
def openings(venue: Path | None, config: Path | None, as_json: bool) -> None:
    """Say who opened the register, when and by which law; exit 1 where the log was changed."""
    from bluezone_node.wiring.kiosk_register import at_register

    log = at_register(settings_file.load(config), venue, lambda register: register.openings())
    broken = first_broken(log)
    if as_json:
        print_json({"openings": [_told(each) for each in log], "broken": broken})
    for each in log if not as_json else ():
        words = each.warrant
        click.echo(f"{each.number}. {in_vietnam(each.at)} (UTC+7): {each.rows} dòng / rows")
        click.echo(f"   khách đến / came  {window_in_vietnam(words.start, words.end)}")
        click.echo(f"   căn cứ / basis    {words.basis}")
        click.echo(f"   ký / signed by    {', '.join(each.signers)}")
    if broken is not None:
        raise BadInput(
            f"The log of openings was changed from entry {broken} on.", reason="log_broken"
        )


def _told(opening: Opening) -> dict[str, object]:
    words = opening.warrant
    return {
        "number": opening.number,
        "at": opening.at,
        "warrant": words.warrant_id.hex(),
        "from": words.start,
        "to": words.end,
        "basis": words.basis,
        "signers": opening.signers,
        "rows": opening.rows,
    }
