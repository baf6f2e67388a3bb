#include "routines/event.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/charconv.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/words.h"
#include "src/match/derive.h"
#include "src/match/event_reader.h"
#include "src/match/extract.h"
#include "tests/unit/match/github_payloads.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

EventView Github(std::string_view type, std::string_view payload) {
  return {.source = "github", .type = type, .payload = payload};
}

// For people: texts in quotes and shortened, lists in brackets, absent as -.
std::string ToText(const ScalarValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return absl::StrCat(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return Quoted(*text);
  return "-";
}

std::string ToText(const FieldValue& value) {
  if (const auto* list = std::get_if<std::vector<ScalarValue>>(&value)) {
    return absl::StrCat("[",
                        absl::StrJoin(*list, ", ",
                                      [](std::string* out, const ScalarValue& one) {
                                        absl::StrAppend(out, ToText(one));
                                      }),
                        "]");
  }
  ScalarValue scalar;
  if (const auto* flag = std::get_if<bool>(&value)) scalar = *flag;
  if (const auto* number = std::get_if<double>(&value)) scalar = *number;
  if (const auto* text = std::get_if<std::string>(&value)) scalar = *text;
  return ToText(scalar);
}

// What the fast side says, in the terms of the plain one.
ScalarValue ToScalar(const ExtractedValue& value) {
  switch (value.kind) {
    case ValueKind::kFalse:
    case ValueKind::kTrue:
      return value.kind == ValueKind::kTrue;
    case ValueKind::kNumber: {
      double number = 0;
      absl::from_chars(value.data, value.data + value.size, number);
      return number;
    }
    case ValueKind::kString:
      return std::string(value.text());
    default:
      return std::monostate();
  }
}

FieldValue ToValue(const DerivedField& field, bool texts_only) {
  switch (field.kind) {
    case DerivedField::Kind::kAbsent:
      return std::monostate();
    case DerivedField::Kind::kBoolean:
      return field.boolean;
    case DerivedField::Kind::kNumber: {
      double number = 0;
      absl::from_chars(field.text.data(), field.text.data() + field.text.size(), number);
      return number;
    }
    case DerivedField::Kind::kText:
      return std::string(field.text);
    case DerivedField::Kind::kList:
      break;
  }
  std::vector<ScalarValue> list;
  for (const auto& part : field.lists) {
    for (const ExtractedValue& value : part) {
      if (!texts_only || value.kind == ValueKind::kString) list.push_back(ToScalar(value));
    }
  }
  return list;
}

// All fields that `event` has in `payload`, read the fast way.
std::vector<std::string> DerivedFields(std::string_view event, std::string_view payload,
                                       Extraction& extraction) {
  std::vector<const FieldRecipe*> recipes;
  std::vector<std::string_view> paths;
  for (const FieldRecipe& recipe : FieldRecipes()) {
    if (recipe.event != event) continue;
    recipes.push_back(&recipe);
    paths.insert(paths.end(), recipe.used_paths().begin(), recipe.used_paths().end());
  }
  const auto plan = ExtractionPlan::Compile(paths);
  extraction.Open(payload);
  EXPECT_EQ(extraction.Read(*plan, plan->all()), absl::OkStatus());
  std::vector<std::string> out;
  int target = 0;
  for (const FieldRecipe* recipe : recipes) {
    const FieldValue value =
        ToValue(DeriveField(*recipe, extraction, target), recipe->derivation == Derivation::kUnion);
    out.push_back(absl::StrCat(std::string(recipe->field), " ", ToText(value)));
    target += static_cast<int>(recipe->used_paths().size());
  }
  return out;
}

std::vector<std::string> PlainFields(std::string_view event, std::string_view payload) {
  EventReader reader(Github(event, payload));
  std::vector<std::string> out;
  for (const FieldInfo& row : GithubFields()) {
    if (row.event != event) continue;
    out.push_back(absl::StrCat(std::string(row.field), " ", ToText(*reader.Field(row.field))));
  }
  return out;
}

TEST(GithubFields, EveryRowIsFoundAndSaysWhereItComesFrom) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const FieldInfo& row : GithubFields()) {
    EXPECT_TRUE(seen.insert({row.event, row.field}).second) << row.event << " " << row.field;
    EXPECT_EQ(FindGithubField(row.event, row.field), &row);
    EXPECT_NE(FindGithubEvent(row.event), nullptr) << row.event;
    EXPECT_EQ(row.path[0], '/');
    EXPECT_THAT(std::string(row.source), HasSubstr(std::string("#") + std::string(row.event)));
  }
  EXPECT_EQ(FindGithubField("push", "is_draft"), nullptr);
  EXPECT_EQ(FindGithubField("gollum", "author"), nullptr);
}

TEST(GithubEvents, AreEighteenInTheOrderOfTheFields) {
  ASSERT_EQ(GithubEvents().size(), 18u);
  size_t at = 0;
  for (const FieldInfo& row : GithubFields()) {
    while (at < 18 && GithubEvents()[at].event != row.event) ++at;
    ASSERT_LT(at, 18u) << row.event;
  }
  EXPECT_FALSE(FindGithubEvent("push")->has_action);
  EXPECT_TRUE(FindGithubEvent("repository_dispatch")->has_action);
  EXPECT_EQ(FindGithubEvent("gollum"), nullptr);
}

// ---- values ----

constexpr char kGolden[] = ROUTINES_SOURCE_DIR "/tests/data/github/fields.golden";

// The table was looked at by people, row for row against the payloads. To make it anew after a
// change that is meant: ROUTINES_WRITE_GOLDEN=1 match_test, and look at the difference.
TEST(ReadField, GivesTheValuesOfTheGoldenTable) {
  if (testing::ExamplePayloads().empty()) GTEST_SKIP() << testing::kNoExamples;
  std::string table;
  for (const auto& payload : testing::AllPayloads()) {
    absl::StrAppend(&table, "# ", payload.name, "\n",
                    absl::StrJoin(PlainFields(payload.event, payload.body), "\n"), "\n");
  }
  if (std::getenv("ROUTINES_WRITE_GOLDEN") != nullptr) std::ofstream(kGolden) << table;
  std::ifstream stream(kGolden, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_EQ(table, golden);
}

TEST(DeriveField, SaysWhatThePlainReaderSays) {
  Extraction fastest, simdjson(Extraction::Method::kSimdjson);
  for (const auto& payload : testing::AllPayloads()) {
    const auto plain = PlainFields(payload.event, payload.body);
    EXPECT_EQ(DerivedFields(payload.event, payload.body, fastest), plain) << payload.name;
    EXPECT_EQ(DerivedFields(payload.event, payload.body, simdjson), plain) << payload.name;
  }
}

std::string Read(std::string_view event, std::string_view payload, std::string_view field) {
  const auto value = ReadField(Github(event, payload), field);
  return value.ok() ? ToText(*value) : std::string(value.status().message());
}

TEST(ReadField, TellsBranchesFromTags) {
  const auto field = [](std::string_view ref, std::string_view name) {
    return Read("push", absl::StrCat("{\"ref\":\"", std::string(ref), "\"}"), name);
  };
  EXPECT_EQ(field("refs/heads/main", "head_branch"), "\"main\"");
  EXPECT_EQ(field("refs/heads/refs/heads/x", "head_branch"), "\"refs/heads/x\"");
  EXPECT_EQ(field("refs/heads/main", "tag"), "-");
  EXPECT_EQ(field("refs/tags/v1", "tag"), "\"v1\"");
  EXPECT_EQ(field("refs/tags/v1", "head_branch"), "-");
  EXPECT_EQ(field("main", "head_branch"), "-");
}

TEST(ReadField, TakesAGoneHeadRepositoryForAFork) {
  const auto field = [](std::string_view head, std::string_view base) {
    return Read("pull_request",
                absl::StrCat("{\"pull_request\":{\"head\":{\"repo\":", std::string(head),
                             "},\"base\":{\"repo\":", std::string(base), "}}}"),
                "from_fork");
  };
  constexpr char kOurs[] = R"({"full_name":"Harbor/lantern"})";
  EXPECT_EQ(field(kOurs, kOurs), "false");
  EXPECT_EQ(field(R"({"full_name":"harbor/Lantern"})", kOurs), "false");
  EXPECT_EQ(field(R"({"full_name":"olek/lantern"})", kOurs), "true");
  EXPECT_EQ(field("null", kOurs), "true");
  EXPECT_EQ(field("{}", kOurs), "true");
}

TEST(ReadField, ReadsPointers) {
  constexpr char kPayload[] =
      R"({"a":{"b/c":[1,"x",null,{"d":2},[3]],"~":true},"n":null,"e":[],"o":{},"big":12345678901234567890123})";
  EXPECT_EQ(Read("push", kPayload, "/a/b~1c"), "[1, \"x\", -]");
  EXPECT_EQ(Read("push", kPayload, "/a/b~1c/3/d"), "2");
  EXPECT_EQ(Read("push", kPayload, "/a/b~1c/4/0"), "3");
  EXPECT_EQ(Read("push", kPayload, "/a/b~1c/5"), "-");
  EXPECT_EQ(Read("push", kPayload, "/a/~0"), "true");
  EXPECT_EQ(Read("push", kPayload, "/a"), "-");
  EXPECT_EQ(Read("push", kPayload, "/n"), "-");
  EXPECT_EQ(Read("push", kPayload, "/n/x"), "-");
  EXPECT_EQ(Read("push", kPayload, "/e"), "[]");
  EXPECT_EQ(Read("push", kPayload, "/big"), "1.23457e+22");
  EventReader reader(Github("push", kPayload));
  EXPECT_TRUE(reader.Exists("/o"));
  EXPECT_TRUE(reader.Exists("/a/b~1c"));
  EXPECT_FALSE(reader.Exists("/e"));
  EXPECT_FALSE(reader.Exists("/n"));
  EXPECT_FALSE(reader.Exists("/x"));
}

TEST(ReadField, SaysWhatCannotBeRead) {
  EXPECT_THAT(Read("push", "{}", "is_draft"), HasSubstr("push events have no field \"is_draft\""));
  EXPECT_EQ(ReadField(Github("push", "{}"), "is_draft").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadField(Github("push", "{\"ref\":"), "tag").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ReadField, ReadsCustomEvents) {
  google::protobuf::Map<std::string, std::string> attributes;
  attributes["level"] = "page";
  EventView event{.source = "alerts",
                  .type = "raised",
                  .payload = R"({"host":{"name":"a1"}})",
                  .attributes = &attributes};
  EXPECT_EQ(ToText(*ReadField(event, "level")), "\"page\"");
  EXPECT_EQ(ToText(*ReadField(event, "author")), "-");
  EXPECT_EQ(ToText(*ReadField(event, "/host/name")), "\"a1\"");
  event.payload = "not json";
  EXPECT_EQ(ToText(*ReadField(event, "/host/name")), "-");
  EXPECT_EQ(ToText(*ReadField(event, "level")), "\"page\"");
}

// ---- identities ----

const testing::GithubPayload& Own(std::string_view name) {
  for (const auto& payload : testing::OwnPayloads()) {
    if (payload.name == name) return payload;
  }
  ADD_FAILURE() << "no payload " << name;
  return testing::OwnPayloads().front();
}

TEST(GithubIdentity, SaysWhatAPullRequestIsAbout) {
  const auto identity = ReadGithubIdentity("pull_request", Own("pull_request.assigned").body);
  ASSERT_TRUE(identity.ok()) << identity.status();
  EXPECT_EQ(identity->action, "assigned");
  EXPECT_EQ(identity->repository, "harbor-works/lantern");
  EXPECT_EQ(identity->number, 31);
  EXPECT_EQ(identity->title, "Keep the wick dry");
  EXPECT_EQ(identity->base_branch, "main");
  EXPECT_EQ(identity->head_branch, "dry-wick");
  EXPECT_EQ(identity->head_sha, "4be1f0a9c36d27e85b91d0c7a2f3e64815d9b07c");
  EXPECT_EQ(identity->url, "https://github.com/harbor-works/lantern/pull/31");
  EXPECT_EQ(identity->author, "mara-quill");
  EXPECT_EQ(identity->author_association, "CONTRIBUTOR");
  EXPECT_TRUE(identity->from_fork);
  EXPECT_FALSE(identity->sender_is_bot);
}

TEST(GithubIdentity, LeavesOutWhatIsNotThere) {
  const auto deleted = ReadGithubIdentity("push", Own("push.deleted_branch").body);
  EXPECT_EQ(deleted->head_sha, "");  // forty zeros
  EXPECT_EQ(deleted->head_branch, "feature/fog");
  EXPECT_EQ(deleted->action, "");
  EXPECT_EQ(deleted->number, 0);
  const auto tag = ReadGithubIdentity("push", Own("push.tag").body);
  EXPECT_EQ(tag->tag, "v2.1.0");
  EXPECT_EQ(tag->head_branch, "");
  EXPECT_TRUE(ReadGithubIdentity("push", Own("push.forced").body)->sender_is_bot);
  EXPECT_EQ(ReadGithubIdentity("a_new_event", R"({"action":"x","repository":{"full_name":"o/n"}})")
                ->repository,
            "o/n");
}

TEST(GithubIdentity, KnowsRunsOnForks) {
  EXPECT_TRUE(ReadGithubIdentity("workflow_run", Own("workflow_run.completed").body)->from_fork);
  EXPECT_FALSE(ReadGithubIdentity("workflow_run", Own("workflow_run.in_progress").body)->from_fork);
  EXPECT_TRUE(ReadGithubIdentity("workflow_run", Own("workflow_run.requested").body)->from_fork);
}

TEST(GithubIdentity, NamesRepositoryAndSenderOfEveryPayload) {
  for (const auto& payload : testing::AllPayloads()) {
    const auto identity = ReadGithubIdentity(payload.event, payload.body);
    ASSERT_TRUE(identity.ok()) << payload.name << identity.status();
    EXPECT_THAT(identity->repository, HasSubstr("/")) << payload.name;
    EXPECT_NE(identity->sender, "") << payload.name;
    EXPECT_EQ(identity->action.empty(), !FindGithubEvent(payload.event)->has_action)
        << payload.name;
  }
}

}  // namespace
}  // namespace routines
