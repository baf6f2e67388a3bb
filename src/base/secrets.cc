#include "routines/secrets.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace routines {
namespace {

absl::Status NoSuchSecret(std::string_view name) {
  return absl::NotFoundError(
      absl::StrCat("no secret named \"", absl::string_view(name.data(), name.size()), "\""));
}

class MapSecretProvider : public SecretProvider {
 public:
  explicit MapSecretProvider(std::map<std::string, std::string> values)
      : values_(std::move(values)) {}

  absl::StatusOr<std::string> Get(std::string_view account, std::string_view name) override {
    const auto found = values_.find(std::string(name));
    if (found == values_.end()) return NoSuchSecret(name);
    return found->second;
  }

 private:
  const std::map<std::string, std::string> values_;
};

class DirectorySecretProvider : public SecretProvider {
 public:
  explicit DirectorySecretProvider(std::string directory) : directory_(std::move(directory)) {}

  absl::StatusOr<std::string> Get(std::string_view account, std::string_view name) override {
    const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return absl::ascii_isalnum(c) || c == '_';
    });
    if (!plain) return NoSuchSecret(name);
    std::ifstream file(directory_ + "/" + std::string(name), std::ios::binary);
    if (!file) return NoSuchSecret(name);
    std::string value{std::istreambuf_iterator<char>(file), {}};
    if (file.bad()) {
      return absl::UnavailableError(
          absl::StrCat("secret file cannot be read: ", std::string(name)));
    }
    if (!value.empty() && value.back() == '\n') value.pop_back();
    return value;
  }

 private:
  const std::string directory_;
};

}  // namespace

std::unique_ptr<SecretProvider> NewMapSecretProvider(std::map<std::string, std::string> values) {
  return std::make_unique<MapSecretProvider>(std::move(values));
}

std::unique_ptr<SecretProvider> NewDirectorySecretProvider(std::string directory) {
  return std::make_unique<DirectorySecretProvider>(std::move(directory));
}

}  // namespace routines
