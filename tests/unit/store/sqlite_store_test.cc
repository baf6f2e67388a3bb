// What is the SQLite store's own; its promises as a store are in tests/conformance.
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/store.h"
#include "src/store/sqlite_schema.h"
#include "tests/unit/store/store_testing.h"

namespace routines::testing {
namespace {

using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Store>> Open() { return OpenSqliteStore({.path = path_}); }

  std::unique_ptr<Store> MustOpen() {
    absl::StatusOr<std::unique_ptr<Store>> store = Open();
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // As somebody with a shell would.
  void RunSql(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }

  TempFolder folder_;
  const std::string path_ = folder_ / "state.db";
};

// ---- large records

TEST_F(SqliteStoreTest, LargeEventsTakeLittleRoom) {
  auto store = MustOpen();
  std::string payload = "[0";
  for (int i = 1; i < 100'000; ++i) absl::StrAppend(&payload, ",", i % 100);
  Admission admission = MakeAdmission("1");
  admission.event.set_payload(payload + "]");
  ASSERT_TRUE(AdmitAndWait(*store, admission).ok());
  const absl::StatusOr<Rows> rows = store->Read(EventQuery{.id = admission.event.id()});
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->events.size(), 1u);
  EXPECT_EQ(rows->events[0].payload(), payload + "]");
  store.reset();
  EXPECT_LT(std::filesystem::file_size(path_), payload.size());
}

TEST_F(SqliteStoreTest, ADamagedRecordIsRefused) {
  Admission admission = MakeAdmission("1");
  admission.event.set_payload(std::string(10'000, 'x'));
  ASSERT_TRUE(AdmitAndWait(*MustOpen(), admission).ok());
  for (const char* const damage :
       {"size = size + 1", "size = 9223372036854775807", "size = -1", "size = 0",
        "record = substr(record, 1, length(record) - 1), size = 10100"}) {
    RunSql(absl::StrCat("UPDATE events SET ", damage));
    const absl::Status status = MustOpen()->Read(EventQuery{.id = admission.event.id()}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << damage << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("restore a backup")) << damage;
  }
}

// ---- the file
// ------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, FilesAreTheOwnersAlone) {
  const mode_t before = umask(0);
  std::ofstream(path_).close();
  chmod(path_.c_str(), 0666);
  auto store = MustOpen();
  ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("1")).ok());
  ASSERT_TRUE(store->Read(SessionQuery{}).ok());
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat info;
    ASSERT_EQ(stat((path_ + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << suffix;
  }
  umask(before);
}

TEST_F(SqliteStoreTest, MissingFolderIsUnavailableAndNamed) {
  const absl::Status status = OpenSqliteStore({.path = folder_ / "none/state.db"}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("none"));
}

TEST_F(SqliteStoreTest, SecondStoreOfOneProcessIsRefused) {
  auto store = MustOpen();
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(AdmitAndWait(*store, MakeAdmission("1")).ok());
  store.reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteStoreTest, SecondProcessIsRefusedUntilTheFirstIsGone) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto store = Open();
    if (!store.ok() || write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const absl::Status refused = Open().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("process ", child)));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(Open().ok());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(SqliteStoreTest, ForkedChildIsRefusedAndHarmsNothing) {
  auto store = MustOpen();
  ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("1")).ok());
  const pid_t child = fork();
  if (child == 0) {
    int failures = 0;
    auto expect_refused = [&](const absl::Status& status) {
      if (status.code() != absl::StatusCode::kFailedPrecondition) ++failures;
    };
    expect_refused(AdmitAndWait(*store, MakeAdmission("2")).status());
    expect_refused(UpdateAndWait(*store, {.session_id = "session_1"}).status());
    expect_refused(store->Lease({"child", absl::Now(), absl::Now(), 1}).status());
    expect_refused(store->Save(SaveSetting{"a", "b"}));
    expect_refused(store->Read(SessionQuery{}).status());
    store.reset();
    _exit(failures);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("3")).ok());
  store.reset();
  store = MustOpen();
  EXPECT_EQ(store->Read(SessionQuery{})->sessions.size(), 2u);
}

TEST_F(SqliteStoreTest, NewerSchemaIsRefusedAndLeftAlone) {
  MustOpen();
  RunSql("PRAGMA user_version = 99");
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("99"));
  RunSql("PRAGMA user_version = " + std::to_string(store::Migrations().size()));
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteStoreTest, AnotherProgramsDatabaseIsRefused) {
  RunSql("CREATE TABLE bookmarks (url TEXT)");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  RunSql("SELECT url FROM bookmarks");
}

TEST_F(SqliteStoreTest, FileThatIsNoDatabaseIsDataLoss) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, FlippedBytesAreDataLossAndTheFileIsNamed) {
  {
    auto store = MustOpen();
    for (int i = 0; i < 300; ++i) {
      ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission(absl::StrCat(i))).ok());
    }
  }
  // The head of every page but the first: their trees can no longer be walked.
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  for (std::streamoff page = 4096; page < file.tellg(); page += 4096) {
    char head[8];
    file.seekg(page).read(head, sizeof(head));
    for (char& byte : head) byte = static_cast<char>(~byte);
    file.seekp(page).write(head, sizeof(head));
    file.seekg(0, std::ios::end);
  }
  file.close();
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
}

TEST_F(SqliteStoreTest, IndexThatDisagreesWithItsTableIsDataLoss) {
  {
    auto store = MustOpen();
    ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("1")).ok());
  }
  // The root of one index is given to another of the same shape.
  RunSql(
      "PRAGMA writable_schema = ON;"
      "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE "
      "name = 'decisions_by_event') WHERE name = 'sessions_by_state'");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

// ---- groups
// --------------------------------------------------------------------------------------

TEST_F(SqliteStoreTest, RefusedChangeDoesNotSpoilItsGroup) {
  auto store = MustOpen();
  ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("taken")).ok());
  // The writer stays in this callback until everything else is queued: that becomes one group.
  absl::Notification queued;
  store->Admit(MakeAdmission("first"),
               [&](const absl::StatusOr<Admitted>&) { queued.WaitForNotification(); });
  std::vector<absl::Status> results(20, absl::UnknownError("not done"));
  for (int i = 0; i < 20; ++i) {
    Admission admission = MakeAdmission(absl::StrCat(i));
    if (i % 2 == 1) admission.sessions.push_back(MakeAdmission("taken").sessions[0]);
    store->Admit(std::move(admission), [&results, i](absl::StatusOr<Admitted> admitted) {
      results[i] = admitted.status();
    });
  }
  queued.Notify();
  store.reset();
  store = MustOpen();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(results[i].code(),
              i % 2 == 1 ? absl::StatusCode::kAlreadyExists : absl::StatusCode::kOk);
    const std::string id = absl::StrCat("session_", i);
    EXPECT_EQ(store->Read(SessionQuery{.id = id})->sessions.size(), i % 2 == 1 ? 0u : 1u);
  }
  EXPECT_EQ(store->Read(EventQuery{})->events.size(), 12u);
}

TEST_F(SqliteStoreTest, LogFileStaysBounded) {
  auto store = MustOpen();
  ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("1")).ok());
  const v1::Session session = store->Lease({"host", absl::Now(), absl::Now(), 1})->at(0);
  SessionUpdate update{.session_id = session.id(), .fencing_token = session.fencing_token()};
  update.events.emplace_back().mutable_output()->set_text(std::string(1 << 20, 'x'));
  for (int i = 0; i < 160; ++i) ASSERT_TRUE(UpdateAndWait(*store, update).ok());
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), uintmax_t{80} << 20);
}

}  // namespace
}  // namespace routines::testing
