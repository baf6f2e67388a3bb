#include "routines/event.h"

#include <set>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace routines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(GithubFields, EveryRowIsFoundAndSaysWhereItComesFrom) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const FieldInfo& row : GithubFields()) {
    EXPECT_TRUE(seen.insert({row.event, row.field}).second) << row.event << " " << row.field;
    EXPECT_EQ(FindGithubField(row.event, row.field), &row);
    EXPECT_NE(FindGithubEvent(row.event), nullptr) << row.event;
    EXPECT_EQ(row.path[0], '/');
    EXPECT_THAT(std::string(row.source), HasSubstr(std::string("#") + std::string(row.event)));
  }
  EXPECT_EQ(FindGithubField("push", "is_draft"), nullptr);
  EXPECT_EQ(FindGithubField("gollum", "author"), nullptr);
}

TEST(GithubEvents, AreEighteenInTheOrderOfTheFields) {
  ASSERT_EQ(GithubEvents().size(), 18u);
  size_t at = 0;
  for (const FieldInfo& row : GithubFields()) {
    while (at < 18 && GithubEvents()[at].event != row.event) ++at;
    ASSERT_LT(at, 18u) << row.event;
  }
  EXPECT_FALSE(FindGithubEvent("push")->has_action);
  EXPECT_TRUE(FindGithubEvent("repository_dispatch")->has_action);
  EXPECT_EQ(FindGithubEvent("gollum"), nullptr);
}

}  // namespace
}  // namespace routines
