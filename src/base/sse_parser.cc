#include "src/base/sse_parser.h"

#include <utility>

namespace routines {

std::vector<SseEvent> SseParser::Feed(std::string_view bytes) {
  std::vector<SseEvent> events;
  for (const char c : bytes) {
    const bool second_half = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (second_half) continue;
    if (c == '\n' || c == '\r') {
      TakeLine(line_, &events);
      line_.clear();
    } else {
      line_ += c;
    }
  }
  return events;
}

void SseParser::TakeLine(std::string_view line, std::vector<SseEvent>* events) {
  if (line.empty()) {
    last_event_id_ = pending_id_;
    if (has_data_) events->push_back(std::move(event_));
    event_ = {};
    has_data_ = false;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == 0) return;  // a comment: the server's heartbeat
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == line.npos ? "" : line.substr(colon + 1);
  if (value.substr(0, 1) == " ") value.remove_prefix(1);
  if (field == "data") {
    if (has_data_) event_.data += '\n';
    event_.data.append(value);
    has_data_ = true;
  } else if (field == "event") {
    event_.type = std::string(value);
  } else if (field == "id") {
    pending_id_ = std::string(value);
  }
}

void SseParser::Reconnect() {
  line_.clear();
  after_cr_ = false;
  event_ = {};
  has_data_ = false;
  pending_id_ = last_event_id_;
}

}  // namespace routines
