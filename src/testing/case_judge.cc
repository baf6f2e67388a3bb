#include "src/testing/case_judge.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/testing/case_rules.h"

namespace routines::testing {
namespace {

// Whether `name`, of a `because`, means this condition.
bool Means(const std::string& name, const v1::TestCondition& condition) {
  if (condition.any_of().empty()) {
    return name == condition.field() || condition.path().ends_with("." + name);
  }
  return name == "any_of" || condition.path().ends_with("." + name) ||
         std::any_of(condition.any_of().begin(), condition.any_of().end(),
                     [&](const v1::TestCondition& each) { return Means(name, each); });
}

std::vector<const v1::TestCondition*> Failed(const v1::TestTrigger& trigger) {
  std::vector<const v1::TestCondition*> failed;
  for (const v1::TestCondition& condition : trigger.conditions()) {
    if (!condition.held()) failed.push_back(&condition);
  }
  return failed;
}

std::string FieldOf(const v1::TestCondition& condition) {
  return condition.any_of().empty() ? condition.field() : "any_of";
}

class CaseJudge {
 public:
  CaseJudge(const v1::TestCase& test, v1::TestResult& result) : test_(test), result_(result) {}

  void Run() {
    if (test_.expect() == v1::TEST_VERDICT_FIRES) {
      ExpectFires();
    } else {
      ExpectNot();
    }
    if (test_.has_sessions() && test_.sessions() != result_.sessions()) {
      Fail(
          absl::StrCat("expected ", test_.sessions(), " sessions; there are ", result_.sessions()));
    }
    result_.set_passed(result_.failures().empty());
  }

 private:
  void Fail(std::string message) { result_.add_failures(std::move(message)); }

  // Whether the case is about this trigger.
  bool IsMeant(const std::string& full) const {
    return test_.triggers().empty() ||
           std::any_of(test_.triggers().begin(), test_.triggers().end(),
                       [&](const std::string& name) { return NamesTrigger(name, full); });
  }

  // What the decisions say, without those that are about other triggers.
  std::string WhyNot() const {
    std::vector<std::string> reasons;
    for (const v1::TestDecision& decision : result_.decisions()) {
      if (decision.reason() == v1::DECISION_REASON_FIRED) continue;
      if (!decision.trigger().empty() && !IsMeant(decision.trigger())) continue;
      std::string reason = ReasonWord(decision.reason());
      if (!decision.detail().empty()) absl::StrAppend(&reason, ": ", decision.detail());
      if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
        reasons.push_back(std::move(reason));
      }
    }
    return reasons.empty() ? std::string(kNotDue) : absl::StrJoin(reasons, "; ");
  }

  void ExpectFires() {
    if (result_.fired().empty()) {
      return Fail(absl::StrCat("expected that it fires; it does not: ", WhyNot()));
    }
    if (test_.triggers().empty()) return;
    for (const std::string& name : test_.triggers()) {
      if (std::none_of(result_.fired().begin(), result_.fired().end(),
                       [&](const std::string& full) { return NamesTrigger(name, full); })) {
        Fail(absl::StrCat("expected that ", name, " fires; what fires is ",
                          absl::StrJoin(result_.fired(), ", ")));
      }
    }
    for (const std::string& full : result_.fired()) {
      if (!IsMeant(full)) {
        Fail(absl::StrCat("expected that only ", absl::StrJoin(test_.triggers(), ", "), " fires; ",
                          full, " does, too"));
      }
    }
  }

  void ExpectNot() {
    bool fired = false;
    for (const std::string& full : result_.fired()) {
      if (!IsMeant(full)) continue;
      fired = true;
      Fail(absl::StrCat("expected that it does not fire; ", full, " does"));
    }
    if (fired || test_.because().empty()) return;
    if (test_.because() == kNotDue) {
      if (!result_.decisions().empty()) Expected(WhyNot());
    } else if (IsReasonWord(test_.because())) {
      CheckReason();
    } else {
      CheckFields();
    }
  }

  void Expected(const std::string& instead) {
    Fail(absl::StrCat("expected that it does not fire because of ", test_.because(),
                      "; the reason is ", instead));
  }

  void CheckReason() {
    for (const v1::TestDecision& decision : result_.decisions()) {
      if (ReasonWord(decision.reason()) == test_.because() &&
          (decision.trigger().empty() || IsMeant(decision.trigger()))) {
        return;
      }
    }
    Expected(WhyNot());
  }

  // Of one trigger exactly those conditions must have failed that are named: another one would hide
  // what the case is about.
  void CheckFields() {
    const std::vector<std::string> names = FieldsOf(test_.because());
    std::vector<std::string> instead;
    for (const v1::TestTrigger& trigger : result_.triggers()) {
      if (!IsMeant(trigger.trigger())) continue;
      const auto failed = Failed(trigger);
      const bool all_named =
          std::all_of(failed.begin(), failed.end(), [&](const v1::TestCondition* condition) {
            return std::any_of(names.begin(), names.end(),
                               [&](const std::string& name) { return Means(name, *condition); });
          });
      const bool all_failed = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        return std::any_of(failed.begin(), failed.end(),
                           [&](const v1::TestCondition* each) { return Means(name, *each); });
      });
      if (all_named && all_failed) return;
      std::set<std::string> fields;
      for (const v1::TestCondition* condition : failed) fields.insert(FieldOf(*condition));
      instead.push_back(absl::StrCat(trigger.trigger(), ": ",
                                     fields.empty() ? WhyNot() : absl::StrJoin(fields, " and ")));
    }
    Expected(instead.empty() ? WhyNot() : absl::StrJoin(instead, "; "));
  }

  const v1::TestCase& test_;
  v1::TestResult& result_;
};

}  // namespace

void Judge(const v1::TestCase& test, v1::TestResult& result) {
  CaseJudge(test, result).Run();
}

}  // namespace routines::testing
