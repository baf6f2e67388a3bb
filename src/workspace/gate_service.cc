#include "src/workspace/gate_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/base/utf8.h"
#include "src/workspace/pkt_line.h"
#include "src/workspace/push.h"
#include "src/workspace/push_command.h"
#include "src/workspace/ref_name.h"

namespace routines {
namespace {

constexpr absl::Duration kMaxDrain = absl::Seconds(30);
constexpr size_t kMaxFetchRequest = size_t{16} << 20;
constexpr size_t kBuffer = size_t{64} << 10;
constexpr std::string_view kText = "text/plain";

enum class Service { kNone, kFetchRefs, kFetch, kPushRefs, kPush };

// Which of the four it is. Compared as bytes: nothing is decoded or normalised.
Service ParseTarget(const HttpRequest& request, std::string& repository) {
  constexpr std::pair<const char*, Service> kTargets[] = {
      {"GET /info/refs?service=git-upload-pack", Service::kFetchRefs},
      {"GET /info/refs?service=git-receive-pack", Service::kPushRefs},
      {"POST /git-upload-pack", Service::kFetch},
      {"POST /git-receive-pack", Service::kPush},
  };
  absl::string_view target = request.target;
  if (!absl::ConsumePrefix(&target, "/")) return Service::kNone;
  const size_t slash = target.find('/');
  if (slash == absl::string_view::npos) return Service::kNone;
  repository = std::string(target.substr(0, slash));
  const std::string rest = absl::StrCat(request.method, " ", target.substr(slash));
  for (const auto& [pattern, service] : kTargets) {
    if (rest == pattern) return service;
  }
  return Service::kNone;
}

// The pack as it comes: what was read with the command list, then the rest of the body. The end is
// also where the body breaks off; status() tells.
class PackReader {
 public:
  PackReader(std::string_view start, HttpConnection& connection)
      : start_(start), connection_(connection), buffer_(kBuffer) {}

  std::string_view Next() {
    if (!start_.empty()) return std::exchange(start_, {});
    if (!status_.ok()) return {};
    const absl::StatusOr<size_t> got = connection_.ReadBody(buffer_.data(), buffer_.size());
    status_ = got.status();
    return {buffer_.data(), got.value_or(0)};
  }

  const absl::Status& status() const { return status_; }

 private:
  std::string_view start_;
  HttpConnection& connection_;
  std::vector<char> buffer_;
  absl::Status status_;
};

// One request for one repository.
class Exchange {
 public:
  Exchange(const HttpRequest& request, const GateRepository& repository, GatePass& pass,
           const std::string& scratch, const PushBounds& bounds, HttpConnection& connection)
      : request_(request),
        repository_(repository),
        pass_(pass),
        scratch_(scratch),
        bounds_(bounds),
        connection_(connection),
        limits_{absl::Now() + bounds.time, &pass.cancellation()} {
    connection_.SetDeadline(limits_.deadline);
  }

  void Serve(Service service) {
    switch (service) {
      case Service::kFetchRefs:
        return ServeFetchRefs();
      case Service::kFetch:
        return ServeFetch();
      case Service::kPushRefs:
        return ServePushRefs();
      case Service::kPush:
        return ServePush();
      case Service::kNone:
        return;
    }
  }

 private:
  // Brings the mirror up to date, or answers 502.
  absl::StatusOr<RefSnapshot> RefreshMirror() {
    absl::StatusOr<RefSnapshot> snapshot =
        repository_.mirror->Refresh(repository_.upstream, limits_);
    if (!snapshot.ok()) {
      Note(absl::StrCat(repository_.name, ": ", std::string(snapshot.status().message())));
      connection_.Respond(502, kText, "the upstream cannot be reached\n");
    }
    return snapshot;
  }

  GitCommand UploadPack(std::vector<std::string> arguments) const {
    GitCommand command{
        .arguments = {"-c", "uploadpack.allowFilter=true", "upload-pack", "--stateless-rpc"},
        .repository = repository_.mirror->path()};
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    command.arguments.push_back(command.repository);
    if (request_.git_protocol == "version=2" || request_.git_protocol == "version=1") {
      command.environment["GIT_PROTOCOL"] = request_.git_protocol;
    }
    return command;
  }

  void ServeFetchRefs() {
    if (!RefreshMirror().ok()) return;
    const auto refs =
        RunGitOk(UploadPack({"--advertise-refs"}), limits_, "the refs cannot be listed");
    if (!refs.ok()) return Fail(refs.status());
    connection_.Respond(
        200, "application/x-git-upload-pack-advertisement",
        PacketLine("# service=git-upload-pack\n") + std::string(kFlushPacket) + *refs);
  }

  void ServeFetch() {
    if (request_.content_type != "application/x-git-upload-pack-request")
      return Refuse(415, "not a fetch");
    GitCommand command = UploadPack({});
    std::vector<char> buffer(kBuffer);
    while (true) {
      const absl::StatusOr<size_t> got = connection_.ReadBody(buffer.data(), buffer.size());
      if (!got.ok()) return Refuse(400, got.status().message());
      if (*got == 0) break;
      command.stdin_data.append(buffer.data(), *got);
      if (command.stdin_data.size() > kMaxFetchRequest)
        return Refuse(413, "the request is too long");
    }
    if (!connection_.BeginStream("application/x-git-upload-pack-result")) return;
    bool connected = true;
    command.output = [&](std::string_view bytes) {
      connected = connected && connection_.WriteStream(bytes);
    };
    // Where git fails, the stream is left without its end, so that the client sees that it is not
    // whole.
    if (RunGitOk(command, limits_, "the fetch failed").ok() && connected) connection_.EndStream();
  }

  void ServePushRefs() {
    const absl::StatusOr<RefSnapshot> snapshot = RefreshMirror();
    if (!snapshot.ok()) return;
    std::string answer = PacketLine("# service=git-receive-pack\n") + std::string(kFlushPacket);
    const std::string capabilities = std::string(1, '\0') + std::string(kPushCapabilities) + "\n";
    bool first = true;
    for (const auto& [ref, object] : snapshot->refs) {
      answer += PacketLine(object + " " + ref + (first ? capabilities : "\n"));
      first = false;
    }
    if (first) answer += PacketLine(std::string(kZeroObjectId) + " capabilities^{}" + capabilities);
    connection_.Respond(200, "application/x-git-receive-pack-advertisement",
                        answer + std::string(kFlushPacket));
  }

  void ServePush() {
    if (request_.content_type != "application/x-git-receive-pack-request")
      return Refuse(415, "not a push");
    std::string head;
    const absl::StatusOr<PushRequest> push = ReadCommands(head);
    if (!push.ok()) {
      Note("a push was refused: " + std::string(push.status().message()));
      return Refuse(400, push.status().message());
    }
    if (push->commands.empty()) {  // the client asks whether it may send a large body
      Drain();
      connection_.Respond(200, "application/x-git-receive-pack-result", "");
      return;
    }
    PushAnswer answer;
    answer.reasons = JudgePush(push->commands, repository_.unrestricted);
    const auto refused = [](const std::string& reason) { return !reason.empty(); };
    if (std::any_of(answer.reasons.begin(), answer.reasons.end(), refused)) {
      for (std::string& reason : answer.reasons) {
        if (reason.empty()) reason = "another ref of this push was refused";
      }
      Drain();
    } else {
      answer = Forward(*push, std::string_view(head).substr(push->size));
    }
    Record(*push, answer);
    std::string body;
    if (push->side_band && push->report_status) body = SideBand(2, answer.remote_messages);
    connection_.Respond(200, "application/x-git-receive-pack-result",
                        body + ReportStatus(*push, answer.unpack, answer.reasons));
  }

  // Reads until the command list is whole; `head` is then that and the beginning of the pack.
  absl::StatusOr<PushRequest> ReadCommands(std::string& head) {
    std::vector<char> buffer(kBuffer);
    while (true) {
      ASSIGN_OR_RETURN(const size_t got, connection_.ReadBody(buffer.data(), buffer.size()));
      if (got == 0) return absl::InvalidArgumentError("the list of refs to push has no end");
      head.append(buffer.data(), got);
      ASSIGN_OR_RETURN(PushRequest request, ParsePushRequest(head));
      if (request.size > 0) return request;
    }
  }

  PushAnswer Forward(const PushRequest& push, std::string_view pack_start) {
    const std::string folder = scratch_ + "/" + NewId("push_", absl::Now());
    PushAnswer answer;
    if (const absl::Status made = MakeBareRepository(folder, {repository_.mirror->objects()});
        made.ok()) {
      PackReader reader(pack_start, connection_);
      answer = CarryOutPush({.quarantine = folder,
                             .pack = [&reader] { return reader.Next(); },
                             .bounds = bounds_,
                             .upstream = &repository_.upstream,
                             .request = &push},
                            limits_);
      if (!reader.status().ok() && answer.unpack != "ok") {
        answer.unpack = absl::IsInvalidArgument(reader.status())
                            ? std::string(reader.status().message())
                            : "the pack did not arrive whole";
      }
    } else {
      answer.unpack = "the push gate has no room for the pack";
      answer.reasons.assign(push.commands.size(), "unpacker error");
    }
    Drain();                   // git stops reading where the pack ends
    (void)RemoveTree(folder);  // what is left of it goes at the next start
    return answer;
  }

  // So that a client that is still sending gets to read the answer.
  void Drain() {
    connection_.SetDeadline(std::min(limits_.deadline, absl::Now() + kMaxDrain));
    connection_.Drain(static_cast<size_t>(bounds_.bytes));
    connection_.SetDeadline(limits_.deadline);
  }

  void Record(const PushRequest& push, const PushAnswer& answer) {
    for (size_t i = 0; i < push.commands.size(); ++i) {
      const PushCommand& command = push.commands[i];
      v1::SessionEvent event;
      v1::Push& record = *event.mutable_push();
      record.set_repository(repository_.name);
      record.set_ref(RepairUtf8(command.ref));  // git allows any bytes there
      record.set_old_commit(command.old_commit);
      record.set_new_commit(command.new_commit);
      record.set_accepted(answer.reasons[i].empty());
      record.set_message(answer.reasons[i]);
      if (record.accepted()) pass_.AddPushed(repository_.name, command.new_commit);
      pass_.log().Append(std::move(event));
    }
  }

  void Note(std::string_view text) {
    pass_.log().Append(NoteEvent(v1::Note::SEVERITY_WARNING, RepairUtf8(text)));
  }

  void Refuse(int status, absl::string_view why) {
    Drain();
    connection_.Respond(status, kText, absl::StrCat(why, "\n"));
  }

  void Fail(const absl::Status& status) {
    Note(absl::StrCat(repository_.name, ": ", std::string(status.message())));
    connection_.Respond(503, kText, "the push gate has a problem of its own\n");
  }

  const HttpRequest& request_;
  const GateRepository& repository_;
  GatePass& pass_;
  const std::string& scratch_;
  const PushBounds& bounds_;
  HttpConnection& connection_;
  const WorkLimits limits_;
};

}  // namespace

void ServeGateRequest(const HttpRequest& request, GatePass& pass, const std::string& scratch,
                      const PushBounds& bounds, HttpConnection& connection) {
  std::string name;
  const Service service = ParseTarget(request, name);
  const GateRepository* repository = service == Service::kNone ? nullptr : pass.Find(name);
  if (repository == nullptr) {
    connection.Respond(404, kText, "not found\n");
    return;
  }
  Exchange(request, *repository, pass, scratch, bounds, connection).Serve(service);
}

}  // namespace routines
