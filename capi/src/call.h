// What every function of the C ABI begins and ends with: arguments that are checked, results that
// are codes, exceptions that go no further.
#ifndef ROUTINES_CAPI_SRC_CALL_H_
#define ROUTINES_CAPI_SRC_CALL_H_

#include <cstddef>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "capi/src/handle.h"
#include "routines/c/routines.h"

namespace routines::capi {

// How a call ended.
struct Answer {
  Answer(absl::Status status);  // NOLINT: as statuses are returned
  Answer(routines_code code);   // NOLINT: of a handle
  Answer(routines_code c, std::string m, std::string p = "[]")
      : code(c), message(std::move(m)), problems(std::move(p)) {}

  bool ok() const { return code == ROUTINES_OK; }

  routines_code code = ROUTINES_OK;
  std::string message;
  std::string problems = "[]";
};

class ErrorObject : public Object {
 public:
  explicit ErrorObject(Answer answer) : answer(std::move(answer)) {}
  const Answer answer;
};
template <>
struct Named<ErrorObject> {
  static constexpr Noun kNoun = Noun::kError;
  using Handle = routines_error;
};

class TextObject : public Object {
 public:
  explicit TextObject(std::string text) : text(std::move(text)) {}
  const std::string text;
};
template <>
struct Named<TextObject> {
  static constexpr Noun kNoun = Noun::kText;
  using Handle = routines_text;
};

// Gives `answer` to the caller.
routines_code Give(Answer answer, routines_error** error) noexcept;
// The exception that is being handled.
Answer AnswerOfException() noexcept;

// Runs the body of a function; no exception leaves it.
template <typename Body>
routines_code Call(routines_error** error, Body body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    Answer answer = body();
    if (answer.ok()) return ROUTINES_OK;
    return Give(std::move(answer), error);
  } catch (...) {
    return Give(AnswerOfException(), error);
  }
}

inline bool IsOk(const absl::Status& status) {
  return status.ok();
}
inline bool IsOk(routines_code code) {
  return code == ROUTINES_OK;
}
inline bool IsOk(const Answer& answer) {
  return answer.ok();
}

#define ROUTINES_C_RETURN_IF_ERROR(expression)                           \
  do {                                                                   \
    if (auto result_ = (expression); !::routines::capi::IsOk(result_)) { \
      return ::routines::capi::Answer(std::move(result_));               \
    }                                                                    \
  } while (false)

inline std::string_view ViewOf(routines_string string) {
  return {string.data, string.size};
}
inline std::string_view ViewOf(routines_bytes bytes) {
  return {static_cast<const char*>(bytes.data), bytes.size};
}
inline routines_string StringOf(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status CheckText(routines_string string, const char* name);
absl::Status CheckBytes(routines_bytes bytes, const char* name);
absl::Status CheckOut(const void* out, const char* name);

// Several at once: Checked({{a, "a"}, {b, "b"}}).
struct NamedText {
  routines_string string;
  const char* name;
};
absl::Status CheckTexts(std::initializer_list<NamedText> texts);

// Copies a struct of the caller's, of which `oldest` bytes were there in the first header. What its
// header did not have is as `out` was.
template <typename T>
absl::Status ReadStruct(const T* in, size_t oldest, const char* name, T* out) {
  if (in == nullptr) {
    return absl::InvalidArgumentError(std::string(name) + ": must not be NULL");
  }
  const size_t size = in->struct_size;
  if (size < oldest || size > sizeof(T)) {
    return absl::InvalidArgumentError(std::string(name) + ": struct_size is " +
                                      std::to_string(size) +
                                      ", which no header of this library has; use the _INIT macro");
  }
  std::memcpy(out, in, size);
  return absl::OkStatus();
}
// The size of T up to and with `member`.
#define ROUTINES_C_SIZE_WITH(T, member) (offsetof(T, member) + sizeof(T::member))

// Gives a text to the caller, where one is wanted.
void GiveText(std::string text, routines_text** out);

// ---- callbacks ----

// While this lives, the thread is in a callback of the engine named `engine`.
class CallbackScope {
 public:
  explicit CallbackScope(const void* engine);
  ~CallbackScope();
  CallbackScope(const CallbackScope&) = delete;

 private:
  const void* const engine_;
  const CallbackScope* const outer_;
  friend bool InCallbackOf(const void* engine);
};
bool InCallbackOf(const void* engine);

// Calls a function of the user's; an exception of it becomes kInternal.
template <typename Function>
absl::Status CallOut(const void* engine, Function function) noexcept {
  const CallbackScope scope(engine);
  try {
    function();
    return absl::OkStatus();
  } catch (...) {
    return absl::InternalError(AnswerOfException().message);
  }
}

}  // namespace routines::capi

#endif  // ROUTINES_CAPI_SRC_CALL_H_
