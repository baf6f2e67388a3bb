// Tells work in progress that it should end.
//
// One side calls Cancel(); the other asks IsCancelled(), or polls fd() beside its own descriptors.
//
// Thread-safety: every method may be called from any thread. None blocks.
#ifndef ROUTINES_CANCELLATION_H_
#define ROUTINES_CANCELLATION_H_

#include <atomic>

namespace routines {

class Cancellation {
 public:
  Cancellation();
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // Idempotent; cannot be taken back.
  void Cancel();

  bool IsCancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // A descriptor that becomes readable (POLLIN) at Cancel() and stays so; owned by this object,
  // never to be read from or closed by the caller. -1 when the process had no descriptor left; then
  // ask IsCancelled() at least once a second.
  int fd() const { return fd_; }

 private:
  std::atomic<bool> cancelled_ = false;
  int fd_;
};

}  // namespace routines

#endif  // ROUTINES_CANCELLATION_H_
