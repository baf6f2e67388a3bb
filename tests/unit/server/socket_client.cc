#include "tests/unit/server/socket_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace routines::server {

SocketClient::SocketClient(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Long enough for a machine that does other things beside; a test that waits so long has failed.
  const timeval timeout = {.tv_sec = 30, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) std::abort();
}

SocketClient::~SocketClient() {
  close(fd_);
}

bool SocketClient::Send(const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t sent = send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    done += sent;
  }
  return true;
}

void SocketClient::ShutdownSend() {
  shutdown(fd_, SHUT_WR);
}

bool SocketClient::ReadMore() {
  char bytes[65536];
  const ssize_t got = recv(fd_, bytes, sizeof(bytes), 0);
  if (got <= 0) return false;
  buffer_.append(bytes, got);
  return true;
}

std::string SocketClient::ReadUntil(const std::string& text) {
  size_t at;
  while ((at = buffer_.find(text)) == buffer_.npos) {
    if (!ReadMore()) return std::exchange(buffer_, "");
  }
  const std::string out = buffer_.substr(0, at + text.size());
  buffer_.erase(0, out.size());
  return out;
}

std::string SocketClient::ReadResponse() {
  std::string response = ReadUntil("\r\n\r\n");
  const size_t header = response.find("Content-Length: ");
  if (header == response.npos) return response;
  const size_t length = std::strtoul(response.c_str() + header + 16, nullptr, 10);
  while (buffer_.size() < length && ReadMore()) {
  }
  const size_t take = std::min(length, buffer_.size());
  response += buffer_.substr(0, take);
  buffer_.erase(0, take);
  return response;
}

int StatusOf(const std::string& response) {
  int status = 0;
  if (!response.starts_with("HTTP/1.1 ") || !absl::SimpleAtoi(response.substr(9, 3), &status)) {
    return 0;
  }
  return status;
}

}  // namespace routines::server
