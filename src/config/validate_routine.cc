#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "src/base/environment.h"
#include "src/base/time_conversion.h"
#include "src/base/utf8.h"
#include "src/base/words.h"
#include "src/config/text_forms.h"
#include "src/config/validate.h"

namespace routines {
namespace {

using google::protobuf::FieldDescriptor;

constexpr absl::Duration kLongestSetup = absl::Hours(24);
constexpr absl::Duration kLongestSession = absl::Hours(7 * 24);
constexpr int kMostRetries = 10;

// Every text is UTF-8 without NUL, wherever it stands: files are checked as bytes before, a routine
// made in code is not.
void CheckTexts(const google::protobuf::Message& message, const std::string& path, Rules& rules) {
  const auto& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool repeated = field->is_repeated();
    const int count = repeated ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      std::string here = path.empty() ? field->name() : absl::StrCat(path, ".", field->name());
      if (repeated) here = ItemPath(here, i);
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        CheckTexts(repeated ? reflection.GetRepeatedMessage(message, field, i)
                            : reflection.GetMessage(message, field),
                   here, rules);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        const std::string text = repeated ? reflection.GetRepeatedString(message, field, i)
                                          : reflection.GetString(message, field);
        rules.Require(CountCodePoints(text).has_value(), here, "is not valid UTF-8");
        rules.Require(text.find('\0') == std::string::npos, here,
                      "contains a NUL character; remove it");
      }
    }
  }
}

void CheckHead(const v1::Routine& routine, Rules& rules) {
  if (rules.Require(!routine.name().empty(), "name",
                    "is required; write a name such as nightly-triage")) {
    rules.CheckName(routine.name(), "name");
  }
  if (!routine.account().empty()) rules.CheckName(routine.account(), "account");
  const bool blank = absl::StripAsciiWhitespace(routine.prompt()).empty();
  rules.Require(!blank, "prompt", "is required; write what the agent shall do");
  rules.Require(routine.prompt().size() <= kMaxTextBytes, "prompt",
                absl::StrCat("has ", routine.prompt().size(), " bytes; at most ", kMaxTextBytes,
                             " are allowed"));
  // The model becomes an argument of an agent's command line.
  rules.Require(routine.model().size() <= 200 && !HasControlCharacter(routine.model()) &&
                    routine.model().compare(0, 1, "-") != 0,
                "model", absl::StrCat("is not the name of a model: ", Quoted(routine.model())));
  if (!routine.executor().empty()) {
    rules.Require(IsName(routine.executor(), true), "executor",
                  absl::StrCat("is not the name of an executor: ", Quoted(routine.executor()),
                               "; use small letters, digits, - and _"));
  }
  rules.Require(
      !routine.has_retries() || (routine.retries() >= 0 && routine.retries() <= kMostRetries),
      "retries", absl::StrCat("is ", routine.retries(), "; write 0 to ", kMostRetries));
}

void CheckVariable(const std::string& name, const std::string& path, Rules& rules) {
  if (!rules.Require(IsVariableName(name), path,
                     absl::StrCat(Quoted(name),
                                  " is not the name of an environment variable; use "
                                  "letters, digits and _, no digit first"))) {
    return;
  }
  rules.Require(!IsReservedVariable(name), path,
                absl::StrCat(Quoted(name),
                             " is reserved: it changes which programs run or where "
                             "they connect to; use another name"));
}

void CheckEnvironment(const v1::Environment& environment, Rules& rules) {
  for (const auto& [name, value] : environment.variables()) {
    CheckVariable(name, KeyPath("environment.variables", name), rules);
  }
  std::set<std::string> seen;
  for (int i = 0; i < environment.secrets_size(); ++i) {
    const std::string& name = environment.secrets(i);
    const std::string path = ItemPath("environment.secrets", i);
    CheckVariable(name, path, rules);
    rules.Require(seen.insert(name).second, path,
                  absl::StrCat(Quoted(name), " is listed twice; keep one"));
    rules.Require(
        !environment.variables().contains(name), path,
        absl::StrCat(Quoted(name), " is a variable too; keep it in variables or in secrets"));
  }
  rules.Require(environment.setup_script().size() <= kMaxTextBytes, "environment.setup_script",
                absl::StrCat("has ", environment.setup_script().size(), " bytes; at most ",
                             kMaxTextBytes, " are allowed"));
  if (environment.has_setup_timeout()) {
    rules.CheckDuration(environment.setup_timeout(), kLongestSetup, "environment.setup_timeout");
  }
}

// "api.example.org", "*.example.org", or an address; never a URL or a port.
bool IsHostPattern(std::string_view host) {
  if (host.substr(0, 2) == "*.") host.remove_prefix(2);
  const bool characters = std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == ':';
  });
  const bool address =
      std::count(host.begin(), host.end(), ':') != 1;  // one is a port, more are IPv6
  return !host.empty() && host.size() <= 253 && characters && address && host.front() != '.' &&
         host.front() != '-' && host.find("..") == std::string_view::npos;
}

void CheckNetwork(const v1::Network& network, Rules& rules) {
  const bool listed = network.mode() == v1::Network::MODE_ALLOW_LIST;
  if (network.mode() == v1::Network::MODE_UNSPECIFIED) {
    rules.Broken("environment.network.mode", "is required; write none, allow_list or full");
  } else if (!v1::Network::Mode_IsValid(network.mode())) {
    rules.Broken("environment.network.mode", "is unknown; write none, allow_list or full");
  } else if (listed) {
    rules.Require(network.hosts_size() > 0, "environment.network.hosts",
                  "is required with mode: allow_list; list the hosts, or write mode: none");
  } else {
    rules.Require(network.hosts_size() == 0, "environment.network.hosts",
                  "has a meaning with mode: allow_list only; write that, or remove the hosts");
  }
  for (int i = 0; i < network.hosts_size(); ++i) {
    rules.Require(IsHostPattern(network.hosts(i)), ItemPath("environment.network.hosts", i),
                  absl::StrCat(Quoted(network.hosts(i)),
                               " is not a host; write a name without "
                               "scheme or port, such as github.com or "
                               "\"*.npmjs.org\""));
  }
}

void CheckLimits(const v1::Limits& limits, Rules& rules) {
  if (limits.has_max_duration()) {
    rules.CheckDuration(limits.max_duration(), kLongestSession, "limits.max_duration");
  }
  rules.CheckAtLeastZero(limits.max_cost_usd(), "limits.max_cost_usd");
  rules.CheckAtLeastZero(limits.max_cost_usd_per_day(), "limits.max_cost_usd_per_day");
  rules.CheckAtLeastZero(limits.max_concurrent_sessions(), "limits.max_concurrent_sessions");
  rules.CheckAtLeastZero(limits.max_turns(), "limits.max_turns");
}

}  // namespace

void Rules::Broken(std::string path, std::string message) {
  problems_.push_back({"", 0, 0, std::move(path), std::move(message)});
}

bool Rules::Require(bool holds, std::string path, std::string message) {
  if (!holds) Broken(std::move(path), std::move(message));
  return holds;
}

void Rules::CheckName(std::string_view name, const std::string& path) {
  if (IsName(name, false)) return;
  std::string fixed;
  for (const char c : name.substr(0, 63)) {
    if (absl::ascii_isalnum(c)) {
      fixed.push_back(absl::ascii_tolower(c));
    } else if (!fixed.empty() && fixed.back() != '-') {
      fixed.push_back('-');
    }
  }
  while (!fixed.empty() && fixed.back() == '-') fixed.pop_back();
  Broken(path, absl::StrCat(Quoted(name), " is not a name; use 1 to 63 small letters, digits and -",
                            fixed.empty() ? "" : absl::StrCat(", such as ", fixed)));
}

void Rules::CheckDuration(const google::protobuf::Duration& duration, absl::Duration longest,
                          const std::string& path) {
  const absl::Duration value = FromProto(duration);
  Require(value > absl::ZeroDuration() && value <= longest, path,
          absl::StrCat("is ", DurationText(value), "; write more than 0 and at most ",
                       absl::ToInt64Hours(longest), "h"));
}

void Rules::CheckAtLeastZero(double number, const std::string& path) {
  Require(number >= 0 && number <= 1e9, path,
          absl::StrCat("is ", NumberText(number), "; write 0 or more"));
}

bool IsName(std::string_view name, bool underscore) {
  const auto first = [](char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); };
  return !name.empty() && name.size() <= 63 && first(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return first(c) || c == '-' || (underscore && c == '_'); });
}

bool IsVariableName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string ItemPath(std::string_view list, int index) {
  return absl::StrCat(absl::string_view(list.data(), list.size()), "[", index, "]");
}

std::vector<Problem> ValidateRoutine(const v1::Routine& routine) {
  Rules rules;
  CheckTexts(routine, "", rules);
  CheckHead(routine, rules);
  CheckRepositories(routine, rules);
  CheckEnvironment(routine.environment(), rules);
  if (routine.environment().has_network()) CheckNetwork(routine.environment().network(), rules);
  CheckConnectors(routine, rules);
  CheckTriggers(routine, rules);
  CheckLimits(routine.limits(), rules);
  return rules.Take();
}

}  // namespace routines
