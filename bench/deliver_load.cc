// A load of GitHub deliveries: every one with its own id, body and signature.
//
//   deliver_load PORT PATH CONNECTIONS SECONDS BEGINNING REPOSITORIES SECRET
//
// Prints "figures REQUESTS MICROSECONDS P50 P99 ERRORS", times in microseconds, as fire.lua does. A
// tool of HTTP load knows no signatures; this one signs as cheaply as can be, by going on from the
// state of the hash after what all bodies begin with (the file BEGINNING), so that it takes little
// of the machine.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

Context Begin(const std::string& block) {
  Context context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  EVP_DigestUpdate(context.get(), block.data(), block.size());
  return context;
}

// HMAC-SHA256 (RFC 2104) of bodies that begin alike.
class Signer {
 public:
  Signer(const std::string& secret, const std::string& prefix)
      : inner_(Begin(Pad(secret, 0x36))),
        outer_(Begin(Pad(secret, 0x5c))),
        work_(EVP_MD_CTX_new()) {
    EVP_DigestUpdate(inner_.get(), prefix.data(), prefix.size());
  }

  std::string Sign(const std::string& suffix) {
    unsigned char digest[32];
    Finish(*inner_, suffix.data(), suffix.size(), digest);
    Finish(*outer_, digest, sizeof digest, digest);
    std::string hex;
    char two[3];
    for (const unsigned char byte : digest) {
      std::snprintf(two, sizeof two, "%02x", byte);
      hex += two;
    }
    return hex;
  }

 private:
  static std::string Pad(const std::string& secret, char with) {
    std::string block = secret;
    block.resize(64, '\0');
    for (char& c : block) c = static_cast<char>(c ^ with);
    return block;
  }

  void Finish(const EVP_MD_CTX& from, const void* data, size_t size, unsigned char* digest) {
    EVP_MD_CTX_copy_ex(work_.get(), &from);
    EVP_DigestUpdate(work_.get(), data, size);
    EVP_DigestFinal_ex(work_.get(), digest, nullptr);
  }

  Context inner_, outer_, work_;
};

struct Load {
  std::string path, prefix;
  int repositories = 1;
  std::unique_ptr<Signer> signer;
  long long count = 0;
  std::string run = std::to_string(Clock::now().time_since_epoch().count());
};

// What every body begins with: a payload but for its repository, which comes at the end.
std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string NextRequest(Load& load) {
  const long long n = load.count++;
  const std::string repository = "acme/r" + std::to_string(n % load.repositories);
  const std::string suffix = "\"repository\":{\"full_name\":\"" + repository +
                             "\"},\"number\":1,\"unique\":\"" + load.run + "-" + std::to_string(n) +
                             "\"}";
  return "POST " + load.path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
         "X-GitHub-Event: pull_request\r\nX-GitHub-Delivery: " + load.run + "-" +
         std::to_string(n) + "\r\nX-Hub-Signature-256: sha256=" + load.signer->Sign(suffix) +
         "\r\nContent-Length: " + std::to_string(load.prefix.size() + suffix.size()) + "\r\n\r\n" +
         load.prefix + suffix;
}

struct Connection {
  int fd = -1;
  std::string out, in;
  size_t written = 0;
  Clock::time_point begun;
};

struct Figures {
  std::vector<long long> micros;
  long long errors = 0;
};

// True once all of the request is written.
bool WriteMore(Connection& connection) {
  while (connection.written < connection.out.size()) {
    const ssize_t sent = send(connection.fd, connection.out.data() + connection.written,
                              connection.out.size() - connection.written, MSG_NOSIGNAL);
    if (sent < 0) return false;
    connection.written += static_cast<size_t>(sent);
  }
  return true;
}

void SendNext(Connection& connection, Load& load) {
  connection.out = NextRequest(load);
  connection.written = 0;
  connection.in.clear();
  connection.begun = Clock::now();
  WriteMore(connection);
}

// The status of the answer once it is whole, 0 before, -1 where the connection is gone.
int ReadMore(Connection& connection) {
  char piece[16384];
  const ssize_t got = recv(connection.fd, piece, sizeof piece, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return -1;
  if (got > 0) connection.in.append(piece, static_cast<size_t>(got));
  const size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  const char* length = strcasestr(connection.in.c_str(), "\r\ncontent-length:");
  const size_t body = length == nullptr ? 0 : std::strtoul(length + 17, nullptr, 10);
  if (connection.in.size() < end + 4 + body) return 0;
  return std::atoi(connection.in.c_str() + 9);
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

Figures Run(std::vector<Connection>& connections, Load& load, Clock::time_point until) {
  Figures figures;
  const int epoll = epoll_create1(0);
  for (size_t i = 0; i < connections.size(); ++i) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = i;
    epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
    SendNext(connections[i], load);
  }
  std::vector<epoll_event> events(connections.size());
  while (Clock::now() < until) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    for (int i = 0; i < ready; ++i) {
      Connection& connection = connections[events[i].data.u64];
      const int status = ReadMore(connection);
      if (status == 0) continue;
      figures.micros.push_back(
          std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - connection.begun)
              .count());
      if (status / 100 != 2) ++figures.errors;
      if (status < 0) return figures;
      SendNext(connection, load);
    }
  }
  close(epoll);
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr,
                 "deliver_load PORT PATH CONNECTIONS SECONDS BEGINNING REPOSITORIES SECRET\n");
    return 2;
  }
  Load load;
  load.path = argv[2];
  load.prefix = ReadFile(argv[5]);
  load.repositories = std::max(std::atoi(argv[6]), 1);
  load.signer = std::make_unique<Signer>(argv[7], load.prefix);
  std::vector<Connection> connections(std::strtoul(argv[3], nullptr, 10));
  for (Connection& connection : connections) {
    connection.fd = Connect(std::atoi(argv[1]));
    if (connection.fd < 0) return 1;
  }
  const Clock::time_point begun = Clock::now();
  Figures figures = Run(connections, load, begun + std::chrono::seconds(std::atoi(argv[4])));
  const long long taken =
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun).count();
  if (figures.micros.empty()) return 1;
  std::sort(figures.micros.begin(), figures.micros.end());
  const auto at = [&](size_t percent) {
    return figures
        .micros[std::min(figures.micros.size() - 1, figures.micros.size() * percent / 100)];
  };
  std::printf("figures %zu %lld %lld %lld %lld\n", figures.micros.size(), taken, at(50), at(99),
              figures.errors);
  return 0;
}
