#include "routines/secrets.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace routines {
namespace {

TEST(MapSecretProvider, KnowsWhatItWasGiven) {
  const auto secrets = NewMapSecretProvider({{"TOKEN", "value"}});
  EXPECT_EQ(*secrets->Get("any", "TOKEN"), "value");
  EXPECT_TRUE(absl::IsNotFound(secrets->Get("any", "OTHER").status()));
}

TEST(DirectorySecretProvider, ReadsFilesAtEachCallAndNoOthers) {
  char name[] = "/tmp/routines_secrets_XXXXXX";
  const std::string root = mkdtemp(name);
  std::filesystem::create_directory(root + "/secrets");
  std::ofstream(root + "/outside") << "not for you";
  const auto secrets = NewDirectorySecretProvider(root + "/secrets");
  EXPECT_TRUE(absl::IsNotFound(secrets->Get("any", "TOKEN").status()));
  std::ofstream(root + "/secrets/TOKEN") << "two\nlines\n";
  EXPECT_EQ(*secrets->Get("any", "TOKEN"), "two\nlines");
  for (const char* path : {"", ".", "..", "../outside", "/etc/passwd", "TOKEN/"}) {
    EXPECT_TRUE(absl::IsNotFound(secrets->Get("any", path).status())) << path;
  }
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace routines
