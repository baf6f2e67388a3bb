#include <functional>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/routine.h"
#include "tests/unit/config/loading.h"

namespace routines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::Routine Valid() {
  v1::Routine routine;
  routine.set_name("a");
  routine.set_prompt("b");
  return routine;
}

// "path: message" of every problem of a valid routine that `change` was done to.
std::vector<std::string> After(const std::function<void(v1::Routine&)>& change) {
  v1::Routine routine = Valid();
  change(routine);
  std::vector<std::string> lines;
  for (const Problem& problem : ValidateRoutine(routine)) {
    EXPECT_EQ(problem.line, 0);
    lines.push_back(problem.path + ": " + problem.message);
  }
  return lines;
}

std::vector<std::string> Filter(const std::string& filter) {
  return Problems(
      With("triggers:\n- id: x\n  github:\n    repositories: [a/b]\n    event: issues\n"
           "    filters:\n    - " +
           filter));
}

std::vector<std::string> Url(const std::string& url) {
  return After([&](v1::Routine& routine) { routine.add_repositories()->set_url(url); });
}

std::vector<std::string> Ref(const std::string& ref) {
  return After([&](v1::Routine& routine) {
    routine.add_repositories()->set_url("https://h/p");
    routine.mutable_repositories(0)->set_ref(ref);
  });
}

std::vector<std::string> Schedule(const std::string& keys) {
  return Problems(With("triggers: [{id: x, schedule: {" + keys + "}}]"));
}

std::vector<std::string> TriggerId(const std::string& id) {
  return After([&](v1::Routine& routine) {
    routine.add_triggers()->set_id(id);
    routine.mutable_triggers(0)->mutable_api();
  });
}

TEST(ValidateRoutine, AsksForNameAndPromptOnly) {
  EXPECT_THAT(After([](v1::Routine&) {}), IsEmpty());
  EXPECT_THAT(After([](v1::Routine& routine) { routine.Clear(); }),
              ElementsAre(HasSubstr("name: is required"), HasSubstr("prompt: is required")));
  EXPECT_THAT(After([](v1::Routine& routine) { routine.set_prompt(" \n\t"); }),
              ElementsAre(HasSubstr("prompt: is required")));
}

TEST(ValidateRoutine, HoldsNamesToTheirForm) {
  for (const std::string& name : {std::string("a"), std::string("0-a-"), std::string(63, 'a')}) {
    EXPECT_THAT(After([&](v1::Routine& routine) { routine.set_name(name); }), IsEmpty()) << name;
  }
  for (const std::string& name :
       {std::string("-a"), std::string("A"), std::string("a_b"), std::string("a b"),
        std::string("é"), std::string(64, 'a'), std::string("../a")}) {
    EXPECT_THAT(After([&](v1::Routine& routine) { routine.set_name(name); }),
                ElementsAre(HasSubstr("name: ")))
        << name;
    EXPECT_THAT(After([&](v1::Routine& routine) { routine.set_account(name); }),
                ElementsAre(HasSubstr("account: ")))
        << name;
  }
}

TEST(ValidateRoutine, BoundsTextsAndNumbers) {
  EXPECT_THAT(After([](v1::Routine& r) { r.set_prompt(std::string(256 << 10, 'a')); }), IsEmpty());
  EXPECT_THAT(After([](v1::Routine& r) { r.set_prompt(std::string((256 << 10) + 1, 'a')); }),
              ElementsAre(HasSubstr("prompt: has 262145 bytes; at most 262144 are allowed")));
  EXPECT_THAT(After([](v1::Routine& r) { r.set_retries(10); }), IsEmpty());
  EXPECT_THAT(After([](v1::Routine& r) { r.set_retries(11); }),
              ElementsAre(HasSubstr("retries: is 11; write 0 to 10")));
  EXPECT_THAT(After([](v1::Routine& r) { r.set_retries(-1); }),
              ElementsAre(HasSubstr("retries: is -1")));
  EXPECT_THAT(After([](v1::Routine& r) { r.mutable_limits()->set_max_cost_usd(-1); }),
              ElementsAre(HasSubstr("limits.max_cost_usd: is -1; write 0 or more")));
  EXPECT_THAT(After([](v1::Routine& r) { r.mutable_limits()->set_max_turns(-1); }),
              testing::SizeIs(1));
  EXPECT_THAT(After([](v1::Routine& r) { r.mutable_limits()->set_max_concurrent_sessions(-1); }),
              testing::SizeIs(1));
  EXPECT_THAT(After([](v1::Routine& r) { r.mutable_limits()->mutable_max_duration(); }),
              ElementsAre("limits.max_duration: is 0s; write more than 0 and at most 168h"));
  EXPECT_THAT(Problems(With("limits: {max_duration: -5m}")), ElementsAre(HasSubstr("is -5m")));
  EXPECT_THAT(Problems(With("limits: {max_duration: 168h}")), IsEmpty());
  EXPECT_THAT(Problems(With("limits: {max_duration: 168h1s}")), testing::SizeIs(1));
  EXPECT_THAT(Problems(With("environment: {setup_timeout: 24h1s}")), testing::SizeIs(1));
}

TEST(ValidateRoutine, KeepsOptionsOutOfCommandLines) {
  EXPECT_THAT(After([](v1::Routine& r) { r.set_model("--help"); }),
              ElementsAre(HasSubstr("model: ")));
  EXPECT_THAT(After([](v1::Routine& r) { r.set_model("a\nb"); }),
              ElementsAre(HasSubstr("model: ")));
  EXPECT_THAT(After([](v1::Routine& r) { r.set_executor("-x"); }),
              ElementsAre(HasSubstr("executor: ")));
}

TEST(ValidateRoutine, RefusesTextsOfCodeThatAreNoUtf8) {
  EXPECT_THAT(After([](v1::Routine& r) { r.set_description("\xff"); }),
              ElementsAre("description: is not valid UTF-8"));
  EXPECT_THAT(After([](v1::Routine& r) {
                (*r.mutable_environment()->mutable_variables())["A"] = std::string(1, '\0');
              }),
              ElementsAre(HasSubstr("contains a NUL character")));
}

TEST(ValidateRoutine, TakesTheUrlsThatGitTakes) {
  for (const char* url :
       {"https://github.com/acme/api.git", "http://localhost:8080/a", "ssh://git@h:22/p",
        "git@github.com:acme/api.git", "host:path", "file:///srv/a.git", "HTTPS://h/p",
        "file://localhost/srv/a", "https://[::1]:80/p"}) {
    EXPECT_THAT(Url(url), IsEmpty()) << url;
  }
}

TEST(ValidateRoutine, RefusesUrlsThatAreNoneOrDoMore) {
  for (const char* url : {"",
                          "api",
                          "ext::sh -c id",
                          "ext::sh",
                          "-u./x:y",
                          "--upload-pack=x",
                          "ftp://h/p",
                          "git://h/p",
                          "ssh://-oX/p",
                          "ssh://-o@h/p",
                          "-oX:p",
                          "https://h",
                          "https:///p",
                          "https://h/",
                          "file://srv/a",
                          "file:///",
                          "https://h/p%0a",
                          "https://h/a b",
                          "https://h/a\nb",
                          "https://h/p?token=x",
                          "git@h:-p",
                          "https://h/%00",
                          "ssh://u:p@h/p",
                          "https://t@h/p",
                          "http://h\\x/p"}) {
    EXPECT_THAT(Url(url), ElementsAre(HasSubstr("repositories[0].url: "))) << url;
  }
  EXPECT_THAT(Url("/srv/a.git"), ElementsAre(HasSubstr("is a path; write \"file:///srv/a.git\"")));
  EXPECT_THAT(Url("../a"), ElementsAre(HasSubstr("is a relative path")));
  EXPECT_THAT(Url("github.com/acme/api"),
              ElementsAre(HasSubstr("write \"https://github.com/acme/api\"")));
}

TEST(ValidateRoutine, JudgesRefsAsGitDoes) {
  for (const char* ref :
       {"main", "release/1.0", "v1.0", "0123456789abcdef0123456789abcdef01234567", "a@b", "é"}) {
    EXPECT_THAT(Ref(ref), IsEmpty()) << ref;
  }
  for (const char* ref :
       {"-x", "a..b", "a b",  "a\tb", "/a", "a/",  "a//b", ".a", "a/.b", "a.lock", "a.lock/b",
        "a.", "@",    "a@{b", "a~",   "a^", "a:b", "a?",   "a*", "a[",   "a\\b"}) {
    EXPECT_THAT(Ref(ref), ElementsAre(HasSubstr("repositories[0].ref: "))) << ref;
  }
}

TEST(ValidateRoutine, GivesEachCloneItsOwnFolder) {
  const auto two = [](const std::string& second, const std::string& name) {
    return After([&](v1::Routine& routine) {
      routine.add_repositories()->set_url("https://h/a/api.git");
      routine.add_repositories()->set_url(second);
      routine.mutable_repositories(1)->set_name(name);
    });
  };
  EXPECT_THAT(two("git@h:b/API", ""),
              ElementsAre(HasSubstr("repositories[1]: would be cloned into the folder")));
  EXPECT_THAT(two("git@h:b/api", "other"), IsEmpty());
  EXPECT_THAT(two("git@h:b/web", "api"), testing::SizeIs(1));
  for (const char* name : {"..", ".git", "a/b", "-a", "a b", "."}) {
    EXPECT_THAT(two("git@h:b/web", name), ElementsAre(HasSubstr("repositories[1].name: "))) << name;
  }
}

TEST(ValidateRoutine, ChecksVariablesAndSecrets) {
  EXPECT_THAT(Problems(With("environment: {variables: {_A1: x}, secrets: [B]}")), IsEmpty());
  for (const char* name : {"1A", "A-B", "'A B'", "A.B", "''", "é"}) {
    EXPECT_THAT(Problems(With(std::string("environment: {variables: {") + name + ": x}}")),
                testing::SizeIs(1))
        << name;
    EXPECT_THAT(Problems(With(std::string("environment: {secrets: [") + name + "]}")),
                testing::SizeIs(1))
        << name;
  }
  for (const char* name : {"LD_PRELOAD", "PATH", "GIT_SSH_COMMAND", "BASH_ENV", "NODE_OPTIONS"}) {
    EXPECT_THAT(Problems(With(std::string("environment: {variables: {") + name + ": x}}")),
                ElementsAre(HasSubstr("is reserved")))
        << name;
    EXPECT_THAT(Problems(With(std::string("environment: {secrets: [") + name + "]}")),
                ElementsAre(HasSubstr("is reserved")))
        << name;
  }
  EXPECT_THAT(Problems(With("environment: {secrets: [B, B]}")),
              ElementsAre(HasSubstr("is listed twice")));
  EXPECT_THAT(Problems(With("environment: {variables: {B: x}, secrets: [B]}")),
              ElementsAre(HasSubstr("3:44: environment.secrets[0]: \"B\" is a variable too")));
}

TEST(ValidateRoutine, ChecksTheNetwork) {
  EXPECT_THAT(Problems(With("environment: {network: {mode: none}}")), IsEmpty());
  EXPECT_THAT(
      Problems(
          With("environment: {network: {mode: allow_list, hosts: [a.b, '*.b', 10.0.0.1, '::1']}}")),
      IsEmpty());
  EXPECT_THAT(Problems(With("environment: {network: {mode: allow_list}}")),
              ElementsAre(HasSubstr("hosts: is required")));
  EXPECT_THAT(Problems(With("environment: {network: {mode: full, hosts: [a]}}")),
              ElementsAre(HasSubstr("with mode: allow_list only")));
  EXPECT_THAT(Problems(With("environment: {network: {}}")),
              ElementsAre(HasSubstr("network.mode: is required")));
  for (const char* host :
       {"https://a", "a:80", "a/b", "*", "*.", "a*.b", "a b", "''", ".a", "a..b", "-a"}) {
    EXPECT_THAT(Problems(With(std::string("environment: {network: {mode: allow_list, hosts: ['") +
                              (std::string(host) == "''" ? "" : host) + "']}}")),
                ElementsAre(HasSubstr("is not a host")))
        << host;
  }
}

TEST(ValidateRoutine, WantsOneWayToReachAConnector) {
  const auto connector = [](const std::string& keys) {
    return Problems(With("connectors: [{name: a, " + keys + "}]"));
  };
  EXPECT_THAT(connector("command: [npx, -y, x], secrets: [T], tools: {allow: [x], deny: [y]}"),
              IsEmpty());
  EXPECT_THAT(connector("url: 'https://h/mcp', headers: {Authorization: 'Bearer ${T}'}"),
              IsEmpty());
  EXPECT_THAT(connector("host: tickets"), IsEmpty());
  EXPECT_THAT(connector("tools: {}"),
              ElementsAre(HasSubstr("connectors[0]: needs command, url or host")));
  EXPECT_THAT(connector("url: 'https://h/', host: b"),
              ElementsAre(HasSubstr("has more than one of")));
  EXPECT_THAT(connector("command: []"), ElementsAre(HasSubstr("needs command, url or host")));
  EXPECT_THAT(connector("command: [-y]"), ElementsAre(HasSubstr("command[0]: is not a program")));
  EXPECT_THAT(connector("url: 'ftp://h/'"), ElementsAre(HasSubstr("url: is not a URL")));
  EXPECT_THAT(connector("url: 'https://u:p@h/'"),
              ElementsAre(HasSubstr("url: has a user or password")));
  EXPECT_THAT(connector("host: b, headers: {A: b}"),
              ElementsAre(HasSubstr("headers: has a meaning with url only")));
  EXPECT_THAT(connector("host: b, secrets: [T]"),
              ElementsAre(HasSubstr("secrets: has a meaning with command only")));
  EXPECT_THAT(connector("url: 'https://h/', headers: {'a b': c}"),
              ElementsAre(HasSubstr("is not the name of an HTTP header")));
  EXPECT_THAT(connector("url: 'https://h/', headers: {a: \"b\\r\\nc\"}"),
              ElementsAre(HasSubstr("line break")));
  EXPECT_THAT(connector("url: 'https://h/', headers: {a: '${b'}"),
              ElementsAre(HasSubstr("has a ${ without NAME}")));
  EXPECT_THAT(connector("host: b, tools: {allow: [x], deny: [x]}"),
              ElementsAre(HasSubstr("tools.deny[0]: \"x\" is allowed too")));
  EXPECT_THAT(Problems(With("connectors: [{name: a, host: b}, {name: a, host: c}]")),
              ElementsAre(HasSubstr("connectors[1].name: \"a\" is the name of another")));
  EXPECT_THAT(Problems(With("connectors: [{host: b}]")),
              ElementsAre(HasSubstr("connectors[0].name: is required")));
}

TEST(ValidateRoutine, KnowsBothFormsOfTriggerIds) {
  for (const char* id :
       {"nightly", "a_b-c", "0", "trig_01ABCDEFGHJKLMNOPQRSTUVW", "trig_abcd1234"}) {
    EXPECT_THAT(TriggerId(id), IsEmpty()) << id;
  }
  for (const char* id : {"", "Nightly", "_a", "a b", "trig_short", "trig_01ABCDEF-HJK", "a/b"}) {
    EXPECT_THAT(TriggerId(id), ElementsAre(HasSubstr("triggers[0].id: "))) << id;
  }
  EXPECT_THAT(
      Problems(With("triggers: [{id: a, api: {}}, {id: a, api: {}}]")),
      ElementsAre(HasSubstr("3:35: triggers[1].id: \"a\" is the id of another trigger too")));
}

TEST(ValidateRoutine, WantsExactlyOneScheduleOfTheRightShape) {
  for (const char* keys :
       {"cron: '7 2 * * 1-5'", "cron: '@daily'", "cron: ' 0\t0  1 1 * '",
        "at: '2027-01-31T09:00:00Z'", "every: weekly, time: '23:59', time_zone: America/New_York",
        "every: daily, time_zone: UTC",
        "cron: '@hourly', catch_up: all, catch_up_limit: 5, catch_up_window: 2h, spread: 5m"}) {
    EXPECT_THAT(Schedule(keys), IsEmpty()) << keys;
  }
  EXPECT_THAT(Schedule(""), ElementsAre(HasSubstr("schedule: needs cron, at or every")));
  EXPECT_THAT(Schedule("cron: '@daily', every: daily"),
              ElementsAre(HasSubstr("has more than one of")));
  EXPECT_THAT(Schedule("cron: '* * * *'"),
              ElementsAre(HasSubstr("cron: has 4 fields; write five")));
  EXPECT_THAT(Schedule("cron: '@dayly'"),
              ElementsAre(HasSubstr("unknown macro \"@dayly\"; did you mean \"@daily\"?")));
  EXPECT_THAT(Schedule("cron: '0 0 30 feb *'"),
              ElementsAre(HasSubstr("cron: \"0 0 30 feb *\" never fires")));
  EXPECT_THAT(Schedule("cron: '0 25 * * *'"),
              ElementsAre(HasSubstr("cron: hour \"25\" is not 0 to 23")));
  EXPECT_THAT(Schedule("every: hourly, time: '09:20'"),
              ElementsAre(HasSubstr("time: has an hour")));
  EXPECT_THAT(Schedule("cron: '@daily', time: '09:00'"),
              ElementsAre(HasSubstr("time: has a meaning with every only")));
  for (const char* time : {"24:00", "9:00", "09:60", "09:00:00", "noon"}) {
    EXPECT_THAT(Schedule(std::string("every: daily, time: '") + time + "'"),
                ElementsAre(HasSubstr("is not a time of day")))
        << time;
  }
  for (const char* zone : {"Berlin", "../../etc/passwd", "/etc/localtime", "localtime",
                           "Europe/../UTC", "Fixed/UTC+01:00:00", ":UTC", "Europe"}) {
    EXPECT_THAT(Schedule(std::string("every: daily, time_zone: '") + zone + "'"),
                ElementsAre(HasSubstr("unknown time zone")))
        << zone;
  }
  EXPECT_THAT(Schedule("every: daily, catch_up_limit: 5"),
              ElementsAre(HasSubstr("catch_up_limit: has a meaning with catch_up: all only")));
  EXPECT_THAT(Schedule("every: daily, catch_up: all, catch_up_limit: 1001"),
              ElementsAre(HasSubstr("catch_up_limit: is 1001")));
  EXPECT_THAT(Schedule("every: daily, spread: 0s"), ElementsAre(HasSubstr("spread: is 0s")));
  EXPECT_THAT(Schedule("every: daily, catch_up_window: 1000h"),
              ElementsAre(HasSubstr("catch_up_window: is 1000h")));
}

TEST(ValidateRoutine, ChecksGithubTriggers) {
  const auto github = [](const std::string& keys) {
    return Problems(With("triggers: [{id: x, github: {" + keys + "}}]"));
  };
  EXPECT_THAT(
      github(
          "repositories: [acme/api, 'acme/*', a/b.c_d-e], event: pull_request, actions: [opened]"),
      IsEmpty());
  EXPECT_THAT(github("event: push"), ElementsAre(HasSubstr("repositories: is required")));
  EXPECT_THAT(github("repositories: [a/b]"), ElementsAre(HasSubstr("event: is required")));
  for (const char* name : {"a", "*", "a/b/c", "*/b", "a/b*", "a/..", "a/.", "/b", "a/", "a b/c"}) {
    EXPECT_THAT(github(std::string("event: push, repositories: ['") + name + "']"),
                ElementsAre(HasSubstr("is not a repository")))
        << name;
  }
  EXPECT_THAT(github("repositories: [a/b], event: issue_coment"),
              ElementsAre(HasSubstr("did you mean \"issue_comment\"?")));
  EXPECT_THAT(github("repositories: [a/b], event: ping"), ElementsAre(HasSubstr("unknown event")));
  EXPECT_THAT(github("repositories: [a/b], event: push, actions: [created]"),
              ElementsAre(HasSubstr("push events have no action")));
  EXPECT_THAT(github("repositories: [a/b], event: issues, actions: [opened, newly_invented]"),
              IsEmpty());
  EXPECT_THAT(
      github("repositories: [a/b], event: issues, actions: [opened, close]"),
      ElementsAre(HasSubstr("actions[1]: unknown action \"close\"; did you mean \"closed\"?")));
  EXPECT_THAT(github("repositories: [a/b], event: repository_dispatch, actions: [anything]"),
              IsEmpty());
  for (const char* event :
       {"pull_request", "pull_request_review", "pull_request_review_comment", "push", "release",
        "issues", "issue_comment", "sub_issues", "commit_comment", "discussion",
        "discussion_comment", "check_run", "check_suite", "merge_group", "workflow_run",
        "workflow_job", "workflow_dispatch", "repository_dispatch"}) {
    EXPECT_THAT(github(std::string("repositories: [a/b], event: ") + event), IsEmpty()) << event;
  }
}

TEST(ValidateRoutine, ChecksCustomTriggers) {
  const auto custom = [](const std::string& keys) {
    return Problems(With("triggers: [{id: x, custom: {" + keys + "}}]"));
  };
  EXPECT_THAT(custom("source: deployer, type: a.b, filters: [{field: Any Name, operator: exists}]"),
              IsEmpty());
  EXPECT_THAT(custom("type: a"), ElementsAre(HasSubstr("source: is required")));
  EXPECT_THAT(custom("source: github"),
              ElementsAre(HasSubstr("is not the name of a custom source")));
}

TEST(ValidateRoutine, ChecksTheShapeOfConditions) {
  for (const char* filter :
       {"{field: title, operator: equals, value: x}",
        "{field: labels, operator: is_one_of, values: [a]}",
        "{field: /a/b~0c~1d, operator: exists}", "{field: author, operator: exists, value: false}",
        "{field: title, operator: matches_regex, value: 'a.*'}",
        "{field: /issue/draft, operator: not_equals, value: true}",
        "{any_of: [{field: title, operator: contains, value: x}, {field: body, operator: equals, "
        "value: null}]}"}) {
    EXPECT_THAT(Filter(filter), IsEmpty()) << filter;
  }
  EXPECT_THAT(Filter("{}"),
              ElementsAre(HasSubstr("field: is required"), HasSubstr("operator: is required")));
  EXPECT_THAT(Filter("{field: titel, operator: exists}"),
              ElementsAre(HasSubstr("did you mean \"title\"?")));
  EXPECT_THAT(Filter("{field: weather, operator: exists}"),
              ElementsAre(HasSubstr("or a JSON pointer")));
  EXPECT_THAT(Filter("{field: /a~2, operator: exists}"),
              ElementsAre(HasSubstr("is not a JSON pointer")));
  EXPECT_THAT(Filter("{field: title, operator: equals}"),
              ElementsAre(HasSubstr("value: is required with equals")));
  EXPECT_THAT(Filter("{field: title, operator: equals, values: [a]}"),
              ElementsAre(HasSubstr("values: has no meaning with equals")));
  EXPECT_THAT(Filter("{field: title, operator: is_one_of}"),
              ElementsAre(HasSubstr("values: is required with is_one_of")));
  EXPECT_THAT(Filter("{field: title, operator: is_one_of, value: a}"),
              ElementsAre(HasSubstr("value: has no meaning with is_one_of")));
  EXPECT_THAT(Filter("{field: title, operator: exists, value: x}"),
              ElementsAre(HasSubstr("must be true or false")));
  EXPECT_THAT(Filter("{field: title, operator: contains, value: 5}"),
              ElementsAre(HasSubstr("must be text with contains")));
  EXPECT_THAT(Filter("{field: title, operator: equals, value: [a]}"),
              ElementsAre(HasSubstr("value: expected one value, found a list")));
  EXPECT_THAT(Filter("{field: title, any_of: [{field: title, operator: exists}]}"),
              ElementsAre(HasSubstr("has any_of and a comparison")));
  EXPECT_THAT(Filter("{any_of: [{any_of: [{field: title, operator: exists}]}]}"),
              ElementsAre(HasSubstr("filters[0].any_of[0].any_of: stands in an any_of")));
  EXPECT_THAT(Filter("{any_of: [{field: titel, operator: exists}]}"),
              ElementsAre(HasSubstr("9:25: triggers[0].github.filters[0].any_of[0].field")));
}

TEST(ValidateRoutine, CompilesRegularExpressions) {
  const auto regex = [](const std::string& pattern) {
    return Filter("{field: title, operator: matches_regex, value: '" + pattern + "'}");
  };
  EXPECT_THAT(regex("("), ElementsAre(HasSubstr("is not a regular expression (RE2): missing )")));
  EXPECT_THAT(regex("(?=a)"), testing::SizeIs(1));
  EXPECT_THAT(regex("((((a{100}){100}){100}){100})"), testing::SizeIs(1));
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += "é";
  EXPECT_THAT(regex(thousand), IsEmpty());
  EXPECT_THAT(regex(thousand + "a"), ElementsAre(HasSubstr("is longer than 1000 characters")));
}

TEST(ValidateRoutine, RefusesValuesOfCodeThatAreNoScalars) {
  EXPECT_THAT(After([](v1::Routine& routine) {
                v1::Trigger* trigger = routine.add_triggers();
                trigger->set_id("a");
                trigger->mutable_custom()->set_source("s");
                v1::Condition* condition = trigger->mutable_custom()->add_filters();
                condition->set_field("f");
                condition->set_operator_(v1::OPERATOR_EQUALS);
                condition->mutable_value()->mutable_list_value();
              }),
              ElementsAre(HasSubstr("filters[0].value: must be a text, a number")));
}

}  // namespace
}  // namespace routines
