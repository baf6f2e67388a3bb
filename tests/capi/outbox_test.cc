// The PostgreSQL LISTEN source of examples/04_outbox, in C++ and in C, on a real server:
// tests/tools/with_postgres.
#include "examples/04_outbox/outbox.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "capi/src/engine.h"
#include "examples/04_outbox/outbox_c.h"
#include "gtest/gtest.h"
#include "routines/testing/trigger_source_conformance.h"

namespace routines::testing {
namespace {

const char* Server() {
  const char* const server = std::getenv("ROUTINES_POSTGRES");
  return server == nullptr ? "" : server;
}

// The test's own connection.
class Database {
 public:
  static Database& Get() {
    static Database database;
    return database;
  }
  ~Database() { PQfinish(connection_); }

  // The first value of the first row, or "".
  std::string Ask(const std::string& statements) {
    PGresult* const result = PQexec(connection_, statements.c_str());
    const ExecStatusType status = PQresultStatus(result);
    EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        << PQerrorMessage(connection_);
    std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    PQclear(result);
    return value;
  }

 private:
  Database() : connection_(PQconnectdb(Server())) {
    std::stringstream schema;
    schema << std::ifstream(ROUTINES_SOURCE_DIR "/examples/04_outbox/outbox.sql").rdbuf();
    Ask(schema.str());
  }
  PGconn* const connection_;
};

void Insert(int number) {
  Database::Get().Ask(absl::StrCat(
      "INSERT INTO routines_outbox (type, payload) VALUES ('order', '{\"number\": ", number,
      "}')"));
}

std::shared_ptr<TriggerSource> MakeCpp() {
  Database::Get().Ask("TRUNCATE routines_outbox");
  return std::make_shared<Outbox>(Server());
}

std::shared_ptr<TriggerSource> MakeC() {
  Database::Get().Ask("TRUNCATE routines_outbox");
  return capi::AdaptSource(outbox_source(Server()), std::make_shared<int>());
}

INSTANTIATE_TEST_SUITE_P(OutboxInCpp, TriggerSourceConformanceTest,
                         ::testing::Values(TriggerSourceFactory{MakeCpp, Insert}));
INSTANTIATE_TEST_SUITE_P(OutboxInC, TriggerSourceConformanceTest,
                         ::testing::Values(TriggerSourceFactory{MakeC, Insert}));

class OutboxTest : public ::testing::TestWithParam<std::shared_ptr<TriggerSource> (*)()> {
 protected:
  void SetUp() override { source_ = GetParam()(); }
  void Start() { ASSERT_TRUE(source_->Start(sink_).ok()); }
  void Stop() {
    sink_->Stop();
    source_->Stop();
  }

  std::shared_ptr<TriggerSource> source_;
  std::shared_ptr<RecordingSink> sink_ = std::make_shared<RecordingSink>();
};

TEST_P(OutboxTest, BringsRowsInTheirOrderAndWhatWasThereBefore) {
  Insert(1);
  Insert(2);
  Start();
  ASSERT_TRUE(sink_->WaitFor(2));
  Insert(3);
  ASSERT_TRUE(sink_->WaitFor(3));
  Stop();
  const std::vector<v1::Event> events = sink_->events();
  ASSERT_EQ(events.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(events[i].type(), "order");
    EXPECT_EQ(events[i].payload(), absl::StrCat("{\"number\": ", i + 1, "}"));
  }
  EXPECT_EQ(Database::Get().Ask("SELECT count(*) FROM routines_outbox"), "0");
}

TEST_P(OutboxTest, LosesNothingWhenItsConnectionIsCut) {
  Start();
  Insert(1);
  ASSERT_TRUE(sink_->WaitFor(1));
  const std::string cut = Database::Get().Ask(
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
      " WHERE application_name = 'outbox'");
  EXPECT_NE(cut, "0");
  Insert(2);
  // The first may come again, since its row was perhaps not deleted yet; then with the same id.
  std::set<std::string> ids;
  for (size_t count = 2; ids.size() < 2 && sink_->WaitFor(count); ++count) {
    for (const v1::Event& event : sink_->events()) ids.insert(event.external_id());
  }
  Stop();
  EXPECT_EQ(ids.size(), 2u);
}

TEST_P(OutboxTest, KeepsARowThatCannotBeTakenAndSaysWhy) {
  sink_->AnswerNext(1, absl::InvalidArgumentError("no such thing"));
  Insert(1);
  Insert(2);
  Start();
  ASSERT_TRUE(sink_->WaitFor(2));
  Stop();
  EXPECT_EQ(sink_->events().size(), 2u);
  EXPECT_NE(Database::Get()
                .Ask("SELECT refused FROM routines_outbox WHERE payload->>'number' = '1'")
                .find("no such thing"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Both, OutboxTest, ::testing::Values(&MakeCpp, &MakeC),
                         [](const auto& info) { return info.index == 0 ? "Cpp" : "C"; });

TEST(Outbox, RefusesToStartWithWhatIsNoDatabase) {
  const auto sink = std::make_shared<RecordingSink>();
  EXPECT_TRUE(absl::IsInvalidArgument(Outbox("nonsense=1").Start(sink)));
  EXPECT_TRUE(absl::IsInvalidArgument(
      capi::AdaptSource(outbox_source("nonsense=1"), std::make_shared<int>())->Start(sink)));
}

}  // namespace
}  // namespace routines::testing
