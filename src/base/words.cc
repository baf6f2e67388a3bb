#include "src/base/words.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/routine.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

constexpr size_t kLongestMessageWord = 60;
constexpr size_t kLongestKnownWord = 64;
constexpr size_t kLongestEndLeftOut = 2;

// What people vary without meaning another word: case, and - or a space for _.
std::string Normalized(std::string_view word) {
  std::string normalized(word);
  for (char& c : normalized) c = c == '-' || c == ' ' ? '_' : absl::ascii_tolower(c);
  return normalized;
}

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`
// (Damerau-Levenshtein, restricted: no part is edited twice).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::array<size_t, 3>> rows(b.size() + 1);  // the last three rows, by column
  for (size_t j = 0; j <= b.size(); ++j) rows[j][0] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    const size_t now = i % 3, last = (i - 1) % 3, before = (i + 1) % 3;
    rows[0][now] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t best = rows[j - 1][last] + (a[i - 1] == b[j - 1] ? 0 : 1);
      best = std::min({best, rows[j][last] + 1, rows[j - 1][now] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        best = std::min(best, rows[j - 2][before] + 1);
      }
      rows[j][now] = best;
    }
  }
  return rows[b.size()][a.size() % 3];
}

}  // namespace

std::string NearestWord(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > kLongestKnownWord) return "";
  const std::string wanted = Normalized(word);
  size_t limit = std::max<size_t>(1, (wanted.size() + 1) / 3);
  std::string nearest;
  for (const std::string& candidate : known) {
    const std::string other = Normalized(candidate);
    if (other.size() > wanted.size() + limit || wanted.size() > other.size() + limit) continue;
    const size_t distance = EditDistance(wanted, other);
    if (distance > limit || distance >= std::min(other.size(), wanted.size())) continue;
    if (!nearest.empty() && distance == limit) continue;  // the first of equals
    nearest = candidate;
    limit = distance;
  }
  if (!nearest.empty()) return nearest;
  // "base" for "base_branch".
  for (const std::string& candidate : known) {
    if (absl::StartsWith(Normalized(candidate), wanted + "_")) return candidate;
  }
  return "";
}

std::string Abbreviated(std::string_view text) {
  std::string_view beginning = text.substr(0, kLongestMessageWord);
  if (beginning.size() < text.size()) beginning.remove_suffix(IncompleteTail(beginning));
  std::string result;
  for (const char c : RepairUtf8(beginning)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppend(&result, absl::CEscape(absl::string_view(&c, 1)));
    } else {
      result.push_back(c);
    }
  }
  if (text.size() > kLongestMessageWord) result += "…";
  return result;
}

std::string Quoted(std::string_view text) {
  return absl::StrCat("\"", Abbreviated(text), "\"");
}

std::string KeyPath(std::string_view path, std::string_view key) {
  const bool word = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
  if (!word) return absl::StrCat(std::string(path), "[", Quoted(key), "]");
  return absl::StrCat(std::string(path), path.empty() ? "" : ".", std::string(key));
}

std::string OneOf(const std::vector<std::string>& words) {
  if (words.size() < 2) return absl::StrJoin(words, "");
  return absl::StrCat(absl::StrJoin(words.begin(), words.end() - 1, ", "), " or ", words.back());
}

bool IsSlipOf(std::string_view word, std::string_view known) {
  const size_t limit = word.size() < 10 ? 1 : 2;
  if (word.size() < 4 || word.size() > known.size() + limit) return false;
  const std::string wanted = Normalized(word), other = Normalized(known);
  if (absl::StartsWith(other, wanted)) return other.size() - wanted.size() <= kLongestEndLeftOut;
  return other.size() <= wanted.size() + limit && EditDistance(wanted, other) <= limit;
}

std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& known) {
  const std::string beginning = absl::StrCat("unknown ", std::string(what), " ", Quoted(word));
  if (const std::string nearest = NearestWord(word, known); !nearest.empty()) {
    return absl::StrCat(beginning, "; did you mean ", Quoted(nearest), "?");
  }
  return absl::StrCat(beginning, "; write ", OneOf(known));
}

}  // namespace routines
