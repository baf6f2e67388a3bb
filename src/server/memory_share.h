// A bound on the memory that large bodies take together.
//
// Thread-safety: every method may be called from any thread; what Take returns may be released on
// any, also after the share is gone.
#ifndef ROUTINES_SRC_SERVER_MEMORY_SHARE_H_
#define ROUTINES_SRC_SERVER_MEMORY_SHARE_H_

#include <atomic>
#include <cstdint>
#include <memory>

namespace routines::server {

class MemoryShare {
 public:
  explicit MemoryShare(int64_t bytes) : limit_(bytes) {}

  // So many bytes, given back when the last copy is gone; null where there are not so many left.
  std::shared_ptr<void> Take(int64_t bytes) const {
    if (taken_->fetch_add(bytes) + bytes > limit_) {
      taken_->fetch_sub(bytes);
      return nullptr;
    }
    return {taken_.get(), [taken = taken_, bytes](void*) { taken->fetch_sub(bytes); }};
  }

 private:
  const int64_t limit_;
  const std::shared_ptr<std::atomic<int64_t>> taken_ = std::make_shared<std::atomic<int64_t>>(0);
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_MEMORY_SHARE_H_
