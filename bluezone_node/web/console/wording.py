"""The console's words for what the services name by machine words."""

import re
from collections.abc import Mapping

from bluezone_node.authority.ports.accounts import ADMIN, EVERYWHERE, ISSUER, SUPERVISOR
from bluezone_node.authority.ports.notices import Evidence
from bluezone_node.errors import Refused
from bluezone_node.venues.kinds import RULES, VenueKind
from bluezone_node.web.console.language import Language

CONTACT_MINUTES = 15
"""Near somebody within a day makes a contact, by most authorities' word of 2021 (WHO, CDC)."""

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
            "places": _("Places"),
            "funnel": _("Figures"),
            "exports": _("Exports"),
            "notices": _("Outbreak notices"),
            "proposals": _("Proposals of kiosks"),
            "warrants": _("Warrants"),
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
        self.notice_states = {
            "waiting": _("Waits for a supervisor"),
            "pending": _("Goes out"),
            "published": _("Published"),
            "retracted": _("Retracted"),
            "expired": _("Over"),
        }
        self.warrant_states = {
            "requested": _("Waits for the second signature"),
            "approved": _("The place is asked"),
            "answered": _("Answered"),
            "expired": _("Expired"),
        }
        self.levels = {1: _("For information"), 2: _("Watch one's health"), 3: _("Contact (F1)")}
        self.advice = {
            0: _("Nothing special"),
            1: _("Watch one's health"),
            2: _("Get tested"),
            3: _("Stay at home and call"),
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
        self.venue_states = {
            "claimed": _("Waits for a decision"),
            "approved": _("Approved"),
            "rejected": _("Rejected"),
            "closed": _("Closed"),
        }
        self.venue_marks = {
            "claimed": "due",
            "approved": "fine",
            "rejected": "bad",
            "closed": "revoked",
        }
        self.actions = {
            "kiosk_issued": _("File of a kiosk written"),
            "kiosk_revoked": _("Kiosk revoked"),
            "trust_added": _("Somebody else's key trusted"),
            "trust_revoked": _("Key trusted no more"),
            "communes_imported": _("List of communes imported"),
            "venue_approved": _("Place approved"),
            "venue_claimed": _("Place claimed by its owner"),
            "venue_closed": _("Place closed"),
            "venue_registered": _("Place registered"),
            "venue_rejected": _("Place rejected"),
            "venue_edited": _("What is said of a place changed"),
            "venue_rotated": _("New cards for a place"),
            "venues_imported": _("Many places registered"),
            "audit_erased": _("Entries erased, their time being over"),
            "code_issued": _("Code issued"),
            "codes_issued": _("Many codes issued"),
            "key_rotated": _("Signing key rotated"),
            "breaker_off": _("Alerts let go on"),
            "breaker_on": _("All alerts stopped"),
            "notice_asked": _("Notice handed to a supervisor"),
            "notice_issued": _("Notice issued"),
            "notice_released": _("Notice released"),
            "notice_retracted": _("Notice retracted"),
            "notice_updated": _("Notice changed"),
            "proposal_dismissed": _("Proposal put aside"),
            "warrant_requested": _("Warrant requested"),
            "warrant_approved": _("Warrant approved"),
            "warrant_answered": _("Warrant answered by the place"),
            "warrant_read": _("Names of a warrant read"),
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
        self._venue_facts = {
            "name": _("Name of the place"),
            "kind": _("Kind of place"),
            "commune": _("Commune or ward"),
            "edition": _("List of communes"),
            "address": _("Address"),
            "opens": _("Opens at"),
            "closes": _("Closes at"),
            "stay_minutes": _("Usual stay"),
            "flags": _("Marks of its cards"),
            "rooms": _("Rooms"),
            "contact": _("Telephone of who answers for it"),
        }
        self._details = {
            "at_once": _("at once: %(value)s"),
            "cards": _("cards: %(value)s"),
            "number": _("number: %(value)s"),
            "facts": _("changed: %(value)s"),
            "failures": _("wrong attempts: %(value)s"),
            "hash": _("seal: %(value)s"),
            "key": _("key: %(value)s"),
            "level": _("level: %(value)s"),
            "minutes": _("minutes: %(value)s"),
            "new": _("new reference number: %(value)s"),
            "purpose": _("for: %(value)s"),
            "realm": _("province: %(value)s"),
            "reason": _("because: %(value)s"),
            "rejected": _("rejected: %(value)s"),
            "replaces": _("in the place of No. %(value)s"),
            "role": _("role: %(value)s"),
            "rows": _("lines: %(value)s"),
            "taken": _("backup of: %(value)s"),
            "up_to": _("up to No. %(value)s"),
            "venue": _("place: %(value)s"),
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
            # Notices of places
            "notice_window": _(
                "The time must end after it begins, and last 24 hours at most with the air's."
            ),
            "notice_future": _("The case must have left: this time is still to come."),
            "notice_too_old": _("This is more than 21 days ago: no device remembers it."),
            "notice_tail": _("The air counts for 0 to 180 minutes afterwards."),
            "notice_overlap": _("Say 0 to 240 minutes."),
            "notice_phone": _("A telephone number has digits, and a + at most."),
            "notice_text": _("What is added must be one line of at most 400 bytes."),
            "dual_control": _(
                "The place is under dual control: it must agree to the notice, which this version "
                "cannot take. Warn its people through the place itself."
            ),
            "no_card": _("The place had no code there at that time: nobody has checked in."),
            "notice_retracted": _("The notice was retracted already."),
            "notice_released": _("The notice has been released."),
            "notice_expired": _("The notice is over."),
            "breaker_reason": _("Say why, in one line."),
            "breaker_same": _("Somebody was quicker: look how the breaker stands now."),
            "proposal_decided": _("Somebody has decided about this proposal."),
            "dismissal_reason": _("Say why, in 1 to 200 characters."),
            # Places
            "venue_known": _("A place of that name and address is registered already."),
            "venue_decided": _("Somebody has decided about this place already."),
            "venue_not_approved": _("The place is not approved, or closed: it has no cards."),
            "venue_not_found": _("There is no such place in your province."),
            "venue_changed": _(
                "Somebody else has just changed the place, or given it new cards. Nothing was "
                "done. Look at it again."
            ),
            "venue_kind": _("Choose what kind of place it is."),
            "venue_commune": _("The number of the commune has up to five digits."),
            "commune_ambiguous": _("Several communes are called that."),
            "commune_unknown": _("There is no such commune or ward in the province."),
            "venue_hours": _("Give both times, opening and closing, or neither."),
            "venue_stay": _("A usual stay is of 15 minutes to nearly a day."),
            "venue_rooms": _("At most 50 rooms, each with a name of its own."),
            "venue_ambiguous": _(
                "Several places are called that: use the six characters on the poster."
            ),
            "text_malformed": _(
                "Name, address or a room is too long, or has characters that cannot be seen."
            ),
            "room_not_found": _("The place has no room of that name."),
            "no_card_key": _("The server's key for cards is over. Tell who runs the server."),
            "poster_letters": _(
                "The name, a room or the address has letters that the server's font cannot set. "
                "Have it registered in Vietnamese letters."
            ),
            "no_posters": _(
                "None of these places has a poster: they wait for a decision, or are closed."
            ),
            "too_many_posters": _(
                "These are more than 200 posters. Look for fewer places, by commune or by a word "
                "of their name; who runs the server can print them all."
            ),
            "posters_busy": _("Posters are being made for somebody: try again in a few seconds."),
            "no_font": _("The server has no font to print posters with. Tell who runs it."),
            "kiosk_exists": _(
                "That room has a kiosk, and the key of its register is in its file alone. "
                "If it is lost, revoke the kiosk first."
            ),
            "kiosk_not_found": _("That room has no kiosk."),
            "claim_code_wrong": _("The code is not the one that was sent. Look at the message."),
            "claim_over": _(
                "The code is not good any more: it has expired, or was wrong too often. Register "
                "the place once more, and another code will be sent."
            ),
            "file_rows": _("The file has another number of lines than was told."),
            "row_repeated": _("The same place stands in an earlier line."),
            "venue_edition": _("The list of communes is 1 or 2."),
            # Warrants
            "no_file": _("Choose a file."),
            "cbor_malformed": _("This file is none that was signed or sent for a warrant."),
            "cose_malformed": _(
                "This file was signed by nobody. Sign it, and send what was written."
            ),
            "warrant_malformed": _("What was signed is no warrant."),
            "warrant_signatures": _(
                "It is not signed by somebody who may do this step. The key must stand on the "
                "trust list, and must not be the one that signed before."
            ),
            "warrant_elsewhere": _("It is signed for another place, or in another province."),
            "warrant_expired": _("The time of the warrant is over. Ask for another."),
            "warrant_not_yet": _("The warrant is dated in the future: look at the clocks."),
            "warrant_window": _("A warrant is for up to 24 hours of visits."),
            "warrant_life": _("A warrant lives for up to 72 hours."),
            "warrant_ahead": _("A register is opened for time that is over, not for time to come."),
            "warrant_too_old": _(
                "This is more than 21 days ago: the keys are destroyed, and nobody can read it."
            ),
            "warrant_known": _("This request is here already: look for it in the list."),
            "warrant_approved": _("Somebody has approved it already."),
            "warrant_unapproved": _("It is not approved yet: a second person has to."),
            "same_person": _("You have asked for this warrant, so another supervisor approves it."),
            "warrant_reader": _("The names are read by the person who asked for the warrant."),
            "warrant_purpose": _("Say what the names are needed for, in 1 to 200 characters."),
            "warrant_unanswered": _("The place has not answered yet."),
            "warrant_over": _("What the place sent was erased, its time being over."),
            "venue_unknown": _("There is no such place in your province."),
            "rows_malformed": _("This file is no kiosk's answer."),
            "rows_outside": _("This answer is for another time than the warrant's."),
            "answer_elsewhere": _("This is the answer to another warrant."),
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
        elif name == "facts":
            words = (self._venue_facts.get(each, each) for each in str(value).split(", "))
            value = ", ".join(words)
        return self._details.get(name, f"{name}: %(value)s") % {"value": value}

    def kind_of_place(self, kind: int) -> str:
        """Return what a kind of place is called."""
        rule = RULES[VenueKind(kind)]
        return rule.name_vi if self._language.name == "vi" else rule.name_en

    def evidence(self, evidence: Evidence) -> list[str]:
        """Return what a kiosk says, in sentences."""
        lang = self._language
        told = [
            lang.gettext(
                "Somebody who has since reported a positive test was near the kiosk for %(time)s."
            )
            % {"time": lang.duration(evidence.minutes * 60)},
            lang.gettext("So long counts for a contact: it is %(num)d minutes or more.")
            % {"num": CONTACT_MINUTES}
            if evidence.minutes >= CONTACT_MINUTES
            else lang.gettext(
                "That is less than the %(num)d minutes that count for a contact: perhaps they "
                "only passed by."
            )
            % {"num": CONTACT_MINUTES},
            lang.ngettext(
                "The radio heard %(num)d key that has been published since: one person on one day.",
                "The radio heard %(num)d keys that have been published since: as many people, or "
                "fewer on several days.",
                evidence.keys,
            )
            % {"num": evidence.keys},
        ]
        packets = {"num": lang.number(evidence.packets)}
        if evidence.expected_packets:
            packets["all"] = lang.number(evidence.expected_packets)
            told.append(
                lang.gettext(
                    "%(num)s packets were heard, of some %(all)s from who stands there all along."
                )
                % packets
            )
        else:
            told.append(lang.gettext("%(num)s packets were heard.") % packets)
        if evidence.confidence is not None:
            told.append(
                lang.gettext("The kiosk is %(share)s sure.")
                % {"share": lang.percent(evidence.confidence)}
            )
        return told

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
