#include "src/workspace/push.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/base/repository_url.h"
#include "src/base/utf8.h"
#include "src/workspace/ref_name.h"

namespace routines {
namespace {

constexpr std::string_view kAnother = "another ref of this push was refused";

void RefuseAll(PushAnswer& answer, std::string_view reason) {
  for (std::string& one : answer.reasons) {
    if (one.empty()) one = std::string(reason);
  }
}

// A reason for the client that names no path and no address of the host's.
std::string StatusReason(const absl::Status& status) {
  if (absl::IsCancelled(status)) return "the session is ending";
  if (absl::IsDeadlineExceeded(status)) return "took too long";
  return "the push gate has a problem of its own";
}

// The memory of a git that reads what the session sent: some objects of the largest size, and room
// for itself and the mirror's indexes.
GitBounds Bounds(const PushBounds& bounds) {
  return {.object = bounds.object_bytes,
          .memory = 4 * bounds.object_bytes + (int64_t{2} << 30),
          .file = 2 * bounds.bytes + (int64_t{64} << 20),
          .cpu = bounds.time};
}

// Git in the quarantine. Objects above the threshold would be let through in pieces; with none
// there, the bound on objects holds for all. It looks for no deltas: the client did.
GitCommand Quarantined(const PushJob& job, std::vector<std::string> arguments) {
  GitCommand command{.arguments = {"-c", "core.bigFileThreshold=4g", "-c", "pack.window=0", "-c",
                                   "pack.threads=1"},
                     .repository = job.quarantine,
                     .bounds = Bounds(job.bounds)};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return command;
}

// Takes the objects in. Git checks the form of each and of what it names (--strict is what
// transfer.fsckObjects asks for), and refuses one that is too large before it unpacks it.
absl::StatusOr<GitResult> Unpack(const PushJob& job, const WorkLimits& limits) {
  GitCommand command =
      Quarantined(job, {"index-pack", "--stdin", "--fix-thin", "--strict", "--threads=1",
                        absl::StrCat("--max-input-size=", job.bounds.bytes)});
  command.input = job.pack;
  return RunGit(command, limits);
}

// What was wrong with the pack, for the client: without the host's paths.
std::string UnpackReason(const PushJob& job, const absl::StatusOr<GitResult>& unpacked) {
  if (absl::IsDeadlineExceeded(unpacked.status())) return "the pack took too long to unpack";
  if (absl::IsOutOfRange(unpacked.status())) return "the pack is too large";
  if (!unpacked.ok()) return StatusReason(unpacked.status());
  std::string line = LastLine(unpacked->errors);
  if (absl::StrContains(line, "attempting to allocate") || absl::StrContains(line, "overflow")) {
    return absl::StrCat("an object of the pack is larger than ", job.bounds.object_bytes,
                        " bytes, or it has too many objects");
  }
  if (absl::StrContains(line, "exceeds maximum allowed size")) {
    return absl::StrCat("the pack is larger than ", job.bounds.bytes, " bytes");
  }
  if (absl::StrContains(line, "emory")) return "the pack needs too much memory to unpack";
  // What is wrong with an object stands in the line before.
  const size_t error = unpacked->errors.rfind("error: object ");
  if (error != std::string::npos) {
    line = LastLine(unpacked->errors.substr(error, unpacked->errors.find('\n', error) - error));
  }
  return "the pack is broken: " + absl::StrReplaceAll(line, {{job.quarantine, ""}});
}

// Fills in why commands may not be carried out, now that the objects are here.
void JudgeTypes(const PushJob& job, const WorkLimits& limits, std::vector<std::string>& reasons) {
  const std::vector<PushCommand>& commands = job.request->commands;
  GitCommand command = Quarantined(job, {"cat-file", "--batch-check=%(objecttype)"});
  for (const PushCommand& one : commands) command.stdin_data += one.new_commit + "\n";
  const absl::StatusOr<GitResult> types = RunGit(command, limits);
  std::vector<absl::string_view> lines;
  if (types.ok() && types->ok()) lines = absl::StrSplit(types->output, '\n');
  for (size_t i = 0; i < commands.size(); ++i) {
    if (lines.size() != commands.size() + 1) {
      reasons[i] = StatusReason(types.status());
    } else if (absl::EndsWith(lines[i], " missing")) {
      reasons[i] = "the new object is not there";
    } else if (absl::StartsWith(commands[i].ref, "refs/heads/") && lines[i] != "commit") {
      reasons[i] = "a branch must be a commit";
    }
  }
}

// Why the command is no step forward; empty: it is.
std::string JudgeStep(const PushJob& job, const PushCommand& command, const WorkLimits& limits) {
  if (command.old_commit == kZeroObjectId) return "";
  const absl::StatusOr<GitResult> ancestor = RunGit(
      Quarantined(job, {"merge-base", "--is-ancestor", command.old_commit, command.new_commit}),
      limits);
  if (!ancestor.ok()) return StatusReason(ancestor.status());
  if (ancestor->exit_code == 1) return "non-fast-forward: forced updates are not allowed";
  return ancestor->ok() ? "" : "fetch first";
}

std::vector<std::string> PushArguments(const PushJob& job) {
  std::vector<std::string> arguments = {"push", "--porcelain", "--no-verify", "--no-signed",
                                        "--no-recurse-submodules"};
  const std::vector<PushCommand>& commands = job.request->commands;
  if (commands.size() > 1) arguments.push_back("--atomic");
  for (const PushCommand& command : commands) {
    const bool create = command.old_commit == kZeroObjectId;
    arguments.push_back(
        absl::StrCat("--force-with-lease=", command.ref, ":", create ? "" : command.old_commit));
  }
  arguments.insert(arguments.end(), {"--", job.upstream->url});
  for (const PushCommand& command : commands) {
    arguments.push_back(absl::StrCat(command.new_commit, ":", command.ref));
  }
  return arguments;
}

// Why git says that it did not push: the text between the parentheses at the end, or all of it.
std::string Reason(absl::string_view summary) {
  const size_t open = summary.rfind('(');
  if (open != absl::string_view::npos && absl::EndsWith(summary, ")")) {
    summary = summary.substr(open + 1, summary.size() - open - 2);
  }
  if (summary == "stale info") return "it has moved meanwhile: fetch first";
  if (summary == "atomic push failed" || summary == "atomic push failure") {
    return std::string(kAnother);
  }
  return RepairUtf8({summary.data(), summary.size()});
}

// Why git pushed nothing at all, where it says so of no ref.
std::string Untold(const PushJob& job, absl::string_view errors) {
  if (absl::StrContains(errors, "does not support --atomic")) {
    return "the upstream does not take several refs at once: push them one by one";
  }
  const std::string line = LastLine({errors.data(), errors.size()});
  const std::string& url = job.upstream->url;
  return "the upstream did not take it: " +
         absl::StrReplaceAll(line, {{url, UrlWithoutCredentials(url)}, {job.quarantine, ""}});
}

// Reads git push's own account: "<flag>\t<from>:<to>\t<summary> (<reason>)" for each ref.
void ReadPorcelain(const PushJob& job, absl::string_view output, absl::string_view errors,
                   PushAnswer& answer) {
  const std::vector<PushCommand>& commands = job.request->commands;
  std::vector<bool> told(commands.size());
  for (const absl::string_view line : absl::StrSplit(output, '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits('\t', 2));
    if (fields.size() != 3 || fields[0].size() != 1) continue;
    for (size_t i = 0; i < commands.size(); ++i) {
      if (!absl::EndsWith(fields[1], ":" + commands[i].ref)) continue;
      told[i] = true;
      if (fields[0] == "!") answer.reasons[i] = Reason(fields[2]);
    }
  }
  for (size_t i = 0; i < commands.size(); ++i) {
    if (!told[i]) answer.reasons[i] = Untold(job, errors);
  }
}

std::string RemoteMessages(absl::string_view errors) {
  std::string messages;
  for (absl::string_view line : absl::StrSplit(errors, '\n')) {
    if (absl::ConsumePrefix(&line, "remote:")) {
      absl::ConsumePrefix(&line, " ");
      absl::StrAppend(&messages, absl::StripTrailingAsciiWhitespace(line), "\n");
    }
  }
  return messages;
}

}  // namespace

PushAnswer CarryOutPush(const PushJob& job, const WorkLimits& limits) {
  PushAnswer answer;
  answer.reasons.resize(job.request->commands.size());
  const absl::StatusOr<GitResult> unpacked = Unpack(job, limits);
  if (!unpacked.ok() || !unpacked->ok()) {
    answer.unpack = UnpackReason(job, unpacked);
    RefuseAll(answer, "unpacker error");
    return answer;
  }
  JudgeTypes(job, limits, answer.reasons);
  for (size_t i = 0; i < answer.reasons.size(); ++i) {
    if (answer.reasons[i].empty()) {
      answer.reasons[i] = JudgeStep(job, job.request->commands[i], limits);
    }
  }
  if (std::any_of(answer.reasons.begin(), answer.reasons.end(),
                  [](const auto& r) { return !r.empty(); })) {
    RefuseAll(answer, kAnother);
    return answer;
  }
  GitCommand push = Quarantined(job, PushArguments(job));
  push.upstream = job.upstream;
  push.bounds = {};  // they would hold for a file upstream's git, too; the objects are known by now
  const absl::StatusOr<GitResult> pushed = RunGit(push, limits);
  if (!pushed.ok()) {
    RefuseAll(answer,
              StatusReason(pushed.status()) + "; whether the upstream took it is not known");
    return answer;
  }
  ReadPorcelain(job, pushed->output, pushed->errors, answer);
  answer.remote_messages = RemoteMessages(pushed->errors);
  return answer;
}

}  // namespace routines
