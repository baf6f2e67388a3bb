#include "routines/limits.h"

#include <cmath>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "src/base/words.h"

namespace routines {
namespace {

constexpr int kMost = 1'000'000'000;
constexpr absl::Duration kLongestWait = absl::Hours(24 * 30);

using Place = std::variant<int LimitOptions::*, bool LimitOptions::*, double LimitOptions::*,
                           absl::Duration LimitOptions::*>;
struct Limit {
  const char* name;
  Place place;
};

const std::vector<Limit>& Limits() {
  static const auto& limits = *new std::vector<Limit>{
      {"scheduled_per_hour_account", &LimitOptions::scheduled_per_hour_account},
      {"fires_per_hour_routine", &LimitOptions::fires_per_hour_routine},
      {"fires_per_hour_account", &LimitOptions::fires_per_hour_account},
      {"github_per_hour_routine", &LimitOptions::github_per_hour_routine},
      {"github_per_hour_account", &LimitOptions::github_per_hour_account},
      {"custom_per_hour_routine", &LimitOptions::custom_per_hour_routine},
      {"custom_per_hour_account", &LimitOptions::custom_per_hour_account},
      {"sessions_per_day_account", &LimitOptions::sessions_per_day_account},
      {"metered_overage", &LimitOptions::metered_overage},
      {"expire_after", &LimitOptions::expire_after},
      {"max_concurrent_sessions_account", &LimitOptions::max_concurrent_sessions_account},
      {"max_cost_usd_per_day_routine", &LimitOptions::max_cost_usd_per_day_routine},
      {"max_lineage_depth", &LimitOptions::max_lineage_depth},
      {"max_lineage_sessions", &LimitOptions::max_lineage_sessions},
  };
  return limits;
}

absl::Status Wrong(std::string_view name, std::string_view value, std::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(name), ": ", Quoted(value), " is not ", std::string(wanted)));
}

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

struct Setter {
  std::string_view name, value;
  LimitOptions& limits;

  absl::Status operator()(int LimitOptions::*place) const {
    int number = 0;
    if (!absl::SimpleAtoi(View(value), &number) || number < 0 || number > kMost) {
      return Wrong(name, value, "a whole number from 0 to 1000000000; 0 is no limit");
    }
    limits.*place = number;
    return absl::OkStatus();
  }
  absl::Status operator()(bool LimitOptions::*place) const {
    if (value != "true" && value != "false") return Wrong(name, value, "true or false");
    limits.*place = value == "true";
    return absl::OkStatus();
  }
  absl::Status operator()(double LimitOptions::*place) const {
    double number = 0;
    if (!absl::SimpleAtod(View(value), &number) || !std::isfinite(number) || number < 0) {
      return Wrong(name, value, "an amount of USD; 0 is no limit");
    }
    limits.*place = number;
    return absl::OkStatus();
  }
  absl::Status operator()(absl::Duration LimitOptions::*place) const {
    absl::Duration duration;
    if (!absl::ParseDuration(View(value), &duration) || duration < absl::ZeroDuration() ||
        duration > kLongestWait) {
      return Wrong(name, value, "a duration from 0s to 720h, such as \"24h\"");
    }
    limits.*place = duration;
    return absl::OkStatus();
  }
};

}  // namespace

std::vector<std::string> LimitNames() {
  std::vector<std::string> names;
  for (const Limit& limit : Limits()) names.emplace_back(limit.name);
  return names;
}

absl::Status SetLimit(std::string_view name, std::string_view value, LimitOptions& limits) {
  for (const Limit& limit : Limits()) {
    if (limit.name == name) return std::visit(Setter{name, value, limits}, limit.place);
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(name), " is no limit; there are: ", absl::StrJoin(LimitNames(), ", ")));
}

absl::Status ReadLimits(std::string_view text, LimitOptions& limits) {
  LimitOptions read = limits;
  std::vector<std::string> problems;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(View(text), '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(pair.first);
    const absl::string_view value = absl::StripAsciiWhitespace(pair.second);
    const absl::Status status =
        SetLimit({name.data(), name.size()}, {value.data(), value.size()}, read);
    if (!status.ok()) problems.push_back(absl::StrCat("line ", number, ": ", status.message()));
  }
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  limits = read;
  return absl::OkStatus();
}

}  // namespace routines
