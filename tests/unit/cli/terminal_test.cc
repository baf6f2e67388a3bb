#include "src/cli/terminal.h"

#include <gtest/gtest.h>

#include <string>

namespace routines::cli {
namespace {

TEST(EscapeControls, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(EscapeControls("\x1b[31mred\x07\x7f"), "\\x1b[31mred\\x07\\x7f");
  EXPECT_EQ(EscapeControls("\xC2\x9B"
                           "2J"),
            "\\x9b2J");  // C1: CSI in one character
  EXPECT_EQ(EscapeControls("a\xE2\x80\xAE"
                           "b"),
            "a\\u{202e}b");  // right-to-left override
  EXPECT_EQ(EscapeControls("a\xF3\xA0\x80\x81"
                           "b"),
            "a\\u{e0001}b");  // tag character
  EXPECT_EQ(EscapeControls("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(EscapeControls(std::string("a\0b", 3)), "a\\x00b");
}

TEST(EscapeControls, KeepsOrdinaryText) {
  EXPECT_EQ(EscapeControls("grüße, 漢字 🙂"), "grüße, 漢字 🙂");
  EXPECT_EQ(EscapeControls("a\nb\tc\r", /*keep_lines=*/true), "a\nb\tc\\r");
}

TEST(EscapeControls, RepairsBrokenUtf8) {
  EXPECT_EQ(EscapeControls("a\xFF"
                           "b"),
            "a\uFFFDb");
}

TEST(FormatTable, AlignsByCharactersAndLeavesNoTrailingBlanks) {
  EXPECT_EQ(
      FormatTable({"NAME", "STATE", "REASON"}, {{"größer", "running", ""}, {"b\x1b", "x", "done"}}),
      "NAME    STATE    REASON\n"
      "größer  running\n"
      "b\\x1b   x        done\n");
}

TEST(FormatFields, AlignsValuesAndLeavesOutEmptyOnes) {
  EXPECT_EQ(FormatFields({{"id", "1"}, {"reason", ""}, {"state", "ok"}}),
            "id:     1\nstate:  ok\n");
}

TEST(Elapsed, TellsTheTimeBetween) {
  EXPECT_EQ(Elapsed("2026-01-05T09:00:00Z", "2026-01-05T10:02:03.9Z"), "1h2m3s");
  EXPECT_EQ(Elapsed("2026-01-05T09:00:00Z", "2026-01-05T09:00:01.25Z"), "1.2s");
  EXPECT_EQ(Elapsed("", ""), "");
}

TEST(LocalTime, ShowsWhatItCannotReadAsItIs) {
  EXPECT_EQ(LocalTime("soon\n"), "soon\\n");
}

}  // namespace
}  // namespace routines::cli
