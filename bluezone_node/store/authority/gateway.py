"""Messages posted to an SMS gateway: any that takes JSON or a form, and a header with a secret."""

import re

import httpx2 as httpx

from bluezone_node.authority.ports.messages import MessageNotSent
from bluezone_node.authority.settings import SmsSettings
from bluezone_node.errors import BadConfig

_BLANK = re.compile(r"\{(phone|text)\}")


class Gateway:
    """`Messenger` on an HTTP gateway."""

    def __init__(self, settings: SmsSettings, secret: str) -> None:
        """*secret*: value of the header; empty: none is sent.

        Raises:
            BadConfig: nothing can be sent to such an address, or with such a secret.
        """
        if not (secret.isascii() and secret.isprintable()):
            raise BadConfig("The SMS gateway's secret must be one line of printable ASCII.")
        try:
            self._url = httpx.URL(settings.gateway)
            self._url.host.encode("idna")  # as it is looked up
        except (httpx.InvalidURL, UnicodeError) as error:
            raise BadConfig(f"registrar.sms.gateway is no address: {error}") from error
        self._settings = settings
        headers = {settings.header: secret} if secret else {}
        # No redirection is followed: it would hand number, code and secret to somebody else.
        self._client = httpx.Client(headers=headers, timeout=settings.timeout_seconds)

    def send(self, phone: str, text: str) -> None:
        given = {"phone": phone, "text": text}
        body = {
            name: _BLANK.sub(lambda blank: given[blank[1]], form)
            for name, form in self._settings.fields.items()
        }
        try:
            # Streamed, and closed unread: whether it was taken is all that there is to know.
            if self._settings.format == "json":
                answer = self._client.stream("POST", self._url, json=body)
            else:
                answer = self._client.stream("POST", self._url, data=body)
            with answer as response:
                status = response.status_code
        except httpx.HTTPError as error:
            kind = "did not answer in time" if _slow(error) else "cannot be reached"
            # The cause is dropped: it may quote what was sent.
            raise MessageNotSent(f"The SMS gateway {kind}.") from None
        if not 200 <= status < 300:
            raise MessageNotSent(f"The SMS gateway answered {status}.")

    def close(self) -> None:
        self._client.close()


def _slow(error: Exception) -> bool:
    return isinstance(error, httpx.TimeoutException)
