#include "src/match/index_compile.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/match/filter.h"

namespace routines {
namespace {

using Test = CompiledCondition::Test;

constexpr size_t kMostOperands = 65535;
constexpr size_t kLongestOperand = 1 << 20;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

ClauseKind KindOf(Test test) {
  switch (test) {
    case Test::kEqualsAny:
      return ClauseKind::kEqualsAny;
    case Test::kContains:
      return ClauseKind::kContains;
    case Test::kStartsWith:
      return ClauseKind::kStartsWith;
    case Test::kEndsWith:
      return ClauseKind::kEndsWith;
    case Test::kExists:
      return ClauseKind::kExists;
    case Test::kRegex:
    case Test::kGlob:
      break;
  }
  return ClauseKind::kPattern;
}

// What is tested first: what is cheap.
int CostOf(const CompiledCondition& condition) {
  return condition.any_of.empty() ? static_cast<int>(KindOf(condition.test)) : 100;
}

void AddScalarOperand(const ScalarValue& value, RecordWriter& writer) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    writer.AddOperand(Tag::kText, *text);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    writer.AddOperand(*flag ? Tag::kTrue : Tag::kFalse, "");
  } else if (const auto* number = std::get_if<double>(&value)) {
    const double one_zero = *number + 0.0;
    char bytes[sizeof(double)];
    std::memcpy(bytes, &one_zero, sizeof(bytes));
    writer.AddOperand(Tag::kNumber, {bytes, sizeof(bytes)});
  } else {
    writer.AddOperand(Tag::kAbsent, "");
  }
}

absl::Status CheckSize(const CompiledCondition& condition) {
  const bool long_text = condition.text.size() > kLongestOperand ||
                         std::any_of(condition.operands.begin(), condition.operands.end(),
                                     [](const ScalarValue& operand) {
                                       const auto* text = std::get_if<std::string>(&operand);
                                       return text != nullptr && text->size() > kLongestOperand;
                                     });
  if (long_text) {
    return absl::InvalidArgumentError(absl::StrCat("a value of the condition on ", condition.field,
                                                   " is longer than ", kLongestOperand,
                                                   " bytes; shorten it"));
  }
  if (condition.operands.size() > kMostOperands) {
    return absl::InvalidArgumentError(absl::StrCat("the condition on ", condition.field, " has ",
                                                   condition.operands.size(), " values; at most ",
                                                   kMostOperands, " are allowed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TriggerCompiler::Compile(const v1::Routine& routine, uint64_t handle,
                                      CompiledRoutine& out) {
  if (routine.triggers_size() > 0xffff) {
    return absl::InvalidArgumentError("a routine has more than 65,535 triggers");
  }
  for (int i = 0; i < routine.triggers_size(); ++i) {
    const v1::Trigger& trigger = routine.triggers(i);
    if (!trigger.has_github() && !trigger.has_custom()) continue;
    const uint64_t match = handle << 16 | static_cast<uint64_t>(i);
    if (absl::Status status = CompileTrigger(trigger, match, out); !status.ok()) {
      return absl::Status(
          status.code(),
          absl::StrCat("routine ", routine.name(), ": triggers[", i, "].",
                       trigger.has_github() ? "github" : "custom", ".", status.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status TriggerCompiler::CompileTrigger(const v1::Trigger& trigger, uint64_t match,
                                             CompiledRoutine& out) {
  std::vector<FilterProblem> problems;
  std::vector<CompiledCondition> conditions = CompileConditions(trigger, problems);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(problems[0].path, " ", problems[0].message));
  }
  if (trigger.disabled()) return absl::OkStatus();
  const bool github = trigger.has_github();
  Stream& stream = github ? index_.StreamOf("github", trigger.github().event())
                          : index_.StreamOf(trigger.custom().source(), "");
  std::stable_sort(conditions.begin(), conditions.end(),
                   [](const auto& a, const auto& b) { return CostOf(a) < CostOf(b); });
  RecordWriter writer(match);
  if (github && trigger.github().actions_size() > 0) {
    writer.BeginClause(ClauseKind::kEqualsAny, 0, stream.action_field());
    for (const std::string& action : trigger.github().actions()) {
      if (!action.empty()) writer.AddOperand(Tag::kText, action);
    }
  }
  for (const CompiledCondition& condition : conditions) {
    if (absl::Status status = AddCondition(condition, true, stream, writer, out); !status.ok()) {
      return status;
    }
  }
  const std::string record = std::move(writer).Finish();
  std::string key;
  if (!github) {
    CustomGroupKey(trigger.custom().source(), trigger.custom().type(), key);
    out.records.push_back({&index_.GroupOf(key, stream), record});
    return absl::OkStatus();
  }
  const size_t before = out.records.size();
  for (const std::string& pattern : trigger.github().repositories()) {
    GithubGroupKey(trigger.github().event(), absl::AsciiStrToLower(pattern), key);
    Group* const group = &index_.GroupOf(key, stream);
    const bool twice = std::any_of(out.records.begin() + before, out.records.end(),
                                   [&](const PlacedRecord& other) { return other.group == group; });
    if (!twice) out.records.push_back({group, record});
  }
  return absl::OkStatus();
}

absl::Status TriggerCompiler::AddCondition(const CompiledCondition& condition, bool top,
                                           Stream& stream, RecordWriter& writer,
                                           CompiledRoutine& out) {
  if (!condition.any_of.empty()) {
    writer.BeginClause(ClauseKind::kAnyOf, 0, 0, static_cast<uint16_t>(condition.any_of.size()));
    for (const CompiledCondition& inner : condition.any_of) {
      if (absl::Status status = AddCondition(inner, false, stream, writer, out); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }
  if (absl::Status status = CheckSize(condition); !status.ok()) return status;
  const absl::StatusOr<uint16_t> field = stream.FieldNumber(condition.field);
  if (!field.ok()) return field.status();
  const ClauseKind kind = KindOf(condition.test);
  if (kind == ClauseKind::kPattern) {
    AddPattern(condition, *field, top, writer, out);
    return absl::OkStatus();
  }
  writer.BeginClause(kind, condition.negated ? kNegated : 0, *field);
  if (kind == ClauseKind::kEqualsAny) {
    for (const ScalarValue& operand : condition.operands) AddScalarOperand(operand, writer);
  } else if (kind != ClauseKind::kExists) {
    writer.AddOperand(Tag::kText, condition.text);
  }
  return absl::OkStatus();
}

void TriggerCompiler::AddPattern(const CompiledCondition& condition, uint16_t field, bool top,
                                 RecordWriter& writer, CompiledRoutine& out) {
  out.patterns.push_back(patterns_.Get(condition));
  const Pattern* const pattern = out.patterns.back().get();
  char address[sizeof(pattern)];
  std::memcpy(address, &pattern, sizeof(pattern));
  if (top) {
    const RequiredTexts required = RequiredTextsOf(condition);
    const auto imply = [&](ClauseKind kind, const std::string& text) {
      if (text.empty()) return;
      writer.BeginClause(kind, kImplied, field);
      writer.AddOperand(Tag::kText, text);
    };
    imply(ClauseKind::kStartsWith, required.prefix);
    imply(ClauseKind::kEndsWith, required.suffix);
    imply(ClauseKind::kContains, required.infix);
  }
  writer.BeginClause(ClauseKind::kPattern, condition.negated ? kNegated : 0, field);
  writer.AddOperand(Tag::kAbsent, {address, sizeof(address)});
}

}  // namespace routines
