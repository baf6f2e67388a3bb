// Compiles conditions and says what is wrong with them: their form, fields that the event does not
// have, operators and values that do not fit the field, and what could never hold.
#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "routines/routine.h"
#include "src/base/utf8.h"
#include "src/base/words.h"
#include "src/match/filter.h"
#include "src/match/filter_words.h"
#include "src/match/github_fields.h"
#include "src/match/json_pointer.h"
#include "src/match/regex_plain.h"

namespace routines {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Value;
using Test = CompiledCondition::Test;

constexpr size_t kMaxAttributeBytes = 256;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// Where in a trigger something stands. It is put into words where something is wrong with that, and
// most that is checked is right: routines are checked by the million.
struct Path {
  const Path* outer = nullptr;
  std::string_view key = {};
  int index = -1;

  Path Key(std::string_view name) const { return {.outer = this, .key = name}; }
  Path Item(int number) const { return {.outer = this, .index = number}; }

  std::string ToString() const {
    const std::string before = outer == nullptr ? "" : outer->ToString();
    if (index >= 0) return absl::StrCat(before, "[", index, "]");
    return absl::StrCat(before, before.empty() ? "" : ".", View(key));
  }
};

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
  std::string_view name = {};
  int row = -1;  // of a named field: which of its event's it is
};

Field::Kind KindOf(FieldType type) {
  if (type == FieldType::kBoolean) return Field::Kind::kBoolean;
  const bool set = type == FieldType::kLabels || type == FieldType::kPaths;
  return set ? Field::Kind::kSet : Field::Kind::kText;
}

std::vector<std::string> ToStrings(absl::Span<const std::string_view> words) {
  return {words.begin(), words.end()};
}

class Compiler {
 public:
  // `lazy`: regular expressions that are plainly right are not compiled.
  Compiler(const v1::Trigger& trigger, bool lazy, std::vector<FilterProblem>& problems)
      : github_(trigger.has_github()),
        lazy_(lazy),
        event_(trigger.github().event()),
        problems_(problems) {}

  void CheckEvent() {
    if (!github_) return;
    rows_ = FieldRecipesOf(event_);
    if (!rows_.empty() || FindGithubEvent(event_) != nullptr) return;
    std::vector<std::string> events;
    for (const GithubEventInfo& info : GithubEvents()) events.emplace_back(info.event);
    Broken({.key = "event"}, event_.empty() ? "is required; write one such as pull_request"
                                            : UnknownWord("event", event_, events));
    event_ = {};  // so that fields are held to the table of all events
  }

  std::vector<CompiledCondition> CompileList(const RepeatedPtrField<v1::Condition>& conditions,
                                             bool in_group, const Path& list) {
    std::vector<CompiledCondition> compiled;
    compiled.reserve(static_cast<size_t>(conditions.size()));
    for (int i = 0; i < conditions.size(); ++i) {
      const v1::Condition& condition = conditions[i];
      const Path path = list.Item(i);
      CompiledCondition& out = compiled.emplace_back();  // Explain goes through both lists together
      if (condition.any_of_size() == 0) {
        CompileComparison(condition, path, out);
      } else if (in_group) {
        Broken(path.Key("any_of"), "stands in an any_of; write its conditions into the outer one");
      } else {
        Require(condition.field().empty() && condition.operator_() == v1::OPERATOR_UNSPECIFIED &&
                    !condition.has_value() && condition.values_size() == 0,
                path, "has any_of and a comparison; write them as two conditions");
        out.any_of = CompileList(condition.any_of(), true, path.Key("any_of"));
      }
    }
    return compiled;
  }

 private:
  void Broken(const Path& path, std::string message) {
    problems_.push_back({path.ToString(), std::move(message)});
  }

  // `message` is a text, or makes one.
  template <typename Message>
  bool Require(bool holds, const Path& path, const Message& message) {
    if (holds) return true;
    if constexpr (std::is_invocable_v<Message>) {
      Broken(path, message());
    } else {
      Broken(path, message);
    }
    return false;
  }

  Field ResolveNamed(std::string_view name, const Path& path);
  Field Resolve(std::string_view name, const Path& path);
  void CompileComparison(const v1::Condition& condition, const Path& path,
                         CompiledCondition& compiled);
  bool CheckShape(const v1::Condition& condition, const Path& path);
  bool CheckOneValueShape(const v1::Condition& condition, const Path& path);
  bool CheckOperator(const Field& field, v1::Operator op, const Path& path);
  void CheckValue(const Field& field, v1::Operator op, const Value& value, const Path& path);
  void CheckText(const Field& field, v1::Operator op, std::string_view text, const Path& path);
  void CheckWord(const Field& field, std::string_view text, const Path& path);
  void CompilePattern(std::string_view pattern, const Path& path, CompiledCondition& compiled);

  const bool github_;
  const bool lazy_;
  std::string_view event_;
  absl::Span<const FieldRecipe> rows_;  // of the event
  std::vector<FilterProblem>& problems_;
};

// A name that GitHub's table should have.
Field Compiler::ResolveNamed(std::string_view name, const Path& path) {
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].field != name) continue;
    return {KindOf(rows_[i].type), rows_[i].type, name, static_cast<int>(i)};
  }
  const std::vector<std::string> known = FieldsOf(event_);
  const std::string or_pointer = ", or a JSON pointer such as /repository/default_branch";
  const auto unknown = [&] {
    return absl::StrCat(UnknownWord("field", name, known),
                        NearestWord(name, known).empty() ? or_pointer : "");
  };
  if (event_.empty()) {  // the event is wrong, and reported; what its fields are is not known
    Require(std::find(known.begin(), known.end(), name) != known.end(), path, unknown);
    return {};
  }
  const std::vector<std::string> all = FieldsOf("");
  if (std::find(all.begin(), all.end(), name) != all.end()) {
    Broken(path, absl::StrCat(View(event_), " events have no ", View(name), "; write ",
                              OneOf(known), or_pointer));
  } else {
    Broken(path, unknown());
  }
  return {};
}

Field Compiler::Resolve(std::string_view name, const Path& path) {
  if (name.empty()) {
    Broken(path, "is required; name what the condition looks at");
    return {};
  }
  if (IsPointer(name)) {
    Require(ParseJsonPointer(name).has_value(), path, [&] {
      return absl::StrCat(Quoted(name), " is not a JSON pointer; write ~0 for ~ and ~1 for /");
    });
    return {Field::Kind::kAnything, FieldType::kText, name};
  }
  if (github_) return ResolveNamed(name, path);
  Require(!HasControlCharacter(name) && name.size() <= kMaxAttributeBytes, path,
          [&] { return absl::StrCat(Quoted(name), " is not the name of an attribute"); });
  return {Field::Kind::kText, FieldType::kText, name};
}

bool Compiler::CheckOneValueShape(const v1::Condition& condition, const Path& path) {
  const std::string_view word = OperatorWord(condition.operator_());
  const bool alone = Require(condition.values_size() == 0, path.Key("values"), [&] {
    return absl::StrCat("has no meaning with ", View(word), "; use value, or is_one_of");
  });
  if (condition.operator_() == v1::OPERATOR_EXISTS) {
    return Require(!condition.has_value() || condition.value().kind_case() == Value::kBoolValue,
                   path.Key("value"), "must be true or false with exists");
  }
  if (!condition.has_value()) {
    // With `values` there is one message already.
    if (alone) Broken(path.Key("value"), absl::StrCat("is required with ", View(word)));
    return false;
  }
  if (!Require(IsScalar(condition.value()), path.Key("value"),
               "must be a text, a number, true, false or null")) {
    return false;
  }
  return alone;
}

bool Compiler::CheckShape(const v1::Condition& condition, const Path& path) {
  const std::string_view word = OperatorWord(condition.operator_());
  if (word.empty()) {
    Broken(path.Key("operator"), absl::StrCat("is required; write ", OneOf(OperatorWords())));
    return false;
  }
  if (!TakesList(condition.operator_())) return CheckOneValueShape(condition, path);
  bool right = Require(!condition.has_value(), path.Key("value"), [&] {
    return absl::StrCat("has no meaning with ", View(word), "; write values: [ … ]");
  });
  const Path values = path.Key("values");
  right &= Require(condition.values_size() > 0 || condition.has_value(), values, [&] {
    return absl::StrCat("is required with ", View(word), "; write values: [ … ]");
  });
  for (int i = 0; i < condition.values_size(); ++i) {
    right &= Require(IsScalar(condition.values(i)), values.Item(i),
                     "must be a text, a number, true, false or null");
  }
  return right;
}

bool Compiler::CheckOperator(const Field& field, v1::Operator op, const Path& path) {
  return Require(field.kind != Field::Kind::kBoolean || !TakesText(op), path.Key("operator"), [&] {
    return absl::StrCat(View(OperatorWord(op)), " looks into texts, and ", View(field.name),
                        " is true or false; write equals");
  });
}

void Compiler::CheckValue(const Field& field, v1::Operator op, const Value& value,
                          const Path& path) {
  const auto kind = value.kind_case();
  if (TakesText(op) && kind != Value::kStringValue) {
    Broken(path,
           absl::StrCat("must be text with ", View(OperatorWord(op)), "; write it in quotes"));
    return;
  }
  switch (field.kind) {
    case Field::Kind::kUnknown:
    case Field::Kind::kAnything:
      return;
    case Field::Kind::kBoolean:
      Require(kind == Value::kBoolValue || kind == Value::kNullValue, path, [&] {
        return absl::StrCat("must be true or false, without quotes: ", View(field.name),
                            " is no text");
      });
      return;
    case Field::Kind::kSet:
      if (kind == Value::kNullValue) {
        Broken(path, absl::StrCat("must be text: ", View(field.name),
                                  " is a set of texts; for the empty one write operator: exists, "
                                  "value: false"));
        return;
      }
      break;
    case Field::Kind::kText:
      if (kind == Value::kNullValue) return;
      break;
  }
  const bool text = Require(kind == Value::kStringValue, path, [&] {
    return absl::StrCat("must be text: ", View(field.name), " is ",
                        field.kind == Field::Kind::kSet ? "a set of texts" : "a text",
                        "; write it in quotes");
  });
  if (text) CheckText(field, op, value.string_value(), path);
}

void Compiler::CheckText(const Field& field, v1::Operator op, std::string_view text,
                         const Path& path) {
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
  for (const WrongBeginning& wrong : WrongBeginnings(field.type, field.name)) {
    if (beginning.substr(0, wrong.beginning.size()) != wrong.beginning) continue;
    Broken(path, absl::StrCat(Quoted(text), " can never match: ", View(wrong.because), "; write ",
                              Quoted(beginning.substr(wrong.beginning.size()))));
    return;
  }
}

// GitHub may come to use words that are not known here: a pointer takes any.
void Compiler::CheckWord(const Field& field, std::string_view text, const Path& path) {
  const absl::Span<const std::string_view> words = WordsOfField(event_, field.name);
  if (words.empty() || text.empty()) return;
  const bool known = std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return IgnoresCase(field.type) ? absl::EqualsIgnoreCase(View(word), View(text)) : word == text;
  });
  if (known) return;
  const FieldInfo* info = FindGithubField(event_, field.name);
  const std::string_view pointer = info->path.substr(0, info->path.find_first_of(" :"));
  Broken(path, absl::StrCat(UnknownWord(field.name, text, ToStrings(words)),
                            " (for one that GitHub has come to use since, write field: ",
                            View(pointer), ")"));
}

void Compiler::CompilePattern(std::string_view pattern, const Path& path,
                              CompiledCondition& compiled) {
  if (compiled.test == Test::kGlob) {
    absl::StatusOr<Glob> glob = Glob::Compile(pattern, compiled.ignore_case);
    if (Require(glob.ok(), path, [&] { return std::string(glob.status().message()); })) {
      compiled.glob = *std::move(glob);
    }
    return;
  }
  if (lazy_ && IsPlainRegex(pattern)) return;
  if (!Require(CountCodePoints(pattern).value_or(0) <= kMaxRegexCharacters, path, [] {
        return absl::StrCat("is longer than ", kMaxRegexCharacters, " characters");
      })) {
    return;
  }
  std::unique_ptr<const RE2> regex = CompileRegex(pattern, compiled.ignore_case);
  if (!Require(regex->ok(), path, [&] {
        return absl::StrCat("is not a regular expression (RE2): ", Abbreviated(regex->error()));
      })) {
    return;
  }
  if (Require(regex->ProgramSize() <= kMaxRegexProgram, path, [&] {
        return absl::StrCat("is too large a regular expression: ", regex->ProgramSize(),
                            " steps, at most ", kMaxRegexProgram,
                            " are allowed; shorten its repetitions");
      })) {
    compiled.regex = std::move(regex);
  }
}

void Compiler::CompileComparison(const v1::Condition& condition, const Path& path,
                                 CompiledCondition& compiled) {
  const Field field = Resolve(condition.field(), path.Key("field"));
  compiled.field = condition.field();
  compiled.row = field.row;
  compiled.op = condition.operator_();
  compiled.test = TestOf(compiled.op);
  compiled.negated = IsNegative(compiled.op);
  compiled.ignore_case = IgnoresCase(field.type);
  if (!CheckShape(condition, path) || !CheckOperator(field, compiled.op, path)) return;
  if (compiled.test == Test::kExists) {
    compiled.negated = condition.has_value() && !condition.value().bool_value();
    return;
  }
  if (TakesList(compiled.op)) {
    const Path values = path.Key("values");
    compiled.operands.reserve(static_cast<size_t>(condition.values_size()));
    for (int i = 0; i < condition.values_size(); ++i) {
      CheckValue(field, compiled.op, condition.values(i), values.Item(i));
      compiled.operands.push_back(ToScalar(condition.values(i), compiled.ignore_case));
    }
    return;
  }
  const Value& value = condition.value();
  CheckValue(field, compiled.op, value, path.Key("value"));
  if (compiled.test == Test::kEqualsAny) {
    compiled.operands.push_back(ToScalar(value, compiled.ignore_case));
    return;
  }
  const bool pattern = compiled.test == Test::kRegex || compiled.test == Test::kGlob;
  compiled.text = value.string_value();
  if (compiled.ignore_case && !pattern) absl::AsciiStrToLower(&compiled.text);
  if (pattern && value.kind_case() == Value::kStringValue) {
    CompilePattern(value.string_value(), path.Key("value"), compiled);
  }
}

std::vector<CompiledCondition> Compile(const v1::Trigger& trigger, bool lazy,
                                       std::vector<FilterProblem>& problems) {
  Compiler compiler(trigger, lazy, problems);
  compiler.CheckEvent();
  const auto& filters =
      trigger.has_github() ? trigger.github().filters() : trigger.custom().filters();
  return compiler.CompileList(filters, false, {.key = "filters"});
}

}  // namespace

std::vector<CompiledCondition> CompileConditions(const v1::Trigger& trigger,
                                                 std::vector<FilterProblem>& problems) {
  return Compile(trigger, false, problems);
}

std::vector<CompiledCondition> CheckConditions(const v1::Trigger& trigger,
                                               std::vector<FilterProblem>& problems) {
  return Compile(trigger, true, problems);
}

std::vector<FilterProblem> CheckFilters(const v1::Trigger& trigger) {
  std::vector<FilterProblem> problems;
  CheckConditions(trigger, problems);
  return problems;
}

}  // namespace routines
