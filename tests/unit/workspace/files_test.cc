#include "src/workspace/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace routines {
namespace {

namespace fs = std::filesystem;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/files-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    tree_ = base_ + "/tree";
    ASSERT_EQ(mkdir(tree_.c_str(), 0700), 0);
  }
  void TearDown() override { RemoveTree(base_).IgnoreError(); }

  static void Touch(const std::string& path) { std::ofstream(path) << "x"; }

  std::string base_, tree_;
};

TEST_F(FilesTest, RemovesNothingWhereNothingIs) {
  EXPECT_TRUE(RemoveTree(base_ + "/none").ok());
}

TEST_F(FilesTest, RemovesATreeOfAnyDepth) {
  constexpr int kDepth = 10000;
  UniqueFd folder = OpenDirectory(AT_FDCWD, tree_);
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(mkdirat(folder.get(), "d", 0700), 0);
    folder = OpenDirectory(folder.get(), "d");
    ASSERT_TRUE(folder.ok());
  }
  folder = UniqueFd();
  EXPECT_TRUE(RemoveTree(tree_).ok());
  EXPECT_FALSE(fs::exists(tree_));
}

TEST_F(FilesTest, RemovesALinkAndNotWhatItPointsTo) {
  fs::create_directory(base_ + "/kept");
  Touch(base_ + "/kept/file");
  fs::create_directories(tree_ + "/a/b");
  fs::create_directory_symlink(base_ + "/kept", tree_ + "/link");
  fs::create_directory_symlink(base_ + "/kept", tree_ + "/a/link");
  fs::create_directory_symlink("..", tree_ + "/a/b/loop");
  EXPECT_TRUE(RemoveTree(tree_).ok());
  EXPECT_FALSE(fs::exists(tree_));
  fs::create_directory_symlink(base_ + "/kept", tree_);
  EXPECT_TRUE(RemoveTree(tree_).ok());
  EXPECT_FALSE(fs::is_symlink(tree_));
  EXPECT_TRUE(fs::exists(base_ + "/kept/file"));
}

TEST_F(FilesTest, RemovesWhatNobodyMayWrite) {
  fs::create_directories(tree_ + "/a/b/c");
  Touch(tree_ + "/a/b/c/file");
  mkfifo((tree_ + "/a/pipe").c_str(), 0);
  for (const char* folder : {"/a/b/c", "/a/b", "/a", ""}) chmod((tree_ + folder).c_str(), 0);
  EXPECT_TRUE(RemoveTree(tree_).ok());
  EXPECT_FALSE(fs::exists(tree_));
}

TEST_F(FilesTest, RemovesManyFoldersOfOneName) {
  for (int i = 0; i < 300; ++i)
    fs::create_directories(tree_ + "/" + std::to_string(i) + "/same/same");
  fs::create_directories(tree_ + "/.removing-0/.removing-0/.removing-1");
  EXPECT_TRUE(RemoveTree(tree_).ok());
  EXPECT_FALSE(fs::exists(tree_));
}

TEST_F(FilesTest, OpensRegularFilesOnly) {
  Touch(tree_ + "/file");
  fs::create_symlink(tree_ + "/file", tree_ + "/link");
  fs::create_directory(tree_ + "/folder");
  mkfifo((tree_ + "/pipe").c_str(), 0600);
  const UniqueFd folder = OpenDirectory(AT_FDCWD, tree_);
  EXPECT_EQ(ReadRegularFile(folder.get(), "file", 1).value_or(""), "x");
  EXPECT_TRUE(absl::IsOutOfRange(ReadRegularFile(folder.get(), "file", 0).status()));
  for (const char* other : {"link", "folder", "pipe", "none"}) {
    EXPECT_TRUE(absl::IsNotFound(ReadRegularFile(folder.get(), other, 100).status())) << other;
  }
  fs::create_directory_symlink(tree_, base_ + "/to-tree");
  EXPECT_FALSE(OpenDirectory(AT_FDCWD, base_ + "/to-tree").ok());
}

}  // namespace
}  // namespace routines
