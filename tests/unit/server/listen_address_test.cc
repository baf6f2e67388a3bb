#include "src/server/listen_address.h"

#include <gtest/gtest.h>

namespace routines::server {
namespace {

TEST(ParseListenAddress, TakesHostAndPort) {
  EXPECT_EQ(ParseListenAddress("127.0.0.1:7433")->port, 7433);
  EXPECT_EQ(ParseListenAddress("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseListenAddress("[::1]:0")->HostForUrl(), "[::1]");
  EXPECT_EQ(ParseListenAddress(":80")->host, "");
}

TEST(ParseListenAddress, RefusesAllElse) {
  for (const char* text : {"", "7433", "localhost", "localhost:", "localhost:x", "a:65536", "a:-1",
                           "::1:80", "[a]:80"}) {
    EXPECT_FALSE(ParseListenAddress(text).ok()) << text;
  }
}

}  // namespace
}  // namespace routines::server
