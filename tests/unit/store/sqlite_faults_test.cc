// The SQLite store on a disk that is full or broken: never an OK for what is not durable, and
// recovery.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "routines/store.h"
#include "tests/unit/store/faulty_vfs.h"
#include "tests/unit/store/store_testing.h"

namespace routines::testing {
namespace {

class SqliteFaultsTest : public ::testing::Test {
 protected:
  SqliteFaultsTest() : faults_(InstallFaultyVfs()) {}
  ~SqliteFaultsTest() override { Mend(); }

  void Mend() {
    faults_.fail_sync = false;
    faults_.disk_full = false;
    faults_.fail_at = -1;
  }

  std::unique_ptr<Store> MustOpen() {
    absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore({.path = path_});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }

  // While something is broken, everything that writes says so and nothing is stored; afterwards the
  // same store works again, without a restart.
  void ExpectUnavailableThenRecovery(std::atomic<bool>& fault) {
    auto store = MustOpen();
    ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("before", "key-before")).ok());
    fault = true;
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(AdmitAndWait(*store, MakeAdmission("during", "key-during")).status().code(),
                absl::StatusCode::kUnavailable);
      EXPECT_EQ(store->Save(SaveSetting{"name", "value"}).code(), absl::StatusCode::kUnavailable);
      EXPECT_EQ(store->Lease({"host", absl::Now(), absl::Now(), 1}).status().code(),
                absl::StatusCode::kUnavailable);
    }
    ASSERT_TRUE(store->Read(SessionQuery{}).ok());
    EXPECT_EQ(store->Read(SessionQuery{})->sessions.size(), 1u);
    EXPECT_TRUE(store->Read(SettingQuery{"name"})->settings.empty());

    fault = false;
    absl::StatusOr<Admitted> again = AdmitAndWait(*store, MakeAdmission("during", "key-during"));
    ASSERT_TRUE(again.ok()) << again.status();
    EXPECT_FALSE(again->duplicate);
    EXPECT_TRUE(AdmitAndWait(*store, MakeAdmission("before", "key-before"))->duplicate);
    store.reset();
    store = MustOpen();
    EXPECT_EQ(store->Read(SessionQuery{})->sessions.size(), 2u);
  }

  Faults& faults_;
  TempFolder folder_;
  const std::string path_ = folder_ / "state.db";
};

TEST_F(SqliteFaultsTest, FailedSyncIsUnavailableAndPasses) {
  ExpectUnavailableThenRecovery(faults_.fail_sync);
}

TEST_F(SqliteFaultsTest, FullDiskIsUnavailableAndPasses) {
  ExpectUnavailableThenRecovery(faults_.disk_full);
}

TEST_F(SqliteFaultsTest, EveryChangeOfAGroupIsUnavailableWhenItsCommitFails) {
  auto store = MustOpen();
  absl::Notification queued;
  store->Admit(MakeAdmission("first"),
               [&](const absl::StatusOr<Admitted>&) { queued.WaitForNotification(); });
  std::vector<absl::StatusCode> codes(10, absl::StatusCode::kUnknown);
  for (int i = 0; i < 10; ++i) {
    store->Admit(MakeAdmission(absl::StrCat(i)), [&codes, i](absl::StatusOr<Admitted> admitted) {
      codes[i] = admitted.status().code();
    });
  }
  faults_.fail_sync = true;
  queued.Notify();
  store.reset();
  Mend();
  EXPECT_EQ(codes, std::vector<absl::StatusCode>(10, absl::StatusCode::kUnavailable));
}

TEST_F(SqliteFaultsTest, OpeningOnABrokenDiskIsUnavailable) {
  MustOpen();
  faults_.disk_full = true;
  EXPECT_EQ(OpenSqliteStore({.path = path_}).status().code(), absl::StatusCode::kUnavailable);
  Mend();
  MustOpen();
}

// The fault strikes once, at the nth write or sync, for every n: whatever it hits, what was
// acknowledged is there once, and what was refused can be admitted again.
TEST_F(SqliteFaultsTest, OneFaultAtAnyPlaceLosesNothing) {
  constexpr int kAdmissions = 8;
  int refused = 0;
  for (int nth = 0; nth < 60; ++nth) {
    TempFolder folder;
    auto opened = OpenSqliteStore({.path = folder / "state.db"});
    ASSERT_TRUE(opened.ok());
    std::unique_ptr<Store> store = *std::move(opened);
    faults_.fail_at = nth;
    for (int i = 0; i < kAdmissions; ++i) {
      const Admission admission = MakeAdmission(absl::StrCat(i), absl::StrCat("key-", i));
      absl::StatusOr<Admitted> admitted = AdmitAndWait(*store, admission);
      if (admitted.ok()) continue;
      ++refused;
      ASSERT_EQ(admitted.status().code(), absl::StatusCode::kUnavailable) << admitted.status();
      admitted = AdmitAndWait(*store, admission);
      ASSERT_TRUE(admitted.ok()) << admitted.status() << " after fault " << nth;
    }
    faults_.fail_at = -1;
    store.reset();
    opened = OpenSqliteStore({.path = folder / "state.db"});
    ASSERT_TRUE(opened.ok()) << opened.status();
    const Rows rows = *(*opened)->Read(SessionQuery{});
    std::set<std::string> ids;
    for (const v1::Session& session : rows.sessions) ids.insert(session.id());
    EXPECT_EQ(ids.size(), size_t{kAdmissions}) << "fault " << nth;
    EXPECT_EQ(rows.sessions.size(), size_t{kAdmissions}) << "fault " << nth;
  }
  EXPECT_GT(refused, 20);  // or the faults hit nothing
}

TEST_F(SqliteFaultsTest, ReadersDoNotWaitForTheWriter) {
  absl::Notification* syncing = nullptr;
  absl::Notification* go_on = nullptr;
  std::atomic<bool> armed{false};
  faults_.before_sync = [&] {
    if (!armed.exchange(false)) return;
    syncing->Notify();
    go_on->WaitForNotification();
  };
  {
    auto store = MustOpen();
    ASSERT_TRUE(AdmitAndWait(*store, MakeAdmission("1")).ok());
    absl::Notification in_sync, may_go_on;
    syncing = &in_sync;
    go_on = &may_go_on;
    armed = true;
    store->Admit(MakeAdmission("2"), [](absl::StatusOr<Admitted> admitted) {
      EXPECT_TRUE(admitted.ok()) << admitted.status();
    });
    in_sync.WaitForNotification();
    EXPECT_EQ(store->Read(SessionQuery{})->sessions.size(), 1u);
    may_go_on.Notify();
  }
  faults_.before_sync = nullptr;
}

}  // namespace
}  // namespace routines::testing
