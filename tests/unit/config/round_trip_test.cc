// LoadRoutine(ToJson(routine)) is the same routine, whatever valid routine it was.
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "routines/json.h"
#include "routines/routine.h"

namespace routines {
namespace {

// Makes valid routines that use every field, with texts that tempt a YAML parser.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  v1::Routine Routine() {
    v1::Routine routine;
    routine.set_name(absl::StrCat("r", Number(1000)));
    routine.set_account(Maybe() ? "acme" : "default");
    routine.set_prompt("x" + Text());
    routine.set_description(Text());
    if (Maybe()) routine.set_model("sonnet");
    if (Maybe()) routine.set_executor("agent_1");
    if (Maybe()) routine.set_retries(Number(11));
    routine.set_overlap(static_cast<v1::Overlap>(Number(5)));
    Times(3, [&](int i) { AddRepository(i, routine); });
    if (Maybe()) FillEnvironment(*routine.mutable_environment());
    Times(3, [&](int i) { AddConnector(i, routine); });
    Times(5, [&](int i) { AddTrigger(i, routine); });
    if (Maybe()) FillLimits(*routine.mutable_limits());
    return routine;
  }

 private:
  int Number(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }
  bool Maybe() { return Number(2) == 0; }
  void Times(int most, const std::function<void(int)>& make) {
    const int count = Number(most + 1);
    for (int i = 0; i < count; ++i) make(i);
  }

  std::string Text() {
    static const std::vector<std::string> pieces = {
        "a",       " ",  "\n",   "\r\n",  "\t",   ": ",     "- ",     "#",      "'",
        "\"",      "\\", "null", "true",  "12",   "{",      "}",      "[",      "*a",
        "&a",      "|",  ">",    "---\n", "...",  "é",      "😀",      "%",      "!",
        "@",       "`",  "\x01", "\x1b",  "\x7f", "\u0085", "\u2028", "\uFEFF", "\\ud83d\\ude00",
        "<script>"};
    std::string text;
    Times(12, [&](int) { text += pieces[Number(static_cast<int>(pieces.size()))]; });
    return text;
  }

  void FillDuration(int most_seconds, google::protobuf::Duration& duration) {
    duration.set_seconds(1 + Number(most_seconds));
    if (Maybe()) duration.set_nanos(Number(1'000'000'000));
  }

  void AddRepository(int i, v1::Routine& routine) {
    v1::Repository& repository = *routine.add_repositories();
    repository.set_url(Maybe() ? "https://h/o/p.git" : "git@h:o/p");
    repository.set_name(absl::StrCat("p", i));
    if (Maybe()) repository.set_ref("release/1.0");
    repository.set_allow_unrestricted_pushes(Maybe());
  }

  void FillEnvironment(v1::Environment& environment) {
    Times(3, [&](int i) { (*environment.mutable_variables())[absl::StrCat("V", i)] = Text(); });
    Times(3, [&](int i) { environment.add_secrets(absl::StrCat("S", i)); });
    environment.set_setup_script(Text());
    if (Maybe()) FillDuration(3600, *environment.mutable_setup_timeout());
    if (Maybe()) {
      environment.mutable_network()->set_mode(v1::Network::MODE_ALLOW_LIST);
      environment.mutable_network()->add_hosts("*.example.org");
    }
  }

  void AddConnector(int i, v1::Routine& routine) {
    v1::Connector& connector = *routine.add_connectors();
    connector.set_name(absl::StrCat("c", i));
    if (i == 0) {
      connector.add_command("run");
      connector.add_command(Text());
      connector.add_secrets("TOKEN");
    } else if (i == 1) {
      connector.set_url("https://h/mcp");
      (*connector.mutable_headers())["X-A"] = "Bearer ${TOKEN}";
    } else {
      connector.set_host("tickets");
    }
    if (Maybe()) connector.mutable_tools()->add_allow("x" + Text());
    if (Maybe()) connector.mutable_tools()->add_deny("y" + Text());
  }

  void FillValue(google::protobuf::Value& value) {
    const int kind = Number(4);
    if (kind == 0) value.set_string_value(Text());
    if (kind == 1) value.set_bool_value(Maybe());
    if (kind == 2) value.set_number_value(std::ldexp(Number(1 << 30), Number(60) - 30));
    if (kind == 3) value.set_null_value(google::protobuf::NULL_VALUE);
  }

  void FillCondition(bool may_group, v1::Condition& condition) {
    if (may_group && Number(4) == 0) {
      FillCondition(false, *condition.add_any_of());
      FillCondition(false, *condition.add_any_of());
      return;
    }
    const auto op = static_cast<v1::Operator>(1 + Number(11));
    const bool any_value = op == v1::OPERATOR_EQUALS || op == v1::OPERATOR_NOT_EQUALS ||
                           op == v1::OPERATOR_IS_ONE_OF || op == v1::OPERATOR_IS_NOT_ONE_OF;
    condition.set_field(!any_value && Maybe() ? "title" : "/a/b~1c");
    condition.set_operator_(op);
    if (op == v1::OPERATOR_EQUALS || op == v1::OPERATOR_NOT_EQUALS) {
      FillValue(*condition.mutable_value());
    } else if (op == v1::OPERATOR_IS_ONE_OF || op == v1::OPERATOR_IS_NOT_ONE_OF) {
      FillValue(*condition.add_values());
      Times(3, [&](int) { FillValue(*condition.add_values()); });
    } else if (op == v1::OPERATOR_EXISTS) {
      if (Maybe()) condition.mutable_value()->set_bool_value(Maybe());
    } else {
      // Never empty: not_contains would refuse it. No \\ at the end: a glob would.
      const bool regex = op == v1::OPERATOR_MATCHES_REGEX;
      condition.mutable_value()->set_string_value(regex ? "a\\.\\d+" : Text() + "x");
    }
  }

  void AddTrigger(int i, v1::Routine& routine) {
    v1::Trigger& trigger = *routine.add_triggers();
    trigger.set_id(absl::StrCat("t", i));
    trigger.set_disabled(Maybe());
    const int kind = Number(4);
    if (kind == 0) trigger.mutable_api();
    if (kind == 1) FillSchedule(*trigger.mutable_schedule());
    if (kind == 2) {
      v1::GithubTrigger& github = *trigger.mutable_github();
      github.add_repositories("acme/*");
      github.set_event("issues");
      if (Maybe()) github.add_actions("opened");
      github.set_trust(static_cast<v1::Trust>(Number(3)));
      github.set_over_limit(static_cast<v1::OverLimit>(Number(4)));
      Times(3, [&](int) { FillCondition(true, *github.add_filters()); });
    }
    if (kind == 3) {
      v1::CustomTrigger& custom = *trigger.mutable_custom();
      custom.set_source("mine");
      if (Maybe()) custom.set_type("a.b");
      Times(3, [&](int) { FillCondition(true, *custom.add_filters()); });
    }
  }

  void FillSchedule(v1::ScheduleTrigger& schedule) {
    const int kind = Number(3);
    if (kind == 0) schedule.set_cron("7 2 * * 1-5");
    if (kind == 1) {
      schedule.mutable_at()->set_seconds(Number(2'000'000'000));
      schedule.mutable_at()->set_nanos(Maybe() ? 0 : Number(1'000'000'000));
    }
    if (kind == 2) {
      schedule.set_every(v1::EVERY_WEEKDAYS);
      schedule.set_time("09:30");
    }
    if (Maybe()) schedule.set_time_zone("Europe/Berlin");
    if (Maybe()) schedule.set_catch_up(v1::CATCH_UP_ALL), schedule.set_catch_up_limit(Number(100));
    if (Maybe()) FillDuration(100'000, *schedule.mutable_catch_up_window());
    if (Maybe()) FillDuration(1000, *schedule.mutable_spread());
  }

  void FillLimits(v1::Limits& limits) {
    if (Maybe()) FillDuration(3600, *limits.mutable_max_duration());
    limits.set_max_cost_usd(Number(1000) / 7.0);
    limits.set_max_concurrent_sessions(Number(5));
    limits.set_max_turns(Number(5));
  }

  std::mt19937 random_;
};

TEST(RoundTrip, GivesTheSameRoutineThroughJson) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const v1::Routine routine = Generator(seed).Routine();
    const std::string json = ToJson(routine, {.pretty = seed % 2 == 0});
    const LoadResult loaded = LoadRoutine(json, "json");
    ASSERT_TRUE(loaded.ok()) << loaded.problems[0].ToString() << "\n" << json;
    ASSERT_TRUE(google::protobuf::util::MessageDifferencer::Equals(routine, loaded.routine))
        << json;
  }
}

}  // namespace
}  // namespace routines
