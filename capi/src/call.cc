#include "capi/src/call.h"

#include "absl/strings/str_cat.h"
#include "src/base/utf8.h"

namespace routines::capi {
namespace {

thread_local const CallbackScope* innermost = nullptr;

}  // namespace

Answer::Answer(absl::Status status)
    : code(static_cast<routines_code>(status.code())), message(status.message()) {}

Answer::Answer(routines_code c) : code(c) {
  if (c == ROUTINES_INVALID_HANDLE) message = "a handle is NULL, was destroyed, or never was one";
  if (c == ROUTINES_FORKED) message = "the handle is of the process that forked; make another here";
}

routines_code Give(Answer answer, routines_error** error) noexcept {
  const routines_code code = answer.code;
  if (error == nullptr) return code;
  try {
    *error = Make<ErrorObject>(std::move(answer));
  } catch (...) {  // no memory: the code must do
  }
  return code;
}

Answer AnswerOfException() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Answer(ROUTINES_RESOURCE_EXHAUSTED, "no memory");
  } catch (const std::exception& exception) {
    return Answer(ROUTINES_INTERNAL, absl::StrCat("an exception: ", exception.what()));
  } catch (...) {
    return Answer(ROUTINES_INTERNAL, "an exception that is no std::exception");
  }
}

absl::Status CheckBytes(routines_bytes bytes, const char* name) {
  if (bytes.size > ROUTINES_MAX_BYTES) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": has ", bytes.size, " bytes; at most ", ROUTINES_MAX_BYTES));
  }
  if (bytes.data == nullptr && bytes.size > 0) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": is NULL and has a size"));
  }
  return absl::OkStatus();
}

absl::Status CheckText(routines_string string, const char* name) {
  absl::Status status = CheckBytes({string.data, string.size}, name);
  if (status.ok() && string.size > 0 && !CountCodePoints(ViewOf(string)).has_value()) {
    status = absl::InvalidArgumentError(absl::StrCat(name, ": is not UTF-8"));
  }
  return status;
}

absl::Status CheckTexts(std::initializer_list<NamedText> texts) {
  for (const NamedText& text : texts) {
    if (absl::Status status = CheckText(text.string, text.name); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status CheckOut(const void* out, const char* name) {
  if (out != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, ": must not be NULL"));
}

void GiveText(std::string text, routines_text** out) {
  if (out != nullptr) *out = Make<TextObject>(std::move(text));
}

CallbackScope::CallbackScope(const void* engine) : engine_(engine), outer_(innermost) {
  innermost = this;
}
CallbackScope::~CallbackScope() {
  innermost = outer_;
}

bool InCallbackOf(const void* engine) {
  for (const CallbackScope* scope = innermost; scope != nullptr; scope = scope->outer_) {
    if (scope->engine_ == engine) return true;
  }
  return false;
}

}  // namespace routines::capi
