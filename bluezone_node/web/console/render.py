"""Pages become HTML: every value is escaped, and a value that is missing is an error."""

from functools import cache

import jinja2

from bluezone_node.web.console import menu
from bluezone_node.web.console.language import Language
from bluezone_node.web.console.visit import Page, Visit


def render(visit: Visit, page: Page) -> str:
    """Return *page* in the visit's language."""
    return (
        _templates(visit.language)
        .get_template(page.template)
        .render(
            visit=visit,
            sections=menu.sections(visit.session),
            lang=visit.language.name,
            say=visit.wording,
            paths=menu,
            csrf=visit.csrf,
            **page.values | {"errors": _Errors(page.values.get("errors", {}))},
        )
    )


class _Errors(dict[str, str]):
    """What is wrong with each field; nothing with most."""

    def __missing__(self, name: str) -> str:
        return ""


@cache
def _templates(language: Language) -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("bluezone_node.web.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]
        language.gettext, language.ngettext, newstyle=True
    )
    made.policies["ext.i18n.trimmed"] = True
    made.filters.update(
        moment=language.moment,
        clock=language.clock,
        day=language.day,
        number=language.number,
        percent=language.percent,
        duration=language.duration,
    )
    return made
