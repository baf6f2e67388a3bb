#include "routines/signature.h"

#include "src/base/crypto.h"

namespace routines {
namespace {

constexpr std::string_view kPrefix = "sha256=";
constexpr size_t kDigits = 64;

std::string LowerHex(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char byte : bytes) {
    out.push_back(kHex[static_cast<unsigned char>(byte) >> 4]);
    out.push_back(kHex[static_cast<unsigned char>(byte) & 15]);
  }
  return out;
}

}  // namespace

std::string SignGithubBody(std::string_view secret, std::string_view body) {
  return std::string(kPrefix) + LowerHex(HmacSha256(secret, body));
}

bool VerifyGithubSignature(std::string_view secret, std::string_view body,
                           std::string_view header) {
  if (secret.empty() || header.size() != kPrefix.size() + kDigits ||
      header.substr(0, kPrefix.size()) != kPrefix) {
    return false;
  }
  // Both sides as digits: what is not a lower-case digit differs from every signature.
  return ConstantTimeEqual(SignGithubBody(secret, body), header);
}

}  // namespace routines
