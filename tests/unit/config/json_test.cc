#include "routines/json.h"

#include "gtest/gtest.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines {
namespace {

TEST(ToJson, WritesTheProjectsForm) {
  v1::Session session;
  session.set_id("session_1");
  session.set_revision(9007199254740993);
  session.set_state(v1::SESSION_STATE_TIMED_OUT);
  session.mutable_create_time()->set_seconds(1801382400);
  session.mutable_usage()->set_cost_usd(0.25);
  session.add_pushes()->set_accepted(true);
  EXPECT_EQ(ToJson(session), R"({"id":"session_1","revision":9007199254740993,"state":"timed_out",)"
                             R"("create_time":"2027-01-31T08:00:00Z","pushes":[{"accepted":true}],)"
                             R"("usage":{"cost_usd":0.25}})");
}

TEST(ToJson, NeverWritesKeys) {
  v1::Session session;
  session.set_id("s");
  session.set_read_key("secret");
  EXPECT_EQ(ToJson(session), R"({"id":"s"})");
  v1::Token token;
  token.set_sha256("secret");
  EXPECT_EQ(ToJson(token), "{}");
}

TEST(ToJson, WritesBytesAsBase64AndMapsInOrder) {
  v1::Event event;
  event.set_payload(std::string("\0\xff>", 3));
  (*event.mutable_attributes())["b"] = "2";
  (*event.mutable_attributes())["a"] = "1";
  EXPECT_EQ(ToJson(event), R"({"payload":"AP8+","attributes":{"a":"1","b":"2"}})");
}

TEST(ToJson, KeepsWhatIsSetToItsDefault) {
  v1::Routine routine;
  routine.set_retries(0);
  routine.add_triggers()->mutable_api();
  routine.add_triggers();
  EXPECT_EQ(ToJson(routine), R"({"triggers":[{"api":{}},{}],"retries":0})");
}

TEST(ToJson, WritesDurationsAndValues) {
  v1::Routine routine;
  routine.mutable_limits()->mutable_max_duration()->set_seconds(5405);
  auto* condition = routine.add_triggers()->mutable_custom()->add_filters();
  condition->add_values()->set_bool_value(false);
  condition->add_values()->set_number_value(1);
  condition->add_values()->set_null_value(google::protobuf::NULL_VALUE);
  condition->add_values()->set_string_value("1");
  EXPECT_EQ(ToJson(routine),
            R"({"triggers":[{"custom":{"filters":[{"values":[false,1,null,"1"]}]}}],)"
            R"("limits":{"max_duration":"1h30m5s"}})");
}

TEST(ToJson, IndentsByTwoSpaces) {
  v1::Routine routine;
  routine.set_name("a");
  routine.add_triggers()->mutable_api();
  EXPECT_EQ(ToJson(routine, {.pretty = true}),
            "{\n  \"name\": \"a\",\n  \"triggers\": [\n    {\n      \"api\": {}\n    }\n  ]\n}");
  EXPECT_EQ(ToJson(v1::Routine(), {.pretty = true}), "{}");
}

TEST(EventJson, HasTheSizeOfThePayloadInItsPlace) {
  v1::Event event;
  EXPECT_EQ(EventJson(event), R"({"payload_bytes":0})");
  event.set_id("event_1");
  event.set_payload("{\"secret\": 1}");
  EXPECT_EQ(EventJson(event), R"({"id":"event_1","payload_bytes":13})");
}

TEST(JsonString, IsSafeInHtmlToo) {
  EXPECT_EQ(JsonString("</script>&\"\\\n\r\t\b\x1f\x7f é 😀"),
            "\"\\u003c/script\\u003e\\u0026\\\"\\\\\\n\\r\\t\\u0008\\u001f\\u007f é 😀\"");
  EXPECT_EQ(JsonString(std::string_view("\0", 1)), "\"\\u0000\"");
  EXPECT_EQ(JsonString("\xff"), "\"\uFFFD\"");
}

}  // namespace
}  // namespace routines
