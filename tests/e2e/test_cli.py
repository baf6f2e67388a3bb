"""Every command of the command line: what it prints, its exit codes, its JSON."""

import http.server
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from conftest import ROOT, TRIGGER, clean_environment, routine_text, running_below, wait_until

EXAMPLES = sorted((ROOT / "examples").glob("*/routine.yaml"))


@pytest.fixture
def cli(routines_bin):
    """The program without a server."""

    def run(*arguments, **environment):
        return subprocess.run([routines_bin, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", timeout=60,
                              env=clean_environment(**environment))

    return run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ---- the command line itself ----


def test_version_and_help_exit_0(cli):
    assert re.fullmatch(r"routines \d+\.\d+\.\d+\n", cli("--version").stdout)
    done = cli("--help")
    assert done.returncode == 0
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["list", "--frobnicate"], ["show"], ["token"], ["session", "show"],
    ["serve"], ["serve", "--state", "s", "--executor", "no-equals-sign"],
    ["serve", "--state", "s", "--executor-prompt", "telepathy"],
    ["serve", "--state", "s", "--tls-key", "k"], ["sessions", "--limit", "0"],
    ["sessions", "--status", "sleeping"], ["completion", "fish"],
    ["serve", "--state", "s", "--executor", "x="], ["serve", "--state", "s", "--executor", "a='b"],
    ["serve", "--state", "s", "--executor", "a=sh", "--executor", "a=cat"],
    ["serve", "--state", "s", "--executor", "a=sh", "--default-executor", "nope"],
    ["list", "--server", "ftp://x"], ["show", ""], ["run", "a/b/c"], ["token", "create", ""],
    ["token", "revoke", ""], ["session", "show", ""], ["fire", "x", "--idempotency-key", ""], ["fire", "x", "--idempotency-key", "k\u00e4"],
    ["fire", "x", "--text", "a", "--text-file", "b"], ["session", "wait", "x", "--timeout", "soon"],
])
def test_a_wrong_command_line_exits_2(cli, arguments):
    done = cli(*arguments)
    assert done.returncode == 2
    assert done.stderr and not done.stdout
    if arguments:
        done = cli(*arguments, "--json")
        assert done.returncode == 2
        assert json.loads(done.stdout)["error"]["type"] == "usage_error"


@pytest.mark.parametrize("arguments, said", [
    (["lst"], ["`routines lst`", "did you mean `routines list`?"]),
    (["nonsense"], ["`routines nonsense`", "serve", "validate"]),
    (["token", "crate"], ["`routines token crate`", "`routines token create`"]),
    (["token"], ["`routines token`", "create, rotate, list, revoke"]),
    (["help", "lst"], ["`routines list`"]),
    (["--server", "http://x", "list"], ["--server", "options go after the command"]),
    (["session", "--json", "show"], ["--json", "options go after the command"]),
])
def test_a_mistyped_command_is_named(cli, arguments, said):
    done = cli(*arguments)
    assert done.returncode == 2 and not done.stdout or "--json" in arguments
    for words in said:
        assert words in done.stderr + done.stdout


def test_help_is_a_command_too(cli):
    for words in ([], ["list"], ["token", "create"]):
        done = cli("help", *words)
        assert done.returncode == 0 and not done.stderr
        assert done.stdout == cli(*words, "--help").stdout


def commands(cli, *prefix):
    """The names of all commands, as --help lists them."""
    text = cli(*prefix, "--help").stdout
    listed = re.findall(r"^  ([a-z]+) ", text.split("Subcommands:", 1)[1], re.M)
    assert listed
    return listed


def all_commands(cli, *prefix):
    """All commands that do something, as lists of words; and the groups that hold them."""
    leaves, groups = [], [list(prefix)]
    for name in commands(cli, *prefix):
        if "Subcommands:" in cli(*prefix, name, "--help").stdout:
            inner_leaves, inner_groups = all_commands(cli, *prefix, name)
            leaves += inner_leaves
            groups += inner_groups
        else:
            leaves.append([*prefix, name])
    return leaves, groups


def test_the_documentation_has_every_command_option_and_exit_code(cli):
    documented = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    leaves, groups = all_commands(cli)
    assert len(leaves) >= 20 and len(groups) >= 3
    for words in leaves:
        assert f"routines {' '.join(words)}" in documented, words
        for option in re.findall(r"--[a-z][a-z-]+", cli(*words, "--help").stdout):
            assert option in documented, (words, option)
    for code in range(7):
        assert re.search(rf"^\| {code} \|", documented, re.M), code


def test_every_command_says_what_it_does(cli):
    for words in all_commands(cli)[0]:
        done = cli(*words, "--help")
        assert done.returncode == 0
        assert "--" in done.stdout


# ---- validate ----


def test_validate_accepts_the_examples(cli):
    assert EXAMPLES
    done = cli("validate", *EXAMPLES)
    assert done.returncode == 0, done.stdout
    assert json.loads(cli("validate", "--json", *EXAMPLES).stdout) == {
        "valid": True, "files": len(EXAMPLES), "problems": []}


def test_validate_reports_all_problems_with_their_places(cli, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\nprompt: y\ntriggers:\n  - {id: a, shedule: {}}\nretries: many\n")
    done = cli("validate", path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert len(lines) >= 2
    for line in lines:
        assert re.match(rf"{re.escape(str(path))}:\d+:\d+: ", line), line
    assert any('did you mean "schedule"' in line for line in lines)

    done = cli("validate", path, "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert answer["valid"] is False and len(answer["problems"]) == len(lines)
    assert set(answer["problems"][0]) == {"file", "line", "column", "path", "message"}


def test_validate_takes_folders_and_knows_empty_ones(cli, tmp_path):
    (tmp_path / "a.yaml").write_text(routine_text())
    (tmp_path / "b.json").write_text(json.dumps({"name": "b", "prompt": "p"}))
    (tmp_path / ".hidden.yaml").write_text("not: valid")
    (tmp_path / "notes.txt").write_text("not a routine")
    assert json.loads(cli("validate", tmp_path, "--json").stdout)["files"] == 2
    (tmp_path / "empty").mkdir()
    assert cli("validate", tmp_path / "empty").returncode == 1
    assert cli("validate", tmp_path / "absent.yaml").returncode == 1


# ---- no server, no token ----


def test_without_a_server_the_exit_code_is_3(cli, tmp_path):
    arguments = ["list", "--server", f"http://127.0.0.1:{free_port()}"]
    done = cli(*arguments, ROUTINES_ADMIN_TOKEN="t")
    assert done.returncode == 3
    assert "cannot reach" in done.stderr
    done = cli(*arguments, "--json", ROUTINES_ADMIN_TOKEN="t")
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["type"] == "connection_error"
    done = cli("list", "--state", tmp_path)
    assert done.returncode == 3
    assert "routines serve" in done.stderr


def test_an_address_that_is_none_exits_2_where_it_is_an_option(cli):
    assert cli("list", "--server", "localhost:7433", ROUTINES_ADMIN_TOKEN="t").returncode == 2
    assert cli("list", ROUTINES_SERVER="localhost:7433", ROUTINES_ADMIN_TOKEN="t").returncode == 1


def test_without_a_token_or_with_a_wrong_one_the_exit_code_is_5(server, cli, tmp_path):
    done = cli("list", "--server", server.url)
    assert done.returncode == 5
    assert "ROUTINES_ADMIN_TOKEN" in done.stderr
    assert cli("list", "--server", server.url, ROUTINES_ADMIN_TOKEN="wrong").returncode == 5
    (tmp_path / "token").write_text("wrong\n")
    assert cli("list", "--server", server.url, "--admin-token-file", tmp_path / "token").returncode == 5
    done = cli("list", "--json", "--server", server.url, ROUTINES_ADMIN_TOKEN="wrong")
    assert done.returncode == 5
    assert json.loads(done.stdout)["type"] == "error"


def test_the_server_is_found_by_option_state_and_environment(server, cli, tmp_path):
    token_file = server.state / "admin-token"
    for arguments, environment in [
            (["--server", server.url, "--admin-token-file", token_file], {}),
            (["--state", server.state], {}),
            ([], {"ROUTINES_STATE": str(server.state)}),
            ([], {"ROUTINES_SERVER": server.url, "ROUTINES_ADMIN_TOKEN": server.admin_token}),
            (["--state", server.state], {"ROUTINES_SERVER": "http://127.0.0.1:1"}),
    ]:
        done = cli("list", *arguments, **environment)
        assert done.returncode == 0, (arguments, environment, done.stderr)


# ---- serve ----


def test_serve_keeps_its_token_and_address_in_the_state_folder(server):
    token = server.state / "admin-token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert json.loads((server.state / "server.json").read_text()) == {
        "url": server.url, "pid": server.process.pid}


def test_serve_stops_at_a_signal_and_keeps_its_state(serve, tmp_path):
    server = serve()
    server.apply(tmp_path, routine_text())
    token = server.admin_token
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(timeout=60) == 0
    assert not (server.state / "server.json").exists()
    again = serve(state=server.state)
    assert again.admin_token == token
    assert len(again.json("list")["routines"]) == 1


def test_serve_ends_what_runs_when_it_stops(serve, tmp_path):
    mark = tmp_path / "mark"
    server = serve(executors={"hold": f"sh -c 'echo begun >{mark}; exec sleep 600'"})
    server.apply(tmp_path, routine_text(executor="hold"))
    server.ok("run", "greet")
    wait_until(mark.exists, "an agent")
    assert running_below(server.state)
    server.process.terminate()
    assert server.process.wait(timeout=60) == 0
    assert not running_below(server.state)


def test_a_second_signal_ends_serve_at_once(serve, tmp_path):
    # This agent ignores TERM, so that a graceful stop takes its time.
    server = serve(executors={"deaf": "sh -c 'trap \"\" TERM; echo started; while :; do sleep 1; done'"})
    server.apply(tmp_path, routine_text(executor="deaf"))
    session = server.json("run", "greet")["claude_code_session_id"]
    wait_until(lambda: "started" in server.ok("session", "logs", session), "the agent")
    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not (server.state / "server.json").exists(), "the stop")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=2) == 128 + signal.SIGTERM


def test_serve_applies_routines_at_start_or_refuses(serve, cli, tmp_path):
    folder = tmp_path / "routines"
    folder.mkdir()
    (folder / "greet.yaml").write_text(routine_text())
    server = serve(options=["--routines", str(folder)])
    assert server.json("show", "greet")["routine"]["name"] == "greet"

    (folder / "bad.yaml").write_text("nme: x\n")
    done = cli("serve", "--state", tmp_path / "other", "--listen", "127.0.0.1:0", "--routines", folder)
    assert done.returncode == 1
    assert "bad.yaml:1:1" in done.stderr


def test_serve_says_why_it_cannot_start(serve, cli, tmp_path):
    server = serve()
    port = server.url.rsplit(":", 1)[1]
    taken = cli("serve", "--state", tmp_path / "other", "--listen", f"127.0.0.1:{port}")
    assert taken.returncode == 1 and port in taken.stderr
    same = cli("serve", "--state", server.state, "--listen", "127.0.0.1:0")
    assert same.returncode == 1 and same.stderr
    quote = cli("serve", "--state", tmp_path / "third", "--executor", "a='b")
    assert quote.returncode == 2 and "quote" in quote.stderr


def test_serve_refuses_an_admin_token_that_could_be_guessed(cli, tmp_path):
    # The public URL is refused after the token is looked at, so that no server stays here.
    arguments = ["serve", "--state", tmp_path / "state", "--listen", "127.0.0.1:0", "--public-url", "x"]
    done = cli(*arguments, ROUTINES_ADMIN_TOKEN="4711" + 15 * "x")
    assert done.returncode == 1
    assert "20 characters" in done.stderr and "4711" not in done.stderr
    done = cli(*arguments, ROUTINES_ADMIN_TOKEN="4711" + 16 * "x")
    assert done.returncode == 1
    assert "public_url" in done.stderr and "http://" in done.stderr


def test_serve_hands_the_prompt_over_in_a_file_when_told_to(serve, tmp_path):
    server = serve(executors={"echo": "sh -c 'cat \"$ROUTINES_PROMPT_FILE\"'"},
                   options=["--executor-prompt", "file"])
    server.apply(tmp_path, routine_text(prompt="Read me from a file."))
    session = server.json("run", "greet")["claude_code_session_id"]
    assert server.json("session", "wait", session)["state"] == "succeeded"
    assert "Read me from a file." in server.ok("session", "logs", session)


def test_serve_takes_secrets_from_a_folder_and_hides_them(serve, tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "KEY").write_text("sesame-open-4711\n")
    server = serve(executors={"echo": "sh -c 'echo \"length ${#KEY} value $KEY\"'"},
                   options=["--secrets", str(folder)])
    server.apply(tmp_path, routine_text(more="environment: {secrets: [KEY]}\n"))
    session = server.json("run", "greet")["claude_code_session_id"]
    server.ok("session", "wait", session)
    log = server.ok("session", "logs", session)
    assert "length 16 value [redacted]" in log


def test_serve_and_the_other_commands_speak_tls(serve, cli, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = serve(options=["--tls-certificate", str(certificate), "--tls-key", str(key)])
    assert server.url.startswith("https://")
    done = server.cli("list", SSL_CERT_FILE=str(certificate))
    assert done.returncode == 0, done.stderr
    assert server.cli("list").returncode == 3  # a certificate that nobody vouches for
    wrong_name = f"https://localhost.localdomain:{server.url.rsplit(':', 1)[1]}"
    assert server.cli("list", "--server", wrong_name, SSL_CERT_FILE=str(certificate)).returncode == 3


# ---- apply and the commands on routines ----


def test_apply_saves_files_and_shows_their_triggers(server, tmp_path):
    path = tmp_path / "greet.yaml"
    path.write_text(routine_text())
    printed = server.ok("apply", path)
    assert "default/greet  revision 1" in printed and TRIGGER in printed
    assert "revision 1" in server.ok("apply", path)  # nothing changed
    path.write_text(routine_text(prompt="Say goodbye."))
    applied = server.json("apply", path)["routines"]
    assert [saved["revision"] for saved in applied] == [2]


def test_apply_saves_nothing_unless_all_files_are_valid(server, tmp_path):
    (tmp_path / "a.yaml").write_text(routine_text())
    (tmp_path / "b.yaml").write_text("nme: x\n")
    done = server.cli("apply", tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert done.returncode == 1
    assert "b.yaml:1:1" in done.stderr
    done = server.cli("apply", tmp_path / "a.yaml", tmp_path / "b.yaml", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["problems"][0]["line"] == 1
    assert server.json("list")["routines"] == []


def test_apply_reports_what_the_server_refuses(server, tmp_path):
    path = tmp_path / "greet.yaml"
    path.write_text(routine_text(executor="nobody"))
    done = server.cli("apply", path)
    assert done.returncode == 1
    assert "nobody" in done.stderr


def test_list_and_show(server, tmp_path):
    assert "routines apply" in server.ok("list")
    server.apply(tmp_path, routine_text())
    server.apply(tmp_path, routine_text(name="other", trigger="trig_e2e000002",
                                        more="account: acme\ndescription: Another one\n"))
    lines = server.ok("list").splitlines()
    assert lines[0].split() == ["ROUTINE", "STATE", "REVISION", "SAVED", "TRIGGERS"]
    assert [line.split()[0] for line in lines[1:]] == ["acme/other", "default/greet"]
    assert len(server.json("list", "--account", "acme")["routines"]) == 1

    shown = server.ok("show", "acme/other")
    assert "Another one" in shown and "trig_e2e000002" in shown and "Say hello." in shown
    assert server.json("show", "greet")["triggers"] == [{"id": TRIGGER, "trigger_id": TRIGGER}]
    assert server.cli("show", "nothing").returncode == 4
    assert json.loads(server.cli("show", "nothing", "--json").stdout)["error"]["type"] == "not_found_error"
    assert server.cli("show", "a/b/c").returncode == 2


def test_show_knows_older_revisions(server, tmp_path):
    server.apply(tmp_path, routine_text(prompt="First."))
    server.apply(tmp_path, routine_text(prompt="Second."))
    assert server.json("show", "greet")["routine"]["prompt"] == "Second."
    assert server.json("show", "greet", "--revision", 1)["routine"]["prompt"] == "First."
    done = server.cli("show", "greet", "--revision", 99)
    assert done.returncode == 4
    assert "no revision 99" in done.stderr and "newest is 2" in done.stderr
    done = server.cli("show", "greet", "--revision", 99, "--json")
    assert json.loads(done.stdout)["error"]["type"] == "not_found_error"
    assert 'no routine' in server.cli("show", "nothing", "--revision", 99).stderr
    done = server.cli("show", "greet", "--revision", "abc")
    assert done.returncode == 2
    assert '"abc"' in done.stderr and not re.search(r"\d{5}", done.stderr)


def test_pause_resume_and_delete(server, tmp_path):
    server.apply(tmp_path, routine_text())
    token = server.ok("token", "create", "greet").strip()
    assert server.json("pause", "greet")["paused"] is True
    assert "paused" in server.ok("list")
    done = server.cli("fire", TRIGGER, ROUTINES_TOKEN=token)
    assert done.returncode == 1 and "paused" in done.stderr
    assert not server.json("resume", "greet").get("paused")
    server.ok("fire", TRIGGER, ROUTINES_TOKEN=token)
    assert server.ok("delete", "greet")
    assert server.cli("show", "greet").returncode == 4
    for command in ("pause", "resume", "delete", "run"):
        assert server.cli(command, "greet").returncode == 4, command


# ---- run and fire ----


def test_run_starts_a_session_with_a_text(server, tmp_path):
    server.apply(tmp_path, routine_text())
    session, url = server.ok("run", "greet", "--text", "look here").split()
    assert session.startswith("session_") and url.startswith(server.url)
    assert server.json("session", "wait", session)["state"] == "succeeded"
    assert "look here" in server.ok("session", "logs", session)


def test_fire_takes_text_from_options_files_and_standard_input(server, tmp_path):
    server.apply(tmp_path, routine_text())
    (tmp_path / "token").write_text(server.ok("token", "create", TRIGGER))
    (tmp_path / "text").write_text("from a file: \u00e4\n")
    for arguments, stdin, expected in [
            (["--text", "from an option"], None, "from an option"),
            (["--text-file", tmp_path / "text"], None, "from a file: \u00e4"),
            (["--text-file", "-"], "from standard input", "from standard input"),
            ([], None, "Say hello."),
    ]:
        fired = json.loads(server.ok("fire", "greet", "--token-file", tmp_path / "token", "--json",
                                     *arguments, stdin=stdin))
        assert set(fired) == {"type", "claude_code_session_id", "claude_code_session_url"}
        session = fired["claude_code_session_id"]
        server.ok("session", "wait", session)
        assert expected in server.ok("session", "logs", session)


def test_fire_needs_the_triggers_own_token(server, tmp_path):
    server.apply(tmp_path, routine_text())
    done = server.cli("fire", TRIGGER)
    assert done.returncode == 5 and "routines token create" in done.stderr
    assert server.cli("fire", TRIGGER, ROUTINES_TOKEN="wrong").returncode == 5
    assert server.cli("fire", TRIGGER, ROUTINES_TOKEN=server.admin_token).returncode == 5
    absent = server.cli("fire", TRIGGER, "--token-file", tmp_path / "absent")
    assert absent.returncode == 1 and "absent" in absent.stderr
    assert server.json("sessions")["sessions"] == []


def test_a_file_without_end_is_a_usage_error(cli):
    for arguments in (["fire", TRIGGER, "--text-file", "/dev/zero"],
                      ["fire", TRIGGER, "--token-file", "/dev/zero"],
                      ["run", "greet", "--text-file", "/dev/zero"]):
        done = cli(*arguments, ROUTINES_TOKEN="t")
        assert done.returncode == 2 and "1 MiB" in done.stderr, (arguments, done.stderr)
        assert json.loads(cli(*arguments, "--json", ROUTINES_TOKEN="t").stdout)["error"]["type"] == "usage_error"


def test_fire_with_one_key_starts_one_session(server, tmp_path):
    server.apply(tmp_path, routine_text())
    token = server.ok("token", "create", "greet").strip()
    answers = {server.ok("fire", TRIGGER, "--idempotency-key", "k1", ROUTINES_TOKEN=token)
               for _ in range(3)}
    assert len(answers) == 1
    assert len(server.json("sessions")["sessions"]) == 1


def test_fire_by_name_needs_one_api_trigger(server, tmp_path):
    server.apply(tmp_path, "name: two\nprompt: p\nexecutor: echo\ntriggers:\n"
                           "  - {id: trig_first0001, api: {}}\n  - {id: trig_second001, api: {}}\n")
    server.apply(tmp_path, "name: none\nprompt: p\nexecutor: echo\n")
    done = server.cli("fire", "two", ROUTINES_TOKEN="x")
    assert done.returncode == 1
    assert "trig_first0001" in done.stderr and "trig_second001" in done.stderr
    assert server.cli("fire", "none", ROUTINES_TOKEN="x").returncode == 4


# ---- tokens ----


def test_tokens_are_made_listed_rotated_and_revoked(server, tmp_path):
    server.apply(tmp_path, routine_text())
    made = server.cli("token", "create", "greet")
    assert made.returncode == 0
    first = made.stdout.strip()
    assert len(first) >= 43 and first not in made.stderr  # the secret alone on standard output
    issued = server.json("token", "create", TRIGGER)
    assert issued["secret"] and issued["token"]["trigger_id"] == TRIGGER
    refused = server.cli("token", "create", "greet")  # a third one
    assert refused.returncode == 1 and "rotate" in refused.stderr

    rotated = server.json("token", "rotate", "greet", "--overlap", "0s")
    server.ok("fire", TRIGGER, ROUTINES_TOKEN=rotated["secret"])
    assert server.cli("fire", TRIGGER, ROUTINES_TOKEN=first).returncode == 5

    listed = server.ok("token", "list", "greet")
    assert rotated["token"]["id"] in listed and "never" in listed
    tokens = server.json("token", "list", "greet")["tokens"]
    assert all("sha256" not in token and "secret" not in token for token in tokens)
    server.ok("token", "revoke", rotated["token"]["id"])
    assert server.cli("fire", TRIGGER, ROUTINES_TOKEN=rotated["secret"]).returncode == 5
    assert server.cli("token", "revoke", "token_absent").returncode == 4
    assert server.cli("token", "create", "absent").returncode == 4


# ---- sessions ----


def test_sessions_are_listed_newest_first_and_filtered(server, tmp_path):
    assert server.ok("sessions") == "no sessions\n"
    server.apply(tmp_path, routine_text())
    server.apply(tmp_path, routine_text(name="broken", executor="fail", trigger="trig_e2e000002"))
    first = server.json("run", "greet")["claude_code_session_id"]
    second = server.json("run", "broken")["claude_code_session_id"]
    for session in (first, second):
        server.cli("session", "wait", session)
    lines = server.ok("sessions").splitlines()
    assert lines[0].split() == ["SESSION", "ROUTINE", "STATE", "CREATED", "TOOK", "REASON"]
    assert [line.split()[0] for line in lines[1:]] == [second, first]

    def ids(*arguments):
        return [session["id"] for session in server.json("sessions", *arguments)["sessions"]]

    assert ids("--routine", "broken") == [second]
    assert ids("--status", "succeeded") == [first]
    assert ids("--limit", "1") == [second]
    assert ids("--before", second) == [first]
    assert ids("--account", "acme") == []


def test_wait_exits_0_only_for_success(server, tmp_path):
    server.apply(tmp_path, routine_text(executor="fail"))
    session = server.json("run", "greet")["claude_code_session_id"]
    done = server.cli("session", "wait", session)
    assert done.returncode == 1
    assert re.search(r"^state: +failed$", done.stdout, re.M)
    assert server.json("session", "show", session)["state"] == "failed"
    assert server.cli("session", "wait", "session_absent").returncode == 4
    assert server.cli("session", "show", "session_absent").returncode == 4
    assert server.cli("session", "logs", "session_absent").returncode == 4
    assert server.cli("session", "logs", "-f", "session_absent").returncode == 4
    assert server.cli("session", "cancel", "session_absent").returncode == 4


def test_a_session_that_runs_can_be_waited_for_in_vain_and_cancelled(server, tmp_path):
    server.apply(tmp_path, routine_text(executor="hold"))
    session = server.json("run", "greet")["claude_code_session_id"]
    done = server.cli("session", "wait", session, "--timeout", "100ms")
    assert done.returncode == 1 and "still" in done.stderr
    server.ok("session", "cancel", session)
    done = server.cli("session", "wait", session)
    assert done.returncode == 1
    assert server.json("session", "show", session)["state"] == "cancelled"
    server.ok("session", "cancel", session)  # it has ended: no error


def test_logs_json_has_every_event_once_and_in_order(server, tmp_path):
    server.apply(tmp_path, routine_text())
    session = server.json("run", "greet")["claude_code_session_id"]
    followed = server.ok("session", "logs", "-f", session, "--json")
    events = [json.loads(line) for line in followed.splitlines()]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["state_change"]["state"] == "succeeded"
    assert server.ok("session", "logs", session, "--json") == followed


def test_logs_follow_shows_events_while_the_session_runs(server, tmp_path):
    server.apply(tmp_path, routine_text(executor="hold"))
    session = server.json("run", "greet")["claude_code_session_id"]
    process = subprocess.Popen(
        [server.binary, "session", "logs", "-f", session], stdout=subprocess.PIPE, encoding="utf-8",
        env=clean_environment(ROUTINES_STATE=str(server.state)))
    try:
        for line in process.stdout:
            if "started" in line:
                break
        assert server.json("session", "show", session)["state"] == "running"
        server.ok("session", "cancel", session)
        rest, _ = process.communicate(timeout=60)
        assert "cancelled" in rest
        assert process.returncode == 0
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


class CuttingServer(http.server.BaseHTTPRequestHandler):
    """A server whose streams break: each connection brings one event, and half of the next."""

    protocol_version = "HTTP/1.1"
    seen = []
    total = 4

    def do_GET(self):
        last = int(self.headers.get("Last-Event-ID") or 0)
        CuttingServer.seen.append(last)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in (last + 1, last + 2):
            kind = {"note": {"severity": "info", "text": f"event {number}"}}
            if number == self.total:
                kind = {"state_change": {"state": "succeeded"}}
            event = {"sequence": number, "time": "2026-01-05T09:00:00Z", **kind}
            text = f"id: {number}\nevent: session_event\ndata: {json.dumps(event)}\n\n".encode()
            if number == last + 2:
                text = text[:20]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()
        self.close_connection = True  # without the last chunk

    def log_message(self, *_):
        pass


def test_logs_follow_goes_on_where_a_connection_broke(cli):
    CuttingServer.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), CuttingServer) as broken:
        threading.Thread(target=broken.serve_forever).start()
        try:
            done = cli("session", "logs", "-f", "session_x", "--json", "--server",
                       f"http://127.0.0.1:{broken.server_address[1]}", ROUTINES_ADMIN_TOKEN="t")
        finally:
            broken.shutdown()
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["sequence"] for line in done.stdout.splitlines()] == [1, 2, 3, 4]
    assert CuttingServer.seen == [0, 1, 2, 3]


# ---- terminals ----


def on_terminal(arguments, environment):
    """Runs a command with standard output and error on a terminal; returns what it showed."""
    master, slave = pty.openpty()
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave,
                               env=environment)
    os.close(slave)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            piece = os.read(master, 4096)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    assert process.wait(timeout=60) == 0
    return shown.decode()


def test_colour_only_on_a_terminal_and_not_with_no_color(server, tmp_path):
    server.apply(tmp_path, routine_text())
    command = [server.binary, "list"]
    environment = clean_environment(ROUTINES_STATE=str(server.state), TERM="xterm")
    del environment["NO_COLOR"]
    assert "\x1b[32mactive" in on_terminal(command, environment)
    assert "\x1b" not in on_terminal(command, {**environment, "NO_COLOR": "1"})
    assert "\x1b" not in on_terminal(command, {**environment, "TERM": "dumb"})
    piped = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert b"\x1b" not in piped.stdout


def test_what_an_agent_prints_cannot_steer_the_terminal(serve, tmp_path):
    server = serve(executors={"echo": r"""sh -c 'printf "\033]0;title\007\033[2Jhidden\n"'"""})
    server.apply(tmp_path, routine_text())
    session = server.json("run", "greet")["claude_code_session_id"]
    server.cli("session", "wait", session)
    log = server.ok("session", "logs", session)
    assert "\x1b" not in log and "\x07" not in log
    assert "\\x1b]0;title\\x07hidden" in log  # colours and cursor movements are taken out before


def test_a_progress_line_shows_on_a_terminal_only(server, tmp_path):
    server.apply(tmp_path, routine_text(executor="hold"))
    session = server.json("run", "greet")["claude_code_session_id"]
    environment = clean_environment(ROUTINES_STATE=str(server.state), TERM="xterm")
    wait = [server.binary, "session", "wait", session]
    cancel = threading.Timer(1, lambda: server.ok("session", "cancel", session))
    cancel.start()
    try:
        master, slave = pty.openpty()
        process = subprocess.Popen(wait, stdout=subprocess.PIPE, stderr=slave, env=environment)
        os.close(slave)
        printed, _ = process.communicate(timeout=60)
        shown = os.read(master, 65536).decode()
        os.close(master)
    finally:
        cancel.join()
    assert f"{session} " in shown and "\r" in shown
    assert b"\r" not in printed
    assert server.cli("session", "wait", session).stderr == ""


# ---- fields ----


def test_fields_prints_the_table_of_one_event_or_of_all(cli):
    lines = cli("fields", "push").stdout.splitlines()
    assert lines[0].split() == ["EVENT", "FIELD", "TYPE", "FROM"]
    assert lines[1].split() == ["push", "author", "login", "/pusher/name"]
    assert all(line.startswith("push ") for line in lines[1:])
    assert len({line.split()[0] for line in cli("fields").stdout.splitlines()[1:]}) == 18


def test_fields_tells_programs_actions_and_sources_too(cli):
    events = json.loads(cli("fields", "--json").stdout)["events"]
    assert len(events) == 18
    (issues,) = json.loads(cli("fields", "issues", "--json").stdout)["events"]
    assert issues in events
    assert "opened" in issues["actions"] and issues["has_action"] is True
    assert {"field": "labels", "type": "labels", "path": "/issue/labels/*/name",
            "source": "https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues"
            } in issues["fields"]


def test_fields_of_an_unknown_event_names_the_nearest(cli):
    done = cli("fields", "pul_request")
    assert done.returncode == 2
    assert 'did you mean "pull_request"?' in done.stderr


# ---- completion ----


def complete_in_bash(routines_bin, words, environment):
    """What bash would offer at the end of `words`."""
    script = ('source <("$1" completion bash); shift; COMP_WORDS=("$@"); '
              "COMP_CWORD=$(($# - 1)); "
              'compopt() { echo ":files"; }; _routines "$1"; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", routines_bin, routines_bin, *words],
                          capture_output=True, encoding="utf-8", env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("words, expected", [
    (["se"], {"serve", "session", "sessions"}),
    (["session", ""], {"show", "logs", "cancel", "wait"}),
    (["token", "r"], {"rotate", "revoke"}),
    (["list", "--a"], {"--account", "--admin-token-file"}),
    (["completion", ""], {"bash", "zsh"}),
    (["sessions", "--status", "s"], {"succeeded"}),
    (["validate", "a.yaml", ""], {":files"}),
    (["serve", "--state", ""], {":files"}),
])
def test_completion_offers_commands_options_and_words(routines_bin, words, expected):
    assert set(complete_in_bash(routines_bin, words, clean_environment())) == expected


def test_completion_offers_routine_names(server, tmp_path):
    server.apply(tmp_path, routine_text())
    server.apply(tmp_path, routine_text(name="other", trigger="trig_e2e000002", more="account: acme\n"))
    environment = clean_environment(ROUTINES_STATE=str(server.state))
    for command in ("show", "pause", "resume", "delete", "run", "fire"):
        assert set(complete_in_bash(server.binary, [command, ""], environment)) == {
            "greet", "acme/other"}, command
    assert complete_in_bash(server.binary, ["show", "gr"], environment) == ["greet"]
    elsewhere = clean_environment()
    assert complete_in_bash(server.binary, ["show", "--state", str(server.state), "gr"],
                            elsewhere) == ["greet"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_completion_works_in_zsh(routines_bin):
    script = ('compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print :files; }; '
              'eval "$($1 completion zsh)"; words=("$1" session ""); CURRENT=3; _routines')
    done = subprocess.run(["zsh", "-fc", script, "zsh", routines_bin], capture_output=True,
                          encoding="utf-8", env=clean_environment(), timeout=60)
    assert set(done.stdout.split()) == {"show", "logs", "cancel", "wait"}, done.stderr


def test_completion_never_complains(cli):
    done = cli("__complete", "show", "", ROUTINES_SERVER="http://127.0.0.1:1", ROUTINES_ADMIN_TOKEN="t")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ---- the page about embedding ----


def test_the_documentation_shows_the_example_as_it_is_built():
    page = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")
    for name in ("main.cc", "alert.yaml"):
        assert (ROOT / "examples" / "01_embed" / name).read_text(encoding="utf-8") in page, name
