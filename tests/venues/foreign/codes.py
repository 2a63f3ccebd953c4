"""Made-up posters of other countries, each sound unless a test says otherwise."""

import json
from base64 import b64encode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from bluezone_node.crypto import signing

NHS_KEY = signing.generate_private_key(bytes(range(48)))
NHS_OTHER = signing.generate_private_key(bytes(48))


def base64url(data: bytes) -> str:
    """Return *data* as links and tokens carry it."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def as_json(said: object) -> bytes:
    """Return *said* as JSON in UTF-8."""
    return json.dumps(said, ensure_ascii=False).encode()


def nz(**changed: object) -> str:
    """Return the code of a poster in New Zealand."""
    said = {
        "typ": "entry",
        "ver": "c19:1",
        "gln": "9429300000017",
        "opn": "Quay Café",
        "adr": "1 Quay St\nAuckland",
    }
    return "NZCOVIDTRACER:" + b64encode(as_json(said | changed)).decode()


def nsw(**changed: object) -> str:
    """Return the code of a poster in New South Wales."""
    said = {"t": "covid19_business", "bid": "208", "bname": "Bondi Baths", "baddress": "1 Beach Rd"}
    link = "https://www.service.nsw.gov.au/campaign/service-nsw-mobile-app?data="
    return link + b64encode(as_json(said | changed)).decode()


def nhs_token(header: bytes, payload: bytes, key: signing.PrivateKey = NHS_KEY) -> str:
    """Return a token of *header* and *payload* as they are, signed by *key*."""
    signed = f"{base64url(header)}.{base64url(payload)}"
    r, s = decode_dss_signature(signing.sign(key, signed.encode()))
    return f"{signed}.{base64url(r.to_bytes(32) + s.to_bytes(32))}"


def nhs(header: object = None, payload: object = None, key: signing.PrivateKey = NHS_KEY) -> str:
    """Return the code of a poster in England, whose key is named 7."""
    head = {"alg": "ES256", "typ": "JWT", "kid": "7"} if header is None else header
    body = {"id": "8CHARSID", "opn": "The Half Moon", "pc": "SE24"} if payload is None else payload
    return f"UKC19TRACING:1:{nhs_token(as_json(head), as_json(body), key)}"


def varint(value: int) -> bytes:
    """Return *value* in groups of seven bits."""
    head = b""
    while value >= 0x80:
        head += bytes([value & 0x7F | 0x80])
        value >>= 7
    return head + bytes([value])


def message(**fields: int | bytes | str) -> bytes:
    """Return the protocol buffer of *fields*, each named f and its number."""
    data = b""
    for name, value in fields.items():
        number = int(name[1:])
        if isinstance(value, int):
            data += varint(number << 3) + varint(value)
        else:
            raw = value.encode() if isinstance(value, str) else value
            data += varint(number << 3 | 2) + varint(len(raw)) + raw
    return data


def cwa_payload(seed: bytes = bytes(16), **location: int | str) -> bytes:
    """Return the content of a German poster; *location*: fields of the place."""
    place = {"f1": 1, "f2": "Bäckerei Schmidt", "f3": "Hauptstr. 1, Köln"} | location
    return message(
        f1=1,
        f2=message(**place),
        f3=message(f1=1, f2=bytes(96), f3=seed),
        f4=message(f1=1, f2=3, f3=15),
    )


def cwa(payload: bytes) -> str:
    """Return the code of a German poster."""
    return f"https://e.coronawarn.app?v=1#{base64url(payload)}"


def crowdnotifier_payload(seed: bytes = bytes(32), **location: int | str) -> bytes:
    """Return the content of a Swiss poster; *location*: fields of the place."""
    place = {"f1": 1, "f2": "Gasthof Bären", "f3": "Bern"} | location
    return message(f1=3, f2=message(**place), f3=message(f1=1, f2=bytes(96), f3=seed))


def crowdnotifier(payload: bytes, version: int = 3) -> str:
    """Return the code of a Swiss poster."""
    return f"https://qr.notify-me.ch?v={version}#{base64url(payload)}"
