#include "src/match/payload.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/numeric/bits.h"
#include "absl/strings/charconv.h"
#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "simdjson.h"
#include "src/base/words.h"
#include "src/match/json_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace routines {
namespace {

// Which keys each object has had. One table for all objects: the number of the object is hashed
// with the key, by a hash that is seeded at random, so that nobody can choose keys that collide.
class KeySet {
 public:
  KeySet() : slots_(1024) {}

  struct Key {
    uint64_t hash;
    uint32_t object;
    uint32_t raw;  // where the key begins in the payload, behind its quote
    uint32_t raw_size;
  };

  static uint64_t Hash(uint32_t object, std::string_view key) {
    return absl::HashOf(object, absl::string_view(key.data(), key.size()));
  }

  // Adds `key` unless `same` says of one with the same hash that it is the same.
  template <class Same>
  bool Insert(const Key& key, Same same) {
    if (2 * keys_.size() >= slots_.size()) Grow();
    for (size_t i = key.hash;; ++i) {
      Slot& slot = slots_[i & (slots_.size() - 1)];
      if (slot.number == 0) {
        keys_.push_back(key);
        slot = {static_cast<uint32_t>(key.hash >> 32), static_cast<uint32_t>(keys_.size())};
        return true;
      }
      if (slot.tag != static_cast<uint32_t>(key.hash >> 32)) continue;
      const Key& other = keys_[slot.number - 1];
      if (other.hash == key.hash && other.object == key.object && same(other)) return false;
    }
  }

 private:
  struct Slot {
    uint32_t tag = 0;     // the upper half of the hash
    uint32_t number = 0;  // of the key, from 1; 0: the slot is free
  };

  void Grow() {
    slots_.assign(4 * slots_.size(), {});
    for (size_t k = 0; k < keys_.size(); ++k) {
      size_t i = keys_[k].hash;
      while (slots_[i & (slots_.size() - 1)].number != 0) ++i;
      slots_[i & (slots_.size() - 1)] = {static_cast<uint32_t>(keys_[k].hash >> 32),
                                         static_cast<uint32_t>(k + 1)};
    }
  }

  std::vector<Slot> slots_;  // a power of two
  std::vector<Key> keys_;
};

// How many plain characters of a string begin at `at`, before a quote, a backslash or a control
// character; 0 to `end` - `at`.
size_t PlainRun(const char* at, const char* end) {
  const char* const begin = at;
#ifdef __SSE2__
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  for (; end - at >= 16; at += 16) {
    const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i special =
        _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(part, quote), _mm_cmpeq_epi8(part, backslash)),
                     _mm_cmpeq_epi8(_mm_min_epu8(part, last_control), part));
    const unsigned mask = static_cast<unsigned>(_mm_movemask_epi8(special));
    if (mask != 0)
      return static_cast<size_t>(at - begin) + static_cast<size_t>(absl::countr_zero(mask));
  }
#endif
  while (at < end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) ++at;
  return static_cast<size_t>(at - begin);
}

class Checker {
 public:
  Checker(std::string_view payload, std::vector<TopLevelKey>* keys)
      : payload_(payload),
        at_(payload.data()),
        end_(payload.data() + payload.size()),
        top_level_(keys) {}

  absl::Status Check();

 private:
  // Of an open object or array.
  struct Level {
    uint32_t object = 0;  // its number, from 1; 0: it is an array
  };

  absl::Status Wrong(std::string_view what) const;
  char Peek() const { return at_ < end_ ? *at_ : '\0'; }
  void SkipSpace() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool Fail(const char* what) {
    problem_ = what;
    return false;
  }

  // Each returns false, with problem_ set and at_ where it is, or moves at_ behind what it read.
  bool Containers();
  bool Element();
  bool Open();
  bool CloseAll(bool& done);
  bool Key();
  bool String();
  bool Escape();
  bool FourDigits(uint32_t& value);
  bool Word(std::string_view word);
  bool Number();
  bool Digits();
  bool AddKey(std::string_view raw);

  std::string_view Unescaped(std::string_view raw, std::string& memory) const;

  std::string_view payload_;
  const char* at_;
  const char* end_;
  const char* problem_ = nullptr;
  std::string duplicate_;
  bool escaped_ = false;  // the string read last has escapes
  std::array<Level, kMostPayloadLevels> levels_;
  int depth_ = 0;
  uint32_t objects_ = 0;
  KeySet keys_;
  std::vector<TopLevelKey>* top_level_;
};

absl::Status Checker::Wrong(std::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat("the payload is refused at byte ",
                                                 at_ - payload_.data(), ": ",
                                                 absl::string_view(what.data(), what.size())));
}

absl::Status Checker::Check() {
  if (payload_.size() > kMostPayloadBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the payload has ", payload_.size(), " bytes; at most ", kMostPayloadBytes, " are taken"));
  }
  if (payload_.substr(0, 3) == "\xEF\xBB\xBF") {
    return Wrong("it begins with a byte order mark; send JSON without one");
  }
  if (!simdjson::validate_utf8(payload_.data(), payload_.size())) {
    return absl::InvalidArgumentError("the payload is not UTF-8");
  }
  SkipSpace();
  if (Peek() != '{') return Wrong("it must be a JSON object");
  if (!Containers()) {
    return duplicate_.empty() ? Wrong(problem_)
                              : Wrong(absl::StrCat(problem_, " ", Quoted(duplicate_)));
  }
  SkipSpace();
  return at_ == end_ ? absl::OkStatus() : Wrong("something follows the object");
}

bool Checker::Containers() {
  if (!Open()) return false;
  for (bool done = depth_ == 0; !done;) {  // depth 0: it is {}
    // At the first element of a container that is not empty, or behind a comma.
    if (levels_[depth_ - 1].object != 0 && !Key()) return false;
    const int depth = depth_;
    if (!Element()) return false;
    if (depth_ > depth) continue;  // a container was opened that is not empty
    if (!CloseAll(done)) return false;
  }
  return true;
}

// One element, or the beginning of one that is a container and not empty.
bool Checker::Element() {
  SkipSpace();
  const char c = Peek();
  if (depth_ == 1 && top_level_ != nullptr) top_level_->back().first = c;
  switch (c) {
    case '{':
    case '[':
      return Open();
    case '"':
      return String();
    case 't':
      return Word("true");
    case 'f':
      return Word("false");
    case 'n':
      return Word("null");
    default:
      return Number();
  }
}

bool Checker::Open() {
  const bool object = *at_ == '{';
  if (depth_ == kMostPayloadLevels) return Fail("it is nested deeper than 128 levels");
  ++at_;
  SkipSpace();
  if (Peek() == (object ? '}' : ']')) {
    ++at_;
    return true;
  }
  levels_[depth_++].object = object ? ++objects_ : 0;
  return true;
}

// Behind an element: a comma, or the ends of containers and then a comma, or the end of all.
bool Checker::CloseAll(bool& done) {
  for (;;) {
    SkipSpace();
    const char c = Peek();
    const bool object = levels_[depth_ - 1].object != 0;
    if (c == ',') {
      ++at_;
      return true;
    }
    if (c != (object ? '}' : ']')) {
      return Fail(object ? "expected a comma or }" : "expected a comma or ]");
    }
    ++at_;
    if (--depth_ == 0) {
      done = true;
      return true;
    }
  }
}

bool Checker::Key() {
  SkipSpace();
  if (Peek() != '"') return Fail("expected a key in double quotes");
  const char* const begin = at_ + 1;
  if (!String()) return false;
  if (!AddKey({begin, static_cast<size_t>(at_ - 1 - begin)})) return false;
  SkipSpace();
  if (Peek() != ':') return Fail("expected a colon behind the key");
  ++at_;
  return true;
}

std::string_view Checker::Unescaped(std::string_view raw, std::string& memory) const {
  if (raw.find('\\') == raw.npos) return raw;
  memory.resize(raw.size());
  memory.resize(UnescapeJson(raw, memory.data()));  // it was read before, so it has no bad escape
  return memory;
}

bool Checker::AddKey(std::string_view raw) {
  std::string memory, other;
  const std::string_view key = escaped_ ? Unescaped(raw, memory) : raw;
  const uint32_t object = levels_[depth_ - 1].object;
  const KeySet::Key entry = {.hash = KeySet::Hash(object, key),
                             .object = object,
                             .raw = static_cast<uint32_t>(raw.data() - payload_.data()),
                             .raw_size = static_cast<uint32_t>(raw.size())};
  const bool is_new = keys_.Insert(entry, [&](const KeySet::Key& slot) {
    return Unescaped(payload_.substr(slot.raw, slot.raw_size), other) == key;
  });
  if (!is_new) {
    duplicate_ = std::string(key);
    return Fail("an object has two values for the key");
  }
  if (depth_ == 1 && top_level_ != nullptr) top_level_->push_back({.key = std::string(key)});
  return true;
}

bool Checker::String() {
  escaped_ = false;
  ++at_;
  for (;;) {
    at_ += PlainRun(at_, end_);
    if (at_ == end_) return Fail("a string does not end");
    if (*at_ == '"') break;
    if (*at_ != '\\') return Fail("a control character stands in a string; escape it");
    escaped_ = true;
    if (!Escape()) return false;
  }
  ++at_;
  return true;
}

bool Checker::Escape() {
  ++at_;
  const char c = Peek();
  if (c != 'u') {
    if (c == '\0' || std::strchr("\"\\/bfnrt", c) == nullptr) {
      return Fail("a string has an escape that JSON does not have");
    }
    ++at_;
    return true;
  }
  uint32_t first = 0, second = 0;
  if (!FourDigits(first)) return false;
  if (first == 0) return Fail("a string holds the character U+0000");
  if (first < 0xD800 || first > 0xDFFF) return true;
  const bool pair = first <= 0xDBFF && end_ - at_ >= 6 && at_[0] == '\\' && at_[1] == 'u';
  if (pair) {
    ++at_;
    if (!FourDigits(second)) return false;
  }
  return (second >= 0xDC00 && second <= 0xDFFF) || Fail("a string holds half a surrogate pair");
}

// at_ is on the u.
bool Checker::FourDigits(uint32_t& value) {
  ++at_;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = Peek();
    const bool digit = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!digit && (lower < 'a' || lower > 'f')) return Fail("\\u needs four hexadecimal digits");
    value = value << 4 | static_cast<uint32_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return true;
}

bool Checker::Word(std::string_view word) {
  if (std::string_view(at_, end_ - at_).substr(0, word.size()) != word) {
    return Fail("expected a value");
  }
  at_ += word.size();
  return true;
}

bool Checker::Digits() {
  const char* const begin = at_;
  while (at_ < end_ && *at_ >= '0' && *at_ <= '9') ++at_;
  return at_ > begin;
}

bool Checker::Number() {
  const char* const begin = at_;
  bool small = true;  // surely within binary64
  if (Peek() == '-') ++at_;
  if (Peek() == '0') {
    ++at_;
  } else {
    if (!Digits()) return Fail(at_ == begin ? "expected a value" : "a number needs digits");
    small = at_ - begin < 300;
  }
  if (Peek() == '.') {
    ++at_;
    if (!Digits()) return Fail("a number needs digits behind its point");
  }
  if (Peek() == 'e' || Peek() == 'E') {
    ++at_;
    if (Peek() == '+' || Peek() == '-') ++at_;
    if (!Digits()) return Fail("a number needs digits in its exponent");
    small = false;
  }
  if (small) return true;
  double value = 0;
  const auto result = absl::from_chars(begin, at_, value);
  const bool too_great = !std::isfinite(value) ||
                         (result.ec == std::errc::result_out_of_range && std::fabs(value) > 1);
  return !too_great || Fail("a number is beyond what a double holds");
}

}  // namespace

absl::Status CheckPayload(std::string_view payload, std::vector<TopLevelKey>* keys) {
  return Checker(payload, keys).Check();
}

absl::Status CheckPayload(std::string_view payload) {
  return CheckPayload(payload, nullptr);
}

}  // namespace routines
