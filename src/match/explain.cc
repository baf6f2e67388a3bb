// Explain: a trigger's scope and conditions on one event, each with what was there.
#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/filter.h"
#include "src/base/utf8.h"
#include "src/match/event_reader.h"
#include "src/match/filter.h"

namespace routines {
namespace {

using google::protobuf::Value;

constexpr size_t kMaxActualBytes = 1024;

// ---- values as JSON ----

// Appends `text` as a JSON string, and stops soon where `out` has more than `limit` bytes. Unlike
// JsonString it leaves < and > as they are: people read this.
void AppendQuoted(std::string_view text, size_t limit, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (out.size() > limit) return;
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (c == '\n') {
      out.append("\\n");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppend(&out, "\\u", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad4));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string Quote(std::string_view text) {
  std::string out;
  AppendQuoted(text, std::string::npos, out);
  return out;
}

std::string NumberJson(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), number);
  return {buffer, end.ptr};
}

struct ActualAppender {
  std::string& out;

  void operator()(std::monostate) const { out += "null"; }
  void operator()(bool value) const { out += value ? "true" : "false"; }
  void operator()(double value) const { out += NumberJson(value); }
  void operator()(const std::string& value) const { AppendQuoted(value, kMaxActualBytes, out); }
  void operator()(const std::vector<ScalarValue>& values) const {
    out.push_back('[');
    for (size_t i = 0; i < values.size() && out.size() <= kMaxActualBytes; ++i) {
      if (i > 0) out.push_back(',');
      std::visit(*this, values[i]);
    }
    out.push_back(']');
  }
};

// Of a body of megabytes, no more is written than is shown.
std::string ActualJson(const FieldValue& value) {
  std::string out;
  std::visit(ActualAppender{out}, value);
  if (out.size() <= kMaxActualBytes) return out;
  out.resize(kMaxActualBytes);
  out.resize(out.size() - IncompleteTail(out));
  return out + "…";
}

std::string Json(const Value& value) {
  switch (value.kind_case()) {
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kNumberValue:
      return NumberJson(value.number_value());
    case Value::kStringValue:
      return Quote(value.string_value());
    default:
      return "null";
  }
}
std::string Json(const std::string& text) {
  return Quote(text);
}

template <typename Values>
std::string JsonList(const Values& values) {
  const auto append = [](std::string* out, const auto& value) { *out += Json(value); };
  return absl::StrCat("[", absl::StrJoin(values, ",", append), "]");
}

std::string ExpectedOf(const v1::Condition& condition) {
  if (condition.operator_() == v1::OPERATOR_EXISTS) {
    return !condition.has_value() || condition.value().bool_value() ? "true" : "false";
  }
  if (condition.values_size() > 0) return JsonList(condition.values());
  return Json(condition.value());
}

// ---- an event, read once per field ----

class Facts {
 public:
  struct Fact {
    bool known = false;  // the event has such a field
    FieldValue value;
    bool exists = false;
  };

  explicit Facts(const EventView& event) : event_(event), reader_(event) {}

  const Fact& Of(const std::string& field) {
    const auto [place, is_new] = facts_.try_emplace(field);
    Fact& fact = place->second;
    if (!is_new) return fact;
    absl::StatusOr<FieldValue> value = reader_.Field(field);
    if (!value.ok()) return fact;
    fact.known = true;
    fact.value = *std::move(value);
    fact.exists = IsPointer(field) ? reader_.Exists(field) : NamedExists(field, fact.value);
    return fact;
  }

  // Empty where there is no text at `pointer`.
  std::string Text(std::string_view pointer) {
    const auto* text = std::get_if<std::string>(&Of(std::string(pointer)).value);
    return text == nullptr ? "" : *text;
  }

  const absl::Status& status() const { return reader_.payload_status(); }

 private:
  bool NamedExists(const std::string& field, const FieldValue& value) {
    const auto* list = std::get_if<std::vector<ScalarValue>>(&value);
    if (list == nullptr) return !std::holds_alternative<std::monostate>(value);
    if (!list->empty()) return true;
    const FieldRecipe* recipe = FindFieldRecipe(event_.type, field);
    if (recipe == nullptr || recipe->derivation == Derivation::kUnion) return false;
    // An array where GitHub sends a text: it may hold something else than scalars.
    for (const std::string_view path : recipe->used_paths()) {
      const FieldValue there = reader_.Pointer(path);
      if (!std::holds_alternative<std::monostate>(there)) return reader_.Exists(path);
    }
    return false;
  }

  const EventView& event_;
  EventReader reader_;
  std::map<std::string, Fact> facts_;
};

// ---- one trigger ----

class TriggerExplainer {
 public:
  TriggerExplainer(const EventView& event, Facts& facts) : event_(event), facts_(facts) {}

  TriggerExplanation Run(const v1::Trigger& trigger, int index) {
    explanation_.trigger = trigger.id();
    explanation_.index = index;
    if (!trigger.has_github() && !trigger.has_custom()) return std::move(explanation_);
    path_ = absl::StrCat("triggers[", index, "]");
    if (trigger.disabled()) AddScope("", "disabled", "equals", "false", "true", false);
    path_ += trigger.has_github() ? ".github" : ".custom";
    if (trigger.has_github()) {
      AddGithubScope(trigger.github());
    } else {
      AddCustomScope(trigger.custom());
    }
    const auto& conditions =
        trigger.has_github() ? trigger.github().filters() : trigger.custom().filters();
    std::vector<FilterProblem> problems;
    const std::vector<CompiledCondition> compiled = CompileConditions(trigger, problems);
    for (int i = 0; i < conditions.size(); ++i) {
      const std::string path = absl::StrCat(path_, ".filters[", i, "]");
      explanation_.conditions.push_back(
          ExplainCondition(conditions[i], compiled[i], path, problems.empty()));
    }
    explanation_.matched = problems.empty() && AllHeld();
    return std::move(explanation_);
  }

 private:
  void AddScope(std::string_view key, std::string_view field, std::string_view op,
                std::string expected, std::string actual, bool held) {
    ConditionExplanation scope;
    scope.path = key.empty() ? absl::StrCat(path_, ".", std::string(field))
                             : absl::StrCat(path_, ".", std::string(key));
    scope.field = std::string(field);
    scope.op = std::string(op);
    scope.expected = std::move(expected);
    scope.actual = std::move(actual);
    scope.held = held;
    explanation_.conditions.push_back(std::move(scope));
  }

  void AddEqualScope(std::string_view field, std::string_view expected, std::string_view actual) {
    AddScope("", field, "equals", Quote(expected), ActualJson(std::string(actual)),
             expected == actual);
  }

  void AddGithubScope(const v1::GithubTrigger& github) {
    AddEqualScope("source", "github", event_.source);
    AddEqualScope("event", github.event(), event_.type);
    const std::string repository = facts_.Text(kRepositoryPath);
    const auto& patterns = github.repositories();
    AddScope("repositories", "repository", "is_one_of", JsonList(patterns),
             repository.empty() ? "" : ActualJson(std::string(repository)),
             !repository.empty() &&
                 std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
                   return RepositoryMatches(pattern, repository);
                 }));
    if (github.actions_size() == 0) return;
    const std::string action = facts_.Text(kActionPath);
    AddScope("actions", "action", "is_one_of", JsonList(github.actions()),
             action.empty() ? "" : ActualJson(std::string(action)),
             !action.empty() && std::find(github.actions().begin(), github.actions().end(),
                                          action) != github.actions().end());
  }

  void AddCustomScope(const v1::CustomTrigger& custom) {
    AddEqualScope("source", custom.source(), event_.source);
    if (!custom.type().empty()) AddEqualScope("type", custom.type(), event_.type);
  }

  ConditionExplanation ExplainCondition(const v1::Condition& condition,
                                        const CompiledCondition& compiled, const std::string& path,
                                        bool right) {
    ConditionExplanation explained;
    explained.path = path;
    if (condition.any_of_size() > 0) {
      for (size_t i = 0; i < compiled.any_of.size(); ++i) {
        explained.any_of.push_back(ExplainCondition(condition.any_of(static_cast<int>(i)),
                                                    compiled.any_of[i],
                                                    absl::StrCat(path, ".any_of[", i, "]"), right));
        explained.held |= explained.any_of.back().held;
      }
      return explained;
    }
    explained.field = condition.field();
    explained.op = std::string(OperatorWord(condition.operator_()));
    explained.expected = ExpectedOf(condition);
    const Facts::Fact& fact = facts_.Of(condition.field());
    if (!fact.known) return explained;
    explained.actual = ActualJson(fact.value);
    explained.held = right && HoldsOn(compiled, fact.value, fact.exists);
    return explained;
  }

  bool AllHeld() const {
    return std::all_of(explanation_.conditions.begin(), explanation_.conditions.end(),
                       [](const ConditionExplanation& condition) { return condition.held; });
  }

  const EventView& event_;
  Facts& facts_;
  std::string path_;
  TriggerExplanation explanation_;
};

void AppendLines(const ConditionExplanation& condition, int indentation, std::string* out) {
  absl::StrAppend(out, std::string(indentation, ' '), condition.held ? "holds  " : "fails  ");
  if (!condition.any_of.empty()) {
    absl::StrAppend(out, "any of:\n");
    for (const ConditionExplanation& one : condition.any_of) {
      AppendLines(one, indentation + 2, out);
    }
    return;
  }
  absl::StrAppend(out, condition.field, " ", condition.op);
  if (condition.op != "exists" || condition.expected != "true") {
    absl::StrAppend(out, " ", condition.expected);
  }
  if (condition.actual.empty()) {
    absl::StrAppend(out, "; the event has none\n");
  } else if (condition.actual != condition.expected || !condition.held) {
    absl::StrAppend(out, "; it is ", condition.actual, "\n");
  } else {
    absl::StrAppend(out, "\n");
  }
}

}  // namespace

std::string TriggerExplanation::ToString() const {
  std::string out = absl::StrCat(trigger, ": ", matched ? "matches" : "does not match", "\n");
  if (conditions.empty()) absl::StrAppend(&out, "  no event matches a trigger of this kind\n");
  for (const ConditionExplanation& condition : conditions) AppendLines(condition, 2, &out);
  return out;
}

absl::StatusOr<Explanation> Explain(const EventView& event, const v1::Routine& routine) {
  Facts facts(event);
  if (event.source == "github" && !facts.status().ok()) return facts.status();
  Explanation explanation;
  for (int i = 0; i < routine.triggers_size(); ++i) {
    explanation.triggers.push_back(TriggerExplainer(event, facts).Run(routine.triggers(i), i));
    explanation.matched |= explanation.triggers.back().matched;
  }
  return explanation;
}

}  // namespace routines
