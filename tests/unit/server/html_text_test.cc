#include "src/server/html_text.h"

#include <gtest/gtest.h>

namespace routines::server {
namespace {

TEST(HtmlText, EscapesMarkup) {
  EXPECT_EQ(HtmlText("<script>\"'&</script>"), "&lt;script&gt;&quot;&#39;&amp;&lt;/script&gt;");
}

TEST(HtmlText, LeavesOrdinaryTextAlone) {
  EXPECT_EQ(HtmlText("a\tb\nc \u00e9\u6f22\U0001F600"), "a\tb\nc \u00e9\u6f22\U0001F600");
  EXPECT_EQ(HtmlText("a\r\nb"), "a\nb");
}

TEST(HtmlText, TakesTerminalSequencesOut) {
  EXPECT_EQ(HtmlText("\x1b[1;31mred\x1b[0m"), "red");
  EXPECT_EQ(HtmlText("\x1b]0;title\aafter"), "after");
  EXPECT_EQ(HtmlText("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"), "link");
  EXPECT_EQ(HtmlText("\x1b(Ba\x1b"
                     "cb"),
            "ab");
}

TEST(HtmlText, ShowsControlsAndBrokenSequences) {
  EXPECT_EQ(HtmlText(std::string("a\0b", 3)), "a\u2400b");
  EXPECT_EQ(HtmlText("a\rb\x7f\b"), "a\u240db\u2421\u2408");
  EXPECT_EQ(HtmlText("\x1b"), "\u241b");
  EXPECT_EQ(HtmlText("\x1b[12"), "\u241b[12");
  EXPECT_EQ(HtmlText("\x1b]0;never ended\nnext"), "\u241b]0;never ended\nnext");
}

TEST(HtmlText, NamesWhatCannotBeSeen) {
  EXPECT_EQ(HtmlText("a\u202eb"), "a\u27e8U+202e\u27e9b");
  EXPECT_EQ(HtmlText("\u200b\ufeff\u2066\u0085\u00ad"),
            "\u27e8U+200b\u27e9\u27e8U+feff\u27e9\u27e8U+2066\u27e9\u27e8U+0085\u27e9"
            "\u27e8U+00ad\u27e9");
  EXPECT_EQ(HtmlText("\U000E0041"), "\u27e8U+e0041\u27e9");
}

TEST(HtmlText, RepairsBrokenBytes) {
  EXPECT_EQ(HtmlText("a\xff"
                     "b\xe2\x82"),
            "a\ufffdb\ufffd");
}

}  // namespace
}  // namespace routines::server
