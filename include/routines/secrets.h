// Where the values of a routine's secrets come from.
//
// A routine names its secrets; the host provides the values when a session starts. They reach the
// setup script and the agent as environment variables, and nothing else: the engine redacts them,
// and their base64, URL and hex forms, from everything that it stores or shows.
//
// Thread-safety: Get may be called from several threads at once. It may block.
// Ownership: providers are shared with the engine.
#ifndef ROUTINES_SECRETS_H_
#define ROUTINES_SECRETS_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace routines {

class SecretProvider {
 public:
  virtual ~SecretProvider() = default;

  // The value of the secret `name` of `account`.
  // kNotFound: the session fails and names the secret. kUnavailable: the session is retried.
  virtual absl::StatusOr<std::string> Get(std::string_view account, std::string_view name) = 0;
};

// The same values for every account.
std::unique_ptr<SecretProvider> NewMapSecretProvider(std::map<std::string, std::string> values);

// Reads `<directory>/<name>` at each call, as container platforms mount secrets. One trailing
// newline is removed. A name with other characters than [A-Za-z0-9_] is kNotFound.
std::unique_ptr<SecretProvider> NewDirectorySecretProvider(std::string directory);

}  // namespace routines

#endif  // ROUTINES_SECRETS_H_
