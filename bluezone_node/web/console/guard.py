"""Which requests are believed to come from our own pages, and how the browser is told to be strict.

Three locks, one behind the other: cookies that no other site's request carries (SameSite=Strict),
the browser's own word on where a form was sent from, and a token in every form.
"""

import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Of every answer. ``no-store`` also keeps a code out of the list behind the back button."""


def is_plain(public_url: str, scheme: str, host: str) -> bool:
    """Tell whether cookies must do without ``Secure``: on http, on this very machine, only.

    Where the operator has said under which address the server is known, that decides.  Otherwise
    the request does: everything but http to a loopback name is taken for https, as a proxy that
    ends TLS need not tell us of it.  Some browsers keep no ``Secure`` cookie of http://127.0.0.1.

    Args:
        public_url: of the settings; may be empty.
        scheme: of the request.
        host: the header ``Host``.
    """
    if public_url:
        parts = urlsplit(public_url)
        return parts.scheme == "http" and _loopback(parts.hostname or "")
    return scheme == "http" and _loopback(urlsplit(f"//{host}").hostname or "")


def is_own(headers: Mapping[str, str]) -> bool:
    """Tell whether the browser says that a form was sent from a page of this server.

    With ``Referrer-Policy: no-referrer`` browsers send ``Origin: null`` even to the page's own
    server, so that alone is no objection: `Sec-Fetch-Site` says more, and the form's token has
    the last word.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin in (None, "null") or urlsplit(origin).netloc == headers.get("host")


def visitor_csrf(cookie: str) -> str:
    """Return the token of the forms of somebody who has not signed in."""
    return hashlib.sha256(b"bluezone console form:" + cookie.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare two secrets; an empty one equals nothing."""
    return bool(one) and hmac.compare_digest(one.encode(), other.encode())


def _loopback(name: str) -> bool:
    try:
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
