// Finds the credential of an upstream repository among the host's secrets.
#ifndef ROUTINES_SRC_EMBEDDED_UPSTREAM_CREDENTIALS_H_
#define ROUTINES_SRC_EMBEDDED_UPSTREAM_CREDENTIALS_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "routines/secrets.h"

namespace routines {

// What workspaces ask as "git:https://github.com/acme/api" is the secret GIT_TOKEN_GITHUB_COM. No
// routine can name that one for its own environment: names that begin with GIT_ are reserved.
class UpstreamCredentials : public SecretProvider {
 public:
  explicit UpstreamCredentials(std::shared_ptr<SecretProvider> secrets)
      : secrets_(std::move(secrets)) {}

  absl::StatusOr<std::string> Get(std::string_view account, std::string_view name) override {
    const size_t scheme = name.find("://");
    if (scheme == std::string_view::npos) return absl::NotFoundError("the URL has no host");
    const std::string_view rest = name.substr(scheme + 3);
    std::string secret = "GIT_TOKEN_";
    for (const char c : rest.substr(0, rest.find('/'))) {
      secret += absl::ascii_isalnum(c) ? absl::ascii_toupper(c) : '_';
    }
    return secrets_->Get(account, secret);
  }

 private:
  const std::shared_ptr<SecretProvider> secrets_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_EMBEDDED_UPSTREAM_CREDENTIALS_H_
