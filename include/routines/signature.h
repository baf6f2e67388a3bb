// The signature of a GitHub webhook delivery.
//
// Source: GitHub's documentation, "Validating webhook deliveries".
#ifndef ROUTINES_SIGNATURE_H_
#define ROUTINES_SIGNATURE_H_

#include <string>
#include <string_view>

namespace routines {

// Whether `header` (X-Hub-Signature-256: `sha256=` and 64 lower-case hex digits) is the HMAC-SHA256
// of the raw `body` under `secret`. False for every other form of header and for an empty secret.
// The comparison takes the same time whatever the digits are.
bool VerifyGithubSignature(std::string_view secret, std::string_view body, std::string_view header);

// The header's value for `body`: for tests and senders.
std::string SignGithubBody(std::string_view secret, std::string_view body);

}  // namespace routines

#endif  // ROUTINES_SIGNATURE_H_
