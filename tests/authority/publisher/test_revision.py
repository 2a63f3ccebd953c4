"""Revision tokens."""

from base64 import b64decode, b64encode

from hypothesis import given
from hypothesis import strategies as st

from bluezone_node.authority.publisher.revision import TokenKey, read_token, write_token
from tests.authorities import seeded

SECRET = b"r" * 32

token_keys = st.lists(
    st.builds(
        TokenKey,
        st.binary(min_size=16, max_size=16).filter(any),
        st.integers(0, 2**32 - 1),
        st.integers(0, 144),
    ),
    max_size=60,
    unique_by=lambda entry: entry.key,
)


@given(token_keys)
def test_a_token_gives_back_its_keys(keys: list[TokenKey]) -> None:
    """Writing and reading are inverse."""
    assert list(read_token(write_token(keys, SECRET, seeded()), SECRET).values()) == keys


@given(st.integers(0, 28))
def test_its_length_hides_the_number_of_keys(count: int) -> None:
    """Up to two weeks with two keys a day all look alike."""
    keys = [TokenKey(bytes([n + 1]) * 16, n, 144) for n in range(count)]
    empty = write_token([], SECRET, seeded())
    assert len(write_token(keys, SECRET, seeded())) == len(empty)


@given(st.text(max_size=60), st.binary(max_size=90), st.integers(0, 600))
def test_what_is_not_ours_holds_nothing(text: str, data: bytes, position: int) -> None:
    """Neither nonsense, nor another publisher's, nor one with a single bit changed."""
    ours = write_token([TokenKey(b"k" * 16, 1, 144)], SECRET, seeded())
    raw = bytearray(b64decode(ours))
    raw[position % len(raw)] ^= 1
    changed = b64encode(raw).decode()
    for bad in (text, b64encode(b"\x01" + data).decode(), changed, ours[:-4]):
        assert read_token(bad, SECRET) == {}
    assert read_token(ours, b"x" * 32) == {}
