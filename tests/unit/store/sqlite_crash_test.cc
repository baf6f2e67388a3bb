// kill -9 at random moments: what was acknowledged is there, once.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "routines/store.h"
#include "tests/unit/store/store_testing.h"

namespace routines::testing {
namespace {

constexpr int kRounds = 60;
constexpr int kThreads = 6;

// Admits until it is killed, and writes the name of each acknowledged event into `pipe`, one a
// line.
[[noreturn]] void AdmitForever(const std::string& path, int round, int pipe) {
  absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore({.path = path});
  if (!store.ok()) _exit(1);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0;; ++i) {
        const std::string name = absl::StrCat(round, ".", thread, ".", i);
        absl::StatusOr<Admitted> admitted =
            AdmitAndWait(**store, MakeAdmission(name, "key-" + name));
        const std::string line = name + "\n";
        if (!admitted.ok() || admitted->duplicate ||
            write(pipe, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
          _exit(2);
        }
      }
    });
  }
  for (;;) pause();
}

// Runs the above, kills it after a random number of acknowledgements, and returns those.
std::vector<std::string> RunAndKill(const std::string& path, int round, int after) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    AdmitForever(path, round, ends[1]);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  bool killed = false;
  for (;;) {
    if (!killed && std::count(text.begin(), text.end(), '\n') >= after) {
      kill(child, SIGKILL);
      killed = true;
    }
    const ssize_t size = read(ends[0], buffer, sizeof(buffer));
    if (size <= 0) break;
    text.append(buffer, size);
  }
  close(ends[0]);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  std::vector<std::string> names;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    names.push_back(text.substr(begin, end - begin));
  }
  return names;
}

TEST(SqliteCrashTest, AcknowledgedAdmissionsOutliveKillAtAnyMoment) {
  TempFolder folder;
  const std::string path = folder / "state.db";
  std::mt19937 random(20261123);
  std::set<std::string> acknowledged;
  for (int round = 0; round < kRounds; ++round) {
    // 0: while it opens.
    const int after = static_cast<int>(random() % (round % 4 == 0 ? 4 : 150));
    for (std::string& name : RunAndKill(path, round, after)) {
      EXPECT_TRUE(acknowledged.insert("session_" + name).second);
    }
    absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore({.path = path});
    ASSERT_TRUE(store.ok()) << store.status() << " in round " << round;

    std::set<std::string> stored;
    for (SessionQuery query{.limit = 1000};;) {
      const Rows rows = *(*store)->Read(query);
      for (const v1::Session& session : rows.sessions) {
        EXPECT_TRUE(stored.insert(session.id()).second) << session.id() << " twice";
      }
      if (rows.sessions.empty()) break;
      query.before_id = rows.sessions.back().id();
    }
    for (const std::string& id : acknowledged) {
      ASSERT_TRUE(stored.contains(id)) << id << " lost in round " << round;
    }
    // Of what was not acknowledged there is all or nothing.
    const int all = 1 << 30;
    ASSERT_EQ((*store)->Read(EventQuery{.limit = all})->events.size(), stored.size());
    ASSERT_EQ((*store)->Read(DecisionQuery{.limit = all})->decisions.size(), stored.size());
  }
  EXPECT_GT(acknowledged.size(), size_t{kRounds});
}

}  // namespace
}  // namespace routines::testing
