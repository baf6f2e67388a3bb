#include "src/cli/log_printer.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace routines::cli {
namespace {

// Without the clock, which is in local time.
std::string WithoutTimes(const std::string& lines) {
  std::string out;
  size_t at = 0;
  while (at < lines.size()) {
    const size_t end = lines.find('\n', at);
    out += lines.substr(at + 10, end + 1 - (at + 10));
    at = end + 1;
  }
  return out;
}

std::string Format(LogPrinter& printer, const std::string& kind) {
  return WithoutTimes(printer.Format(*JsonValue::Parse(
      absl::StrCat(R"({"sequence":1,"time":"2026-01-05T09:00:00Z",)", kind, "}"))));
}

std::string Output(LogPrinter& printer, const std::string& text) {
  return Format(printer, absl::StrCat(R"("output":{"step":"setup","stream":"stdout","text":")",
                                      text, R"("})"));
}

TEST(LogPrinter, JoinsPiecesOfOutputIntoLines) {
  LogPrinter printer;
  EXPECT_EQ(Output(printer, "one\\ntw"), "setup      one\n");
  EXPECT_EQ(Output(printer, "o"), "");
  EXPECT_EQ(Output(printer, "\\nthree"), "setup      two\n");
  EXPECT_EQ(WithoutTimes(printer.Flush()), "setup      three\n");
  EXPECT_EQ(printer.Flush(), "");
}

TEST(LogPrinter, AnUnfinishedLineComesBeforeWhatFollowsIt) {
  LogPrinter printer;
  EXPECT_EQ(Output(printer, "50%"), "");
  EXPECT_EQ(Format(printer, R"("note":{"severity":"warning","text":"retrying clone in 2s"})"),
            "setup      50%\nnote       retrying clone in 2s\n");
}

TEST(LogPrinter, ALineWithoutEndIsNotKeptForEver) {
  LogPrinter printer;
  size_t printed = 0;
  for (int i = 0; i < 20; ++i) printed += Output(printer, std::string(10'000, 'x')).size();
  EXPECT_GT(printed, 100'000u);
}

TEST(LogPrinter, ShowsEachKind) {
  LogPrinter printer;
  EXPECT_EQ(
      Format(printer, R"("state_change":{"state":"failed","step":"setup","reason":"exit_code",)"
                      R"("message":"exit code 3"})"),
      "state      failed setup (exit_code) exit code 3\n");
  EXPECT_EQ(Format(printer, R"("assistant_text":{"text":"a\nb"})"), "says       a\nsays       b\n");
  EXPECT_EQ(
      Format(printer, R"("tool_call":{"call_id":"1","name":"bash","input_json":"{\"a\":1}"})"),
      "tool       bash {\"a\":1}\n");
  EXPECT_EQ(Format(printer, R"("tool_result":{"call_id":"1","is_error":true,"text":"no"})"),
            "tool error no\n");
  EXPECT_EQ(
      Format(printer, R"("push":{"repository":"api","ref":"refs/heads/main","message":"closed"})"),
      "push       refused api refs/heads/main: closed\n");
  EXPECT_EQ(Format(printer, R"("usage":{"input_tokens":10,"output_tokens":2,"cost_usd":0.5})"),
            "usage      10 tokens in, 2 out, $0.5000\n");
  EXPECT_EQ(
      Format(printer,
             R"("checkout":{"name":"api","ref":"refs/heads/main","commit":"0123456789abcdef"})"),
      "checkout   api refs/heads/main at 0123456789ab\n");
  EXPECT_EQ(Format(printer, R"("of_a_newer_server":{"text":"x"})"), "");
}

TEST(LogPrinter, AnEmptyTextHasNoLineAndAnEmptyLineNoBlanks) {
  LogPrinter printer;
  EXPECT_EQ(Format(printer, R"("tool_result":{"call_id":"1"})"), "");
  EXPECT_EQ(Format(printer, R"("assistant_text":{"text":"a\n\nb\n"})"),
            "says       a\nsays\nsays       b\n");
}

TEST(LogPrinter, EscapesWhatTheAgentWrote) {
  LogPrinter printer;
  EXPECT_EQ(Output(printer, "\\u001b]0;title\\u0007\\n"), "setup      \\x1b]0;title\\x07\n");
}

}  // namespace
}  // namespace routines::cli
