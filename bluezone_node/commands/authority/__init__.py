"""``authority``: the health authority's server, and a health worker's desk."""

from importlib.util import find_spec

import click

from bluezone_node.commands import LazyGroup
from bluezone_node.errors import BadConfig


@click.group(
    cls=LazyGroup,
    lazy={
        "audit": "authority.audit:audit",
        "backup": "authority.backup:backup",
        "code": "authority.code:code",
        "doctor": "authority.doctor:doctor",
        "export": "authority.export:export",
        "imports": "authority.imports:imports",
        "init": "authority.folder:init",
        "keys": "authority.keys:keys",
        "migrate": "authority.folder:migrate",
        "mirror": "authority.mirror:mirror",
        "restore": "authority.backup:restore",
        "serve": "authority.serve:serve",
        "status": "authority.status:status",
        "users": "authority.users:users",
    },
)
def authority() -> None:
    """The health authority's server: codes, certificates, keys and exports."""
    if find_spec("sqlalchemy") is None:
        raise BadConfig(
            "the server's packages are not installed: a node does without",
            hint="sudo apt install ./bluezone-authority_*.deb, or pip install '.[authority]'",
        )
