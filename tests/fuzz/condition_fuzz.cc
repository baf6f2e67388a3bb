// A trigger in protobuf's text form, a line "---", and a payload. Whatever the trigger is,
// CheckFilters and Explain end, and say what is wrong in a form fit for a terminal. Where they find
// nothing wrong, Explain, the matcher and the reference agree.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "routines/filter.h"
#include "routines/matcher.h"
#include "routines/testing/reference_matcher.h"

namespace {

using google::protobuf::TextFormat;

constexpr std::string_view kSeparator = "\n---\n";
constexpr size_t kMostConditions = 50;  // a routine has at most 1,000; fewer are as good here

[[noreturn]] void Fail(std::string_view rule, std::string_view text) {
  std::cerr << "broken: " << rule << "\n" << text << "\n";
  std::abort();
}

class Silent : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, int, const std::string&) override {}
};

bool Parse(std::string_view text, routines::v1::Trigger& trigger) {
  Silent silent;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(20);
  return parser.ParseFromString(std::string(text), &trigger);
}

size_t CountConditions(
    const google::protobuf::RepeatedPtrField<routines::v1::Condition>& conditions) {
  size_t count = 0;
  for (const auto& condition : conditions) count += 1 + CountConditions(condition.any_of());
  return count;
}

void CheckMessages(const std::vector<routines::FilterProblem>& problems) {
  for (const routines::FilterProblem& problem : problems) {
    const std::string& message = problem.message;
    if (problem.path.empty()) Fail("a problem has a place", message);
    if (message.empty() || message.back() == '.') Fail("a message without a dot", message);
    for (const char c : message) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) Fail("no control characters", message);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find(kSeparator);
  routines::v1::Trigger trigger;
  if (!Parse(input.substr(0, end), trigger)) return 0;
  if (CountConditions(trigger.github().filters()) + CountConditions(trigger.custom().filters()) >
      kMostConditions) {
    return 0;
  }
  const std::vector<routines::FilterProblem> problems = routines::CheckFilters(trigger);
  CheckMessages(problems);

  routines::v1::Event event;
  event.set_source(trigger.has_github() ? "github" : trigger.custom().source());
  event.set_type(trigger.has_github() ? trigger.github().event() : trigger.custom().type());
  (*event.mutable_attributes())["service"] = "api";
  if (end != input.npos) event.set_payload(std::string(input.substr(end + kSeparator.size())));
  const routines::EventView view = routines::ViewOf(event);

  routines::v1::Routine routine;
  routine.set_account("default");
  routine.set_name("r");
  *routine.add_triggers() = trigger;
  const auto explanation = routines::Explain(view, routine);
  if (!explanation.ok()) return 0;
  if (explanation->triggers[0].ToString().empty()) Fail("an explanation says something", "");
  if (!problems.empty()) {
    if (explanation->matched) Fail("what is wrong matches nothing", trigger.DebugString());
    return 0;
  }
  routines::testing::ReferenceMatcher reference;
  reference.Put(routine);
  if (explanation->matched != !reference.Match(view).empty()) {
    Fail("Explain and the reference agree", input);
  }
  if (!event.payload().empty() && !routines::CheckPayload(event.payload()).ok()) return 0;
  routines::Matcher matcher;
  if (!matcher.Put(routine).ok()) Fail("the matcher takes what the check takes", input);
  routines::Matcher::Buffer buffer;
  if (!matcher.Match(view, buffer).ok()) Fail("the matcher reads what the check takes", input);
  if (explanation->matched != !buffer.matches().empty()) {
    Fail("Explain and the matcher agree", input);
  }
  return 0;
}
