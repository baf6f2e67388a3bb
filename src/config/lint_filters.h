// What is wrong with conditions that are each all right.
#ifndef ROUTINES_SRC_CONFIG_LINT_FILTERS_H_
#define ROUTINES_SRC_CONFIG_LINT_FILTERS_H_

#include <string>
#include <vector>

#include "google/protobuf/repeated_field.h"
#include "routines/v1/routine.pb.h"

namespace routines::config {

struct Finding {
  std::string path;  // from the list of conditions on: "[1]"
  std::string message;
};

// `event`: GitHub's name of it, so that sets are known for such; empty: a custom trigger.
std::vector<Finding> LintFilters(const google::protobuf::RepeatedPtrField<v1::Condition>& filters,
                                 const std::string& event);

}  // namespace routines::config

#endif  // ROUTINES_SRC_CONFIG_LINT_FILTERS_H_
