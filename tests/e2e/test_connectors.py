"""Connectors, with MCP servers from npm: in a session, and from the command line."""

import json
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

import canaries

from conftest import ROOT, clean_environment, python_command, routine_text, wait_until

NPM = ROOT / "build" / "npm" / "node_modules" / ".bin"
AGENT = ROOT / "tests" / "e2e" / "mcp_agent.py"
SECRET = canaries.add("canary-2f9c7e5d41b8")


def npm(name):
    program = NPM / name
    if not program.exists():
        pytest.fail(f"{name} is not installed: run script/setup test")
    return str(program)


@pytest.fixture
def everything_url():
    """server-everything over Streamable HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([npm("mcp-server-everything"), "streamableHttp"],
                               env={**clean_environment(), "PORT": str(port)},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/mcp"

    def answers():
        try:
            urllib.request.urlopen(url, timeout=5)
        except urllib.error.HTTPError:
            return True  # it wants a session
        except OSError:
            return False
        return True

    wait_until(answers, "server-everything listens")
    yield url
    process.kill()
    process.wait()


def connectors(*each):
    """The `connectors` of a routine file."""
    return f"connectors: {json.dumps(list(each))}\n"


def run(server, folder, *each, more=""):
    """A session of a routine with these connectors: its record and its log."""
    server.apply(folder, routine_text(executor="agent", more=connectors(*each) + more))
    session = server.json("run", "greet")["claude_code_session_id"]
    server.cli("session", "wait", session)
    return server.json("session", "show", session), server.ok("session", "logs", session)


@pytest.fixture
def server(serve):
    return serve(executors={"agent": python_command(AGENT)})


def test_a_session_calls_tools_over_both_transports(server, tmp_path, everything_url):
    session, log = run(
        server, tmp_path,
        {"name": "local", "command": [npm("mcp-server-everything"), "stdio"],
         "tools": {"deny": ["get-env"]}},
        {"name": "web", "url": everything_url, "tools": {"allow": ["echo"]}})
    assert session["state"] == "succeeded", log
    assert "local stdio Echo: hello from the agent" in log
    assert "web http Echo: hello from the agent" in log
    assert "local denied get-env" in log
    denied = next(line for line in log.splitlines() if "web denied" in line)
    assert "get-sum" in denied and "echo" not in denied.split("denied")[1].split()
    assert "mode 0o600" in log
    for name in ("local", "web"):
        assert f"connector {name}: mcp-servers/everything" in log
    assert not list(tmp_path.rglob("routines-connectors-*"))


def test_one_that_cannot_start_fails_the_session_by_name(server, tmp_path):
    secrets = tmp_path / "state" / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "LICENCE").write_text(SECRET)
    session, log = run(
        server, tmp_path,
        {"name": "good", "command": [npm("mcp-server-filesystem"), "/usr/share"]},
        {"name": "broken", "command": ["sh", "-c", "echo no licence for $LICENCE >&2; exit 4"],
         "secrets": ["LICENCE"]})
    assert session["state"] == "failed" and session["step"] == "connector"
    assert session["reason"] == "connector_failed"
    assert session["message"] == ("connector broken: ended with exit code 4 before its tools were listed; "
                                  "its last words: no licence for [redacted]")
    assert "[broken] no licence for [redacted]" in log
    assert "hello from the agent" not in log  # it was never started


def test_a_real_server_that_refuses_its_arguments_says_why(server, tmp_path):
    session, _ = run(server, tmp_path, {"name": "files", "command": [
        npm("mcp-server-filesystem"), "/no/such/folder"]})
    assert session["reason"] == "connector_failed"
    assert "connector files: ended with exit code 1" in session["message"]
    assert "accessible" in session["message"]


@pytest.mark.parametrize("connector, reason, message", [
    ({"command": ["no-such-program"]}, "connector_failed", "no program \"no-such-program\""),
    ({"url": "http://169.254.169.254/mcp"}, "address_blocked", "169.254.169.254"),
    ({"host": "functions"}, "connectors_unavailable", "server in the host process"),
    ({"command": ["true"], "secrets": ["ABSENT"]}, "secret_missing", "secret ABSENT"),
])
def test_what_cannot_be_had_is_told(server, tmp_path, connector, reason, message):
    session, _ = run(server, tmp_path, {"name": "tools", **connector})
    assert (session["state"], session["step"], session["reason"]) == ("failed", "connector", reason)
    assert session["message"].startswith("connector tools: ") and message in session["message"]


def test_an_allowed_tool_that_is_not_there_fails_the_session(server, tmp_path):
    session, _ = run(server, tmp_path, {
        "name": "all", "command": [npm("mcp-server-everything"), "stdio"], "tools": {"allow": ["ecko"]}})
    assert session["reason"] == "connector_failed"
    assert 'unknown tool "ecko"; did you mean "echo"' in session["message"]


def test_secrets_reach_the_server_and_are_kept_nowhere(server, tmp_path, everything_url):
    secrets = tmp_path / "state" / "secrets"
    secrets.mkdir(exist_ok=True)
    (secrets / "TOKEN").write_text(SECRET)
    session, log = run(server, tmp_path,
                       {"name": "local", "secrets": ["TOKEN"],
                        "command": ["sh", "-c", 'test "$TOKEN" && echo token $TOKEN >&2 && '
                                    f'exec {npm("mcp-server-everything")} stdio']},
                       {"name": "web", "url": everything_url,
                        "headers": {"Authorization": "Bearer ${TOKEN}"}})
    assert session["state"] == "succeeded", log
    assert "[local] token [redacted]" in log
    server.stop()
    holders = [path for path in (tmp_path / "state").rglob("*")
               if path.is_file() and path.parent != secrets and SECRET.encode() in path.read_bytes()]
    assert holders == []


def test_a_host_can_forbid_private_addresses(serve, tmp_path, everything_url):
    server = serve(executors={"agent": python_command(AGENT)}, options=["--connectors-public-only"])
    session, _ = run(server, tmp_path, {"name": "web", "url": everything_url})
    assert (session["state"], session["reason"]) == ("failed", "address_blocked")
    assert "127.0.0.1" in session["message"]


def test_cancelling_ends_a_server_that_does_not_answer(server, tmp_path):
    server.apply(tmp_path, routine_text(executor="agent", more=connectors(
        {"name": "slow", "command": ["sh", "-c", "echo pid $$ >&2; trap '' TERM; sleep 600 & wait; wait"]})))
    session = server.json("run", "greet")["claude_code_session_id"]
    wait_until(lambda: "[slow] pid" in server.ok("session", "logs", session), "the server runs")
    server.ok("session", "cancel", session)
    server.cli("session", "wait", session)
    assert server.json("session", "show", session)["state"] == "cancelled"
    left = subprocess.run(["pgrep", "-f", "trap '' TERM; sleep 600 & wait; wait"], capture_output=True)
    assert left.returncode == 1, left.stdout


# ---- routines connectors check ----------------------------------------------------------------------


@pytest.fixture
def check(routines_bin, tmp_path):
    def run_check(*each, options=(), name="greet"):
        path = tmp_path / "routine.yaml"
        path.write_text(routine_text(name=name, more=connectors(*each) if each else ""))
        return subprocess.run([routines_bin, "connectors", "check", str(path), *options],
                              capture_output=True, text=True, timeout=120, env=clean_environment(),
                              stdin=subprocess.DEVNULL)
    return run_check


def test_check_prints_servers_and_tools(check, everything_url):
    done = check({"name": "local", "command": [npm("mcp-server-filesystem"), "/usr/share"],
                  "tools": {"deny": ["write_file"]}},
                 {"name": "web", "url": everything_url})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "local  ok  secure-filesystem-server" in done.stdout
    assert "denied: write_file" in done.stdout
    assert "web  ok  mcp-servers/everything 2.0.0, protocol 2025-11-25" in done.stdout
    assert "[local] Secure MCP Filesystem Server running on stdio" in done.stderr


def test_check_tells_every_failure(check):
    done = check({"name": "good", "command": [npm("mcp-server-everything"), "stdio"]},
                 {"name": "gone", "command": ["sh", "-c", "exit 9"]},
                 {"name": "shut", "url": "http://127.0.0.1:1/mcp"}, options=["--json"])
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    assert (answer["routine"], answer["ok"]) == ("default/greet", False)
    good, gone, shut = answer["connectors"]
    assert good["ok"] and "echo" in good["tools"] and good["denied_tools"] == []
    assert good["server"] == {"name": "mcp-servers/everything", "version": "2.0.0"}
    assert 0 < good["time_ms"] < 60000
    assert (gone["ok"], gone["reason"]) == (False, "connector_failed")
    assert "connector gone: ended with exit code 9" in gone["message"] == answer["message"]
    assert "cannot be reached" in shut["message"]


def test_check_takes_secrets_from_a_folder(check, tmp_path):
    connector = {"name": "local", "command": ["sh", "-c", 'echo $TOKEN >&2; exit 1'], "secrets": ["TOKEN"]}
    done = check(connector)
    assert done.returncode == 1 and "secret_missing" in done.stdout
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "TOKEN").write_text(SECRET)
    done = check(connector, options=["--secrets", str(tmp_path / "keys")])
    assert "its last words: [redacted]" in done.stdout
    assert SECRET not in done.stdout + done.stderr


def test_check_has_a_time_limit_and_wants_it_right(check):
    done = check({"name": "slow", "command": ["sleep", "600"]}, options=["--timeout", "300ms"])
    assert done.returncode == 1
    assert "connector_timeout" in done.stdout and "(300ms)" in done.stdout
    assert check(options=["--timeout", "soon"]).returncode == 2


def test_check_says_that_there_are_none(check):
    done = check()
    assert (done.returncode, done.stdout) == (0, "the routine has no connectors\n")


def test_check_takes_the_name_of_a_saved_routine(server, tmp_path):
    server.apply(tmp_path, routine_text(executor="agent", more=connectors(
        {"name": "local", "command": [npm("mcp-server-everything"), "stdio"]})))
    assert server.json("connectors", "check", "greet")["connectors"][0]["ok"]
    missing = server.cli("connectors", "check", "no-such-routine")
    assert missing.returncode == 4
