"""``notice``: warning those who were at a place, and taking it back."""

from importlib.util import find_spec

import click

from bluezone_node.commands import LazyGroup
from bluezone_node.errors import BadConfig


@click.group(
    cls=LazyGroup,
    lazy={
        "approve": "notice.proposing:approve",
        "breaker": "notice.publishing:breaker",
        "check": "notice.looking:check",
        "dismiss": "notice.proposing:dismiss",
        "issue": "notice.issuing:issue",
        "list": "notice.looking:list_notices",
        "proposals": "notice.proposing:proposals",
        "publish": "notice.publishing:publish",
        "release": "notice.issuing:release",
        "retract": "notice.issuing:retract",
        "show": "notice.looking:show",
        "update": "notice.issuing:update",
    },
)
def notice() -> None:
    """Outbreak notices: who was at a place is warned. Times are Vietnam's (UTC+7)."""
    if find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: a node does without",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )
