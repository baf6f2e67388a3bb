// What the matcher promises beside right answers: changes that are seen whole or not at all,
// handles, order, memory.
#include "routines/matcher.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "src/match/index_group.h"

namespace {

thread_local bool counting = false;
thread_local size_t allocations = 0;

}  // namespace

void* operator new(size_t size) {
  if (counting) ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  std::abort();
}
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  return operator new(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace routines {
namespace {

std::string Payload(std::string_view title) {
  return absl::StrCat(
      R"({"action":"opened","pull_request":{"title":")", std::string(title),
      R"(","body":"a body with words","base":{"ref":"main"},"user":{"login":"Ada"},"labels":[]},)",
      R"("repository":{"full_name":"Acme/API"}})");
}

EventView View(const std::string& payload) {
  return {.source = "github", .type = "pull_request", .payload = payload};
}

v1::Routine Routine(std::string_view name, std::string_view repository, v1::Operator op,
                    std::string_view value) {
  v1::Routine routine;
  routine.set_account("acme");
  routine.set_name(std::string(name));
  v1::Trigger& trigger = *routine.add_triggers();
  trigger.set_id("t");
  trigger.mutable_github()->set_event("pull_request");
  trigger.mutable_github()->add_repositories(std::string(repository));
  v1::Condition& condition = *trigger.mutable_github()->add_filters();
  condition.set_field("title");
  condition.set_operator_(op);
  condition.mutable_value()->set_string_value(std::string(value));
  return routine;
}

std::vector<TriggerMatch> Match(const Matcher& matcher, const std::string& payload) {
  Matcher::Buffer buffer;
  EXPECT_TRUE(matcher.Match(View(payload), buffer).ok());
  return {buffer.matches().begin(), buffer.matches().end()};
}

TEST(Matcher, FindsByExactRepositoryAndByOwner) {
  Matcher matcher;
  ASSERT_TRUE(matcher.Put(Routine("a", "acme/api", v1::OPERATOR_EQUALS, "x")).ok());
  ASSERT_TRUE(matcher.Put(Routine("b", "ACME/*", v1::OPERATOR_EQUALS, "x")).ok());
  ASSERT_TRUE(matcher.Put(Routine("c", "acme/web", v1::OPERATOR_EQUALS, "x")).ok());
  EXPECT_EQ(Match(matcher, Payload("x")).size(), 2u);
  EXPECT_EQ(Match(matcher, Payload("y")).size(), 0u);
}

TEST(Matcher, ReportsATriggerOnceWhenTwoOfItsPatternsFit) {
  Matcher matcher;
  v1::Routine routine = Routine("a", "acme/api", v1::OPERATOR_EQUALS, "x");
  routine.mutable_triggers(0)->mutable_github()->add_repositories("acme/*");
  ASSERT_TRUE(matcher.Put(routine).ok());
  EXPECT_EQ(Match(matcher, Payload("x")).size(), 1u);
}

// In a large group, a slot that is left alone is tested by itself, as to its texts.
TEST(Matcher, TakesANullForAnEmptyTextInAGroupOfAnySize) {
  std::string payload = Payload("");
  payload.replace(payload.find(R"("title":"")"), 10, R"("title":null)");
  v1::Routine wanted = Routine("wanted", "acme/api", v1::OPERATOR_NOT_CONTAINS, "w");
  v1::Condition& contains = *wanted.mutable_triggers(0)->mutable_github()->add_filters();
  contains.set_field("title");
  contains.set_operator_(v1::OPERATOR_CONTAINS);
  contains.mutable_value()->set_string_value("");
  for (const size_t others : {10u, 100u, 1000u}) {
    Matcher matcher;
    ASSERT_TRUE(matcher.Put(wanted).ok());
    for (size_t i = 0; i < others; ++i) {
      ASSERT_TRUE(
          matcher.Put(Routine(absl::StrCat("r", i), "acme/api", v1::OPERATOR_EQUALS, "x")).ok());
    }
    EXPECT_EQ(Match(matcher, payload).size(), 1u) << others;
  }
}

TEST(Matcher, KeepsTheHandleOfARoutineAndGivesItToNoOther) {
  Matcher matcher;
  const auto first = matcher.Put(Routine("a", "acme/api", v1::OPERATOR_EQUALS, "x"));
  const auto other = matcher.Put(Routine("b", "acme/api", v1::OPERATOR_EQUALS, "x"));
  const auto again = matcher.Put(Routine("a", "acme/web", v1::OPERATOR_EQUALS, "x"));
  ASSERT_TRUE(first.ok() && other.ok() && again.ok());
  EXPECT_EQ(*first, *again);
  EXPECT_NE(*first, *other);
  EXPECT_EQ(matcher.size(), 2u);
  EXPECT_TRUE(matcher.Remove("acme", "a"));
  EXPECT_FALSE(matcher.Remove("acme", "a"));
  EXPECT_FALSE(matcher.Remove("acme", "nobody"));
  EXPECT_EQ(matcher.size(), 1u);
}

TEST(Matcher, RefusesARoutineWithAWrongFilterAndKeepsTheOldOne) {
  Matcher matcher;
  ASSERT_TRUE(matcher.Put(Routine("a", "acme/api", v1::OPERATOR_EQUALS, "x")).ok());
  const auto status = matcher.Put(Routine("a", "acme/api", v1::OPERATOR_MATCHES_REGEX, "("));
  EXPECT_EQ(status.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Match(matcher, Payload("x")).size(), 1u);
}

TEST(Matcher, OrdersMatchesByTheSetAlone) {
  Matcher forwards({.most_flat = 8, .most_inline = 32}), backwards({.most_flat = 64});
  for (int i = 0; i < 300; ++i) {
    for (auto& [matcher, number] :
         {std::pair<Matcher*, int>{&forwards, i}, {&backwards, 299 - i}}) {
      ASSERT_TRUE(
          matcher
              ->Put(Routine(absl::StrCat("r", number), number % 3 == 0 ? "acme/*" : "acme/api",
                            v1::OPERATOR_CONTAINS, "x"))
              .ok());
    }
  }
  const auto matches = Match(forwards, Payload("a x b"));
  EXPECT_EQ(matches.size(), 300u);
  EXPECT_TRUE(matches == Match(backwards, Payload("a x b")));
}

TEST(Matcher, ForgetsAllWhenAllAreRemovedAndGrowsAgain) {
  Matcher matcher({.most_flat = 4, .most_inline = 16});
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(matcher
                      .Put(Routine(absl::StrCat("r", i), "acme/api", v1::OPERATOR_STARTS_WITH,
                                   i % 2 == 0 ? "even" : "odd"))
                      .ok());
    }
    EXPECT_EQ(Match(matcher, Payload("even more")).size(), 100u);
    for (int i = 0; i < 200; ++i) EXPECT_TRUE(matcher.Remove("acme", absl::StrCat("r", i)));
    EXPECT_EQ(Match(matcher, Payload("even more")).size(), 0u);
    EXPECT_EQ(matcher.size(), 0u);
  }
}

TEST(Matcher, AllocatesNothingPerEventOnceWarm) {
  Matcher matcher;
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(matcher
                    .Put(Routine(absl::StrCat("r", i), i % 2 == 0 ? "acme/api" : "acme/*",
                                 i % 5 == 0 ? v1::OPERATOR_CONTAINS : v1::OPERATOR_STARTS_WITH,
                                 absl::StrCat("word", i % 7)))
                    .ok());
  }
  const std::string payload = Payload("word1 word5 word2 and more");
  Matcher::Buffer buffer;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(matcher.Match(View(payload), buffer).ok());
    ASSERT_GT(buffer.matches().size(), 10u);
  }
  counting = true;
  for (int i = 0; i < 100; ++i) {
    matcher.Match(View(payload), buffer).IgnoreError();
    buffer.matches();
  }
  counting = false;
  EXPECT_EQ(allocations, 0u);
}

std::vector<const v1::Routine*> Pointers(const std::vector<v1::Routine>& routines) {
  std::vector<const v1::Routine*> pointers;
  for (const v1::Routine& routine : routines) pointers.push_back(&routine);
  return pointers;
}

// Enough that several threads work on them; some names come twice.
std::vector<v1::Routine> Crowd() {
  std::vector<v1::Routine> routines;
  for (int i = 0; i < 21'000; ++i) {
    routines.push_back(Routine(absl::StrCat("r", i % 20'900),
                               absl::StrCat(i % 3 == 0 ? "acme/api" : "acme/r", i % 500),
                               v1::OPERATOR_MATCHES_REGEX, absl::StrCat(".*x", i % 10, ".*")));
  }
  return routines;
}

TEST(Matcher, TakesManyAtOnceAsOneByOne) {
  std::vector<v1::Routine> routines = Crowd();
  for (v1::Routine& routine : routines) {
    auto* const github = routine.mutable_triggers(0)->mutable_github();
    if (github->repositories(0).size() % 2 == 0) github->add_repositories("acme/api");
  }
  Matcher at_once, one_by_one;
  ASSERT_TRUE(at_once.PutAll(Pointers(routines)).ok());
  for (const v1::Routine& routine : routines) ASSERT_TRUE(one_by_one.Put(routine).ok());
  EXPECT_EQ(at_once.size(), 20'900u);
  EXPECT_EQ(one_by_one.size(), 20'900u);
  const auto matches = Match(at_once, Payload("a x5 b x7"));
  EXPECT_GT(matches.size(), 500u);
  EXPECT_TRUE(matches == Match(one_by_one, Payload("a x5 b x7")));
  for (const v1::Routine& routine : routines) at_once.Remove("acme", routine.name());
  EXPECT_EQ(at_once.size(), 0u);
  EXPECT_EQ(Match(at_once, Payload("a x5 b x7")).size(), 0u);
}

TEST(Matcher, StopsAtTheFirstOfManyThatIsWrong) {
  std::vector<v1::Routine> routines = Crowd();
  for (int i : {12'345, 15'000}) {
    routines[i].mutable_triggers(0)->mutable_github()->mutable_filters(0)->set_field(
        absl::StrCat("titel", i));
  }
  Matcher matcher;
  const absl::Status status = matcher.PutAll(Pointers(routines));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("titel12345"), status.message().npos) << status;
  EXPECT_EQ(matcher.size(), 12'345u);
}

TEST(Matcher, TellsMoreActionsApartThanHaveANumber) {
  Matcher matcher;
  for (int i = 0; i < 300; ++i) {
    v1::Routine routine =
        Routine(absl::StrCat("r", i), "acme/api", v1::OPERATOR_STARTS_WITH, "opened");
    auto* const github = routine.mutable_triggers(0)->mutable_github();
    github->add_actions(absl::StrCat("action", i));
    github->mutable_filters(0)->set_field("/action");
    github->mutable_filters(0)->mutable_value()->set_string_value("action");
    ASSERT_TRUE(matcher.Put(routine).ok());
  }
  for (const int i : {0, 7, 255, 256, 299}) {
    std::string payload = Payload("x");
    payload.replace(payload.find("opened"), 6, absl::StrCat("action", i));
    EXPECT_EQ(Match(matcher, payload).size(), 1u) << i;
  }
  EXPECT_EQ(Match(matcher, Payload("x")).size(), 0u);
}

// One routine goes from one group to another and back while a crowd around it changes, too: each
// reader must always see it once.
TEST(Matcher, ShowsEachChangeWholeOrNotAtAll) {
  Matcher matcher({.most_flat = 4, .most_inline = 8});
  const auto mover = matcher.Put(Routine("mover", "acme/api", v1::OPERATOR_CONTAINS, "x"));
  ASSERT_TRUE(mover.ok());
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      Matcher::Buffer buffer;
      const std::string payload = Payload("x y");
      while (!stop.load()) {
        if (!matcher.Match(View(payload), buffer).ok()) ++wrong;
        int seen = 0;
        for (const TriggerMatch match : buffer.matches()) seen += match.routine == *mover;
        wrong += seen != 1;
      }
    });
  }
  for (int i = 0; i < 3000; ++i) {
    const bool owner = i % 2 == 0;
    ASSERT_TRUE(
        matcher
            .Put(Routine("mover", owner ? "acme/*" : "acme/api",
                         i % 3 == 0 ? v1::OPERATOR_CONTAINS : v1::OPERATOR_STARTS_WITH, "x"))
            .ok());
    const std::string crowd = absl::StrCat("c", i % 97);
    if (i % 5 == 0) {
      matcher.Remove("acme", crowd);
    } else {
      ASSERT_TRUE(matcher
                      .Put(Routine(crowd, i % 7 == 0 ? "acme/*" : "acme/api",
                                   i % 11 == 0 ? v1::OPERATOR_MATCHES_REGEX : v1::OPERATOR_CONTAINS,
                                   i % 11 == 0 ? absl::StrCat(".*y", i % 5, "?.*") : "y"))
                      .ok());
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace routines
