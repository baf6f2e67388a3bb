// What a push may cost: packs and clients that try to use up memory, disk, time and connections.
#include <gmock/gmock.h>
#include <poll.h>

#include <thread>

#include "tests/unit/workspace/push_gate_fixture.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int64_t kMaxPack = int64_t{1} << 20;
constexpr int64_t kMaxObject = int64_t{4} << 20;
const std::string kZero(kZeroObjectId);

class PushBoundsTest : public PushGateTest {
 protected:
  PushBoundsTest() { bounds_ = {kMaxPack, kMaxObject, absl::Minutes(5)}; }

  // The pack's beginning: its version and how many objects it says it has.
  static std::string PackHead(uint32_t objects) {
    std::string head("PACK\0\0\0\2", 8);
    for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(objects >> shift);
    return head;
  }
  // An object's head: type and size as git packs them.
  static std::string ObjectHead(int type, uint64_t size) {
    std::string head;
    int byte = type << 4 | static_cast<int>(size & 15);
    for (size >>= 4; size > 0; size >>= 7) {
      head += static_cast<char>(byte | 128);
      byte = static_cast<int>(size & 127);
    }
    return head + static_cast<char>(byte);
  }
  static std::string Deflate(const std::string& data) {
    std::string packed(compressBound(data.size()), '\0');
    uLongf size = packed.size();
    EXPECT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                       reinterpret_cast<const Bytef*>(data.data()), data.size()),
              Z_OK);
    packed.resize(size);
    return packed;
  }
  // A delta's variable-length number.
  static std::string Number(uint64_t value) {
    std::string bytes;
    for (; value > 127; value >>= 7) bytes += static_cast<char>(value | 128);
    return bytes + static_cast<char>(value);
  }
  // The pack with its checksum.
  std::string Seal(const std::string& pack) {
    std::ofstream(base_ + "/unsealed", std::ios::binary) << pack;
    Host(
        "sha1sum <unsealed | cut -c-40 | python3 -c 'import sys; "
        "sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' > sum");
    return pack + Read(base_ + "/sum");
  }
  // Sends the pack for a new branch; it must be refused, whole and with this reason.
  void MustRefuse(const std::string& commit, const std::string& pack, const std::string& reason) {
    const std::string before = UpstreamRefs();
    const size_t pushes = log_.pushes().size();
    const std::string answer = PostPush(Command(kZero, commit, "refs/heads/claude/bomb") + pack);
    EXPECT_THAT(answer, StartsWith(kOk));
    EXPECT_THAT(answer, HasSubstr("unpack " + reason));
    EXPECT_THAT(answer, HasSubstr("ng refs/heads/claude/bomb unpacker error"));
    EXPECT_THAT(answer, Not(HasSubstr(base_)));
    EXPECT_EQ(UpstreamRefs(), before);
    EXPECT_EQ(Host("ls root/gate"), "");
    EXPECT_EQ(log_.pushes().size(), pushes + 1);
    EXPECT_FALSE(log_.pushes().back().accepted());
  }
  // Makes a commit in base_/author by `script` and returns a pack of what main has not.
  std::string PackOf(const std::string& script) {
    Host("cd author; " + script);
    Host(
        "cd author; (git rev-parse HEAD; echo ^origin/main) | "
        "git pack-objects -q --revs --stdout > ../made.pack");
    made_ = Host("git -C author rev-parse HEAD");
    return Read(base_ + "/made.pack");
  }
  std::string made_;
};

TEST_F(PushBoundsTest, RefusesAPackThatIsTooLarge) {
  const std::string pack =
      PackOf("head -c 2000000 /dev/urandom > big; git add big; git commit -qm big");
  MustRefuse(made_, pack, "the pack is larger than 1048576 bytes");
}

TEST_F(PushBoundsTest, TakesAPackJustBelowTheLimits) {
  const std::string pack =
      PackOf("head -c 900000 /dev/urandom > big; git add big; git commit -qm big");
  EXPECT_THAT(PostPush(Command(kZero, made_, "refs/heads/claude/big") + pack),
              HasSubstr("ok refs/heads/claude/big"));
  EXPECT_EQ(Host("git -C upstream.git rev-parse claude/big"), made_);
}

TEST_F(PushBoundsTest, RefusesAnObjectThatUnpacksToTooMuch) {
  const std::string pack =
      PackOf("head -c 64000000 /dev/zero > zeros; git add zeros; git commit -qm zeros");
  ASSERT_LT(pack.size(), 200000u);
  MustRefuse(made_, pack, "an object of the pack is larger than 4194304 bytes");
}

TEST_F(PushBoundsTest, RefusesADeltaThatUnpacksToTooMuch) {
  // 64 KiB that a delta copies 16,384 times: 1 GiB from some 300 bytes.
  constexpr uint64_t kBase = 65536, kCopies = 16384;
  const std::string base(kBase, 'x');
  std::string delta = Number(kBase) + Number(kBase * kCopies);
  for (uint64_t i = 0; i < kCopies; ++i) delta += static_cast<char>(0x80);  // copy 64 KiB from 0
  const std::string first = ObjectHead(3, kBase) + Deflate(base);
  std::string offset;  // back to the base, in git's own encoding of offsets
  uint64_t distance = first.size();
  offset = std::string(1, static_cast<char>(distance & 127));
  while (distance >>= 7) offset.insert(0, 1, static_cast<char>(128 | (--distance & 127)));
  const std::string second = ObjectHead(6, delta.size()) + offset + Deflate(delta);
  MustRefuse(commit_, Seal(PackHead(2) + first + second),
             "an object of the pack is larger than 4194304 bytes");
}

TEST_F(PushBoundsTest, RefusesAPackThatClaimsCountlessObjects) {
  MustRefuse(commit_, Seal(PackHead(0x7fffffff)), "an object of the pack is larger than");
  MustRefuse(commit_, Seal(PackHead(0xffffffff)), "an object of the pack is larger than");
  MustRefuse(commit_, Seal(PackHead(1000)), "the pack is broken");
}

TEST_F(PushBoundsTest, RefusesObjectsThatWouldHarmWhoChecksThemOut) {
  for (const auto& [name, reason] : std::vector<std::pair<std::string, std::string>>{
           {".git", "hasDotgit"}, {"..", "hasDotdot"}, {"a/b", "fullPathname"}}) {
    const std::string script =
        "blob=$(git rev-parse origin/main:file); "
        "tree=$(python3 -c 'import sys; sys.stdout.buffer.write(b\"100644 " +
        name +
        "\\0\" + bytes.fromhex(sys.argv[1]))' $blob | "
        "git hash-object -t tree -w --literally --stdin); "
        "git update-ref refs/heads/evil $(git commit-tree -m evil -p origin/main $tree); "
        "git symbolic-ref HEAD refs/heads/evil";
    const std::string pack = PackOf(script);
    MustRefuse(made_, pack, "the pack is broken: ");
    EXPECT_THAT(PostPush(Command(kZero, made_, "refs/heads/claude/x") + pack), HasSubstr(reason));
  }
  // A submodule whose address is an option.
  const std::string pack = PackOf(
      "git symbolic-ref HEAD refs/heads/main; git reset -q --hard origin/main; "
      "printf '[submodule \"x\"]\\npath = x\\nurl = -u./x\\n' > .gitmodules; "
      "git add .gitmodules; git commit -qm evil");
  MustRefuse(made_, pack, "the pack is broken: ");
}

TEST_F(PushBoundsTest, RefusesACommitOfWhichSomethingIsMissing) {
  Host(
      "cd author; echo two > file; git commit -qam two; git rev-parse HEAD | "
      "git pack-objects -q --stdout > ../made.pack");  // the commit alone
  const std::string commit = Host("git -C author rev-parse HEAD");
  MustRefuse(commit, Read(base_ + "/made.pack"), "");
}

TEST_F(PushBoundsTest, RefusesACompressedBodyThatUnpacksToTooMuch) {
  const std::string before = UpstreamRefs();
  const std::string bomb = Gzip(Command(kZero, commit_, "refs/heads/claude/bomb") + PackHead(1) +
                                std::string(size_t{64} << 20, '\0'));
  ASSERT_LT(bomb.size(), 100000u);
  const std::string answer =
      Post(absl::StrCat("Content-Encoding: gzip\r\nContent-Length: ", bomb.size(), "\r\n"), bomb);
  EXPECT_THAT(answer, HasSubstr("ng refs/heads/claude/bomb unpacker error"));
  EXPECT_EQ(UpstreamRefs(), before);
}

TEST_F(PushBoundsTest, IgnoresWhatFollowsThePack) {
  EXPECT_THAT(PostPush(Push("refs/heads/claude/x") + "GET / HTTP/1.1\r\n\r\n"),
              HasSubstr("ok refs/heads/claude/x"));
}

class SlowPushTest : public PushBoundsTest {
 protected:
  SlowPushTest() { bounds_.time = absl::Milliseconds(500); }

  std::string PushHead(const PushGate::Pass& pass, size_t length) const {
    return absl::StrCat(
        "POST /upstream/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: "
        "Bearer ",
        pass.token(),
        "\r\nContent-Type: application/x-git-receive-pack-request\r\n"
        "Content-Length: ",
        length, "\r\n\r\n");
  }
};

// Neither closes its half: only the gate's own limit can end these.
TEST_F(SlowPushTest, EndsAPushThatDoesNotArrive) {
  const std::string before = UpstreamRefs();
  const std::string push = Push("refs/heads/claude/x");
  for (const size_t part : {size_t{3}, push.size() - pack_.size(), push.size() - 1}) {
    const UniqueFd socket = Connect();
    Write(socket, PushHead(*pass_, push.size()) + push.substr(0, part));
    const std::string answer = ReadAll(socket);
    EXPECT_THAT(answer, Not(HasSubstr("unpack ok"))) << part;
  }
  EXPECT_EQ(UpstreamRefs(), before);
  EXPECT_EQ(Host("ls root/gate"), "");
}

TEST_F(SlowPushTest, EndsADripOfBytes) {
  const std::string push = Push("refs/heads/claude/x") + std::string(1 << 20, 'x');
  const UniqueFd socket = Connect();
  Write(socket, PushHead(*pass_, push.size()) + push.substr(0, push.size() - (1 << 20) - 1));
  // Each byte comes before the gate could call it silence, until it hangs up.
  std::thread reader([&] { EXPECT_THAT(ReadAll(socket), Not(HasSubstr("unpack ok"))); });
  pollfd polled = {socket.get(), 0, 0};
  while (poll(&polled, 1, 20) == 0 && send(socket.get(), "x", 1, MSG_NOSIGNAL) == 1) {
  }
  reader.join();
}

TEST_F(SlowPushTest, LetsIdleConnectionsKeepNobodyOut) {
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 700; ++i) {
    idle.push_back(Connect());
    Write(idle.back(), "GET /");
  }
  EXPECT_THAT(Get("/upstream/info/refs?service=git-receive-pack"), StartsWith(kOk));
}

TEST_F(SlowPushTest, LetsOneSessionKeepNoOtherOut) {
  RecordingLog log;
  const std::unique_ptr<PushGate::Pass> other = OpenPass(&log);
  std::vector<UniqueFd> held;
  for (int i = 0; i < 40; ++i) {
    held.push_back(Connect());
    Write(held.back(), PushHead(*other, 1000) + "0");
  }
  EXPECT_THAT(PostPush(Push("refs/heads/claude/x")), HasSubstr("ok refs/heads/claude/x"));
}

}  // namespace
}  // namespace routines
