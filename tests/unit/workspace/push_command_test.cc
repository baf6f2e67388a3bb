#include "src/workspace/push_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/workspace/pkt_line.h"
#include "src/workspace/ref_name.h"

namespace routines {
namespace {

using ::testing::ElementsAre;

const std::string kZero(kZeroObjectId);
const std::string kA(40, 'a');
const std::string kB(40, 'b');

std::string Request(const std::vector<std::string>& lines) {
  std::string request;
  for (const std::string& line : lines) request += PacketLine(line);
  return request + std::string(kFlushPacket);
}

std::string Command(const std::string& ref, const std::string& capabilities = "") {
  std::string line = kZero + " " + kA + " " + ref;
  if (!capabilities.empty()) line += std::string(1, '\0') + capabilities;
  return line;
}

TEST(ParsePushRequest, ReadsCommandsAndCapabilities) {
  const std::string list =
      Request({Command("refs/heads/claude/a", " report-status-v2 side-band-64k atomic"),
               kA + " " + kB + " refs/heads/claude/b\n"});
  const auto request = ParsePushRequest(list + "PACK");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->size, list.size());
  ASSERT_EQ(request->commands.size(), 2u);
  EXPECT_EQ(request->commands[0].ref, "refs/heads/claude/a");
  EXPECT_EQ(request->commands[1].ref, "refs/heads/claude/b");
  EXPECT_EQ(request->commands[1].old_commit, kA);
  EXPECT_EQ(request->commands[1].new_commit, kB);
  EXPECT_TRUE(request->report_status && request->side_band && request->atomic);
}

TEST(ParsePushRequest, WaitsForTheFlush) {
  const std::string list = Request({Command("refs/heads/claude/a", "report-status")});
  for (size_t cut = 0; cut < list.size(); ++cut) {
    const auto request = ParsePushRequest(std::string_view(list).substr(0, cut));
    ASSERT_TRUE(request.ok()) << cut;
    EXPECT_EQ(request->size, 0u) << cut;
  }
}

TEST(ParsePushRequest, AcceptsTheProbeAndShallowLines) {
  const auto probe = ParsePushRequest("0000");
  ASSERT_TRUE(probe.ok());
  EXPECT_EQ(probe->size, 4u);
  EXPECT_TRUE(probe->commands.empty());
  const auto shallow =
      ParsePushRequest(Request({"shallow " + kB, Command("refs/heads/claude/a", "atomic")}));
  ASSERT_TRUE(shallow.ok()) << shallow.status();
  EXPECT_TRUE(shallow->atomic);
  EXPECT_EQ(shallow->commands.size(), 1u);
}

TEST(ParsePushRequest, RefusesWhatWasNotOffered) {
  for (const std::string& list :
       {Request({Command("refs/heads/claude/a", "push-options")}),
        Request({Command("refs/heads/claude/a", "report-status push-cert=nonce")}),
        Request({Command("refs/heads/claude/a", "object-format=sha256")}),
        Request({std::string("push-cert\0report-status", 23), Command("refs/heads/claude/a")}),
        Request({Command("refs/heads/claude/a"), "shallow " + kB}),
        Request({Command("refs/heads/claude/a"), Command("refs/heads/claude/b", "atomic")}),
        Request({"shallow x"}), Request({""}), Request({"refs/heads/claude/a"}),
        Request({kZero + " " + std::string(40, 'A') + " refs/heads/claude/a"}),
        Request({kZero + "  " + kA + " refs/heads/claude/a"}), Request({kZero + " " + kA + " "}),
        std::string("0001"), std::string("GET /")}) {
    EXPECT_EQ(ParsePushRequest(list).status().code(), absl::StatusCode::kInvalidArgument) << list;
  }
}

TEST(ParsePushRequest, BoundsTheList) {
  std::vector<std::string> lines(kMaxCommands + 1, Command("refs/heads/claude/a"));
  EXPECT_FALSE(ParsePushRequest(Request(lines)).ok());
  std::string endless;
  while (endless.size() <= kMaxCommandListBytes) endless += PacketLine("shallow " + kA);
  EXPECT_FALSE(ParsePushRequest(endless).ok());
}

std::string Judge(const std::string& ref, bool unrestricted = false,
                  const std::string& old_commit = kZero, const std::string& new_commit = kA) {
  return JudgePush({{old_commit, new_commit, ref}}, unrestricted)[0];
}

TEST(JudgePush, LetsClaudeBranchesThrough) {
  for (const char* ref : {"refs/heads/claude/a", "refs/heads/claude/a/b", "refs/heads/claude/-a"}) {
    EXPECT_EQ(Judge(ref), "") << ref;
    EXPECT_EQ(Judge(ref, false, kA, kB), "") << ref;
  }
}

TEST(JudgePush, RefusesEveryOtherRef) {
  for (const char* ref : {"refs/heads/main",
                          "refs/heads/claude",
                          "refs/heads/claudette/a",
                          "refs/heads/Claude/a",
                          "refs/heads/CLAUDE/a",
                          "refs/heads/\xd1\x81laude/a",
                          "refs/heads/xclaude/a",
                          "refs/tags/claude/a",
                          "refs/notes/claude/a",
                          "refs/meta/config",
                          "refs/pull/1/head",
                          "refs/replace/claude",
                          "HEAD",
                          "refs/heads/claude/../main",
                          "refs/heads/claude/./a",
                          "refs/heads/claude//a",
                          "refs/heads/claude/",
                          "refs/heads/claude/a.lock",
                          "refs/heads/claude/a@{1}",
                          "refs/heads/claude/a\x01",
                          " refs/heads/claude/a",
                          "heads/claude/a",
                          "claude/a",
                          "refs/for/claude/a",
                          "refs/heads//claude/a",
                          "refs/heads/./claude/a"}) {
    EXPECT_NE(Judge(ref), "") << ref;
  }
}

TEST(JudgePush, NeverDeletes) {
  EXPECT_NE(Judge("refs/heads/claude/a", false, kA, kZero), "");
  EXPECT_NE(Judge("refs/heads/a", true, kA, kZero), "");
  EXPECT_NE(Judge("refs/heads/claude/a", false, kZero, kZero), "");
}

TEST(JudgePush, WithoutRestrictionAllowsBranchesAndNewTags) {
  EXPECT_EQ(Judge("refs/heads/main", true, kA, kB), "");
  EXPECT_EQ(Judge("refs/tags/v1", true), "");
  EXPECT_NE(Judge("refs/tags/v1", true, kA, kB), "");
  EXPECT_NE(Judge("refs/notes/commits", true), "");
  EXPECT_NE(Judge("refs/heads/a..b", true), "");
}

TEST(JudgePush, RefusesBothOfADuplicate) {
  EXPECT_THAT(
      JudgePush({{kZero, kA, "refs/heads/claude/a"}, {kZero, kB, "refs/heads/claude/a"}}, false),
      ElementsAre("named twice in one push", "named twice in one push"));
}

TEST(ReportStatus, AnswersEachRefInTheNegotiatedForm) {
  PushRequest request;
  request.commands = {{kZero, kA, "refs/heads/claude/a"}, {kZero, kA, "refs/heads/ma\nin"}};
  const std::vector<std::string> reasons = {"", "no"};
  EXPECT_EQ(ReportStatus(request, "ok", reasons), "");
  request.report_status = true;
  const std::string plain = ReportStatus(request, "ok", reasons);
  EXPECT_EQ(plain, PacketLine("unpack ok\n") + PacketLine("ok refs/heads/claude/a\n") +
                       PacketLine("ng refs/heads/ma?in no\n") + "0000");
  request.side_band = true;
  EXPECT_EQ(ReportStatus(request, "ok", reasons), SideBand(1, plain) + "0000");
}

}  // namespace
}  // namespace routines
