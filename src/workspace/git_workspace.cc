#include "src/workspace/git_workspace.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "src/base/environment.h"
#include "src/base/repository_url.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/base/utf8.h"
#include "src/workspace/clone.h"
#include "src/workspace/files.h"
#include "src/workspace/git.h"
#include "src/workspace/patches.h"
#include "src/workspace/setup_script.h"

namespace routines {
namespace {

constexpr absl::Duration kPatchTimeout = absl::Seconds(30);
constexpr absl::Duration kPatchTimeoutWhenCancelled = absl::Seconds(10);

Outcome CloneFailure(const absl::Status& status, const std::string& message) {
  constexpr v1::SessionStep kStep = v1::SESSION_STEP_CLONE;
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return Outcome::Cancelled();
    case absl::StatusCode::kNotFound:
      return Outcome::Failure(kStep, "ref_not_found", message);
    case absl::StatusCode::kDeadlineExceeded:
      return Outcome::Retryable(kStep, "clone_timeout", message);
    case absl::StatusCode::kOutOfRange:
      return Outcome::Failure(kStep, "clone_limit", message);
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
      return Outcome::Failure(kStep, "clone_failed", message);
    default:
      return Outcome::Retryable(kStep, "clone_failed", message);
  }
}

Outcome CredentialFailure(const absl::Status& status, const std::string& repository) {
  Outcome outcome = Outcome::Failure(
      v1::SESSION_STEP_CLONE, "credential_unavailable",
      absl::StrCat(repository, ": its credential cannot be had: ", status.message()));
  outcome.retryable = absl::IsUnavailable(status);
  return outcome;
}

// The forms that git may be given. Everything else that git knows ("ext::", options) runs programs.
bool IsRepositoryUrl(const std::string& url) {
  if (url.empty() || url.front() == '-') return false;
  if (std::any_of(url.begin(), url.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) {
    return false;
  }
  for (const char* scheme : {"https://", "http://", "ssh://", "file://"}) {
    if (absl::StartsWith(url, scheme))
      return url.size() > absl::string_view(scheme).size() &&
             url[absl::string_view(scheme).size()] != '-';
  }
  if (url.front() == '/') return true;
  // host:path, where the host is no option and the path no second colon's helper ("ext::sh").
  const size_t colon = url.find(':');
  return colon != std::string::npos && colon > 0 && url.find('/') > colon &&
         url.compare(colon, 2, "::") != 0 && !absl::StrContains(url, "://");
}

}  // namespace

GitWorkspace::GitWorkspace(const GitWorkspaceOptions& options, MirrorSet& mirrors, PushGate& gate,
                           const WorkspaceRequest& request, std::string root)
    : options_(options),
      mirrors_(mirrors),
      gate_(gate),
      request_(request),
      root_(std::move(root)),
      directory_(root_ + "/work") {}

GitWorkspace::~GitWorkspace() {
  if (pass_ != nullptr) pass_->Close();
  Remove();
}

Outcome GitWorkspace::Prepare() {
  for (Outcome (GitWorkspace::*step)() :
       {&GitWorkspace::CheckSandbox, &GitWorkspace::MakeFolders, &GitWorkspace::OpenPass,
        &GitWorkspace::CloneAll, &GitWorkspace::RunSetup}) {
    if (request_.cancellation != nullptr && request_.cancellation->IsCancelled())
      return Outcome::Cancelled();
    if (Outcome outcome = (this->*step)(); !outcome.ok()) return outcome;
  }
  return Outcome::Success();
}

// Nothing runs bare that was to be isolated.
Outcome GitWorkspace::CheckSandbox() {
  const bool no_network = request_.routine.environment().network().mode() == v1::Network::MODE_NONE;
  sandbox_ = options_.sandbox;
  sandbox_.network = !no_network;
  if (!sandbox_.bubblewrap.empty() || (!sandbox_.required && !no_network)) {
    return Outcome::Success();
  }
  return Outcome::Failure(
      v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable",
      absl::StrCat(no_network ? "the routine's network is none" : "sessions must run in a sandbox",
                   ", which needs bubblewrap: ",
                   sandbox_.missing.empty() ? "the sandbox is switched off" : sandbox_.missing));
}

Outcome GitWorkspace::MakeFolders() {
  absl::Status status = RemoveTree(root_);  // of an earlier attempt
  for (const char* folder : {"", "/work", "/home", "/tmp"}) {
    if (status.ok()) status = MakeDirectory(root_ + folder);
  }
  if (status.ok()) return Outcome::Success();
  return Outcome::Retryable(v1::SESSION_STEP_CLONE, "workspace_failed",
                            std::string(status.message()));
}

Outcome GitWorkspace::OpenPass() {
  std::vector<GateRepository> repositories;
  std::set<std::string> names;
  for (const v1::Repository& repository : request_.routine.repositories()) {
    const std::string name = RepositoryDirectory(repository);
    const std::string shown = "repository " + UrlWithoutCredentials(repository.url());
    if (!IsDirectoryName(name) || !IsRepositoryUrl(repository.url()) ||
        !names.insert(name).second) {
      return Outcome::Failure(v1::SESSION_STEP_CLONE, "clone_failed",
                              absl::StrCat(shown, ": the URL or the name \"", name,
                                           "\" cannot be used, or the name is used twice"));
    }
    absl::StatusOr<std::string> credential = Credential(repository.url());
    if (!credential.ok()) return CredentialFailure(credential.status(), shown);
    repositories.push_back({name,
                            mirrors_.Get(repository.url()),
                            {repository.url(), *std::move(credential)},
                            repository.allow_unrestricted_pushes()});
    clones_.push_back({directory_ + "/" + name, repositories.back(), {}});
  }
  pass_ = gate_.Open(std::move(repositories), request_.log);
  return Outcome::Success();
}

absl::StatusOr<std::string> GitWorkspace::Credential(const std::string& url) const {
  if (options_.credentials == nullptr) return "";
  absl::StatusOr<std::string> credential =
      options_.credentials->Get(request_.routine.account(), "git:" + url);
  if (absl::IsNotFound(credential.status())) return "";
  return credential;
}

Outcome GitWorkspace::CloneAll() {
  for (int i = 0; i < request_.routine.repositories_size(); ++i) {
    const v1::Repository& repository = request_.routine.repositories(i);
    const absl::Status status = CloneOne(clones_[i], repository.ref());
    if (status.ok()) continue;
    const std::string shown = UrlWithoutCredentials(repository.url());
    return CloneFailure(
        status, absl::StrCat("repository ", shown, ": ",
                             absl::StrReplaceAll(status.message(), {{repository.url(), shown}})));
  }
  working_directory_ = clones_.size() == 1 ? clones_[0].directory : directory_;
  return Outcome::Success();
}

absl::Status GitWorkspace::CloneOne(Clone& clone, const std::string& ref) {
  const WorkLimits limits{absl::Now() + options_.clone_timeout, request_.cancellation};
  const GateRepository& repository = clone.repository;
  const std::string place = repository.mirror->path();
  absl::Status status = TryClone(clone, ref, limits);
  if (!absl::IsDataLoss(status)) return status;
  request_.log->Append(
      NoteEvent(v1::Note::SEVERITY_WARNING,
                absl::StrCat(repository.name,
                             ": the mirror is damaged and is made anew: ", status.message())));
  RETURN_IF_ERROR(repository.mirror->Renew(place, repository.upstream, limits));
  RETURN_IF_ERROR(RemoveTree(clone.directory));
  return TryClone(clone, ref, limits);
}

absl::Status GitWorkspace::TryClone(Clone& clone, const std::string& ref,
                                    const WorkLimits& limits) {
  const GateRepository& repository = clone.repository;
  ASSIGN_OR_RETURN(const RefSnapshot snapshot,
                   repository.mirror->Refresh(repository.upstream, limits));
  ASSIGN_OR_RETURN(const ResolvedRef checkout,
                   repository.mirror->Resolve(repository.upstream, snapshot, ref, limits));
  RETURN_IF_ERROR(repository.mirror->CheckSize(checkout.commit, limits));
  RETURN_IF_ERROR(MakeClone({.directory = clone.directory,
                             .origin_url = gate_.url() + repository.name,
                             .mirror = repository.mirror.get(),
                             .snapshot = &snapshot,
                             .checkout = &checkout},
                            limits));
  clone.upstream_commits.insert(checkout.commit);
  for (const auto& [name, object] : snapshot.refs) clone.upstream_commits.insert(object);
  v1::SessionEvent event;
  event.mutable_checkout()->set_url(UrlWithoutCredentials(repository.upstream.url));
  event.mutable_checkout()->set_name(repository.name);
  event.mutable_checkout()->set_ref(RepairUtf8(checkout.ref));
  event.mutable_checkout()->set_commit(checkout.commit);
  request_.log->Append(std::move(event));
  return absl::OkStatus();
}

void GitWorkspace::SetEnvironment() {
  environment_ = {{"LANG", "C.UTF-8"}};
  for (const auto& [name, value] : request_.environment) {
    if (!IsReservedVariable(name)) environment_[name] = value;
  }
  const std::map<std::string, std::string> own = {
      {"HOME", root_ + "/home"}, {"PATH", HostPath()},         {"TMPDIR", root_ + "/tmp"},
      {"USER", "routines"},      {"GIT_CONFIG_NOSYSTEM", "1"}, {"GIT_TERMINAL_PROMPT", "0"}};
  for (const auto& [name, value] : own) environment_[name] = value;
}

// The session's own folders are mounts of their own in there: it cannot put something else in their
// place that the next sandbox would be built from.
void GitWorkspace::FillSandbox() {
  sandbox_.hidden.push_back(options_.root);
  for (const Clone& clone : clones_) {
    sandbox_.readable.push_back(clone.repository.mirror->objects());
  }
  sandbox_.readable.push_back(root_ + "/setup.sh");
  for (const char* folder : {"/work", "/home", "/tmp"}) sandbox_.writable.push_back(root_ + folder);
}

// The token goes by git's own configuration, so that no URL that is printed has it in it. A proxy
// of the session's environment must not see it either.
absl::Status GitWorkspace::WriteGitConfig() const {
  return WriteFile(
      root_ + "/home/.gitconfig",
      absl::StrCat("[user]\n\tname = routines\n\temail = routines@localhost\n",
                   "[init]\n\tdefaultBranch = main\n[push]\n\tautoSetupRemote = true\n", "[http \"",
                   gate_.url(), "\"]\n\textraHeader = \"Authorization: Bearer ", pass_->token(),
                   "\"\n\tproxy =\n"));
}

Outcome GitWorkspace::RunSetup() {
  SetEnvironment();
  const v1::Environment& wanted = request_.routine.environment();
  const SetupScript script{.file = root_ + "/setup.sh",
                           .directory = working_directory_,
                           .environment = environment_,
                           .timeout = wanted.has_setup_timeout() ? FromProto(wanted.setup_timeout())
                                                                 : options_.default_setup_timeout,
                           .cancellation = request_.cancellation,
                           .sandbox = &sandbox_};
  FillSandbox();
  absl::Status status = WriteGitConfig();
  if (status.ok()) status = WriteFile(script.file, wanted.setup_script());
  if (!status.ok()) {
    return Outcome::Retryable(v1::SESSION_STEP_SETUP, "workspace_failed",
                              std::string(status.message()));
  }
  if (wanted.setup_script().empty()) return Outcome::Success();
  return RunSetupScript(script, *request_.log);
}

std::vector<v1::Patch> GitWorkspace::Finish() {
  pass_->Close();
  std::vector<v1::Patch> patches;
  for (const Clone& clone : clones_) GatherFrom(clone, patches);
  Remove();
  return patches;
}

// Also after a cancellation: what was done until then may be worth keeping.
void GitWorkspace::GatherFrom(const Clone& clone, std::vector<v1::Patch>& patches) {
  const bool cancelled = request_.cancellation != nullptr && request_.cancellation->IsCancelled();
  const WorkLimits limits{absl::Now() + (cancelled ? kPatchTimeoutWhenCancelled : kPatchTimeout),
                          nullptr};
  const GateRepository& repository = clone.repository;
  PatchRequest request{.clone = clone.directory,
                       .scratch = root_ + "/" + repository.name + ".git",
                       .name = repository.name,
                       .mirror = repository.mirror.get(),
                       .known = clone.upstream_commits};
  request.known.merge(pass_->Pushed(repository.name));
  // What others pushed meanwhile and the session fetched.
  if (const auto refs = repository.mirror->Refs(limits); refs.ok()) {
    for (const auto& [name, object] : *refs) request.known.insert(object);
  }
  absl::StatusOr<KeptPatches> kept = GatherPatches(request, limits);
  if (!kept.ok()) kept = KeptPatches{{}, {std::string(kept.status().message())}};
  for (const std::string& lost : kept->lost) {
    request_.log->Append(NoteEvent(
        v1::Note::SEVERITY_WARNING,
        absl::StrCat(repository.name, ": commits that were not pushed are lost: ", lost)));
  }
  for (v1::Patch& patch : kept->patches) patches.push_back(std::move(patch));
}

void GitWorkspace::Remove() {
  if (std::exchange(removed_, true)) return;
  if (const absl::Status status = RemoveTree(root_); !status.ok()) {
    request_.log->Append(NoteEvent(v1::Note::SEVERITY_WARNING, std::string(status.message())));
  }
}

}  // namespace routines
