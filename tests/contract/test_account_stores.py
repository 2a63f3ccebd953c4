"""What the stores of people and of the audit trail promise, whatever they are made of."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bluezone_node.authority.people.audit import ERASED, check, link
from bluezone_node.authority.people.lockout import attempted
from bluezone_node.authority.ports.accounts import OPERATOR, StoredSession, User, UserStore
from bluezone_node.authority.ports.audit import AuditEntry, AuditHead, AuditStore
from bluezone_node.errors import AuthorityRefused
from bluezone_node.store.authority import registry_tables
from bluezone_node.store.authority.accounts import SqlAccounts
from bluezone_node.store.authority.audit import WALK_ROWS, SqlAudit
from tests.kept import HOUR, NOON, SQL, Kept, kept_in
from tests.staff import PASSWORD, MemoryAccounts, MemoryAudit, Staff

AN = User(
    name="an",
    realm="79",
    role="issuer",
    password="$argon2id$",
    password_due=True,
    password_set=NOON,
    totp_secret=b"sealed",
    totp_step=None,
    failures=0,
    locked_until=None,
    disabled=None,
    created=NOON,
)
ADMIN = replace(AN, name="quoc-gia", realm="*", role="admin")
SESSION = StoredSession(b"s" * 32, "an", NOON, NOON, NOON + 12 * HOUR)


@pytest.fixture(params=SQL)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    yield from kept_in(request, tmp_path)


def accounts_of(kept: Kept) -> SqlAccounts:
    return SqlAccounts(kept._open(registry_tables.LAYOUT))


def audit_of(kept: Kept) -> SqlAudit:
    return SqlAudit(kept._open(registry_tables.LAYOUT))


@pytest.fixture(params=["memory", *SQL])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[UserStore]:
    if request.param == "memory":
        yield MemoryAccounts()
    else:
        for kept in kept_in(request, tmp_path):
            yield accounts_of(kept)


@pytest.fixture(params=["memory", *SQL])
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AuditStore]:
    if request.param == "memory":
        yield MemoryAudit()
    else:
        for kept in kept_in(request, tmp_path):
            yield audit_of(kept)


# People


def test_a_user_comes_back_as_kept(people: UserStore) -> None:
    """Every field, those that may be empty too; another name finds nobody."""
    full = replace(
        ADMIN,
        password_due=False,
        totp_step=2**33,
        failures=7,
        locked_until=NOON + HOUR,
        disabled=NOON + 2 * HOUR,
    )
    assert people.add(AN)
    assert people.add(full)
    assert people.user("an") == AN
    assert people.user("quoc-gia") == full
    assert people.user("An") is None


def test_a_taken_name_is_not_overwritten(people: UserStore) -> None:
    """The second is told so."""
    people.add(AN)
    assert not people.add(replace(AN, realm="01"))
    assert people.user("an") == AN


def test_users_are_listed_by_name_and_province(people: UserStore) -> None:
    """In the order of code points, whatever the database's collation."""
    names = ["b", "a-b", "a.b", "ab", "a_b", "a0"]
    for name in names:
        people.add(replace(AN, name=name, realm="01" if name == "ab" else "79"))
    assert [user.name for user in people.users()] == sorted(names)
    assert [user.name for user in people.users("01")] == ["ab"]
    assert people.users("*") == []


def test_a_change_is_what_was_decided(people: UserStore) -> None:
    """And is returned; of nobody, nothing is asked."""
    people.add(AN)
    changed = replace(AN, failures=1)
    assert people.change("an", lambda user: replace(user, failures=user.failures + 1)) == changed
    assert people.user("an") == changed
    assert people.change("nobody", lambda _: pytest.fail("asked")) is None


def test_a_change_and_its_session_are_one(people: UserStore) -> None:
    """Where the decision raises there is neither."""
    people.add(AN)

    def refuse(_: User) -> User:
        raise AuthorityRefused("no", reason="no")

    with pytest.raises(AuthorityRefused):
        people.change("an", refuse, begin=SESSION)
    assert people.session(SESSION.digest) is None
    assert people.change("nobody", refuse, begin=replace(SESSION, user="nobody")) is None
    assert people.session(SESSION.digest) is None
    people.change("an", lambda user: replace(user, totp_step=5), begin=SESSION)
    assert people.session(SESSION.digest) == (SESSION, replace(AN, totp_step=5))


def test_governing_counts_the_other_active_national_admins(people: UserStore) -> None:
    """Those disabled, of a province or of another role are none."""
    people.add(ADMIN)
    people.add(replace(ADMIN, name="b"))
    people.add(replace(ADMIN, name="c", disabled=NOON))
    people.add(replace(ADMIN, name="d", realm="79"))
    people.add(replace(ADMIN, name="e", role="supervisor"))
    counted: dict[str, int] = {}

    def count(user: User, others: int) -> User:
        counted[user.name] = others
        return user

    for name in ("b", "c", "quoc-gia"):
        assert people.govern(name, count) == people.user(name)
    assert counted == {"b": 1, "c": 2, "quoc-gia": 1}
    assert people.govern("nobody", count) is None


def test_governing_ends_the_sessions_of_that_one(people: UserStore) -> None:
    """Where it is refused they go on; others' do in any case."""
    people.add(AN)
    people.add(ADMIN)
    other = replace(SESSION, digest=b"o" * 32, user="quoc-gia")
    people.change("an", lambda user: user, begin=SESSION)
    people.change("quoc-gia", lambda user: user, begin=other)

    def refuse(_: User, __: int) -> User:
        raise AuthorityRefused("no", reason="no")

    with pytest.raises(AuthorityRefused):
        people.govern("an", refuse)
    assert people.session(SESSION.digest) is not None
    people.govern("an", lambda user, _: user)
    assert people.session(SESSION.digest) is None
    assert people.session(other.digest) is not None


def test_a_session_is_seen_later_and_never_earlier(people: UserStore) -> None:
    """Two requests may be written down in the wrong order."""
    people.add(AN)
    people.change("an", lambda user: user, begin=SESSION)
    for minutes, seen in ((5, 5), (3, 5), (6, 6)):
        people.touch(SESSION.digest, NOON + minutes * HOUR / 60)
        found = people.session(SESSION.digest)
        assert found is not None
        assert found[0] == replace(SESSION, seen=NOON + seen * HOUR / 60)
    people.touch(b"x" * 32, NOON)


def test_sessions_end_alone_or_together(people: UserStore) -> None:
    """All of a user, all but one, or one."""
    people.add(AN)
    people.add(ADMIN)
    digests = [bytes([n]) * 32 for n in range(5)]
    for digest in digests:
        user = "quoc-gia" if digest == digests[4] else "an"
        people.change(user, lambda user: user, begin=replace(SESSION, digest=digest, user=user))
    people.end_session(digests[0])
    people.end_session(digests[0])
    assert people.end_sessions("an", but=digests[1]) == 2
    assert [people.session(digest) is not None for digest in digests] == [
        False,
        True,
        False,
        False,
        True,
    ]
    assert people.end_sessions("an") == 1
    assert people.end_sessions("an") == 0


def test_sessions_that_are_over_are_forgotten(people: UserStore) -> None:
    """At the instant of their end, and not before."""
    people.add(AN)
    for number, (seen, expires) in enumerate(((0, 12), (1, 12), (2, 3), (2, 12))):
        session = StoredSession(
            bytes([number]) * 32, "an", NOON, NOON + seen * HOUR, NOON + expires * HOUR
        )
        people.change("an", lambda user: user, begin=session)
    assert people.forget_sessions(NOON + 3 * HOUR, NOON + HOUR) == 3
    assert people.session(bytes([3]) * 32) is not None


def test_racing_wrong_attempts_are_all_counted(kept: Kept) -> None:
    """Two processes at once: none is lost, and the lock comes with the fifth."""
    here, there = accounts_of(kept), accounts_of(kept)
    here.add(AN)
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(
            lambda store: store.change("an", lambda user: attempted(user, NOON)), [here, there] * 7
        )
        assert sorted(user.failures for user in done if user) == list(range(1, 15))
    user = there.user("an")
    assert user is not None
    assert (user.failures, user.locked_until) == (14, NOON + HOUR / 2)


def test_of_two_racing_sign_ins_with_one_code_one_gets_in(kept: Kept) -> None:
    """Through two processes of their own, at the same moment."""
    first = Staff(people=accounts_of(kept))
    second = Staff(
        clock=first.clock, people=accounts_of(kept), entropy=lambda n: b"second" + bytes(n - 6)
    )
    enrolment = first.add()
    first.settle(enrolment)
    first.pass_time(seconds=30)
    code = first.code(enrolment)

    def try_it(staff: Staff) -> str:
        try:
            staff.accounts.sign_in("an", PASSWORD, code)
        except AuthorityRefused as refused:
            return refused.reason
        return "in"

    with ThreadPoolExecutor(4) as pool:
        ends = sorted(pool.map(try_it, [first, second] * 2))
    assert ends == ["in", *["sign_in_refused"] * 3]


@pytest.mark.parametrize("name", ["\0", "an\0", "\udcff", "x" * 100_000, "'; DROP TABLE users; --"])
def test_no_name_is_too_strange_to_be_wrong(kept: Kept, name: str) -> None:
    """Whatever is typed is nobody's name; the database is not asked what it cannot answer."""
    staff = Staff(people=accounts_of(kept))
    staff.add()
    for act in (
        lambda: staff.accounts.sign_in(name, PASSWORD, "123456"),
        lambda: staff.accounts.disable(OPERATOR, name),
        lambda: staff.accounts.unlock(OPERATOR, name),
        lambda: staff.accounts.reset(OPERATOR, name),
        lambda: staff.accounts.set_role(OPERATOR, name, "issuer", "79"),
        lambda: staff.add(name),
    ):
        with pytest.raises(AuthorityRefused):
            act()
    assert [user.name for user in staff.accounts.users(OPERATOR)] == ["an"]


def test_two_admins_cannot_disable_each_other(kept: Kept) -> None:
    """Whoever is second is the last."""
    here, there = accounts_of(kept), accounts_of(kept)
    here.add(ADMIN)
    here.add(replace(ADMIN, name="b"))

    def disable(user: User, others: int) -> User:
        return replace(user, disabled=NOON) if others else user

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda s, n: s.govern(n, disable), [here, there], ["quoc-gia", "b"]))
    assert sum(user.disabled is None for user in here.users()) == 1


# The audit trail


def linked(at: datetime = NOON, action: str = "done") -> Callable[[AuditHead | None], AuditEntry]:
    return lambda last: link(last, at, "an", "79", action, "", '{"n":1}')


def test_entries_come_back_as_appended(trail: AuditStore) -> None:
    """To the byte: what is read makes the same hash. Newest first, or oldest first when walked."""
    text = '{"a":"Đà Nẵng \\"%\\"","b":1}'
    first = trail.append(lambda last: link(last, NOON, "", "*", "user_added", "an", text))
    second = trail.append(linked())
    assert trail.entries() == [second, first]
    assert list(trail.walk()) == [first, second]
    assert trail.head() == second.head
    assert trail.oldest() == NOON
    assert check(trail.walk()).intact


def test_an_empty_trail_has_nothing(trail: AuditStore) -> None:
    """No head, no oldest, nothing to forget."""
    assert trail.head() is None
    assert trail.oldest() is None
    assert trail.entries() == []
    assert list(trail.walk()) == []
    assert trail.newest("done") is None
    assert trail.forget(NOON, lambda _, __: pytest.fail("asked")) == 0


def test_entries_are_had_a_page_at_a_time(trail: AuditStore) -> None:
    """Of one province, below a number, so many."""
    for number in range(1, 8):
        realm = "01" if number % 2 else "79"
        trail.append(
            lambda last, realm=realm: link(last, NOON, "an", realm, "done", "", "{}")  # type: ignore[misc]
        )

    def pages(*given: object) -> list[int]:
        return [entry.sequence for entry in trail.entries(*given)]  # type: ignore[arg-type]

    assert pages(None, 3) == [7, 6, 5]
    assert pages(None, 3, 5) == [4, 3, 2]
    assert pages("01", 10, 5) == [3, 1]
    assert pages("99") == []


def test_a_failing_link_leaves_no_gap(trail: AuditStore) -> None:
    """The next one has the number that this one would have had."""
    trail.append(linked())

    def fail(_: AuditHead | None) -> AuditEntry:
        raise AuthorityRefused("no", reason="no")

    with pytest.raises(AuthorityRefused):
        trail.append(fail)
    assert trail.append(linked()).sequence == 2


def test_the_oldest_are_forgotten_and_vouched_for(trail: AuditStore) -> None:
    """Up to the first that must stay, also where the clock was set back in between."""
    for hours in (0, 1, 5, 2, 6):
        trail.append(linked(NOON + hours * HOUR))
    told: list[tuple[AuditHead, AuditHead]] = []

    def erased(last: AuditHead, upto: AuditHead) -> AuditEntry:
        told.append((last, upto))
        return link(last, NOON + 9 * HOUR, "", "*", ERASED, "", "{}")

    before = list(trail.walk())
    assert trail.forget(NOON + 4 * HOUR, erased) == 2
    assert told == [(before[4].head, before[1].head)]
    assert [entry.sequence for entry in trail.walk()] == [3, 4, 5, 6]
    newest = trail.newest(ERASED)
    assert newest is not None
    assert newest.sequence == 6
    assert check(trail.walk(), before[1].head).intact
    assert trail.forget(NOON + 4 * HOUR, erased) == 0
    assert trail.forget(NOON + 99 * HOUR, erased) == 3
    assert [entry.sequence for entry in trail.walk()] == [6, 7]


def test_racing_entries_have_numbers_without_gaps(kept: Kept) -> None:
    """Two processes at once: each follows from the one before it."""
    here, there = audit_of(kept), audit_of(kept)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda store: store.append(linked()), [here, there] * 12))
    assert sorted(entry.sequence for entry in made) == list(range(1, 25))
    verdict = check(there.walk())
    assert verdict.intact
    assert verdict.entries == 24


def test_a_long_trail_is_walked_in_pieces(kept: Kept) -> None:
    """Nothing is left out or told twice where one piece ends."""
    store = audit_of(kept)
    entries = [link(None, NOON, "an", "79", "done", "", "{}")]
    while len(entries) < 2 * WALK_ROWS:
        entries.append(link(entries[-1].head, NOON, "an", "79", "done", "", "{}"))
    columns = registry_tables.audit.c.keys()
    with store._engine.begin() as db:
        db.execute(
            registry_tables.audit.insert(),
            [
                dict(zip(columns, (getattr(e, s) for s in AuditEntry.__slots__), strict=True))
                for e in entries
            ],
        )
    assert check(store.walk()) == check(entries)
    assert check(entries).entries == 2 * WALK_ROWS


def test_tampering_in_the_database_is_found(kept: Kept) -> None:
    """By statements that the program never makes, as whoever owns the database could."""
    for number, (statement, broken) in enumerate(
        (
            ("UPDATE audit SET actor = 'binh' WHERE sequence = 2", 2),
            ("UPDATE audit SET detail = '{\"n\": 1}' WHERE sequence = 3", 3),
            ("UPDATE audit SET at = at + 1 WHERE sequence = 4", 4),
            ("UPDATE audit SET at = 99999999999999999 WHERE sequence = 1", 1),
            ("DELETE FROM audit WHERE sequence = 2", 2),
            ("DELETE FROM audit WHERE sequence = 4", 4),
        )
    ):
        store = audit_of(kept)
        with store._engine.begin() as db:
            db.exec_driver_sql("DELETE FROM audit")
        for _ in range(4):
            last = store.append(linked())
        with store._engine.begin() as db:
            db.exec_driver_sql(statement)
        staff = Staff(entries=store, keep=timedelta(days=30))
        assert staff.trail.verify(last.head).broken == broken, number
