// The line protocol of docs/executors.md: bytes of descriptor 3 into events of the session.
//
// Nothing that a program writes here is fatal: what cannot be understood becomes a note.
//
// Thread-safety: one thread. Memory: one line of at most kMaxLineBytes.
#ifndef ROUTINES_SRC_EXECUTOR_EVENT_LINES_H_
#define ROUTINES_SRC_EXECUTOR_EVENT_LINES_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "routines/v1/session.pb.h"

namespace routines {

inline constexpr size_t kMaxLineBytes = 8 << 20;

// `text`, at most `bytes` of it, never cut within a character, marked where it was cut.
std::string Shorten(std::string_view text, size_t bytes);

class EventLines {
 public:
  explicit EventLines(std::function<void(v1::SessionEvent)> emit);
  ~EventLines();

  void Feed(std::string_view bytes);
  // The last line may lack its end.
  void End();

  // The latest result line.
  const std::optional<v1::Result>& result() const { return result_; }

 private:
  struct Parser;

  void Line(std::string_view line);
  void Warn(std::string_view why, std::string_view line);

  const std::function<void(v1::SessionEvent)> emit_;
  const std::unique_ptr<Parser> parser_;
  std::string line_;       // without its end yet
  bool skipping_ = false;  // the rest of a line that was too long
  v1::Usage usage_;        // totals so far
  std::optional<v1::Result> result_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_EVENT_LINES_H_
