#include "src/server/http_message.h"

#include <gtest/gtest.h>

namespace routines::server {
namespace {

Request WithAuthorization(const std::string& value) {
  Request request;
  request.headers.emplace_back("authorization", value);
  return request;
}

TEST(Request, FindsItsBearerToken) {
  EXPECT_EQ(WithAuthorization("Bearer abc").BearerToken(), "abc");
  EXPECT_EQ(WithAuthorization("bearer  abc").BearerToken(), "abc");
  EXPECT_EQ(WithAuthorization("Bearer ").BearerToken(), "");
  EXPECT_EQ(WithAuthorization("Basic abc").BearerToken(), "");
  EXPECT_EQ(WithAuthorization("abc").BearerToken(), "");
  EXPECT_EQ(Request().BearerToken(), "");
}

TEST(PercentDecode, RefusesBrokenEscapes) {
  EXPECT_EQ(PercentDecode("a%2Fb+c", false), "a/b+c");
  EXPECT_EQ(PercentDecode("a+b", true), "a b");
  EXPECT_EQ(PercentDecode("%", true), std::nullopt);
  EXPECT_EQ(PercentDecode("%4", true), std::nullopt);
  EXPECT_EQ(PercentDecode("%zz", true), std::nullopt);
}

TEST(PercentEncode, IsUndoneByDecode) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  EXPECT_EQ(PercentDecode(PercentEncode(all), false), all);
  EXPECT_EQ(PercentEncode("aZ0-._~ /"), "aZ0-._~%20%2f");
}

TEST(ParseForm, RefusesANameThatComesTwice) {
  const auto form = ParseForm("a=1&b=x%26y&c&&d=");
  ASSERT_TRUE(form.ok());
  EXPECT_EQ(form->at("b"), "x&y");
  EXPECT_EQ(form->at("c"), "");
  EXPECT_EQ(form->size(), 4u);
  EXPECT_FALSE(ParseForm("a=1&a=2").ok());
  EXPECT_FALSE(ParseForm("a=%").ok());
}

}  // namespace
}  // namespace routines::server
