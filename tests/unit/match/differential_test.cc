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
    return true;
  }

  uint64_t matched() const { return matched_; }  // pairs with a match
  uint64_t triggers() const { return triggers_; }
  uint64_t matches() const { return matches_; }

 private:
  using Key = std::pair<std::string, std::string>;

  void Put(const std::string& name) {
    const RandomEvent& near = events_[random_.Below(static_cast<uint32_t>(events_.size()))];
    v1::Routine routine = random_.Routine(name, near);
    reference_.Put(routine);
    const Key key{routine.account(), routine.name()};
    routines_[key] = std::move(routine);
  }

  void Change() {
    if (random_.OneIn(3) && !routines_.empty()) {
      auto victim = routines_.begin();
      std::advance(victim, random_.Below(static_cast<uint32_t>(routines_.size())));
      const Key key = victim->first;
      routines_.erase(victim);
      EXPECT_TRUE(reference_.Remove(key.first, key.second));
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
    return ExplainAgrees(event, expected);
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
    triggers_ += static_cast<uint64_t>(routine.triggers_size());
    EXPECT_EQ(ToString(found), ToString(expected))
        << "Explain and the reference differ on\n"
        << event.ToString() << routine.DebugString() << why;
    return found == expected;
  }

  RandomSets random_;
  std::vector<RandomEvent> events_;
  std::map<Key, v1::Routine> routines_;
  ReferenceMatcher reference_;
  uint64_t matched_ = 0, matches_ = 0, triggers_ = 0;
};

TEST(Differential, MatcherReferenceAndExplainAgree) {
  const uint64_t wanted = NumberFromEnvironment("ROUTINES_DIFFERENTIAL", 100'000);
  uint64_t seed = NumberFromEnvironment("ROUTINES_DIFFERENTIAL_SEED", 1);
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

}  // namespace
}  // namespace routines
