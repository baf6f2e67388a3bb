#include "src/match/index_stream.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/match/filter.h"

namespace routines {
namespace {

// The paths of all fields of a chunk, and where each begins in the plan.
absl::Status CompilePlan(FieldChunk& chunk, std::string_view last_path) {
  std::vector<std::string_view> paths;
  TargetMask patterns = 0;
  for (size_t i = 0; i < chunk.fields.size(); ++i) {
    StreamField& field = chunk.fields[i];
    field.first_target = static_cast<uint8_t>(paths.size());
    if (field.recipe != nullptr) {
      const bool stars = field.recipe->derivation == Derivation::kUnion;
      for (const std::string_view path : field.recipe->used_paths()) {
        if (stars) patterns |= TargetBit(static_cast<int>(paths.size()));
        paths.push_back(path);
      }
    } else if (field.pointer) {
      paths.push_back(field.name);
    }
    field.targets = static_cast<uint8_t>(paths.size() - field.first_target);
    chunk.targets_of_fields[i] = 0;
    for (uint8_t t = 0; t < field.targets; ++t) {
      chunk.targets_of_fields[i] |= TargetBit(field.first_target + t);
    }
  }
  if (!last_path.empty()) paths.push_back(last_path);
  absl::StatusOr<ExtractionPlan> plan = ExtractionPlan::Compile(paths, patterns);
  if (!plan.ok()) return plan.status();
  chunk.plan = *std::move(plan);
  return absl::OkStatus();
}

size_t TargetsOf(const FieldChunk& chunk) {
  size_t targets = 0;
  for (const StreamField& field : chunk.fields) targets += field.targets;
  return targets;
}

}  // namespace

TargetMask FieldChunk::TargetsOf(uint64_t wanted) const {
  TargetMask targets = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    if ((wanted >> i & 1) != 0) targets |= targets_of_fields[i];
  }
  return targets;
}

// A github stream begins with the event's fields and the action.
Stream::Stream(std::string own_key, std::string_view source, std::string_view event,
               EpochDomain& epochs)
    : key_(std::move(own_key)), github_(source == "github"), epochs_(epochs) {
  auto chunk = std::make_shared<FieldChunk>();
  if (github_) {
    for (const FieldRecipe& recipe : FieldRecipes()) {
      if (recipe.event != event) continue;
      chunk->fields.push_back({.name = std::string(recipe.field),
                               .recipe = &recipe,
                               .ignore_case = IgnoresCase(recipe.type)});
    }
    action_field_ = static_cast<uint16_t>(chunk->fields.size());
    chunk->fields.push_back({.name = std::string(kActionPath), .pointer = true});
    for (size_t i = 0; i < action_field_; ++i) {
      numbers_.emplace(chunk->fields[i].name, static_cast<uint16_t>(i));
    }
    CompilePlan(*chunk, kRepositoryPath).IgnoreError();  // of constants
  }
  auto table = std::make_unique<Table>();
  table->chunks.push_back(std::move(chunk));
  table_.store(table.release(), std::memory_order_release);
}

Stream::~Stream() {
  delete table_.load(std::memory_order_relaxed);
}

int Stream::Table::ActionNumber(std::string_view action) const {
  const auto known = std::find(actions.begin(), actions.end(), action);
  return known == actions.end() ? -1 : static_cast<int>(known - actions.begin());
}

int Stream::ActionNumber(std::string_view action) {
  const Table& old = table();
  if (const int known = old.ActionNumber(action); known >= 0) return known;
  if (old.actions.size() == kMostActions) return -1;
  auto table = std::make_unique<Table>(old);
  table->actions.emplace_back(action);
  Publish(std::move(table));
  return static_cast<int>(this->table().actions.size()) - 1;
}

void Stream::NumberActions(const Table& table, absl::Span<Scalar> actions) {
  static const std::array<char, kMostActions>& bytes = *[] {
    auto* made = new std::array<char, kMostActions>;
    std::iota(made->begin(), made->end(), 0);
    return made;
  }();
  for (Scalar& action : actions) {
    if (action.tag != Tag::kText) continue;
    const int number = table.ActionNumber(action.text);
    if (number >= 0) action = {.tag = Tag::kWord, .text = {&bytes[number], 1}};
  }
}

absl::StatusOr<uint16_t> Stream::FieldNumber(std::string_view name) {
  const auto known = numbers_.find(absl::string_view(name.data(), name.size()));
  if (known != numbers_.end()) return known->second;
  if (absl::Status status = AddField(name); !status.ok()) return status;
  return numbers_.find(absl::string_view(name.data(), name.size()))->second;
}

// New fields go into a chunk of their own as soon as there is one beside the first: the first
// keeps its plan, and a new field costs the compilation of one chunk.
absl::Status Stream::AddField(std::string_view name) {
  const Table& old = table();
  if (numbers_.size() >= kMostFields) {
    return absl::ResourceExhaustedError(
        absl::StrCat("filters of one event look at ", kMostFields,
                     " different fields already; use a field that another routine uses"));
  }
  auto table = std::make_unique<Table>(old);
  std::shared_ptr<FieldChunk> chunk;
  const bool fits = old.chunks.back()->fields.size() < FieldChunk::kMostFields &&
                    TargetsOf(*old.chunks.back()) + 1 < ExtractionPlan::kMostTargets;
  if (fits) {
    chunk = std::make_shared<FieldChunk>(*table->chunks.back());
    table->chunks.pop_back();
  } else {
    chunk = std::make_shared<FieldChunk>();
  }
  chunk->fields.push_back({.name = std::string(name), .pointer = IsPointer(name)});
  const bool first = table->chunks.empty();
  if (absl::Status status =
          CompilePlan(*chunk, first && github_ ? kRepositoryPath : std::string_view());
      !status.ok()) {
    return status;
  }
  const size_t number = table->chunks.size() * FieldChunk::kMostFields + chunk->fields.size() - 1;
  table->chunks.push_back(std::move(chunk));
  numbers_.emplace(std::string(name), static_cast<uint16_t>(number));
  Publish(std::move(table));
  return absl::OkStatus();
}

void Stream::Publish(std::unique_ptr<const Table> table) {
  std::unique_ptr<const Table> old(table_.exchange(table.release(), std::memory_order_acq_rel));
  epochs_.Retire(std::move(old));
}

}  // namespace routines
