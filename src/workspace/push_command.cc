#include "src/workspace/push_command.h"

#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/base/status_macros.h"
#include "src/workspace/pkt_line.h"
#include "src/workspace/ref_name.h"

namespace routines {
namespace {

constexpr std::string_view kClaude = "refs/heads/claude/";
constexpr std::string_view kHeads = "refs/heads/";
constexpr std::string_view kTags = "refs/tags/";
constexpr std::string_view kShallow = "shallow ";

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// "<old> <new> <ref>"
absl::StatusOr<PushCommand> ParseCommand(std::string_view line) {
  constexpr size_t kId = 40;
  if (line.size() < 2 * kId + 3 || line[kId] != ' ' || line[2 * kId + 1] != ' ') {
    return absl::InvalidArgumentError("a push command is not \"old new ref\"");
  }
  PushCommand command{std::string(line.substr(0, kId)), std::string(line.substr(kId + 1, kId)),
                      std::string(line.substr(2 * kId + 2))};
  if (!IsObjectId(command.old_commit) || !IsObjectId(command.new_commit)) {
    return absl::InvalidArgumentError("a push command has an object id that is not 40 hex digits");
  }
  if (command.ref.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("a ref name has a zero byte in it");
  }
  return command;
}

absl::Status ReadCapabilities(std::string_view text, PushRequest& request) {
  for (const absl::string_view word :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ' ', absl::SkipEmpty())) {
    if (word == "report-status" || word == "report-status-v2")
      request.report_status = true;
    else if (word == "side-band-64k")
      request.side_band = true;
    else if (word == "atomic")
      request.atomic = true;
    else if (word == "push-options" || absl::StartsWith(word, "push-cert") ||
             (absl::StartsWith(word, "object-format=") && word != "object-format=sha1")) {
      return absl::InvalidArgumentError(absl::StrCat(word, " is not supported"));
    }
  }
  return absl::OkStatus();
}

// One packet of the list.
absl::Status ReadLine(std::string_view line, PushRequest& request) {
  if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
  if (StartsWith(line, kShallow)) {
    // The mirror has the whole history, so that where the client's ends does not matter.
    if (request.commands.empty() && IsObjectId(line.substr(kShallow.size())))
      return absl::OkStatus();
    return absl::InvalidArgumentError("a shallow line is not \"shallow id\" before the commands");
  }
  if (StartsWith(line, "push-cert")) {
    return absl::InvalidArgumentError("signed pushes are not supported");
  }
  if (request.commands.size() == kMaxCommands) {
    return absl::InvalidArgumentError(
        absl::StrCat("more than ", kMaxCommands, " refs in one push"));
  }
  if (request.commands.empty()) {
    const size_t zero = line.find('\0');
    if (zero != std::string_view::npos) {
      RETURN_IF_ERROR(ReadCapabilities(line.substr(zero + 1), request));
      line = line.substr(0, zero);
    }
  }
  ASSIGN_OR_RETURN(PushCommand command, ParseCommand(line));
  request.commands.push_back(std::move(command));
  return absl::OkStatus();
}

std::string JudgeCommand(const PushCommand& command, bool unrestricted) {
  if (!IsValidRefName(command.ref)) return "not a valid ref name";
  const bool branch = StartsWith(command.ref, kHeads);
  const bool tag = StartsWith(command.ref, kTags);
  if (!unrestricted && !StartsWith(command.ref, kClaude)) {
    return "only refs/heads/claude/* may be pushed";
  }
  if (unrestricted && !branch && !tag) return "only branches and tags may be pushed";
  if (command.new_commit == kZeroObjectId) return "deleting is not allowed";
  if (tag && command.old_commit != kZeroObjectId) return "moving a tag is not allowed";
  return "";
}

// The name as it may stand in a line of text.
std::string Printable(std::string_view ref) {
  std::string text(ref);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

}  // namespace

absl::StatusOr<PushRequest> ParsePushRequest(std::string_view input) {
  PushRequest request;
  size_t position = 0;
  while (true) {
    ASSIGN_OR_RETURN(const Packet packet, ReadPacket(input.substr(position)));
    position += packet.size;
    if (position > kMaxCommandListBytes ||
        (packet.size == 0 && input.size() > kMaxCommandListBytes)) {
      return absl::InvalidArgumentError("the list of refs to push is too long");
    }
    if (packet.size == 0) return PushRequest{};
    if (packet.flush) break;
    RETURN_IF_ERROR(ReadLine(packet.payload, request));
  }
  request.size = position;
  return request;
}

std::vector<std::string> JudgePush(const std::vector<PushCommand>& commands, bool unrestricted) {
  std::map<std::string_view, int> times;
  for (const PushCommand& command : commands) ++times[command.ref];
  std::vector<std::string> reasons;
  for (const PushCommand& command : commands) {
    reasons.push_back(times[command.ref] > 1 ? "named twice in one push"
                                             : JudgeCommand(command, unrestricted));
  }
  return reasons;
}

std::string ReportStatus(const PushRequest& request, std::string_view unpack,
                         const std::vector<std::string>& reasons) {
  if (!request.report_status) return request.side_band ? std::string(kFlushPacket) : "";
  std::string report = PacketLine("unpack " + std::string(unpack) + "\n");
  for (size_t i = 0; i < request.commands.size(); ++i) {
    const std::string ref = Printable(request.commands[i].ref);
    report +=
        PacketLine(reasons[i].empty() ? "ok " + ref + "\n" : "ng " + ref + " " + reasons[i] + "\n");
  }
  report += kFlushPacket;
  return request.side_band ? SideBand(1, report) + std::string(kFlushPacket) : report;
}

}  // namespace routines
