// Keeps the page of a session up to date: follows its log through Server-Sent Events.
//
// Nothing that comes from the server is ever parsed as HTML: texts are set as text.

const {session, key, routine} = document.body.dataset;
const api = new URL(`../v1/sessions/${encodeURIComponent(session)}`, location.href);
const log = document.getElementById("log");
const connection = document.getElementById("connection");
const followButton = document.getElementById("follow");
const kMaxEntries = 5000;  // in the page; the whole log is in the API
const kTerminal = ["succeeded", "failed", "cancelled", "timed_out", "lost"];

// ---- text ----

const kEscapes = /\x1b(?:\[[0-9:;<=>?!"#$%&'()*+,\-./ ]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\?)|[()*+#%][^]|[0-OQ-WYZ\\`-~])/g;
const kControls = /[\x00-\x08\x0b-\x1f\x7f]/g;
const kInvisible = /[\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

// As src/server/html_text.cc: no terminal sequences, and nothing that cannot be seen.
function visible(text) {
  return text
      .replace(kEscapes, "")
      .replaceAll("\r\n", "\n")
      .replace(kControls, (c) => c === "\x7f" ? "\u2421" : String.fromCharCode(0x2400 + c.charCodeAt(0)))
      .replace(kInvisible, (c) => `\u27e8U+${c.codePointAt(0).toString(16).padStart(4, "0")}\u27e9`);
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

const pre = (text) => element("pre", "", visible(text ?? ""));
const folded = (summary, text) =>
    element("details", "", element("summary", "", visible(summary ?? "")), pre(text));
const short = (commit) => (commit ?? "").slice(0, 12);

function usageText(usage) {
  let text = `$${(usage.cost_usd ?? 0).toFixed(4)}`;
  if (usage.turns) text += `, ${usage.turns} turns`;
  text += `, ${usage.input_tokens ?? 0} tokens in, ${usage.output_tokens ?? 0} out`;
  if (usage.cache_read_tokens) text += `, ${usage.cache_read_tokens} from cache`;
  return text;
}

const pushText = (push) => `${push.repository} ${push.ref} at ${short(push.new_commit)}` +
    (push.accepted ? "" : ` refused: ${push.message ?? ""}`);

// ---- the log ----

// [class, label, content] of an event that is no output.
function entryOf(event) {
  if (event.state_change) {
    const change = event.state_change;
    const at = change.step ? ` at ${change.step}` : "";
    return ["state", "state",
            pre([change.state + at, change.reason, change.message].filter(Boolean).join(": "))];
  }
  if (event.assistant_text) return ["assistant", "agent", pre(event.assistant_text.text)];
  if (event.tool_call) {
    return ["tool", "tool", folded(event.tool_call.name, event.tool_call.input_json)];
  }
  if (event.tool_result) {
    const error = event.tool_result.is_error;
    return [error ? "tool error" : "tool", "tool",
            folded(error ? "result: error" : "result", event.tool_result.text)];
  }
  if (event.push) return [event.push.accepted ? "push" : "push error", "push", pre(pushText(event.push))];
  if (event.usage) return ["usage", "usage", pre(usageText(event.usage))];
  if (event.note) {
    const severity = event.note.severity;
    const loud = severity === "error" || severity === "warning";
    return [loud ? `note ${severity}` : "note", "note", pre(event.note.text)];
  }
  if (event.result) {
    return [event.result.is_error ? "result error" : "result", "result", pre(event.result.text)];
  }
  if (event.checkout) {
    const {name, ref, commit} = event.checkout;
    return ["checkout", "clone", pre(`${name} ${ref} at ${short(commit)}`)];
  }
  if (event.agent_event) {
    return ["agent-event", "agent", folded(event.agent_event.type, event.agent_event.json)];
  }
  return null;
}

function appendOutput(output) {
  const error = output.stream === "stderr";
  const className = error ? "entry output stderr" : "entry output";
  const label = error ? `${output.step} stderr` : output.step;
  const last = log.lastElementChild;
  const same = last?.className === className && last.firstElementChild.textContent === label;
  if (same) last.lastElementChild.append(visible(output.text ?? ""));
  else log.append(element("div", className, element("span", "label", label), pre(output.text)));
}

function appendEvent(event) {
  if (event.output) {
    appendOutput(event.output);
  } else {
    const entry = entryOf(event);
    if (entry) {
      const [className, label, content] = entry;
      log.append(element("div", `entry ${className}`, element("span", "label", label), content));
    }
  }
  while (log.childElementCount > kMaxEntries) log.firstElementChild.remove();
}

// ---- following ----

let following = true;
let ours = false;  // the scroll event that comes next is our own

const atEnd = () =>
    window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 40;

function keepUp() {
  if (!following) return;
  ours = true;
  window.scrollTo(0, document.documentElement.scrollHeight);
}

window.addEventListener("scroll", () => {
  if (ours) {
    ours = false;
    return;
  }
  following = atEnd();
  followButton.hidden = following || finished;
}, {passive: true});

followButton.addEventListener("click", () => {
  following = true;
  followButton.hidden = true;
  keepUp();
});

// ---- facts ----

function setFact(name, ...content) {
  const row = document.getElementById(`fact-${name}`);
  row.hidden = content.length === 0;
  row.lastElementChild.replaceChildren(...content);
}

function timeElement(text) {
  const time = element("time", "", new Date(text).toLocaleString());
  time.dateTime = text;
  time.title = text;
  return time;
}

function addFact(name, ...content) {
  const row = document.getElementById(`fact-${name}`);
  row.hidden = false;
  row.lastElementChild.append(element("div", "", ...content));
}

function showState(state) {
  const badge = document.getElementById("state");
  if (badge.textContent === state) return;
  badge.textContent = state;
  badge.className = `badge ${state}`;
  document.title = `${state} – ${routine}`;
  if (kTerminal.includes(state)) document.getElementById("cancel")?.remove();
}

function checkoutParts(checkout) {
  return [visible(`${checkout.name} ${checkout.ref} at `), element("code", "", short(checkout.commit))];
}

function pushParts(push) {
  return [visible(`${push.repository} `), element("strong", "", visible(push.ref)), " at ",
          element("code", "", short(push.new_commit))];
}

// What an event changes beside the log.
function updateFacts(event) {
  if (event.state_change) showState(event.state_change.state);
  if (event.state_change?.state === "running") setFact("started", timeElement(event.time));
  if (event.usage) setFact("usage", usageText(event.usage));
  if (event.checkout) addFact("checkouts", ...checkoutParts(event.checkout));
  if (event.push?.accepted) addFact("pushes", ...pushParts(event.push));
}

function fillSection(name, ...content) {
  const section = document.getElementById(name);
  section.hidden = content.length === 0;
  section.querySelector(".body").replaceChildren(...content);
}

// The whole session, as the API tells it.
function showSession(value) {
  showState(value.state);
  const why = document.getElementById("why");
  why.textContent = visible([value.reason, value.message].filter(Boolean).join(": "));
  why.hidden = why.textContent === "";
  for (const [name, text] of [["started", value.run_time], ["ended", value.end_time]]) {
    if (text) setFact(name, timeElement(text));
  }
  if (value.attempt > 1) setFact("attempt", String(value.attempt));
  setFact("checkouts", ...(value.checkouts ?? []).map((c) => element("div", "", ...checkoutParts(c))));
  setFact("pushes", ...(value.pushes ?? []).map((p) => element("div", "", ...pushParts(p))));
  if (value.usage) setFact("usage", usageText(value.usage));
  fillSection("result", ...(value.result ? [pre(value.result)] : []));
  fillSection("patches", ...(value.patches ?? []).map(
      (patch) => folded(`${patch.repository} ${patch.ref}${patch.truncated ? " (cut)" : ""}`, patch.text)));
}

// ---- the stream ----

let finished = document.body.dataset.done === "1";

function follow() {
  document.getElementById("more")?.remove();
  const url = new URL(`${api}/events`);
  url.searchParams.set("key", key);
  url.searchParams.set("after", document.body.dataset.last);
  const source = new EventSource(url);
  source.addEventListener("open", () => { connection.textContent = "live"; });
  source.addEventListener("error", () => {
    connection.textContent = source.readyState === EventSource.CLOSED
        ? "The stream has ended; reload the page to go on."
        : "reconnecting…";
  });
  source.addEventListener("session_event", (message) => {
    const event = JSON.parse(message.data);
    appendEvent(event);
    updateFacts(event);
    keepUp();
  });
  source.addEventListener("end", (message) => {
    source.close();
    finished = true;
    followButton.hidden = true;
    connection.textContent = "The session has ended.";
    showSession(JSON.parse(message.data));
    keepUp();
  });
}

// ---- cancel ----

const form = document.querySelector("#cancel form");
const kTokenName = "routines_admin_token";

form?.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  const answer = document.getElementById("cancel-answer");
  const token = form.elements.admin_token.value;
  answer.textContent = "…";
  try {
    const response =
        await fetch(`${api}/cancel`, {method: "POST", headers: {Authorization: `Bearer ${token}`}});
    if (response.ok) {
      sessionStorage.setItem(kTokenName, token);
      answer.textContent = "The session is being cancelled.";
      return;
    }
    const body = await response.json();
    answer.textContent = visible(body.error.message);
    sessionStorage.removeItem(kTokenName);
  } catch {
    answer.textContent = "The server cannot be reached.";
  }
});
if (form) form.elements.admin_token.value = sessionStorage.getItem(kTokenName) ?? "";

for (const time of document.querySelectorAll("time")) time.replaceWith(timeElement(time.dateTime));
if (!finished) {
  keepUp();
  follow();
}
