// What conditions mean, rule by rule of docs/matching.md. Each case is asked of Explain and of the
// reference: this is where both are held to the rules, not only to each other.
#include "routines/filter.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/testing/reference_matcher.h"
#include "src/match/filter.h"
#include "tests/unit/match/filter_testing.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr v1::Operator kEquals = v1::OPERATOR_EQUALS, kNotEquals = v1::OPERATOR_NOT_EQUALS,
                       kContains = v1::OPERATOR_CONTAINS, kNotContains = v1::OPERATOR_NOT_CONTAINS,
                       kStartsWith = v1::OPERATOR_STARTS_WITH, kEndsWith = v1::OPERATOR_ENDS_WITH,
                       kIsOneOf = v1::OPERATOR_IS_ONE_OF, kIsNotOneOf = v1::OPERATOR_IS_NOT_ONE_OF,
                       kRegex = v1::OPERATOR_MATCHES_REGEX, kGlob = v1::OPERATOR_MATCHES_GLOB,
                       kExists = v1::OPERATOR_EXISTS;

bool Matches(const EventView& event, const v1::Trigger& trigger) {
  const std::vector<FilterProblem> problems = CheckFilters(trigger);
  EXPECT_THAT(problems, IsEmpty()) << problems[0].path << ": " << problems[0].message;
  if (!problems.empty()) return false;
  const v1::Routine routine = RoutineOf({trigger});
  routines::testing::ReferenceMatcher reference;
  reference.Put(routine);
  const bool matched = Explain(event, routine)->matched;
  EXPECT_EQ(matched, !reference.Match(event).empty()) << trigger.ShortDebugString();
  return matched;
}

// Whether `condition` holds on the JSON `value`, read by the pointer /value.
bool Holds(const std::string& value, v1::Condition condition) {
  condition.set_field("/value");
  const std::string payload = absl::StrCat("{\"value\":", value, "}");
  return Matches({.source = "deployer", .type = "t", .payload = payload},
                 CustomTrigger({condition}));
}
bool Missing(v1::Condition condition) {
  condition.set_field("/value");
  return Matches({.source = "deployer", .type = "t", .payload = "{}"}, CustomTrigger({condition}));
}

// Whether `condition` holds on a GitHub event whose payload has `members` besides its repository.
bool HoldsOnEvent(std::string_view event, const std::string& members,
                  const v1::Condition& condition) {
  const std::string payload =
      absl::StrCat(R"({"repository":{"full_name":"acme/api"},"action":"opened",)", members, "}");
  return Matches({.source = "github", .type = event, .payload = payload},
                 GithubTrigger(event, {condition}));
}

// ---- kinds ----

TEST(Conditions, CompareWithinAKindOnly) {
  EXPECT_TRUE(Holds("5", Compare("", kEquals, 5)));
  EXPECT_TRUE(Holds("5.0", Compare("", kEquals, 5)));
  EXPECT_TRUE(Holds("5e0", Compare("", kEquals, 5)));
  EXPECT_TRUE(Holds("-0.0", Compare("", kEquals, 0)));
  EXPECT_TRUE(Holds("9007199254740993", Compare("", kEquals, 9007199254740992.0)));  // binary64
  EXPECT_FALSE(Holds("\"5\"", Compare("", kEquals, 5)));
  EXPECT_FALSE(Holds("5", Compare("", kEquals, "5")));
  EXPECT_TRUE(Holds("5", Compare("", kNotEquals, "5")));
  EXPECT_TRUE(Holds("true", Compare("", kEquals, true)));
  EXPECT_FALSE(Holds("1", Compare("", kEquals, true)));
  EXPECT_FALSE(Holds("\"true\"", Compare("", kEquals, true)));
  EXPECT_FALSE(Holds("\"null\"", Compare("", kEquals, nullptr)));
}

TEST(Conditions, CompareTextsByteForByte) {
  EXPECT_TRUE(Holds(R"("caf\u00e9")", Compare("", kEquals, "café")));
  EXPECT_FALSE(Holds(R"("Main")", Compare("", kEquals, "main")));
  EXPECT_FALSE(Holds(R"("cafe\u0301")", Compare("", kEquals, "café")));  // no normalization
  EXPECT_TRUE(Holds(R"("\ud83d\ude00")", Compare("", kEquals, "😀")));
  EXPECT_FALSE(Holds(R"("main ")", Compare("", kEquals, "main")));
}

TEST(Conditions, LookIntoTextsOnly) {
  EXPECT_TRUE(Holds("\"abc\"", Compare("", kContains, "b")));
  EXPECT_TRUE(Holds("\"abc\"", Compare("", kStartsWith, "ab")));
  EXPECT_TRUE(Holds("\"abc\"", Compare("", kEndsWith, "bc")));
  EXPECT_FALSE(Holds("\"abc\"", Compare("", kStartsWith, "b")));
  EXPECT_FALSE(Holds("\"abc\"", Compare("", kEndsWith, "b")));
  EXPECT_FALSE(Holds("15", Compare("", kContains, "5")));
  EXPECT_TRUE(Holds("15", Compare("", kNotContains, "5")));
  EXPECT_FALSE(Holds("15", Compare("", kRegex, ".*")));
  EXPECT_FALSE(Holds("true", Compare("", kGlob, "**")));
}

// ---- the whole value ----

TEST(Conditions, MatchTheWholeValue) {
  EXPECT_FALSE(Holds("\"a hotfix b\"", Compare("", kRegex, "hotfix")));
  EXPECT_TRUE(Holds("\"a hotfix b\"", Compare("", kRegex, ".*hotfix.*")));
  EXPECT_FALSE(Holds("\"hotfix\\nrm\"", Compare("", kRegex, "hotfix.*")));  // . is no line end
  EXPECT_TRUE(Holds("\"hotfix\\nrm\"", Compare("", kRegex, "(?s)hotfix.*")));
  EXPECT_FALSE(Holds("\"x\\nhotfix\"", Compare("", kRegex, "(?m)^hotfix$")));
  EXPECT_FALSE(Holds("\"hotfix\\n\"", Compare("", kRegex, "hotfix$")));
  EXPECT_FALSE(Holds("\"ab\"", Compare("", kRegex, "a|b")));
  EXPECT_FALSE(Holds("\"release/1/x\"", Compare("", kGlob, "release/*")));
  EXPECT_TRUE(Holds("\"release/1/x\"", Compare("", kGlob, "release/**")));
}

TEST(Conditions, CountCharactersNotBytes) {
  EXPECT_TRUE(Holds("\"é\"", Compare("", kRegex, ".")));
  EXPECT_TRUE(Holds("\"é\"", Compare("", kGlob, "?")));
}

TEST(Conditions, MatchNoRegexOnTextsBeyondTheLimit) {
  const std::string longest = absl::StrCat("\"", std::string(kMaxRegexValueBytes, 'a'), "\"");
  const std::string longer = absl::StrCat("\"", std::string(kMaxRegexValueBytes + 1, 'a'), "\"");
  EXPECT_TRUE(Holds(longest, Compare("", kRegex, "a*")));
  EXPECT_FALSE(Holds(longer, Compare("", kRegex, "a*")));
  EXPECT_TRUE(Holds(longer, Compare("", kContains, "a")));
}

// ---- what is not there ----

// T19: every operator on every way of not being there.
TEST(Conditions, ReadWhatIsNotThereAsTheEmptyText) {
  struct Row {
    v1::Condition condition;
    bool absent;      // missing, null, or an object
    bool empty_text;  // ""
    bool empty_list;  // []
  };
  const Row rows[] = {
      {Compare("", kEquals, ""), true, true, false},
      {Compare("", kEquals, nullptr), true, false, false},
      {Compare("", kEquals, "x"), false, false, false},
      {Compare("", kEquals, false), false, false, false},
      {Compare("", kEquals, true), false, false, false},
      {Compare("", kEquals, 0), false, false, false},
      {Compare("", kNotEquals, ""), false, false, true},
      {Compare("", kNotEquals, nullptr), false, true, true},
      {Compare("", kNotEquals, "x"), true, true, true},
      {Compare("", kNotEquals, true), true, true, true},
      {Compare("", kContains, "x"), false, false, false},
      {Compare("", kContains, ""), true, true, false},
      {Compare("", kNotContains, "x"), true, true, true},
      {Compare("", kNotContains, ""), false, false, true},
      {Compare("", kStartsWith, "x"), false, false, false},
      {Compare("", kStartsWith, ""), true, true, false},
      {Compare("", kEndsWith, ""), true, true, false},
      {OneOf("", kIsOneOf, {"x"}), false, false, false},
      {OneOf("", kIsOneOf, {"x", ""}), true, true, false},
      {OneOf("", kIsOneOf, {"x", nullptr}), true, false, false},
      {OneOf("", kIsNotOneOf, {"x"}), true, true, true},
      {OneOf("", kIsNotOneOf, {""}), false, false, true},
      {OneOf("", kIsNotOneOf, {nullptr}), false, true, true},
      {Compare("", kRegex, ".*"), true, true, false},
      {Compare("", kRegex, ".+"), false, false, false},
      {Compare("", kGlob, "*"), true, true, false},
      {Compare("", kGlob, "?"), false, false, false},
      {Compare("", kExists, true), false, true, false},
      {Compare("", kExists, false), true, false, true},
      {Exists(""), false, true, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.condition.ShortDebugString());
    EXPECT_EQ(Missing(row.condition), row.absent);
    EXPECT_EQ(Holds("null", row.condition), row.absent);
    EXPECT_EQ(Holds("\"\"", row.condition), row.empty_text);
    EXPECT_EQ(Holds("[]", row.condition), row.empty_list);
    if (row.condition.operator_() == kExists) continue;
    EXPECT_EQ(Holds("{\"a\":1}", row.condition), row.absent);
    EXPECT_EQ(Holds("[{\"a\":1},[\"x\"]]", row.condition), row.empty_list);  // no scalars
  }
}

TEST(Conditions, KnowThatObjectsAndTheirListsExist) {
  EXPECT_TRUE(Holds("{}", Exists("")));
  EXPECT_TRUE(Holds("[{}]", Exists("")));
  EXPECT_TRUE(Holds("[null]", Exists("")));
  EXPECT_TRUE(Holds("false", Exists("")));
  EXPECT_TRUE(Holds("0", Exists("")));
  EXPECT_FALSE(Holds("{}", Compare("", kExists, false)));
}

TEST(Conditions, KnowThatAListExistsWhereGithubSendsAText) {
  EXPECT_TRUE(HoldsOnEvent("issues", R"("sender":{"login":[[]]})", Exists("sender")));
  EXPECT_FALSE(HoldsOnEvent("issues", R"("sender":{"login":[]})", Exists("sender")));
  EXPECT_FALSE(HoldsOnEvent("issues", R"("sender":{"login":{"a":1}})", Exists("sender")));
  EXPECT_FALSE(HoldsOnEvent("issues", R"("issue":{"labels":[{"name":null}]})", Exists("labels")));
}

TEST(Conditions, HaveNoBooleanWhereTheFieldIsNull) {
  for (const bool value : {true, false}) {
    EXPECT_FALSE(HoldsOnEvent("pull_request", R"("pull_request":{"draft":null})",
                              Compare("is_draft", kEquals, value)));
    EXPECT_TRUE(HoldsOnEvent("pull_request", R"("pull_request":{"draft":null})",
                             Compare("is_draft", kNotEquals, value)));
  }
}

// ---- lists ----

TEST(Conditions, HoldOnAListWhereOneElementSatisfies) {
  EXPECT_TRUE(Holds(R"(["a","wip"])", Compare("", kEquals, "wip")));
  EXPECT_TRUE(Holds(R"(["a","wip"])", Compare("", kContains, "ip")));
  EXPECT_TRUE(Holds(R"(["a","wip"])", OneOf("", kIsOneOf, {"x", "wip"})));
  EXPECT_TRUE(Holds(R"([1,true,null,"a"])", Compare("", kEquals, nullptr)));
  EXPECT_TRUE(Holds(R"([1,true,null,"a"])", Compare("", kEquals, 1)));
  EXPECT_FALSE(Holds(R"([1,[2],{"a":3}])", OneOf("", kIsOneOf, {2, 3})));
}

TEST(Conditions, HoldNegativelyOnAListWhereNoElementSatisfies) {
  EXPECT_FALSE(Holds(R"(["a","wip"])", Compare("", kNotEquals, "wip")));
  EXPECT_TRUE(Holds(R"(["a","b"])", Compare("", kNotEquals, "wip")));
  EXPECT_FALSE(Holds(R"(["a","wip"])", OneOf("", kIsNotOneOf, {"wip"})));
  EXPECT_FALSE(Holds(R"(["a","wip"])", Compare("", kNotContains, "w")));
  EXPECT_TRUE(Holds(R"([])", OneOf("", kIsNotOneOf, {"wip"})));
}

// ---- fields ----

TEST(Conditions, IgnoreAsciiCaseOnLoginsLabelsAndWords) {
  const std::string pull =
      R"("pull_request":{"user":{"login":"Octo-Cat"},"author_association":"MEMBER",)"
      R"("title":"Fix","labels":[{"name":"Needs-Review"},{"name":"É"}],"base":{"ref":"Main"}})";
  const auto holds = [&](const v1::Condition& condition) {
    return HoldsOnEvent("pull_request", pull, condition);
  };
  EXPECT_TRUE(holds(Compare("author", kEquals, "octo-cat")));
  EXPECT_TRUE(holds(Compare("author", kStartsWith, "OCTO")));
  EXPECT_TRUE(holds(Compare("author", kRegex, "octo.*")));
  EXPECT_TRUE(holds(Compare("author", kGlob, "*-cAt")));
  EXPECT_FALSE(holds(OneOf("author", kIsNotOneOf, {"OCTO-CAT"})));
  EXPECT_TRUE(holds(Compare("author_association", kEquals, "member")));
  EXPECT_TRUE(holds(Compare("labels", kEquals, "needs-review")));
  EXPECT_TRUE(holds(Compare("labels", kContains, "REVIEW")));
  EXPECT_FALSE(holds(Compare("labels", kEquals, "é")));  // ASCII letters only
  EXPECT_FALSE(holds(Compare("title", kEquals, "fix")));
  EXPECT_FALSE(holds(Compare("base_branch", kEquals, "main")));
  EXPECT_FALSE(holds(Compare("/pull_request/user/login", kEquals, "octo-cat")));
}

TEST(Conditions, ReadPointersAsRfc6901Says) {
  const std::string members = R"("list":["a","b"],"m~n":1,"a/b":2,"":{"":3},"0":{"01":4})";
  const auto at = [&](const char* pointer) {
    const std::string payload = absl::StrCat("{", members, "}");
    return Matches({.source = "deployer", .payload = payload}, CustomTrigger({Exists(pointer)}));
  };
  for (const char* pointer : {"/list/0", "/list/1", "/m~0n", "/a~1b", "/", "//", "/0/01"}) {
    EXPECT_TRUE(at(pointer)) << pointer;
  }
  for (const char* pointer : {"/list/2", "/list/-", "/list/00", "/list/01", "/list/a", "/list/",
                              "/m", "/list/*", "/list/+1", "/list/99999999999999999999"}) {
    EXPECT_FALSE(at(pointer)) << pointer;
  }
}

TEST(Conditions, ReadAttributesOfCustomEvents) {
  google::protobuf::Map<std::string, std::string> attributes;
  attributes["service"] = "api";
  attributes["empty"] = "";
  const auto holds = [&](const v1::Condition& condition) {
    return Matches({.source = "deployer", .payload = "", .attributes = &attributes},
                   CustomTrigger({condition}));
  };
  EXPECT_TRUE(holds(Compare("service", kEquals, "api")));
  EXPECT_FALSE(holds(Compare("service", kEquals, "API")));
  EXPECT_TRUE(holds(Exists("empty")));
  EXPECT_FALSE(holds(Exists("Service")));
  EXPECT_TRUE(holds(Compare("missing", kEquals, "")));
  EXPECT_FALSE(holds(Exists("/service")));
}

TEST(Conditions, FindNothingInACustomPayloadThatIsNoJson) {
  EXPECT_FALSE(Matches({.source = "deployer", .payload = "<xml/>"}, CustomTrigger({Exists("/a")})));
  EXPECT_TRUE(Matches({.source = "deployer", .payload = "<xml/>"}, CustomTrigger({})));
}

// ---- scope ----

TEST(Scope, IsEventRepositoryAndAction) {
  const std::string payload =
      R"({"action":"opened","repository":{"full_name":"Acme/API"},"issue":{"title":"x"}})";
  const auto matches = [&](const char* repository, const char* event, const char* action) {
    v1::Trigger trigger = GithubTrigger(event, {});
    trigger.mutable_github()->set_repositories(0, repository);
    if (*action != 0) trigger.mutable_github()->add_actions(action);
    return Matches({.source = "github", .type = "issues", .payload = payload}, trigger);
  };
  EXPECT_TRUE(matches("acme/api", "issues", ""));
  EXPECT_TRUE(matches("ACME/*", "issues", "opened"));
  EXPECT_FALSE(matches("acme/ap", "issues", ""));
  EXPECT_FALSE(matches("acm/*", "issues", ""));
  EXPECT_FALSE(matches("acme/api", "issue_comment", ""));
  EXPECT_FALSE(matches("acme/api", "issues", "Opened"));
}

TEST(Scope, NeedsARepository) {
  EXPECT_FALSE(Matches({.source = "github", .type = "issues", .payload = R"({"action":"opened"})"},
                       GithubTrigger("issues", {})));
}

TEST(Scope, IsSourceAndType) {
  v1::Trigger trigger = CustomTrigger({});
  EXPECT_TRUE(Matches({.source = "deployer", .type = "any"}, trigger));
  EXPECT_FALSE(Matches({.source = "Deployer", .type = "any"}, trigger));
  trigger.mutable_custom()->set_type("done");
  EXPECT_TRUE(Matches({.source = "deployer", .type = "done"}, trigger));
  EXPECT_FALSE(Matches({.source = "deployer", .type = "Done"}, trigger));
}

TEST(Scope, IsEmptyWhereTheTriggerIsDisabled) {
  v1::Trigger trigger = CustomTrigger({});
  trigger.set_disabled(true);
  EXPECT_FALSE(Matches({.source = "deployer"}, trigger));
}

TEST(Conditions, MustAllHoldAndOneOfAGroup) {
  const auto a = Compare("/a", kEquals, 1), b = Compare("/b", kEquals, 2);
  const auto matches = [&](const char* payload, const std::vector<v1::Condition>& conditions) {
    return Matches({.source = "deployer", .payload = payload}, CustomTrigger(conditions));
  };
  EXPECT_TRUE(matches(R"({"a":1,"b":2})", {a, b}));
  EXPECT_FALSE(matches(R"({"a":1})", {a, b}));
  EXPECT_TRUE(matches(R"({"a":1})", {AnyOf({a, b})}));
  EXPECT_FALSE(matches(R"({})", {AnyOf({a, b})}));
  EXPECT_FALSE(matches(R"({"a":1})", {AnyOf({a, b}), b}));
}

// ---- what is refused ----

std::vector<std::string> Refused(const v1::Trigger& trigger) {
  std::vector<std::string> lines;
  for (const FilterProblem& problem : CheckFilters(trigger)) {
    lines.push_back(problem.path + ": " + problem.message);
  }
  return lines;
}

std::vector<std::string> Refused(std::string_view event, const v1::Condition& condition) {
  return Refused(GithubTrigger(event, {condition}));
}

TEST(CheckFilters, HoldsEachEventToItsFields) {
  int accepted = 0, refused = 0;
  for (const GithubEventInfo& event : GithubEvents()) {
    for (const FieldInfo& field : GithubFields()) {
      const auto problems = Refused(event.event, Exists(field.field));
      if (FindGithubField(event.event, field.field) != nullptr) {
        EXPECT_THAT(problems, IsEmpty()) << event.event << " " << field.field;
        ++accepted;
      } else {
        EXPECT_THAT(problems, ElementsAre(HasSubstr("filters[0].field: "))) << field.field;
        ++refused;
      }
    }
  }
  EXPECT_GT(accepted, 500);
  EXPECT_GT(refused, 500);
  EXPECT_THAT(Refused("issues", Exists("head_branch")),
              ElementsAre("filters[0].field: issues events have no head_branch; write author, "
                          "sender, author_association, title, body, labels or state, or a JSON "
                          "pointer such as /repository/default_branch"));
  EXPECT_THAT(Refused("issues", Exists("label")), ElementsAre(HasSubstr("mean \"labels\"?")));
}

TEST(CheckFilters, HoldsOperatorsAndValuesToTheFieldsType) {
  for (const v1::Operator op : {kContains, kNotContains, kStartsWith, kEndsWith, kRegex, kGlob}) {
    EXPECT_THAT(Refused("pull_request", Compare("is_draft", op, "t")),
                ElementsAre(HasSubstr("is_draft is true or false; write equals")));
    EXPECT_THAT(Refused("pull_request", Compare("title", op, "t")), IsEmpty());
    EXPECT_THAT(Refused("pull_request", Compare("title", op, 5)),
                ElementsAre(HasSubstr("must be text")));
    EXPECT_THAT(Refused("pull_request", Compare("/pull_request/draft", op, "t")), IsEmpty());
  }
  for (const v1::Operator op : {kEquals, kNotEquals}) {
    EXPECT_THAT(Refused("pull_request", Compare("is_draft", op, "true")),
                ElementsAre(HasSubstr("must be true or false, without quotes")));
    EXPECT_THAT(Refused("pull_request", Compare("is_draft", op, nullptr)), IsEmpty());
    EXPECT_THAT(Refused("pull_request", Compare("title", op, 5)),
                ElementsAre(HasSubstr("filters[0].value: must be text: title is a text")));
    EXPECT_THAT(Refused("pull_request", Compare("title", op, nullptr)), IsEmpty());
    EXPECT_THAT(Refused("pull_request", Compare("labels", op, nullptr)),
                ElementsAre(HasSubstr("write operator: exists, value: false")));
    EXPECT_THAT(Refused("pull_request", Compare("/number", op, 5)), IsEmpty());
    EXPECT_THAT(Refused(CustomTrigger({Compare("build", op, 5)})),
                ElementsAre(HasSubstr("build is a text; write it in quotes")));
  }
  EXPECT_THAT(Refused("pull_request", OneOf("labels", kIsOneOf, {"a", 5, true})),
              ElementsAre(HasSubstr("filters[0].values[1]"), HasSubstr("filters[0].values[2]")));
}

TEST(CheckFilters, RefusesWordsThatCannotCome) {
  EXPECT_THAT(Refused("issues", Compare("author_association", kEquals, "member")), IsEmpty());
  EXPECT_THAT(Refused("issues", OneOf("author_association", kIsOneOf, {"MEMBERS", "", nullptr})),
              ElementsAre(AllOf(HasSubstr("did you mean \"MEMBER\"?"),
                                HasSubstr("write field: /issue/author_association"))));
  EXPECT_THAT(Refused("pull_request_review", Compare("state", kEquals, "APPROVED")),
              ElementsAre(HasSubstr("did you mean \"approved\"?")));
  EXPECT_THAT(Refused("pull_request", Compare("state", kEquals, "merged")),
              ElementsAre(HasSubstr("write open or closed")));
  EXPECT_THAT(Refused("workflow_run", Compare("conclusion", kNotEquals, "failed")), SizeIs(1));
  EXPECT_THAT(Refused("check_run", Compare("status", kEquals, "complete")), SizeIs(1));
  EXPECT_THAT(Refused("issues", Compare("state", kStartsWith, "clo")), IsEmpty());
  EXPECT_THAT(Refused("issues", Compare("/issue/state", kEquals, "draft")), IsEmpty());
}

TEST(CheckFilters, RefusesBeginningsThatCannotCome) {
  EXPECT_THAT(Refused("pull_request", Compare("base_branch", kEquals, "refs/heads/main")),
              ElementsAre(HasSubstr("write \"main\"")));
  EXPECT_THAT(Refused("push", Compare("head_branch", kRegex, "^refs/heads/release/.*")),
              ElementsAre(HasSubstr("write \"release/.*\"")));
  EXPECT_THAT(Refused("push", Compare("tag", kGlob, "refs/tags/v*")),
              ElementsAre(HasSubstr("write \"v*\"")));
  EXPECT_THAT(Refused("push", Compare("changed_paths", kStartsWith, "/src/")),
              ElementsAre(HasSubstr("write \"src/\"")));
  EXPECT_THAT(Refused("push", Compare("changed_paths", kGlob, "./docs/**")),
              ElementsAre(HasSubstr("write \"docs/**\"")));
  EXPECT_THAT(Refused("issues", OneOf("author", kIsNotOneOf, {"octocat", "@alice"})),
              ElementsAre(AllOf(HasSubstr("values[1]"), HasSubstr("write \"alice\""))));
  EXPECT_THAT(Refused("issues", Compare("title", kStartsWith, "@")), IsEmpty());
}

TEST(CheckFilters, RefusesNegationsThatCannotHold) {
  EXPECT_THAT(Refused("issues", Compare("title", kNotContains, "")),
              ElementsAre(HasSubstr("every text contains the empty one")));
  EXPECT_THAT(Refused("issues", Compare("labels", kNotContains, "")), IsEmpty());
}

TEST(CheckFilters, RefusesWhatHasNoForm) {
  v1::Condition none;
  EXPECT_THAT(Refused("issues", none),
              ElementsAre(HasSubstr("field: is required"), HasSubstr("operator: is required")));
  EXPECT_THAT(Refused("issues", Exists("/a~2")), ElementsAre(HasSubstr("is not a JSON pointer")));
  EXPECT_THAT(Refused("issue", Exists("title")),
              ElementsAre("event: unknown event \"issue\"; did you mean \"issues\"?"));
  EXPECT_THAT(Refused("issues", Compare("title", kGlob, "a\\")),
              ElementsAre(HasSubstr("write \\\\ for a backslash")));
  EXPECT_THAT(Refused("issues", OneOf("title", kIsOneOf, {})),
              ElementsAre(HasSubstr("values: is required")));
  EXPECT_THAT(Refused("issues", AnyOf({AnyOf({Exists("title")})})),
              ElementsAre(HasSubstr("filters[0].any_of[0].any_of: stands in an any_of")));
}

// T18: what a regular expression may cost is settled when it is saved.
TEST(CheckFilters, BoundsRegularExpressions) {
  const auto regex = [](const std::string& pattern) {
    return Refused("issues", Compare("body", kRegex, pattern));
  };
  EXPECT_THAT(regex("(a*)*b"), IsEmpty());
  EXPECT_THAT(regex("((a{1,1000}){1,1000})"), ElementsAre(HasSubstr("invalid repetition size")));
  EXPECT_THAT(regex(".*a.{900}"), ElementsAre(HasSubstr("is too large a regular expression")));
  EXPECT_THAT(regex("(\\pL{1,30}){1,30}"), SizeIs(1));
  EXPECT_THAT(regex("(?=a)b"), ElementsAre(HasSubstr("is not a regular expression")));
  EXPECT_THAT(regex("(a)\\1"), SizeIs(1));
  EXPECT_THAT(regex(std::string(1001, 'a')), ElementsAre(HasSubstr("is longer than 1000")));
  EXPECT_THAT(regex("[\\p{L}\\p{N}]+"), IsEmpty());
}

// The worst that passes the check, on the longest text that it is asked about: RE2 gives its
// automaton up here, and a backtracking engine would not come back.
TEST(Conditions, TakeBoundedTimeWhateverTheRegex) {
  std::string text;
  for (uint32_t i = 0, random = 1; i < kMaxRegexValueBytes; ++i) {
    random = random * 1103515245 + 12345;
    text += "ab"[random >> 16 & 1];
  }
  const std::string value = absl::StrCat("\"", text, "\"");
  EXPECT_FALSE(Holds(value, Compare("", kRegex, "(a*)*c")));
  EXPECT_FALSE(Holds(value, Compare("", kRegex, "(x+x+)+y")));
  EXPECT_FALSE(Holds(value, Compare("", kRegex, ".*a.{300}c")));
  EXPECT_FALSE(Holds(value, Compare("", kRegex, "(.*a.{1,30}){8}c")));
}

}  // namespace
}  // namespace routines
