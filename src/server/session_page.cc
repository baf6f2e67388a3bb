#include "src/server/session_page.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "routines/session.h"
#include "src/base/time_conversion.h"
#include "src/server/html_text.h"
#include "src/server/http_message.h"

namespace routines::server {
namespace {

constexpr size_t kShownPatchBytes = 64 << 10;

// One <div class="entry …"> of the log. web/session.js, entryOf() makes the same of an event.
std::string Entry(std::string_view kind, std::string_view label, const std::string& content) {
  return absl::StrCat("<div class=\"entry ", std::string(kind), "\"><span class=\"label\">",
                      HtmlText(label), "</span>", content, "</div>\n");
}

std::string Text(std::string_view text) {
  return absl::StrCat("<pre>", HtmlText(text), "</pre>");
}

std::string Folded(std::string_view summary, std::string_view text) {
  return absl::StrCat("<details><summary>", HtmlText(summary), "</summary>", Text(text),
                      "</details>");
}

std::string ShortCommit(const std::string& commit) {
  return commit.substr(0, 12);
}

std::string StateText(const v1::StateChange& change) {
  std::string text(StateName(change.state()));
  if (change.step() != v1::SESSION_STEP_UNSPECIFIED) {
    absl::StrAppend(&text, " at ", std::string(StepName(change.step())));
  }
  if (!change.reason().empty()) absl::StrAppend(&text, ": ", change.reason());
  if (!change.message().empty()) absl::StrAppend(&text, ": ", change.message());
  return text;
}

std::string PushText(const v1::Push& push) {
  return absl::StrCat(push.repository(), " ", push.ref(), " at ", ShortCommit(push.new_commit()),
                      push.accepted() ? "" : " refused: ", push.accepted() ? "" : push.message());
}

std::string UsageText(const v1::Usage& usage) {
  std::string text = absl::StrFormat("$%.4f", usage.cost_usd());
  if (usage.turns() > 0) absl::StrAppend(&text, ", ", usage.turns(), " turns");
  absl::StrAppend(&text, ", ", usage.input_tokens(), " tokens in, ", usage.output_tokens(), " out");
  if (usage.cache_read_tokens() > 0) {
    absl::StrAppend(&text, ", ", usage.cache_read_tokens(), " from cache");
  }
  return text;
}

std::string NoteKind(const v1::Note& note) {
  switch (note.severity()) {
    case v1::Note::SEVERITY_ERROR:
      return "note error";
    case v1::Note::SEVERITY_WARNING:
      return "note warning";
    default:
      return "note";
  }
}

std::string OutputLabel(const v1::Output& output) {
  const bool error = output.stream() == v1::Output::STREAM_STDERR;
  return absl::StrCat(std::string(StepName(output.step())), error ? " stderr" : "");
}

std::string EventHtml(const v1::SessionEvent& event) {
  switch (event.kind_case()) {
    case v1::SessionEvent::kStateChange:
      return Entry("state", "state", Text(StateText(event.state_change())));
    case v1::SessionEvent::kAssistantText:
      return Entry("assistant", "agent", Text(event.assistant_text().text()));
    case v1::SessionEvent::kToolCall:
      return Entry("tool", "tool",
                   Folded(event.tool_call().name(), event.tool_call().input_json()));
    case v1::SessionEvent::kToolResult:
      return Entry(event.tool_result().is_error() ? "tool error" : "tool", "tool",
                   Folded(event.tool_result().is_error() ? "result: error" : "result",
                          event.tool_result().text()));
    case v1::SessionEvent::kPush:
      return Entry(event.push().accepted() ? "push" : "push error", "push",
                   Text(PushText(event.push())));
    case v1::SessionEvent::kUsage:
      return Entry("usage", "usage", Text(UsageText(event.usage())));
    case v1::SessionEvent::kNote:
      return Entry(NoteKind(event.note()), "note", Text(event.note().text()));
    case v1::SessionEvent::kResult:
      return Entry(event.result().is_error() ? "result error" : "result", "result",
                   Text(event.result().text()));
    case v1::SessionEvent::kCheckout:
      return Entry("checkout", "clone",
                   Text(absl::StrCat(event.checkout().name(), " ", event.checkout().ref(), " at ",
                                     ShortCommit(event.checkout().commit()))));
    case v1::SessionEvent::kAgentEvent:
      return Entry("agent-event", "agent",
                   Folded(event.agent_event().type(), event.agent_event().json()));
    default:
      return "";
  }
}

// Pieces of one stream that follow each other are one text: a line may be cut anywhere.
std::string LogHtml(const std::vector<v1::SessionEvent>& events) {
  std::string html;
  for (size_t i = 0; i < events.size(); ++i) {
    if (!events[i].has_output()) {
      html += EventHtml(events[i]);
      continue;
    }
    const v1::Output& first = events[i].output();
    std::string text = first.text();
    while (i + 1 < events.size() && events[i + 1].has_output() &&
           events[i + 1].output().step() == first.step() &&
           events[i + 1].output().stream() == first.stream()) {
      text += events[++i].output().text();
    }
    const bool error = first.stream() == v1::Output::STREAM_STDERR;
    html += Entry(error ? "output stderr" : "output", OutputLabel(first), Text(text));
  }
  return html;
}

std::string TimeHtml(const google::protobuf::Timestamp& time) {
  const std::string text =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", FromProto(time), absl::UTCTimeZone());
  return absl::StrCat("<time datetime=\"", text, "\">", text, "</time>");
}

// A row of the facts; `id` is how web/session.js finds it. Hidden while there is nothing to say.
std::string Fact(std::string_view id, std::string_view label, const std::string& html) {
  return absl::StrCat("<div id=\"fact-", std::string(id), "\"", html.empty() ? " hidden" : "",
                      "><dt>", std::string(label), "</dt><dd>", html, "</dd></div>\n");
}

std::string FactsHtml(const v1::Session& session) {
  std::string checkouts, pushes;
  for (const v1::Checkout& checkout : session.checkouts()) {
    absl::StrAppend(&checkouts, "<div>", HtmlText(checkout.name()), " ", HtmlText(checkout.ref()),
                    " at <code>", HtmlText(ShortCommit(checkout.commit())), "</code></div>");
  }
  for (const v1::Push& push : session.pushes()) {
    absl::StrAppend(&pushes, "<div>", HtmlText(push.repository()), " <strong>",
                    HtmlText(push.ref()), "</strong> at <code>",
                    HtmlText(ShortCommit(push.new_commit())), "</code></div>");
  }
  return absl::StrCat(
      Fact("created", "Created", TimeHtml(session.create_time())),
      Fact("started", "Agent started", session.has_run_time() ? TimeHtml(session.run_time()) : ""),
      Fact("ended", "Ended", session.has_end_time() ? TimeHtml(session.end_time()) : ""),
      Fact("attempt", "Attempt", session.attempt() > 1 ? absl::StrCat(session.attempt()) : ""),
      Fact("model", "Model", HtmlText(session.model())),
      Fact("checkouts", "Repositories", checkouts), Fact("pushes", "Pushed", pushes),
      Fact("usage", "Usage", session.has_usage() ? UsageText(session.usage()) : ""));
}

std::string PatchesHtml(const v1::Session& session) {
  std::string html;
  for (const v1::Patch& patch : session.patches()) {
    const std::string shown = patch.text().substr(0, kShownPatchBytes);
    const bool cut = patch.truncated() || shown.size() < patch.text().size();
    absl::StrAppend(
        &html,
        Folded(absl::StrCat(patch.repository(), " ", patch.ref(), cut ? " (cut)" : ""), shown));
  }
  return html;
}

// A part of the page that is there only when it has something to say.
std::string Section(std::string_view id, std::string_view title, const std::string& html) {
  return absl::StrCat("<section id=\"", std::string(id), "\"", html.empty() ? " hidden" : "",
                      "><h2>", std::string(title), "</h2><div class=\"body\">", html,
                      "</div></section>\n");
}

std::string CancelForm(const v1::Session& session) {
  if (IsTerminal(session.state())) return "";
  return absl::StrCat(
      "<details id=\"cancel\"><summary>Cancel this session</summary>"
      "<form method=\"post\" action=\"../v1/sessions/",
      PercentEncode(session.id()),
      "/cancel\">"
      "<input type=\"hidden\" name=\"key\" value=\"",
      HtmlText(session.read_key()),
      "\">"
      "<label>Admin token <input type=\"password\" name=\"admin_token\" required "
      "autocomplete=\"off\"></label> <button>Cancel session</button>"
      "<span id=\"cancel-answer\" role=\"status\"></span></form></details>\n");
}

std::string Header(const v1::Session& session) {
  const std::string state(StateName(session.state()));
  std::string why = session.reason();
  if (!session.message().empty()) absl::StrAppend(&why, why.empty() ? "" : ": ", session.message());
  return absl::StrCat("<header><p class=\"crumb\">", HtmlText(session.account()), " / ",
                      HtmlText(session.routine()), " <span class=\"quiet\">revision ",
                      session.revision(), "</span></p>\n<h1><span id=\"state\" class=\"badge ",
                      state, "\" role=\"status\">", state, "</span> <code>", HtmlText(session.id()),
                      "</code></h1>\n<p id=\"why\"", why.empty() ? " hidden" : "", ">",
                      HtmlText(why), "</p>\n</header>\n");
}

// What does not fit on this page. With JavaScript the rest comes by itself.
std::string More(const v1::Session& session, int64_t last) {
  if (last >= session.last_sequence()) return "";
  return absl::StrCat("<p id=\"more\"><a href=\"?key=", PercentEncode(session.read_key()),
                      "&amp;after=", last, "\">The log goes on</a></p>\n");
}

}  // namespace

std::string RenderSessionPage(const v1::Session& session,
                              const std::vector<v1::SessionEvent>& events, int64_t after) {
  const int64_t last = events.empty() ? after : events.back().sequence();
  return absl::StrCat(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n<title>",
      std::string(StateName(session.state())), " – ", HtmlText(session.routine()),
      "</title>\n<link rel=\"stylesheet\" href=\"../assets/session.css\">\n"
      "<script type=\"module\" src=\"../assets/session.js\"></script>\n</head>\n"
      "<body data-session=\"",
      HtmlText(session.id()), "\" data-key=\"", HtmlText(session.read_key()), "\" data-routine=\"",
      HtmlText(session.routine()), "\" data-last=\"", last, "\" data-done=\"",
      IsTerminal(session.state()) && last >= session.last_sequence() ? 1 : 0, "\">\n<main>\n",
      Header(session), "<dl id=\"facts\">\n", FactsHtml(session), "</dl>\n", CancelForm(session),
      Section("result", "Result", session.result().empty() ? "" : Text(session.result())),
      Section("patches", "Committed but not pushed", PatchesHtml(session)),
      "<section id=\"log-section\"><h2>Log</h2>\n"
      "<div id=\"log\" role=\"log\" aria-live=\"polite\" aria-label=\"Session log\">\n",
      LogHtml(events), "</div>\n", More(session, last),
      "<p id=\"connection\" class=\"quiet\" role=\"status\"></p>\n</section>\n</main>\n"
      "<button id=\"follow\" hidden>Follow the log</button>\n</body>\n</html>\n");
}

}  // namespace routines::server
