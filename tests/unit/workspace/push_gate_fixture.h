// A push gate, its mirror and a pass for one session, spoken to byte by byte.
#ifndef ROUTINES_TESTS_UNIT_WORKSPACE_PUSH_GATE_FIXTURE_H_
#define ROUTINES_TESTS_UNIT_WORKSPACE_PUSH_GATE_FIXTURE_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <zlib.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "src/workspace/pkt_line.h"
#include "src/workspace/push_gate.h"
#include "src/workspace/ref_name.h"
#include "tests/unit/workspace/workspace_fixture.h"

namespace routines {

class PushGateTest : public WorkspaceTest {
 protected:
  void SetUp() override {
    WorkspaceTest::SetUp();
    auto gate = PushGate::Start(base_ + "/root/gate", bounds_);
    ASSERT_TRUE(gate.ok()) << gate.status();
    gate_ = *std::move(gate);
    mirrors_ = std::make_unique<MirrorSet>(base_ + "/root/mirrors");
    pass_ = OpenPass(&log_);
    commit_ = Host("git -C upstream.git rev-parse main");
    Get("/upstream/info/refs?service=git-receive-pack");  // as git does first; fills the mirror
    Host("git -C upstream.git pack-objects -q --stdout </dev/null > empty.pack");
    pack_ = Read(base_ + "/empty.pack");
  }
  std::unique_ptr<PushGate::Pass> OpenPass(SessionLog* log) {
    const std::string url = "file://" + upstream_;
    return gate_->Open({{"upstream", mirrors_->Get(url), {url, ""}, false}}, log);
  }
  void TearDown() override {
    pass_.reset();
    gate_.reset();
    WorkspaceTest::TearDown();
  }

  UniqueFd Connect() {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(std::stoi(gate_->url().substr(gate_->url().rfind(':') + 1)));
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  static void Write(const UniqueFd& socket, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(sent);
    }
  }
  // All that comes until the gate closes.
  static std::string ReadAll(const UniqueFd& socket) {
    std::string answer;
    char buffer[4096];
    while (true) {
      const ssize_t got = recv(socket.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return answer;
      answer.append(buffer, got);
    }
  }
  // Sends `bytes` and their end, and returns all that comes back.
  std::string Send(const std::string& bytes) {
    const UniqueFd socket = Connect();
    Write(socket, bytes);
    shutdown(socket.get(), SHUT_WR);
    return ReadAll(socket);
  }

  std::string Head(const std::string& line, const std::string& more = "") {
    return line + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + pass_->token() + "\r\n" +
           more + "\r\n";
  }
  std::string Get(const std::string& target) { return Send(Head("GET " + target)); }
  std::string Post(const std::string& headers, const std::string& body) {
    return Send(Head("POST /upstream/git-receive-pack",
                     "Content-Type: application/x-git-receive-pack-request\r\n" + headers) +
                body);
  }
  std::string PostPush(const std::string& body) {
    return Post(absl::StrCat("Content-Length: ", body.size(), "\r\n"), body);
  }

  static std::string Command(const std::string& from, const std::string& to, const std::string& ref,
                             const std::string& capabilities = "report-status") {
    return PacketLine(from + " " + to + " " + ref + std::string(1, '\0') + capabilities) +
           std::string(kFlushPacket);
  }
  // A push of the commit that main has to `ref`.
  std::string Push(const std::string& ref, const std::string& capabilities = "report-status") {
    return Command(std::string(kZeroObjectId), commit_, ref, capabilities) + pack_;
  }

  static std::string Chunked(const std::string& body, size_t size) {
    std::string chunks;
    for (size_t i = 0; i < body.size(); i += size) {
      const std::string piece = body.substr(i, size);
      absl::StrAppend(&chunks, absl::Hex(piece.size()), "\r\n", piece, "\r\n");
    }
    return chunks + "0\r\n\r\n";
  }

  static std::string Gzip(const std::string& body) {
    z_stream stream = {};
    deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY);
    std::string packed(deflateBound(&stream, body.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
    stream.avail_in = body.size();
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = packed.size();
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
  }

  PushBounds bounds_;
  std::unique_ptr<PushGate> gate_;
  std::unique_ptr<MirrorSet> mirrors_;
  std::unique_ptr<PushGate::Pass> pass_;
  std::string commit_, pack_;
};

inline constexpr char kOk[] = "HTTP/1.1 200 OK\r\n";

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_WORKSPACE_PUSH_GATE_FIXTURE_H_
