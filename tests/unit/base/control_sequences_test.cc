#include "src/base/control_sequences.h"

#include <gtest/gtest.h>

namespace routines {
namespace {

TEST(ControlSequences, AreTakenOut) {
  EXPECT_EQ(WithoutControlSequences("plain"), "plain");
  EXPECT_EQ(WithoutControlSequences("key=\x1b[01;31m\x1b[Ksup3r\x1b[m\x1b[Ks3cret"),
            "key=sup3rs3cret");
  EXPECT_EQ(WithoutControlSequences("\x1b[38;2;1;2;3mred\x1b[0m"), "red");
}

TEST(ControlSequences, LeaveWhatIsNone) {
  EXPECT_EQ(WithoutControlSequences("a\x1b"), "a\x1b");
  EXPECT_EQ(WithoutControlSequences("\x1b(B"), "\x1b(B");
  EXPECT_EQ(WithoutControlSequences("\x1b\x1b[mx"), "\x1bx");
  EXPECT_EQ(WithoutControlSequences("\x1b[12\nnext line"), "\nnext line");  // broken off
  EXPECT_EQ(WithoutControlSequences("\x1b[\xC3\xA9"), "\xC3\xA9");
}

TEST(ControlSequences, AreFoundHoweverTheTextIsCut) {
  const std::string text = "a\x1b[01;31mb\x1b[Kc\x1b(d\x1b[m\x1b";
  const std::string expected = WithoutControlSequences(text);
  EXPECT_EQ(expected, "abc\x1b(d\x1b");
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    ControlSequenceFilter filter;
    std::string got = filter.Feed(text.substr(0, cut));
    got += filter.Feed(text.substr(cut));
    got += filter.Flush();
    EXPECT_EQ(got, expected) << cut;
  }
}

}  // namespace
}  // namespace routines
