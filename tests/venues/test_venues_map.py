"""The package's own map names each of its modules once."""

import re
from pkgutil import iter_modules

from bluezone_node import venues


def test_every_module_stands_on_the_map() -> None:
    """Whoever looks for a noun finds where it lives."""
    named = re.findall(r"`(\w+)`", venues.__doc__ or "")
    assert sorted(named) == sorted(module.name for module in iter_modules(venues.__path__))
