// The shared rows that are true under our rules, where the folder is there.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/time/time.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "routines/schedule.h"

namespace routines {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

bool LoadVectors(Struct* vectors) {
  const char* const folder = std::getenv("ROUTINES_SHARED_DATA");
  const std::string path =
      std::string(folder != nullptr ? folder : ROUTINES_SOURCE_DIR "/../shared/data") +
      "/cron-vectors.json";
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return file && google::protobuf::util::JsonStringToMessage(text, vectors).ok();
}

std::string Field(const Value& row, const std::string& name) {
  return row.struct_value().fields().at(name).string_value();
}

absl::Time Instant(const std::string& text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) << text;
  return time;
}

void CheckRow(const Value& row) {
  SCOPED_TRACE(row.ShortDebugString());
  absl::TimeZone zone;
  ASSERT_TRUE(absl::LoadTimeZone(Field(row, "tz"), &zone));
  const auto schedule = Schedule::Parse(Field(row, "expr"), zone);
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  const absl::Time start = Instant(Field(row, "start"));
  const auto& fields = row.struct_value().fields();
  const Value& expected = fields.at("expected");
  if (Field(row, "kind") == "match") {
    EXPECT_EQ(schedule->Next(start - absl::Seconds(1)) == start, expected.bool_value());
    return;
  }
  const bool inclusive = fields.at("inclusive").bool_value();
  const absl::Time next = schedule->Next(inclusive ? start - absl::Nanoseconds(1) : start);
  EXPECT_EQ(next, expected.kind_case() == Value::kNullValue ? absl::InfiniteFuture()
                                                            : Instant(expected.string_value()));
}

TEST(CronVectors, FireWhenTheyShould) {
  Struct vectors;
  if (!LoadVectors(&vectors)) GTEST_SKIP() << "no cron-vectors.json; set ROUTINES_SHARED_DATA";
  int rows = 0;
  for (const Value& row : vectors.fields().at("vectors").list_value().values()) {
    CheckRow(row);
    ++rows;
  }
  EXPECT_EQ(rows, 538);
}

TEST(CronVectors, AreRefusedWhenTheyAreWrong) {
  Struct vectors;
  if (!LoadVectors(&vectors)) GTEST_SKIP() << "no cron-vectors.json; set ROUTINES_SHARED_DATA";
  int rows = 0;
  for (const Value& row : vectors.fields().at("invalid").list_value().values()) {
    EXPECT_FALSE(Schedule::Parse(Field(row, "expr")).ok()) << Field(row, "expr");
    ++rows;
  }
  EXPECT_EQ(rows, 211);
}

}  // namespace
}  // namespace routines
