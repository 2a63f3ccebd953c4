"""The publisher's desk for those who ask how many published: who may, and for how long back."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from bluezone_node.authority.ports.keys import KeyDirectory
from bluezone_node.authority.ports.tally import DayCount, PublicationStats
from bluezone_node.authority.settings import HealthAuthoritySettings
from bluezone_node.authority.statistics_token import check_token
from bluezone_node.errors import AuthorityRefused
from bluezone_node.ports import Clock

LONGEST_SPAN = timedelta(days=366)
"""Of one question: a year, so that an answer is some megabytes at most."""


class StatisticsDesk:
    """Hands statistics to those registrars that the publisher believes. It blocks."""

    def __init__(
        self,
        statistics: PublicationStats,
        clock: Clock,
        *,
        authorities: Sequence[HealthAuthoritySettings],
        directories: Mapping[str, KeyDirectory],
    ) -> None:
        self._statistics = statistics
        self._clock = clock
        self._authorities = {authority.id: authority for authority in authorities}
        self._directories = directories

    def read(self, token: str, first: date, last: date) -> list[DayCount]:
        """Return the counts of *first* to *last* that may be told, to the holder of *token*.

        Raises:
            AuthorityRefused: reason ``unauthorized``, or ``bad_request``: too many days.
            Unreachable: the registrar's public keys could not be fetched.
        """
        check_token(token, self._authorities, self._directories, self._clock.now())
        if last - first > LONGEST_SPAN:
            raise AuthorityRefused(
                f"More than {LONGEST_SPAN.days} days are asked for.", reason="bad_request"
            )
        return self._statistics.days(first, last)
