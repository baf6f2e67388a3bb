// Early returns for absl::Status, under the names that Abseil's users know.
#ifndef ROUTINES_SRC_BASE_STATUS_MACROS_H_
#define ROUTINES_SRC_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// The variable has a name that no expression has: one named `status_` would hide a member of that
// name.
#define RETURN_IF_ERROR(expr)                                                 \
  do {                                                                        \
    if (absl::Status routines_returned_ = (expr); !routines_returned_.ok()) { \
      return routines_returned_;                                              \
    }                                                                         \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) \
  ROUTINES_ASSIGN_OR_RETURN_(ROUTINES_CONCAT_(result_, __LINE__), lhs, expr)
#define ROUTINES_CONCAT_INNER_(a, b) a##b
#define ROUTINES_CONCAT_(a, b) ROUTINES_CONCAT_INNER_(a, b)
#define ROUTINES_ASSIGN_OR_RETURN_(result, lhs, expr)  \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = *std::move(result)

#endif  // ROUTINES_SRC_BASE_STATUS_MACROS_H_
