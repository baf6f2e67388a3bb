#include "src/executor/stream_lines.h"

namespace routines {
namespace {

constexpr size_t kKeptBytes = size_t{1} << 20;  // of the buffer, between lines

}  // namespace

void StreamLines::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (!skipping_) {
      pending_.append(part.substr(0, max_bytes_ - pending_.size() + 1));
      if (pending_.size() > max_bytes_) {
        pending_.resize(max_bytes_);
        Emit(/*whole=*/false);
        skipping_ = true;
      }
    }
    if (end == std::string_view::npos) return;
    if (!skipping_) Emit(/*whole=*/true);
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void StreamLines::End() {
  if (!skipping_) Emit(/*whole=*/true);
  skipping_ = false;
}

void StreamLines::Emit(bool whole) {
  if (pending_.find_first_not_of(" \t\r") != std::string::npos) line_(pending_, whole);
  if (pending_.capacity() > kKeptBytes) pending_ = {};
  pending_.clear();
}

}  // namespace routines
