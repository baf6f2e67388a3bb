#include "src/engine/buffered_log.h"

#include "absl/strings/str_cat.h"
#include "src/base/time_conversion.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

constexpr size_t kMaxText = size_t{1} << 20;     // of one string of an event
constexpr size_t kMaxResult = size_t{64} << 10;  // of Session.result
constexpr int kMaxPushes = 1000;                 // in Session.pushes

void Truncate(std::string& text, size_t limit) {
  if (text.size() <= limit) return;
  text.resize(limit);
  text.resize(limit - IncompleteTail(text));
  text += " [truncated]";
}

// Applies `clean` to every string of `message`, at any depth.
void ForEachString(google::protobuf::Message& message,
                   const std::function<void(std::string&)>& clean) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    using Type = google::protobuf::FieldDescriptor::CppType;
    if (field->is_repeated()) continue;  // no event has a repeated field
    if (field->cpp_type() == Type::CPPTYPE_MESSAGE) {
      ForEachString(*reflection.MutableMessage(&message, field), clean);
    } else if (field->cpp_type() == Type::CPPTYPE_STRING) {
      std::string text = reflection.GetString(message, field);
      clean(text);
      reflection.SetString(&message, field, std::move(text));
    }
  }
}

}  // namespace

BufferedLog::BufferedLog(Options options)
    : options_(std::move(options)), may_block_(options_.may_block) {}

void BufferedLog::Resume(const v1::Session& record) {
  absl::MutexLock lock(&mu_);
  *summary_.mutable_checkouts() = record.checkouts();
  *summary_.mutable_pushes() = record.pushes();
  if (record.has_usage()) *summary_.mutable_usage() = record.usage();
  summary_.set_result(record.result());
}

void BufferedLog::SetRedactor(Redactor redactor) {
  absl::MutexLock lock(&mu_);
  redactor_ = std::move(redactor);
}

std::string BufferedLog::Redact(std::string_view text) const {
  absl::MutexLock lock(&mu_);
  return RepairUtf8(redactor_.Redact(text));
}

void BufferedLog::Append(v1::SessionEvent event) {
  {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](BufferedLog* log) ABSL_EXCLUSIVE_LOCKS_REQUIRED(log->mu_) {
          return !log->may_block_ || log->closed_ ||
                 log->pending_bytes_ + log->taken_bytes_ < log->options_.max_backlog_bytes;
        },
        this));
    if (closed_ || event.has_state_change()) return;  // states are the engine's own
    Clean(event);
    if (event.kind_case() == v1::SessionEvent::kOutput && event.output().text().empty()) return;
    Note(event);
    if (OverLimit(event)) return;
    Push(std::move(event));
  }
  options_.wake();
}

void BufferedLog::AppendOwn(v1::SessionEvent event) {
  {
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    ForEachString(event, [redactor = &redactor_](std::string& text) {
      text = RepairUtf8(redactor->Redact(text));
    });
    Push(std::move(event));
  }
  options_.wake();
}

void BufferedLog::FlushStreams() {
  absl::MutexLock lock(&mu_);
  if (closed_) return;
  for (auto& [key, stream] : streams_) {
    v1::SessionEvent event = OutputEvent(
        static_cast<v1::SessionStep>(key.first), static_cast<v1::Output::Stream>(key.second),
        stream.redacting.Feed(stream.filter.Flush()) + stream.redacting.Flush());
    if (!event.output().text().empty() && !OverLimit(event)) Push(std::move(event));
  }
  streams_.clear();
}

void BufferedLog::Clean(v1::SessionEvent& event) {
  if (event.kind_case() == v1::SessionEvent::kOutput) {
    v1::Output& output = *event.mutable_output();
    const auto stream =
        streams_
            .try_emplace({output.step(), output.stream()}, Stream{{}, RedactingStream(redactor_)})
            .first;
    output.set_text(stream->second.redacting.Feed(stream->second.filter.Feed(output.text())));
    return;
  }
  ForEachString(event, [redactor = &redactor_](std::string& text) {
    text = RepairUtf8(redactor->Redact(WithoutControlSequences(text)));
    Truncate(text, kMaxText);
  });
}

bool BufferedLog::OverLimit(const v1::SessionEvent& event) {
  if (!limited_ && total_bytes_ + static_cast<int64_t>(event.ByteSizeLong()) > options_.max_bytes) {
    limited_ = true;
    Push(NoteEvent(v1::Note::SEVERITY_WARNING,
                   "the log has reached its limit; output from here on is not kept"));
  }
  return limited_;
}

void BufferedLog::Note(const v1::SessionEvent& event) {
  switch (event.kind_case()) {
    case v1::SessionEvent::kCheckout:
      *summary_.add_checkouts() = event.checkout();
      break;
    case v1::SessionEvent::kPush:
      if (event.push().accepted() && summary_.pushes_size() < kMaxPushes) {
        *summary_.add_pushes() = event.push();
      }
      break;
    case v1::SessionEvent::kUsage:
      *summary_.mutable_usage() = event.usage();
      break;
    case v1::SessionEvent::kResult:
      has_result_ = true;
      summary_.set_result(event.result().text());
      Truncate(*summary_.mutable_result(), kMaxResult);
      break;
    default:
      break;
  }
}

void BufferedLog::Push(v1::SessionEvent event) {
  *event.mutable_time() = ToProto(options_.clock->TimeNow());
  const int64_t bytes = static_cast<int64_t>(event.ByteSizeLong());
  total_bytes_ += bytes;
  pending_bytes_ += bytes;
  pending_.push_back(std::move(event));
}

std::vector<v1::SessionEvent> BufferedLog::Take() {
  absl::MutexLock lock(&mu_);
  taken_bytes_ += pending_bytes_;
  pending_bytes_ = 0;
  return std::exchange(pending_, {});
}

bool BufferedLog::HasPending() const {
  absl::MutexLock lock(&mu_);
  return !pending_.empty();
}

void BufferedLog::Committed() {
  absl::MutexLock lock(&mu_);
  taken_bytes_ = 0;
}

void BufferedLog::StopWaiting() {
  absl::MutexLock lock(&mu_);
  may_block_ = false;
}

void BufferedLog::Close() {
  absl::MutexLock lock(&mu_);
  closed_ = true;
}

void BufferedLog::Summarize(v1::Session& session) const {
  absl::MutexLock lock(&mu_);
  *session.mutable_checkouts() = summary_.checkouts();
  *session.mutable_pushes() = summary_.pushes();
  if (summary_.has_usage()) *session.mutable_usage() = summary_.usage();
  if (!summary_.result().empty()) session.set_result(summary_.result());
}

std::optional<Outcome> BufferedLog::LimitReached(const v1::Limits& limits) const {
  absl::MutexLock lock(&mu_);
  const v1::Usage& usage = summary_.usage();
  if (limits.max_cost_usd() > 0 && usage.cost_usd() > limits.max_cost_usd()) {
    return Outcome::Failure(
        v1::SESSION_STEP_AGENT, "cost_limit",
        absl::StrCat("the agent cost more than ", limits.max_cost_usd(), " USD"));
  }
  if (limits.max_turns() > 0 && usage.turns() > limits.max_turns() && !has_result_) {
    return Outcome::Failure(
        v1::SESSION_STEP_AGENT, "max_turns",
        absl::StrCat("the agent was not done after ", limits.max_turns(), " turns"));
  }
  return std::nullopt;
}

}  // namespace routines
