#include "src/schedule/cron_parser.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"
#include "src/schedule/civil_search.h"

namespace routines {
namespace {

// What one of the five fields may hold.
struct FieldForm {
  absl::string_view name;
  int least = 0, most = 0;
  std::vector<absl::string_view> names;  // of least, least + 1, …
  absl::string_view example;             // of a step
};

const std::array<FieldForm, 5>& Forms() {
  static const auto& forms = *new std::array<FieldForm, 5>{{
      {"minute", 0, 59, {}, "5-59/15"},
      {"hour", 0, 23, {}, "8-23/2"},
      {"day of month", 1, 31, {}, "2-31/2"},
      {"month",
       1,
       12,
       {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
       "2-12/2"},
      {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, "1-5/2"},
  }};
  return forms;
}

struct Macro {
  absl::string_view name, cron;
};
constexpr Macro kMacros[] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
                             {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                             {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
                             {"@annually", "0 0 1 1 *"}};

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, 40)), "\"");
}

absl::Status Wrong(const FieldForm& form, absl::string_view item, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(form.name, " ", Quoted(item), " ", why));
}

std::string Bounds(const FieldForm& form) {
  std::string text = absl::StrCat(form.least, " to ", form.most);
  if (!form.names.empty()) {
    absl::StrAppend(&text, " or ", absl::AsciiStrToUpper(form.names.front()), " to ",
                    absl::AsciiStrToUpper(form.names.back()));
  }
  return text;
}

// One or two digits.
std::optional<int> Number(absl::string_view text) {
  if (text.empty() || text.size() > 2) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

absl::StatusOr<int> Value(const FieldForm& form, absl::string_view text) {
  for (size_t i = 0; i < form.names.size(); ++i) {
    if (absl::EqualsIgnoreCase(text, form.names[i])) return form.least + static_cast<int>(i);
  }
  const std::optional<int> value = Number(text);
  if (value.has_value() && *value >= form.least && *value <= form.most) return *value;
  if (text.find_first_of("LlWw#?") != text.npos && form.most != 59 && form.most != 23) {
    return Wrong(form, text,
                 "is Quartz's, not cron's; write numbers, names, ranges, lists and steps");
  }
  return Wrong(form, text, absl::StrCat("is not ", Bounds(form)));
}

absl::StatusOr<int> Step(const FieldForm& form, absl::string_view item, absl::string_view text) {
  const std::optional<int> step = Number(text);
  if (!step.has_value() || *step < 1 || *step > form.most) {
    return Wrong(form, item, absl::StrCat("has a step that is not 1 to ", form.most));
  }
  return *step;
}

// One item of a list: `*`, a value or a range, the first and the last perhaps with a step.
absl::Status AddItem(const FieldForm& form, absl::string_view item, uint64_t& bits) {
  if (item.empty()) return Wrong(form, item, "is empty; a list needs a value at each place");
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(item, absl::MaxSplits('/', 1));
  const bool stepped = item.find('/') != item.npos;
  const bool any = parts.first == "*";
  const size_t dash = parts.first.find('-');
  int first = form.least, last = form.most == 7 ? 6 : form.most;
  if (!any) {
    ASSIGN_OR_RETURN(first, Value(form, parts.first.substr(0, dash)));
    last = first;
  }
  if (dash != item.npos) {
    ASSIGN_OR_RETURN(last, Value(form, parts.first.substr(dash + 1)));
    // SAT-SUN: as the end of a range, Sunday is the seventh day.
    const bool sunday_by_name = form.most == 7 && absl::EndsWithIgnoreCase(parts.first, "sun");
    if (last < first && sunday_by_name) last = 7;
    if (last < first) return Wrong(form, item, "ends before it begins; write it as two ranges");
  }
  int step = 1;
  if (stepped) {
    if (!any && dash == item.npos) {
      return Wrong(form, item,
                   absl::StrCat("has a step without a range; write one such as ", form.example));
    }
    ASSIGN_OR_RETURN(step, Step(form, item, parts.second));
  }
  for (int value = first; value <= last; value += step) {
    bits |= uint64_t{1} << (form.most == 7 ? value % 7 : value);
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ReadField(const FieldForm& form, absl::string_view text) {
  uint64_t bits = 0;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    RETURN_IF_ERROR(AddItem(form, item, bits));
  }
  return bits;
}

absl::StatusOr<absl::string_view> ExpandMacro(absl::string_view text) {
  std::vector<std::string> names;
  for (const Macro& macro : kMacros) {
    if (text == macro.name) return macro.cron;
    names.emplace_back(macro.name);
  }
  return absl::InvalidArgumentError(UnknownWord("macro", std::string(text), names));
}

bool IsInterval(absl::string_view field) {
  return field.find_first_of("*-/") != absl::string_view::npos;
}

}  // namespace

absl::StatusOr<Schedule> CronParser::Parse(std::string_view cron) {
  absl::string_view text = absl::StripAsciiWhitespace(absl::string_view(cron.data(), cron.size()));
  if (text.find_first_of("\r\n") != text.npos) {
    return absl::InvalidArgumentError("has a line break; write one line of five fields");
  }
  if (text.substr(0, 1) == "@") {
    ASSIGN_OR_RETURN(text, ExpandMacro(text));
  }
  const std::vector<absl::string_view> parts =
      absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (parts.size() != 5) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ", parts.size(), parts.size() == 1 ? " field" : " fields",
                     "; write five: minute, hour, day of month, month, day of week, such as "
                     "\"7 2 * * 1-5\""));
  }
  std::array<uint64_t, 5> bits = {};
  for (size_t i = 0; i < bits.size(); ++i) {
    ASSIGN_OR_RETURN(bits[i], ReadField(Forms()[i], parts[i]));
  }
  Schedule schedule;
  schedule.fields_ = {bits[0],
                      static_cast<uint32_t>(bits[1]),
                      static_cast<uint32_t>(bits[2]),
                      static_cast<uint16_t>(bits[3]),
                      static_cast<uint8_t>(bits[4]),
                      parts[2] != "*" && parts[4] != "*"};
  schedule.interval_ = IsInterval(parts[0]) || IsInterval(parts[1]);
  schedule.never_ = !CivilSearch::First(schedule.fields_, {2000, 1, 1, 0, 0}).has_value();
  return schedule;
}

}  // namespace routines
