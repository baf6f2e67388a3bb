// Whatever the bytes are: LoadRoutine ends, its problems are orderly and fit for a terminal, and a
// routine that it accepts comes back the same through JSON.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <tuple>

#include "google/protobuf/util/message_differencer.h"
#include "routines/json.h"
#include "routines/routine.h"

namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

[[noreturn]] void Fail(std::string_view rule, std::string_view text) {
  std::cerr << "broken: " << rule << "\n" << text << "\n";
  std::abort();
}

void CheckProblems(const routines::LoadResult& loaded) {
  const routines::Problem* last = nullptr;
  for (const routines::Problem& problem : loaded.problems) {
    const std::string text = problem.ToString();
    if (problem.message.empty() || problem.message.back() == '.')
      Fail("a message without a dot", text);
    if (problem.line < 0 || problem.column < 0) Fail("positions are positive", text);
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) Fail("no control characters", text);
    }
    if (last != nullptr &&
        std::tie(last->line, last->column) > std::tie(problem.line, problem.column)) {
      Fail("in the file's order", text);
    }
    last = &problem;
  }
}

void CheckRoundTrip(const routines::v1::Routine& routine) {
  if (!routines::ValidateRoutine(routine).empty()) Fail("what was loaded is valid", "");
  const std::string json = routines::ToJson(routine);
  if (json.size() > kMaxFileBytes) return;  // escapes may make it longer than a file may be
  const routines::LoadResult again = routines::LoadRoutine(json, "json");
  if (!again.ok()) Fail(again.problems[0].ToString(), json);
  if (!google::protobuf::util::MessageDifferencer::Equals(routine, again.routine)) {
    Fail("the same through JSON", json);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const routines::LoadResult loaded =
      routines::LoadRoutine({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
  CheckProblems(loaded);
  if (loaded.ok()) CheckRoundTrip(loaded.routine);
  return 0;
}
