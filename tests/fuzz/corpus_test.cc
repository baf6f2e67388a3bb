// Feeds every file of a fuzz target's kept corpus to it.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

TEST(Corpus, HoldsTheInvariantsOfItsTarget) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ROUTINES_CORPUS)) {
    SCOPED_TRACE(entry.path());
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    ++files;
  }
  EXPECT_GT(files, 20);
}
