// One workload for the matcher and its peers: writes it to files, and runs what is in C++.
//
//   match_peers FOLDER --routines N --subset simple|contains|full [--events M] [--seconds T]
//
// Writes routines.jsonl and events.jsonl into the folder, whose form bench/peers/match/README.md
// has, runs the matcher (`routines`), simdjson reading the same fields (`simdjson, parse only`) and
// a SQLite rule table (`SQLite`), and prints one JSON object a line for each of them. The answers
// of each are in FOLDER/<engine>.answers: a line for each measured event, with the numbers of the
// routines that it starts.
#include <malloc.h>
#include <sqlite3.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bench/extract_payloads.h"
#include "bench/workload.h"
#include "routines/event.h"
#include "routines/matcher.h"
#include "simdjson.h"

namespace routines::bench {
namespace {

constexpr size_t kWarm = 1000;  // of the events, which warm up; the others are measured once

using Answer = std::vector<uint32_t>;  // numbers of routines, sorted

struct Set {
  std::vector<v1::Routine> routines;
  std::vector<simdjson::padded_string> events;
};

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "match_peers: %s\n", message.c_str());
  std::exit(1);
}

void Check(const absl::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double WallSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// ---- files ----

std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string OperatorName(v1::Operator op) {
  switch (op) {
    case v1::OPERATOR_EQUALS:
    case v1::OPERATOR_IS_ONE_OF:
      return "one_of";
    case v1::OPERATOR_IS_NOT_ONE_OF:
      return "not_one_of";
    case v1::OPERATOR_STARTS_WITH:
      return "starts_with";
    case v1::OPERATOR_CONTAINS:
      return "contains";
    case v1::OPERATOR_MATCHES_REGEX:
      return "regex";
    default:
      Fail(absl::StrCat("the workload draws an operator without a plain form: ", op));
  }
}

std::vector<std::string> Values(const v1::Condition& condition) {
  std::vector<std::string> values;
  if (condition.has_value() && condition.value().has_bool_value()) {
    values.push_back(condition.value().bool_value() ? "true" : "false");
  } else if (condition.has_value()) {
    values.push_back(condition.value().string_value());
  }
  for (const auto& value : condition.values()) values.push_back(value.string_value());
  return values;
}

std::string RoutineLine(size_t number, const v1::GithubTrigger& github) {
  const auto quote = [](std::string* out, const std::string& text) {
    absl::StrAppend(out, Quoted(text));
  };
  std::string line = absl::StrCat(
      "{\"id\":", number, ",\"repository\":", Quoted(github.repositories(0)), ",\"actions\":[",
      absl::StrJoin(github.actions(), ",", quote), "],\"conditions\":[");
  for (int i = 0; i < github.filters_size(); ++i) {
    const v1::Condition& condition = github.filters(i);
    absl::StrAppend(&line, i == 0 ? "" : ",", "{\"field\":", Quoted(condition.field()),
                    ",\"operator\":\"", OperatorName(condition.operator_()), "\",\"values\":[",
                    absl::StrJoin(Values(condition), ",", quote), "]}");
  }
  return line + "]}";
}

void WriteFiles(const std::string& folder, const Set& set) {
  std::ofstream routines(folder + "/routines.jsonl"), events(folder + "/events.jsonl");
  for (size_t i = 0; i < set.routines.size(); ++i) {
    routines << RoutineLine(i, set.routines[i].triggers(0).github()) << "\n";
  }
  for (const auto& event : set.events) {
    const std::string_view text = event;
    if (text.find('\n') != std::string_view::npos) Fail("an event has more than one line");
    events << text << "\n";
  }
  if (!routines.flush().good() || !events.flush().good()) Fail("cannot write into " + folder);
}

// ---- measuring ----

struct Engine {
  std::string name;
  std::function<void()> build;
  std::function<void(size_t event)> match;     // what is measured
  std::function<Answer(size_t event)> answer;  // null: it has none
};

void Measure(const Engine& engine, const Set& set, const std::string& folder, double seconds) {
  const double heap = HeapBytes();
  double begin = CpuSeconds();
  engine.build();
  const double build = CpuSeconds() - begin;
  const double bytes = HeapBytes() - heap;
  const double warm_until = WallSeconds() + seconds;
  for (size_t i = 0; i < kWarm && WallSeconds() < warm_until; ++i) engine.match(i);
  size_t count = 0;
  begin = CpuSeconds();
  const double wall = WallSeconds();
  for (size_t i = kWarm; i < set.events.size(); ++i, ++count) {
    if (count % 16 == 0 && WallSeconds() - wall > seconds) break;
    engine.match(i);
  }
  const double cpu_taken = CpuSeconds() - begin, wall_taken = WallSeconds() - wall;
  size_t matches = 0;
  if (engine.answer) {
    std::ofstream file(absl::StrCat(folder, "/", engine.name, ".answers"));
    for (size_t i = kWarm; i < kWarm + count; ++i) {
      const Answer answer = engine.answer(i);
      matches += answer.size();
      file << absl::StrJoin(answer, " ") << "\n";
    }
  }
  std::printf(
      "{\"engine\": \"%s\", \"build\": %.4f, \"bytes\": %.0f, \"events\": %zu, \"cpu\": %.6f, "
      "\"wall\": %.6f, \"matches\": %zu, \"answers\": %s}\n",
      engine.name.c_str(), build, bytes / static_cast<double>(set.routines.size()), count,
      cpu_taken, wall_taken, matches, engine.answer ? "true" : "false");
  std::fflush(stdout);
}

// ---- the matcher ----

Engine Ours(const Set& set) {
  struct State {
    Matcher matcher;
    Matcher::Buffer buffer;
    std::unordered_map<RoutineHandle, uint32_t> numbers;
  };
  const auto state = std::make_shared<State>();
  const auto match = [&set, state](size_t event) {
    Check(state->matcher.Match(
        {.source = "github", .type = "pull_request", .payload = set.events[event]}, state->buffer));
    if (state->buffer.matches().size() > set.routines.size()) Fail("more matches than routines");
  };
  return {.name = "routines",
          .build =
              [&set, state] {
                std::vector<const v1::Routine*> pointers;
                for (const v1::Routine& routine : set.routines) pointers.push_back(&routine);
                Check(state->matcher.PutAll(pointers));
              },
          .match = match,
          .answer =
              [&set, state, match](size_t event) {
                if (state->numbers.empty()) {  // putting again gives the handle
                  for (size_t i = 0; i < set.routines.size(); ++i) {
                    const auto handle = state->matcher.Put(set.routines[i]);
                    Check(handle.status());
                    state->numbers[*handle] = static_cast<uint32_t>(i);
                  }
                }
                match(event);
                Answer answer;
                for (const TriggerMatch& found : state->buffer.matches()) {
                  answer.push_back(state->numbers.at(found.routine));
                }
                std::sort(answer.begin(), answer.end());
                return answer;
              }};
}

Engine ParseOnly(const Set& set) {
  struct State {
    SimdjsonPeer peer;
    PullRequestFields fields;
  };
  const auto state = std::make_shared<State>();
  return {.name = "simdjson, parse only",
          .build = [] {},
          .match =
              [&set, state](size_t event) {
                if (!state->peer.Read(set.events[event], state->fields)) Fail("simdjson refuses");
              },
          .answer = nullptr};
}

// ---- a rule table ----

// Candidates come by an index from repository and action; a condition of theirs that does not hold
// excludes them. Values are found by index where they must be equal.
constexpr char kSchema[] = R"(
CREATE TABLE scope(repository TEXT, action TEXT, rule INTEGER,
  PRIMARY KEY(repository, action, rule)) WITHOUT ROWID;
CREATE TABLE condition(rule INTEGER, number INTEGER, field INTEGER, op INTEGER,
  PRIMARY KEY(rule, number)) WITHOUT ROWID;
CREATE TABLE value(rule INTEGER, number INTEGER, value TEXT,
  PRIMARY KEY(rule, number, value)) WITHOUT ROWID;
CREATE TABLE event(field INTEGER, value TEXT, PRIMARY KEY(field, value)) WITHOUT ROWID;
)";

constexpr char kMatch[] = R"(
SELECT s.rule FROM scope s WHERE s.repository IN (?1, ?2, '*/*') AND s.action = ?3
  AND NOT EXISTS (
    SELECT 1 FROM condition c WHERE c.rule = s.rule AND (c.op = 1) = CASE c.op
      WHEN 2 THEN EXISTS (SELECT 1 FROM value v, event e WHERE v.rule = c.rule
        AND v.number = c.number AND e.field = c.field
        AND substr(e.value, 1, length(v.value)) = v.value)
      WHEN 3 THEN EXISTS (SELECT 1 FROM value v, event e WHERE v.rule = c.rule
        AND v.number = c.number AND e.field = c.field AND instr(e.value, v.value) > 0)
      ELSE EXISTS (SELECT 1 FROM value v, event e WHERE v.rule = c.rule
        AND v.number = c.number AND e.field = c.field AND e.value = v.value)
    END)
  ORDER BY s.rule;
)";

class RuleTable {
 public:
  RuleTable() {
    if (sqlite3_open(":memory:", &database_) != SQLITE_OK) Fail("cannot open SQLite");
    Run(kSchema);
  }
  ~RuleTable() {
    for (sqlite3_stmt* statement : {scope_, condition_, value_, clear_, field_, match_}) {
      sqlite3_finalize(statement);
    }
    sqlite3_close(database_);
  }
  RuleTable(const RuleTable&) = delete;
  RuleTable& operator=(const RuleTable&) = delete;

  void Build(const Set& set) {
    scope_ = Prepare("INSERT OR IGNORE INTO scope VALUES(?, ?, ?)");
    condition_ = Prepare("INSERT INTO condition VALUES(?, ?, ?, ?)");
    value_ = Prepare("INSERT OR IGNORE INTO value VALUES(?, ?, ?)");
    clear_ = Prepare("DELETE FROM event");
    field_ = Prepare("INSERT OR IGNORE INTO event VALUES(?, ?)");
    match_ = Prepare(kMatch);
    Run("BEGIN");
    for (size_t i = 0; i < set.routines.size(); ++i) Add(i, set.routines[i].triggers(0).github());
    Run("COMMIT; ANALYZE");
  }

  Answer Match(const PullRequestFields& event) {
    Run("BEGIN");
    Step(clear_);
    Field("base_branch", event.base_branch);
    Field("head_branch", event.head_branch);
    Field("author", event.author);
    Field("sender", event.sender);
    Field("author_association", event.author_association);
    Field("title", event.title);
    Field("body", event.body);
    Field("is_draft", event.is_draft ? "true" : "false");
    Field("from_fork", event.head_repository != event.base_repository ? "true" : "false");
    for (const std::string_view label : event.labels) Field("labels", label);
    const std::string organisation =
        absl::StrCat(std::string(event.repository.substr(0, event.repository.find('/'))), "/*");
    Bind(match_, 1, event.repository);
    Bind(match_, 2, organisation);
    Bind(match_, 3, event.action);
    Answer answer;
    while (sqlite3_step(match_) == SQLITE_ROW) {
      answer.push_back(static_cast<uint32_t>(sqlite3_column_int64(match_, 0)));
    }
    sqlite3_reset(match_);
    Run("COMMIT");
    return answer;
  }

 private:
  sqlite3_stmt* Prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK) {
      Fail(sqlite3_errmsg(database_));
    }
    return statement;
  }
  void Run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
      Fail(sqlite3_errmsg(database_));
    }
  }
  static void Bind(sqlite3_stmt* statement, int at, std::string_view text) {
    sqlite3_bind_text(statement, at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
  }
  void Step(sqlite3_stmt* statement) {
    if (sqlite3_step(statement) != SQLITE_DONE) Fail(sqlite3_errmsg(database_));
    sqlite3_reset(statement);
  }
  void Field(const std::string& name, std::string_view value) {
    sqlite3_bind_int(field_, 1, FieldNumber(name));
    Bind(field_, 2, value);
    Step(field_);
  }
  int FieldNumber(const std::string& name) {
    return fields_.try_emplace(name, static_cast<int>(fields_.size())).first->second;
  }

  void Add(size_t number, const v1::GithubTrigger& github) {
    for (const std::string& action : github.actions()) {
      Bind(scope_, 1, github.repositories(0));
      Bind(scope_, 2, action);
      sqlite3_bind_int64(scope_, 3, static_cast<int64_t>(number));
      Step(scope_);
    }
    for (int i = 0; i < github.filters_size(); ++i) {
      const v1::Condition& condition = github.filters(i);
      const std::string op = OperatorName(condition.operator_());
      sqlite3_bind_int64(condition_, 1, static_cast<int64_t>(number));
      sqlite3_bind_int(condition_, 2, i);
      sqlite3_bind_int(condition_, 3, FieldNumber(condition.field()));
      sqlite3_bind_int(condition_, 4,
                       op == "not_one_of"    ? 1
                       : op == "starts_with" ? 2
                       : op == "contains"    ? 3
                                             : 0);
      Step(condition_);
      for (const std::string& value : Values(condition)) {
        sqlite3_bind_int64(value_, 1, static_cast<int64_t>(number));
        sqlite3_bind_int(value_, 2, i);
        Bind(value_, 3, value);
        Step(value_);
      }
    }
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt *scope_ = nullptr, *condition_ = nullptr, *value_ = nullptr, *clear_ = nullptr,
               *field_ = nullptr, *match_ = nullptr;
  std::map<std::string, int> fields_;
};

Engine Sqlite(const Set& set) {
  struct State {
    RuleTable table;
    SimdjsonPeer peer;
    PullRequestFields fields;
  };
  const auto state = std::make_shared<State>();
  const auto answer = [&set, state](size_t event) {
    if (!state->peer.Read(set.events[event], state->fields)) Fail("simdjson refuses");
    return state->table.Match(state->fields);
  };
  return {.name = "SQLite",
          .build = [&set, state] { state->table.Build(set); },
          .match = [answer](size_t event) { answer(event); },
          .answer = answer};
}

// ---- main ----

int Main(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--routines", "1000"}, {"--events", "4000"}, {"--subset", "full"}, {"--seconds", "2"}};
  std::string folder;
  for (int i = 1; i < argc; ++i) {
    if (options.count(argv[i]) != 0 && i + 1 < argc) {
      options[argv[i]] = argv[i + 1];
      ++i;
    } else {
      folder = argv[i];
    }
  }
  size_t routines = 0, events = 0;
  double seconds = 0;
  if (folder.empty() || !absl::SimpleAtoi(options["--routines"], &routines) ||
      !absl::SimpleAtoi(options["--events"], &events) ||
      !absl::SimpleAtod(options["--seconds"], &seconds) || routines == 0 || events <= kWarm) {
    Fail("FOLDER --routines N --subset simple|contains|full [--events M] [--seconds T]");
  }
  const std::string& name = options["--subset"];
  const Subset subset = name == "simple"     ? Subset::kSimple
                        : name == "contains" ? Subset::kContains
                                             : Subset::kFull;
  Workload workload(routines, subset, 42);
  Set set;
  for (size_t i = 0; i < routines; ++i) set.routines.push_back(workload.Routine(i));
  for (size_t i = 0; i < events; ++i) set.events.emplace_back(workload.Event());
  if (set.events[0].size() == 0) Fail("no example payloads; run script/setup test");
  WriteFiles(folder, set);
  Measure(Ours(set), set, folder, seconds);
  Measure(ParseOnly(set), set, folder, seconds);
  if (subset != Subset::kFull) Measure(Sqlite(set), set, folder, seconds);
  return 0;
}

}  // namespace
}  // namespace routines::bench

int main(int argc, char** argv) {
  return routines::bench::Main(argc, argv);
}
