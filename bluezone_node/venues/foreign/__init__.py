"""Other countries' posters, recognised and named for what they are.

Who comes from abroad has such codes at hand, and who scans one here should hear more than that it
is wrong.  Warnings about those places do not reach this country: a visit can be kept, no more. Who
has a file of them finds a place in it by its code (`warnings`).
"""

from collections.abc import Callable, Mapping
from functools import partial

from bluezone_node.crypto.signing import PublicKey
from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign import crowdnotifier, cwa, nhs, nsw, nz
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace

__all__ = ["MAX_CODE_CHARACTERS", "ForeignKind", "ForeignPlace", "read_foreign"]

MAX_CODE_CHARACTERS = 4296
"""What the largest square holds (ISO/IEC 18004, version 40-L, letters and digits)."""


def read_foreign(text: str, nhs_keys: Mapping[str, PublicKey] | None = None) -> ForeignPlace | None:
    """Return the place of another country that *text* names, or None where it is no such code.

    *nhs_keys*: whose signatures count on NHS posters, by name; without one none is valid.

    What is wrong with it stands in the place returned; nothing is raised.
    """
    text = text.strip()
    if len(text) > MAX_CODE_CHARACTERS:
        return None
    countries: tuple[tuple[ForeignKind, Callable[[str], bool], Callable[[str], ForeignPlace]], ...]
    countries = (
        (ForeignKind.NZ, nz.is_mine, nz.read),
        (ForeignKind.NHS, nhs.is_mine, partial(nhs.read, keys=nhs_keys or {})),
        (ForeignKind.CWA, cwa.is_mine, cwa.read),
        (ForeignKind.CROWDNOTIFIER, crowdnotifier.is_mine, crowdnotifier.read),
        (ForeignKind.NSW, nsw.is_mine, nsw.read),
    )
    for kind, is_mine, read in countries:
        if is_mine(text):
            try:
                return read(text)
            except BadInput as refused:
                return ForeignPlace(kind).refused(refused)
    return None
