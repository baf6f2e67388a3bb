// Compiles conditions and says what is wrong with them: their form, fields that the event does not
// have, operators and values that do not fit the field, and what could never hold.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "routines/routine.h"
#include "src/base/utf8.h"
#include "src/base/words.h"
#include "src/match/filter.h"
#include "src/match/filter_words.h"
#include "src/match/json_pointer.h"

namespace routines {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Value;
using Test = CompiledCondition::Test;

constexpr size_t kMaxAttributeBytes = 256;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

std::string ItemPath(std::string_view list, int index) {
  return absl::StrCat(View(list), "[", index, "]");
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool TakesList(v1::Operator op) {
  return op == v1::OPERATOR_IS_ONE_OF || op == v1::OPERATOR_IS_NOT_ONE_OF;
}

bool IsNegative(v1::Operator op) {
  return op == v1::OPERATOR_NOT_EQUALS || op == v1::OPERATOR_NOT_CONTAINS ||
         op == v1::OPERATOR_IS_NOT_ONE_OF;
}

Test TestOf(v1::Operator op) {
  switch (op) {
    case v1::OPERATOR_CONTAINS:
    case v1::OPERATOR_NOT_CONTAINS:
      return Test::kContains;
    case v1::OPERATOR_STARTS_WITH:
      return Test::kStartsWith;
    case v1::OPERATOR_ENDS_WITH:
      return Test::kEndsWith;
    case v1::OPERATOR_MATCHES_REGEX:
      return Test::kRegex;
    case v1::OPERATOR_MATCHES_GLOB:
      return Test::kGlob;
    case v1::OPERATOR_EXISTS:
      return Test::kExists;
    default:
      return Test::kEqualsAny;
  }
}

// The operators that look into a text.
bool TakesText(v1::Operator op) {
  return TestOf(op) != Test::kEqualsAny && TestOf(op) != Test::kExists;
}

bool IsScalar(const Value& value) {
  switch (value.kind_case()) {
    case Value::kNullValue:
    case Value::kBoolValue:
    case Value::kNumberValue:
    case Value::kStringValue:
      return true;
    default:
      return false;
  }
}

ScalarValue ToScalar(const Value& value, bool ignore_case) {
  switch (value.kind_case()) {
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kNumberValue:
      return value.number_value();
    case Value::kStringValue:
      return ignore_case ? absl::AsciiStrToLower(value.string_value()) : value.string_value();
    default:
      return std::monostate();
  }
}

std::vector<std::string> OperatorWords() {
  std::vector<std::string> words;
  for (int op = v1::OPERATOR_EQUALS; op <= v1::OPERATOR_EXISTS; ++op) {
    words.emplace_back(OperatorWord(static_cast<v1::Operator>(op)));
  }
  return words;
}

// The fields of `event`; of every event where it is empty.
std::vector<std::string> FieldsOf(std::string_view event) {
  std::vector<std::string> fields;
  for (const FieldInfo& info : GithubFields()) {
    if (!event.empty() && info.event != event) continue;
    if (std::find(fields.begin(), fields.end(), info.field) == fields.end()) {
      fields.emplace_back(info.field);
    }
  }
  return fields;
}

// What is known about a condition's field.
struct Field {
  enum class Kind { kUnknown, kText, kBoolean, kSet, kAnything };

  Kind kind = Kind::kUnknown;
  FieldType type = FieldType::kText;  // of a named field
  std::string name;
};

Field::Kind KindOf(FieldType type) {
  if (type == FieldType::kBoolean) return Field::Kind::kBoolean;
  const bool set = type == FieldType::kLabels || type == FieldType::kPaths;
  return set ? Field::Kind::kSet : Field::Kind::kText;
}

// How a field's values never begin, and why.
struct WrongBeginning {
  std::string_view beginning;
  std::string_view because;
};

std::vector<WrongBeginning> WrongBeginnings(const Field& field) {
  switch (field.type) {
    case FieldType::kBranch:
      return {{"refs/heads/", "branches are compared without refs/heads/"}};
    case FieldType::kLogin:
      return {{"@", "logins are compared without @"}};
    case FieldType::kPaths:
      return {{"/", "paths begin at the top of the repository, without /"},
              {"./", "paths begin at the top of the repository, without ./"}};
    default:
      if (field.name != "tag") return {};
      return {{"refs/tags/", "tags are compared without refs/tags/"}};
  }
}

class Compiler {
 public:
  Compiler(const v1::Trigger& trigger, std::vector<FilterProblem>& problems)
      : github_(trigger.has_github()), event_(trigger.github().event()), problems_(problems) {}

  void CheckEvent() {
    if (!github_ || FindGithubEvent(event_) != nullptr) return;
    std::vector<std::string> events;
    for (const GithubEventInfo& info : GithubEvents()) events.emplace_back(info.event);
    Broken("event", event_.empty() ? "is required; write one such as pull_request"
                                   : UnknownWord("event", event_, events));
    event_.clear();  // so that fields are held to the table of all events
  }

  std::vector<CompiledCondition> CompileList(const RepeatedPtrField<v1::Condition>& conditions,
                                             bool in_group, const std::string& list) {
    std::vector<CompiledCondition> compiled;
    for (int i = 0; i < conditions.size(); ++i) {
      const v1::Condition& condition = conditions[i];
      const std::string path = ItemPath(list, i);
      if (condition.any_of_size() == 0) {
        compiled.push_back(CompileComparison(condition, path));
      } else if (in_group) {
        Broken(path + ".any_of", "stands in an any_of; write its conditions into the outer one");
        compiled.emplace_back();  // Explain goes through both lists together
      } else {
        Require(condition.field().empty() && condition.operator_() == v1::OPERATOR_UNSPECIFIED &&
                    !condition.has_value() && condition.values_size() == 0,
                path, "has any_of and a comparison; write them as two conditions");
        compiled.emplace_back().any_of = CompileList(condition.any_of(), true, path + ".any_of");
      }
    }
    return compiled;
  }

 private:
  void Broken(std::string path, std::string message) {
    problems_.push_back({std::move(path), std::move(message)});
  }

  bool Require(bool holds, std::string path, std::string message) {
    if (!holds) Broken(std::move(path), std::move(message));
    return holds;
  }

  Field ResolveNamed(const std::string& name, const std::string& path);
  Field Resolve(const std::string& name, const std::string& path);
  CompiledCondition CompileComparison(const v1::Condition& condition, const std::string& path);
  bool CheckShape(const v1::Condition& condition, const std::string& path);
  bool CheckOneValueShape(const v1::Condition& condition, const std::string& path);
  bool CheckOperator(const Field& field, v1::Operator op, const std::string& path);
  void CheckValue(const Field& field, v1::Operator op, const Value& value, const std::string& path);
  void CheckText(const Field& field, v1::Operator op, const std::string& text,
                 const std::string& path);
  void CheckWord(const Field& field, const std::string& text, const std::string& path);
  void CompilePattern(const std::string& pattern, const std::string& path,
                      CompiledCondition& compiled);

  bool github_;
  std::string event_;
  std::vector<FilterProblem>& problems_;
};

// A name that GitHub's table should have.
Field Compiler::ResolveNamed(const std::string& name, const std::string& path) {
  const std::vector<std::string> known = FieldsOf(event_);
  const std::string or_pointer = ", or a JSON pointer such as /repository/default_branch";
  if (event_.empty()) {  // the event is wrong, and reported; what its fields are is not known
    const bool somewhere = std::find(known.begin(), known.end(), name) != known.end();
    Require(somewhere, path,
            absl::StrCat(UnknownWord("field", name, known),
                         NearestWord(name, known).empty() ? or_pointer : ""));
    return {};
  }
  if (const FieldInfo* info = FindGithubField(event_, name); info != nullptr) {
    return {KindOf(info->type), info->type, name};
  }
  const std::vector<std::string> all = FieldsOf("");
  if (std::find(all.begin(), all.end(), name) != all.end()) {
    Broken(path,
           absl::StrCat(event_, " events have no ", name, "; write ", OneOf(known), or_pointer));
  } else {
    Broken(path, absl::StrCat(UnknownWord("field", name, known),
                              NearestWord(name, known).empty() ? or_pointer : ""));
  }
  return {};
}

Field Compiler::Resolve(const std::string& name, const std::string& path) {
  if (name.empty()) {
    Broken(path, "is required; name what the condition looks at");
    return {};
  }
  if (IsPointer(name)) {
    Require(ParseJsonPointer(name).has_value(), path,
            absl::StrCat(Quoted(name), " is not a JSON pointer; write ~0 for ~ and ~1 for /"));
    return {Field::Kind::kAnything, FieldType::kText, name};
  }
  if (github_) return ResolveNamed(name, path);
  Require(!HasControlCharacter(name) && name.size() <= kMaxAttributeBytes, path,
          absl::StrCat(Quoted(name), " is not the name of an attribute"));
  return {Field::Kind::kText, FieldType::kText, name};
}

bool Compiler::CheckOneValueShape(const v1::Condition& condition, const std::string& path) {
  const std::string word(OperatorWord(condition.operator_()));
  const bool alone =
      Require(condition.values_size() == 0, path + ".values",
              absl::StrCat("has no meaning with ", word, "; use value, or is_one_of"));
  if (condition.operator_() == v1::OPERATOR_EXISTS) {
    return Require(!condition.has_value() || condition.value().kind_case() == Value::kBoolValue,
                   path + ".value", "must be true or false with exists");
  }
  if (!condition.has_value()) {
    // With `values` there is one message already.
    if (alone) Broken(path + ".value", absl::StrCat("is required with ", word));
    return false;
  }
  if (!Require(IsScalar(condition.value()), path + ".value",
               "must be a text, a number, true, false or null")) {
    return false;
  }
  return alone;
}

bool Compiler::CheckShape(const v1::Condition& condition, const std::string& path) {
  const std::string word(OperatorWord(condition.operator_()));
  if (word.empty()) {
    Broken(path + ".operator", absl::StrCat("is required; write ", OneOf(OperatorWords())));
    return false;
  }
  if (!TakesList(condition.operator_())) return CheckOneValueShape(condition, path);
  bool right = Require(!condition.has_value(), path + ".value",
                       absl::StrCat("has no meaning with ", word, "; write values: [ … ]"));
  right &= Require(condition.values_size() > 0 || condition.has_value(), path + ".values",
                   absl::StrCat("is required with ", word, "; write values: [ … ]"));
  for (int i = 0; i < condition.values_size(); ++i) {
    right &= Require(IsScalar(condition.values(i)), ItemPath(path + ".values", i),
                     "must be a text, a number, true, false or null");
  }
  return right;
}

bool Compiler::CheckOperator(const Field& field, v1::Operator op, const std::string& path) {
  return Require(field.kind != Field::Kind::kBoolean || !TakesText(op), path + ".operator",
                 absl::StrCat(std::string(OperatorWord(op)), " looks into texts, and ", field.name,
                              " is true or false; write equals"));
}

void Compiler::CheckValue(const Field& field, v1::Operator op, const Value& value,
                          const std::string& path) {
  const auto kind = value.kind_case();
  if (TakesText(op) && kind != Value::kStringValue) {
    Broken(path, absl::StrCat("must be text with ", std::string(OperatorWord(op)),
                              "; write it in quotes"));
    return;
  }
  switch (field.kind) {
    case Field::Kind::kUnknown:
    case Field::Kind::kAnything:
      return;
    case Field::Kind::kBoolean:
      Require(kind == Value::kBoolValue || kind == Value::kNullValue, path,
              absl::StrCat("must be true or false, without quotes: ", field.name, " is no text"));
      return;
    case Field::Kind::kSet:
      if (kind == Value::kNullValue) {
        Broken(path, absl::StrCat("must be text: ", field.name,
                                  " is a set of texts; for the empty one write operator: exists, "
                                  "value: false"));
        return;
      }
      break;
    case Field::Kind::kText:
      if (kind == Value::kNullValue) return;
      break;
  }
  if (Require(kind == Value::kStringValue, path,
              absl::StrCat("must be text: ", field.name, " is ",
                           field.kind == Field::Kind::kSet ? "a set of texts" : "a text",
                           "; write it in quotes"))) {
    CheckText(field, op, value.string_value(), path);
  }
}

void Compiler::CheckText(const Field& field, v1::Operator op, const std::string& text,
                         const std::string& path) {
  if (op == v1::OPERATOR_NOT_CONTAINS && field.kind == Field::Kind::kText) {
    Require(!text.empty(), path,
            "can never hold: every text contains the empty one; write what must not be in it");
  }
  if (!github_) return;
  if (TestOf(op) == Test::kEqualsAny) CheckWord(field, text, path);
  if (TestOf(op) == Test::kContains || TestOf(op) == Test::kEndsWith) return;
  std::string_view beginning = text;
  if (TestOf(op) == Test::kRegex && !beginning.empty() && beginning[0] == '^') {
    beginning.remove_prefix(1);
  }
  for (const WrongBeginning& wrong : WrongBeginnings(field)) {
    if (beginning.substr(0, wrong.beginning.size()) != wrong.beginning) continue;
    Broken(path, absl::StrCat(Quoted(text), " can never match: ", std::string(wrong.because),
                              "; write ", Quoted(beginning.substr(wrong.beginning.size()))));
    return;
  }
}

// GitHub may come to use words that are not known here: a pointer takes any.
void Compiler::CheckWord(const Field& field, const std::string& text, const std::string& path) {
  const std::vector<std::string> words = WordsOfField(event_, field.name);
  if (words.empty() || text.empty()) return;
  const bool known = std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return IgnoresCase(field.type) ? absl::EqualsIgnoreCase(word, text) : word == text;
  });
  if (known) return;
  const FieldInfo* info = FindGithubField(event_, field.name);
  const std::string_view pointer = info->path.substr(0, info->path.find_first_of(" :"));
  Broken(path, absl::StrCat(UnknownWord(field.name, text, words),
                            " (for one that GitHub has come to use since, write field: ",
                            std::string(pointer), ")"));
}

void Compiler::CompilePattern(const std::string& pattern, const std::string& path,
                              CompiledCondition& compiled) {
  if (compiled.test == Test::kGlob) {
    absl::StatusOr<Glob> glob = Glob::Compile(pattern, compiled.ignore_case);
    if (Require(glob.ok(), path, std::string(glob.status().message()))) {
      compiled.glob = *std::move(glob);
    }
    return;
  }
  if (!Require(CountCodePoints(pattern).value_or(0) <= kMaxRegexCharacters, path,
               absl::StrCat("is longer than ", kMaxRegexCharacters, " characters"))) {
    return;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytes);
  options.set_never_capture(true);
  options.set_case_sensitive(!compiled.ignore_case);
  auto regex = std::make_shared<RE2>(pattern, options);
  if (!Require(regex->ok(), path,
               absl::StrCat("is not a regular expression (RE2): ", Abbreviated(regex->error())))) {
    return;
  }
  if (Require(regex->ProgramSize() <= kMaxRegexProgram, path,
              absl::StrCat("is too large a regular expression: ", regex->ProgramSize(),
                           " steps, at most ", kMaxRegexProgram,
                           " are allowed; shorten its repetitions"))) {
    compiled.regex = std::move(regex);
  }
}

CompiledCondition Compiler::CompileComparison(const v1::Condition& condition,
                                              const std::string& path) {
  const Field field = Resolve(condition.field(), path + ".field");
  CompiledCondition compiled;
  compiled.field = condition.field();
  compiled.op = condition.operator_();
  compiled.test = TestOf(compiled.op);
  compiled.negated = IsNegative(compiled.op);
  compiled.ignore_case = IgnoresCase(field.type);
  if (!CheckShape(condition, path) || !CheckOperator(field, compiled.op, path)) return compiled;
  if (compiled.test == Test::kExists) {
    compiled.negated = condition.has_value() && !condition.value().bool_value();
    return compiled;
  }
  if (TakesList(compiled.op)) {
    for (int i = 0; i < condition.values_size(); ++i) {
      CheckValue(field, compiled.op, condition.values(i), ItemPath(path + ".values", i));
      compiled.operands.push_back(ToScalar(condition.values(i), compiled.ignore_case));
    }
    return compiled;
  }
  const Value& value = condition.value();
  CheckValue(field, compiled.op, value, path + ".value");
  if (compiled.test == Test::kEqualsAny) {
    compiled.operands.push_back(ToScalar(value, compiled.ignore_case));
    return compiled;
  }
  const bool pattern = compiled.test == Test::kRegex || compiled.test == Test::kGlob;
  compiled.text = compiled.ignore_case && !pattern ? absl::AsciiStrToLower(value.string_value())
                                                   : value.string_value();
  if (pattern && value.kind_case() == Value::kStringValue) {
    CompilePattern(value.string_value(), path + ".value", compiled);
  }
  return compiled;
}

}  // namespace

std::vector<CompiledCondition> CompileConditions(const v1::Trigger& trigger,
                                                 std::vector<FilterProblem>& problems) {
  Compiler compiler(trigger, problems);
  compiler.CheckEvent();
  if (trigger.has_github()) {
    return compiler.CompileList(trigger.github().filters(), false, "filters");
  }
  return compiler.CompileList(trigger.custom().filters(), false, "filters");
}

std::vector<FilterProblem> CheckFilters(const v1::Trigger& trigger) {
  std::vector<FilterProblem> problems;
  CompileConditions(trigger, problems);
  return problems;
}

}  // namespace routines
