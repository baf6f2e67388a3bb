// RandomSets: texts and events.
#include "tests/unit/match/random_sets.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace routines {
namespace {

using Kind = RandomJson::Kind;

RandomJson TextJson(std::string text) {
  return {.kind = Kind::kText, .text = std::move(text)};
}
RandomJson BooleanJson(bool boolean) {
  return {.kind = Kind::kBoolean, .boolean = boolean};
}
RandomJson NumberJson(std::string text) {
  return {.kind = Kind::kNumber, .text = std::move(text)};
}
RandomJson ObjectJson() {
  return {.kind = Kind::kObject};
}

// The member `key`, made where there is none.
RandomJson& MemberOf(RandomJson& object, std::string_view key) {
  if (object.kind != Kind::kObject) object = ObjectJson();
  for (size_t i = 0; i < object.keys.size(); ++i) {
    if (object.keys[i] == key) return object.elements[i];
  }
  object.keys.emplace_back(key);
  return object.elements.emplace_back();
}

std::string EscapedToken(std::string_view key) {
  std::string token;
  for (const char c : key) {
    if (c == '~') {
      token += "~0";
    } else if (c == '/') {
      token += "~1";
    } else {
      token += c;
    }
  }
  return token;
}

void CollectPointers(const RandomJson& json, const std::string& path,
                     std::vector<std::string>& pointers) {
  if (!path.empty()) pointers.push_back(path);
  for (size_t i = 0; i < json.elements.size(); ++i) {
    const std::string token =
        json.kind == Kind::kObject ? EscapedToken(json.keys[i]) : absl::StrCat(i);
    CollectPointers(json.elements[i], absl::StrCat(path, "/", token), pointers);
  }
}

}  // namespace

std::vector<size_t> CharacterBoundaries(std::string_view text) {
  std::vector<size_t> boundaries;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] & 0xc0) != 0x80) boundaries.push_back(i);
  }
  boundaries.push_back(text.size());
  return boundaries;
}

std::string RandomEvent::ToString() const {
  std::string out = absl::StrCat("source ", source, ", type ", type, "\n", payload, "\n");
  for (const auto& [name, value] : attributes) absl::StrAppend(&out, name, " = ", value, "\n");
  return out;
}

// ---- texts ----

std::string RandomSets::Pick(std::initializer_list<std::string_view> choices) {
  return std::string(*(choices.begin() + Below(static_cast<uint32_t>(choices.size()))));
}

std::string RandomSets::OtherCase(std::string text) {
  for (char& c : text) {
    if (!OneIn(3)) continue;
    c = absl::ascii_isupper(c) ? absl::ascii_tolower(c) : absl::ascii_toupper(c);
  }
  return text;
}

// Few words, so that they meet; among them some that trip up careless readers.
std::string RandomSets::Text() {
  std::string text;
  const uint32_t words = OneIn(8) ? 0 : OneIn(40) ? 200 : 1 + Below(4);
  for (uint32_t i = 0; i < words; ++i) {
    text +=
        Pick({"fix",  "feat",   "Fix",          "main",    "wip",  "bot",   "docs", "é",    "É",
              "😀",    "straße", "\xE2\x84\xAA",  // the Kelvin sign
              "aaaa", "aaab",   "abab",         "release", "1.2",  "[x]",   "a/b",  "\"",   "\\",
              "\n",   "\t",     "\x01",         "*",       "?",    "src",   "null", "true", "5",
              "K",    "ſ",      "}{",           "],[",     "\\\"", "labels"});
    text += Pick({"", "", " ", "/", "-", ": ", "."});
  }
  return OneIn(6) ? OtherCase(std::move(text)) : text;
}

std::string RandomSets::Part(const std::string& text, bool from_start, bool to_end) {
  const std::vector<size_t> boundaries = CharacterBoundaries(text);
  const auto last = static_cast<uint32_t>(boundaries.size());
  size_t begin = from_start ? 0 : boundaries[Below(last)];
  size_t end = to_end ? text.size() : boundaries[Below(last)];
  if (begin > end) std::swap(begin, end);
  return text.substr(begin, end - begin);
}

// The same, or nearly.
std::string RandomSets::Near(const std::string& text) {
  switch (Below(10)) {
    case 0:
      return OtherCase(text);
    case 1:
      return text + Pick({" ", "a", "é", "/"});
    case 2:
      return Part(text, true, false);
    case 3:
      return Text();
    case 4:
      return Pick({"", "main", "wip", "fix"});
    default:
      return text;
  }
}

// ---- events ----

RandomJson RandomSets::AnyScalar() {
  switch (Below(6)) {
    case 0:
      return {};
    case 1:
      return BooleanJson(OneIn(2));
    case 2:
      return NumberJson(Pick({"0", "-0", "5", "5.0", "1e2", "100", "-3.25", "9007199254740993",
                              "18446744073709551616", "1E-3", "0.1", "5e0"}));
    default:
      return TextJson(Text());
  }
}

RandomJson RandomSets::Anything(int depth) {
  if (depth == 0 || OneIn(2)) return AnyScalar();
  RandomJson json{.kind = OneIn(2) ? Kind::kArray : Kind::kObject};
  for (uint32_t i = Below(4); i > 0; --i) {
    if (json.kind == Kind::kArray) {
      json.elements.push_back(Anything(depth - 1));
    } else {
      MemberOf(json, Pick({"a", "b", "a/b", "m~n", "", "0", "01", "-", "*", "name", "é", "k\"",
                           "full_name", "title"})) = Anything(depth - 1);
    }
  }
  return json;
}

RandomJson RandomSets::ValueFor(const FieldInfo& info) {
  if (OneIn(25)) return Anything(2);  // not what GitHub documents
  if (OneIn(12)) return {};
  switch (info.type) {
    case FieldType::kBoolean:
      if (info.field == "from_fork") {
        return TextJson(Pick({"acme/api", "Acme/API", "acme/web", "fork/api"}));
      }
      return BooleanJson(OneIn(2));
    case FieldType::kLogin:
    case FieldType::kLabels:
      return TextJson(OtherCase(Pick({"octocat", "dependabot[bot]", "wip", "Needs-Review", "bug",
                                      "good first issue", "é", "", "skip-review"})));
    case FieldType::kWord:
      return TextJson(Pick({"OWNER", "MEMBER", "NONE", "none", "CONTRIBUTOR", "NEW_WORD"}));
    case FieldType::kBranch:
      return TextJson(Pick({"", "refs/heads/", "refs/heads/refs/heads/", "refs/tags/"}) +
                      Pick({"main", "release/1.2", "feature/a/b", "Main", "", "claude/x"}));
    case FieldType::kPaths:
      return TextJson(Pick({"src/", "docs/", "", "src/api/"}) +
                      Pick({"a.cc", "README.md", "v1/b.proto", "é.txt", "Makefile"}));
    case FieldType::kText:
      break;
  }
  if (info.field == "state" && OneIn(2)) return TextJson(Pick({"open", "closed", "approved"}));
  if (info.field == "conclusion" && OneIn(2)) return TextJson(Pick({"success", "failure"}));
  if (info.field == "tag") return TextJson(Pick({"refs/tags/", ""}) + Pick({"v1.2", "v2", "x"}));
  return TextJson(Text());
}

// Puts something where `path` of the field table leads to.
void RandomSets::Place(RandomJson& root, std::string_view path, const FieldInfo& info) {
  if (OneIn(15)) return;  // missing
  RandomJson* here = &root;
  std::vector<std::string> tokens =
      absl::StrSplit(absl::string_view(path.data() + 1, path.size() - 1), '/');
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] == "*") {
      if (here->kind != Kind::kArray) *here = {.kind = Kind::kArray};
      const std::string rest = absl::StrCat(
          "/",
          absl::StrJoin(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1, tokens.end(), "/"));
      const bool there = !here->elements.empty();  // another path has been here
      for (uint32_t n = there ? static_cast<uint32_t>(here->elements.size()) : Below(4); n > 0;
           --n) {
        RandomJson& element = there ? here->elements[n - 1] : here->elements.emplace_back();
        if (rest == "/") {
          element = ValueFor(info);
        } else if (OneIn(20)) {
          element = AnyScalar();
        } else {
          Place(element, rest, info);
        }
      }
      return;
    }
    if (tokens[i] == "0") {
      if (here->kind != Kind::kArray) *here = {.kind = Kind::kArray};
      if (here->elements.empty() && OneIn(3)) return;
      if (here->elements.empty()) here->elements.emplace_back();
      here = &here->elements[0];
      continue;
    }
    here = &MemberOf(*here, tokens[i]);
    if (i + 1 < tokens.size() && here->kind == Kind::kNull && OneIn(40)) return;  // stays null
  }
  *here = ValueFor(info);
}

void RandomSets::Space(std::string& out) {
  if (OneIn(12)) out += Pick({" ", "\n", "\t ", "\r\n  "});
}

void RandomSets::WriteText(std::string_view text, std::string& out) {
  const std::vector<size_t> boundaries = CharacterBoundaries(text);
  const bool escape_more = OneIn(6);
  out += '"';
  for (size_t i = 0; i + 1 < boundaries.size(); ++i) {
    const std::string_view character =
        text.substr(boundaries[i], boundaries[i + 1] - boundaries[i]);
    const auto c = static_cast<unsigned char>(character[0]);
    if (character == "😀" && OneIn(2)) {
      out += "\\uD83D\\ude00";
    } else if (character == "é" && OneIn(2)) {
      out += "\\u00E9";
    } else if (character.size() > 1) {
      out += character;
    } else if (c == '\n' && OneIn(2)) {
      out += "\\n";
    } else if (c < 0x20 || (escape_more && OneIn(3))) {
      absl::StrAppend(&out, "\\u", absl::Hex(c, absl::kZeroPad4));
    } else if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c == '/' && OneIn(4)) {
      out += "\\/";
    } else {
      out += character;
    }
  }
  out += '"';
}

void RandomSets::Write(const RandomJson& json, std::string& out) {
  Space(out);
  switch (json.kind) {
    case Kind::kNull:
      out += "null";
      break;
    case Kind::kBoolean:
      out += json.boolean ? "true" : "false";
      break;
    case Kind::kNumber:
      out += json.text;
      break;
    case Kind::kText:
      WriteText(json.text, out);
      break;
    case Kind::kArray:
    case Kind::kObject: {
      const bool object = json.kind == Kind::kObject;
      out += object ? '{' : '[';
      for (size_t i = 0; i < json.elements.size(); ++i) {
        if (i > 0) out += ',';
        if (object) {
          Space(out);
          WriteText(json.keys[i], out);
          Space(out);
          out += ':';
        }
        Write(json.elements[i], out);
      }
      Space(out);
      out += object ? '}' : ']';
      break;
    }
  }
  Space(out);
}

RandomEvent RandomSets::GithubEvent(std::string_view type) {
  RandomEvent event{.source = "github", .type = std::string(type)};
  RandomJson root = ObjectJson();
  for (const FieldInfo& info : GithubFields()) {
    if (info.event != type) continue;
    std::string_view paths = info.path.substr(0, info.path.find(": "));
    while (true) {
      const size_t bar = paths.find(" | ");
      Place(root, paths.substr(0, bar), info);
      if (bar == paths.npos) break;
      paths.remove_prefix(bar + 3);
    }
  }
  if (!OneIn(40)) {
    MemberOf(MemberOf(root, "repository"), "full_name") =
        TextJson(Pick({"acme/api", "acme/api", "Acme/Web", "other/api", "acme/api2"}));
  }
  const GithubEventInfo* info = FindGithubEvent(type);
  if (info->has_action && !OneIn(40)) {
    const auto actions = info->actions;
    MemberOf(root, "action") = TextJson(
        actions.empty() || OneIn(20)
            ? "deploy"
            : std::string(
                  actions[Below(std::min<uint32_t>(3, static_cast<uint32_t>(actions.size())))]));
  }
  for (uint32_t i = Below(3); i > 0; --i) {
    MemberOf(root, Pick({"extra", "more", "a/b", "m~n", "", "sender2"})) = Anything(3);
  }
  // GitHub promises no order.
  for (size_t i = root.keys.size(); i > 1; --i) {
    const size_t j = Below(static_cast<uint32_t>(i));
    std::swap(root.keys[i - 1], root.keys[j]);
    std::swap(root.elements[i - 1], root.elements[j]);
  }
  Write(root, event.payload);
  CollectPointers(root, "", event.pointers);
  return event;
}

RandomEvent RandomSets::CustomEvent() {
  RandomEvent event{.source = Pick({"deployer", "deployer", "monitor"}),
                    .type = Pick({"deploy.done", "deploy.failed", "", "Deploy.Done"})};
  for (const char* name : {"title", "service", "Any Name", "é", "author"}) {
    if (OneIn(2)) event.attributes[name] = Text();
  }
  if (OneIn(5)) return event;
  RandomJson root = ObjectJson();
  for (const char* key : {"a", "list", "m~n", "a/b", "title"}) {
    if (!OneIn(3)) MemberOf(root, key) = Anything(3);
  }
  Write(root, event.payload);
  CollectPointers(root, "", event.pointers);
  return event;
}

RandomEvent RandomSets::Event() {
  if (OneIn(6)) return CustomEvent();
  return GithubEvent(GithubEvents()[Below(static_cast<uint32_t>(GithubEvents().size()))].event);
}

RandomEvent RandomSets::Like(const RandomEvent& event) {
  return event.source == "github" ? GithubEvent(event.type) : CustomEvent();
}

}  // namespace routines
