"""The console's words for what the services name by machine words."""

import re
from collections.abc import Mapping

from bluezone_node.authority.ports.accounts import ADMIN, EVERYWHERE, ISSUER, SUPERVISOR
from bluezone_node.errors import Refused
from bluezone_node.web.console.language import Language

_HANDLE = re.compile("[0-9a-f]{32}")

Realms = Mapping[str, Mapping[str, str]]
"""The names of each province, by language."""


class Wording:
    """One language's words for roles, provinces, kinds of tests, actions and refusals."""

    def __init__(self, language: Language, realms: Realms) -> None:
        self._language = language
        self._realms = realms
        _ = language.gettext
        self.sections = {
            "codes": _("Issue a code"),
            "find": _("Find a code"),
            "bulk": _("Many codes"),
            "funnel": _("Figures"),
            "exports": _("Exports"),
            "users": _("People"),
            "audit": _("Audit trail"),
            "account": _("My account"),
        }
        self.roles = {
            ISSUER: _("Issuer"),
            SUPERVISOR: _("Supervisor"),
            ADMIN: _("Administrator"),
        }
        self.test_types = {
            "confirmed": _("Confirmed: positive test"),
            "likely": _("Likely: judged by a clinician"),
            "negative": _("Negative: takes back an earlier report"),
            "user-report": _("Self-test, reported by the person"),
        }
        self.kinds = {"short": _("Short code"), "long": _("Link by text message")}
        self.states = {
            "open": _("Not used yet"),
            "claimed": _("Used"),
            "expired": _("Expired"),
            "revoked": _("Revoked"),
        }
        self.events = {
            "codes_issued": _("Codes issued"),
            "codes_claimed": _("Codes used"),
            "certificates": _("Certificates"),
            "uploads": _("People who published"),
            "keys": _("Keys published"),
        }
        self.key_states = {
            "next": _("signs already, takes over later"),
            "signing": _("signs"),
            "retiring": _("signs no more"),
        }
        self.export_problems = {
            "files_missing": _("Files are missing that should be on offer."),
            "index_wrong": _("The index and the files do not agree."),
            "late": _("An export is late."),
            "busy": _("Another exporter is at work on the same database."),
            "clock_behind": _(
                "The server's clock was set back, or was ahead: nothing is exported."
            ),
            "clock_ahead": _("The server's clock may be far ahead: nothing is exported."),
        }
        self.actions = {
            "audit_erased": _("Entries erased, their time being over"),
            "code_issued": _("Code issued"),
            "codes_issued": _("Many codes issued"),
            "key_rotated": _("Signing key rotated"),
            "password_changed": _("Password changed"),
            "code_reissued": _("Code issued again"),
            "restored": _("Restored from a backup"),
            "code_revoked": _("Code revoked"),
            "sign_in": _("Signed in"),
            "user_added": _("Person added"),
            "user_disabled": _("Person disabled"),
            "user_enabled": _("Person enabled"),
            "user_locked": _("Name locked after wrong attempts"),
            "user_reset": _("Password and authenticator renewed"),
            "user_role": _("Role or province changed"),
            "user_unlocked": _("Person unlocked"),
        }
        self._details = {
            "failures": _("wrong attempts: %(value)s"),
            "hash": _("seal: %(value)s"),
            "key": _("key: %(value)s"),
            "minutes": _("minutes: %(value)s"),
            "new": _("new reference number: %(value)s"),
            "realm": _("province: %(value)s"),
            "rejected": _("rejected: %(value)s"),
            "role": _("role: %(value)s"),
            "rows": _("lines: %(value)s"),
            "taken": _("backup of: %(value)s"),
            "up_to": _("up to No. %(value)s"),
        }
        self._refusals = {
            "foreign_form": _(
                "The form was sent from another site, so nothing was done. Open the page anew."
            ),
            "stale_form": _(
                "The form is from an earlier session, or your browser keeps no cookies of this "
                "page (it needs https). Nothing was done. Open the page anew."
            ),
            "unparsable": _("The form could not be read, so nothing was done."),
            "request_timeout": _("The form did not arrive in time, so nothing was done."),
            # Signing in, and passwords
            "sign_in_refused": _(
                "Name, password or one-time code is not right. Each one-time code is good once: "
                "wait for the next."
            ),
            "locked": _(
                "Too many wrong attempts: this name is locked for a while. "
                "An administrator can unlock it."
            ),
            "password_expired": _(
                "The first password was not used within 72 hours. Ask an administrator for another."
            ),
            "too_many_attempts": _("Too many wrong attempts from your network. Try again later."),
            "busy": _("Too many are signing in at this moment. Try again in a few seconds."),
            "signed_out": _("You are signed out. Sign in again."),
            "password_unchanged": _("The new password is the old one."),
            "password_length": _("A password must have 12 to 128 characters."),
            "password_known": _(
                "This password is one of the first that a guesser tries. Take no name, "
                "no well-known word and no row of digits."
            ),
            # Codes
            "forbidden": _("You may not do this. Ask a supervisor or an administrator."),
            "invalid_test_type": _("Choose one of the results."),
            "invalid_date": _("This day is in the future, or too long ago, or no date."),
            "invalid_phone": _(
                "No message can be sent to this number. Write it as 0901234567, "
                "or with + and the country code."
            ),
            "unknown_realm": _("Choose a province that you may work for."),
            "quota_exceeded": _(
                "Your province would issue more codes than it may today. Nothing was issued."
            ),
            "too_many_requests": _(
                "Your province issues too many codes at a time. Try again in a minute."
            ),
            "sms_disabled": _("Messages are not set up on this server. Give a short code."),
            "sms_failure": _(
                "The message could not be sent, and its code is void. Try again, or give a "
                "short code."
            ),
            "code_not_found": _("There is no such code in your province."),
            "code_claimed": _("The code has been used by its holder: it cannot be taken back."),
            "code_revoked": _("The code was taken back already."),
            # Files
            "file_too_large": _(
                "The file has more than 10,000 lines or 4 MB. Nothing was issued; split it."
            ),
            "file_encoding": _(
                "The file is neither UTF-8 nor UTF-16. Nothing was issued; save it as “CSV UTF-8”."
            ),
            "file_columns": _(
                "The first line must name the columns test_type, test_date, symptom_date and "
                "phone, each at most once and no others. Nothing was issued."
            ),
            "file_malformed": _(
                "The file is no CSV: a quotation mark is not closed. Nothing was issued."
            ),
            "file_empty": _("There are no lines below the first one."),
            "file_repeated": _(
                "The same file was taken within the last day. Nothing was issued this time."
            ),
            "row_failed": _(
                "The server failed in the middle; the message may have been sent. "
                "Ask before you send this line again."
            ),
            "row_too_long": _("A cell of the line stands under no heading."),
            # People
            "not_allowed": _("Your role does not allow this."),
            "invalid_name": _(
                "A name has 2 to 32 small letters a to z, digits, dots and dashes, "
                "and begins with a letter or a digit."
            ),
            "name_taken": _("There is somebody of that name already."),
            "invalid_role": _("Choose a role."),
            "unknown_user": _("There is no such person in your province."),
            "own_account": _("Nobody manages their own account. Ask another administrator."),
            "last_admin": _("This is the last administrator for the whole country."),
            # The trail
            "bad_head": _("This is no number of an entry, colon and 64 digits or letters a to f."),
            "head_too_old": _("That entry was erased when its time was over; give a later one."),
        }

    def realm(self, realm: str) -> str:
        """Return the name of a province."""
        if realm == EVERYWHERE:
            return self._language.gettext("All provinces")
        if realm in self._realms:
            return self._language.among(self._realms[realm])
        return realm or self._language.gettext("Province not known")

    def role(self, role: str) -> str:
        return self.roles.get(role, role)

    def action(self, action: str) -> str:
        """Return the words for an action of the audit trail; itself where there are none yet."""
        return self.actions.get(action, action)

    def detail(self, name: str, value: str | int) -> str:
        """Return one detail of an entry of the audit trail."""
        if name == "realm":
            value = self.realm(str(value))
        elif name == "role":
            value = self.role(str(value))
        return self._details.get(name, f"{name}: %(value)s") % {"value": value}

    def refusal(self, error: Refused) -> str:
        """Return why a service refused: in this language where we have words, else in its own."""
        return self.reason(error.reason, str(error))

    def reason(self, reason: str, sentence: str = "") -> str:
        """Return the words for *reason*; *sentence* where there are none."""
        return self._refusals.get(reason, sentence)

    @staticmethod
    def is_handle(subject: str) -> bool:
        """Tell whether the subject of an entry is a code's handle."""
        return _HANDLE.fullmatch(subject) is not None
