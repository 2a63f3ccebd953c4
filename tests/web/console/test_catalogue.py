"""Every sentence of the console is there in Vietnamese, and no translation is left over."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bluezone_node import authority
from bluezone_node.web import console
from bluezone_node.web.console.language import languages
from bluezone_node.web.console.wording import Wording

FOLDER = Path(console.__file__).parent
Message = str | tuple[str, ...]


def _used() -> set[Message]:
    found = extract_from_dir(
        FOLDER,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")],
        options_map={"templates/**.html": {"trimmed": "true", "silent": "false"}},
        keywords={"_": None, "gettext": None, "ngettext": (1, 2)},
    )
    return {message for _, _, message, _, _ in found}


def _translated() -> dict[Message, Message]:
    with (FOLDER / "locale" / "vi.po").open("rb") as file:
        catalogue = read_po(file, locale="vi", abort_invalid=True)
    assert not [message.id for message in catalogue if message.fuzzy and message.id]
    return {message.id: message.string for message in catalogue if message.id}


def test_each_sentence_has_its_translation_and_no_other_has() -> None:
    """What is missing is printed as vi.po wants it."""
    used, translated = _used(), _translated()
    assert len(used) > 200
    missing = sorted(map(str, used - {key for key, text in translated.items() if any(text)}))
    assert not missing, "\n".join(f'msgid "{text}"\nmsgstr ""\n' for text in missing)
    assert not sorted(map(str, translated.keys() - used)), "no page says these any more"


def test_translations_fill_in_the_same_values() -> None:
    """A placeholder that is missing or misspelt would be an error on a page."""
    for source, target in _translated().items():
        texts = (source,) if isinstance(source, str) else source
        wanted = set(re.findall(r"%\(\w+\)[sd]", " ".join(texts)))
        words = target if isinstance(target, str) else " ".join(target)
        assert set(re.findall(r"%\(\w+\)[sd]", words)) == wanted, source
        assert sorted(re.findall(r"</?\w+>", words)) == sorted(re.findall(r"</?\w+>", texts[0])), (
            source
        )


@pytest.mark.parametrize(
    ("name", "seconds", "words"),
    [
        ("vi", 59, "0 phút"),
        ("vi", 3600, "1 giờ"),
        ("en", 3600, "1 hour"),
        ("en", 60, "1 minute"),
        ("en", 180_000, "2 days"),
    ],
)
def test_lengths_of_time(name: str, seconds: float, words: str) -> None:
    """In their largest unit, in the singular where the language has one."""
    assert languages()[name].duration(seconds) == words


UNSEEN = {
    # The page goes to the code that is there already.
    "uuid_already_exists",
    # There is no such page.
    *("notice_not_found", "proposal_not_found", "warrant_unknown"),
    # Kiosks are told, or whoever runs the server.
    *("proposal_invalid", "proposal_taken", "unauthorized", "key_not_new"),
    # They are counted.
    "row_unreadable",
}
"""Reasons that nobody meets on a page."""


def test_every_refusal_and_every_action_has_words() -> None:
    """What the services behind the console refuse with, and what they write down."""
    said = Wording(languages()["en"], {})
    folder = Path(authority.__file__).parent
    rooms = (
        *("people/*.py", "registrar/*.py", "places/*.py"),
        *("sheets.py", "phones.py", "limits.py"),
    )
    modules = [module for room in rooms for module in folder.glob(room)]
    # Codes are redeemed by devices, not at the desk.
    source = "".join(
        module.read_text(encoding="utf-8") for module in modules if module.stem != "verification"
    )
    reasons = set(re.findall(r'reason="(\w+)"', source))
    assert {"sign_in_refused", "quota_exceeded", "file_columns", "last_admin"} <= reasons
    assert sorted(name for name in reasons - UNSEEN if not said.reason(name)) == []
    pattern = r'(?:record|_record|_govern)\(\s*[\w.]+,\s*(?:name,\s*)?"(\w+)"'
    actions = set(re.findall(pattern, source))
    assert {"code_issued", "user_added", "sign_in"} <= actions
    assert actions <= said.actions.keys()
