#include "src/engine/event_text.h"

#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "routines/json.h"

namespace routines {
namespace {

constexpr size_t kMaxValue = 1024;  // bytes of a title or name

// JSON, one member a line; empty values are left out.
class Lines {
 public:
  void Add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    // A cut in the middle of a character is mended by JsonString.
    AddJson(name, JsonString(value.substr(0, kMaxValue)));
  }
  void AddJson(std::string_view name, std::string_view json) {
    absl::StrAppend(&text_, text_.empty() ? "{\n  " : ",\n  ", JsonString(name), ": ",
                    std::string(json));
  }
  std::string Take() && { return text_.empty() ? "{}" : text_ + "\n}"; }

 private:
  std::string text_;
};

std::string GithubText(const v1::Event& event) {
  Lines lines;
  lines.Add("event", event.type());
  // The payload was checked when it came in.
  const GithubIdentity who =
      ReadGithubIdentity(event.type(), event.payload()).value_or(GithubIdentity());
  lines.Add("action", who.action);
  lines.Add("repository", who.repository);
  if (who.number != 0) lines.AddJson("number", absl::StrCat(who.number));
  lines.Add("title", who.title);
  lines.Add("url", who.url);
  lines.Add("base_branch", who.base_branch);
  lines.Add("head_branch", who.head_branch);
  lines.Add("tag", who.tag);
  lines.Add("head_sha", who.head_sha);
  lines.Add("author", who.author);
  lines.Add("author_association", who.author_association);
  lines.Add("sender", who.sender);
  if (who.from_fork) lines.AddJson("from_fork", "true");
  lines.Add("delivery", event.external_id());
  return std::move(lines).Take();
}

std::string CustomText(const v1::Event& event) {
  Lines lines;
  lines.Add("source", event.source());
  lines.Add("type", event.type());
  lines.Add("id", event.external_id());
  const std::map<std::string, std::string> attributes(event.attributes().begin(),
                                                      event.attributes().end());
  for (const auto& [name, value] : attributes) {
    lines.Add(absl::StrCat("attributes.", name), value);
  }
  std::string text = std::move(lines).Take();
  if (event.payload().empty()) return text;
  absl::StrAppend(&text, "\n\n", event.payload().substr(0, kMaxPayloadText));
  if (event.payload().size() > kMaxPayloadText) {
    absl::StrAppend(&text, "\n[cut: the payload has ", event.payload().size(), " bytes]");
  }
  return text;
}

}  // namespace

std::string EventText(const v1::Event& event) {
  if (event.source() == "github") return GithubText(event);
  if (event.source() == "api" || event.source() == "manual" || event.source() == "schedule") {
    return event.text();
  }
  return CustomText(event);
}

}  // namespace routines
