"""Posters of New South Wales: Service NSW. Not signed.

A link whose ``data`` is the base64 of a JSON object.
"""

from urllib.parse import unquote

from bluezone_node.errors import BadInput
from bluezone_node.venues.foreign.encoding import from_base64, json_object, line
from bluezone_node.venues.foreign.place import ForeignKind, ForeignPlace

_LINK = "https://www.service.nsw.gov.au/campaign/service-nsw-mobile-app?data="


def is_mine(text: str) -> bool:
    """Tell whether *text* is meant to be such a code."""
    return text.startswith(_LINK)


def read(text: str) -> ForeignPlace:
    """Return the place that *text* names; its id is the number of the business.

    Raises:
        BadInput: reason ``nsw_malformed``, or one of `encoding`.
    """
    said = json_object(from_base64(unquote(text.removeprefix(_LINK))))
    if said.get("t") != "covid19_business":
        raise BadInput("The code is not of a business's check-in.", reason="nsw_malformed")
    return ForeignPlace(
        ForeignKind.NSW,
        line(said.get("bname"), "name"),
        line(said.get("baddress"), "address", breaks=True),
        line(said.get("bid"), "number"),
        valid=True,
    )
