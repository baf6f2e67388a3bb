// The matcher beside the reference, on random sets that change: with groups of the ordinary size,
// and with segments made of a few records each and merged all the time.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "routines/matcher.h"
#include "routines/testing/reference_matcher.h"
#include "src/match/index_group.h"
#include "tests/unit/match/random_sets.h"

namespace routines {
namespace {

using routines::testing::ReferenceMatch;
using routines::testing::ReferenceMatcher;

uint64_t NumberFromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string ToString(const std::vector<ReferenceMatch>& matches) {
  return absl::StrJoin(matches, " ", [](std::string* out, const ReferenceMatch& match) {
    absl::StrAppend(out, match.account, "/", match.routine, "[", match.trigger, "]");
  });
}

class World {
 public:
  World(uint64_t seed, const IndexTuning& tuning, uint32_t size) : random_(seed), matcher_(tuning) {
    for (int i = 0; i < 4; ++i) {
      events_.push_back(i == 0 || random_.OneIn(5) ? random_.Event() : random_.Like(events_[0]));
    }
    std::vector<v1::Routine> routines;
    for (uint32_t i = 0; i < size; ++i) routines.push_back(Draw(i));
    std::vector<const v1::Routine*> pointers;
    for (const v1::Routine& routine : routines) {
      reference_.Put(routine);
      pointers.push_back(&routine);
    }
    EXPECT_TRUE(matcher_.PutAll(pointers).ok());
    for (const v1::Routine& routine : routines) Learn(routine);
  }

  bool Run(uint64_t& pairs) {
    for (int step = 0; step < 8; ++step) {
      for (const RandomEvent& event : events_) {
        if (!Agree(event)) return false;
        ++pairs;
      }
      for (uint32_t i = 1 + random_.Below(6); i > 0; --i) Change();
    }
    EXPECT_EQ(matcher_.size(), reference_.size());
    return true;
  }

  uint64_t matches() const { return matches_; }

 private:
  v1::Routine Draw(uint32_t number) {
    return random_.Routine(absl::StrCat("r", number),
                           events_[random_.Below(static_cast<uint32_t>(events_.size()))]);
  }

  // Handles follow from names, so putting a routine again tells its handle.
  void Learn(const v1::Routine& routine) {
    const auto handle = matcher_.Put(routine);
    ASSERT_TRUE(handle.ok()) << handle.status();
    names_[*handle] = {routine.account(), routine.name()};
    routines_[names_[*handle]] = routine;
  }

  void Change() {
    if (random_.OneIn(3) && !names_.empty()) {
      auto victim = names_.begin();
      std::advance(victim, random_.Below(static_cast<uint32_t>(names_.size())));
      EXPECT_TRUE(reference_.Remove(victim->second.first, victim->second.second));
      EXPECT_TRUE(matcher_.Remove(victim->second.first, victim->second.second));
      EXPECT_FALSE(matcher_.Remove(victim->second.first, victim->second.second));
      names_.erase(victim);
      return;
    }
    const v1::Routine routine = Draw(random_.Below(static_cast<uint32_t>(names_.size()) + 2));
    reference_.Put(routine);
    Learn(routine);
  }

  static std::vector<uint64_t> Numbers(absl::Span<const TriggerMatch> matches) {
    std::vector<uint64_t> numbers;
    for (const TriggerMatch match : matches) numbers.push_back(match.routine << 16 | match.trigger);
    return numbers;
  }

  // What the answer's sets of bits say, each trigger once.
  std::vector<uint64_t> InSets() {
    std::vector<TriggerMatch> matches;
    for (const Matcher::Buffer::Set& set : buffer_.sets()) {
      for (size_t i = 0; i < set.triggers.size(); ++i) {
        if ((set.bits[i / 64] >> i % 64 & 1) != 0) matches.push_back(set.triggers[i]);
      }
    }
    std::vector<uint64_t> numbers = Numbers(matches);
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
  }

  bool Agree(const RandomEvent& event) {
    const std::vector<ReferenceMatch> expected = reference_.Match(event.view());
    const absl::Status status = matcher_.Match(event.view(), buffer_);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<ReferenceMatch> found;
    for (const TriggerMatch match : buffer_.matches()) {
      const auto& [account, name] = names_[match.routine];
      found.push_back({account, name, static_cast<int>(match.trigger)});
    }
    EXPECT_EQ(InSets(), Numbers(buffer_.matches()));
    std::sort(found.begin(), found.end());
    matches_ += expected.size();
    if (found == expected) return true;
    std::vector<ReferenceMatch> differ;
    std::set_symmetric_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                                  std::back_inserter(differ));
    ADD_FAILURE() << "the matcher and the reference differ in " << ToString(differ) << " on\n"
                  << event.ToString()
                  << routines_[{differ[0].account, differ[0].routine}]
                         .triggers(differ[0].trigger)
                         .DebugString();
    return false;
  }

  RandomSets random_;
  std::vector<RandomEvent> events_;
  std::map<uint64_t, std::pair<std::string, std::string>> names_;
  std::map<std::pair<std::string, std::string>, v1::Routine> routines_;
  ReferenceMatcher reference_;
  Matcher matcher_;
  Matcher::Buffer buffer_;
  uint64_t matches_ = 0;
};

void RunWorlds(const IndexTuning& tuning, uint32_t size) {
  const uint64_t wanted = NumberFromEnvironment("ROUTINES_DIFFERENTIAL", 6'000);
  uint64_t seed = NumberFromEnvironment("ROUTINES_DIFFERENTIAL_SEED", 1);
  uint64_t pairs = 0, matches = 0;
  for (; pairs < wanted; ++seed) {
    World world(seed, tuning, size);
    if (!world.Run(pairs)) {
      FAIL() << "run with ROUTINES_DIFFERENTIAL=1 ROUTINES_DIFFERENTIAL_SEED=" << seed;
    }
    matches += world.matches();
  }
  EXPECT_GT(matches, pairs / 10);
}

TEST(MatcherDifferential, AgreesInSmallGroups) {
  RunWorlds({}, 5);
}

TEST(MatcherDifferential, AgreesInGroupsOfBothShapes) {
  RunWorlds({}, 150);
}

TEST(MatcherDifferential, AgreesInSegmentsOfFewRecords) {
  RunWorlds({.most_flat = 2, .most_inline = 4}, 12);
}

TEST(MatcherDifferential, AgreesInClustersOfFewRecords) {
  RunWorlds({.most_flat = 4, .most_inline = 1000, .least_cluster = 2}, 40);
}

TEST(MatcherDifferential, AgreesInSegmentsOfOneRecord) {
  RunWorlds({.most_flat = 0, .most_inline = 1000}, 30);
}

}  // namespace
}  // namespace routines
