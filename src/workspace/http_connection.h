// One HTTP/1.1 connection of the push gate, read and written with plain blocking calls that end at
// their time limit (15 s for a head, 60 s of silence, what SetDeadline says) or when the gate
// stops. Boost.Beast parses; it stays behind this header.
//
// Thread-safety: none; a connection belongs to one thread.
#ifndef ROUTINES_SRC_WORKSPACE_HTTP_CONNECTION_H_
#define ROUTINES_SRC_WORKSPACE_HTTP_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "src/workspace/files.h"

namespace routines {

struct HttpRequest {
  std::string method;
  std::string target;  // as it came, with the query
  std::string authorization;
  std::string content_type;
  std::string git_protocol;
};

class HttpConnection {
 public:
  // `stop_fd` becomes readable when the connection must end.
  HttpConnection(UniqueFd socket, int stop_fd);
  ~HttpConnection();

  // A second descriptor like `stop_fd`, from now on; -1: none.
  void StopAlsoAt(int fd);

  // When what follows of the present request must be over, reading and writing.
  void SetDeadline(absl::Time deadline);

  // The next request's head. kInvalidArgument: not HTTP, or framed in a way that two readers could
  // understand differently (lengths and encodings twice, both, or unknown): already answered with
  // 400 or 415. kUnavailable: the connection has ended.
  absl::StatusOr<HttpRequest> ReadRequest();

  // The next bytes of the body, without chunks and gzip; none: its end. kInvalidArgument: broken.
  // kUnavailable: the connection has ended.
  absl::StatusOr<size_t> ReadBody(char* buffer, size_t size);

  // Reads and drops what is left of the body, at most `max` bytes, so that a client that is still
  // sending gets to read the answer.
  void Drain(size_t max);

  // Answers with all of it.
  bool Respond(int status, std::string_view type, std::string_view body);
  // Answers 200 in pieces. False: the connection has ended.
  bool BeginStream(std::string_view type);
  bool WriteStream(std::string_view piece);
  bool EndStream();

  // Whether another request may follow: the last one was read and answered to its end.
  bool reusable() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_HTTP_CONNECTION_H_
