#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/testing/recording_execution.h"
#include "src/base/utf8.h"
#include "tests/unit/base/peak_memory.h"

namespace routines {
namespace {

using ::routines::testing::RecordingExecution;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class ProcessExecutorTest : public ::testing::Test {
 protected:
  ProcessExecutorTest() {
    std::string folder = ::testing::TempDir() + "process_executor_XXXXXX";
    directory_ = mkdtemp(folder.data());
    request_.session.set_id("session_01TEST");
    request_.prompt = "the prompt\n";
    request_.working_directory = request_.workspace = directory_ + "/workspace";
    fs::create_directory(request_.workspace);
    request_.environment = {{"SECRET", "s3cret"}};
  }
  ~ProcessExecutorTest() override { fs::remove_all(directory_); }

  void Start(const std::string& script) {
    options_.command = {"/bin/sh", "-c", script};
    StartCommand();
  }

  void StartCommand() {
    auto executor = NewProcessExecutor(options_);
    ASSERT_TRUE(executor.ok()) << executor.status();
    executor_ = *std::move(executor);
    execution_ = std::make_shared<RecordingExecution>(request_);
    execution_->on_append = on_append_;
    executor_->Start(execution_);
  }

  Outcome Wait() { return execution_->WaitFinished() ? execution_->outcomes()[0] : Outcome(); }
  Outcome Run(const std::string& script) {
    Start(script);
    return Wait();
  }

  std::string Output(v1::Output::Stream stream) const {
    std::string text;
    for (const v1::SessionEvent& event : execution_->events()) {
      if (!event.has_output() || event.output().stream() != stream) continue;
      EXPECT_EQ(event.output().step(), v1::SESSION_STEP_AGENT);
      EXPECT_TRUE(CountCodePoints(event.output().text()).has_value());
      text += event.output().text();
    }
    return text;
  }
  std::string Stdout() const { return Output(v1::Output::STREAM_STDOUT); }
  std::string Stderr() const { return Output(v1::Output::STREAM_STDERR); }

  std::string directory_;
  ProcessExecutorOptions options_;
  ExecutionRequest request_;
  std::function<void(const v1::SessionEvent&)> on_append_;
  std::unique_ptr<Executor> executor_;
  std::shared_ptr<RecordingExecution> execution_;
};

void ExpectFailure(const Outcome& outcome, v1::SessionStep step, const std::string& reason) {
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
  EXPECT_EQ(outcome.step, step);
  EXPECT_EQ(outcome.reason, reason) << outcome.message;
  EXPECT_NE(outcome.message, "");
}

TEST_F(ProcessExecutorTest, NeedsACommand) {
  EXPECT_EQ(NewProcessExecutor({}).status().code(), absl::StatusCode::kInvalidArgument);
  options_.command = {"echo", std::string("a\0", 2)};
  EXPECT_EQ(NewProcessExecutor(options_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ProcessExecutorTest, GivesThePromptOnStandardInput) {
  EXPECT_TRUE(Run("cat").ok());
  EXPECT_EQ(Stdout(), "the prompt\n");
}

TEST_F(ProcessExecutorTest, GivesThePromptInAPrivateFileThatIsRemoved) {
  options_.prompt = ProcessExecutorOptions::Prompt::kFile;
  EXPECT_TRUE(Run("cat; cat \"$ROUTINES_PROMPT_FILE\"; stat -c %a \"$ROUTINES_PROMPT_FILE\"; "
                  "dirname \"$ROUTINES_PROMPT_FILE\"")
                  .ok());
  EXPECT_EQ(Stdout(), "the prompt\n600\n" + directory_ + "\n");
  fs::create_directory(directory_ + "/tmp");
  request_.environment["TMPDIR"] = directory_ + "/tmp";
  EXPECT_TRUE(Run("dirname \"$ROUTINES_PROMPT_FILE\"").ok());
  EXPECT_EQ(Stdout(), directory_ + "/tmp\n");
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    EXPECT_TRUE(entry.is_directory()) << entry.path();
  }
  request_.environment["TMPDIR"] = directory_ + "/none";
  ExpectFailure(Run("true"), v1::SESSION_STEP_EXECUTOR, "start_failed");
}

TEST_F(ProcessExecutorTest, GivesTheConnectorsInAPrivateFileThatIsRemoved) {
  request_.connectors = {{.name = "slack",
                          .command = {"/usr/bin/npx", "-y", "a \"b\""},
                          .environment = {{"TOKEN", "t0ken"}},
                          .tools = {"post"},
                          .denied_tools = {"erase", "read"}},
                         {.name = "web",
                          .url = "https://mcp.example/v1?a=b",
                          .headers = {{"Authorization", "Bearer x"}}}};
  EXPECT_TRUE(Run("cat \"$ROUTINES_MCP_CONFIG\"; stat -c %a \"$ROUTINES_MCP_CONFIG\"; "
                  "dirname \"$ROUTINES_MCP_CONFIG\"")
                  .ok());
  EXPECT_EQ(Stdout(),
            R"({"mcpServers":{"slack":{"type":"stdio","command":"/usr/bin/npx",)"
            R"("args":["-y","a \"b\""],"env":{"TOKEN":"t0ken"}},"web":{"type":"http",)"
            R"("url":"https://mcp.example/v1?a=b","headers":{"Authorization":"Bearer x"}}},)"
            R"("toolPolicy":{"slack":{"allow":["post"],"deny":["erase","read"]},)"
            R"("web":{"allow":[],"deny":[]}}})"
            "\n600\n" +
                directory_ + "\n");
  for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
    EXPECT_TRUE(entry.is_directory()) << entry.path();
  }
}

TEST_F(ProcessExecutorTest, GivesTheSessionsEnvironmentAndFolderOnly) {
  ASSERT_EQ(setenv("OF_THE_HOST", "1", 1), 0);
  options_.command = {"env"};
  StartCommand();
  EXPECT_TRUE(Wait().ok());
  EXPECT_EQ(Stdout(),
            "PATH=/usr/local/bin:/usr/bin:/bin\nROUTINES_EVENTS_FD=3\n"
            "ROUTINES_SESSION_ID=session_01TEST\nSECRET=s3cret\n");
  EXPECT_TRUE(Run("pwd").ok());
  EXPECT_EQ(Stdout(), request_.working_directory + "\n");
}

TEST_F(ProcessExecutorTest, TakesARelativeProgramFromTheHostsFolderNotFromTheRepository) {
  std::ofstream(request_.workspace + "/agent") << "#!/bin/sh\necho planted\n";
  fs::permissions(request_.workspace + "/agent", fs::perms::owner_all);
  request_.environment["PATH"] = ".:/usr/bin:/bin";
  for (const char* name : {"./agent", "agent"}) {
    options_.command = {name};
    StartCommand();
    ExpectFailure(Wait(), v1::SESSION_STEP_EXECUTOR, "start_failed");
  }
}

TEST_F(ProcessExecutorTest, LogsBothStreams) {
  EXPECT_TRUE(Run("printf out; printf err >&2").ok());
  EXPECT_EQ(Stdout(), "out");
  EXPECT_EQ(Stderr(), "err");
}

TEST_F(ProcessExecutorTest, TakesEventsFromDescriptorThree) {
  const Outcome outcome =
      Run("echo '{\"type\":\"assistant_text\",\"text\":\"hello\"}' >&3\n"
          "echo 'no JSON' >&3\n"
          "printf '{\"type\":\"result\",\"text\":\"all is well\"}' >&$ROUTINES_EVENTS_FD");
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  const std::vector<v1::SessionEvent> events = execution_->events();
  ASSERT_EQ(events.size(), 3);
  EXPECT_EQ(events[0].assistant_text().text(), "hello");
  EXPECT_THAT(events[1].note().text(), HasSubstr("no JSON"));
  EXPECT_EQ(events[2].result().text(), "all is well");
}

TEST_F(ProcessExecutorTest, SaysHowTheProgramFailed) {
  Outcome outcome = Run("echo working; exit 3");
  ExpectFailure(outcome, v1::SESSION_STEP_AGENT, "exit_code");
  EXPECT_THAT(outcome.message, HasSubstr("3"));

  outcome = Run("echo '{\"type\":\"result\",\"is_error\":true,\"text\":\"no key\"}' >&3; exit 1");
  ExpectFailure(outcome, v1::SESSION_STEP_AGENT, "exit_code");
  EXPECT_THAT(outcome.message, HasSubstr("no key"));

  outcome = Run("kill -SEGV $$");
  ExpectFailure(outcome, v1::SESSION_STEP_AGENT, "signal");
  EXPECT_THAT(outcome.message, HasSubstr("SIGSEGV"));

  outcome = Run("echo '{\"type\":\"result\",\"is_error\":true,\"text\":\"gave up\"}' >&3");
  ExpectFailure(outcome, v1::SESSION_STEP_AGENT, "agent_error");
  EXPECT_THAT(outcome.message, HasSubstr("gave up"));

  ExpectFailure(Run("true"), v1::SESSION_STEP_AGENT, "no_output");
  ExpectFailure(Run("echo; echo >&2"), v1::SESSION_STEP_AGENT, "no_output");
  EXPECT_TRUE(Run("echo '{\"type\":\"result\"}' >&3").ok());
  EXPECT_TRUE(Run("echo only this >&2").ok());
  EXPECT_EQ(Run("kill -KILL $PPID; sleep 1000").state, v1::SESSION_STATE_FAILED);
}

TEST_F(ProcessExecutorTest, SaysWhyTheProgramDidNotStart) {
  options_.command = {"no-such-agent"};
  StartCommand();
  Outcome outcome = Wait();
  ExpectFailure(outcome, v1::SESSION_STEP_EXECUTOR, "start_failed");
  EXPECT_FALSE(outcome.retryable);
  EXPECT_THAT(outcome.message, HasSubstr("no-such-agent"));
  request_.working_directory = directory_ + "/gone";
  ExpectFailure(Run("true"), v1::SESSION_STEP_EXECUTOR, "start_failed");
}

TEST_F(ProcessExecutorTest, CancelEndsTheWholeTree) {
  std::atomic<bool> cancelled = false;
  options_.kill_grace = absl::Milliseconds(50);
  on_append_ = [&](const v1::SessionEvent&) {
    if (!cancelled.exchange(true)) execution_->Cancel();
  };
  Start(
      "trap '' TERM; (trap '' TERM; exec setsid sleep 1000) & echo $! > ../pid; echo go; "
      "while :; do sleep 1000; done");
  const Outcome outcome = Wait();
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_CANCELLED);
  pid_t pid = 0;
  std::ifstream(directory_ + "/pid") >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_NE(kill(pid, 0), 0);
}

TEST_F(ProcessExecutorTest, SurvivesBinaryOutput) {
  EXPECT_TRUE(Run("head -c 3000000 /dev/urandom; head -c 3000000 /dev/urandom >&2; "
                  "head -c 3000000 /dev/urandom >&3; printf 'a\\000b'")
                  .ok());
  const std::string text = Stdout();
  EXPECT_EQ(text.substr(text.size() - 3), std::string("a\0b", 3));
}

TEST_F(ProcessExecutorTest, KeepsACharacterWholeThatTwoWritesShare) {
  // The second write waits until the first was read, so that they are two.
  on_append_ = [&](const v1::SessionEvent&) {
    std::ofstream(request_.workspace + "/go.part");
    fs::rename(request_.workspace + "/go.part", request_.workspace + "/go");
  };
  EXPECT_TRUE(Run("printf 'x\\303'; until [ -e go ]; do :; done; printf '\\244y'").ok());
  EXPECT_EQ(Stdout(), "xäy");
}

TEST_F(ProcessExecutorTest, TakesALineOfFiveMegabytesOnStandardOutput) {
  EXPECT_TRUE(Run("head -c 5000000 /dev/zero | tr '\\0' x").ok());
  EXPECT_EQ(Stdout().size(), 5'000'000);
}

class CountingExecution : public Execution, private SessionLog {
 public:
  explicit CountingExecution(ExecutionRequest request) : request_(std::move(request)) {}
  const ExecutionRequest& request() const override { return request_; }
  SessionLog& log() override { return *this; }
  const Cancellation& cancellation() const override { return cancellation_; }
  void Finish(Outcome outcome) override { outcome_ = std::move(outcome); }
  const Outcome& outcome() const { return outcome_; }
  size_t bytes() const { return bytes_; }

 private:
  void Append(v1::SessionEvent event) override { bytes_ += event.output().text().size(); }
  const ExecutionRequest request_;
  Cancellation cancellation_;
  Outcome outcome_;
  size_t bytes_ = 0;
};

TEST_F(ProcessExecutorTest, KeepsMemoryBoundedUnderAFloodOfOutput) {
  options_.command = {"/bin/sh", "-c",
                      "head -c 1000000000 /dev/zero; head -c 100000000 /dev/zero >&3"};
  const auto execution = std::make_shared<CountingExecution>(request_);
  const int64_t before = PeakMemoryKb();
  executor_ = *NewProcessExecutor(options_);
  executor_->Start(execution);
  executor_.reset();
  EXPECT_TRUE(execution->outcome().ok()) << execution->outcome().message;
  EXPECT_EQ(execution->bytes(), 1'000'000'000);
  if (kPeakMemoryIsTrue) {
    EXPECT_LT(PeakMemoryKb() - before, 64 << 10);
  }
}

}  // namespace
}  // namespace routines
