#include "src/cli/log_printer.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

constexpr size_t kLabelWidth = 10;
constexpr size_t kMaxPending = 64 << 10;  // of a line without an end
constexpr size_t kShownToolText = 400;    // of a tool's input or result; --json has all of it

std::string Shorten(std::string_view text) {
  if (text.size() <= kShownToolText) return std::string(text);
  return absl::StrCat(std::string(text.substr(0, kShownToolText)), " […", text.size(), " bytes]");
}

std::string Words(std::initializer_list<std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    if (!word.empty()) absl::StrAppend(&out, out.empty() ? "" : " ", word);
  }
  return out;
}

std::string Parenthesised(const std::string& text) {
  return text.empty() ? "" : absl::StrCat("(", text, ")");
}

std::string PushText(const JsonValue& push) {
  const std::string where = absl::StrCat(push["repository"].Text(), " ", push["ref"].Text());
  if (!push["accepted"].Bool())
    return absl::StrCat("refused ", where, ": ", push["message"].Text());
  return absl::StrCat(where, " → ", push["new_commit"].Text().substr(0, 12));
}

std::string UsageText(const JsonValue& usage) {
  return absl::StrFormat("%d tokens in, %d out, $%.4f", usage["input_tokens"].Int(),
                         usage["output_tokens"].Int(), usage["cost_usd"].Number());
}

// `text`, each line behind the time and the label; nothing for no text.
std::string Lines(std::string_view time, std::string_view label, std::string_view text,
                  Colour colour = Colour::kNone) {
  const std::string padding(kLabelWidth + 1 - std::min(label.size(), kLabelWidth), ' ');
  const std::string prefix =
      absl::StrCat(Paint(LocalClock(time), Colour::kDim), "  ", EscapeControls(label), padding);
  std::string out;
  if (text.empty()) return out;
  if (text.ends_with('\n')) text.remove_suffix(1);
  while (true) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    absl::StrAppend(&out, prefix, Paint(EscapeControls(line, /*keep_lines=*/true), colour));
    while (out.ends_with(' ')) out.pop_back();  // an empty line has nothing behind its label
    out += '\n';
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string LogPrinter::Format(const JsonValue& event) {
  const std::string& time = event["time"].Text();
  if (!event["output"].IsNull()) return FormatOutput(time, event["output"]);
  std::string out = Flush();
  for (const auto& [kind, value] : event.Members()) out += FormatKind(time, kind, value);
  return out;
}

std::string LogPrinter::FormatKind(std::string_view time, std::string_view kind,
                                   const JsonValue& value) {
  const std::string& text = value["text"].Text();
  const bool wrong = value["is_error"].Bool();
  if (kind == "state_change") {
    const std::string& state = value["state"].Text();
    return Lines(time, "state",
                 Words({state, value["step"].Text(), Parenthesised(value["reason"].Text()),
                        value["message"].Text()}),
                 StateColour(state));
  }
  if (kind == "assistant_text") return Lines(time, "says", text);
  if (kind == "tool_call") {
    return Lines(time, "tool", Words({value["name"].Text(), Shorten(value["input_json"].Text())}),
                 Colour::kBlue);
  }
  if (kind == "tool_result") {
    return Lines(time, wrong ? "tool error" : "tool says", Shorten(text),
                 wrong ? Colour::kRed : Colour::kDim);
  }
  if (kind == "push") {
    return Lines(time, "push", PushText(value),
                 value["accepted"].Bool() ? Colour::kGreen : Colour::kRed);
  }
  if (kind == "usage") return Lines(time, "usage", UsageText(value), Colour::kDim);
  if (kind == "note") {
    const bool bad = value["severity"].Text() == "error";
    return Lines(time, bad ? "error" : "note", text, bad ? Colour::kRed : Colour::kYellow);
  }
  if (kind == "result") {
    return Lines(time, wrong ? "failure" : "result", text, wrong ? Colour::kRed : Colour::kBold);
  }
  if (kind == "checkout") {
    return Lines(time, "checkout",
                 Words({value["name"].Text(), value["ref"].Text(), "at",
                        value["commit"].Text().substr(0, 12)}));
  }
  if (kind == "agent_event") {
    return Lines(time, "agent", Words({value["type"].Text(), Shorten(value["json"].Text())}),
                 Colour::kDim);
  }
  return "";  // sequence, time, and kinds of newer servers
}

std::string LogPrinter::FormatOutput(std::string_view time, const JsonValue& output) {
  const std::string label =
      absl::StrCat(output["step"].Text(), output["stream"].Text() == "stderr" ? " !" : "");
  std::string out;
  if (!pending_.empty() && pending_label_ != label) out = Flush();
  if (pending_.empty()) pending_time_ = std::string(time);
  pending_label_ = label;
  pending_ += output["text"].Text();
  const size_t end = pending_.rfind('\n');
  if (end == std::string::npos) return pending_.size() < kMaxPending ? out : out + Flush();
  out += Lines(pending_time_, label, std::string_view(pending_).substr(0, end));
  pending_.erase(0, end + 1);
  pending_time_ = std::string(time);
  return out;
}

std::string LogPrinter::Flush() {
  if (pending_.empty()) return "";
  const std::string out = Lines(pending_time_, pending_label_, pending_);
  pending_.clear();
  return out;
}

}  // namespace routines::cli
