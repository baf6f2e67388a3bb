#include "src/server/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace routines::server {
namespace {

using ::testing::ElementsAre;

const std::vector<Route>& Table() {
  static const std::vector<Route> table = {
      {"GET", "/v1/things", Access::kPublic, false, nullptr},
      {"PUT", "/v1/things", Access::kPublic, false, nullptr},
      {"POST", "/v1/things/{a}/{b}/go", Access::kPublic, false, nullptr},
  };
  return table;
}

TEST(FindRoute, MatchesMethodAndPath) {
  EXPECT_EQ(FindRoute(Table(), "GET", "/v1/things").route, &Table()[0]);
  EXPECT_EQ(FindRoute(Table(), "HEAD", "/v1/things").route, &Table()[0]);
  EXPECT_EQ(FindRoute(Table(), "PUT", "/v1/things").route, &Table()[1]);
}

TEST(FindRoute, TakesDecodedParameters) {
  const RouteMatch match = FindRoute(Table(), "POST", "/v1/things/x%2Fy/z/go");
  EXPECT_EQ(match.route, &Table()[2]);
  EXPECT_THAT(match.params, ElementsAre("x/y", "z"));
}

TEST(FindRoute, TellsWhatAKnownPathTakes) {
  const RouteMatch match = FindRoute(Table(), "DELETE", "/v1/things");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "GET, HEAD, PUT");
}

TEST(FindRoute, KnowsNothingElse) {
  for (const char* path : {"", "/", "/v1", "/v1/", "/v1/things/", "/v1/things/a/b/go/",
                           "/v1/things//b/go", "/v1/things/%zz/b/go", "//v1/things", "v1/things"}) {
    const RouteMatch match = FindRoute(Table(), "POST", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
}

}  // namespace
}  // namespace routines::server
