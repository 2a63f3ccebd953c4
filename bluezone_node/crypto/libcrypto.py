"""HKDF-SHA256 and AES-128-ECB for many keys at once, through the libcrypto Python itself uses.

Matching spends its time here: one HKDF and 144 AES blocks for each published key, of which a
country publishes a million.  Through one Python object per key that is 14 µs; ctypes calls
mapped over prepared pointers take 2 to 3, with nothing to compile on the device.

``dlsym`` on Python's own ``_hashlib`` finds libcrypto's symbols through its dependency, so no
library is searched for and no second version of OpenSSL is loaded.  ``PyDLL`` keeps the GIL: the
calls are shorter than letting it go.  Every symbol is looked for before any is used, and whoever
builds on this must be ready to do without (``LibcryptoUnusable``).
"""

import ctypes
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KEY_BYTES = 16
_CONTEXT_WORDS = 28
"""Size of OpenSSL's SHA256_CTX in 32-bit words; the first eight are the chaining state."""
_END_OF_MESSAGE = 0x80000000
"""SHA-256's padding: one set bit, zeros, and the length in bits in the last word (FIPS 180-4)."""
_INNER = 0x36363636
_OUTER = 0x5C5C5C5C
"""HMAC's two masks (RFC 2104)."""


class LibcryptoUnusable(Exception):
    """The libcrypto of this Python cannot be called directly, or a call of it failed."""


class _Libcrypto:
    """The functions needed, with their return types; arguments are prepared by the caller."""

    def __init__(self, library: ctypes.PyDLL) -> None:
        try:
            self.sha256_init = _returning(library["SHA256_Init"], ctypes.c_int)
            self.sha256_transform = _returning(library["SHA256_Transform"], None)
            self.aes_128_ecb = _returning(library["EVP_aes_128_ecb"], ctypes.c_void_p)
            self.new_context = _returning(library["EVP_CIPHER_CTX_new"], ctypes.c_void_p)
            self.free_context = _returning(library["EVP_CIPHER_CTX_free"], None)
            self.set_padding = _returning(library["EVP_CIPHER_CTX_set_padding"], ctypes.c_int)
            self.encrypt_init = _returning(library["EVP_EncryptInit_ex"], ctypes.c_int)
            self.encrypt_update = _returning(library["EVP_EncryptUpdate"], ctypes.c_int)
        except AttributeError as missing:
            raise LibcryptoUnusable(str(missing)) from missing


def _own_libcrypto() -> _Libcrypto:
    """Return the libcrypto this Python is linked with, through its extension module or itself."""
    try:
        import _hashlib

        return _Libcrypto(ctypes.PyDLL(getattr(_hashlib, "__file__", None)))
    except (ImportError, OSError) as missing:
        raise LibcryptoUnusable(str(missing)) from missing


def _returning(function: Any, result: Any) -> Callable[..., Any]:
    function.restype = result
    return function  # type: ignore[no-any-return]


class DerivedEncryption:
    """For each of many keys: derive a subkey by HKDF, then encrypt a plaintext under it.

    One object serves one thread: it works in buffers of its own, used again by every call.
    """

    def __init__(self, info: bytes, lanes: int, blocks: int) -> None:
        """Prepare for at most *lanes* keys a call and *blocks* 16-byte blocks a key.

        Raises:
            LibcryptoUnusable: a function is missing, or refuses.
        """
        self._lib = _own_libcrypto()
        self._states = np.zeros((lanes, _CONTEXT_WORDS), np.uint32)
        self._messages = np.zeros((lanes, 16), ">u4")
        self._output = np.zeros((lanes, blocks, 16), np.uint8)
        self._state_pointers = _row_pointers(self._states)
        self._message_pointers = _row_pointers(self._messages)
        self._output_pointers = _row_pointers(self._output)
        self._written = ctypes.c_int()
        self._contexts = self._prepare_contexts(lanes)

        self._initial = self._initial_state()
        zero_salt = np.zeros(16, np.uint32)
        self._salt_inner = self._state_after(zero_salt ^ np.uint32(_INNER))
        self._salt_outer = self._state_after(zero_salt ^ np.uint32(_OUTER))
        self._info = _last_block(info + b"\x01", preceding=64)

    def encrypt(
        self, keys: NDArray[np.uint8], plaintexts: Sequence[bytes], lengths: Sequence[int]
    ) -> NDArray[np.uint8]:
        """Return AES-128-ECB under HKDF-SHA256(key, no salt, info) of each plaintext.

        Args:
            keys: shape (n, 16).
            plaintexts: n of them.
            lengths: how many bytes of each to encrypt, whole blocks; the rest of the row in the
                answer is left over from an earlier call.

        Returns:
            Shape (n, blocks, 16); valid until the next call.

        Raises:
            LibcryptoUnusable: OpenSSL refused.
        """
        count = len(keys)
        self._derive(keys)
        contexts = self._contexts[:count]
        # The subkeys are read where the last digest was assembled: its first 16 bytes.
        init, update = self._lib.encrypt_init, self._lib.encrypt_update
        none, subkeys = repeat(None), self._message_pointers
        if set(map(init, contexts, none, none, subkeys, none)) - {1}:
            raise LibcryptoUnusable("OpenSSL did not take a key")
        written = repeat(ctypes.byref(self._written))
        if set(map(update, contexts, self._output_pointers, written, plaintexts, lengths)) - {1}:
            raise LibcryptoUnusable("OpenSSL did not encrypt")
        return self._output[:count]

    def _derive(self, keys: NDArray[np.uint8]) -> None:
        """Leave HKDF of *keys* as the first 16 bytes of each message.

        Extract and expand are two HMACs, each two hashes; the blocks that are the same for all
        keys are hashed beforehand, which leaves six of ten.
        """
        states = self._states[: len(keys), :8]
        messages = self._messages[: len(keys)]

        messages[:] = 0
        messages[:, :4] = keys.view(">u4")
        messages[:, 4] = _END_OF_MESSAGE
        messages[:, 15] = (64 + _KEY_BYTES) * 8
        self._hash_from(self._salt_inner, states)
        self._digest_as_message(states, messages)
        self._hash_from(self._salt_outer, states)
        extracted = states.copy()

        messages[:, :8] = extracted ^ np.uint32(_OUTER)
        messages[:, 8:] = _OUTER
        self._hash_from(self._initial, states)
        outer = states.copy()

        messages[:, :8] = extracted ^ np.uint32(_INNER)
        messages[:, 8:] = _INNER
        self._hash_from(self._initial, states)
        self._hash(self._state_pointers[: len(keys)], repeat(self._info))
        self._digest_as_message(states, messages)
        self._hash_from(outer, states)
        messages[:, :8] = states

    def _hash_from(self, state: NDArray[np.uint32], states: NDArray[np.uint32]) -> None:
        states[:] = state
        self._hash(self._state_pointers[: len(states)], self._message_pointers)

    def _hash(
        self, states: Iterable[ctypes.c_void_p], blocks: Iterable[ctypes.c_void_p | bytes]
    ) -> None:
        # A deque of no length runs through the calls and keeps nothing.
        deque(map(self._lib.sha256_transform, states, blocks), maxlen=0)

    @staticmethod
    def _digest_as_message(states: NDArray[np.uint32], messages: NDArray[np.uint32]) -> None:
        """Make the digest in *states* the last block of HMAC's outer hash."""
        messages[:, :8] = states
        messages[:, 8] = _END_OF_MESSAGE
        messages[:, 9:15] = 0
        messages[:, 15] = (64 + 32) * 8

    def _initial_state(self) -> NDArray[np.uint32]:
        if self._lib.sha256_init(self._state_pointers[0]) != 1:
            raise LibcryptoUnusable("OpenSSL could not begin a hash")
        return self._states[0, :8].copy()

    def _state_after(self, block: NDArray[np.uint32]) -> NDArray[np.uint32]:
        self._messages[0] = block
        self._hash_from(self._initial, self._states[:1, :8])
        return self._states[0, :8].copy()

    def _prepare_contexts(self, lanes: int) -> list[ctypes.c_void_p]:
        contexts: list[ctypes.c_void_p] = []
        weakref.finalize(self, _free_all, self._lib.free_context, contexts)
        cipher = ctypes.c_void_p(self._lib.aes_128_ecb())
        for _ in range(lanes):
            context = ctypes.c_void_p(self._lib.new_context())
            contexts.append(context)
            if (
                not context
                or self._lib.encrypt_init(context, cipher, None, bytes(_KEY_BYTES), None) != 1
                or self._lib.set_padding(context, 0) != 1
            ):
                raise LibcryptoUnusable("OpenSSL could not prepare a cipher")
        return contexts


def _free_all(free: Callable[..., Any], contexts: list[ctypes.c_void_p]) -> None:
    for context in contexts:
        free(context)


def _row_pointers(rows: NDArray[Any]) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(rows.ctypes.data + i * rows.strides[0]) for i in range(len(rows))]


def _last_block(tail: bytes, *, preceding: int) -> bytes:
    """Return SHA-256's last block for a message of *preceding* bytes, then *tail*."""
    bits = (preceding + len(tail)) * 8
    return (tail + b"\x80").ljust(56, b"\0") + bits.to_bytes(8, "big")
