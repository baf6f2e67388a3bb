#include "src/config/document.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/base/utf8.h"
#include "src/config/document_readers.h"

namespace routines {
namespace {

// Problems of the bytes, which keep the parser from being asked at all.
bool CheckBytes(std::string_view text, Document* document) {
  if (text.size() > kMaxDocumentBytes) {
    document->problems.push_back(
        {{},
         absl::StrCat("the file is larger than ", kMaxDocumentBytes, " bytes; make it smaller")});
    return false;
  }
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    document->problems.push_back(
        {PositionOf(text, nul), "contains a NUL byte; save the file as UTF-8 text"});
    return false;
  }
  if (!CountCodePoints(text).has_value()) {
    const std::string repaired = RepairUtf8(text);
    const auto bad = std::mismatch(text.begin(), text.end(), repaired.begin(), repaired.end());
    const size_t valid = bad.first - text.begin();
    document->problems.push_back(
        {PositionOf(text, valid), "is not valid UTF-8; save the file as UTF-8"});
    return false;
  }
  return true;
}

}  // namespace

Position PositionOf(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const size_t newline = before.rfind('\n');
  return {1 + static_cast<int>(std::count(before.begin(), before.end(), '\n')),
          1 + static_cast<int>(newline == std::string_view::npos ? offset : offset - newline - 1)};
}

Document ParseDocument(std::string_view text) {
  Document document;
  if (!CheckBytes(text, &document)) return document;
  if (absl::StartsWith(absl::string_view(text.data(), text.size()), "\xEF\xBB\xBF")) {
    text.remove_prefix(3);
  }
  if (ReadJson(text, &document)) return document;
#ifdef ROUTINES_HAS_YAML
  // It may be YAML that begins with a brace; and what is wrong with JSON, the YAML reader tells
  // too.
  document = {};
  ReadYaml(text, &document);
#endif
  return document;
}

}  // namespace routines
