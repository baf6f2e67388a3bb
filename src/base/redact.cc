#include "src/base/redact.h"

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

constexpr std::string_view kMarker = "[redacted]";
constexpr size_t kShortestSecret = 6;

// In a longer text's base64, a secret that begins `alignment` bytes into a group of three shows as
// these characters; those at its two ends also hold bits of its neighbours and are left out.
std::string InnerBase64(const std::string& secret, size_t alignment) {
  const std::string encoded = absl::Base64Escape(std::string(alignment, '\0') + secret);
  const size_t first = (alignment * 8 + 5) / 6;
  const size_t last = (alignment + secret.size()) * 8 / 6;
  return encoded.substr(first, last - first);
}

std::string UrlAlphabet(std::string base64) {
  std::replace(base64.begin(), base64.end(), '+', '-');
  std::replace(base64.begin(), base64.end(), '/', '_');
  return base64;
}

void AddBase64(const std::string& secret, std::set<std::string>& forms) {
  const std::string whole = absl::Base64Escape(secret);
  const std::string bare = whole.substr(0, whole.find('='));
  for (const std::string& form :
       {whole, bare, InnerBase64(secret, 0), InnerBase64(secret, 1), InnerBase64(secret, 2)}) {
    forms.insert(form);
    forms.insert(UrlAlphabet(form));
  }
}

// Encoders disagree on which characters stay as they are.
void AddPercent(const std::string& secret, std::set<std::string>& forms) {
  for (const std::string_view kept : {"-._~", "-._~/", "-._~!'()*", "-_.*", ""}) {
    std::string upper, lower, plus;
    for (const char c : secret) {
      const bool keep = !kept.empty() && (absl::ascii_isalnum(c) || kept.find(c) != kept.npos);
      const auto byte = static_cast<uint8_t>(c);
      upper += keep ? std::string(1, c) : absl::StrFormat("%%%02X", byte);
      lower += keep ? std::string(1, c) : absl::StrFormat("%%%02x", byte);
      plus += keep ? std::string(1, c) : c == ' ' ? "+" : absl::StrFormat("%%%02X", byte);
    }
    forms.insert({upper, lower, plus});
  }
}

// The code point at the beginning of `text` (valid UTF-8), which is removed from it.
char32_t TakeCodePoint(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t point = size == 1 ? lead : lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) point = point << 6 | (text[i] & 0x3F);
  text.remove_prefix(size);
  return point;
}

std::string Utf16Escape(char32_t point, bool upper) {
  if (point >= 0x10000) {
    point -= 0x10000;
    return Utf16Escape(0xD800 + (point >> 10), upper) +
           Utf16Escape(0xDC00 + (point & 0x3FF), upper);
  }
  const uint32_t unit = point;
  return upper ? absl::StrFormat("\\u%04X", unit) : absl::StrFormat("\\u%04x", unit);
}

// RFC 8259: what must be escaped, and what some writers also escape: "/", <, > and &, all but
// ASCII.
std::string JsonForm(std::string_view secret, bool slash, bool html, bool ascii, bool upper) {
  constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t", kShort = "\"\\bfnrt";
  std::string form;
  while (!secret.empty()) {
    const char* const begin = secret.data();
    const char32_t point = TakeCodePoint(secret);
    const size_t special = point < 0x80 ? kSpecial.find(static_cast<char>(point)) : kSpecial.npos;
    if (special != kSpecial.npos) {
      form.append({'\\', kShort[special]});
    } else if (slash && point == '/') {
      form += "\\/";
    } else if (point < 0x20 || (ascii && point > 0x7E) ||
               (html && (point == '<' || point == '>' || point == '&'))) {
      form += Utf16Escape(point, upper);
    } else {
      form.append(begin, secret.data());
    }
  }
  return form;
}

void AddJson(const std::string& secret, std::set<std::string>& forms) {
  for (int style = 0; style < 16; ++style) {
    forms.insert(JsonForm(secret, style & 1, style & 2, style & 4, style & 8));
  }
}

void AddForms(const std::string& secret, std::set<std::string>& forms) {
  forms.insert(secret);
  AddBase64(secret, forms);
  AddPercent(secret, forms);
  const std::string hex = absl::BytesToHexString(secret);
  forms.insert({hex, absl::AsciiStrToUpper(hex)});
  if (CountCodePoints(secret)) {
    AddJson(secret, forms);
  } else {
    forms.insert(RepairUtf8(secret));  // as it looks in a text that was made valid before
  }
}

}  // namespace

// The forms, found by a hash of their first four bytes (none is shorter than six): a bitmap answers
// almost every position of a text, a table the rest.
struct Redactor::Patterns {
  explicit Patterns(std::set<std::string> set) : forms(set.begin(), set.end()) {
    for (const std::string& form : forms) {
      const uint32_t head = Head(form.data());
      heads.set(Slot(head));
      by_head[head].push_back(form);
    }
  }

  static uint32_t Head(const char* text) {
    uint32_t head;
    std::memcpy(&head, text, sizeof head);
    return head;
  }
  static size_t Slot(uint32_t head) { return (head * 0x9E3779B1u) >> 16; }

  struct Match {
    size_t size = 0;          // of the longest form that stands here
    bool unfinished = false;  // the text ends inside of one that may stand here
  };

  Match At(std::string_view text) const {
    Match match;
    const auto compare = [&](std::string_view form) {
      if (form.size() > text.size()) {
        match.unfinished |= form.substr(0, text.size()) == text;
      } else if (form.size() > match.size && text.substr(0, form.size()) == form) {
        match.size = form.size();
      }
    };
    if (text.size() < sizeof(uint32_t)) {
      for (const std::string& form : forms) compare(form);
      return match;
    }
    const uint32_t head = Head(text.data());
    if (!heads.test(Slot(head))) return match;
    const auto found = by_head.find(head);
    if (found != by_head.end()) {
      for (const std::string_view form : found->second) compare(form);
    }
    return match;
  }

  // Appends `text`, redacted, to `clean`, up to where a form begins that may not be complete (never
  // where this is the `last` text); returns how much was consumed. `covered` bytes at the beginning
  // of the text belong to what was replaced before; afterwards it counts those of the rest.
  size_t Scan(std::string_view text, bool last, size_t& covered, std::string& clean) const {
    size_t done = covered;  // everything before is copied or replaced
    size_t i = 0;
    for (; i < text.size(); ++i) {
      while (i + sizeof(uint32_t) <= text.size() && !heads.test(Slot(Head(text.data() + i)))) ++i;
      const Match match = At(text.substr(i));
      if (match.size > 0) {
        // What begins inside of the last replacement only makes it longer.
        if (i >= done) clean.append(text.substr(done, i - done)).append(kMarker);
        done = std::max(done, i + match.size);
      }
      if (match.unfinished && !last) break;
    }
    if (i > done) clean.append(text.substr(done, i - done));
    covered = done > i ? done - i : 0;
    return i;
  }

  const std::vector<std::string> forms;
  std::bitset<1 << 16> heads;
  std::unordered_map<uint32_t, std::vector<std::string_view>> by_head;  // views of `forms`
};

Redactor::Redactor() : Redactor(std::vector<std::string>()) {}

Redactor::Redactor(const std::vector<std::string>& secrets) {
  std::set<std::string> forms;
  for (const std::string& secret : secrets) {
    if (secret.size() >= kShortestSecret) AddForms(secret, forms);
  }
  patterns_ = std::make_shared<const Patterns>(std::move(forms));
}

Redactor::~Redactor() = default;

bool Redactor::empty() const {
  return patterns_->forms.empty();
}

std::string Redactor::Redact(std::string_view text) const {
  if (empty()) return std::string(text);
  std::string clean;
  clean.reserve(text.size());
  size_t covered = 0;
  patterns_->Scan(text, true, covered, clean);
  return clean;
}

RedactingStream::RedactingStream(const Redactor& redactor) : patterns_(redactor.patterns_) {}

std::string RedactingStream::Feed(std::string_view piece) {
  return Take(piece, false);
}
std::string RedactingStream::Flush() {
  return Take({}, true);
}

std::string RedactingStream::Take(std::string_view piece, bool last) {
  std::string clean = std::exchange(character_, {});
  if (patterns_->forms.empty()) {
    clean.append(piece);
  } else {
    if (!pending_.empty()) piece = pending_.append(piece);
    const size_t consumed = patterns_->Scan(piece, last, covered_, clean);
    pending_ = std::string(piece.substr(consumed));
  }
  if (!last) {
    const size_t tail = IncompleteTail(clean);
    character_ = clean.substr(clean.size() - tail);
    clean.resize(clean.size() - tail);
  }
  return RepairUtf8(clean);
}

}  // namespace routines
