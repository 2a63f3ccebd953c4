"""``bluezone-node lab``: for epidemiologists, and for checking against other software."""

import click

from bluezone_node.commands import LazyGroup


@click.group(
    cls=LazyGroup,
    lazy={
        "bluezone": "lab.bluezone:bluezone",
        "evaluate": "lab.evaluate:evaluate",
        "fit": "lab.fit:fit",
        "identifiers": "lab.identifiers:identifiers",
        "inspect": "lab.inspect:inspect",
        "match": "lab.match:match",
        "replay": "lab.replay:replay",
        "score": "lab.score:score",
    },
)
def lab() -> None:
    """Look into keys, exports, matches and scores. Nothing here touches the node's database."""
