// The JSON of answers that are no messages: as the command line and the HTTP API write them.
#ifndef ROUTINES_CAPI_SRC_JSON_FORMS_H_
#define ROUTINES_CAPI_SRC_JSON_FORMS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/filter.h"
#include "routines/json.h"
#include "routines/routine.h"

namespace routines::capi {

template <typename Rows, typename Write>
std::string JsonList(const Rows& rows, Write write) {
  std::string out = "[";
  for (const auto& row : rows) absl::StrAppend(&out, out.size() == 1 ? "" : ",", write(row));
  return out + "]";
}

// {"key":[…]} of messages.
template <typename Rows>
std::string MessagesJson(std::string_view key, const Rows& rows) {
  return absl::StrCat("{", JsonString(key), ":",
                      JsonList(rows, [](const auto& row) { return ToJson(row); }), "}");
}

std::string ProblemsJson(const std::vector<Problem>& problems);
std::string TriggersJson(const Explanation& explanation);

}  // namespace routines::capi

#endif  // ROUTINES_CAPI_SRC_JSON_FORMS_H_
