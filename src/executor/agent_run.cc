#include "src/executor/agent_run.h"

#include <poll.h>
#include <string.h>

#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/base/redact.h"
#include "src/base/sandbox.h"
#include "src/base/subprocess.h"
#include "src/base/utf8.h"
#include "src/executor/stream_lines.h"

namespace routines {
namespace {

constexpr size_t kBrokenLineBytes = size_t{64} << 10;  // of a line that is no JSON, kept
constexpr size_t kLargeLineBytes = size_t{1} << 20;    // after which the parser's memory is let go
constexpr size_t kLastWordsBytes = 1 << 10;

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

// A cancellation of our own that follows the session's.
class Stop {
 public:
  explicit Stop(const Cancellation& session) : session_(session) {
    try {
      follower_ = std::thread([this] { Follow(); });
    } catch (const std::system_error&) {
      own_.Cancel();  // a session that could not be cancelled must not run
      failed_ = true;
    }
  }
  ~Stop() {
    own_.Cancel();
    if (follower_.joinable()) follower_.join();
  }

  bool failed() const { return failed_; }
  Cancellation& own() { return own_; }

 private:
  void Follow() {
    const bool may_wait = session_.fd() >= 0 && own_.fd() >= 0;
    while (!own_.IsCancelled() && !session_.IsCancelled()) {
      pollfd polled[] = {{session_.fd(), POLLIN, 0}, {own_.fd(), POLLIN, 0}};
      poll(polled, 2, may_wait ? -1 : 500);
    }
    own_.Cancel();
  }

  const Cancellation& session_;
  Cancellation own_;
  bool failed_ = false;
  std::thread follower_;
};

class AgentRun {
 public:
  AgentRun(const AgentCommand& command, AgentStream& stream, Execution& execution)
      : command_(command),
        stream_(stream),
        execution_(execution),
        stop_(execution.cancellation()),
        stdout_(Redactor(command.secrets)),
        stderr_(Redactor(command.secrets)),
        lines_(kMaxAgentLineBytes,
               [this](std::string_view line, bool whole) { Line(line, whole); }),
        parser_(std::make_unique<simdjson::dom::parser>()) {}

  Outcome Run() {
    if (stop_.failed()) return AgentNotStarted(absl::ResourceExhaustedError("no thread to be had"));
    SubprocessOptions run;
    run.command = command_.command;
    run.environment = command_.environment;
    run.directory = command_.directory;
    run.stdin_data = command_.stdin_data;
    run.output = [this](SubprocessOptions::Stream stream, std::string_view bytes) {
      Receive(stream, bytes);
    };
    run.cancellation = &stop_.own();
    run.kill_grace = command_.kill_grace;
    run.sandbox = command_.sandbox;
    const absl::StatusOr<SubprocessResult> result = RunSubprocess(run);
    lines_.Feed(stdout_.Flush());
    lines_.End();
    Complain(stderr_.Flush());
    if (!result.ok() && !absl::IsAborted(result.status())) return AgentNotStarted(result.status());
    return Judge(result);
  }

 private:
  void Receive(SubprocessOptions::Stream stream, std::string_view bytes) {
    if (stream == SubprocessOptions::Stream::kStdout) {
      lines_.Feed(stdout_.Feed(bytes));
      if (stream_.fatal()) stop_.own().Cancel();
    } else {
      Complain(stderr_.Feed(bytes));
    }
  }

  void Complain(const std::string& text) {
    if (text.empty()) return;
    last_words_.append(text);
    if (last_words_.size() > kLastWordsBytes) {
      last_words_.erase(0, last_words_.size() - kLastWordsBytes);
    }
    Output(v1::Output::STREAM_STDERR, text);
  }

  void Output(v1::Output::Stream stream, std::string_view text) {
    execution_.log().Append(OutputEvent(v1::SESSION_STEP_AGENT, stream, text));
  }

  void Line(std::string_view line, bool whole) {
    if (!whole) return KeepBroken(line, "is longer than 16 MiB");
    simdjson::dom::element document;
    simdjson::dom::object object;
    std::string_view type;
    if (parser_->parse(line.data(), line.size()).get(document) != simdjson::SUCCESS ||
        document.get(object) != simdjson::SUCCESS ||
        object["type"].get(type) != simdjson::SUCCESS) {
      KeepBroken(line, "is no event and was longer than 64 KiB");
    } else {
      stream_.Line(type, object, line);
    }
    if (line.size() > kLargeLineBytes) parser_ = std::make_unique<simdjson::dom::parser>();
  }

  void KeepBroken(std::string_view line, std::string_view why) {
    std::string_view kept = line.substr(0, kBrokenLineBytes);
    if (kept.size() == line.size()) {
      return Output(v1::Output::STREAM_STDOUT, absl::StrCat(ToAbsl(line), "\n"));
    }
    kept.remove_suffix(IncompleteTail(kept));
    Output(v1::Output::STREAM_STDOUT, absl::StrCat(ToAbsl(kept), "\n"));
    execution_.log().Append(NoteEvent(v1::Note::SEVERITY_WARNING,
                                      absl::StrCat("a line of ", command_.name, " ", ToAbsl(why),
                                                   "; its beginning is kept above as output")));
  }

  Outcome Judge(const absl::StatusOr<SubprocessResult>& result) const {
    if (stream_.fatal()) return *stream_.fatal();
    if (!result.ok()) return Failure("signal", std::string(result.status().message()));
    if (result->end == SubprocessResult::End::kCancelled) return Outcome::Cancelled();
    if (result->end == SubprocessResult::End::kSignaled) {
      const char* const name = sigabbrev_np(result->signal);
      return Failure("signal",
                     absl::StrCat(command_.name, " was ended by signal ", result->signal,
                                  name == nullptr ? "" : absl::StrCat(" (SIG", name, ")")));
    }
    return stream_.Judge({result->exit_code, LastWords()});
  }

  std::string LastWords() const {
    return std::string(absl::StripAsciiWhitespace(RepairUtf8(last_words_)));
  }

  static Outcome Failure(std::string_view reason, const std::string& message) {
    return Outcome::Failure(v1::SESSION_STEP_AGENT, reason, message);
  }

  const AgentCommand& command_;
  AgentStream& stream_;
  Execution& execution_;
  Stop stop_;
  RedactingStream stdout_, stderr_;
  StreamLines lines_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  std::string last_words_;
};

}  // namespace

Outcome RunAgent(const AgentCommand& command, AgentStream& stream, Execution& execution) {
  return AgentRun(command, stream, execution).Run();
}

v1::SessionEvent AgentEventOf(std::string_view type, std::string_view json) {
  v1::SessionEvent event;
  event.mutable_agent_event()->set_type(std::string(type));
  event.mutable_agent_event()->set_json(std::string(json));
  return event;
}

Outcome AgentNotStarted(const absl::Status& status) {
  const std::string message(status.message());
  if (IsSandboxError(status)) {
    return Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable", message);
  }
  const bool passing = absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
  return passing ? Outcome::Retryable(v1::SESSION_STEP_EXECUTOR, "start_failed", message)
                 : Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "start_failed", message);
}

}  // namespace routines
