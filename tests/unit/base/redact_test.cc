#include "src/base/redact.h"

#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

const char kSecret[] = "s3cr\"et/Wért+\\9\n<x>";

std::string Base64(const std::string& text) {
  return absl::Base64Escape(text);
}

std::string Hex(const std::string& text) {
  return absl::BytesToHexString(text);
}

// Known forms, made by hand or with other tools' encoders.
std::vector<std::string> Forms() {
  const std::string secret = kSecret;
  return {
      secret,
      Base64(secret),
      absl::WebSafeBase64Escape(secret),
      Hex(secret),
      absl::AsciiStrToUpper(Hex(secret)),
      "s3cr%22et%2FW%C3%A9rt%2B%5C9%0A%3Cx%3E",
      "s3cr%22et%2fW%c3%a9rt%2b%5c9%0a%3cx%3e",
      "s3cr%22et/W%C3%A9rt%2B%5C9%0A%3Cx%3E",
      "%73%33%63%72%22%65%74%2F%57%C3%A9%72%74%2B%5C%39%0A%3C%78%3E",
      "s3cr\\\"et/Wért+\\\\9\\n<x>",
      "s3cr\\\"et\\/Wért+\\\\9\\n<x>",
      "s3cr\\\"et/W\\u00e9rt+\\\\9\\n<x>",
      "s3cr\\\"et/W\\u00E9rt+\\\\9\\n\\u003Cx\\u003E",
      "s3cr\\\"et/Wért+\\\\9\\n\\u003cx\\u003e",
  };
}

std::string Stream(const Redactor& redactor, const std::string& text, size_t piece) {
  RedactingStream stream(redactor);
  std::string clean;
  for (size_t i = 0; i < text.size(); i += piece) clean += stream.Feed(text.substr(i, piece));
  return clean + stream.Flush();
}

TEST(Redactor, ReplacesEveryForm) {
  const Redactor redactor({kSecret});
  for (const std::string& form : Forms()) {
    EXPECT_EQ(redactor.Redact("before " + form + " after"), "before [redacted] after") << form;
    EXPECT_EQ(redactor.Redact(form + form), "[redacted][redacted]") << form;
  }
}

TEST(Redactor, ReplacesTheSecretInsideOfALongerBase64Text) {
  const Redactor redactor({kSecret});
  for (const std::string before : {"", "x", "xy", "user:", "token="}) {
    for (const std::string after : {"", ".", "..", "\n", " and so on"}) {
      const std::string encoded = Base64(before + kSecret + after);
      const std::string clean = redactor.Redact(encoded);
      EXPECT_NE(clean.find("[redacted]"), clean.npos) << encoded;
      // Only what belongs to the neighbours stays, with up to one shared character at each end.
      const size_t neighbours = (before.size() + after.size()) * 4 / 3 + 2 + 4;
      EXPECT_LE(clean.size(), std::string("[redacted]").size() + neighbours) << clean;
    }
  }
}

TEST(Redactor, FindsTheShortestSecretAtEveryAlignment) {
  const Redactor redactor({"abc123"});
  for (const std::string before : {"", "x", "xy"}) {
    const std::string clean = redactor.Redact(Base64(before + "abc123" + "tail"));
    EXPECT_NE(clean.find("[redacted]"), clean.npos) << before;
  }
}

TEST(Redactor, KeepsOtherTexts) {
  const Redactor redactor({kSecret, "short", "1234567"});
  const std::string text("short s3cr\"et 123456 \0 \xFF, ordinary", 34);
  EXPECT_EQ(redactor.Redact(text), text);
  EXPECT_EQ(Redactor().Redact(text), text);
  EXPECT_TRUE(Redactor().empty());
  EXPECT_TRUE(Redactor({"short"}).empty());
  EXPECT_FALSE(redactor.empty());
}

TEST(Redactor, ReplacesSecretsThatOverlapOrContainEachOther) {
  const Redactor redactor({"password", "password-long", "longer-word", "word-lo"});
  EXPECT_EQ(redactor.Redact("a password b"), "a [redacted] b");
  EXPECT_EQ(redactor.Redact("a password-long b"), "a [redacted] b");
  EXPECT_EQ(redactor.Redact("a password-longer-word b"), "a [redacted] b");
  EXPECT_EQ(redactor.Redact("a password-lonely b"), "a [redacted]nely b");
}

TEST(Redactor, FindsABinarySecretAlsoWhereItsTextWasRepaired) {
  const std::string secret("\xFFtoken\x80\0x", 9);
  const Redactor redactor({secret});
  EXPECT_EQ(redactor.Redact("a" + secret + "b"), "a[redacted]b");
  EXPECT_EQ(redactor.Redact("a" + RepairUtf8(secret) + "b"), "a[redacted]b");
}

TEST(RedactingStream, LeaksNoFormAtAnyBorder) {
  const Redactor redactor({kSecret, "another-secret", "secret-two"});
  std::string text = "start ";
  std::vector<std::string> forms = Forms();
  for (const std::string& form : forms) text += form + " ünd " + form;
  text += "another-secret-two, another-secre, " + Base64("x" + std::string(kSecret));
  const std::string expected = redactor.Redact(text);
  for (const std::string& form : forms) ASSERT_EQ(expected.find(form), expected.npos) << form;
  for (size_t piece = 1; piece <= 64; ++piece) {
    EXPECT_EQ(Stream(redactor, text, piece), expected) << "in pieces of " << piece;
  }
}

TEST(RedactingStream, GivesTheSameForEveryWayToCutTheText) {
  // A small alphabet, so that secrets overlap, repeat and begin inside each other.
  std::minstd_rand random(7);
  const auto letters = [&](size_t size) {
    std::string text(size, 'a');
    for (char& c : text) c = "ab\xC3"[random() % 3];
    return text;
  };
  for (int round = 0; round < 300; ++round) {
    const Redactor redactor({letters(6 + random() % 3), letters(6), letters(8)});
    const std::string text = letters(random() % 300);
    const std::string expected = RepairUtf8(redactor.Redact(text));
    RedactingStream stream(redactor);
    std::string clean;
    for (size_t i = 0; i < text.size();) {
      const size_t piece = 1 + random() % 12;
      clean += stream.Feed(std::string_view(text).substr(i, piece));
      i += piece;
    }
    EXPECT_EQ(clean + stream.Flush(), expected) << absl::CEscape(text);
  }
}

TEST(RedactingStream, KeepsBackNoMoreThanTheBeginningOfASecret) {
  const Redactor redactor({"secret-value"});
  RedactingStream stream(redactor);
  EXPECT_EQ(stream.Feed("hello "), "hello ");
  EXPECT_EQ(stream.Feed("a secret-"), "a ");
  EXPECT_EQ(stream.Feed("less day"), "secret-less day");
  EXPECT_EQ(stream.Feed("x se"), "x ");
  EXPECT_EQ(stream.Flush(), "se");
}

TEST(RedactingStream, KeepsABoundedAmountOfAnEndlessOverlap) {
  const Redactor redactor({"ababab"});
  RedactingStream stream(redactor);
  size_t shown = 0;
  for (int i = 0; i < 10'000; ++i) shown += stream.Feed("ab").size();
  shown += stream.Flush().size();
  EXPECT_EQ(shown, std::string("[redacted]").size());
}

TEST(RedactingStream, RepairsTheTextButNotACharacterThatPiecesShare) {
  RedactingStream stream((Redactor()));
  EXPECT_EQ(stream.Feed("a\xE2\x82"), "a");
  EXPECT_EQ(stream.Feed("\xAC\xFF"), "€\uFFFD");
  EXPECT_EQ(stream.Feed("\xE2"), "");
  EXPECT_EQ(stream.Flush(), "\uFFFD");
}

}  // namespace
}  // namespace routines
