// Whatever the payload and the paths are: nothing outside the payload is read, and where
// CheckPayload accepts it, every way to read gives the same values. The input is paths, one a line,
// an empty line, and the payload.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "routines/event.h"
#include "src/match/extract.h"

namespace {

using routines::Extraction;

[[noreturn]] void Fail(std::string_view rule) {
  std::cerr << "broken: " << rule << "\n";
  std::abort();
}

std::vector<std::string_view> TakePaths(std::string_view& input) {
  std::vector<std::string_view> paths;
  while (paths.size() < 64) {
    const size_t end = input.find('\n');
    const std::string_view line = input.substr(0, end);
    input.remove_prefix(end == input.npos ? input.size() : end + 1);
    if (line.empty()) break;
    paths.push_back(line);
  }
  return paths;
}

bool SameValues(const Extraction& a, const Extraction& b, int targets) {
  for (int target = 0; target < targets; ++target) {
    const auto ours = a.values(target), theirs = b.values(target);
    if (ours.size() != theirs.size()) return false;
    for (size_t i = 0; i < ours.size(); ++i) {
      if (ours[i].kind != theirs[i].kind || ours[i].size != theirs[i].size) return false;
      if (ours[i].data != nullptr && ours[i].text() != theirs[i].text()) return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view payload(reinterpret_cast<const char*>(data), size);
  const auto paths = TakePaths(payload);
  const auto plan = routines::ExtractionPlan::Compile(paths);
  if (!plan.ok()) return 0;
  const bool accepted = routines::CheckPayload(payload).ok();
  Extraction plain(Extraction::Method::kSimdjson);
  plain.Open(payload);
  const bool read = plain.Read(*plan, plan->all()).ok();
  if (accepted && !read) Fail("what is accepted can be read");
  for (const Extraction::Method method : Extraction::Methods()) {
    Extraction extraction(method);
    extraction.Open(payload);
    for (int again = 0; again < 2; ++again) {
      const bool ok = extraction.Read(*plan, plan->all()).ok();
      if (!accepted) continue;
      if (!ok) Fail("what is accepted can be read every way");
      if (!SameValues(extraction, plain, plan->targets())) Fail("the same values every way");
    }
  }
  return 0;
}
