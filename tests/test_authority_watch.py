"""What is told, while an authority serves, of the others that it imports from."""

from dataclasses import replace
from pathlib import Path

from msgspec import structs

from bluezone_node.authority.ports.imports import ImportSource
from bluezone_node.authority.settings import ImportSettings
from bluezone_node.clock import SimClock
from bluezone_node.store.authority.folder import make_folder
from bluezone_node.wiring.authority import open_authority
from bluezone_node.wiring.watch import looks_of
from tests.authorities import NOW


def test_imports_that_were_ended_are_not_failing_for_ever(tmp_path: Path) -> None:
    """Only those in the settings are told of, also before their first round."""
    folder, clock = make_folder(tmp_path / "a", ["registrar", "publisher"]), SimClock(NOW)
    hue = ImportSettings(
        name="hue",
        url="https://hue.invalid/exports",
        public_keys=[str(folder.export_public_key)],
        region="HU",
    )
    folder = replace(folder, settings=structs.replace(folder.settings, imports=[hue]))
    with open_authority(folder, clock, ["publisher"]) as parts:
        assert parts.federation is not None
        parts.federation.store.put_source(ImportSource("laos", NOW, None, "unreachable"))
        told = looks_of(parts, clock)["imports"]()
    assert {(gauge.name, gauge.labels["origin"], gauge.value) for gauge in told.gauges} == {
        ("import_last_success_timestamp_seconds", "hue", 0.0),
        ("import_failing", "hue", 0),
    }
