#include "routines/signature.h"

#include <cctype>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "src/base/crypto.h"

namespace routines {
namespace {

// GitHub's documentation, "Validating webhook deliveries".
constexpr char kSecret[] = "It's a Secret to Everybody";
constexpr char kBody[] = "Hello, World!";
constexpr char kHeader[] =
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

std::string Hex(const std::string& bytes) {
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

TEST(HmacSha256, GivesTheAnswersOfRfc4231) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'),
                           "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(GithubSignature, AcceptsTheKnownAnswer) {
  EXPECT_TRUE(VerifyGithubSignature(kSecret, kBody, kHeader));
  EXPECT_EQ(SignGithubBody(kSecret, kBody), kHeader);
  EXPECT_TRUE(VerifyGithubSignature(
      "0123456789abcdef", R"({"yo":true})",
      "sha256=b1f8020f5b4cd42042f807dd939015c4a418bc1ff7f604dd55b0a19b5d953d9b"));
}

TEST(GithubSignature, RefusesEveryChangedByte) {
  const std::string header = kHeader;
  for (size_t i = 0; i < header.size(); ++i) {
    for (const int flip : {1, 0x20, 0x80}) {
      std::string changed = header;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      EXPECT_FALSE(VerifyGithubSignature(kSecret, kBody, changed)) << changed;
    }
  }
  EXPECT_FALSE(VerifyGithubSignature(kSecret, "Hello, World", kHeader));
  EXPECT_FALSE(VerifyGithubSignature(kSecret, "Hello, World!\n", kHeader));
  EXPECT_FALSE(VerifyGithubSignature("It's a secret to everybody", kBody, kHeader));
}

TEST(GithubSignature, RefusesEveryOtherForm) {
  const std::string digits = std::string(kHeader).substr(7);
  std::string upper = kHeader;
  for (size_t i = 7; i < upper.size(); ++i) upper[i] = static_cast<char>(std::toupper(upper[i]));
  const std::vector<std::string> headers = {
      "",
      "sha256=",
      digits,
      "sha1=" + digits,
      "yo",
      "sha1=yo",
      "sha1=012345",
      "bogus1=1234567",
      "sha1=126f2c800419c60137ce748d7672e77b65cf16d6",
      "SHA256=" + digits,
      "sha256:" + digits,
      "sha256= " + digits,
      " " + std::string(kHeader),
      std::string(kHeader) + " ",
      std::string(kHeader) + "0",
      std::string(kHeader).substr(0, 70),
      std::string(kHeader) + ", " + kHeader,
      std::string(kHeader) + std::string(1, '\0'),
      "sha256=\"" + digits + "\"",
      upper,
  };
  for (const std::string& header : headers) {
    EXPECT_FALSE(VerifyGithubSignature(kSecret, kBody, header)) << header;
  }
}

TEST(GithubSignature, AnEmptySecretVerifiesNothing) {
  EXPECT_FALSE(VerifyGithubSignature("", kBody, SignGithubBody("", kBody)));
}

TEST(GithubSignature, TakesBytesOfAnyKind) {
  std::string secret, body;
  for (int i = 0; i < 256; ++i) secret.push_back(static_cast<char>(i));
  for (int i = 0; i < 70000; ++i) body.push_back(static_cast<char>(i * 7));
  EXPECT_TRUE(VerifyGithubSignature(secret, body, SignGithubBody(secret, body)));
  EXPECT_TRUE(VerifyGithubSignature("s", "", SignGithubBody("s", "")));
  EXPECT_FALSE(VerifyGithubSignature("s", std::string(1, '\0'), SignGithubBody("s", "")));
}

}  // namespace
}  // namespace routines
