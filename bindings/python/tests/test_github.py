"""Signatures: the answer that GitHub's documentation gives."""

import routines

SECRET = "It's a Secret to Everybody"
HEADER = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def test_the_known_answer():
    verify = routines.github.verify_signature
    assert routines.github.sign(SECRET, b"Hello, World!") == HEADER
    assert verify(SECRET, b"Hello, World!", HEADER)
    assert verify(SECRET.encode(), b"Hello, World!", HEADER.encode())
    for body, header in ((b"Hello, World?", HEADER), (b"Hello, World!", HEADER[:-1] + "8")):
        assert not verify(SECRET, body, header)
    assert not verify(SECRET, b"Hello, World!", None)
    assert not verify("", b"Hello, World!", routines.github.sign("", b"Hello, World!"))


def test_an_event_is_of_the_body():
    event = routines.github.event("push", b"{}", delivery_id="d1")
    assert (event.source, event.type, event.payload, event.id) == ("github", "push", b"{}", "d1")
