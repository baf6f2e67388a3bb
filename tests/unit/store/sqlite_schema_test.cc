#include "src/store/sqlite_schema.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "src/store/sqlite_connection.h"
#include "src/store/sqlite_file.h"
#include "tests/unit/store/store_testing.h"

namespace routines::store {
namespace {

using Migration = std::vector<std::string_view>;

constexpr std::string_view kFirst = "CREATE TABLE notes (text TEXT)";
constexpr std::string_view kSecond = "ALTER TABLE notes ADD COLUMN author TEXT DEFAULT 'nobody'";

class SqliteSchemaTest : public ::testing::Test {
 protected:
  SqliteSchemaTest() {
    std::ofstream(folder_ / "state.db").close();
    connection_ = *Connection::Open(folder_ / "state.db", /*read_only=*/false);
  }

  std::string Ask(const std::string& sql) {
    absl::StatusOr<std::string> answer = connection_->QueryText(sql);
    return answer.ok() ? *answer : answer.status().ToString();
  }

  testing::TempFolder folder_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(SqliteSchemaTest, EmptyFileGetsAllMigrations) {
  ASSERT_TRUE(CheckVersion(*connection_, Migrations()).ok());
  ASSERT_TRUE(Migrate(*connection_, Migrations()).ok());
  EXPECT_EQ(Ask("PRAGMA user_version"), std::to_string(Migrations().size()));
  EXPECT_EQ(Ask("SELECT count(*) FROM sessions"), "0");
}

TEST_F(SqliteSchemaTest, OlderFileGetsWhatItLacksAndKeepsItsRows) {
  ASSERT_TRUE(Migrate(*connection_, Migration{kFirst}).ok());
  ASSERT_TRUE(connection_->Execute("INSERT INTO notes VALUES ('hello')").ok());
  ASSERT_TRUE(CheckVersion(*connection_, Migration{kFirst, kSecond}).ok());
  ASSERT_TRUE(Migrate(*connection_, Migration{kFirst, kSecond}).ok());
  EXPECT_EQ(Ask("SELECT text || ' ' || author FROM notes"), "hello nobody");
  EXPECT_EQ(Ask("PRAGMA user_version"), "2");
  ASSERT_TRUE(Migrate(*connection_, Migration{kFirst, kSecond}).ok());  // nothing more to do
  EXPECT_EQ(CheckVersion(*connection_, Migration{kFirst}).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteSchemaTest, FailedMigrationLeavesTheFileAsItWas) {
  ASSERT_TRUE(Migrate(*connection_, Migration{kFirst}).ok());
  EXPECT_FALSE(
      Migrate(*connection_, Migration{kFirst, "CREATE TABLE more (x TEXT); nonsense"}).ok());
  EXPECT_EQ(Ask("PRAGMA user_version"), "1");
  EXPECT_EQ(Ask("SELECT count(*) FROM sqlite_schema WHERE name = 'more'"), "0");
  EXPECT_FALSE(connection_->in_transaction());
}

TEST(SqliteFileTest, KnowsNetworkFileSystems) {
  EXPECT_TRUE(IsNetworkFileSystem(0x6969, ""));                        // NFS
  EXPECT_TRUE(IsNetworkFileSystem(static_cast<int>(0xff534d42), ""));  // CIFS, sign extended
  EXPECT_TRUE(IsNetworkFileSystem(0xfe534d42, ""));                    // SMB 2
  EXPECT_TRUE(IsNetworkFileSystem(0x65735546, "fuse.sshfs"));
  EXPECT_FALSE(IsNetworkFileSystem(0x65735546, "fuseblk"));
  EXPECT_FALSE(IsNetworkFileSystem(0xef53, "ext4"));
  EXPECT_FALSE(IsNetworkFileSystem(0x01021994, "tmpfs"));
}

}  // namespace
}  // namespace routines::store
