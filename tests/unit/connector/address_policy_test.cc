#include "src/connector/address_policy.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/connector/http_url.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

TEST(ClassifyAddress, KnowsTheRanges) {
  struct Row {
    const char* address;
    AddressKind kind;
  } rows[] = {
      {"8.8.8.8", AddressKind::kPublic},
      {"1.1.1.1", AddressKind::kPublic},
      {"93.184.216.34", AddressKind::kPublic},
      {"172.15.255.255", AddressKind::kPublic},
      {"172.32.0.0", AddressKind::kPublic},
      {"192.167.255.255", AddressKind::kPublic},
      {"100.63.255.255", AddressKind::kPublic},
      {"100.128.0.0", AddressKind::kPublic},
      {"169.253.255.255", AddressKind::kPublic},
      {"169.255.0.0", AddressKind::kPublic},
      {"198.17.255.255", AddressKind::kPublic},
      {"223.255.255.255", AddressKind::kPublic},
      {"2606:4700::1111", AddressKind::kPublic},
      {"2001:4860:4860::8888", AddressKind::kPublic},
      {"64:ff9b::8.8.8.8", AddressKind::kPublic},
      {"::ffff:8.8.8.8", AddressKind::kPublic},
      {"2002:0808:0808::1", AddressKind::kPublic},

      {"127.0.0.1", AddressKind::kPrivate},
      {"127.255.255.254", AddressKind::kPrivate},
      {"0.0.0.0", AddressKind::kPrivate},
      {"0.1.2.3", AddressKind::kPrivate},
      {"10.0.0.1", AddressKind::kPrivate},
      {"10.255.255.255", AddressKind::kPrivate},
      {"172.16.0.1", AddressKind::kPrivate},
      {"172.31.255.255", AddressKind::kPrivate},
      {"192.168.0.1", AddressKind::kPrivate},
      {"192.168.255.255", AddressKind::kPrivate},
      {"100.64.0.1", AddressKind::kPrivate},
      {"100.127.255.255", AddressKind::kPrivate},
      {"192.0.0.1", AddressKind::kPrivate},
      {"198.18.0.1", AddressKind::kPrivate},
      {"198.19.255.255", AddressKind::kPrivate},
      {"::", AddressKind::kPrivate},
      {"::1", AddressKind::kPrivate},
      {"::ffff:127.0.0.1", AddressKind::kPrivate},
      {"::ffff:10.1.2.3", AddressKind::kPrivate},
      {"::127.0.0.1", AddressKind::kPrivate},
      {"64:ff9b::10.0.0.1", AddressKind::kPrivate},
      {"64:ff9b:1::1", AddressKind::kPrivate},
      {"2002:7f00:0001::1", AddressKind::kPrivate},
      {"2002:c0a8:0101::1", AddressKind::kPrivate},
      {"fc00::1", AddressKind::kPrivate},
      {"fdff::1", AddressKind::kPrivate},
      {"fec0::1", AddressKind::kPrivate},

      {"169.254.0.1", AddressKind::kForbidden},
      {"169.254.169.254", AddressKind::kForbidden},
      {"169.254.170.2", AddressKind::kForbidden},
      {"169.254.255.255", AddressKind::kForbidden},
      {"100.100.100.200", AddressKind::kForbidden},
      {"192.0.0.192", AddressKind::kForbidden},
      {"224.0.0.1", AddressKind::kForbidden},
      {"239.255.255.255", AddressKind::kForbidden},
      {"240.0.0.1", AddressKind::kForbidden},
      {"255.255.255.255", AddressKind::kForbidden},
      {"fe80::1", AddressKind::kForbidden},
      {"fe80::1%eth0", AddressKind::kForbidden},
      {"febf::1", AddressKind::kForbidden},
      {"ff02::1", AddressKind::kForbidden},
      {"fd00:ec2::254", AddressKind::kForbidden},
      {"::ffff:169.254.169.254", AddressKind::kForbidden},
      {"::169.254.169.254", AddressKind::kForbidden},
      {"64:ff9b::169.254.169.254", AddressKind::kForbidden},
      {"2002:a9fe:a9fe::1", AddressKind::kForbidden},
      {"5f00::1", AddressKind::kForbidden},
      {"not an address", AddressKind::kForbidden},
      {"", AddressKind::kForbidden},
      {"127.1", AddressKind::kForbidden},  // the resolver makes four numbers of it
  };
  for (const Row& row : rows) EXPECT_EQ(ClassifyAddress(row.address), row.kind) << row.address;
}

TEST(CheckAddress, NamesTheAddress) {
  EXPECT_TRUE(CheckAddress("8.8.8.8", false).ok());
  EXPECT_TRUE(CheckAddress("10.0.0.1", true).ok());
  EXPECT_THAT(CheckAddress("10.0.0.1", false).message(), HasSubstr("10.0.0.1"));
  EXPECT_EQ(CheckAddress("fe80::1", true).code(), absl::StatusCode::kPermissionDenied);
}

TEST(ResolveHost, ReturnsSoonAfterItWasCancelled) {
  Cancellation cancellation;
  cancellation.Cancel();
  ChannelLimits limits;
  limits.cancellation = &cancellation;
  // Either answer is right; that there is one is what counts.
  const auto found = ResolveHost("127.0.0.1", limits);
  EXPECT_TRUE(found.ok() || absl::IsCancelled(found.status()));
}

TEST(ParseHttpUrl, TakesUrlsApart) {
  struct Row {
    const char* text;
    const char* host;
    const char* port;
    const char* target;
    const char* host_header;
  } rows[] = {
      {"https://Example.COM/mcp", "example.com", "443", "/mcp", "example.com"},
      {"http://example.com", "example.com", "80", "/", "example.com"},
      {"HTTP://example.com:8080/a/b?c=d&e#f", "example.com", "8080", "/a/b?c=d&e",
       "example.com:8080"},
      {"https://example.com?x=1", "example.com", "443", "/?x=1", "example.com"},
      {"http://[2606:4700::1]:81/mcp", "2606:4700::1", "81", "/mcp", "[2606:4700::1]:81"},
      {"https://[::1]", "::1", "443", "/", "[::1]"},
      {"http://127.0.0.1:080/", "127.0.0.1", "80", "/", "127.0.0.1"},
  };
  for (const Row& row : rows) {
    const auto url = ParseHttpUrl(row.text);
    ASSERT_TRUE(url.ok()) << row.text << ": " << url.status();
    EXPECT_EQ(url->host, row.host) << row.text;
    EXPECT_EQ(url->port, row.port) << row.text;
    EXPECT_EQ(url->target, row.target) << row.text;
    EXPECT_EQ(url->HostHeader(), row.host_header) << row.text;
  }
}

TEST(ParseHttpUrl, RefusesTheRest) {
  for (const char* text : {"",
                           "/mcp",
                           "example.com",
                           "file:///etc/passwd",
                           "gopher://example.com/",
                           "ftp://a/",
                           "ws://a/",
                           "http:/a",
                           "http://",
                           "https:///path",
                           "http://user@host/",
                           "http://user:word@host/",
                           "http://a\\@b/",
                           "http://a:0/",
                           "http://a:65536/",
                           "http://a:x/",
                           "http://a:/",
                           "http://a b/",
                           "http://a/\r\nX: y",
                           "http://a/b c",
                           "http://[::1/",
                           "http://::1/",
                           "http://a/\xc3\xa9",
                           "http://\xd0\xb0/",
                           "http://a%2eb/",
                           "http://[]/",
                           "http://a:+8/"}) {
    EXPECT_FALSE(ParseHttpUrl(text).ok()) << text;
  }
}

TEST(ResolveHttpUrl, TakesPathsAndWholeUrls) {
  const HttpUrl base = *ParseHttpUrl("https://example.com:444/mcp?x");
  EXPECT_EQ(ResolveHttpUrl(base, "/mcp/")->ToString(), "https://example.com:444/mcp/");
  EXPECT_TRUE(ResolveHttpUrl(base, "https://example.com:444/other")->SameOrigin(base));
  EXPECT_FALSE(ResolveHttpUrl(base, "http://example.com:444/mcp")->SameOrigin(base));
  EXPECT_FALSE(ResolveHttpUrl(base, "https://example.com/mcp")->SameOrigin(base));
  EXPECT_FALSE(ResolveHttpUrl(base, "https://evil.example:444/mcp")->SameOrigin(base));
  for (const char* location : {"", "//evil.example/", "mcp/", "file:///etc/passwd"}) {
    EXPECT_FALSE(ResolveHttpUrl(base, location).ok()) << location;
  }
}

}  // namespace
}  // namespace routines
