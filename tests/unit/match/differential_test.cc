// The matcher, Explain and the reference on the same random routines and events: they must agree on
// every one. ROUTINES_DIFFERENTIAL is the number of pairs of a set and an event to try, and
// ROUTINES_DIFFERENTIAL_SEED where to begin.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "routines/filter.h"
#include "routines/matcher.h"
#include "routines/testing/reference_matcher.h"
#include "tests/unit/match/random_sets.h"

namespace routines {
namespace {

using routines::testing::ReferenceMatch;
using routines::testing::ReferenceMatcher;

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string ToString(const std::vector<ReferenceMatch>& matches) {
  return absl::StrJoin(matches, " ", [](std::string* out, const ReferenceMatch& match) {
    absl::StrAppend(out, match.account, "/", match.routine, "[", match.trigger, "]");
  });
}

// A set of routines that changes, in the reference and in what is tested.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    events_.push_back(random_.Event());
    while (events_.size() < 4) {
      events_.push_back(random_.OneIn(5) ? random_.Event() : random_.Like(events_[0]));
    }
    const uint32_t size = random_.OneIn(40) ? 300 : random_.OneIn(5) ? 40 : 1 + random_.Below(6);
    for (uint32_t i = 0; i < size; ++i) Put(absl::StrCat("r", i));
  }

  // Compares on every event, changes the set, and so on. False: they differ, and it was said where.
  bool Run(uint64_t& pairs) {
    for (int step = 0; step < 8; ++step) {
      for (const RandomEvent& event : events_) {
        if (!Agree(event)) return false;
        ++pairs;
      }
      for (uint32_t i = 1 + random_.Below(2); i > 0; --i) Change();
    }
    return OrderIsStable();
  }

  uint64_t matched() const { return matched_; }  // pairs with a match
  uint64_t matches() const { return matches_; }

 private:
  using Key = std::pair<std::string, std::string>;

  void Put(const std::string& name) {
    const RandomEvent& near = events_[random_.Below(static_cast<uint32_t>(events_.size()))];
    v1::Routine routine = random_.Routine(name, near);
    reference_.Put(routine);
    const auto handle = matcher_.Put(routine);
    EXPECT_TRUE(handle.ok()) << handle.status();
    const Key key{routine.account(), routine.name()};
    if (handle.ok()) names_[*handle] = key;
    routines_[key] = std::move(routine);
  }

  void Change() {
    if (random_.OneIn(3) && !routines_.empty()) {
      auto victim = routines_.begin();
      std::advance(victim, random_.Below(static_cast<uint32_t>(routines_.size())));
      const Key key = victim->first;
      routines_.erase(victim);
      EXPECT_TRUE(reference_.Remove(key.first, key.second));
      EXPECT_TRUE(matcher_.Remove(key.first, key.second));
      return;
    }
    Put(absl::StrCat("r", random_.Below(static_cast<uint32_t>(routines_.size()) + 2)));
  }

  bool Agree(const RandomEvent& event) {
    if (event.source == "github" || !event.payload.empty()) {
      const absl::Status status = CheckPayload(event.payload);
      EXPECT_TRUE(status.ok()) << status << "\n" << event.ToString();
      if (!status.ok()) return false;
    }
    const std::vector<ReferenceMatch> expected = reference_.Match(event.view());
    matched_ += !expected.empty();
    matches_ += expected.size();
    return MatcherAgrees(event, expected) && ExplainAgrees(event, expected);
  }

  bool MatcherAgrees(const RandomEvent& event, const std::vector<ReferenceMatch>& expected) {
    const absl::Status status = matcher_.Match(event.view(), buffer_);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<ReferenceMatch> found;
    for (const TriggerMatch match : buffer_.matches()) {
      const auto& [account, name] = names_[match.routine];
      found.push_back({account, name, static_cast<int>(match.trigger)});
    }
    std::sort(found.begin(), found.end());
    if (found == expected) return true;
    std::string routines;
    for (const auto& [key, routine] : routines_) routines += routine.DebugString();
    EXPECT_EQ(ToString(found), ToString(expected)) << "the matcher and the reference differ on\n"
                                                   << event.ToString() << routines;
    return false;
  }

  // The order of matches follows from the set, not from how it came to be.
  bool OrderIsStable() {
    Matcher fresh;
    for (const auto& [key, routine] : routines_) EXPECT_TRUE(fresh.Put(routine).ok());
    Matcher::Buffer buffer;
    for (const RandomEvent& event : events_) {
      EXPECT_TRUE(matcher_.Match(event.view(), buffer_).ok());
      EXPECT_TRUE(fresh.Match(event.view(), buffer).ok());
      const bool same = buffer_.matches() == buffer.matches();
      EXPECT_TRUE(same) << "the same set, otherwise made, has its matches in another order on\n"
                        << event.ToString();
      if (!same) return false;
    }
    return true;
  }

  // Of one routine.
  bool ExplainAgrees(const RandomEvent& event, const std::vector<ReferenceMatch>& all) {
    if (routines_.empty()) return true;
    auto chosen = routines_.begin();
    std::advance(chosen, random_.Below(static_cast<uint32_t>(routines_.size())));
    const auto& [key, routine] = *chosen;
    std::vector<ReferenceMatch> expected;
    std::copy_if(all.begin(), all.end(), std::back_inserter(expected), [&](const auto& match) {
      return match.account == chosen->first.first && match.routine == chosen->first.second;
    });
    const absl::StatusOr<Explanation> explanation = Explain(event.view(), routine);
    EXPECT_TRUE(explanation.ok()) << explanation.status();
    if (!explanation.ok()) return false;
    std::vector<ReferenceMatch> found;
    std::string why;
    for (const TriggerExplanation& trigger : explanation->triggers) {
      absl::StrAppend(&why, trigger.ToString());
      if (trigger.matched) found.push_back({key.first, key.second, trigger.index});
    }
    EXPECT_EQ(ToString(found), ToString(expected))
        << "Explain and the reference differ on\n"
        << event.ToString() << routine.DebugString() << why;
    return found == expected;
  }

  RandomSets random_;
  std::vector<RandomEvent> events_;
  std::map<Key, v1::Routine> routines_;
  ReferenceMatcher reference_;
  Matcher matcher_;
  Matcher::Buffer buffer_;
  std::map<RoutineHandle, Key> names_;
  uint64_t matched_ = 0, matches_ = 0;
};

// A quarter of all pairs, so that ctest runs them side by side.
void RunQuarter(uint64_t quarter) {
  const uint64_t wanted = (NumberFromEnvironment("ROUTINES_DIFFERENTIAL", 100'000) + 3) / 4;
  uint64_t seed = NumberFromEnvironment("ROUTINES_DIFFERENTIAL_SEED", 1 + quarter * 1'000'000'000);
  uint64_t pairs = 0, matched = 0, matches = 0;
  for (; pairs < wanted; ++seed) {
    World world(seed);
    if (!world.Run(pairs)) {
      FAIL() << "run with ROUTINES_DIFFERENTIAL=1 ROUTINES_DIFFERENTIAL_SEED=" << seed;
    }
    matched += world.matched();
    matches += world.matches();
  }
  std::printf("%llu pairs, %llu with a match, %llu matches\n",
              static_cast<unsigned long long>(pairs), static_cast<unsigned long long>(matched),
              static_cast<unsigned long long>(matches));
  if (wanted < 1000) return;
  EXPECT_GT(matched, pairs / 5);  // a test of nothing but silence would be worth little
  EXPECT_LT(matched, pairs * 9 / 10);
}

TEST(Differential, MatcherReferenceAndExplainAgreeInTheFirstQuarter) {
  RunQuarter(0);
}
TEST(Differential, MatcherReferenceAndExplainAgreeInTheSecondQuarter) {
  RunQuarter(1);
}
TEST(Differential, MatcherReferenceAndExplainAgreeInTheThirdQuarter) {
  RunQuarter(2);
}
TEST(Differential, MatcherReferenceAndExplainAgreeInTheLastQuarter) {
  RunQuarter(3);
}

}  // namespace
}  // namespace routines
