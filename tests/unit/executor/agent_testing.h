// What the tests of the agents' executors share: a folder, a workspace in it, and a program that
// stands in for the agent's.
#ifndef ROUTINES_TESTS_UNIT_EXECUTOR_AGENT_TESTING_H_
#define ROUTINES_TESTS_UNIT_EXECUTOR_AGENT_TESTING_H_

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/testing/recording_execution.h"

namespace routines {

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() {
    std::string folder = ::testing::TempDir() + "agent_XXXXXX";
    directory_ = mkdtemp(folder.data());
    for (const char* name : {"/home", "/work", "/work/shop"}) {
      std::filesystem::create_directory(directory_ + name);
    }
    repository_ = directory_ + "/work/shop";
    request_.session.set_id("session_01TEST");
    request_.routine.set_prompt("Mend it.");
    request_.routine.add_repositories()->set_url("https://example.org/acme/shop.git");
    request_.prompt = "Mend it.";
    request_.workspace = directory_ + "/work";
    request_.working_directory = repository_;
    request_.environment = {{"HOME", directory_ + "/home"}, {"PATH", "/usr/bin:/bin"}};
  }
  ~AgentTest() override {
    executor_.reset();
    std::filesystem::remove_all(directory_);
  }

  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  // A program that tells `version` and otherwise runs `script`, in sh. Its arguments and its input
  // are in the files "arguments", one a line, and "input" of directory_.
  std::string Program(const std::string& script, const std::string& version) {
    const std::string path = directory_ + "/agent";
    Write(path, absl::StrCat("#!/bin/sh\nif [ \"$1\" = --version ]; then echo '", version,
                             "'; echo . >> '", directory_, "/versions'; exit 0; fi\n",
                             "printf '%s\\n' \"$@\" > '", directory_, "/arguments'\ncat > '",
                             directory_, "/input'\ndir='", directory_, "'\n", script, "\n"));
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  // Prints a file of tests/data.
  static std::string Cat(const std::string& name) {
    return absl::StrCat("cat '", ROUTINES_SOURCE_DIR, "/tests/data/", name, "'");
  }

  void Start(absl::StatusOr<std::unique_ptr<Executor>> executor) {
    ASSERT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
    StartAgain();
  }
  void StartAgain() {
    execution_ = std::make_shared<testing::RecordingExecution>(request_);
    executor_->Start(execution_);
  }
  Outcome Wait() {
    EXPECT_TRUE(execution_->WaitFinished());
    const std::vector<Outcome> outcomes = execution_->outcomes();
    return outcomes.empty() ? Outcome() : outcomes[0];
  }

  // One line for each event, short: "text …", "call NAME INPUT", "note …".
  std::vector<std::string> Log() const {
    std::vector<std::string> lines;
    for (const v1::SessionEvent& event : execution_->events()) lines.push_back(Describe(event));
    return lines;
  }

  static std::string Describe(const v1::SessionEvent& event) {
    switch (event.kind_case()) {
      case v1::SessionEvent::kOutput:
        return absl::StrCat(
            event.output().stream() == v1::Output::STREAM_STDOUT ? "stdout " : "stderr ",
            event.output().text());
      case v1::SessionEvent::kAssistantText:
        return "text " + event.assistant_text().text();
      case v1::SessionEvent::kToolCall:
        return absl::StrCat("call ", event.tool_call().call_id(), " ", event.tool_call().name(),
                            " ", event.tool_call().input_json());
      case v1::SessionEvent::kToolResult:
        return absl::StrCat("result ", event.tool_result().call_id(),
                            event.tool_result().is_error() ? " error " : " ",
                            event.tool_result().text());
      case v1::SessionEvent::kUsage:
        return absl::StrCat("usage ", event.usage().input_tokens(), " ",
                            event.usage().output_tokens(), " ", event.usage().cache_read_tokens(),
                            " ", event.usage().cache_write_tokens(), " ", event.usage().turns(),
                            " ", event.usage().cost_usd());
      case v1::SessionEvent::kNote:
        return "note " + event.note().text();
      case v1::SessionEvent::kResult:
        return absl::StrCat("end", event.result().is_error() ? " error " : " ",
                            event.result().text());
      case v1::SessionEvent::kAgentEvent:
        return "kept " + event.agent_event().type();
      default:
        return "?";
    }
  }

  std::string directory_, repository_;
  ExecutionRequest request_;
  std::unique_ptr<Executor> executor_;
  std::shared_ptr<testing::RecordingExecution> execution_;
};

inline void ExpectFailure(const Outcome& outcome, v1::SessionStep step, const std::string& reason,
                          const std::string& words = "") {
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
  EXPECT_EQ(outcome.step, step);
  EXPECT_EQ(outcome.reason, reason) << outcome.message;
  EXPECT_THAT(outcome.message, ::testing::HasSubstr(words));
}

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_EXECUTOR_AGENT_TESTING_H_
