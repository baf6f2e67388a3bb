// Lets ThreadSanitizer see the locks of a prebuilt Abseil.
//
// The distribution's libabsl_synchronization was built without it, so that every absl::Mutex would
// look like no lock at all. This file stands in front of the library's functions: it tells the
// sanitizer what each acquires and releases, and calls the real one. Conditions are evaluated
// inside the library, by whichever thread releases the mutex: what they read is ignored.
//
// Linked into programs of the `tsan` preset only.
#include <dlfcn.h>

#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace {

// The library's function of the same name as `ours`, which is one of this file.
void* Real(void* ours) {
  Dl_info info;
  void* real = nullptr;
  if (dladdr(ours, &info) != 0 && info.dli_sname != nullptr)
    real = dlsym(RTLD_NEXT, info.dli_sname);
  if (real == nullptr) std::abort();
  return real;
}

// While the library works, maybe on a condition of ours.
class IgnoreMemory {
 public:
  IgnoreMemory() {
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~IgnoreMemory() {
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
};

template <typename Result, typename... Args>
Result Call(void* real, const void* self, Args... args) {
  IgnoreMemory ignore;
  return reinterpret_cast<Result (*)(const void*, Args...)>(real)(self, args...);
}

void Acquire(const void* self) {
  __tsan_acquire(const_cast<void*>(self));
}
void Release(const void* self) {
  __tsan_release(const_cast<void*>(self));
}

}  // namespace

// The address of a member function, which GCC gives as an extension (-Wno-pmf-conversions).
#define REAL(function)                                                  \
  ([]() -> void* {                                                      \
    static void* const real = Real(reinterpret_cast<void*>(&function)); \
    return real;                                                        \
  }())

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  Call<void>(REAL(Mutex::Lock), this);
  Acquire(this);
}

void Mutex::Unlock() {
  Release(this);
  Call<void>(REAL(Mutex::Unlock), this);
}

bool Mutex::TryLock() {
  const bool locked = Call<bool>(REAL(Mutex::TryLock), this);
  if (locked) Acquire(this);
  return locked;
}

void Mutex::ReaderLock() {
  Call<void>(REAL(Mutex::ReaderLock), this);
  Acquire(this);
}

void Mutex::ReaderUnlock() {
  Release(this);
  Call<void>(REAL(Mutex::ReaderUnlock), this);
}

void Mutex::Await(const Condition& condition) {
  Release(this);
  Call<void, const Condition&>(REAL(Mutex::Await), this, condition);
  Acquire(this);
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  Release(this);
  const bool held = Call<bool, const Condition&, Duration>(REAL(Mutex::AwaitWithTimeout), this,
                                                           condition, timeout);
  Acquire(this);
  return held;
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  Release(this);
  const bool held =
      Call<bool, const Condition&, Time>(REAL(Mutex::AwaitWithDeadline), this, condition, deadline);
  Acquire(this);
  return held;
}

void CondVar::Wait(Mutex* mu) {
  Release(mu);
  Call<void, Mutex*>(REAL(CondVar::Wait), this, mu);
  Acquire(mu);
}

bool CondVar::WaitWithTimeout(Mutex* mu, Duration timeout) {
  Release(mu);
  const bool timed_out =
      Call<bool, Mutex*, Duration>(REAL(CondVar::WaitWithTimeout), this, mu, timeout);
  Acquire(mu);
  return timed_out;
}

bool CondVar::WaitWithDeadline(Mutex* mu, Time deadline) {
  Release(mu);
  const bool timed_out =
      Call<bool, Mutex*, Time>(REAL(CondVar::WaitWithDeadline), this, mu, deadline);
  Acquire(mu);
  return timed_out;
}

void Notification::Notify() {
  Release(this);
  Call<void>(REAL(Notification::Notify), this);
}

void Notification::WaitForNotification() const {
  Call<void>(REAL(Notification::WaitForNotification), this);
  Acquire(this);
}

ABSL_NAMESPACE_END
}  // namespace absl
