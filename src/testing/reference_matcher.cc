#include "routines/testing/reference_matcher.h"

#include <algorithm>
#include <optional>

#include "re2/re2.h"
#include "src/testing/plain_json.h"

namespace routines::testing {
namespace {

using google::protobuf::Value;
using Kind = PlainJson::Kind;

constexpr size_t kLongestRegexValue = 262'144;

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool BeginsWith(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// ---- globs ----

std::vector<std::string> Characters(std::string_view text) {
  std::vector<std::string> characters;
  for (const char c : text) {
    if ((c & 0xc0) == 0x80 && !characters.empty()) {
      characters.back().push_back(c);
    } else {
      characters.emplace_back(1, c);
    }
  }
  return characters;
}

// A row of the table of all beginnings of the pattern by all beginnings of the text.
bool GlobMatches(std::string_view pattern, std::string_view text_bytes) {
  const std::vector<std::string> letters = Characters(pattern), text = Characters(text_bytes);
  std::vector<char> matches(text.size() + 1, false);  // by length of the beginning of the text
  matches[0] = true;
  for (size_t p = 0; p < letters.size(); ++p) {
    std::vector<char> next(text.size() + 1, false);
    const bool star = letters[p] == "*";
    const bool double_star = star && p + 1 < letters.size() && letters[p + 1] == "*";
    const bool any_one = letters[p] == "?";
    if (double_star || letters[p] == "\\") ++p;
    for (size_t i = 0; i <= text.size(); ++i) {
      if (star && matches[i]) next[i] = true;  // for nothing
      if (i == text.size()) continue;
      if (star && next[i] && (double_star || text[i] != "/")) next[i + 1] = true;
      if (any_one && matches[i] && text[i] != "/") next[i + 1] = true;
      if (!star && !any_one && matches[i] && text[i] == letters[p]) next[i + 1] = true;
    }
    matches = next;
  }
  return matches[text.size()];
}

// ---- what is at a field ----

// A value that is no list has one element; an absent one has null.
struct Seen {
  bool exists = false;
  std::vector<PlainJson> elements = {PlainJson()};
};

Seen SeenText(std::string text) {
  PlainJson json;
  json.kind = Kind::kText;
  json.text = std::move(text);
  return {true, {json}};
}

Seen SeenBoolean(bool boolean) {
  PlainJson json;
  json.kind = Kind::kBoolean;
  json.boolean = boolean;
  return {true, {json}};
}

Seen SeenJson(const PlainJson* json) {
  Seen seen;
  if (json == nullptr || json->kind == Kind::kNull) return seen;
  seen.exists = true;
  if (json->IsScalar()) seen.elements = {*json};
  if (json->kind == Kind::kArray) {
    seen.exists = !json->elements.empty();
    seen.elements.clear();
    for (const PlainJson& element : json->elements) {
      if (element.IsScalar()) seen.elements.push_back(element);
    }
  }
  return seen;
}

bool IsAbsent(const PlainJson* json) {
  return json == nullptr || json->kind == Kind::kNull || json->kind == Kind::kObject;
}

std::vector<std::string> Tokens(std::string_view pointer) {
  std::vector<std::string> tokens;
  for (size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      tokens.emplace_back();
    } else if (pointer[i] == '~') {
      tokens.back().push_back(pointer[++i] == '0' ? '~' : '/');
    } else {
      tokens.back().push_back(pointer[i]);
    }
  }
  return tokens;
}

const PlainJson* At(const PlainJson& root, std::string_view pointer) {
  const PlainJson* here = &root;
  for (const std::string& token : Tokens(pointer)) {
    here = here->Member(token);
    if (here == nullptr) break;
  }
  return here;
}

// All places that a path of the field table leads to; * is every element of an array.
void AllAt(const PlainJson& here, const std::vector<std::string>& tokens, size_t i,
           std::vector<const PlainJson*>& found) {
  if (i == tokens.size()) {
    found.push_back(&here);
  } else if (tokens[i] != "*") {
    if (const PlainJson* next = here.Member(tokens[i])) AllAt(*next, tokens, i + 1, found);
  } else if (here.kind == Kind::kArray) {
    for (const PlainJson& element : here.elements) AllAt(element, tokens, i + 1, found);
  }
}

// A row's path, "/a | /b: what is made of it", in its parts.
struct Recipe {
  std::vector<std::string> paths;
  std::string derivation;
};

Recipe RecipeOf(const FieldInfo& info) {
  Recipe recipe;
  std::string_view text = info.path;
  if (const size_t colon = text.find(": "); colon != text.npos) {
    recipe.derivation = std::string(text.substr(colon + 2));
    text = text.substr(0, colon);
  }
  while (true) {
    const size_t bar = text.find(" | ");
    recipe.paths.emplace_back(text.substr(0, bar));
    if (bar == text.npos) return recipe;
    text.remove_prefix(bar + 3);
  }
}

Seen SetAt(const PlainJson& root, const std::vector<std::string>& paths) {
  Seen seen{false, {}};
  for (const std::string& path : paths) {
    std::vector<const PlainJson*> found;
    AllAt(root, Tokens(path), 0, found);
    for (const PlainJson* json : found) {
      if (json->kind == Kind::kText) seen.elements.push_back(*json);
    }
  }
  seen.exists = !seen.elements.empty();
  return seen;
}

// What follows `prefix` in the text; nullopt where the text does not begin so.
std::optional<std::string> After(std::string_view prefix, const PlainJson* json) {
  if (json == nullptr || json->kind != Kind::kText || !BeginsWith(json->text, prefix)) {
    return std::nullopt;
  }
  return json->text.substr(prefix.size());
}

Seen Only(std::optional<std::string> text) {
  return text.has_value() ? SeenText(*std::move(text)) : Seen();
}

bool Differ(const PlainJson* first, const PlainJson* second) {
  const bool texts = first != nullptr && second != nullptr && first->kind == Kind::kText &&
                     second->kind == Kind::kText;
  return !texts || Lower(first->text) != Lower(second->text);
}

Seen NamedField(const PlainJson& root, const FieldInfo& info) {
  const Recipe recipe = RecipeOf(info);
  if (info.type == FieldType::kLabels || info.type == FieldType::kPaths) {
    return SetAt(root, recipe.paths);
  }
  const std::string& derivation = recipe.derivation;
  if (derivation == "whether the two differ, or the first is gone") {
    return SeenBoolean(Differ(At(root, recipe.paths[0]), At(root, recipe.paths[1])));
  }
  const PlainJson* first = nullptr;
  for (const std::string& path : recipe.paths) {
    if (IsAbsent(first)) first = At(root, path);
  }
  if (IsAbsent(first)) first = nullptr;
  if (derivation == "whether it is there") return SeenBoolean(first != nullptr);
  if (derivation == "what follows refs/heads/") return Only(After("refs/heads/", first));
  if (derivation == "what follows refs/tags/") return Only(After("refs/tags/", first));
  const auto branch = After("refs/heads/", first);
  if (derivation == "without refs/heads/" && branch.has_value()) return SeenText(*branch);
  return SeenJson(first);
}

// ---- conditions ----

bool EqualToOperand(const PlainJson& element, const Value& operand, bool ignore_case) {
  switch (operand.kind_case()) {
    case Value::kStringValue: {
      const std::string& wanted = operand.string_value();
      if (element.kind == Kind::kNull) return wanted.empty();
      if (element.kind != Kind::kText) return false;
      return ignore_case ? Lower(element.text) == Lower(wanted) : element.text == wanted;
    }
    case Value::kNumberValue:
      return element.kind == Kind::kNumber && element.number == operand.number_value();
    case Value::kBoolValue:
      return element.kind == Kind::kBoolean && element.boolean == operand.bool_value();
    default:
      return element.kind == Kind::kNull;
  }
}

bool IsNegative(v1::Operator op) {
  return op == v1::OPERATOR_NOT_EQUALS || op == v1::OPERATOR_NOT_CONTAINS ||
         op == v1::OPERATOR_IS_NOT_ONE_OF;
}

// "owner/name", or "owner/*".
bool RepositoryFits(const std::string& pattern, const std::string& name) {
  const std::string wanted = Lower(pattern), found = Lower(name);
  if (!EndsWith(wanted, "/*")) return found == wanted;
  if (wanted == "*/*") return found.find('/') != found.npos && found.back() != '/';
  const std::string owner = wanted.substr(0, wanted.size() - 1);
  return BeginsWith(found, owner) && found.size() > owner.size() &&
         found.find('/', owner.size()) == found.npos;
}

}  // namespace

struct ReferenceMatcher::Patterns {
  std::map<std::pair<std::string, bool>, std::unique_ptr<RE2>> compiled;

  const RE2& Get(const std::string& pattern, bool ignore_case) {
    std::unique_ptr<RE2>& regex = compiled[{pattern, ignore_case}];
    if (regex == nullptr) {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_case_sensitive(!ignore_case);
      regex = std::make_unique<RE2>(pattern, options);
    }
    return *regex;
  }
};

// One event, and every question about it.
class ReferenceMatcher::Evaluation {
 public:
  Evaluation(const EventView& event, Patterns& patterns) : event_(event), patterns_(patterns) {
    readable_ = CheckPayload(event.payload).ok();
    if (readable_) root_ = ParsePlainJson(event.payload);
  }

  bool Matches(const v1::Trigger& trigger) {
    if (trigger.disabled()) return false;
    if (trigger.has_github()) {
      return readable_ && InScope(trigger.github()) && AllHold(trigger.github().filters());
    }
    if (!trigger.has_custom() || trigger.custom().source() != event_.source) return false;
    const std::string& type = trigger.custom().type();
    return (type.empty() || type == event_.type) && AllHold(trigger.custom().filters());
  }

 private:
  using Conditions = google::protobuf::RepeatedPtrField<v1::Condition>;

  std::optional<std::string> TextAt(std::string_view pointer) const {
    const PlainJson* json = At(root_, pointer);
    if (json == nullptr || json->kind != Kind::kText) return std::nullopt;
    return json->text;
  }

  bool InScope(const v1::GithubTrigger& github) const {
    if (event_.source != "github" || github.event() != event_.type) return false;
    const auto repository = TextAt("/repository/full_name");
    if (!repository.has_value()) return false;
    const auto& patterns = github.repositories();
    if (std::none_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
          return RepositoryFits(pattern, *repository);
        })) {
      return false;
    }
    const auto action = TextAt("/action");
    const auto& actions = github.actions();
    return actions.empty() || (action.has_value() &&
                               std::find(actions.begin(), actions.end(), *action) != actions.end());
  }

  bool AllHold(const Conditions& conditions) {
    return std::all_of(conditions.begin(), conditions.end(),
                       [&](const v1::Condition& condition) { return Holds(condition); });
  }

  bool Holds(const v1::Condition& condition) {
    if (condition.any_of_size() > 0) {
      return std::any_of(condition.any_of().begin(), condition.any_of().end(),
                         [&](const v1::Condition& one) { return Holds(one); });
    }
    const FieldInfo* info = nullptr;
    const Seen seen = Look(condition.field(), &info);
    if (condition.operator_() == v1::OPERATOR_EXISTS) {
      const bool wanted = !condition.has_value() || condition.value().bool_value();
      return seen.exists == wanted;
    }
    const bool ignore_case =
        info != nullptr && (info->type == FieldType::kLogin || info->type == FieldType::kWord ||
                            info->type == FieldType::kLabels);
    const bool any = std::any_of(
        seen.elements.begin(), seen.elements.end(),
        [&](const PlainJson& element) { return Satisfies(element, condition, ignore_case); });
    return any != IsNegative(condition.operator_());
  }

  Seen Look(const std::string& field, const FieldInfo** info) const {
    if (field[0] == '/') return readable_ ? SeenJson(At(root_, field)) : Seen();
    if (event_.source == "github") {
      *info = FindGithubField(event_.type, field);
      return NamedField(root_, **info);
    }
    if (event_.attributes == nullptr || !event_.attributes->contains(field)) return {};
    return SeenText(event_.attributes->at(field));
  }

  // Of a negative operator: whether its positive one is satisfied.
  bool Satisfies(const PlainJson& element, const v1::Condition& condition, bool ignore_case) {
    const v1::Operator op = condition.operator_();
    const Value& operand = condition.value();
    if (op == v1::OPERATOR_EQUALS || op == v1::OPERATOR_NOT_EQUALS) {
      return EqualToOperand(element, operand, ignore_case);
    }
    if (op == v1::OPERATOR_IS_ONE_OF || op == v1::OPERATOR_IS_NOT_ONE_OF) {
      return std::any_of(
          condition.values().begin(), condition.values().end(),
          [&](const Value& one) { return EqualToOperand(element, one, ignore_case); });
    }
    if (element.kind != Kind::kText && element.kind != Kind::kNull) return false;
    if (op == v1::OPERATOR_MATCHES_REGEX) {
      return element.text.size() <= kLongestRegexValue &&
             RE2::FullMatch(element.text, patterns_.Get(operand.string_value(), ignore_case));
    }
    const std::string text = ignore_case ? Lower(element.text) : element.text;
    const std::string wanted = ignore_case ? Lower(operand.string_value()) : operand.string_value();
    switch (op) {
      case v1::OPERATOR_CONTAINS:
      case v1::OPERATOR_NOT_CONTAINS:
        return text.find(wanted) != text.npos;
      case v1::OPERATOR_STARTS_WITH:
        return BeginsWith(text, wanted);
      case v1::OPERATOR_ENDS_WITH:
        return EndsWith(text, wanted);
      default:
        return GlobMatches(wanted, text);
    }
  }

  const EventView& event_;
  Patterns& patterns_;
  PlainJson root_;
  bool readable_ = false;
};

ReferenceMatcher::ReferenceMatcher() : patterns_(std::make_unique<Patterns>()) {}
ReferenceMatcher::~ReferenceMatcher() = default;

void ReferenceMatcher::Put(const v1::Routine& routine) {
  routines_[{routine.account(), routine.name()}] = routine;
}

bool ReferenceMatcher::Remove(std::string_view account, std::string_view name) {
  return routines_.erase({std::string(account), std::string(name)}) > 0;
}

std::vector<ReferenceMatch> ReferenceMatcher::Match(const EventView& event) const {
  Evaluation evaluation(event, *patterns_);
  std::vector<ReferenceMatch> matches;
  for (const auto& [key, routine] : routines_) {
    for (int i = 0; i < routine.triggers_size(); ++i) {
      if (evaluation.Matches(routine.triggers(i))) {
        matches.push_back({key.first, key.second, i});
      }
    }
  }
  return matches;
}

}  // namespace routines::testing
