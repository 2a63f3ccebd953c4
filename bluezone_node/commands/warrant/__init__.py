"""``warrant``: opening the register of a place, by two people, for a day at most."""

from importlib.util import find_spec

import click

from bluezone_node.commands import LazyGroup
from bluezone_node.errors import BadConfig


@click.group(
    cls=LazyGroup,
    lazy={
        "answer": "warrant.answers:answer",
        "approve": "warrant.asking:approve",
        "file": "warrant.answers:write_file",
        "key": "warrant.signing:make_key",
        "list": "warrant.asking:list_warrants",
        "request": "warrant.asking:request",
        "show": "warrant.answers:show",
        "sign": "warrant.signing:sign_file",
    },
)
@click.pass_context
def warrant(context: click.Context) -> None:
    """Registers of names: who asks to open one, who approves, and what it says."""
    # Officers make their keys and sign on machines of their own.
    if context.invoked_subcommand not in ("key", "sign") and find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: warrants are the authority's",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )
