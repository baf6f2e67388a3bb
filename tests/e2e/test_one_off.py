"""A trigger that fires once: armed, ended, armed again, as every door tells it."""

import datetime

from conftest import wait_until


def test_what_fired_once_is_shown_as_ended_until_it_is_armed_again(server, tmp_path):
    def apply(at):
        text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        server.apply(tmp_path, f"name: once\nprompt: Look.\nexecutor: echo\n"
                               f"triggers: [{{id: launch, schedule: {{at: '{text}'}}}}]\n")
        return text

    def trigger():
        return server.json("show", "once")["triggers"][0]

    now = datetime.datetime.now(datetime.timezone.utc)
    due = apply(now + datetime.timedelta(seconds=3))
    assert trigger()["next_time"] == due and "ended" not in trigger()
    wait_until(lambda: server.json("sessions", "--routine", "once")["sessions"], "the instant's session")
    assert trigger()["ended"] is True and "next_time" not in trigger()
    assert "(ended)" in server.ok("show", "once")
    assert "launch (ended)" in server.ok("list")
    later = apply(now + datetime.timedelta(days=3))
    assert trigger()["next_time"] == later
    assert "(ended)" not in server.ok("show", "once") + server.ok("list")
