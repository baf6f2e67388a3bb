#include "routines/cancellation.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace routines {

Cancellation::Cancellation() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Cancellation::~Cancellation() {
  if (fd_ >= 0) close(fd_);
}

void Cancellation::Cancel() {
  if (cancelled_.exchange(true, std::memory_order_acq_rel) || fd_ < 0) return;
  const uint64_t one = 1;
  // Cannot fail: the counter is 0, so the write neither blocks nor overflows.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

}  // namespace routines
