// Whatever the header is: only the one right form of it verifies. The input's first byte splits the
// rest into header and body.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "routines/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t split = data[0] < rest.size() ? data[0] : rest.size();
  const std::string_view header = rest.substr(0, split), body = rest.substr(split);
  constexpr std::string_view kSecret = "a secret of no one";
  const std::string right = routines::SignGithubBody(kSecret, body);
  if (routines::VerifyGithubSignature(kSecret, body, header) != (header == right) ||
      !routines::VerifyGithubSignature(kSecret, body, right)) {
    std::cerr << "broken: the right header verifies, and no other\n";
    std::abort();
  }
  return 0;
}
