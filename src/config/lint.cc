#include "routines/lint.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/schedule.h"
#include "src/config/document.h"
#include "src/config/lint_filters.h"
#include "src/config/message_reader.h"

namespace routines {
namespace {

constexpr int kInstants = 64;  // of a schedule, that are held against another's
constexpr absl::Duration kFar = absl::Hours(24 * 366);
constexpr char kSessions[] = "session";  // the source of what sessions come to

struct File {
  std::string name;
  v1::Routine routine;
  MessageReader reader;
  std::string Name() const { return absl::StrCat(routine.account(), "/", routine.name()); }
};

struct Clockwork {
  const File* file;
  std::string path;
  Schedule schedule;
  std::vector<absl::Time> instants;
};

class Linter {
 public:
  Linter(const std::vector<LintSource>& sources, absl::Time now) : sources_(sources), now_(now) {}

  std::vector<Problem> Run() {
    files_.reserve(sources_.size());
    for (const LintSource& source : sources_) Load(source);
    for (const File& file : files_) {
      for (int i = 0; i < file.routine.triggers_size(); ++i) LintTrigger(file, i);
    }
    LintSchedules();
    LintCircles();
    return std::move(problems_);
  }

 private:
  void Load(const LintSource& source);
  void LintTrigger(const File& file, int index);
  void LintSchedule(const File& file, const v1::ScheduleTrigger& trigger, const std::string& path);
  void LintSchedules();
  void LintCircles();
  std::set<int> StartedBy(const File& file) const;
  std::vector<int> WayBack(int from) const;
  void Report(const File& file, const std::string& path, std::string message);

  const std::vector<LintSource>& sources_;
  const absl::Time now_;
  std::vector<File> files_;
  std::vector<Clockwork> clockworks_;
  std::vector<std::set<int>> starts_;  // by place in files_: those that it starts
  std::vector<Problem> problems_;
};

void Linter::Load(const LintSource& source) {
  LoadResult loaded = LoadRoutine(source.text, source.file);
  if (!loaded.ok()) {
    problems_.insert(problems_.end(), loaded.problems.begin(), loaded.problems.end());
    return;
  }
  File& file = files_.emplace_back(File{source.file, std::move(loaded.routine), {}});
  v1::Routine again;  // for the places of its fields
  file.reader.Read(ParseDocument(source.text).root, &again);
}

void Linter::Report(const File& file, const std::string& path, std::string message) {
  const Position position = file.reader.PositionOf(path);
  problems_.push_back({file.name, position.line, position.column, path, std::move(message)});
}

void Linter::LintTrigger(const File& file, int index) {
  const v1::Trigger& trigger = file.routine.triggers(index);
  const std::string path = absl::StrCat("triggers[", index, "]");
  if (trigger.disabled()) return;
  if (trigger.has_schedule()) {
    LintSchedule(file, trigger.schedule(), absl::StrCat(path, ".schedule"));
  }
  const auto filters = [&](const auto& kind, const char* name, const std::string& event) {
    for (const config::Finding& finding : config::LintFilters(kind.filters(), event)) {
      Report(file, absl::StrCat(path, ".", name, ".filters", finding.path), finding.message);
    }
  };
  if (trigger.has_github()) filters(trigger.github(), "github", trigger.github().event());
  if (trigger.has_custom()) filters(trigger.custom(), "custom", "");
}

void Linter::LintSchedule(const File& file, const v1::ScheduleTrigger& trigger,
                          const std::string& path) {
  absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(trigger);
  if (!schedule.ok()) return;  // ValidateRoutine's
  if (schedule->Next(now_) == absl::InfiniteFuture()) {
    Report(
        file, path,
        absl::StrCat("is over: ", schedule->Describe(), " fires never again; give it a new time"));
    return;
  }
  Clockwork& clockwork = clockworks_.emplace_back(Clockwork{&file, path, *schedule, {}});
  clockwork.instants = schedule->Between(now_, now_ + kFar, kInstants);
}

// Whether `sparse` never fires but when `dense` does.
bool AlwaysTogether(const Clockwork& sparse, const Clockwork& dense) {
  return sparse.instants.size() > 1 &&
         std::all_of(sparse.instants.begin(), sparse.instants.end(), [&](absl::Time instant) {
           return dense.schedule.Next(instant - absl::Nanoseconds(1)) == instant;
         });
}

// Two schedules of one routine, or two routines of one account whose schedules are the same.
void Linter::LintSchedules() {
  for (size_t later = 1; later < clockworks_.size(); ++later) {
    for (size_t i = 0; i < later; ++i) {
      const Clockwork &a = clockworks_[i], &b = clockworks_[later];
      const bool same_routine = a.file == b.file;
      if (a.file->routine.account() != b.file->routine.account()) continue;
      const bool b_in_a = AlwaysTogether(b, a), a_in_b = AlwaysTogether(a, b);
      if (same_routine ? !b_in_a && !a_in_b : !b_in_a || !a_in_b) continue;
      Report(*b.file, b.path,
             absl::StrCat(b.schedule.Describe(),
                          b_in_a ? " never fires but when " : " fires whenever ",
                          same_routine ? a.path : absl::StrCat(a.file->Name(), " ", a.path),
                          " does (", a.schedule.Describe(), "); ",
                          same_routine ? "take one of them out"
                                       : "move one by some minutes, or give both a spread"));
      break;
    }
  }
}

// Whether the end of a session of `name` may start this trigger, as its scope and its filters on
// the attribute `routine` say.
bool StartsAfter(const v1::Trigger& trigger, const std::string& name) {
  if (trigger.disabled() || !trigger.has_custom() || trigger.custom().source() != kSessions) {
    return false;
  }
  for (const v1::Condition& condition : trigger.custom().filters()) {
    if (condition.field() != "routine") continue;
    const bool positive = condition.operator_() == v1::OPERATOR_EQUALS ||
                          condition.operator_() == v1::OPERATOR_IS_ONE_OF;
    const bool negative = condition.operator_() == v1::OPERATOR_NOT_EQUALS ||
                          condition.operator_() == v1::OPERATOR_IS_NOT_ONE_OF;
    bool among = condition.value().string_value() == name;
    for (const auto& value : condition.values()) among |= value.string_value() == name;
    if ((positive && !among) || (negative && among)) return false;
  }
  return true;
}

std::set<int> Linter::StartedBy(const File& file) const {
  std::set<int> started;
  for (size_t i = 0; i < files_.size(); ++i) {
    if (files_[i].routine.account() != file.routine.account()) continue;
    for (const v1::Trigger& trigger : files_[i].routine.triggers()) {
      if (StartsAfter(trigger, file.routine.name())) started.insert(static_cast<int>(i));
    }
  }
  return started;
}

// The shortest way from a routine through others to itself; empty: there is none.
std::vector<int> Linter::WayBack(int from) const {
  std::map<int, int> came_from;
  std::vector<int> reached = {from};
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const int next : starts_[reached[i]]) {
      if (next == from) {
        std::vector<int> way = {from};
        for (int at = reached[i]; at != from; at = came_from[at]) way.push_back(at);
        way.push_back(from);
        std::reverse(way.begin(), way.end());
        return way;
      }
      if (came_from.emplace(next, reached[i]).second) reached.push_back(next);
    }
  }
  return {};
}

void Linter::LintCircles() {
  for (const File& file : files_) starts_.push_back(StartedBy(file));
  std::set<int> told;
  for (size_t i = 0; i < files_.size(); ++i) {
    const std::vector<int> way = WayBack(static_cast<int>(i));
    if (way.empty() || told.contains(static_cast<int>(i))) continue;
    told.insert(way.begin(), way.end());
    const std::string names = absl::StrJoin(
        way, " -> ", [&](std::string* out, int file) { out->append(files_[file].routine.name()); });
    for (int t = 0; t < files_[i].routine.triggers_size(); ++t) {
      if (!StartsAfter(files_[i].routine.triggers(t), files_[way[way.size() - 2]].routine.name())) {
        continue;
      }
      Report(files_[i], absl::StrCat("triggers[", t, "].custom"),
             absl::StrCat("sessions start each other in a circle: ", names,
                          "; only the loop guard ends it; filter on the attribute routine, or on "
                          "state"));
      break;
    }
  }
}

}  // namespace

std::vector<Problem> LintRoutines(const std::vector<LintSource>& sources, absl::Time now) {
  std::vector<Problem> problems = Linter(sources, now).Run();
  std::map<std::string, size_t> order;
  for (size_t i = 0; i < sources.size(); ++i) order.emplace(sources[i].file, i);
  std::stable_sort(problems.begin(), problems.end(), [&](const Problem& a, const Problem& b) {
    return std::make_tuple(order[a.file], a.line, a.column) <
           std::make_tuple(order[b.file], b.line, b.column);
  });
  return problems;
}

}  // namespace routines
