// What the tests of filters share: conditions in short form.
#ifndef ROUTINES_TESTS_UNIT_MATCH_FILTER_TESTING_H_
#define ROUTINES_TESTS_UNIT_MATCH_FILTER_TESTING_H_

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "routines/v1/routine.pb.h"

namespace routines {

// A value as a test writes it: nullptr, true, 5, "text".
class Operand {
 public:
  // NOLINTBEGIN(google-explicit-constructor): so that a table of values reads like one.
  Operand(std::nullptr_t) { value_.set_null_value(google::protobuf::NULL_VALUE); }
  Operand(bool value) { value_.set_bool_value(value); }
  Operand(int value) { value_.set_number_value(value); }
  Operand(double value) { value_.set_number_value(value); }
  Operand(const char* value) { value_.set_string_value(value); }
  Operand(const std::string& value) { value_.set_string_value(value); }
  // NOLINTEND(google-explicit-constructor)
  const google::protobuf::Value& value() const { return value_; }

 private:
  google::protobuf::Value value_;
};

inline v1::Condition Compare(std::string_view field, v1::Operator op, const Operand& operand) {
  v1::Condition condition;
  condition.set_field(std::string(field));
  condition.set_operator_(op);
  *condition.mutable_value() = operand.value();
  return condition;
}

inline v1::Condition OneOf(std::string_view field, v1::Operator op,
                           const std::vector<Operand>& operands) {
  v1::Condition condition;
  condition.set_field(std::string(field));
  condition.set_operator_(op);
  for (const Operand& operand : operands) *condition.add_values() = operand.value();
  return condition;
}

inline v1::Condition Exists(std::string_view field) {
  v1::Condition condition;
  condition.set_field(std::string(field));
  condition.set_operator_(v1::OPERATOR_EXISTS);
  return condition;
}

inline v1::Condition AnyOf(const std::vector<v1::Condition>& conditions) {
  v1::Condition condition;
  for (const v1::Condition& one : conditions) *condition.add_any_of() = one;
  return condition;
}

inline v1::Trigger GithubTrigger(std::string_view event,
                                 const std::vector<v1::Condition>& conditions) {
  v1::Trigger trigger;
  trigger.set_id("review");
  trigger.mutable_github()->add_repositories("acme/api");
  trigger.mutable_github()->set_event(std::string(event));
  for (const v1::Condition& one : conditions) *trigger.mutable_github()->add_filters() = one;
  return trigger;
}

inline v1::Trigger CustomTrigger(const std::vector<v1::Condition>& conditions) {
  v1::Trigger trigger;
  trigger.set_id("deploys");
  trigger.mutable_custom()->set_source("deployer");
  for (const v1::Condition& one : conditions) *trigger.mutable_custom()->add_filters() = one;
  return trigger;
}

inline v1::Routine RoutineOf(const std::vector<v1::Trigger>& triggers) {
  v1::Routine routine;
  routine.set_account("default");
  routine.set_name("r");
  for (const v1::Trigger& trigger : triggers) *routine.add_triggers() = trigger;
  return routine;
}

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_MATCH_FILTER_TESTING_H_
