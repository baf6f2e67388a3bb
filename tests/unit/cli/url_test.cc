#include "src/cli/url.h"

#include <gtest/gtest.h>

namespace routines::cli {
namespace {

TEST(ParseUrl, ReadsSchemeHostPortAndBase) {
  const Url url = *ParseUrl("https://ci.example.org:8443/routines/");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "ci.example.org");
  EXPECT_EQ(url.port, "8443");
  EXPECT_EQ(url.base, "/routines");
  EXPECT_EQ(url.HostHeader(), "ci.example.org:8443");
}

TEST(ParseUrl, FillsInThePortOfTheScheme) {
  EXPECT_EQ(ParseUrl("http://localhost")->port, "80");
  EXPECT_EQ(ParseUrl("https://localhost/")->port, "443");
  EXPECT_EQ(ParseUrl("https://localhost/")->HostHeader(), "localhost");
}

TEST(ParseUrl, KnowsIpv6Brackets) {
  const Url url = *ParseUrl("http://[::1]:7433");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, "7433");
  EXPECT_EQ(url.HostHeader(), "[::1]:7433");
  EXPECT_EQ(ParseUrl("http://[::1]")->port, "80");
}

TEST(ParseUrl, RefusesWhatItCannotUse) {
  for (const char* text : {"", "localhost:7433", "ftp://x", "http://", "http://:80", "http://x:0",
                           "http://x:65536", "http://x:y", "http://u:p@x", "http://x/?a=b",
                           "http://x/#a", "http://x y", "http://x/\r\nA: b"}) {
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
}

TEST(EncodeUrlPart, EncodesAllButUnreserved) {
  EXPECT_EQ(EncodeUrlPart("a-Z_0.9~"), "a-Z_0.9~");
  EXPECT_EQ(EncodeUrlPart("../a b?c&d\xC3\xA4"), "..%2Fa%20b%3Fc%26d%C3%A4");
}

}  // namespace
}  // namespace routines::cli
