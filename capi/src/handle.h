// Handles: numbers that look like pointers and name an object in a table, so that one that is NULL,
// old or made up is told from a living one without following it.
//
// A handle is 0xA5, the noun, the slot's generation and the slot's index. No pointer of a process
// looks like that. A slot counts the calls that use its object; the object dies with the last of
// them.
//
// Thread-safety: everything may be called from any thread. Taking and giving back is two atomic
// operations; making and ending handles takes a lock.
#ifndef ROUTINES_CAPI_SRC_HANDLE_H_
#define ROUTINES_CAPI_SRC_HANDLE_H_

#include <cstdint>
#include <memory>
#include <utility>

#include "routines/c/routines.h"

namespace routines::capi {

enum class Noun : uint8_t {
  kError = 1,
  kText,
  kMatcher,
  kMatches,
  kSchedule,
  kClock,
  kEngine,
  kExecution,
  kSink,
};

class Object {
 public:
  virtual ~Object() = default;
  // Called instead of delete.
  virtual void Die() { delete this; }
};

struct Slot;

// A handle that names `object` from now on. May throw std::bad_alloc.
uint64_t NewHandle(Noun noun, std::unique_ptr<Object> object);

// The object, counted as in use until GiveBack; null and the reason where there is none.
Object* TakeHandle(uint64_t handle, Noun noun, Slot** slot, routines_code* code);
void GiveBack(Slot* slot);

// Ends the handle; the object dies when nobody uses it. Exactly one call gets ROUTINES_OK.
routines_code EndHandle(uint64_t handle, Noun noun);

// What the types of the header are.
template <typename T>
struct Named;  // { static constexpr Noun kNoun; using Handle = …; }

template <typename T>
uint64_t NumberOf(T* handle) {
  return reinterpret_cast<uintptr_t>(handle);
}

// An object in use by a call.
template <typename T>
class Ref {
 public:
  explicit Ref(const typename Named<T>::Handle* handle) {
    object_ = static_cast<T*>(TakeHandle(NumberOf(handle), Named<T>::kNoun, &slot_, &code_));
  }
  ~Ref() {
    if (object_ != nullptr) GiveBack(slot_);
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;

  routines_code code() const { return code_; }
  T& operator*() const { return *object_; }
  T* operator->() const { return object_; }

 private:
  T* object_ = nullptr;
  Slot* slot_ = nullptr;
  routines_code code_ = ROUTINES_OK;
};

template <typename T, typename... Args>
typename Named<T>::Handle* Make(Args&&... args) {
  const uint64_t number =
      NewHandle(Named<T>::kNoun, std::make_unique<T>(std::forward<Args>(args)...));
  return reinterpret_cast<typename Named<T>::Handle*>(static_cast<uintptr_t>(number));
}

template <typename T>
routines_code End(typename Named<T>::Handle* handle) {
  return EndHandle(NumberOf(handle), Named<T>::kNoun);
}

}  // namespace routines::capi

#endif  // ROUTINES_CAPI_SRC_HANDLE_H_
