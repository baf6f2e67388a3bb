#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/unit/match/github_payloads.h"

namespace routines::bench {
namespace {

constexpr size_t kWords = 6000;
constexpr size_t kLabels = 300;
constexpr size_t kPeople = 20000;
constexpr std::array<std::string_view, 8> kActions = {"opened",           "synchronize", "closed",
                                                      "labeled",          "edited",      "reopened",
                                                      "ready_for_review", "assigned"};

// Pseudo-words of two to four syllables.
std::vector<std::string> MakeWords(uint64_t seed) {
  constexpr std::array<std::string_view, 40> kSyllables = {
      "re", "con", "de",  "ta",  "in",  "er", "ma",  "lo",  "pre", "ti",  "on", "al",  "ser", "ver",
      "ca", "che", "to",  "ken", "par", "se", "que", "ue",  "li",  "mit", "ro", "ute", "bu",  "ild",
      "te", "st",  "ing", "ed",  "ly",  "up", "dat", "fac", "tor", "log", "da", "net"};
  std::mt19937_64 random(seed);
  std::vector<std::string> words;
  while (words.size() < kWords) {
    std::string word;
    for (uint64_t i = 2 + random() % 3; i > 0; --i) {
      word.append(kSyllables[random() % kSyllables.size()]);
    }
    words.push_back(std::move(word));
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::shuffle(words.begin(), words.end(), random);
  return words;
}

void SetText(std::string_view text, v1::Condition& condition) {
  condition.mutable_value()->set_string_value(std::string(text));
}

// Puts `labels` in place of the pull request's.
std::string ReplaceLabels(const std::string& payload) {
  const size_t begin = payload.find("\"labels\":[");
  const size_t end = payload.find(']', begin);
  return absl::StrCat(payload.substr(0, begin), "\"labels\":[@labels@", payload.substr(end));
}

std::vector<std::string> MakeTemplates() {
  std::vector<std::string> templates;
  for (const auto& example : testing::ExamplePayloads()) {
    if (example.event != "pull_request" || example.body.size() < 20'000) continue;
    if (example.body.find("\"Codertocat/Hello-World\"") == std::string::npos) continue;
    const std::string body = ReplaceLabels(example.body);
    const size_t action = body.find("\"action\":\"") + 10;
    templates.push_back(absl::StrReplaceAll(
        absl::StrCat(body.substr(0, action), "@action@", body.substr(body.find('"', action))),
        {{"Codertocat/Hello-World", "@repository@"},
         {"\"login\":\"Codertocat\"", "\"login\":\"@author@\""},
         {"\"Update the README with new information.\"", "\"@title@\""},
         {"\"This is a pretty simple change that we need to pull into master.\"", "\"@body@\""},
         {"\"ref\":\"changes\"", "\"ref\":\"@head@\""},
         {"\"ref\":\"master\"", "\"ref\":\"@base@\""},
         {"\"draft\":false", "\"draft\":@draft@"},
         {"\"author_association\":\"OWNER\"", "\"author_association\":\"@association@\""}}));
  }
  return templates;
}

}  // namespace

Workload::Workload(size_t routines, Subset subset, uint64_t seed)
    : routines_(routines),
      subset_(subset),
      random_(seed),
      words_(MakeWords(1)),
      templates_(MakeTemplates()) {}

// ---- words ----

// About as frequent as words of a language: the square prefers the first ones.
std::string Workload::Word() {
  const double draw = static_cast<double>(random_() >> 11) * 0x1p-53;
  return words_[static_cast<size_t>(draw * draw * static_cast<double>(words_.size()))];
}

std::string Workload::Sentence(size_t words) {
  std::string text;
  for (size_t i = 0; i < words; ++i) absl::StrAppend(&text, i == 0 ? "" : " ", Word());
  return text;
}

std::string Workload::Branch() {
  const uint64_t draw = random_() % 100;
  if (draw < 60) return "main";
  if (draw < 75) return "develop";
  if (draw < 90) return absl::StrCat("release/", random_() % 20, ".", random_() % 10);
  return absl::StrCat("team/", words_[random_() % 50]);
}

std::string Workload::Label() {
  const double draw = static_cast<double>(random_() >> 11) * 0x1p-53;
  return absl::StrCat("label-", static_cast<int>(draw * draw * kLabels));
}

std::string Workload::Login() {
  return absl::StrCat("user-", random_() % kPeople);
}

std::string Workload::Association() {
  constexpr std::array<std::string_view, 4> kAll = {"OWNER", "MEMBER", "CONTRIBUTOR", "NONE"};
  return std::string(kAll[random_() % kAll.size()]);
}

std::string Workload::Title() {
  constexpr std::array<std::string_view, 8> kKinds = {
      "feat: ", "fix: ", "docs: ", "chore: ", "refactor(", "fix(", "test: ", "perf: "};
  const std::string_view kind = kKinds[random_() % kKinds.size()];
  const std::string scope = kind.back() == '(' ? absl::StrCat(Word(), "): ") : "";
  return absl::StrCat(std::string(kind), scope, Sentence(3 + random_() % 6), " ", ++drawn_);
}

std::string Workload::Body() {
  std::string body = absl::StrCat("## ", Sentence(3), " ", ++drawn_, "\\r\\n\\r\\n");
  for (uint64_t i = 1 + random_() % 6; i > 0; --i) {
    absl::StrAppend(&body, Sentence(10 + random_() % 35), ".\\r\\n");
  }
  absl::StrAppend(&body, "Closes #", random_() % 100000, "\\r\\n- [ ] ", Sentence(4));
  return body;
}

std::string Workload::Labels() {
  std::string labels;
  for (uint64_t i = random_() % 5; i > 0; --i) {
    absl::StrAppend(&labels, labels.empty() ? "" : ",", "{\"id\":", random_() % 1'000'000'000,
                    ",\"url\":\"https://api.github.com/labels/x\",\"name\":\"", Label(),
                    "\",\"color\":\"d73a4a\",\"default\":true}");
  }
  return labels;
}

std::string Workload::RepositoryOf(size_t number) const {
  const size_t organisations = std::max<size_t>(1, routines_ / 100);
  return absl::StrCat("org-", number % organisations, "/repo-", number);
}

// ---- routines ----

void Workload::AddEquals(v1::Condition& condition) {
  const uint64_t draw = random_() % 100;
  std::string (Workload::*value)() = &Workload::Branch;
  condition.set_field("base_branch");
  if (draw >= 35 && draw < 60) {
    condition.set_field("labels");
    value = &Workload::Label;
  } else if (draw >= 60 && draw < 90) {
    condition.set_field(draw < 75 ? "author" : "sender");
    value = &Workload::Login;
  } else if (draw >= 90) {
    condition.set_field("author_association");
    value = &Workload::Association;
  }
  if (random_() % 2 == 0) {
    condition.set_operator_(v1::OPERATOR_EQUALS);
    SetText((this->*value)(), condition);
    return;
  }
  condition.set_operator_(v1::OPERATOR_IS_ONE_OF);
  for (uint64_t i = 2 + random_() % 3; i > 0; --i) {
    condition.add_values()->set_string_value((this->*value)());
  }
}

void Workload::AddStartsWith(v1::Condition& condition) {
  condition.set_operator_(v1::OPERATOR_STARTS_WITH);
  if (random_() % 2 == 0) {
    condition.set_field("title");
    const std::string title = Title();
    SetText(title.substr(0, title.find_first_of(":(") + random_() % 2 * 5), condition);
  } else {
    condition.set_field("head_branch");
    SetText(absl::StrCat(Word(), "/"), condition);
  }
}

void Workload::AddContains(v1::Condition& condition) {
  condition.set_operator_(v1::OPERATOR_CONTAINS);
  condition.set_field(random_() % 5 < 2 ? "title" : "body");
  SetText(random_() % 2 == 0 ? AnyWord() : absl::StrCat(AnyWord(), " ", AnyWord()), condition);
}

void Workload::AddNotOneOf(v1::Condition& condition) {
  condition.set_operator_(v1::OPERATOR_IS_NOT_ONE_OF);
  const uint64_t draw = random_() % 3;
  condition.set_field(draw == 0 ? "labels" : draw == 1 ? "author" : "base_branch");
  for (uint64_t i = 1 + random_() % 4; i > 0; --i) {
    condition.add_values()->set_string_value(draw == 0 ? Label() : draw == 1 ? Login() : Branch());
  }
}

void Workload::AddBoolean(v1::Condition& condition) {
  condition.set_operator_(v1::OPERATOR_EQUALS);
  condition.set_field(random_() % 2 == 0 ? "is_draft" : "from_fork");
  condition.mutable_value()->set_bool_value(random_() % 4 == 0);
}

std::string Workload::RegexOf() {
  switch (random_() % 4) {
    case 0:
      return absl::StrCat(".*", AnyWord(), ".*");
    case 1:
      return absl::StrCat("(feat|fix|chore)(\\(.+\\))?: .*\\b", AnyWord(), "\\b.*");
    case 2:
      return absl::StrCat("[a-z]+: ", AnyWord(), " [a-z ]+[0-9]+");
    default:
      return absl::StrCat(".*", AnyWord(), "( |-)", AnyWord(), ".*");
  }
}

void Workload::AddRegex(v1::Condition& condition) {
  condition.set_operator_(v1::OPERATOR_MATCHES_REGEX);
  condition.set_field("title");
  SetText(RegexOf(), condition);
}

void Workload::AddCondition(v1::Condition& condition) {
  const uint64_t draw = random_() % 100;
  if (draw < 45) return AddEquals(condition);
  if (draw < 60) return AddStartsWith(condition);
  if (draw < 75) return subset_ == Subset::kSimple ? AddEquals(condition) : AddContains(condition);
  if (draw < 85) return AddNotOneOf(condition);
  if (draw < 95) return AddBoolean(condition);
  return subset_ == Subset::kFull ? AddRegex(condition) : AddEquals(condition);
}

v1::Routine Workload::Routine(size_t number) {
  v1::Routine routine;
  routine.set_account("acme");
  routine.set_name(absl::StrCat("r", number));
  v1::Trigger& trigger = *routine.add_triggers();
  trigger.set_id("t");
  v1::GithubTrigger& github = *trigger.mutable_github();
  github.set_event("pull_request");
  const std::string repository = RepositoryOf(random_() % std::max<size_t>(1, routines_ / 10));
  const uint64_t scope = random_() % 10;
  if (scope < 7) {
    github.add_repositories(repository);
  } else if (scope < 9) {
    github.add_repositories(absl::StrCat(repository.substr(0, repository.find('/')), "/*"));
  } else {
    github.add_repositories("*/*");
  }
  const uint64_t action = random_();
  github.add_actions(std::string(kActions[action % kActions.size()]));
  if (random_() % 2 == 0) github.add_actions(std::string(kActions[(action + 1) % kActions.size()]));
  for (uint64_t i = 1 + random_() % 4; i > 0; --i) AddCondition(*github.add_filters());
  return routine;
}

// ---- events ----

std::string Workload::EventOf(std::string_view repository, std::string_view title,
                              std::string_view body) {
  if (templates_.empty()) return "";
  const std::string& base = templates_[random_() % templates_.size()];
  const auto view = [](std::string_view text) {
    return absl::string_view(text.data(), text.size());
  };
  return absl::StrReplaceAll(base, {{"@repository@", view(repository)},
                                    {"@author@", Login()},
                                    {"@title@", view(title)},
                                    {"@body@", view(body)},
                                    {"@head@", absl::StrCat(Word(), "/", Word(), "-", drawn_)},
                                    {"@base@", Branch()},
                                    {"@labels@", Labels()},
                                    {"@action@", kActions[random_() % kActions.size()].data()},
                                    {"@draft@", random_() % 4 == 0 ? "true" : "false"},
                                    {"@association@", Association()}});
}

std::string Workload::Event() {
  const std::string repository = RepositoryOf(random_() % std::max<size_t>(1, routines_ / 10));
  return EventOf(repository, Title(), Body());
}

// ---- hard sets ----

namespace {

v1::Condition Text(std::string_view field, v1::Operator op, std::string_view text) {
  v1::Condition condition;
  condition.set_field(std::string(field));
  condition.set_operator_(op);
  SetText(text, condition);
  return condition;
}

std::string Letters(uint64_t draw, size_t count, uint64_t letters) {
  std::string text;
  for (size_t i = 0; i < count; ++i, draw = draw / letters + i * 0x9e3779b97f4a7c15) {
    text += static_cast<char>('a' + draw % letters);
  }
  return text;
}

std::string OrdinaryBody(Workload& workload, size_t) {
  std::string body;
  for (int i = 0; i < 250; ++i) absl::StrAppend(&body, workload.Word(), " ");
  return body;
}

// Two letters only, of which the patterns are made, too.
std::string TwoLetterBody(Workload&, size_t number) {
  std::string body;
  std::mt19937_64 random(number);
  for (int i = 0; i < 2000; ++i) body += static_cast<char>('a' + random() % 2);
  return body;
}

std::string OneLetterBody(Workload&, size_t) {
  return std::string(2000, 'a');
}

}  // namespace

std::vector<HardSet> HardSets() {
  return {
      {"equals, all distinct",
       [](Workload&, size_t i) {
         return Text("author", v1::OPERATOR_EQUALS, absl::StrCat("user-", i));
       },
       OrdinaryBody},
      {"starts_with, all distinct",
       [](Workload&, size_t i) {
         return Text("title", v1::OPERATOR_STARTS_WITH, absl::StrCat("feat: ", i));
       },
       OrdinaryBody},
      {"is_not_one_of, all match",
       [](Workload&, size_t i) {
         v1::Condition condition;
         condition.set_field("labels");
         condition.set_operator_(v1::OPERATOR_IS_NOT_ONE_OF);
         for (int k = 0; k < 2; ++k) {
           condition.add_values()->set_string_value(absl::StrCat("no-", i, "-", k));
         }
         return condition;
       },
       OrdinaryBody},
      {"contains in body: two words",
       [](Workload& workload, size_t) {
         return Text("body", v1::OPERATOR_CONTAINS,
                     absl::StrCat(workload.AnyWord(), " ", workload.AnyWord()));
       },
       OrdinaryBody},
      {"contains in body: one word and a number",
       [](Workload& workload, size_t i) {
         return Text("body", v1::OPERATOR_CONTAINS, absl::StrCat(workload.Word(), i));
       },
       OrdinaryBody},
      {"contains: 20 letters of two, on a body of these",
       [](Workload&, size_t i) {
         return Text("body", v1::OPERATOR_CONTAINS, Letters(i * 0x9e3779b97f4a7c15, 20, 2));
       },
       TwoLetterBody},
      {"contains: aaaa… and a number, on a body of a's",
       [](Workload&, size_t i) {
         return Text("body", v1::OPERATOR_CONTAINS,
                     absl::StrCat(std::string(20 + i % 200, 'a'), i));
       },
       OneLetterBody},
      {"contains: pieces of that very body",
       [](Workload& workload, size_t i) {
         const std::string body = TwoLetterBody(workload, 0);
         return Text("body", v1::OPERATOR_CONTAINS,
                     std::string_view(body).substr(i % 1900, 17 + i / 1900 % 80));
       },
       [](Workload& workload, size_t) { return TwoLetterBody(workload, 0); }},
      {"regex with a literal",
       [](Workload& workload, size_t i) {
         return Text("title", v1::OPERATOR_MATCHES_REGEX,
                     absl::StrCat(".*", workload.AnyWord(), ".*[0-9]{2}.*", i));
       },
       OrdinaryBody},
      {"regex without any",
       [](Workload&, size_t i) {
         return Text("title", v1::OPERATOR_MATCHES_REGEX,
                     absl::StrCat("[a-f]*[", Letters(i, 3, 26), "].*[0-9]{", 1 + i % 7, "}"));
       },
       OrdinaryBody},
  };
}

v1::Routine HardRoutine(const HardSet& set, Workload& workload, size_t number) {
  v1::Routine routine;
  routine.set_account("acme");
  routine.set_name(absl::StrCat("r", number));
  v1::Trigger& trigger = *routine.add_triggers();
  trigger.set_id("t");
  trigger.mutable_github()->set_event("pull_request");
  trigger.mutable_github()->add_repositories("acme/api");
  *trigger.mutable_github()->add_filters() = set.condition(workload, number);
  return routine;
}

}  // namespace routines::bench
