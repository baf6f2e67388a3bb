# A program with an engine inside: one routine, one event, one session. See docs/python.md.
import routines


def agent(execution: routines.Execution) -> str:
    print("the agent was asked:\n" + execution.prompt, end="")
    return "looked at it"


with routines.Engine("state") as engine:
    engine.register_executor("agent", agent)
    engine.put(routines.load("alert.yaml"))
    fired = engine.fire("trig_alert0001", text="SEN-4521 fired")
    print("session", engine.session(fired.session_id).wait()["state"])
