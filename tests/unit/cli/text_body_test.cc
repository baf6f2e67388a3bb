#include "src/cli/text_body.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace routines::cli {
namespace {

TEST(TextBody, TellsAnEmptyTextFromNone) {
  EXPECT_EQ(*TextBody({}), "");
  EXPECT_EQ(*TextBody({.text = "", .given = true}), R"({"text":""})");
}

TEST(TextBody, EscapesWhatJsonWants) {
  const std::string body = *TextBody({.text = "a\"b\\\n\x01ä", .given = true});
  EXPECT_EQ((*JsonValue::Parse(body))["text"].Text(), "a\"b\\\n\x01ä");
}

TEST(TextBody, ReadsAFile) {
  const std::string path = ::testing::TempDir() + "text_body_test.txt";
  std::ofstream(path) << "from a file\n";
  EXPECT_EQ(*TextBody({.text_file = path}), R"({"text":"from a file\n"})");
  std::ofstream(path) << "\xFF";
  EXPECT_FALSE(TextBody({.text_file = path}).ok());
  EXPECT_FALSE(TextBody({.text_file = path + ".absent"}).ok());
}

}  // namespace
}  // namespace routines::cli
