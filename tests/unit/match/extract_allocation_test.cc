// Reading allocates nothing once an Extraction has seen payloads as large: a program of its own,
// for it counts every allocation of the process.
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "src/match/extract.h"
#include "tests/unit/match/github_payloads.h"

namespace {
size_t allocations = 0;
}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size); memory != nullptr) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}

namespace routines {
namespace {

TEST(ExtractAllocation, NothingIsAllocatedAfterWarmUp) {
  const std::vector<std::string_view> paths = {"/repository/full_name",
                                               "/action",
                                               "/pull_request/title",
                                               "/pull_request/body",
                                               "/pull_request/labels/*/name",
                                               "/commits/*/added/*",
                                               "/commits/*/modified/*",
                                               "/issue/labels",
                                               "/sender/login"};
  const ExtractionPlan plan = *ExtractionPlan::Compile(paths);
  for (const Extraction::Method method : Extraction::Methods()) {
    Extraction extraction(method);
    const auto read_all = [&] {
      for (const auto& payload : testing::AllPayloads()) {
        extraction.Open(payload.body);
        (void)extraction.Read(plan, TargetBit(0) | TargetBit(1));
        (void)extraction.Read(plan, plan.all());
      }
    };
    read_all();
    read_all();  // values are sorted into memory of their own, which changes places with the first
    const size_t before = allocations;
    read_all();
    EXPECT_EQ(allocations, before) << "method " << static_cast<int>(method);
  }
}

}  // namespace
}  // namespace routines
