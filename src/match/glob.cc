#include "src/match/glob.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

constexpr size_t kMaxWords = (kMaxGlobCharacters + 1 + 63) / 64;

// Takes one character off the front of `text`. A byte that begins none is one beyond Unicode.
char32_t TakeCharacter(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  char32_t character = first;
  if (length > 1) {
    bool whole = first >= 0xc0 && text.size() >= length;
    character = first & (0xff >> (length + 1));
    for (size_t i = 1; whole && i < length; ++i) {
      whole = (byte(i) & 0xc0) == 0x80;
      character = character << 6 | (byte(i) & 0x3f);
    }
    if (!whole) {
      text.remove_prefix(1);
      return 0x110000 + first;
    }
  }
  text.remove_prefix(length);
  return character;
}

char32_t Lower(char32_t character) {
  return character >= 'A' && character <= 'Z' ? character + ('a' - 'A') : character;
}

void AppendUtf8(char32_t character, std::string& out) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((character >> shift) & 0x3f)));
  };
  if (character < 0x80) {
    out.push_back(static_cast<char>(character));
  } else if (character < 0x800) {
    out.push_back(static_cast<char>(0xc0 | character >> 6));
    tail(0);
  } else if (character < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | character >> 12));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xf0 | character >> 18));
    tail(12), tail(6), tail(0);
  }
}

bool Equal(std::string_view text, std::string_view literal, bool ignore_case) {
  if (!ignore_case) return text == literal;
  return std::equal(text.begin(), text.end(), literal.begin(), literal.end(),
                    [](char a, char b) { return absl::ascii_tolower(a) == b; });
}

void SetBit(std::vector<uint64_t>& mask, size_t bit) {
  mask[bit / 64] |= uint64_t{1} << bit % 64;
}

}  // namespace

absl::StatusOr<std::vector<Glob::Token>> Glob::Tokenize(std::string_view pattern,
                                                        bool ignore_case) {
  std::vector<Token> tokens;
  while (!pattern.empty()) {
    char32_t character = TakeCharacter(pattern);
    if (character == '*') {
      // Two and more say the same as two. So no star follows another.
      if (!tokens.empty() && (tokens.back().kind == Token::Kind::kStar ||
                              tokens.back().kind == Token::Kind::kDoubleStar)) {
        tokens.back().kind = Token::Kind::kDoubleStar;
      } else {
        tokens.push_back({Token::Kind::kStar});
      }
      continue;
    }
    if (character == '?') {
      tokens.push_back({Token::Kind::kAnyOne});
      continue;
    }
    if (character == '\\') {
      if (pattern.empty()) {
        return absl::InvalidArgumentError("ends with a single \\; write \\\\ for a backslash");
      }
      character = TakeCharacter(pattern);
    }
    tokens.push_back({Token::Kind::kCharacter, ignore_case ? Lower(character) : character});
  }
  return tokens;
}

absl::StatusOr<Glob> Glob::Compile(std::string_view pattern, bool ignore_case) {
  const std::optional<size_t> characters = CountCodePoints(pattern);
  if (!characters.has_value()) return absl::InvalidArgumentError("is not valid UTF-8");
  if (*characters > kMaxGlobCharacters) {
    return absl::InvalidArgumentError(
        absl::StrCat("is longer than ", kMaxGlobCharacters, " characters"));
  }
  auto tokens = Tokenize(pattern, ignore_case);
  if (!tokens.ok()) return tokens.status();
  Glob glob;
  glob.ignore_case_ = ignore_case;
  glob.TakeLiteralEnds(*tokens);
  return glob;
}

void Glob::TakeLiteralEnds(const std::vector<Token>& tokens) {
  const auto is_character = [](const Token& token) {
    return token.kind == Token::Kind::kCharacter;
  };
  const auto wild = std::find_if_not(tokens.begin(), tokens.end(), is_character);
  for (auto token = tokens.begin(); token != wild; ++token) AppendUtf8(token->character, prefix_);
  if (wild == tokens.end()) return;  // kLiteral
  const auto end = std::find_if_not(tokens.rbegin(), tokens.rend(), is_character).base();
  for (auto token = end; token != tokens.end(); ++token) AppendUtf8(token->character, suffix_);
  if (end - wild == 1 && wild->kind != Token::Kind::kAnyOne) {
    kind_ = Kind::kRun;
    crosses_slash_ = wild->kind == Token::Kind::kDoubleStar;
    return;
  }
  kind_ = Kind::kStates;
  BuildStates({wild, end});
}

void Glob::BuildStates(const std::vector<Token>& tokens) {
  last_state_ = tokens.size();
  words_ = last_state_ / 64 + 1;
  for (const Token& token : tokens) {
    if (token.kind == Token::Kind::kCharacter) characters_.push_back(token.character);
  }
  std::sort(characters_.begin(), characters_.end());
  characters_.erase(std::unique(characters_.begin(), characters_.end()), characters_.end());
  masks_.resize(characters_.size() * words_);
  for (auto* mask : {&any_one_, &stars_, &double_stars_}) mask->resize(words_);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == Token::Kind::kAnyOne) SetBit(any_one_, i);
    if (token.kind == Token::Kind::kDoubleStar) SetBit(double_stars_, i);
    if (token.kind == Token::Kind::kDoubleStar || token.kind == Token::Kind::kStar) {
      SetBit(stars_, i);
    }
    if (token.kind == Token::Kind::kCharacter) {
      SetBit(masks_, (MaskOf(token.character) - masks_.data()) * 64 + i);
    }
  }
}

// Null: the pattern has no such character.
const uint64_t* Glob::MaskOf(char32_t character) const {
  const auto found = std::lower_bound(characters_.begin(), characters_.end(), character);
  if (found == characters_.end() || *found != character) return nullptr;
  return masks_.data() + (found - characters_.begin()) * words_;
}

bool Glob::Matches(std::string_view text) const {
  if (kind_ == Kind::kLiteral) return Equal(text, prefix_, ignore_case_);
  if (text.size() < prefix_.size() + suffix_.size() ||
      !Equal(text.substr(0, prefix_.size()), prefix_, ignore_case_) ||
      !Equal(text.substr(text.size() - suffix_.size()), suffix_, ignore_case_)) {
    return false;
  }
  text.remove_prefix(prefix_.size());
  text.remove_suffix(suffix_.size());
  if (kind_ == Kind::kRun) return crosses_slash_ || text.find('/') == text.npos;
  return MatchesStates(text);
}

bool Glob::MatchesStates(std::string_view text) const {
  std::array<uint64_t, kMaxWords> active{};
  active[0] = 1 | (stars_[0] & 1) << 1;
  while (!text.empty()) {
    const char32_t raw = TakeCharacter(text);
    const bool slash = raw == '/';
    const uint64_t* mask = MaskOf(ignore_case_ ? Lower(raw) : raw);
    const std::vector<uint64_t>& staying = slash ? double_stars_ : stars_;
    uint64_t advanced_carry = 0, star_carry = 0, any = 0;
    for (size_t i = 0; i < words_; ++i) {
      const uint64_t taking = (mask == nullptr ? 0 : mask[i]) | (slash ? 0 : any_one_[i]);
      const uint64_t advancing = active[i] & taking;
      uint64_t next = (active[i] & staying[i]) | advancing << 1 | advanced_carry;
      advanced_carry = advancing >> 63;
      // A star may stand for nothing.
      const uint64_t at_star = next & stars_[i];
      next |= at_star << 1 | star_carry;
      star_carry = at_star >> 63;
      active[i] = next;
      any |= next;
    }
    if (any == 0) return false;
  }
  return (active[last_state_ / 64] >> last_state_ % 64 & 1) != 0;
}

}  // namespace routines
