// The table behind the C ABI's handles.
#include "capi/src/handle.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace routines::capi {

struct Counted : Object {
  explicit Counted(std::atomic<int>& alive) : alive(alive) { ++alive; }
  ~Counted() override { --alive; }
  std::atomic<int>& alive;
};
template <>
struct Named<Counted> {
  static constexpr Noun kNoun = Noun::kMatcher;
  using Handle = routines_matcher;
};
struct Sturdy : Object {};
template <>
struct Named<Sturdy> {
  static constexpr Noun kNoun = Noun::kText;
  using Handle = routines_text;
};

namespace {

TEST(Handle, NamesItsObjectUntilItIsEnded) {
  std::atomic<int> alive = 0;
  routines_matcher* const handle = Make<Counted>(alive);
  {
    const Ref<Counted> ref(handle);
    ASSERT_EQ(ref.code(), ROUTINES_OK);
    EXPECT_EQ(&ref->alive, &alive);
    EXPECT_EQ(End<Counted>(handle), ROUTINES_OK);
    EXPECT_EQ(Ref<Counted>(handle).code(), ROUTINES_INVALID_HANDLE);
    EXPECT_EQ(alive, 1);  // in use still
  }
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(End<Counted>(handle), ROUTINES_INVALID_HANDLE);
}

TEST(Handle, IsOfOneNoun) {
  std::atomic<int> alive = 0;
  routines_matcher* const handle = Make<Counted>(alive);
  EXPECT_EQ(Ref<Sturdy>(reinterpret_cast<routines_text*>(handle)).code(), ROUTINES_INVALID_HANDLE);
  EXPECT_EQ(End<Sturdy>(reinterpret_cast<routines_text*>(handle)), ROUTINES_INVALID_HANDLE);
  // The noun that it says is changed, too.
  const uint64_t forged = NumberOf(handle) ^ uint64_t { 1 } << 52;
  EXPECT_EQ(Ref<Sturdy>(reinterpret_cast<routines_text*>(forged)).code(), ROUTINES_INVALID_HANDLE);
  EXPECT_EQ(End<Counted>(handle), ROUTINES_OK);
}

TEST(Handle, OfEachSingleBitChangedIsNone) {
  std::atomic<int> alive = 0;
  routines_matcher* const handle = Make<Counted>(alive);
  for (int bit = 0; bit < 64; ++bit) {
    auto* const forged = reinterpret_cast<routines_matcher*>(NumberOf(handle) ^ uint64_t{1} << bit);
    EXPECT_EQ(Ref<Counted>(forged).code(), ROUTINES_INVALID_HANDLE) << bit;
  }
  EXPECT_EQ(End<Counted>(handle), ROUTINES_OK);
}

TEST(Handle, NeverComesTwice) {
  std::set<routines_text*> seen;
  for (int i = 0; i < 10'000; ++i) {
    routines_text* const handle = Make<Sturdy>();
    EXPECT_TRUE(seen.insert(handle).second);
    EXPECT_EQ(End<Sturdy>(handle), ROUTINES_OK);
  }
}

TEST(Handle, EndsOnceAndItsObjectDiesOnceUnderEightThreads) {
  constexpr int kRounds = 1000;
  std::atomic<int> alive = 0, ended = 0;
  std::atomic<routines_matcher*> shared = nullptr;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        if (thread == 0) shared = Make<Counted>(alive);
        routines_matcher* const handle = shared;
        if (const Ref<Counted> ref(handle); ref.code() == ROUTINES_OK) {
          EXPECT_GT(ref->alive, 0);
        }
        if (End<Counted>(handle) == ROUTINES_OK) ++ended;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ended += End<Counted>(shared) == ROUTINES_OK;
  EXPECT_EQ(alive, kRounds - ended);  // those that another replaced unended
}

TEST(Handle, OfTheParentIsKnownAsSuchInAChild) {
  std::atomic<int> alive = 0;
  routines_matcher* const handle = Make<Counted>(alive);
  routines_text* const text = Make<Sturdy>();
  const pid_t child = fork();
  if (child == 0) {
    const bool right = Ref<Counted>(handle).code() == ROUTINES_FORKED &&
                       End<Counted>(handle) == ROUTINES_FORKED &&
                       Ref<Sturdy>(text).code() == ROUTINES_OK &&
                       Ref<Counted>(Make<Counted>(alive)).code() == ROUTINES_OK;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(End<Counted>(handle), ROUTINES_OK);
  EXPECT_EQ(End<Sturdy>(text), ROUTINES_OK);
}

}  // namespace
}  // namespace routines::capi
