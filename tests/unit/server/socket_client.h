// A socket that sends whatever a test says, and reads answers.
#ifndef ROUTINES_TESTS_UNIT_SERVER_SOCKET_CLIENT_H_
#define ROUTINES_TESTS_UNIT_SERVER_SOCKET_CLIENT_H_

#include <string>

namespace routines::server {

class SocketClient {
 public:
  explicit SocketClient(int port);  // to 127.0.0.1
  ~SocketClient();

  bool Send(const std::string& bytes);  // false: the server has closed
  void ShutdownSend();
  // What came until `text` stands in it, or the connection ended.
  std::string ReadUntil(const std::string& text);
  // One answer: head and, by its Content-Length, body.
  std::string ReadResponse();
  std::string ReadAll() { return ReadUntil(std::string(1, '\0') + "never"); }

 private:
  bool ReadMore();

  int fd_;
  std::string buffer_;
};

// "HTTP/1.1 404 …" → 404; 0 for anything else.
int StatusOf(const std::string& response);

}  // namespace routines::server

#endif  // ROUTINES_TESTS_UNIT_SERVER_SOCKET_CLIENT_H_
