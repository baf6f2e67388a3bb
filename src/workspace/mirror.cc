#include "src/workspace/mirror.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "src/base/crypto.h"
#include "src/base/status_macros.h"
#include "src/workspace/files.h"
#include "src/workspace/ref_name.h"
#include "src/workspace/tree_size.h"

namespace routines {
namespace {

constexpr int kMaxPacks = 32;
constexpr int64_t kMaxTreeBytes = int64_t{256} << 20;  // of one folder's list of entries

// Asked on every run, because a fetch does not tell when the default branch has become another one.
absl::StatusOr<RefSnapshot> ReadRemoteHead(const std::string& path, const Upstream& upstream,
                                           const WorkLimits& limits) {
  ASSIGN_OR_RETURN(const std::string lines,
                   RunGitOk({.arguments = {"ls-remote", "--symref", "--", upstream.url, "HEAD"},
                             .repository = path,
                             .upstream = &upstream},
                            limits, "the repository cannot be reached"));
  RefSnapshot snapshot;
  for (absl::string_view line : absl::StrSplit(lines, '\n')) {
    if (!absl::ConsumeSuffix(&line, "\tHEAD")) continue;
    if (absl::ConsumePrefix(&line, "ref: ")) {
      snapshot.head = std::string(line);
    } else if (IsObjectId(std::string(line))) {
      snapshot.head_commit = std::string(line);
    }
  }
  if (!snapshot.head.empty()) {
    snapshot.head_commit.clear();
    if (!IsValidRefName(snapshot.head) || !absl::StartsWith(snapshot.head, "refs/heads/")) {
      snapshot.head.clear();
    }
  }
  return snapshot;
}

absl::StatusOr<std::map<std::string, std::string>> ReadRefs(const std::string& path,
                                                            const WorkLimits& limits) {
  ASSIGN_OR_RETURN(const std::string lines,
                   RunGitOk({.arguments = {"for-each-ref", "--format=%(objectname) %(refname)",
                                           "refs/heads", "refs/tags"},
                             .repository = path},
                            limits, "the mirror's refs cannot be read"));
  std::map<std::string, std::string> refs;
  for (const absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    refs[parts.second] = parts.first;
  }
  return refs;
}

// A git that was killed leaves its locks and half-written packs. Nobody else writes here, so what
// is there when no fetch runs belongs to no one.
void RemoveLeftovers(const std::string& mirror) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  const auto collect = [&](const fs::path& path, bool pack) {
    const std::string name = path.filename().string();
    if (pack ? absl::StartsWith(name, "tmp_") : absl::EndsWith(name, ".lock"))
      leftovers.push_back(path);
  };
  for (const auto& entry : fs::directory_iterator(mirror, ignored)) collect(entry.path(), false);
  for (const auto& entry : fs::recursive_directory_iterator(mirror + "/refs", ignored)) {
    collect(entry.path(), false);
  }
  for (const auto& entry : fs::directory_iterator(mirror + "/objects/pack", ignored)) {
    collect(entry.path(), true);
  }
  for (const fs::path& path : leftovers) fs::remove(path, ignored);
}

// Whether a pack was being written when it met the limit: git does not tell, its child just died.
bool HasDraftOf(const std::string& mirror, int64_t limit) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(mirror + "/objects/pack", ignored)) {
    if (absl::StartsWith(entry.path().filename().string(), "tmp_") &&
        static_cast<int64_t>(entry.file_size(ignored)) >= limit - 4096) {
      return true;
    }
  }
  return false;
}

// Each fetch that brought something left a pack. Joining the small ones keeps reading fast; every
// object stays, because running sessions read from here.
void RepackWhereNeeded(const std::string& mirror, const WorkLimits& limits) {
  std::error_code ignored;
  int packs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(mirror + "/objects/pack", ignored)) {
    packs += entry.path().extension() == ".pack";
  }
  if (packs <= kMaxPacks) return;
  // Where it fails, the mirror is as good as before.
  (void)RunGit({.arguments = {"repack", "--geometric=2", "-d", "-q"}, .repository = mirror},
               limits);
}

}  // namespace

// The right to change the mirror, from construction to destruction.
class Mirror::Turn {
 public:
  Turn(Mirror& mirror, const WorkLimits& limits) : mirror_(mirror) {
    const auto is_free = [&mirror]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return !mirror.busy_; };
    absl::MutexLock lock(&mirror_.mu_);
    // In short waits, because a cancellation cannot be waited for together with a mutex.
    while (!mirror_.mu_.AwaitWithTimeout(absl::Condition(&is_free), absl::Milliseconds(50))) {
      if (limits.IsCancelled()) status_ = absl::CancelledError("cancelled");
      if (absl::Now() > limits.deadline) {
        status_ =
            absl::DeadlineExceededError("waited too long for another fetch of the same repository");
      }
      if (!status_.ok()) return;
    }
    mirror_.busy_ = true;
  }

  ~Turn() {
    if (!status_.ok()) return;
    absl::MutexLock lock(&mirror_.mu_);
    mirror_.busy_ = false;
  }

  const absl::Status& status() const { return status_; }

 private:
  Mirror& mirror_;
  absl::Status status_;
};

// What an earlier process left: the newest place counts, and nobody reads the others any more.
Mirror::Mirror(std::string base, const CloneBounds& bounds)
    : base_(std::move(base)), bounds_(bounds) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const std::string prefix = fs::path(base_).filename().string() + ".";
  for (const auto& entry : fs::directory_iterator(fs::path(base_).parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    int generation = 0;
    if (absl::StartsWith(name, prefix) && absl::SimpleAtoi(name.substr(prefix.size()), &generation))
      generation_ = std::max(generation_, generation);
  }
  for (int generation = 0; generation < generation_; ++generation) {
    (void)RemoveTree(generation == 0 ? base_ : absl::StrCat(base_, ".", generation));
  }
  const std::string place = generation_ == 0 ? base_ : absl::StrCat(base_, ".", generation_);
  RemoveLeftovers(place);
  path_ = place;
}

absl::StatusOr<RefSnapshot> Mirror::Refresh(const Upstream& upstream, const WorkLimits& limits) {
  const Turn turn(*this, limits);
  RETURN_IF_ERROR(turn.status());
  absl::StatusOr<RefSnapshot> snapshot = RefreshAt(path(), upstream, limits);
  return absl::IsDataLoss(snapshot.status()) ? RenewHere(upstream, limits) : snapshot;
}

absl::Status Mirror::Renew(const std::string& path, const Upstream& upstream,
                           const WorkLimits& limits) {
  const Turn turn(*this, limits);
  RETURN_IF_ERROR(turn.status());
  return this->path() == path ? RenewHere(upstream, limits).status() : absl::OkStatus();
}

// The new place counts only when all is there: a damaged mirror is better than half of one.
absl::StatusOr<RefSnapshot> Mirror::RenewHere(const Upstream& upstream, const WorkLimits& limits) {
  const std::string place = absl::StrCat(base_, ".", ++generation_);
  RETURN_IF_ERROR(RemoveTree(place));
  absl::StatusOr<RefSnapshot> snapshot = RefreshAt(place, upstream, limits);
  if (!snapshot.ok()) {
    (void)RemoveTree(place);
    return snapshot;
  }
  absl::MutexLock lock(&mu_);
  path_ = place;
  checked_.clear();
  return snapshot;
}

absl::StatusOr<RefSnapshot> Mirror::RefreshAt(const std::string& path, const Upstream& upstream,
                                              const WorkLimits& limits) {
  std::error_code ignored;
  if (!std::filesystem::exists(path + "/HEAD", ignored))
    RETURN_IF_ERROR(MakeBareRepository(path, {}));
  const UniqueFd folder = OpenDirectory(AT_FDCWD, path);
  if (ReadRegularFile(folder.get(), "config", kBareConfig.size()).value_or("") != kBareConfig)
    RETURN_IF_ERROR(WriteFile(path + "/config", kBareConfig));
  ASSIGN_OR_RETURN(RefSnapshot snapshot, ReadRemoteHead(path, upstream, limits));
  RETURN_IF_ERROR(Fetch(path, upstream, limits));
  ASSIGN_OR_RETURN(snapshot.refs, ReadRefs(path, limits));
  RepackWhereNeeded(path, limits);
  if (!snapshot.head.empty()) {
    RETURN_IF_ERROR(WriteFile(path + "/HEAD", "ref: " + snapshot.head + "\n"));
  }
  return snapshot;
}

absl::Status Mirror::Fetch(const std::string& path, const Upstream& upstream,
                           const WorkLimits& limits) {
  const GitCommand fetch{
      .arguments = {"-c", "fetch.unpackLimit=1", "fetch", "--quiet", "--prune", "--no-tags",
                    "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
                    "--", upstream.url, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"},
      .repository = path,
      .upstream = &upstream,
      .bounds = {.file = bounds_.bytes}};
  absl::Status status = RunGitOk(fetch, limits, "the repository cannot be fetched").status();
  if (status.ok()) return status;
  if (HasDraftOf(path, bounds_.bytes)) {
    status = absl::OutOfRangeError(
        absl::StrCat("its history is larger than ", bounds_.bytes >> 20, " MiB"));
  }
  RemoveLeftovers(path);  // of a git that was killed
  return status;
}

absl::Status Mirror::CheckSize(const std::string& commit, const WorkLimits& limits) {
  {
    absl::MutexLock lock(&mu_);
    if (checked_ == commit) return absl::OkStatus();
  }
  Cancellation enough;  // also of the session's cancellation
  TreeSize size(bounds_.files, bounds_.bytes);
  GitCommand list{.arguments = {"ls-tree", "-r", "-l", "-z", "--full-tree", commit},
                  .repository = path(),
                  .bounds = {.object = kMaxTreeBytes}};
  list.output = [&](std::string_view bytes) {
    size.Add(bytes);
    if (!size.within() || limits.IsCancelled()) enough.Cancel();
  };
  const absl::Status status =
      RunGitOk(list, {limits.deadline, &enough}, "the files cannot be listed").status();
  if (limits.IsCancelled()) return absl::CancelledError("cancelled");
  if (!size.within()) {
    return absl::OutOfRangeError(absl::StrCat("its files are more than ", bounds_.files,
                                              " or larger than ", bounds_.bytes >> 20, " MiB"));
  }
  RETURN_IF_ERROR(status);
  absl::MutexLock lock(&mu_);
  checked_ = commit;
  return absl::OkStatus();
}

absl::StatusOr<std::map<std::string, std::string>> Mirror::Refs(const WorkLimits& limits) const {
  return ReadRefs(path(), limits);
}

absl::StatusOr<ResolvedRef> Mirror::Resolve(const Upstream& upstream, const RefSnapshot& snapshot,
                                            const std::string& ref, const WorkLimits& limits) {
  if (ref.empty() && snapshot.refs.empty()) {
    return absl::NotFoundError("the repository has no commits yet");
  }
  if (ref.empty() && snapshot.head.empty() && snapshot.head_commit.empty()) {
    return absl::NotFoundError("the repository has no default branch; name one in `ref`");
  }
  const std::string wanted = !ref.empty()             ? ref
                             : !snapshot.head.empty() ? snapshot.head
                                                      : snapshot.head_commit;
  if (!IsObjectId(wanted)) {
    for (const char* prefix : {"", "refs/heads/", "refs/tags/"}) {
      const auto found = snapshot.refs.find(prefix + wanted);
      if (found == snapshot.refs.end()) continue;
      absl::StatusOr<std::string> commit = PeelToCommit(found->second, limits);
      if (absl::IsNotFound(commit.status())) {  // of another kind, or not to be read
        RETURN_IF_ERROR(
            RunGitOk({.arguments = {"cat-file", "-t", found->second}, .repository = path()}, limits,
                     "the mirror is damaged")
                .status());
      }
      RETURN_IF_ERROR(commit.status());
      return ResolvedRef{found->first, *std::move(commit)};
    }
    return absl::NotFoundError(absl::StrCat("no branch or tag is named \"", wanted, "\""));
  }
  absl::StatusOr<std::string> commit = PeelToCommit(wanted, limits);
  if (absl::IsNotFound(commit.status())) {
    // No branch leads to it; many servers give it all the same to who knows its id.
    const Turn turn(*this, limits);
    RETURN_IF_ERROR(turn.status());
    RETURN_IF_ERROR(RunGit({.arguments = {"fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                                          "--no-auto-maintenance", "--", upstream.url, wanted},
                            .repository = path(),
                            .upstream = &upstream},
                           limits)
                        .status());
    commit = PeelToCommit(wanted, limits);
  }
  RETURN_IF_ERROR(commit.status());
  return ResolvedRef{wanted, *std::move(commit)};
}

absl::StatusOr<std::string> Mirror::PeelToCommit(const std::string& object,
                                                 const WorkLimits& limits) {
  ASSIGN_OR_RETURN(const GitResult result,
                   RunGit({.arguments = {"rev-parse", "--verify", "--quiet", object + "^{commit}"},
                           .repository = path()},
                          limits));
  const std::string commit(absl::StripSuffix(result.output, "\n"));
  if (result.ok() && IsObjectId(commit)) return commit;
  return absl::NotFoundError(absl::StrCat("there is no commit ", object));
}

std::shared_ptr<Mirror> MirrorSet::Get(const std::string& url) {
  absl::MutexLock lock(&mu_);
  std::shared_ptr<Mirror>& mirror = mirrors_[url];
  if (mirror == nullptr) {
    mirror = std::make_shared<Mirror>(
        directory_ + "/" + absl::BytesToHexString(Sha256(url)).substr(0, 40) + ".git", bounds_);
  }
  return mirror;
}

}  // namespace routines
