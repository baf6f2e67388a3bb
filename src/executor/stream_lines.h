// Bytes into lines, with a limit on each.
//
// Thread-safety: one thread. Memory: one line of at most `max_bytes`.
#ifndef ROUTINES_SRC_EXECUTOR_STREAM_LINES_H_
#define ROUTINES_SRC_EXECUTOR_STREAM_LINES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace routines {

class StreamLines {
 public:
  // `line` gets each line without its end; `whole` is false where that is only its beginning,
  // because it was longer than `max_bytes`, and the rest is dropped. Lines of white space alone are
  // left out.
  using Line = std::function<void(std::string_view line, bool whole)>;
  StreamLines(size_t max_bytes, Line line) : max_bytes_(max_bytes), line_(std::move(line)) {}

  void Feed(std::string_view bytes);
  // The last line may lack its end.
  void End();

 private:
  void Emit(bool whole);

  const size_t max_bytes_;
  const Line line_;
  std::string pending_;    // the beginning of a line
  bool skipping_ = false;  // the rest of a line that was too long
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_STREAM_LINES_H_
