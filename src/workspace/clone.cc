#include "src/workspace/clone.h"

#include <map>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/base/status_macros.h"
#include "src/workspace/files.h"

namespace routines {
namespace {

// The short name where `ref` is a branch.
std::optional<std::string> BranchName(const std::string& ref) {
  absl::string_view name = ref;
  if (!absl::ConsumePrefix(&name, "refs/heads/")) return std::nullopt;
  return std::string(name);
}

// As it stands between quotes in a configuration file. Ref names have no backslash and no line
// break.
std::string Quoted(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string Config(const CloneRequest& request) {
  std::string config = absl::StrCat(
      "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = "
      "false\n\tlogallrefupdates = true\n",
      "[remote \"origin\"]\n\turl = ", request.origin_url,
      "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n");
  if (const auto branch = BranchName(request.checkout->ref)) {
    absl::StrAppend(&config, "[branch ", Quoted(*branch),
                    "]\n\tremote = origin\n\tmerge = ", Quoted("refs/heads/" + *branch), "\n");
  }
  return config;
}

std::string PackedRefs(const CloneRequest& request) {
  std::map<std::string, std::string> refs;
  for (const auto& [name, object] : request.snapshot->refs) {
    const auto branch = BranchName(name);
    refs[branch ? "refs/remotes/origin/" + *branch : name] = object;
  }
  if (BranchName(request.checkout->ref)) refs[request.checkout->ref] = request.checkout->commit;
  std::string lines;
  for (const auto& [name, object] : refs) absl::StrAppend(&lines, object, " ", name, "\n");
  return lines;
}

absl::Status WriteRepository(const CloneRequest& request) {
  const std::string git = request.directory + "/.git";
  RETURN_IF_ERROR(MakeDirectory(request.directory));
  RETURN_IF_ERROR(MakeBareRepository(git, {request.mirror->objects()}));
  RETURN_IF_ERROR(WriteFile(git + "/config", Config(request)));
  RETURN_IF_ERROR(WriteFile(git + "/packed-refs", PackedRefs(request)));
  const bool branch = BranchName(request.checkout->ref).has_value();
  RETURN_IF_ERROR(WriteFile(git + "/HEAD", branch ? "ref: " + request.checkout->ref + "\n"
                                                  : request.checkout->commit + "\n"));
  if (const auto head = BranchName(request.snapshot->head)) {
    RETURN_IF_ERROR(MakeDirectory(git + "/refs/remotes"));
    RETURN_IF_ERROR(MakeDirectory(git + "/refs/remotes/origin"));
    RETURN_IF_ERROR(
        WriteFile(git + "/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/" + *head + "\n"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MakeClone(const CloneRequest& request, const WorkLimits& limits) {
  RETURN_IF_ERROR(WriteRepository(request));
  return RunGitOk({.arguments = {"read-tree", "--reset", "-u", "HEAD"},
                   .repository = request.directory + "/.git",
                   .work_tree = request.directory},
                  limits, "the files cannot be checked out")
      .status();
}

}  // namespace routines
