// A provider on a temporary folder, an upstream beside it, and what tests do with the two.
#ifndef ROUTINES_TESTS_UNIT_WORKSPACE_WORKSPACE_FIXTURE_H_
#define ROUTINES_TESTS_UNIT_WORKSPACE_WORKSPACE_FIXTURE_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "routines/workspace.h"
#include "src/base/subprocess.h"
#include "src/workspace/files.h"

namespace routines {

// Keeps what it is given.
class RecordingLog : public SessionLog {
 public:
  void Append(v1::SessionEvent event) override {
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }
  std::vector<v1::SessionEvent> events() const {
    absl::MutexLock lock(&mu_);
    return events_;
  }
  std::vector<v1::Push> pushes() const {
    std::vector<v1::Push> pushes;
    for (const auto& event : events()) {
      if (event.has_push()) pushes.push_back(event.push());
    }
    return pushes;
  }
  std::vector<v1::Checkout> checkouts() const {
    std::vector<v1::Checkout> checkouts;
    for (const auto& event : events()) {
      if (event.has_checkout()) checkouts.push_back(event.checkout());
    }
    return checkouts;
  }
  std::string output() const {
    std::string text;
    for (const auto& event : events()) text += event.output().text();
    return text;
  }
  std::string everything() const {
    std::string text;
    for (const auto& event : events()) text += event.ShortDebugString() + "\n";
    return text;
  }

 private:
  mutable absl::Mutex mu_;
  std::vector<v1::SessionEvent> events_;
};

struct ShellResult {
  int code = -1;
  std::string output;  // both streams
};

// Runs a script of bash.
inline ShellResult RunShell(const std::string& script, const std::string& directory,
                            std::map<std::string, std::string> environment,
                            const Sandbox& sandbox = {}) {
  ShellResult result;
  SubprocessOptions options;
  options.command = {"bash", "-e", "-c", script};
  options.environment = std::move(environment);
  options.directory = directory;
  options.timeout = absl::Minutes(10);
  options.sandbox = sandbox;
  options.output = [&](SubprocessOptions::Stream, std::string_view bytes) {
    result.output += bytes;
  };
  const auto run = RunSubprocess(options);
  if (run.ok() && run->end == SubprocessResult::End::kExited) result.code = run->exit_code;
  if (!run.ok()) result.output += std::string(run.status().message());
  return result;
}

class WorkspaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/workspace-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = std::filesystem::canonical(pattern).string();
    upstream_ = base_ + "/upstream.git";
    Host(
        "git init -q --bare upstream.git; git clone -q upstream.git author; cd author; git "
        "checkout -q -b main;"
        "echo one > file; git add file; git commit -qm one; git push -q origin main");
    GitWorkspaceOptions options{.root = base_ + "/root", .credentials = credentials_};
    auto provider = NewGitWorkspaceProvider(options);
    ASSERT_TRUE(provider.ok()) << provider.status();
    provider_ = *std::move(provider);
    AddRepository("file://" + upstream_);
    request_.session.set_id("session_1");
    request_.log = &log_;
    request_.cancellation = &cancellation_;
  }

  void TearDown() override {
    workspace_.reset();
    provider_.reset();
    EXPECT_TRUE(RemoveTree(base_).ok());
  }

  v1::Repository* AddRepository(const std::string& url) {
    v1::Repository* repository = request_.routine.add_repositories();
    repository->set_url(url);
    return repository;
  }

  // What somebody outside the session does, e.g. in the clone base_/author. Must succeed.
  std::string Host(const std::string& script) {
    const ShellResult result = RunShell(script, base_,
                                        {{"PATH", getenv("PATH")},
                                         {"HOME", base_},
                                         {"GIT_CONFIG_NOSYSTEM", "1"},
                                         {"GIT_AUTHOR_NAME", "a"},
                                         {"GIT_AUTHOR_EMAIL", "a@b"},
                                         {"GIT_COMMITTER_NAME", "a"},
                                         {"GIT_COMMITTER_EMAIL", "a@b"},
                                         {"GIT_CONFIG_COUNT", "1"},
                                         {"GIT_CONFIG_KEY_0", "init.defaultBranch"},
                                         {"GIT_CONFIG_VALUE_0", "main"}});
    EXPECT_EQ(result.code, 0) << script << "\n" << result.output;
    std::string output = result.output;
    while (!output.empty() && output.back() == '\n') output.pop_back();
    return output;
  }

  Outcome Prepare() {
    workspace_.reset();
    PreparedWorkspace prepared = provider_->Prepare(request_);
    workspace_ = std::move(prepared.workspace);
    return prepared.outcome;
  }

  void MustPrepare() {
    const Outcome outcome = Prepare();
    ASSERT_NE(workspace_, nullptr) << outcome.reason << ": " << outcome.message;
  }

  // What the agent does in its working directory.
  ShellResult Agent(const std::string& script) {
    return RunShell(script, workspace_->working_directory(), workspace_->environment());
  }

  std::string UpstreamRefs() { return Host("git -C upstream.git for-each-ref"); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string base_, upstream_;
  std::shared_ptr<SecretProvider> credentials_;
  std::unique_ptr<WorkspaceProvider> provider_;
  WorkspaceRequest request_;
  RecordingLog log_;
  Cancellation cancellation_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_WORKSPACE_WORKSPACE_FIXTURE_H_
