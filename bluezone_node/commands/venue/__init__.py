"""``venue``: places that visitors check in at, from the registrar's own shell."""

from importlib.util import find_spec

import click

from bluezone_node.commands import LazyGroup
from bluezone_node.errors import BadConfig


@click.group(
    cls=LazyGroup,
    lazy={
        "approve": "venue.deciding:approve",
        "close": "venue.deciding:close",
        "communes": "venue.communes:communes",
        "edit": "venue.editing:edit",
        "import": "venue.bulk:import_",
        "kiosk": "venue.kiosk:kiosk",
        "list": "venue.looking:list_venues",
        "poster": "venue.poster:poster",
        "posters": "venue.posters:posters",
        "register": "venue.registering:register",
        "reject": "venue.deciding:reject",
        "rotate": "venue.deciding:rotate",
        "show": "venue.looking:show",
    },
)
def venue() -> None:
    """Places that visitors check in at: registered, approved, given posters and kiosks."""
    if find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: places are registered on the authority",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )
