// What a stdio server writes beside the protocol: redacted, into the session's log up to a limit,
// and its end kept for the message of a failure.
//
// Thread-safety: none.
#ifndef ROUTINES_SRC_CONNECTOR_SERVER_OUTPUT_H_
#define ROUTINES_SRC_CONNECTOR_SERVER_OUTPUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "routines/session.h"
#include "src/base/redact.h"

namespace routines {

class ServerOutput {
 public:
  static constexpr int64_t kMaxLogged = 64 << 10;  // bytes; the rest is dropped, after a note
  static constexpr size_t kMaxTail = 500;

  // Each line is logged as "[name] line". `log` may be null.
  ServerOutput(std::string name, const Redactor& redactor, SessionLog* log);

  void Feed(std::string_view bytes);
  void End();
  // The last lines, on one line, at most kMaxTail bytes; after End.
  std::string Tail() const;

 private:
  void TakeText(std::string_view text);
  void LogLine(std::string_view line);

  const std::string name_;
  SessionLog* const log_;
  RedactingStream redacting_;
  std::string line_;  // not ended yet
  std::string tail_;
  int64_t logged_ = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_SERVER_OUTPUT_H_
