"""What is answered where something was done too often, whatever it was."""

from datetime import timedelta
from math import ceil

from bluezone_node.errors import AuthorityRefused


class TooManyAttempts(AuthorityRefused):
    """Something was done too often."""

    def __init__(self, sentence: str, wait: timedelta) -> None:
        self.seconds = max(1, ceil(wait.total_seconds()))
        super().__init__(
            f"{sentence} Try again in {self.seconds} seconds.", reason="too_many_requests"
        )
