// Versions, errors and texts.
#include "capi/src/call.h"
#include "routines/version.h"

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

uint32_t routines_abi_version(void) {
  return ROUTINES_ABI_MAJOR * 1000 + ROUTINES_ABI_MINOR;
}

const char* routines_version(void) {
  return kVersion;
}

const char* routines_code_name(int code) {
  static constexpr const char* kNames[] = {"OK",
                                           "CANCELLED",
                                           "UNKNOWN",
                                           "INVALID_ARGUMENT",
                                           "DEADLINE_EXCEEDED",
                                           "NOT_FOUND",
                                           "ALREADY_EXISTS",
                                           "PERMISSION_DENIED",
                                           "RESOURCE_EXHAUSTED",
                                           "FAILED_PRECONDITION",
                                           "ABORTED",
                                           "OUT_OF_RANGE",
                                           "UNIMPLEMENTED",
                                           "INTERNAL",
                                           "UNAVAILABLE",
                                           "DATA_LOSS",
                                           "UNAUTHENTICATED"};
  if (code >= 0 && code <= ROUTINES_UNAUTHENTICATED) return kNames[code];
  if (code == ROUTINES_INVALID_HANDLE) return "INVALID_HANDLE";
  return code == ROUTINES_FORKED ? "FORKED" : "?";
}

routines_code routines_error_code(const routines_error* error, int* code) {
  if (code != nullptr) *code = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(code, "code"));
    const Ref<ErrorObject> object(error);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *code = object->answer.code;
    return ROUTINES_OK;
  });
}

routines_code routines_error_message(const routines_error* error, routines_string* message) {
  if (message != nullptr) *message = {};
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(message, "message"));
    const Ref<ErrorObject> object(error);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *message = StringOf(object->answer.message);
    return ROUTINES_OK;
  });
}

routines_code routines_error_problems(const routines_error* error, routines_string* json) {
  if (json != nullptr) *json = {};
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    const Ref<ErrorObject> object(error);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *json = StringOf(object->answer.problems);
    return ROUTINES_OK;
  });
}

routines_code routines_error_destroy(routines_error* error) {
  return Call(nullptr, [&]() -> Answer { return End<ErrorObject>(error); });
}

routines_code routines_text_create(routines_string string, routines_text** text) {
  if (text != nullptr) *text = nullptr;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(text, "text"));
    ROUTINES_C_RETURN_IF_ERROR(CheckText(string, "string"));
    GiveText(std::string(ViewOf(string)), text);
    return ROUTINES_OK;
  });
}

routines_code routines_text_get(const routines_text* text, routines_string* string) {
  if (string != nullptr) *string = {};
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(string, "string"));
    const Ref<TextObject> object(text);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *string = StringOf(object->text);
    return ROUTINES_OK;
  });
}

routines_code routines_text_destroy(routines_text* text) {
  return Call(nullptr, [&]() -> Answer { return End<TextObject>(text); });
}
