#include "capi/src/json_forms.h"

namespace routines::capi {
namespace {

const char* Word(bool value) {
  return value ? "true" : "false";
}

std::string ConditionJson(const ConditionExplanation& condition) {
  std::string out =
      absl::StrCat("{\"path\":", JsonString(condition.path), ",\"held\":", Word(condition.held));
  if (!condition.any_of.empty()) {
    return absl::StrCat(out, ",\"any_of\":", JsonList(condition.any_of, ConditionJson), "}");
  }
  return absl::StrCat(out, ",\"field\":", JsonString(condition.field),
                      ",\"operator\":", JsonString(condition.op),
                      ",\"expected\":", JsonString(condition.expected),
                      ",\"actual\":", JsonString(condition.actual), "}");
}

}  // namespace

std::string ProblemsJson(const std::vector<Problem>& problems) {
  return JsonList(problems, [](const Problem& problem) {
    return absl::StrCat("{\"path\":", JsonString(problem.path), ",\"line\":", problem.line,
                        ",\"column\":", problem.column,
                        ",\"message\":", JsonString(problem.message), "}");
  });
}

std::string TriggersJson(const Explanation& explanation) {
  return JsonList(explanation.triggers, [](const TriggerExplanation& trigger) {
    return absl::StrCat("{\"trigger\":", JsonString(trigger.trigger), ",\"index\":", trigger.index,
                        ",\"matched\":", Word(trigger.matched),
                        ",\"conditions\":", JsonList(trigger.conditions, ConditionJson),
                        ",\"text\":", JsonString(trigger.ToString()), "}");
  });
}

}  // namespace routines::capi
