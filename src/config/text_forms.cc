#include "src/config/text_forms.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"

namespace routines {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}
re2::StringPiece Piece(std::string_view text) {
  return {text.data(), text.size()};
}

// "CATCH_UP_" for CatchUp.
std::string EnumPrefix(const EnumDescriptor& type) {
  std::string prefix;
  for (const char c : type.name()) {
    if (absl::ascii_isupper(c) && !prefix.empty()) prefix.push_back('_');
    prefix.push_back(absl::ascii_toupper(c));
  }
  return prefix + "_";
}

}  // namespace

std::optional<absl::Duration> ParseDurationText(std::string_view text) {
  static const RE2& pattern = *new RE2("-?([0-9]+(\\.[0-9]+)?(h|m|s|ms|us|ns))+");
  constexpr absl::Duration kLongest = absl::Hours(24 * 365 * 10'000);
  absl::Duration duration;
  if (!RE2::FullMatch(Piece(text), pattern) || !absl::ParseDuration(View(text), &duration) ||
      absl::AbsDuration(duration) > kLongest) {
    return std::nullopt;
  }
  return absl::Trunc(duration, absl::Nanoseconds(1));
}

std::string DurationText(absl::Duration duration) {
  if (duration == absl::ZeroDuration()) return "0s";
  return absl::FormatDuration(duration);
}

std::optional<absl::Time> ParseTimestampText(std::string_view text) {
  static const RE2& pattern = *new RE2(
      "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?"
      "([Zz]|[+-][0-9]{2}:[0-9]{2})");
  absl::Time time;
  std::string error;
  if (!RE2::FullMatch(Piece(text), pattern) ||
      !absl::ParseTime(absl::RFC3339_full, absl::AsciiStrToUpper(View(text)), &time, &error)) {
    return std::nullopt;
  }
  const auto year = absl::ToCivilYear(time, absl::UTCTimeZone()).year();
  if (year < 1 || year > 9999) return std::nullopt;
  return time;
}

std::string TimestampText(absl::Time time) {
  return absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*SZ", time, absl::UTCTimeZone());
}

std::string EnumWord(const EnumValueDescriptor& value) {
  const std::string prefix = EnumPrefix(*value.type());
  absl::string_view name = value.name();
  if (absl::StartsWith(name, prefix)) name.remove_prefix(prefix.size());
  return absl::AsciiStrToLower(name);
}

std::vector<std::string> EnumWords(const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) words.push_back(EnumWord(*type.value(i)));
  }
  return words;
}

const EnumValueDescriptor* FindEnumWord(const EnumDescriptor& type, std::string_view word) {
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor& value = *type.value(i);
    if (value.number() != 0 && (word == EnumWord(value) || word == value.name())) return &value;
  }
  return nullptr;
}

PlainScalar ResolvePlainScalar(std::string_view text) {
  static const RE2& integer = *new RE2("[-+]?[0-9]+");
  static const RE2& other_base = *new RE2("0o([0-7]+)|0x([0-9a-fA-F]+)");
  static const RE2& number = *new RE2("[-+]?(\\.[0-9]+|[0-9]+(\\.[0-9]*)?)([eE][-+]?[0-9]+)?");
  static const RE2& infinity = *new RE2("([-+]?)\\.(inf|Inf|INF)");
  using Kind = PlainScalar::Kind;
  PlainScalar scalar;
  if (text == "true" || text == "True" || text == "TRUE") return {Kind::kBool, true};
  if (text == "false" || text == "False" || text == "FALSE") return {Kind::kBool, false};
  re2::StringPiece octal, hex;
  if (RE2::FullMatch(Piece(text), other_base, &octal, &hex)) {
    for (const char c : octal) scalar.number = scalar.number * 8 + (c - '0');
    for (const char c : hex) {
      scalar.number = scalar.number * 16 + (c <= '9' ? c - '0' : absl::ascii_tolower(c) - 'a' + 10);
    }
    scalar.kind = Kind::kInteger;
  } else if (RE2::FullMatch(Piece(text), number)) {
    const bool whole = RE2::FullMatch(Piece(text), integer);
    scalar.kind = whole ? Kind::kInteger : Kind::kNumber;
    if (!absl::SimpleAtod(View(text), &scalar.number)) scalar.number = NAN;
  } else if (RE2::FullMatch(Piece(text), infinity)) {
    scalar.kind = Kind::kNumber;
    scalar.number = std::numeric_limits<double>::infinity() * (text[0] == '-' ? -1 : 1);
  } else if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    scalar.kind = Kind::kNumber;
    scalar.number = NAN;
  }
  return scalar;
}

std::string NumberText(double number) {
  constexpr double kLargestExact = 9007199254740991;  // 2^53 - 1
  char buffer[64];
  char* const end = buffer + sizeof(buffer);
  const bool whole = number == std::trunc(number);
  if (whole && std::abs(number) <= kLargestExact) {
    return std::string(buffer, std::to_chars(buffer, end, static_cast<int64_t>(number)).ptr);
  }
  // Beyond that with an exponent, which says that not every digit counts.
  return std::string(buffer,
                     whole ? std::to_chars(buffer, end, number, std::chars_format::scientific).ptr
                           : std::to_chars(buffer, end, number).ptr);
}

}  // namespace routines
