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

// Bytes first, first + step, first + 2 step, …
std::string Pattern(size_t size, size_t step, size_t first) {
  std::string out;
  for (size_t i = 0; i < size; ++i) out.push_back(static_cast<char>(first + i * step));
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
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\xaa'), std::string(50, '\xdd'))),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
  EXPECT_EQ(Hex(HmacSha256(Pattern(25, 1, 1), std::string(50, '\xcd'))),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0c'), "Test With Truncation")).substr(0, 32),
            "a3b6167473100ee06e0c796c2955552b");
  EXPECT_EQ(
      Hex(HmacSha256(
          std::string(131, '\xaa'),
          "This is a test using a larger than block-size key and a larger than block-size data. "
          "The key needs to be hashed before being used by the HMAC algorithm.")),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

// The digest over all of them is that of Python's hmac module.
TEST(HmacSha256, AgreesWithAnotherProgramAtEveryLengthOfKey) {
  std::string all;
  for (size_t key = 1; key < 256; ++key) {
    for (const size_t body : {0, 1, 55, 56, 63, 64, 65, 1000}) {
      all += Hex(HmacSha256(Pattern(key, 7, 1), Pattern(body, 11, 1)));
    }
  }
  EXPECT_EQ(Hex(Sha256(all)), "74075623f7fe13b81549a9c6fba36663a85a2c734167a03220a4e2b32ef7be58");
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

// What checkers of tags were found to take: one bit changed, part of a tag, all zero, all one, the
// tag inverted, that of another key or body.
TEST(GithubSignature, RefusesEveryModifiedTag) {
  const auto header = [](const std::string& tag) { return "sha256=" + Hex(tag); };
  for (const size_t key : {1, 16, 32, 63, 64, 65, 128, 255}) {
    for (const size_t size : {0, 1, 63, 64, 65, 4096}) {
      const std::string secret = Pattern(key, 7, 1), body = Pattern(size, 11, 1);
      const std::string tag = HmacSha256(secret, body);
      ASSERT_TRUE(VerifyGithubSignature(secret, body, header(tag)));
      std::vector<std::string> wrong = {std::string(32, '\0'),
                                        std::string(32, '\xff'),
                                        "",
                                        HmacSha256(secret + 'x', body),
                                        HmacSha256(secret, body + '\0'),
                                        HmacSha256(body, secret + 'x'),
                                        Sha256(secret + body),
                                        tag + tag};
      for (size_t i = 0; i < tag.size(); ++i) {
        wrong.push_back(tag.substr(0, i));
        for (int bit = 0; bit < 8; ++bit) {
          wrong.push_back(tag);
          wrong.back()[i] = static_cast<char>(tag[i] ^ (1 << bit));
        }
      }
      wrong.push_back(tag);
      for (char& byte : wrong.back()) byte = static_cast<char>(~byte);
      for (const std::string& one : wrong) {
        EXPECT_FALSE(VerifyGithubSignature(secret, body, header(one))) << key << " " << size;
      }
    }
  }
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
