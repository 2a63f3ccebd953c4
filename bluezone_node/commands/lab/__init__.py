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
        "place": "lab.place:place",
        "replay": "lab.replay:replay",
        "score": "lab.score:score",
    },
)
def lab() -> None:
    """Look into keys, exports, places, matches and scores. The node's database is not touched."""
