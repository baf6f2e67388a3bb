#include "src/server/request_head.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace routines::server {
namespace {

std::string Head(const std::string& headers, const std::string& line = "GET / HTTP/1.1") {
  return absl::StrCat(line, "\r\nHost: x\r\n", headers, "\r\n");
}

TEST(ProblemOfHead, FindsNoneInWhatClientsSend) {
  EXPECT_EQ(ProblemOfHead(Head("")), "");
  EXPECT_EQ(ProblemOfHead(Head("Accept:*/*\r\nX-A:  b\t\r\nContent-Length: 3\r\n")), "");
  EXPECT_EQ(ProblemOfHead(Head("Transfer-Encoding: Chunked\r\n")), "");
  EXPECT_EQ(ProblemOfHead("GET / HTTP/1.0\r\n\r\n"), "");
  EXPECT_EQ(ProblemOfHead(Head("X-Latin: \xE9\r\n")), "");
}

TEST(ProblemOfHead, FindsWhatTwoProgramsMayReadDifferently) {
  const std::string cases[] = {
      Head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
      Head("Content-Length: 3\r\nContent-Length: 3\r\n"),
      Head("Content-Length: +3\r\n"),
      Head("Content-Length: 3, 3\r\n"),
      Head("Content-Length: 0x3\r\n"),
      Head("Content-Length: \r\n"),
      Head("Content-Length: 9999999999999999999\r\n"),
      Head("Transfer-Encoding: chunked, identity\r\n"),
      Head("Transfer-Encoding: identity\r\n"),
      Head("Transfer-Encoding: xchunked\r\n"),
      Head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
      Head("Transfer-Encoding: chunked\r\n", "GET / HTTP/1.0"),
      Head("X-A: b\r\n folded\r\n"),
      Head("X-A: b\r\n\tfolded\r\n"),
      Head("X-A : b\r\n"),
      Head(" X-A: b\r\n"),
      Head("no colon\r\n"),
      Head(": empty\r\n"),
      Head("X-A: a\rb\r\n"),
      Head(std::string("X-A: a\0b\r\n", 10)),
      Head("X-A: a\nb: c\r\n"),
      Head("X(A): b\r\n"),
      Head("Host: y\r\n"),
      Head("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"),
      Head("", "GET / HTTP/1.2"),
      Head("", "GET / HTTP/2.0"),
      Head("", "GET / http/1.1"),
      Head("", "GET / HTTP/1.1 "),
      Head("", "GET  / HTTP/1.1"),
      Head("", "GET /a b HTTP/1.1"),
      Head("", "GET\t/ HTTP/1.1"),
      Head("", "GET /"),
      Head("", " GET / HTTP/1.1"),
      Head("", "G@T / HTTP/1.1"),
      Head("", "GET /\xC3\xA9 HTTP/1.1"),
      "GET / HTTP/1.1\r\n\r\n",
      "\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\n",
  };
  for (const std::string& head : cases) EXPECT_NE(ProblemOfHead(head), "") << head;
}

TEST(ProblemOfHead, CountsHeaders) {
  std::string headers;
  for (int i = 0; i < 99; ++i) absl::StrAppend(&headers, "X: y\r\n");
  EXPECT_EQ(ProblemOfHead(Head(headers)), "");  // and Host
  EXPECT_NE(ProblemOfHead(Head(headers + "X: y\r\n")), "");
}

TEST(FindBareLineFeed, FindsThoseWithoutCarriageReturn) {
  EXPECT_EQ(FindBareLineFeed("a\r\nb\r\n", 0), std::string_view::npos);
  EXPECT_EQ(FindBareLineFeed("a\r\nb\n", 0), 4u);
  EXPECT_EQ(FindBareLineFeed("\n", 0), 0u);
  EXPECT_EQ(FindBareLineFeed("a\r\n", 2), std::string_view::npos);
}

}  // namespace
}  // namespace routines::server
