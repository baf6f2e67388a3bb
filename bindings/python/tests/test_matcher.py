"""Matching and explaining."""

import json
import threading

import pytest

import routines
from routines.testing import github_event


def names(matches):
    return [(each.routine.name, each.trigger, each.position) for each in matches]


def test_bytes_text_and_dict_match_alike(review):
    body = github_event("pull_request").payload
    matcher = routines.Matcher([review])
    for payload in (body, bytearray(body), memoryview(body), body.decode(), json.loads(body)):
        assert names(matcher.match("pull_request", payload)) == [("review", "opened", 0)]
    assert matcher.match("pull_request", body)[0].routine is review
    assert matcher.match("push", github_event("push").payload) == []


def test_a_large_payload_is_matched_too(review):
    body = github_event("pull_request", body="x" * 200_000).payload
    assert len(body) > 200_000
    assert names(routines.Matcher([review]).match("pull_request", body)) == [("review", "opened", 0)]


def test_explain_says_each_condition(review):
    body = github_event("pull_request", base_branch="next", labels=["a"]).payload
    (why,) = routines.Matcher([review]).explain("pull_request", body)
    assert not why.matched
    condition = why.triggers[0].conditions[-2]
    assert (condition.field, condition.operator, condition.expected) == ("base_branch", "equals", "main")
    assert condition.actual == "next" and condition.held is False
    assert why.triggers[0].conditions[-1].actual is False
    assert 'fails  base_branch equals "main"; it is "next"' in str(why)


def test_custom_events(review):
    queue = routines.loads(
        "{name: q, prompt: p, triggers: [{id: high, custom: {source: queue, type: message, "
        "filters: [{field: severity, operator: equals, value: high}, "
        "{field: /count, operator: equals, value: 3}]}}]}"
    )
    matcher = routines.Matcher([review, queue])

    def match(severity, payload):
        return names(
            matcher.match("message", payload, source="queue", attributes={"severity": severity})
        )

    assert match("high", {"count": 3}) == [("q", "high", 0)]
    assert match("low", {"count": 3}) == match("high", {"count": 2}) == []


def test_put_replaces_and_remove_removes(review):
    body = github_event("pull_request").payload
    matcher = routines.Matcher([review])
    matcher.put({**review.to_dict(), "triggers": []})
    assert len(matcher) == 1 and matcher.match("pull_request", body) == []
    matcher.put(review)
    matcher.remove("review")
    assert len(matcher) == 0 and matcher.match("pull_request", body) == []
    with pytest.raises(routines.NotFoundError):
        matcher.remove("review")


def test_what_is_wrong_is_told(review):
    matcher = routines.Matcher([review])
    for payload in (b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}'):
        with pytest.raises(routines.InvalidError):
            matcher.match("pull_request", payload)
    with pytest.raises(routines.ConfigError):
        matcher.put("name: x")
    with pytest.raises(routines.InvalidError):
        matcher.put(3)
    with pytest.raises(TypeError):
        matcher.match(3, b"{}")
    with pytest.raises(TypeError):
        matcher.match("a", b"", source="s", attributes={"a": 1})
    matcher.close()
    matcher.close()
    with pytest.raises(routines.ClosedError):
        matcher.match("pull_request", github_event("pull_request").payload)


def test_threads_match_while_others_put(review):
    bodies = [github_event("pull_request", body="x" * size).payload for size in (10, 100_000)]
    matcher = routines.Matcher([review])
    wrong = []

    def match(body):
        for _ in range(300):
            found = [each.routine.name for each in matcher.match("pull_request", body)]
            if "review" not in found or not set(found) <= {"review", "other"}:
                wrong.append(found)

    def put():
        for _ in range(100):
            matcher.put({**review.to_dict(), "name": "other", "triggers": review.to_dict()["triggers"][:1]})
            matcher.remove("other")

    threads = [threading.Thread(target=match, args=(body,)) for body in bodies * 2]
    threads.append(threading.Thread(target=put))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
