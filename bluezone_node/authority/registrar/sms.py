"""What a message with a code says.

Vietnamese is written without diacritics.  With them a message is sent as UCS-2 and has 70
characters, of which the link alone takes some 50; without it is GSM-7 and has 160, so that one
message will do, at half the price and on every telephone.  The words name no disease: a message
lies open on a locked screen.
"""

MAX_CHARACTERS = 160
"""Of one SMS in the GSM 7-bit alphabet (3GPP TS 23.038)."""
LINK_PATH = "/v#"
"""The code is in the fragment, which browsers keep to themselves: no log on the way has it."""

_TEXTS = {
    "vi": "Ma Bluezone cua ban, dung trong {hours} gio: {link} Khong chuyen tiep cho ai.",
    "en": "Your Bluezone code, good for {hours} hours: {link} Do not pass it on.",
}


def message_text(public_url: str, code: str, hours: int, language: str) -> str:
    """Return the message that carries the long *code*, at most `MAX_CHARACTERS` long."""
    link = f"{public_url.rstrip('/')}{LINK_PATH}{code}"
    return _TEXTS[language].format(hours=hours, link=link)
