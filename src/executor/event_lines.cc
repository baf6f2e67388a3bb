#include "src/executor/event_lines.h"

#include <simdjson.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kQuotedBytes = 4 << 10;  // of a line in a note

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

// Reads the fields of one line. The first that has the wrong type is remembered; those that are
// absent or null read as empty.
class Fields {
 public:
  explicit Fields(dom::object object) : object_(object) {}

  const std::string& problem() const { return problem_; }

  bool Find(std::string_view key, dom::element& value) const {
    return object_[key].get(value) == simdjson::SUCCESS && !value.is_null();
  }

  std::string Text(std::string_view key) {
    return std::string(Read<std::string_view>(key, "a string"));
  }
  bool Bool(std::string_view key) { return Read<bool>(key, "true or false"); }
  std::string Json(std::string_view key) const {
    dom::element value;
    return Find(key, value) ? simdjson::minify(value) : "";
  }

  // These leave `field` alone where the key is absent.
  void Count(std::string_view key, int64_t max, const std::function<void(int64_t)>& set) {
    const int64_t value = Read<int64_t>(key, "a whole number");
    if (value < 0 || value > max) Blame(key, "a whole number from 0 on");
    dom::element present;
    if (problem_.empty() && Find(key, present)) set(value);
  }
  void Amount(std::string_view key, const std::function<void(double)>& set) {
    const double value = Read<double>(key, "a number");
    if (value < 0) Blame(key, "a number from 0 on");
    dom::element present;
    if (problem_.empty() && Find(key, present)) set(value);
  }

 private:
  template <typename T>
  T Read(std::string_view key, std::string_view kind) {
    dom::element element;
    T value = {};
    if (Find(key, element) && element.get(value) != simdjson::SUCCESS) Blame(key, kind);
    return value;
  }

  void Blame(std::string_view key, std::string_view kind) {
    if (problem_.empty()) problem_ = absl::StrCat("\"", ToAbsl(key), "\" must be ", ToAbsl(kind));
  }

  const dom::object object_;
  std::string problem_;
};

v1::Note::Severity ParseSeverity(std::string_view name) {
  if (name == "warning") return v1::Note::SEVERITY_WARNING;
  if (name == "error") return v1::Note::SEVERITY_ERROR;
  return v1::Note::SEVERITY_INFO;
}

void ReadUsage(Fields& fields, v1::Usage& usage) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMaxTurns = std::numeric_limits<int32_t>::max();
  fields.Count("input_tokens", kMax, [&](int64_t n) { usage.set_input_tokens(n); });
  fields.Count("output_tokens", kMax, [&](int64_t n) { usage.set_output_tokens(n); });
  fields.Count("cache_read_tokens", kMax, [&](int64_t n) { usage.set_cache_read_tokens(n); });
  fields.Count("cache_write_tokens", kMax, [&](int64_t n) { usage.set_cache_write_tokens(n); });
  fields.Count("turns", kMaxTurns, [&](int64_t n) { usage.set_turns(static_cast<int32_t>(n)); });
  fields.Amount("cost_usd", [&](double amount) { usage.set_cost_usd(amount); });
}

// Fills `event` from a line of a type of ours; `usage` holds the totals so far.
void ReadEvent(std::string_view type, Fields& fields, v1::Usage usage, v1::SessionEvent& event) {
  if (type == "assistant_text") {
    event.mutable_assistant_text()->set_text(fields.Text("text"));
  } else if (type == "tool_call") {
    event.mutable_tool_call()->set_call_id(fields.Text("id"));
    event.mutable_tool_call()->set_name(fields.Text("name"));
    event.mutable_tool_call()->set_input_json(fields.Json("input"));
  } else if (type == "tool_result") {
    event.mutable_tool_result()->set_call_id(fields.Text("id"));
    event.mutable_tool_result()->set_is_error(fields.Bool("is_error"));
    event.mutable_tool_result()->set_text(fields.Text("text"));
  } else if (type == "usage") {
    ReadUsage(fields, usage);
    *event.mutable_usage() = std::move(usage);
  } else if (type == "note") {
    event.mutable_note()->set_severity(ParseSeverity(fields.Text("severity")));
    event.mutable_note()->set_text(fields.Text("text"));
  } else if (type == "result") {
    event.mutable_result()->set_is_error(fields.Bool("is_error"));
    event.mutable_result()->set_text(fields.Text("text"));
  }
}

}  // namespace

std::string Shorten(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  std::string_view kept = text.substr(0, bytes);
  kept.remove_suffix(IncompleteTail(kept));
  return absl::StrCat(ToAbsl(kept), "… (", text.size(), " bytes)");
}

struct EventLines::Parser {
  dom::parser json;
};

EventLines::EventLines(std::function<void(v1::SessionEvent)> emit)
    : emit_(std::move(emit)), parser_(std::make_unique<Parser>()) {}

EventLines::~EventLines() = default;

void EventLines::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (!skipping_ && line_.size() + part.size() > kMaxLineBytes) {
      Warn("is longer than 8 MiB", line_.append(part.substr(0, kQuotedBytes)));
      line_ = {};
      skipping_ = true;
    }
    if (!skipping_) line_.append(part);
    if (end == bytes.npos) return;
    if (!skipping_) End();
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void EventLines::End() {
  if (line_.find_first_not_of(" \t\r") != line_.npos) Line(RepairUtf8(line_));
  if (line_.capacity() > 1 << 20) line_ = {};
  line_.clear();
}

void EventLines::Line(std::string_view line) {
  dom::element document;
  dom::object object;
  std::string_view type;
  if (parser_->json.parse(line.data(), line.size()).get(document) != simdjson::SUCCESS) {
    return Warn("is not JSON", line);
  }
  if (document.get(object) != simdjson::SUCCESS) return Warn("is not a JSON object", line);
  if (object["type"].get(type) != simdjson::SUCCESS) return Warn("has no \"type\"", line);
  v1::SessionEvent event;
  Fields fields(object);
  ReadEvent(type, fields, usage_, event);
  if (!fields.problem().empty())
    return Warn(absl::StrCat("was not understood: ", fields.problem()), line);
  if (event.has_usage()) usage_ = event.usage();
  if (event.has_result()) result_ = event.result();
  if (event.kind_case() == v1::SessionEvent::KIND_NOT_SET) {
    event.mutable_agent_event()->set_type(std::string(type));
    event.mutable_agent_event()->set_json(simdjson::minify(document));
  }
  emit_(std::move(event));
}

void EventLines::Warn(std::string_view why, std::string_view line) {
  emit_(NoteEvent(v1::Note::SEVERITY_WARNING,
                  absl::StrCat("a line on the events descriptor ", ToAbsl(why), ": ",
                               RepairUtf8(Shorten(line, kQuotedBytes)))));
}

}  // namespace routines
