#include "src/workspace/push.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/base/utf8.h"
#include "src/workspace/ref_name.h"

namespace routines {
namespace {

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

// Takes the objects in. Every object of the pack is checked for its form by git index-pack.
absl::StatusOr<GitResult> Unpack(const PushJob& job, const WorkLimits& limits) {
  return RunGit(
      {.arguments = {"-c", "core.bigFileThreshold=32m", "index-pack", "--stdin", "--fix-thin",
                     "--threads=1", absl::StrCat("--max-input-size=", kMaxPushBytes)},
       .repository = job.quarantine,
       .stdin_file = job.pack_file},
      limits);
}

// Why the command may not be carried out, now that its objects are here; empty: it may.
std::string JudgeObjects(const PushJob& job, const PushCommand& command, const WorkLimits& limits) {
  const bool branch = absl::StartsWith(command.ref, "refs/heads/");
  const absl::StatusOr<GitResult> type = RunGit(
      {.arguments = {"cat-file", "-t", command.new_commit}, .repository = job.quarantine}, limits);
  if (!type.ok()) return StatusReason(type.status());
  if (!type->ok()) return "the new object is not there";
  if (branch && absl::StripSuffix(type->output, "\n") != "commit")
    return "a branch must be a commit";
  if (command.old_commit == kZeroObjectId) return "";
  const absl::StatusOr<GitResult> ancestor =
      RunGit({.arguments = {"merge-base", "--is-ancestor", command.old_commit, command.new_commit},
              .repository = job.quarantine},
             limits);
  if (!ancestor.ok()) return StatusReason(ancestor.status());
  if (ancestor->exit_code == 1) return "non-fast-forward: forced updates are not allowed";
  return ancestor->ok() ? "" : "fetch first";
}

std::vector<std::string> PushArguments(const PushJob& job) {
  std::vector<std::string> arguments = {"push", "--porcelain", "--no-verify", "--no-signed",
                                        "--no-recurse-submodules"};
  const std::vector<PushCommand>& commands = job.request->commands;
  if (job.request->atomic && commands.size() > 1) arguments.push_back("--atomic");
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
  return RepairUtf8({summary.data(), summary.size()});
}

// Reads git push's own account: "<flag>\t<from>:<to>\t<summary> (<reason>)" for each ref.
void ReadPorcelain(const PushJob& job, absl::string_view output, PushAnswer& answer) {
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
    if (!told[i]) answer.reasons[i] = "the upstream did not take it";
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
    answer.unpack = unpacked.ok() ? "the pack is broken: " + LastLine(unpacked->errors)
                                  : StatusReason(unpacked.status());
    RefuseAll(answer, "unpacker error");
    return answer;
  }
  for (size_t i = 0; i < answer.reasons.size(); ++i) {
    answer.reasons[i] = JudgeObjects(job, job.request->commands[i], limits);
  }
  if (std::any_of(answer.reasons.begin(), answer.reasons.end(),
                  [](const auto& r) { return !r.empty(); })) {
    RefuseAll(answer, "another ref of this push was refused");
    return answer;
  }
  const absl::StatusOr<GitResult> pushed = RunGit(
      {.arguments = PushArguments(job), .repository = job.quarantine, .upstream = job.upstream},
      limits);
  if (!pushed.ok()) {
    RefuseAll(answer, StatusReason(pushed.status()));
    return answer;
  }
  ReadPorcelain(job, pushed->output, answer);
  answer.remote_messages = RemoteMessages(pushed->errors);
  return answer;
}

}  // namespace routines
