#include "src/cli/api.h"

#include <gtest/gtest.h>

#include "src/cli/exit_codes.h"

namespace routines::cli {
namespace {

TEST(ParseRoutineName, KnowsBothForms) {
  EXPECT_EQ(ParseRoutineName("nightly")->Path(), "/v1/routines/default/nightly");
  EXPECT_EQ(ParseRoutineName("acme/nightly")->Path(), "/v1/routines/acme/nightly");
  for (const char* text : {"", "/", "a/", "/b", "a/b/c"}) {
    EXPECT_EQ(ExitCodeOf(ParseRoutineName(text).status()), kExitUsage) << text;
  }
}

TEST(QueryString, LeavesOutWhatIsEmptyAndEncodes) {
  EXPECT_EQ(QueryString({{"account", ""}}), "");
  EXPECT_EQ(QueryString({{"account", "a&b"}, {"limit", "5"}, {"state", ""}}),
            "?account=a%26b&limit=5");
}

TEST(Api, SaysThatNobodyListens) {
  // Port 1 of loopback: a privileged port that nothing listens on.
  absl::StatusOr<Api> api = Api::Open({.server = "http://127.0.0.1:1"});
  const absl::Status status = api->Send({.target = "/healthz"}).status();
  EXPECT_EQ(ExitCodeOf(status), kExitUnreachable) << status;
}

TEST(ExitCodeOf, TellsScriptsWhatHappened) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::InternalError("")), 1);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), 3);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), 4);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), 5);
  EXPECT_EQ(ExitCodeOf(absl::ResourceExhaustedError("")), 6);
}

}  // namespace
}  // namespace routines::cli
