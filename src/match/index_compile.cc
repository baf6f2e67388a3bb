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
constexpr size_t kLongestRecord = 16 << 20;

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

// What is tested first: what is cheap.
void SortByCost(std::vector<CompiledCondition>& conditions) {
  const auto cheaper = [](const CompiledCondition& a, const CompiledCondition& b) {
    return CostOf(a) < CostOf(b);
  };
  if (std::is_sorted(conditions.begin(), conditions.end(), cheaper)) return;
  std::stable_sort(conditions.begin(), conditions.end(), cheaper);
}

absl::Status CheckSize(const CompiledCondition& condition) {
  const bool long_text = condition.text.size() > kLongestOperand ||
                         std::any_of(condition.operands.begin(), condition.operands.end(),
                                     [](const ScalarValue& operand) {
                                       const auto* text = std::get_if<std::string>(&operand);
                                       return text != nullptr && text->size() > kLongestOperand;
                                     });
  if (long_text) {
    return absl::InvalidArgumentError(absl::StrCat("a value of the condition on ",
                                                   View(condition.field), " is longer than ",
                                                   kLongestOperand, " bytes; shorten it"));
  }
  if (condition.operands.size() > kMostOperands) {
    return absl::InvalidArgumentError(
        absl::StrCat("the condition on ", View(condition.field), " has ", condition.operands.size(),
                     " values; at most ", kMostOperands, " are allowed"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TriggerCompiler::Compile(const v1::Routine& routine, CompiledRoutines& out) {
  if (routine.triggers_size() > 0xffff) {
    return absl::InvalidArgumentError("a routine has more than 65,535 triggers");
  }
  const size_t bytes = out.bytes.size();
  const size_t placements = out.placements.size();
  const size_t patterns = out.patterns.size();
  for (int i = 0; i < routine.triggers_size(); ++i) {
    const v1::Trigger& trigger = routine.triggers(i);
    if (!trigger.has_github() && !trigger.has_custom()) continue;
    const absl::Status status = CompileTrigger(trigger, static_cast<uint64_t>(i), out);
    if (status.ok()) continue;
    out.bytes.resize(bytes);
    out.placements.resize(placements);
    absl::MutexLock lock(&shared_.mutex);
    for (; out.patterns.size() > patterns; out.patterns.pop_back()) {
      shared_.patterns.Release(out.patterns.back());  // that no reader has seen
    }
    return absl::Status(
        status.code(),
        absl::StrCat("routine ", routine.name(), ": triggers[", i, "].",
                     trigger.has_github() ? "github" : "custom", ".", status.message()));
  }
  return absl::OkStatus();
}

// The next one is mostly of the same event.
Stream& TriggerCompiler::StreamOf(const v1::Trigger& trigger) {
  const bool github = trigger.has_github();
  const std::string_view source = github ? std::string_view("github") : trigger.custom().source();
  const std::string_view event = github ? std::string_view(trigger.github().event()) : "";
  StreamKey(source, event, key_);
  if (stream_ == nullptr || stream_->key() != key_) {
    absl::MutexLock lock(&shared_.mutex);
    stream_ = &shared_.index.StreamOf(source, event);
  }
  return *stream_;
}

absl::StatusOr<uint16_t> TriggerCompiler::FieldOf(const CompiledCondition& condition,
                                                  Stream& stream) {
  if (condition.row >= 0) return static_cast<uint16_t>(condition.row);
  absl::MutexLock lock(&shared_.mutex);
  return stream.FieldNumber(condition.field);
}

void TriggerCompiler::AddActions(const v1::GithubTrigger& github, Stream& stream) {
  const auto& actions = github.actions();
  if (actions.empty()) return;
  const auto empty = std::count(actions.begin(), actions.end(), "");
  writer_.AddClause(ClauseKind::kEqualsAny, 0, stream.action_field(),
                    static_cast<uint16_t>(actions.size() - empty));
  for (const std::string& action : actions) {
    if (action.empty()) continue;
    int number = stream.table().ActionNumber(action);
    if (number < 0) {
      absl::MutexLock lock(&shared_.mutex);
      number = stream.ActionNumber(action);
    }
    const char byte = static_cast<char>(number);
    if (number >= 0) {
      writer_.AddOperand(Tag::kWord, {&byte, 1});
    } else {
      writer_.AddOperand(Tag::kText, action);
    }
  }
}

absl::Status TriggerCompiler::CompileTrigger(const v1::Trigger& trigger, uint64_t index,
                                             CompiledRoutines& out) {
  std::vector<FilterProblem> problems;
  std::vector<CompiledCondition> conditions = CheckConditions(trigger, problems);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(problems[0].path, " ", problems[0].message));
  }
  if (trigger.disabled()) return absl::OkStatus();
  if (trigger.github().actions_size() > static_cast<int>(kMostOperands)) {
    return absl::InvalidArgumentError("actions has more than 65,535 values");
  }
  Stream& stream = StreamOf(trigger);
  SortByCost(conditions);
  writer_.Begin();
  AddActions(trigger.github(), stream);
  for (const CompiledCondition& condition : conditions) {
    if (absl::Status status = AddCondition(condition, true, stream, out); !status.ok()) {
      return status;
    }
  }
  if (writer_.bytes() > kLongestRecord) {
    return absl::InvalidArgumentError(absl::StrCat("filters take ", writer_.bytes(),
                                                   " bytes; at most ", kLongestRecord,
                                                   " are allowed: make it several triggers"));
  }
  const size_t record = out.bytes.size();
  writer_.Finish(out.bytes);
  const size_t first = out.placements.size();
  if (!trigger.has_github()) {
    CustomGroupKey(trigger.custom().source(), trigger.custom().type(), key_);
    Place(index, stream, record, first, out);
  }
  for (const std::string& pattern : trigger.github().repositories()) {
    GithubGroupKey(trigger.github().event(), absl::AsciiStrToLower(pattern), key_);
    Place(index, stream, record, first, out);
  }
  return absl::OkStatus();
}

void TriggerCompiler::Place(uint64_t trigger, Stream& stream, size_t record, size_t first_placement,
                            CompiledRoutines& out) {
  const uint64_t hash = shared_.index.HashOfGroup(key_);
  const bool twice = std::any_of(out.placements.begin() + first_placement, out.placements.end(),
                                 [&](const CompiledRoutines::Placement& other) {
                                   return other.group_hash == hash && out.key(other) == key_;
                                 });
  if (twice) return;
  out.placements.push_back({.group_hash = hash,
                            .trigger = trigger,
                            .stream = &stream,
                            .key = out.bytes.size(),
                            .key_size = key_.size(),
                            .record = record});
  out.bytes.append(key_);
}

absl::Status TriggerCompiler::AddCondition(const CompiledCondition& condition, bool top,
                                           Stream& stream, CompiledRoutines& out) {
  if (!condition.any_of.empty()) {
    if (condition.any_of.size() > kMostOperands) {
      return absl::InvalidArgumentError("an any_of has more than 65,535 conditions");
    }
    writer_.AddClause(ClauseKind::kAnyOf, 0, 0, static_cast<uint16_t>(condition.any_of.size()));
    for (const CompiledCondition& inner : condition.any_of) {
      if (absl::Status status = AddCondition(inner, false, stream, out); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }
  if (absl::Status status = CheckSize(condition); !status.ok()) return status;
  const absl::StatusOr<uint16_t> field = FieldOf(condition, stream);
  if (!field.ok()) return field.status();
  const uint8_t flags = condition.negated ? kNegated : 0;
  const ClauseKind kind = KindOf(condition.test);
  if (kind == ClauseKind::kPattern) {
    AddPattern(condition, *field, top, out);
  } else if (kind == ClauseKind::kEqualsAny) {
    writer_.AddClause(kind, flags, *field, static_cast<uint16_t>(condition.operands.size()));
    for (const ScalarValue& operand : condition.operands) AddScalarOperand(operand, writer_);
  } else if (kind == ClauseKind::kExists) {
    writer_.AddClause(kind, flags, *field, 0);
  } else {
    writer_.AddClause(kind, flags, *field, 1);
    writer_.AddOperand(Tag::kText, condition.text);
  }
  return absl::OkStatus();
}

void TriggerCompiler::AddPattern(const CompiledCondition& condition, uint16_t field, bool top,
                                 CompiledRoutines& out) {
  const Pattern* pattern;
  {
    absl::MutexLock lock(&shared_.mutex);
    pattern = shared_.patterns.Get(condition);
  }
  out.patterns.push_back(pattern);
  char address[sizeof(pattern)];
  std::memcpy(address, &pattern, sizeof(pattern));
  if (top) {
    const RequiredTexts required = RequiredTextsOf(condition);
    const auto imply = [&](ClauseKind kind, const std::string& text) {
      if (text.empty()) return;
      writer_.AddClause(kind, kImplied, field, 1);
      writer_.AddOperand(Tag::kText, text);
    };
    imply(ClauseKind::kStartsWith, required.prefix);
    imply(ClauseKind::kEndsWith, required.suffix);
    imply(ClauseKind::kContains, required.infix);
  }
  writer_.AddClause(ClauseKind::kPattern, condition.negated ? kNegated : 0, field, 1);
  writer_.AddOperand(Tag::kAbsent, {address, sizeof(address)});
}

}  // namespace routines
