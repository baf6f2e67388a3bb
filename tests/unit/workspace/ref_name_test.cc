#include "src/workspace/ref_name.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace routines {
namespace {

// git's own table (t1402), where the shared sample data is there.
std::string SharedTable() {
  const char* folder = std::getenv("ROUTINES_SHARED_DATA");
  const std::string path =
      folder != nullptr ? std::string(folder) : ROUTINES_SOURCE_DIR "/../shared/data";
  std::ifstream file(path + "/git-ref-names.json", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(RefName, AgreesWithGitsOwnTable) {
  const std::string text = SharedTable();
  if (text.empty()) GTEST_SKIP() << "git-ref-names.json is not here";
  google::protobuf::Struct table;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, &table).ok());
  int rows = 0;
  for (const auto& row : table.fields().at("rows").list_value().values()) {
    const auto& fields = row.struct_value().fields();
    const std::string& name = fields.at("name").string_value();
    // With options git accepts more than a full name as a push sends it; without them it must
    // agree.
    const bool plain = fields.at("options").list_value().values_size() == 0;
    const bool valid = fields.at("valid").bool_value();
    if (plain) {
      EXPECT_EQ(IsValidRefName(name), valid) << name;
    } else if (!valid) {
      EXPECT_FALSE(IsValidRefName(name)) << name;
    }
    ++rows;
  }
  EXPECT_GE(rows, 90);
}

TEST(RefName, AcceptsOrdinaryNames) {
  for (const char* name : {"refs/heads/main", "refs/heads/claude/fix-1", "refs/tags/v1.0", "a/b",
                           "refs/heads/claude/a@b", "refs/heads/fu\xc3\x9f", "refs/heads/-x",
                           "refs/heads/claude/lock", "refs/heads/@/x"}) {
    EXPECT_TRUE(IsValidRefName(name)) << name;
  }
}

TEST(RefName, RefusesWhatGitRefuses) {
  for (const std::string& name : {std::string(""),
                                  std::string("HEAD"),
                                  std::string("refs/heads/claude/../main"),
                                  std::string("refs/heads/claude/./x"),
                                  std::string("refs/heads/claude/x.lock"),
                                  std::string("refs/heads/claude/x.lock/y"),
                                  std::string("refs/heads/claude//x"),
                                  std::string("refs/heads/claude/"),
                                  std::string("refs/heads/claude/x."),
                                  std::string("refs/heads/claude/x@{1}"),
                                  std::string("refs/heads/claude/a b"),
                                  std::string("refs/heads/claude/a\tb"),
                                  std::string("refs/heads/claude/a\nb"),
                                  std::string("refs/heads/claude/a\x7f"),
                                  std::string("refs/heads/claude/a\0b", 21),
                                  std::string("refs/heads/claude/.a"),
                                  std::string("refs/heads/claude/a~1"),
                                  std::string("refs/heads/claude/a^"),
                                  std::string("refs/heads/claude/a:b"),
                                  std::string("refs/heads/claude/a?"),
                                  std::string("refs/heads/claude/*"),
                                  std::string("refs/heads/claude/[a"),
                                  std::string("refs/heads/claude/a\\b"),
                                  std::string("/refs/heads/claude/a")}) {
    EXPECT_FALSE(IsValidRefName(name)) << name;
  }
}

TEST(ObjectId, IsFortyLowerCaseHexDigits) {
  EXPECT_TRUE(IsObjectId(kZeroObjectId));
  EXPECT_TRUE(IsObjectId("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_FALSE(IsObjectId("0123456789ABCDEF0123456789abcdef01234567"));
  EXPECT_FALSE(IsObjectId("0123456789abcdef0123456789abcdef0123456"));
  EXPECT_FALSE(IsObjectId("0123456789abcdef0123456789abcdef0123456g"));
}

}  // namespace
}  // namespace routines
