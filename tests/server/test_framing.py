"""The base protocol's bytes: any split of the stream gives the same messages, and lies cost at most one."""

from __future__ import annotations

import json
import random
import time

import pytest

from hirope_ls.server.framing import Fault, Framer, frame


def bodies(*chunks: bytes, cap: int = 1000) -> list[bytes | str]:
    framer = Framer(cap)
    return ["fault" if isinstance(item, Fault) else item for chunk in chunks for item in framer.feed(chunk)]


HELLO = b'{"hello": "w\xc3\xb6rld"}'

CASES = [
    ("plain", frame(HELLO), [HELLO]),
    ("two", frame(HELLO) * 2, [HELLO, HELLO]),
    ("lower case", b"content-length: %d\r\n\r\n" % len(HELLO) + HELLO, [HELLO]),
    ("upper case", b"CONTENT-LENGTH:%d\r\n\r\n" % len(HELLO) + HELLO, [HELLO]),
    ("bare newlines", b"Content-Length: %d\n\n" % len(HELLO) + HELLO, [HELLO]),
    (
        "type first",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(HELLO) + HELLO,
        [HELLO],
    ),
    (
        "type last",
        b"Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n" % len(HELLO) + HELLO,
        [HELLO],
    ),
    ("empty body", frame(b"") + frame(HELLO), [b"", HELLO]),
    ("no length", b"Content-Type: x\r\n\r\n" + frame(HELLO), ["fault", HELLO]),
    ("negative", b"Content-Length: -5\r\n\r\n" + frame(HELLO), ["fault", HELLO]),
    ("no number", b"Content-Length: abc\r\n\r\n" + frame(HELLO), ["fault", HELLO]),
    ("endless number", b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + frame(HELLO), ["fault", HELLO]),
    ("rubbish before", b"\x00\xff rubbish\n" + frame(HELLO), [HELLO]),
    ("over the cap", frame(b"x" * 1001) + frame(HELLO), ["fault", HELLO]),
    ("at the cap", frame(b"x" * 1000), [b"x" * 1000]),
    ("1 GB announced, never sent", b"Content-Length: 1000000000\r\n\r\n" + frame(HELLO), ["fault", HELLO]),
    ("length too large", b"Content-Length: 900\r\n\r\n" + HELLO + frame(HELLO), [HELLO, HELLO]),
    ("header without end", b"x" * 9000 + b"\r\n\r\n" + frame(HELLO), ["fault", "fault", HELLO]),
    ("blank lines in a body", frame(b"{\r\n\r\n\r\n}") + frame(HELLO), [b"{\r\n\r\n\r\n}", HELLO]),
    ("cut in the middle of a header", b"Content-Length: 20\r\n", []),
    ("cut in the middle of a body", frame(HELLO)[:-1], []),
    (
        "a header as text",
        frame(json.dumps("Content-Length: 5\r\n\r\nhello").encode()),
        [b'"Content-Length: 5\\r\\n\\r\\nhello"'],
    ),
]


@pytest.mark.parametrize(("stream", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_stream(stream: bytes, expected: list[bytes | str]) -> None:
    assert bodies(stream) == expected


@pytest.mark.parametrize(("stream", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_stream_byte_by_byte(stream: bytes, expected: list[bytes | str]) -> None:
    assert bodies(*(stream[at : at + 1] for at in range(len(stream)))) == expected


def test_random_splits_lose_nothing() -> None:
    random_ = random.Random(1)
    sent = [random_.randbytes(random_.randrange(0, 400)).replace(b"\r", b"") for _ in range(300)]
    stream = b"".join(map(frame, sent))
    cuts = sorted(random_.randrange(len(stream)) for _ in range(900))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert bodies(*chunks) == sent


def test_a_large_body_in_small_chunks_takes_linear_time() -> None:
    body = b"x" * (16 * 2**20)
    framer, start, got = Framer(), time.perf_counter(), []
    stream = frame(body)
    for at in range(0, len(stream), 1 << 16):
        got += framer.feed(stream[at : at + (1 << 16)])
    assert got == [body]
    assert time.perf_counter() - start < 5


def test_an_oversized_body_is_not_kept() -> None:
    framer = Framer(1000)
    framer.feed(b"Content-Length: 999999999\r\n\r\n")
    for _ in range(100):
        framer.feed(b"x" * 65536)
    assert len(framer._buffer) < 1000
