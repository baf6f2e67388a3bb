/* A test in C: CHECK ends the program with the line that failed. */
#ifndef ROUTINES_TESTS_CAPI_CHECK_H_
#define ROUTINES_TESTS_CAPI_CHECK_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routines/c/routines.h"

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

/* The call must give `code`; with another one, its error is shown. */
#define CHECK_CODE(wanted, call)                                                              \
  do {                                                                                        \
    routines_error* error = NULL; /* the call's last argument is &error */                    \
    int code_ = (int)(call);                                                                  \
    if (code_ != (int)(wanted)) {                                                             \
      routines_string why_ = {0, 0};                                                          \
      (void)routines_error_message(error, &why_);                                             \
      fprintf(stderr, "%s:%d: %s gave %s: %.*s\n", __FILE__, __LINE__, #call,                 \
              routines_code_name(code_), (int)why_.size, why_.data == NULL ? "" : why_.data); \
      exit(1);                                                                                \
    }                                                                                         \
    CHECK((error == NULL) == (code_ == ROUTINES_OK));                                         \
    if (error != NULL) CHECK(routines_error_destroy(error) == ROUTINES_OK);                   \
  } while (0)
#define CHECK_OK(call) CHECK_CODE(ROUTINES_OK, call)

/* Whether the text holds `part`; destroys the text. */
static inline int take_contains(routines_text* text, const char* part) {
  routines_string string;
  CHECK(routines_text_get(text, &string) == ROUTINES_OK);
  const int found = strstr(string.data, part) != NULL;
  if (!found) fprintf(stderr, "no %s in %s\n", part, string.data);
  CHECK(routines_text_destroy(text) == ROUTINES_OK);
  return found;
}

/* The string value of a key in JSON, into `out`. */
static inline const char* take_value(routines_text* json, const char* key, char* out, size_t size) {
  routines_string string;
  char pattern[64];
  CHECK(routines_text_get(json, &string) == ROUTINES_OK);
  snprintf(pattern, sizeof(pattern), "\"%s\":\"", key);
  const char* start = strstr(string.data, pattern);
  CHECK(start != NULL);
  start += strlen(pattern);
  const char* end = strchr(start, '"');
  CHECK(end != NULL && (size_t)(end - start) < size);
  memcpy(out, start, (size_t)(end - start));
  out[end - start] = 0;
  CHECK(routines_text_destroy(json) == ROUTINES_OK);
  return out;
}

#endif
