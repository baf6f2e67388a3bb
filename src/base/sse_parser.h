// Server-Sent Events (WHATWG HTML, 9.2.6), from bytes that come in pieces.
#ifndef ROUTINES_SRC_BASE_SSE_PARSER_H_
#define ROUTINES_SRC_BASE_SSE_PARSER_H_

#include <string>
#include <string_view>
#include <vector>

namespace routines {

struct SseEvent {
  std::string type = "message";
  std::string data;  // its lines joined by \n
};

class SseParser {
 public:
  // The events that `bytes` completes.
  std::vector<SseEvent> Feed(std::string_view bytes);

  // The id of the newest complete event; what `Last-Event-ID` says at a reconnect.
  const std::string& last_event_id() const { return last_event_id_; }

  // Forgets an event that was cut off; the id stays.
  void Reconnect();

 private:
  void TakeLine(std::string_view line, std::vector<SseEvent>* events);

  std::string line_;
  bool after_cr_ = false;  // a \n that follows belongs to the same line end
  SseEvent event_;
  bool has_data_ = false;
  std::string pending_id_;
  std::string last_event_id_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_SSE_PARSER_H_
