"""The pages say what the program does: what a person may set, type or choose stands in them."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import click
import msgspec
import pytest

from bluezone_node import config
from bluezone_node.authority import settings as authority
from bluezone_node.ble import scenario
from bluezone_node.commands import cli
from bluezone_node.presets import load_preset, preset_names
from bluezone_node.web.routes.publish import PublishRequest
from bluezone_node.web.routes.statistics import StatisticsRequest
from bluezone_node.web.routes.verification import (
    BatchIssueRequest,
    CertificateRequest,
    IssueRequest,
    NamedCodeRequest,
    VerifyRequest,
)
from bluezone_node.wiring.authority import DATABASE_VARIABLE

ROOT = Path(__file__).resolve().parents[1]
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
PRESETS = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8")
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
UNITS = sorted(ROOT.glob("systemd/*.service"))
REQUESTS: dict[str, type[msgspec.Struct]] = {
    "/api/issue": IssueRequest,
    "/api/batch-issue": BatchIssueRequest,
    "/api/checkcodestatus": NamedCodeRequest,
    "/api/expirecode": NamedCodeRequest,
    "/api/verify": VerifyRequest,
    "/api/certificate": CertificateRequest,
    "/v1/publish": PublishRequest,
    "/v1/stats": StatisticsRequest,
}

SECTIONS: dict[str, type[msgspec.Struct]] = {
    "node": config.NodeSettings,
    "sources": config.SourceSettings,
    "authority": config.AuthoritySettings,
    "kiosk": config.KioskSettings,
    "registrar": authority.RegistrarSettings,
    "registrar.realms": authority.RealmSettings,
    "registrar.sms": authority.SmsSettings,
    "publisher": authority.PublisherSettings,
    "publisher.health_authorities": authority.HealthAuthoritySettings,
    "export": authority.ExportSettings,
    "export.bucket": authority.BucketSettings,
    "imports": authority.ImportSettings,
    "serve": authority.ServeSettings,
    "console": authority.ConsoleSettings,
    "places": authority.PlacesSettings,
    "places.registers": authority.RegisterSettings,
    "database": authority.DatabaseSettings,
}
ALSO_OF_NODES = {"places": config.PlacesSettings}
"""Sections of this name are in both files, with other settings."""
SCENARIO = (
    scenario.Scenario,
    scenario.Device,
    scenario.Noise,
    scenario.Place,
)


def _rows() -> Iterator[tuple[str, str, str]]:
    """Yield (section, setting, the cell of its default) of every setting of both files."""
    for section, struct in [*SECTIONS.items(), *ALSO_OF_NODES.items()]:
        for field in msgspec.structs.fields(struct):
            if f"{section}.{field.name}" not in SECTIONS:
                yield section, field.name, _default(field)


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.default is not msgspec.NODEFAULT:
        value = field.default
        if value is None:
            return "`none`"
        return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{field.default_factory()}`"
    return "required"


def _leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with its name as typed."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _leaves(found, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(_leaves(cli))


@pytest.mark.parametrize(("section", "setting", "default"), list(_rows()))
def test_every_setting_stands_in_the_manual_with_its_default(
    section: str, setting: str, default: str
) -> None:
    """docs/operate.md has a row for each setting, and the default in it is the program's."""
    assert f"| `{section}.{setting}` | {default} |" in OPERATE


def test_every_section_of_the_settings_is_looked_at() -> None:
    """No section can be added without being compared with the manual."""
    known = {
        *(field.name for field in msgspec.structs.fields(config.Settings)),
        *(field.name for field in msgspec.structs.fields(authority.AuthoritySettings)),
    }
    assert known == {section.partition(".")[0] for section in SECTIONS}


def test_environment_variables_are_in_the_manual() -> None:
    """A variable that the program reads is documented."""
    for variable in (
        config.CONFIG_VARIABLE,
        config.STATE_VARIABLE,
        "BLUEZONE_AUTHORITY_DIR",
        DATABASE_VARIABLE,
    ):
        assert f"`{variable}`" in OPERATE


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_manual_with_its_options(name: str) -> None:
    """docs/operate.md has a row for each command that names all its options."""
    row = re.search(rf"^\| `{name}(?: [^`]+)?` \| (.*?) \|", OPERATE, re.MULTILINE)
    assert row, f"there is no row for `{name}`"
    options = {
        max(parameter.opts, key=len)
        for parameter in COMMANDS[name].params
        if isinstance(parameter, click.Option)
    }
    assert set(re.findall(r"`(--[a-z-]+)`", row[1])) == options


@pytest.mark.parametrize("page", [*PAGES, *UNITS], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_shown_can_be_typed(page: Path) -> None:
    """What a page or a unit tells to run names a command and options that exist."""
    text = page.read_text(encoding="utf-8")
    shown = (
        text if page in UNITS else "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    )
    for words in re.findall(r"bluezone-node +([^`|;&)\n]+)", shown):
        path, options = _parsed(words.split())
        assert path, f"{page.name}: bluezone-node {words}"
        known = {option for parameter in path[-1].params for option in parameter.opts}
        assert options <= known | {"--help"}, f"{page.name}: bluezone-node {words}"


def _parsed(words: list[str]) -> tuple[list[click.Command], set[str]]:
    """Return the commands that *words* lead through, and the options after them."""
    path: list[click.Command] = []
    here: click.Command = cli
    for word in words:
        found = (
            here.get_command(click.Context(here), word) if isinstance(here, click.Group) else None
        )
        if found is None:
            break
        path.append(found)
        here = found
    return path, {word for word in words if word.startswith("--")}


def test_the_settings_shown_are_settings() -> None:
    """The example of a config.toml in docs/operate.md is taken as it stands."""
    example = re.search(r"```toml\n(.*?)```", OPERATE, re.DOTALL)
    assert example
    settings = msgspec.convert(tomllib.loads(example[1]), config.Settings)
    assert settings.sources
    assert settings.authority


def test_the_scenario_shown_is_a_scenario() -> None:
    """The room of README.md opens as it stands."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    room = re.search(r"<<'ROOM'\n(.*?)\nROOM\n", readme, re.DOTALL)
    assert room
    assert [device.name for device in scenario.parse_scenario(room[1]).devices] == ["an", "binh"]


def test_the_requests_shown_are_requests() -> None:
    """Every request in docs/protocol.md has the form that the server takes."""
    shown = re.findall(r"^POST (\S+) +(\{.*?\})\n200 ", PROTOCOL, re.MULTILINE | re.DOTALL)
    assert {path for path, _ in shown} == set(REQUESTS)
    for path, body in shown:
        msgspec.json.decode(body, type=REQUESTS[path])


@pytest.mark.parametrize("struct", SCENARIO, ids=lambda struct: str(struct.__name__))
def test_every_key_of_a_scenario_is_in_the_manual(struct: type[msgspec.Struct]) -> None:
    """docs/operate.md has a row for each key; defaults that are numbers are the program's."""
    for field in msgspec.structs.fields(struct):
        row = f"| `{field.name}` |"
        if isinstance(field.default, int | float):
            row += f" `{str(field.default).lower()}` |"
        assert row in OPERATE


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_described_with_its_numbers(name: str) -> None:
    """docs/presets.md has a heading for each preset, and its date."""
    part = PRESETS.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
    assert part, f"there is no heading for {name}"
    assert load_preset(name).date.isoformat() in part


def test_every_refusal_of_an_export_and_of_a_frame_is_explained() -> None:
    """docs/protocol.md names each reason for which a file or a frame is refused."""
    sources = [*(ROOT / "bluezone_node" / "export").glob("*.py")]
    sources.append(ROOT / "bluezone_node" / "ble" / "frame.py")
    reasons = {
        reason
        for source in sources
        for reason in re.findall(r'reason="([a-z0-9_]+)"', source.read_text(encoding="utf-8"))
    }
    assert reasons
    assert not {reason for reason in reasons if f"`{reason}`" not in PROTOCOL}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A relative link names a file that is there, and a heading that is in it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.name} links to {target}"


def _anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub and GitLab make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
