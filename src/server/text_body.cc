#include "src/server/text_body.h"

#include <simdjson.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"
#include "src/base/utf8.h"

namespace routines::server {
namespace {

constexpr size_t kMaxDepth = 128;
constexpr absl::Duration kMaxOverlap = absl::Hours(24 * 30);

absl::Status Wrong(std::string_view message) {
  return absl::InvalidArgumentError(absl::string_view(message.data(), message.size()));
}

absl::StatusOr<std::string> CheckedText(std::string_view field, simdjson::dom::element value) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) {
    return Wrong(absl::StrCat(std::string(field), ": must be a string"));
  }
  const std::optional<size_t> characters = CountCodePoints(text);
  if (!characters) {
    return Wrong(absl::StrCat(std::string(field), ": must not hold half of a surrogate pair"));
  }
  if (*characters > kMaxTextCharacters) {
    return Wrong(absl::StrCat(std::string(field), ": must have at most 65,536 characters, has ",
                              *characters));
  }
  if (text.find('\0') != text.npos) {
    return Wrong(absl::StrCat(std::string(field), ": must not hold the character U+0000"));
  }
  return std::string(text);
}

absl::Status ParseError(simdjson::error_code error) {
  switch (error) {
    case simdjson::DEPTH_ERROR:
      return Wrong("body: must not be nested deeper than 128 levels");
    case simdjson::STRING_ERROR:
      return Wrong("body: a string holds a broken escape, e.g. half of a surrogate pair");
    case simdjson::MEMALLOC:
      return absl::UnavailableError("no memory to read the body");
    default:
      return Wrong("body: must be empty or one JSON object");
  }
}

}  // namespace

absl::StatusOr<std::optional<std::string>> ParseStringField(std::string_view body,
                                                            std::string_view field) {
  std::optional<std::string> text;
  if (body.empty()) return text;
  if (body.starts_with("\xEF\xBB\xBF")) return Wrong("body: must not begin with a byte order mark");
  if (!CountCodePoints(body)) return Wrong("body: must be UTF-8");
  thread_local simdjson::dom::parser parser;
  if (parser.max_depth() != kMaxDepth || parser.capacity() < body.size()) {
    if (parser.allocate(body.size(), kMaxDepth) != simdjson::SUCCESS) {
      return absl::UnavailableError("no memory to read the body");
    }
  }
  simdjson::dom::element document;
  if (const auto error = parser.parse(body.data(), body.size()).get(document)) {
    return ParseError(error);
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return Wrong("body: must be a JSON object");
  for (const auto [key, value] : object) {
    if (key != field) continue;
    if (text) return Wrong(absl::StrCat(std::string(field), ": must not be given twice"));
    ASSIGN_OR_RETURN(text, CheckedText(field, value));
  }
  return text;
}

absl::StatusOr<absl::Duration> ParseOverlap(std::string_view body) {
  ASSIGN_OR_RETURN(const std::optional<std::string> text, ParseStringField(body, "overlap"));
  absl::Duration overlap = absl::Hours(24);
  if (text && (!absl::ParseDuration(*text, &overlap) || overlap < absl::ZeroDuration() ||
               overlap > kMaxOverlap)) {
    return absl::InvalidArgumentError(
        "overlap: must be a duration from 0s to 720h, such as \"24h\" or \"10m\"");
  }
  return overlap;
}

}  // namespace routines::server
