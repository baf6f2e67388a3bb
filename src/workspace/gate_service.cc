#include "src/workspace/gate_service.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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

constexpr absl::Duration kRequestTimeout = absl::Minutes(30);
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

// One request for one repository.
class Exchange {
 public:
  Exchange(const HttpRequest& request, const GateRepository& repository, GatePass& pass,
           const std::string& scratch, HttpConnection& connection)
      : request_(request),
        repository_(repository),
        pass_(pass),
        scratch_(scratch),
        connection_(connection),
        limits_{absl::Now() + kRequestTimeout, &pass.cancellation()} {}

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
    command.arguments.push_back(repository_.mirror->path());
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
      connection_.Drain(kMaxPushBytes);
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
      connection_.Drain(kMaxPushBytes);
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
    const std::string pack = folder + "/pack";
    absl::Status status = MakeBareRepository(folder, {repository_.mirror->objects()});
    if (status.ok()) status = Spool(pack, pack_start);
    PushAnswer answer;
    if (status.ok()) {
      answer = CarryOutPush({folder, pack, &repository_.upstream, &push}, limits_);
    } else {
      answer.unpack = absl::IsOutOfRange(status) || absl::IsInvalidArgument(status)
                          ? std::string(status.message())
                          : "the pack did not arrive whole";
      answer.reasons.assign(push.commands.size(), "unpacker error");
      connection_.Drain(kMaxPushBytes);
    }
    (void)RemoveTree(folder);  // what is left of it goes at the next start
    return answer;
  }

  // Writes the pack to disk as it comes.
  absl::Status Spool(const std::string& path, std::string_view start) {
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    std::vector<char> buffer(kBuffer);
    std::string_view piece = start;
    int64_t total = 0;
    while (true) {
      total += piece.size();
      if (total > kMaxPushBytes) return absl::OutOfRangeError("the pack is too large");
      while (!piece.empty()) {
        const ssize_t written = write(file.get(), piece.data(), piece.size());
        if (written < 0 && errno != EINTR) return absl::UnavailableError("no room for the pack");
        if (written > 0) piece.remove_prefix(written);
      }
      ASSIGN_OR_RETURN(const size_t got, connection_.ReadBody(buffer.data(), buffer.size()));
      if (got == 0) return absl::OkStatus();
      piece = {buffer.data(), got};
    }
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
    connection_.Drain(kMaxPushBytes);
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
  HttpConnection& connection_;
  const WorkLimits limits_;
};

}  // namespace

void ServeGateRequest(const HttpRequest& request, GatePass& pass, const std::string& scratch,
                      HttpConnection& connection) {
  std::string name;
  const Service service = ParseTarget(request, name);
  const GateRepository* repository = service == Service::kNone ? nullptr : pass.Find(name);
  if (repository == nullptr) {
    connection.Respond(404, kText, "not found\n");
    return;
  }
  Exchange(request, *repository, pass, scratch, connection).Serve(service);
}

}  // namespace routines
