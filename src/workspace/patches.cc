#include "src/workspace/patches.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "src/base/status_macros.h"
#include "src/base/utf8.h"
#include "src/workspace/files.h"
#include "src/workspace/ref_name.h"

namespace routines {
namespace {

constexpr size_t kMaxPatches = 16;
constexpr size_t kMaxTips = 1000;
constexpr int kMaxRefDepth = 16;
constexpr size_t kMaxPackedRefs = size_t{16} << 20;
constexpr int64_t kMaxCopiedBytes = int64_t{256} << 20;
constexpr int kMaxCopiedFiles = 100000;
constexpr absl::Duration kMaxTimeOfOne = absl::Seconds(8);
// The session made these objects: some are made to use a host up.
constexpr GitBounds kBounds = {.object = int64_t{128} << 20,
                               .memory = int64_t{2} << 30,
                               .file = int64_t{1} << 30,
                               .cpu = kMaxTimeOfOne};

bool IsHex(const std::string& text, size_t size) {
  return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

// Reads the branches of a repository as far as they are what they should be; the rest is passed
// over.
class TipReader {
 public:
  explicit TipReader(int git) : git_(git) {}

  std::map<std::string, std::string> Read() {
    ReadPacked();
    if (const UniqueFd refs = OpenDirectory(git_, "refs"); refs.ok()) {
      if (const UniqueFd heads = OpenDirectory(refs.get(), "heads"); heads.ok()) {
        ReadLoose(heads.get(), "refs/heads/", 0);
      }
    }
    // A branch that HEAD names is among them already.
    Take("HEAD", git_, "HEAD");
    return std::move(tips_);
  }

 private:
  void ReadPacked() {
    const auto packed = ReadRegularFile(git_, "packed-refs", kMaxPackedRefs);
    if (!packed.ok()) return;
    for (const absl::string_view line : absl::StrSplit(*packed, '\n')) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(line, absl::MaxSplits(' ', 1));
      if (absl::StartsWith(parts.second, "refs/heads/")) Add(parts.second, parts.first);
    }
  }

  void ReadLoose(int directory, const std::string& prefix, int depth) {
    if (depth == kMaxRefDepth) return;
    ForEachEntry(directory, [&](const std::string& name) {
      if (const UniqueFd folder = OpenDirectory(directory, name); folder.ok()) {
        ReadLoose(folder.get(), prefix + name + "/", depth + 1);
      } else {
        Take(prefix + name, directory, name);
      }
      return tips_.size() < kMaxTips;
    });
  }

  void Take(const std::string& ref, int directory, const std::string& file) {
    const auto content = ReadRegularFile(directory, file, 1000);
    if (content.ok()) Add(ref, std::string(absl::StripSuffix(*content, "\n")));
  }

  void Add(const std::string& ref, const std::string& object) {
    if (tips_.size() < kMaxTips && IsObjectId(object) && (ref == "HEAD" || IsValidRefName(ref))) {
      tips_[ref] = object;
    }
  }

  const int git_;
  std::map<std::string, std::string> tips_;
};

// Copies the objects of a repository that are files of the right name and kind.
class ObjectCopier {
 public:
  ObjectCopier(int from, std::string to) : from_(from), to_(std::move(to)) {}

  // Returns the names of the packs; they need an index.
  absl::StatusOr<std::vector<std::string>> Copy() {
    ForEachEntry(from_, [&](const std::string& name) {
      if (IsHex(name, 2)) CopyLoose(name);
      return status_.ok();
    });
    RETURN_IF_ERROR(status_);
    std::vector<std::string> packs;
    const UniqueFd folder = OpenDirectory(from_, "pack");
    if (!folder.ok()) return packs;
    ForEachEntry(folder.get(), [&](const std::string& name) {
      if (name.size() == 50 && absl::StartsWith(name, "pack-") && IsHex(name.substr(5, 40), 40) &&
          absl::EndsWith(name, ".pack") && CopyFile(folder.get(), name, to_ + "/pack/" + name)) {
        packs.push_back(name);
      }
      return status_.ok();
    });
    RETURN_IF_ERROR(status_);
    return packs;
  }

 private:
  void CopyLoose(const std::string& name) {
    const UniqueFd folder = OpenDirectory(from_, name);
    if (!folder.ok()) return;
    if (absl::Status made = MakeDirectory(to_ + "/" + name); !made.ok()) {
      status_ = made;
      return;
    }
    ForEachEntry(folder.get(), [&](const std::string& object) {
      if (IsHex(object, 38)) CopyFile(folder.get(), object, to_ + "/" + name + "/" + object);
      return status_.ok();
    });
  }

  bool CopyFile(int directory, const std::string& name, const std::string& to) {
    const UniqueFd source = OpenRegularFile(directory, name);
    if (!source.ok()) return false;
    struct stat status;
    if (fstat(source.get(), &status) != 0) return false;
    bytes_ += status.st_size;
    if (bytes_ > kMaxCopiedBytes || ++files_ > kMaxCopiedFiles) {
      status_ = absl::OutOfRangeError("the clone has too many objects of its own");
      return false;
    }
    const UniqueFd target(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    for (off_t left = status.st_size; target.ok() && left > 0;) {
      const ssize_t copied = copy_file_range(source.get(), nullptr, target.get(), nullptr, left, 0);
      if (copied <= 0) return false;
      left -= copied;
    }
    return target.ok();
  }

  const int from_;
  const std::string to_;
  absl::Status status_;
  int64_t bytes_ = 0;
  int files_ = 0;
};

// Brings the objects of the clone and what the upstream has into the repository `path`.
absl::Status MakeScratch(const PatchRequest& request, int git, const std::string& path,
                         const WorkLimits& limits) {
  RETURN_IF_ERROR(MakeBareRepository(path, {request.mirror->objects()}));
  // As refs, because there may be more of them than an argument list holds.
  std::string known;
  for (const std::string& commit : request.known) {
    absl::StrAppend(&known, commit, " refs/known/", commit, "\n");
  }
  RETURN_IF_ERROR(WriteFile(path + "/packed-refs", known));
  const UniqueFd objects = OpenDirectory(git, "objects");
  if (!objects.ok()) return absl::FailedPreconditionError("the clone has no folder of objects");
  ASSIGN_OR_RETURN(const std::vector<std::string> packs,
                   ObjectCopier(objects.get(), path + "/objects").Copy());
  for (const std::string& pack : packs) {
    // An index of our own making: the clone's could say anything. A broken pack is left out.
    RETURN_IF_ERROR(
        RunGit({.arguments = {"index-pack", "--threads=1", path + "/objects/pack/" + pack},
                .repository = path,
                .bounds = kBounds},
               limits)
            .status());
  }
  return absl::OkStatus();
}

// Makes the patches of one repository, in `request.scratch`.
class PatchMaker {
 public:
  PatchMaker(const PatchRequest& request, const WorkLimits& limits)
      : request_(request), limits_(limits) {
    limits_.deadline = std::min(limits_.deadline, absl::Now() + kMaxTimeOfOne);
  }

  absl::StatusOr<v1::Patch> Make(const std::string& ref, const std::string& tip) {
    // A range without its tip would be an empty one.
    ASSIGN_OR_RETURN(const GitResult type, Git({"cat-file", "-t", tip}));
    if (type.output != "commit\n") return absl::FailedPreconditionError("there is no such commit");
    ASSIGN_OR_RETURN(const GitResult merges,
                     Git(Of({"rev-list", "--merges", "--max-count=1"}, tip)));
    if (!merges.ok()) return absl::FailedPreconditionError(LastLine(merges.errors));
    const std::vector<std::string> arguments = Of(Arguments(!merges.output.empty()), tip);
    ASSIGN_OR_RETURN(GitResult mail, Mail(arguments));
    if (RepairUtf8(mail.output) != mail.output && !mail.truncated) {
      // Text in another encoding cannot be kept as it is, so all files count as binary.
      RETURN_IF_ERROR(SetAttributes("* -diff\n"));
      absl::StatusOr<GitResult> encoded = Mail(arguments);
      RETURN_IF_ERROR(SetAttributes(""));
      if (encoded.ok()) mail = *std::move(encoded);
    }
    return Finished(ref, std::move(mail));
  }

 private:
  static std::vector<std::string> Arguments(bool merges) {
    std::vector<std::string> arguments = {"format-patch", "--stdout", "--no-signature"};
    if (merges) {
      arguments = {"log",
                   "--first-parent",
                   "--diff-merges=first-parent",
                   "--pretty=email",
                   "--patch-with-stat",
                   "--reverse"};
    }
    for (const char* option :
         {"--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--no-renames"}) {
      arguments.push_back(option);
    }
    return arguments;
  }

  // `arguments` with what `tip` has more than what is known.
  static std::vector<std::string> Of(std::vector<std::string> arguments, const std::string& tip) {
    arguments.insert(arguments.end(), {"--ignore-missing", tip, "--not", "--glob=refs/known/*"});
    return arguments;
  }

  absl::StatusOr<GitResult> Git(std::vector<std::string> arguments) {
    return RunGit(
        {.arguments = std::move(arguments), .repository = request_.scratch, .bounds = kBounds},
        limits_);
  }

  // Where git does not come to the end, the beginning is kept.
  absl::StatusOr<GitResult> Mail(const std::vector<std::string>& arguments) {
    GitResult kept;
    GitCommand command{.arguments = arguments, .repository = request_.scratch, .bounds = kBounds};
    command.output = [&](std::string_view bytes) {
      const size_t room = kMaxPatchBytes - kept.output.size();
      kept.truncated |= bytes.size() > room;
      kept.output.append(bytes.substr(0, room));
    };
    const absl::StatusOr<GitResult> result = RunGit(command, limits_);
    if (result.ok() && result->ok()) return kept;
    if (!kept.output.empty()) {
      kept.truncated = true;
      return kept;
    }
    RETURN_IF_ERROR(result.status());
    return absl::FailedPreconditionError(LastLine(result->errors));
  }

  absl::Status SetAttributes(std::string_view lines) {
    RETURN_IF_ERROR(MakeDirectory(request_.scratch + "/info"));
    return WriteFile(request_.scratch + "/info/attributes", lines);
  }

  v1::Patch Finished(const std::string& ref, GitResult mail) {
    std::string text = RepairUtf8(mail.output);
    if (text.size() > kMaxPatchBytes) {
      text.resize(kMaxPatchBytes);
      text.resize(text.size() - IncompleteTail(text));
      mail.truncated = true;
    }
    v1::Patch patch;
    patch.set_repository(request_.name);
    patch.set_ref(RepairUtf8(ref));
    patch.set_text(std::move(text));
    patch.set_truncated(mail.truncated);
    return patch;
  }

  const PatchRequest& request_;
  WorkLimits limits_;
};

// The tips whose commits need keeping; the one that is checked out first.
std::vector<std::pair<std::string, std::string>> Unknown(const PatchRequest& request, int git) {
  std::vector<std::pair<std::string, std::string>> tips;
  const std::string content = ReadRegularFile(git, "HEAD", 1000).value_or("");
  const absl::string_view head = absl::StripPrefix(absl::StripSuffix(content, "\n"), "ref: ");
  for (const auto& [ref, tip] : TipReader(git).Read()) {
    if (request.known.contains(tip)) continue;
    tips.insert(ref == head || ref == "HEAD" ? tips.begin() : tips.end(), {ref, tip});
  }
  return tips;
}

}  // namespace

absl::StatusOr<KeptPatches> GatherPatches(const PatchRequest& request, const WorkLimits& limits) {
  const UniqueFd clone = OpenDirectory(AT_FDCWD, request.clone);
  const UniqueFd git = OpenDirectory(clone.get(), ".git");
  if (!clone.ok() || !git.ok()) {
    return absl::FailedPreconditionError("the clone has no .git folder any more");
  }
  KeptPatches kept;
  const auto tips = Unknown(request, git.get());
  if (tips.empty()) return kept;  // nothing was committed, or all of it was pushed: the usual end
  RETURN_IF_ERROR(MakeScratch(request, git.get(), request.scratch, limits));
  std::set<std::string> told;
  for (const auto& [ref, tip] : tips) {
    if (!told.insert(tip).second) continue;
    absl::StatusOr<v1::Patch> patch =
        kept.patches.size() == kMaxPatches
            ? absl::OutOfRangeError("too many branches have commits that were not pushed")
            : PatchMaker(request, limits).Make(ref, tip);
    if (!patch.ok()) {
      kept.lost.push_back(absl::StrCat(RepairUtf8(ref), ": ", patch.status().message()));
    } else if (!patch->text().empty()) {
      kept.patches.push_back(*std::move(patch));
    }
  }
  return kept;
}

}  // namespace routines
