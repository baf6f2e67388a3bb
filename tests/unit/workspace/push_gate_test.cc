// The push gate, spoken to byte by byte: what git itself would never send.
#include "src/workspace/push_gate.h"

#include <gmock/gmock.h>

#include "tests/unit/workspace/push_gate_fixture.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kNotFound[] = "HTTP/1.1 404 Not Found\r\n";
constexpr char kBad[] = "HTTP/1.1 400 Bad Request\r\n";
constexpr char kPushRefs[] = "/upstream/info/refs?service=git-receive-pack";

TEST_F(PushGateTest, OffersWhatItCanDoAndNoMore) {
  const std::string answer = Get(kPushRefs);
  EXPECT_THAT(answer, StartsWith(kOk));
  EXPECT_THAT(answer, HasSubstr(commit_ + " refs/heads/main"));
  EXPECT_THAT(answer, HasSubstr("report-status"));
  EXPECT_THAT(answer, Not(HasSubstr("push-options")));
  EXPECT_THAT(answer, Not(HasSubstr("push-cert")));
}

TEST_F(PushGateTest, KnowsNobodyWithoutTheToken) {
  const std::string unknown =
      Send(std::string("GET ") + kPushRefs + " HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(unknown, StartsWith(kNotFound));
  for (const std::string& header :
       {std::string("Bearer "), "Bearer " + std::string(43, 'A'), "Basic " + pass_->token(),
        pass_->token(), "bearer " + pass_->token(), "Bearer " + pass_->token() + "x"}) {
    EXPECT_EQ(Send(std::string("GET ") + kPushRefs +
                   " HTTP/1.1\r\nHost: x\r\nAuthorization: " + header + "\r\n\r\n"),
              unknown);
  }
  EXPECT_EQ(Get("/other/info/refs?service=git-receive-pack"), unknown);
  EXPECT_THAT(Send(std::string("GET ") + kPushRefs +
                   " HTTP/1.1\r\nAuthorization: Bearer x\r\nAuthorization: Bearer " +
                   pass_->token() + "\r\n\r\n"),
              StartsWith(kBad));
}

TEST_F(PushGateTest, ServesFourThingsAndNothingElse) {
  for (const char* target : {"/",
                             "/upstream",
                             "/upstream/",
                             "/upstream/HEAD",
                             "/upstream/config",
                             "/upstream/objects/info/packs",
                             "/upstream/info/refs",
                             "/upstream/info/refs?service=git-upload-archive",
                             "/upstream/info/refs?service=git-receive-pack&x",
                             "/upstream/info/refs?x&service=git-receive-pack",
                             "/upstream/git-receive-pack",
                             "/../upstream/info/refs?service=git-receive-pack",
                             "/upstream/../upstream/info/refs?service=git-receive-pack",
                             "/%75pstream/info/refs?service=git-receive-pack",
                             "//upstream/info/refs?service=git-receive-pack",
                             "/upstream//info/refs?service=git-receive-pack",
                             "/upstream/./info/refs?service=git-receive-pack",
                             "/upstream/info/refs?service=git-receive-pack#x",
                             "/upstream/info%2frefs?service=git-receive-pack",
                             "/..%2f..%2fetc/info/refs?service=git-upload-pack",
                             "http://127.0.0.1/upstream/info/refs?service=git-receive-pack",
                             "*"}) {
    EXPECT_THAT(Get(target), StartsWith(kNotFound)) << target;
  }
  for (const char* method : {"HEAD", "PUT", "DELETE", "OPTIONS", "PROPFIND", "get"}) {
    EXPECT_THAT(Send(Head(std::string(method) + " " + kPushRefs)), Not(StartsWith(kOk))) << method;
  }
}

TEST_F(PushGateTest, JudgesWhateverTheFormOfTheBody) {
  const std::string before = UpstreamRefs();
  for (const char* ref : {"refs/heads/main2", "refs/heads/claude/../x", "refs/tags/x", "HEAD"}) {
    const std::string push = Push(ref);
    const std::string packed = Gzip(push);
    const std::string gzip_header = "Content-Encoding: gzip\r\n";
    for (const std::string& answer :
         {PostPush(push), Post("Transfer-Encoding: chunked\r\n", Chunked(push, 1)),
          Post("Transfer-Encoding: chunked\r\n", Chunked(push, 37)),
          Post(absl::StrCat(gzip_header, "Content-Length: ", packed.size(), "\r\n"), packed),
          Post(gzip_header + "Transfer-Encoding: chunked\r\n", Chunked(packed, 1))}) {
      EXPECT_THAT(answer, StartsWith(kOk));
      EXPECT_THAT(answer, HasSubstr(std::string("ng ") + ref + " "));
    }
  }
  EXPECT_EQ(UpstreamRefs(), before);
  // The same forms let through what may pass.
  EXPECT_THAT(PostPush(Push("refs/heads/claude/a")), HasSubstr("ok refs/heads/claude/a"));
  EXPECT_THAT(Post("Transfer-Encoding: chunked\r\n", Chunked(Push("refs/heads/claude/b"), 1)),
              HasSubstr("ok refs/"));
  const std::string packed = Gzip(Push("refs/heads/claude/c"));
  EXPECT_THAT(Post("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Chunked(packed, 5)),
              HasSubstr("ok refs/"));
  EXPECT_THAT(UpstreamRefs(), HasSubstr("refs/heads/claude/c"));
}

TEST_F(PushGateTest, RefusesBodiesThatTwoReadersCouldReadDifferently) {
  const std::string before = UpstreamRefs();
  const std::string push = Push("refs/heads/claude/x");
  const std::string length = absl::StrCat("Content-Length: ", push.size(), "\r\n");
  EXPECT_THAT(Post(length + "Transfer-Encoding: chunked\r\n", Chunked(push, 9)), StartsWith(kBad));
  EXPECT_THAT(Post("Transfer-Encoding: chunked\r\n" + length, Chunked(push, 9)), StartsWith(kBad));
  EXPECT_THAT(Post(length + "Content-Length: 4\r\n", push), StartsWith(kBad));
  for (const char* encoding :
       {"chunked, identity", "identity, chunked", "gzip, chunked", "xchunked", "identity"}) {
    EXPECT_THAT(Post(absl::StrCat("Transfer-Encoding: ", encoding, "\r\n"), Chunked(push, 9)),
                StartsWith(kBad))
        << encoding;
  }
  EXPECT_THAT(
      Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Chunked(push, 9)),
      StartsWith(kBad));
  for (const char* encoding : {"deflate", "br", "gzip, gzip", "identity", "zstd"}) {
    EXPECT_THAT(Post(absl::StrCat("Content-Encoding: ", encoding, "\r\n", length), push),
                StartsWith("HTTP/1.1 415 "))
        << encoding;
  }
  EXPECT_EQ(UpstreamRefs(), before);
  EXPECT_TRUE(log_.pushes().empty());
}

TEST_F(PushGateTest, RefusesWhatIsNoPush) {
  const std::string before = UpstreamRefs();
  const std::string packed = Gzip(Push("refs/heads/claude/x"));
  std::string many;
  for (int i = 0; i < 100000; ++i) {
    many += PacketLine(
        absl::StrCat(std::string(kZeroObjectId), " ", commit_, " refs/heads/claude/", i));
  }
  for (const std::string& body :
       {std::string(""), std::string("PACK"), std::string("00"), std::string("0001"),
        std::string("0008\0\0\0\0", 8), PacketLine("push-cert") + Push("refs/heads/claude/x"),
        Push("refs/heads/claude/x", "push-options"), many + std::string(kFlushPacket) + pack_,
        std::string(size_t{2} << 20, '0')}) {
    const std::string answer = PostPush(body);
    EXPECT_THAT(answer, StartsWith(body.substr(0, 4) == "0000" ? kOk : kBad))
        << body.substr(0, 100);
  }
  // Cut within the pack: what lacks no more than the sum at the end of the gzip data may pass,
  // since the pack has one of its own.
  const size_t half = packed.size() / 2;
  EXPECT_THAT(Post(absl::StrCat("Content-Encoding: gzip\r\nContent-Length: ", half, "\r\n"),
                   packed.substr(0, half)),
              Not(HasSubstr("ok refs")));
  EXPECT_THAT(
      Post(absl::StrCat("Content-Encoding: gzip\r\nContent-Length: ", packed.size() + 1, "\r\n"),
           packed + "x"),
      Not(HasSubstr("ok refs")));
  EXPECT_THAT(Send(Head("POST /upstream/git-receive-pack",
                        "Content-Type: text/plain\r\nContent-Length: 4\r\n") +
                   "0000"),
              StartsWith("HTTP/1.1 415 "));
  EXPECT_THAT(Send(Head("POST /upstream/git-receive-pack",
                        "Content-Type: application/x-git-receive-pack-request\r\nX: " +
                            std::string(20000, 'x') + "\r\n")),
              StartsWith(kBad));
  EXPECT_EQ(UpstreamRefs(), before);
}

TEST_F(PushGateTest, AnswersTheProbe) {
  EXPECT_THAT(PostPush("0000"), StartsWith(kOk));
  EXPECT_TRUE(log_.pushes().empty());
}

TEST_F(PushGateTest, RefusesPacksThatAreNone) {
  const std::string before = UpstreamRefs();
  const std::string list =
      Push("refs/heads/claude/x").substr(0, Push("refs/heads/claude/x").size() - pack_.size());
  for (const std::string& pack : {std::string(""), std::string("PACK"),
                                  pack_.substr(0, pack_.size() - 1), std::string(100000, 'x')}) {
    const std::string answer = PostPush(list + pack);
    EXPECT_THAT(answer, HasSubstr("ng refs/heads/claude/x ")) << pack.size();
    EXPECT_THAT(answer, Not(HasSubstr("unpack ok")));
    EXPECT_THAT(answer, Not(HasSubstr(base_)));
  }
  // An object that is nowhere, and one that is no commit.
  for (const std::string& object :
       {std::string(40, 'a'), Host("git -C upstream.git rev-parse main^{tree}")}) {
    const std::string push =
        PacketLine(std::string(kZeroObjectId) + " " + object + " refs/heads/claude/x" +
                   std::string(1, '\0') + "report-status") +
        std::string(kFlushPacket) + pack_;
    EXPECT_THAT(PostPush(push), HasSubstr("ng refs/heads/claude/x "));
  }
  EXPECT_EQ(UpstreamRefs(), before);
  EXPECT_EQ(Host("ls root/gate"), "");
}

TEST_F(PushGateTest, DoesNotTrustTheOldIdThatTheClientNames) {
  ASSERT_THAT(PostPush(Push("refs/heads/claude/x")), HasSubstr("ok refs/heads/claude/x"));
  Host(
      "cd author; git fetch -q; git checkout -q claude/x; git commit -q --allow-empty -m theirs; "
      "git push -q");
  const std::string before = UpstreamRefs();
  // "Create" over what is there, and "forward" from where it no longer is.
  EXPECT_THAT(PostPush(Push("refs/heads/claude/x")), HasSubstr("ng refs/heads/claude/x "));
  EXPECT_THAT(PostPush(PacketLine(commit_ + " " + commit_ + " refs/heads/claude/x" +
                                  std::string(1, '\0') + "report-status") +
                       std::string(kFlushPacket) + pack_),
              HasSubstr("ng refs/heads/claude/x "));
  EXPECT_EQ(UpstreamRefs(), before);
}

TEST_F(PushGateTest, BoundsACompressedFetch) {
  const std::string bomb = Gzip(std::string(size_t{64} << 20, '0'));
  ASSERT_LT(bomb.size(), 100000u);
  EXPECT_THAT(
      Send(Head("POST /upstream/git-upload-pack",
                absl::StrCat("Content-Type: "
                             "application/x-git-upload-pack-request\r\nContent-Encoding: gzip\r\n",
                             "Content-Length: ", bomb.size(), "\r\n")) +
           bomb),
      StartsWith("HTTP/1.1 413 "));
}

TEST_F(PushGateTest, LetsNobodyInAfterClose) {
  EXPECT_THAT(Get(kPushRefs), StartsWith(kOk));
  pass_->Close();
  EXPECT_THAT(Get(kPushRefs), StartsWith(kNotFound));
}

}  // namespace
}  // namespace routines
