// A session's log as Server-Sent Events, read piece by piece as its reader can take it.
//
// Thread-safety: Next and Watch are called by one thread at a time.
// Ownership: borrows the engine.
#ifndef ROUTINES_SRC_SERVER_EVENT_STREAM_H_
#define ROUTINES_SRC_SERVER_EVENT_STREAM_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "routines/engine.h"

namespace routines::server {

class EventStream {
 public:
  // `session_json` makes the data of the last event, "end".
  EventStream(Engine& engine, std::string session_id, int64_t after,
              std::function<std::string(const v1::Session&)> session_json);
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  struct Piece {
    std::string bytes;  // empty: there is nothing new
    bool end = false;   // the session is terminal and all of its log was given
  };
  // The next events, at most about 256 KiB. Blocks on the store. An error: the stream cannot go on;
  // the reader may come back with the last id that it saw.
  absl::StatusOr<Piece> Next();

  // Calls `changed` when Next may have something new, from an engine thread; it must not block.
  // Call Watch before the first Next. The destructor waits for a call in flight.
  void Watch(std::function<void()> changed);

 private:
  Engine& engine_;
  const std::string session_id_;
  int64_t after_;
  const std::function<std::string(const v1::Session&)> session_json_;
  int64_t subscription_ = 0;
};

// A comment that keeps proxies and readers from giving up.
inline constexpr char kHeartbeat[] = ": still here\n\n";

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_EVENT_STREAM_H_
