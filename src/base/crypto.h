// The little cryptography that tokens need; OpenSSL stays behind this header.
#ifndef ROUTINES_SRC_BASE_CRYPTO_H_
#define ROUTINES_SRC_BASE_CRYPTO_H_

#include <string>
#include <string_view>

namespace routines {

// SHA-256 (FIPS 180-4): 32 bytes.
std::string Sha256(std::string_view data);

// HMAC (RFC 2104) with SHA-256: 32 bytes. The key may have any length.
std::string HmacSha256(std::string_view key, std::string_view data);

// Whether the two are equal, in a time that depends on their lengths only.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_CRYPTO_H_
