#include "src/testing/case_rules.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/event.h"
#include "routines/testing/github_events.h"
#include "src/base/time_conversion.h"
#include "src/base/words.h"
#include "src/config/text_forms.h"
#include "src/testing/json_tree.h"

namespace routines::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kMostEarlier = 10'000;

using Kind = v1::TestEvent::KindCase;

// Gathers the problems of one case.
class CaseChecker {
 public:
  CaseChecker(const v1::TestCase& test, const std::string& path,
              const std::vector<v1::Routine>& routines, std::vector<RuleProblem>& problems)
      : test_(test), path_(path), routines_(routines), problems_(problems) {}

  void Check() {
    Require(!test_.name().empty(), "name", "is missing; say what the case shows");
    Require(test_.expect() != v1::TEST_VERDICT_UNSPECIFIED, "expect",
            "is missing; write fires or does_not_fire");
    if (!Require(test_.event().kind_case() != v1::TestEvent::KIND_NOT_SET, "event",
                 "does not say what happens; write github, custom, api or schedule")) {
      return;
    }
    CheckKeys();
    CheckGiven();
    CheckTriggers();
    CheckBecause();
    Require(test_.sessions() >= 0, "sessions", "must be 0 or more");
  }

 private:
  bool Require(bool holds, std::string_view key, std::string message) {
    if (!holds)
      problems_.push_back({absl::StrCat(path_, ".", std::string(key)), std::move(message)});
    return holds;
  }

  // Keys that go with some kinds of event only.
  void CheckKeys() {
    const v1::TestEvent& event = test_.event();
    const Kind kind = event.kind_case();
    const auto belongs = [&](bool written, std::string_view key, std::vector<Kind> kinds,
                             std::string_view to) {
      Require(!written || std::find(kinds.begin(), kinds.end(), kind) != kinds.end(),
              absl::StrCat("event.", std::string(key)),
              absl::StrCat("goes with ", std::string(to), " only; remove it"));
    };
    const std::vector<Kind> github = {Kind::kGithub}, custom = {Kind::kCustom};
    const std::vector<Kind> both = {Kind::kGithub, Kind::kCustom};
    belongs(!event.action().empty(), "action", github, "github");
    belongs(!event.repository().empty(), "repository", github, "github");
    belongs(event.has_fields(), "fields", github, "github");
    belongs(event.has_payload(), "payload", both, "github and custom");
    belongs(!event.payload_file().empty(), "payload_file", both, "github and custom");
    belongs(!event.type().empty(), "type", custom, "custom");
    belongs(!event.attributes().empty(), "attributes", custom, "custom");
    belongs(!event.text().empty(), "text", {Kind::kApi}, "api");
    belongs(event.has_until(), "until", {Kind::kSchedule}, "schedule");
    belongs(!event.id().empty(), "id", {Kind::kGithub, Kind::kCustom, Kind::kApi},
            "github, custom and api");
    Require(!event.has_payload() || event.payload_file().empty(), "event.payload",
            "cannot stand beside payload_file; keep one of the two");
  }

  void CheckGiven() {
    const v1::TestGiven& given = test_.given();
    const bool schedule = test_.event().kind_case() == Kind::kSchedule;
    for (int i = 0; i < given.paused_size(); ++i) {
      const bool known = std::any_of(
          routines_.begin(), routines_.end(),
          [&](const v1::Routine& routine) { return NamesRoutine(given.paused(i), routine); });
      std::vector<std::string> names;
      for (const v1::Routine& routine : routines_) names.push_back(routine.name());
      Require(known, absl::StrCat("given.paused[", i, "]"),
              UnknownWord("routine", given.paused(i), names));
    }
    Require(given.earlier() >= 0 && given.earlier() <= kMostEarlier, "given.earlier",
            absl::StrCat("must be from 0 to ", kMostEarlier));
    Require(!schedule || given.earlier() == 0, "given.earlier",
            "goes not with schedule; write event.until for several instants");
    Require(!schedule || !given.delivered(), "given.delivered",
            "goes not with schedule; an instant comes once");
    Require(!given.has_apart() || given.earlier() > 0, "given.apart", "goes with earlier only");
    Require(FromProto(given.apart()) >= absl::ZeroDuration(), "given.apart", "must be 0s or more");
    Require(schedule || !given.has_down(), "given.down", "goes with schedule only; remove it");
    Require(FromProto(given.down()) >= absl::ZeroDuration(), "given.down", "must be 0s or more");
    Require(!test_.event().has_until() || FromProto(test_.event().until()) >= FromProto(test_.at()),
            "event.until", "must not come before `at`");
  }

  // The names of all triggers, or of those that `wanted` picks.
  template <class Wanted>
  std::vector<std::string> Names(Wanted wanted) const {
    std::vector<std::string> names;
    for (const v1::Routine& routine : routines_) {
      for (int i = 0; i < routine.triggers_size(); ++i) {
        if (wanted(routine.triggers(i))) names.push_back(TriggerName(routine, i));
      }
    }
    return names;
  }

  void CheckTrigger(const std::string& name, std::string_view key,
                    const std::vector<std::string>& names, std::string_view what) {
    const auto meant = std::count_if(names.begin(), names.end(), [&](const std::string& full) {
      return NamesTrigger(name, full);
    });
    std::vector<std::string> ids;
    for (const std::string& full : names) ids.push_back(full.substr(full.rfind('/') + 1));
    Require(meant > 0, key, UnknownWord(what, name, ids));
    Require(
        meant < 2, key,
        absl::StrCat(Quoted(name), " is the name of ", meant, " triggers; write routine/trigger"));
  }

  void CheckTriggers() {
    const auto all = Names([](const v1::Trigger&) { return true; });
    for (int i = 0; i < test_.triggers_size(); ++i) {
      CheckTrigger(test_.triggers(i), absl::StrCat("triggers[", i, "]"), all, "trigger");
    }
    if (test_.event().kind_case() == Kind::kApi) {
      CheckTrigger(test_.event().api(), "event.api",
                   Names([](const v1::Trigger& trigger) { return trigger.has_api(); }),
                   "API trigger");
    } else if (test_.event().kind_case() == Kind::kSchedule) {
      CheckTrigger(test_.event().schedule(), "event.schedule",
                   Names([](const v1::Trigger& trigger) { return trigger.has_schedule(); }),
                   "schedule");
    }
  }

  void CheckBecause() {
    if (test_.because().empty()) return;
    Require(test_.expect() != v1::TEST_VERDICT_FIRES, "because",
            "goes with expect: does_not_fire only; remove it");
    const std::string& because = test_.because();
    if (IsReasonWord(because) || because == kNotDue) return;
    const bool github = test_.event().kind_case() == Kind::kGithub;
    // Attributes may have any name.
    if (test_.event().kind_case() == Kind::kCustom) return;
    std::vector<std::string> words = {"source", "event", "repository", "action", "any_of"};
    for (const FieldInfo& info : GithubFields()) {
      if (github && info.event == test_.event().github()) words.emplace_back(info.field);
    }
    for (const std::string& field : FieldsOf(because)) {
      const bool known = github && (field.starts_with('/') || field.starts_with("filters[") ||
                                    std::find(words.begin(), words.end(), field) != words.end());
      if (known) continue;
      std::vector<std::string> meant = github ? words : std::vector<std::string>();
      const auto& reasons = *v1::DecisionReason_descriptor();
      for (const std::string& word : EnumWords(reasons)) meant.push_back(word);
      meant.emplace_back(kNotDue);
      Require(false, "because", UnknownWord("reason or field", field, meant));
    }
  }

  const v1::TestCase& test_;
  const std::string& path_;
  const std::vector<v1::Routine>& routines_;
  std::vector<RuleProblem>& problems_;
};

constexpr size_t kMostPayloadBytes = 25 << 20;

// A GitHub event is made of a usual one, or of the file's payload.
class GithubCase {
 public:
  GithubCase(const v1::TestEvent& event, const std::string& path, const std::string& repository,
             std::vector<RuleProblem>& problems)
      : event_(event), path_(path), repository_(repository), problems_(problems) {}

  v1::Event Make(const std::string* file) {
    GithubEvent made(event_.github());
    if (!Check(made.status(), "github")) return {};
    const bool as_it_is =
        !event_.has_fields() && event_.action().empty() && event_.repository().empty();
    if (file != nullptr && as_it_is) return AsItIs(*file);
    if (file != nullptr) {
      const absl::StatusOr<Json> payload = ParseJson(*file);
      if (!Check(payload.status(), "payload_file")) return {};
      made.Payload(payload->struct_value());
    }
    if (file == nullptr || !event_.repository().empty()) {
      made.Repository(event_.repository().empty() ? repository_ : event_.repository());
      if (!Check(made.status(), "repository")) return {};
    }
    if (event_.has_payload()) made.Merge(event_.payload());
    if (!event_.action().empty()) made.Action(event_.action());
    if (!Check(made.status(), "action") || !SetFields(made)) return {};
    absl::StatusOr<v1::Event> built = made.DeliveryId(event_.id()).TryBuild();
    return Check(built.status(), event_.has_payload() ? "payload" : "github") ? *std::move(built)
                                                                              : v1::Event();
  }

 private:
  bool Check(const absl::Status& status, std::string_view key) {
    if (!status.ok()) {
      problems_.push_back(
          {absl::StrCat(path_, ".", std::string(key)), std::string(status.message())});
    }
    return status.ok();
  }

  v1::Event AsItIs(const std::string& file) {
    if (!Check(CheckGithubPayload(event_.github(), file), "payload_file")) return {};
    v1::Event event;
    event.set_source("github");
    event.set_type(event_.github());
    event.set_external_id(event_.id());
    event.set_payload(file);
    return event;
  }

  // Names before pointers: those are the more exact.
  bool SetFields(GithubEvent& made) {
    std::vector<std::string> names;
    for (const auto& [name, value] : event_.fields().fields()) names.push_back(name);
    std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
      return std::make_pair(a.starts_with('/'), a) < std::make_pair(b.starts_with('/'), b);
    });
    bool fine = true;
    for (const std::string& name : names) {
      made.Set(name, event_.fields().fields().at(name));
      if (made.status().ok()) continue;
      fine = false;
      problems_.push_back(
          {KeyPath(absl::StrCat(path_, ".fields"), name), std::string(made.status().message())});
      made = GithubEvent(event_.github());  // what else is wrong
    }
    return fine;
  }

  const v1::TestEvent& event_;
  const std::string& path_;
  const std::string& repository_;
  std::vector<RuleProblem>& problems_;
};

v1::Event CustomEvent(const v1::TestEvent& event, const std::string* file, const std::string& path,
                      std::vector<RuleProblem>& problems) {
  v1::Event made;
  made.set_source(event.custom());
  made.set_type(event.type());
  made.set_external_id(event.id());
  *made.mutable_attributes() = event.attributes();
  if (event.has_payload()) made.set_payload(WriteJson(event.payload()));
  if (file == nullptr) return made;
  made.set_payload(*file);
  if (const absl::Status status = CheckPayload(*file); !status.ok()) {
    problems.push_back({absl::StrCat(path, ".payload_file"), std::string(status.message())});
  }
  return made;
}

}  // namespace

void CheckCase(const v1::TestCase& test, const std::string& path,
               const std::vector<v1::Routine>& routines, std::vector<RuleProblem>& problems) {
  CaseChecker(test, path, routines, problems).Check();
}

v1::Event EventOf(const v1::TestEvent& event, const std::string& path, const std::string& folder,
                  const std::string& repository, std::vector<RuleProblem>& problems) {
  std::string text;
  const std::string* file = nullptr;
  if (!event.payload_file().empty()) {
    absl::StatusOr<std::string> read =
        ReadTextFile(absl::StrCat(folder, event.payload_file()), kMostPayloadBytes);
    if (!read.ok()) {
      problems.push_back(
          {absl::StrCat(path, ".payload_file"), std::string(read.status().message())});
      return {};
    }
    text = *std::move(read);
    file = &text;
  }
  if (event.has_custom()) return CustomEvent(event, file, path, problems);
  return GithubCase(event, path, repository, problems).Make(file);
}

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t most_bytes) {
  std::error_code ignored;
  // A pipe or device could block or never end.
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": is not a file"));
  }
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = stream.is_open() ? static_cast<std::streamoff>(stream.tellg()) : -1;
  if (size < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  }
  if (static_cast<size_t>(size) > most_bytes) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": is larger than ", most_bytes, " bytes"));
  }
  std::string text(static_cast<size_t>(size), '\0');
  stream.seekg(0);
  if (!stream.read(text.data(), size)) {
    return absl::FailedPreconditionError(absl::StrCat(path, ": cannot be read"));
  }
  return text;
}

v1::Routine WhatDecides(v1::Routine routine) {
  routine.clear_repositories();
  routine.clear_environment();
  routine.clear_connectors();
  routine.clear_executor();
  return routine;
}

std::string TriggerName(const v1::Routine& routine, int index) {
  const std::string& id = routine.triggers(index).id();
  return absl::StrCat(routine.account(), "/", routine.name(), "/",
                      id.empty() ? absl::StrCat("triggers[", index, "]") : id);
}

bool NamesTrigger(std::string_view name, std::string_view full) {
  return full == name || (full.size() > name.size() && full.ends_with(name) &&
                          full[full.size() - name.size() - 1] == '/');
}

bool NamesRoutine(std::string_view name, const v1::Routine& routine) {
  return name == routine.name() || name == absl::StrCat(routine.account(), "/", routine.name());
}

std::string ReasonWord(v1::DecisionReason reason) {
  const auto* const value = v1::DecisionReason_descriptor()->FindValueByNumber(reason);
  return value == nullptr ? "" : EnumWord(*value);
}

bool IsReasonWord(std::string_view word) {
  const auto* const value = FindEnumWord(*v1::DecisionReason_descriptor(), word);
  return value != nullptr && EnumWord(*value) == word;
}

std::vector<std::string> FieldsOf(std::string_view because) {
  return absl::StrSplit(absl::string_view(because.data(), because.size()), " and ");
}

}  // namespace routines::testing
