#include "src/connector/server_output.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/base/control_sequences.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

constexpr size_t kMaxLine = 4 << 10;

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

ServerOutput::ServerOutput(std::string name, const Redactor& redactor, SessionLog* log)
    : name_(std::move(name)), log_(log), redacting_(redactor) {}

void ServerOutput::Feed(std::string_view bytes) {
  TakeText(redacting_.Feed(bytes));
}

void ServerOutput::End() {
  TakeText(redacting_.Flush());
  if (!line_.empty()) LogLine(std::exchange(line_, ""));
}

void ServerOutput::TakeText(std::string_view text) {
  tail_.append(text);
  if (tail_.size() > 4 * kMaxTail) tail_.erase(0, tail_.size() - 2 * kMaxTail);
  if (log_ == nullptr || logged_ > kMaxLogged) return;
  for (const char c : text) {
    if (c != '\n') line_.push_back(c);
    if (c == '\n' || line_.size() >= kMaxLine) LogLine(std::exchange(line_, ""));
  }
}

void ServerOutput::LogLine(std::string_view line) {
  if (log_ == nullptr || logged_ > kMaxLogged) return;
  logged_ += static_cast<int64_t>(line.size()) + 1;
  if (logged_ > kMaxLogged) {
    return log_->Append(
        NoteEvent(v1::Note::SEVERITY_WARNING,
                  absl::StrCat("connector ", name_,
                               ": what else it wrote before its tools were listed is "
                               "left out")));
  }
  log_->Append(OutputEvent(v1::SESSION_STEP_CONNECTOR, v1::Output::STREAM_STDERR,
                           absl::StrCat("[", name_, "] ", ToAbsl(line), "\n")));
}

std::string ServerOutput::Tail() const {
  const std::string text = WithoutControlSequences(tail_);
  std::string tail =
      absl::StrJoin(absl::StrSplit(text, absl::ByAnyChar("\r\n"), absl::SkipWhitespace()), " / ");
  if (tail.size() > kMaxTail) tail = RepairUtf8(tail.substr(tail.size() - kMaxTail));
  return tail;
}

}  // namespace routines
