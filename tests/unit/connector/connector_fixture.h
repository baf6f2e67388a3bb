// What the tests of connectors share: a folder, a log, secrets, and a request to open.
#ifndef ROUTINES_TESTS_UNIT_CONNECTOR_CONNECTOR_FIXTURE_H_
#define ROUTINES_TESTS_UNIT_CONNECTOR_CONNECTOR_FIXTURE_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/connector.h"

namespace routines {

inline constexpr char kPython[] = "/usr/bin/python3";
inline constexpr char kFakeServer[] = ROUTINES_SOURCE_DIR "/tests/unit/connector/fake_mcp.py";

class RecordingLog : public SessionLog {
 public:
  void Append(v1::SessionEvent event) override {
    if (on_append) on_append(event);
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }

  // Everything that was said, one event a line.
  std::string Text() const {
    absl::MutexLock lock(&mu_);
    std::string text;
    for (const v1::SessionEvent& event : events_)
      absl::StrAppend(&text, event.ShortDebugString(), "\n");
    return text;
  }

  size_t Bytes() const {
    absl::MutexLock lock(&mu_);
    size_t bytes = 0;
    for (const v1::SessionEvent& event : events_) bytes += event.output().text().size();
    return bytes;
  }

  std::function<void(const v1::SessionEvent&)> on_append;

 private:
  mutable absl::Mutex mu_;
  std::vector<v1::SessionEvent> events_;
};

class ConnectorTest : public ::testing::Test {
 protected:
  ConnectorTest() {
    std::string folder = ::testing::TempDir() + "connector_XXXXXX";
    directory_ = mkdtemp(folder.data());
    request_.routine.set_account("acme");
    request_.environment = {{"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
    request_.working_directory = directory_;
    request_.log = &log_;
    request_.cancellation = &cancellation_;
    options_.secrets =
        NewMapSecretProvider({{"TOKEN", "s3cret-token-value"}, {"BROKEN", "two\nlines"}});
    options_.start_timeout = absl::Seconds(30);
  }
  ~ConnectorTest() override { std::filesystem::remove_all(directory_); }

  v1::Connector& Add(const std::string& name) {
    v1::Connector& connector = *request_.routine.add_connectors();
    connector.set_name(name);
    return connector;
  }

  // A stdio server that runs `script` (see fake_mcp.py).
  v1::Connector& AddScript(const std::string& script, const std::string& name = "fake") {
    v1::Connector& connector = Add(name);
    for (const std::string& word :
         {std::string(kPython), std::string(kFakeServer), std::string("stdio"), script}) {
      connector.add_command(word);
    }
    return connector;
  }

  OpenedConnectors Open() { return NewMcpConnectorProvider(options_)->Open(request_); }

  // The outcome of one server that runs `script`.
  Outcome OutcomeOf(const std::string& script) {
    request_.routine.clear_connectors();
    AddScript(script);
    return Open().outcome;
  }

  std::string File(const std::string& name) const { return directory_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ifstream file(File(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string directory_;
  RecordingLog log_;
  Cancellation cancellation_;
  ConnectorRequest request_;
  McpConnectorOptions options_;
};

MATCHER_P2(FailedWith, reason, text, "") {
  *result_listener << "reason " << arg.reason << ", message \"" << arg.message << "\"";
  return arg.state == v1::SESSION_STATE_FAILED && arg.step == v1::SESSION_STEP_CONNECTOR &&
         arg.reason == reason &&
         ::testing::Value(arg.message, ::testing::HasSubstr(std::string(text)));
}

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_CONNECTOR_CONNECTOR_FIXTURE_H_
