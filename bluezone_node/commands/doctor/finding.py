"""What ``doctor`` says of one thing that it looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    good: bool
    """False where the node cannot do its work as it is."""
    found: str
    cure: str = ""
    """What to do about it; of a good one, what would make it better."""
