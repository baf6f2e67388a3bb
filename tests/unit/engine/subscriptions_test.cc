#include "src/engine/subscriptions.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"

namespace routines {
namespace {

TEST(Subscriptions, TellsThoseOfThatSessionOnly) {
  Subscriptions subscriptions;
  int a = 0, b = 0;
  subscriptions.Add("session_a", [&] { ++a; });
  const int64_t id = subscriptions.Add("session_b", [&] { ++b; });
  subscriptions.Notify("session_b");
  EXPECT_EQ(a, 0);
  EXPECT_EQ(b, 1);
  subscriptions.Remove(id);
  subscriptions.Notify("session_b");
  EXPECT_EQ(b, 1);
}

TEST(Subscriptions, CanBeRemovedFromWithinTheirOwnCall) {
  Subscriptions subscriptions;
  int calls = 0;
  int64_t id = 0;
  id = subscriptions.Add("s", [&] {
    ++calls;
    subscriptions.Remove(id);
  });
  subscriptions.Notify("s");
  subscriptions.Notify("s");
  EXPECT_EQ(calls, 1);
}

TEST(Subscriptions, CanCauseAnotherChangeFromWithinTheirOwnCall) {
  Subscriptions subscriptions;
  int calls = 0, others = 0;
  subscriptions.Add("s", [&] {
    ++calls;
    subscriptions.Notify("s");
  });
  subscriptions.Add("s", [&] { ++others; });
  subscriptions.Notify("s");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(others, 2);
}

TEST(Subscriptions, RemoveWaitsForACallInFlight) {
  Subscriptions subscriptions;
  absl::Notification entered, leave;
  std::atomic<bool> left = false;
  const int64_t id = subscriptions.Add("s", [&] {
    entered.Notify();
    leave.WaitForNotification();
    left = true;
  });
  std::thread notifier([&] { subscriptions.Notify("s"); });
  entered.WaitForNotification();
  std::thread remover([&] {
    subscriptions.Remove(id);
    EXPECT_TRUE(left);
  });
  leave.Notify();
  remover.join();
  notifier.join();
}

}  // namespace
}  // namespace routines
