#include "src/cli/state_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "src/cli/exit_codes.h"

namespace routines::cli {
namespace {

class StateDirectory : public ::testing::Test {
 protected:
  StateDirectory() {
    std::string name = ::testing::TempDir() + "routines-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~StateDirectory() override { std::filesystem::remove_all(path_); }

  void Write(const std::string& name, const std::string& contents) {
    std::ofstream(path_ + "/" + name) << contents;
  }

  std::string path_;
};

TEST_F(StateDirectory, MakesOneAdminTokenAndKeepsIt) {
  const std::string token = *ReadOrMakeAdminToken(path_);
  EXPECT_EQ(token.size(), 43u);
  EXPECT_EQ(*ReadOrMakeAdminToken(path_), token);
  struct stat info;
  ASSERT_EQ(stat((path_ + "/admin-token").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(StateDirectory, ReadsBackWhereTheServerListens) {
  EXPECT_TRUE(absl::IsUnavailable(ReadServerUrl(path_).status()));
  ASSERT_TRUE(WriteServerFile(path_, "http://127.0.0.1:7433").ok());
  EXPECT_EQ(*ReadServerUrl(path_), "http://127.0.0.1:7433");
  RemoveServerFile(path_);
  EXPECT_FALSE(ReadServerUrl(path_).ok());
}

TEST_F(StateDirectory, RefusesAServerFileThatNamesNoUrl) {
  Write("server.json", "{\"pid\": 1}");
  EXPECT_FALSE(ReadServerUrl(path_).ok());
}

TEST_F(StateDirectory, ASecretIsTheFirstLineAndFitsAHeader) {
  Write("token", "  abc123 \nnote\n");
  EXPECT_EQ(*ReadSecretFile(path_ + "/token"), "abc123");
  Write("two", "abc def\n");
  EXPECT_FALSE(ReadSecretFile(path_ + "/two").ok());
  Write("none", "\n");
  EXPECT_FALSE(ReadSecretFile(path_ + "/none").ok());
  EXPECT_FALSE(ReadSecretFile(path_ + "/absent").ok());
}

TEST_F(StateDirectory, ReadsNoMoreThanItsLimit) {
  Write("most", std::string(kMaxFileBytes, 'x'));
  EXPECT_EQ(ReadFile(path_ + "/most")->size(), kMaxFileBytes);
  Write("more", std::string(kMaxFileBytes + 1, 'x'));
  EXPECT_EQ(ExitCodeOf(ReadFile(path_ + "/more").status()), kExitUsage);
  EXPECT_EQ(ExitCodeOf(ReadSecretFile("/dev/zero").status()), kExitUsage);
}

TEST_F(StateDirectory, AWriteReplacesAndLeavesNothingBeside) {
  ASSERT_TRUE(WriteFileAtomically(path_ + "/f", "old").ok());
  ASSERT_TRUE(WriteFileAtomically(path_ + "/f", "new").ok());
  EXPECT_EQ(*ReadFile(path_ + "/f"), "new");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++files;
  EXPECT_EQ(files, 1);
}

}  // namespace
}  // namespace routines::cli
