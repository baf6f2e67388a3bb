#include "src/cli/json_value.h"

#include <gtest/gtest.h>

#include <string>

namespace routines::cli {
namespace {

TEST(JsonValue, ReadsEveryType) {
  const JsonValue value = *JsonValue::Parse(
      R"({"text": "a\u00e4", "int": -5, "double": 0.25, "true": true, "null": null, "list": [1, "x"]})");
  EXPECT_EQ(value["text"].Text(), "aä");
  EXPECT_EQ(value["int"].Int(), -5);
  EXPECT_EQ(value["int"].Number(), -5.0);
  EXPECT_EQ(value["double"].Number(), 0.25);
  EXPECT_TRUE(value["true"].Bool());
  EXPECT_TRUE(value["null"].IsNull());
  EXPECT_EQ(value["list"].Items().at(1).Text(), "x");
}

TEST(JsonValue, WhatIsNotThereIsEmptyAtAnyDepth) {
  const JsonValue value = *JsonValue::Parse(R"({"a": "text"})");
  EXPECT_TRUE(value["b"]["c"]["d"].IsNull());
  EXPECT_EQ(value["a"]["b"].Text(), "");
  EXPECT_EQ(value["a"].Int(), 0);
  EXPECT_TRUE(value["a"].Items().empty());
}

TEST(JsonValue, DumpsWhatItRead) {
  const std::string text =
      R"({"a":[1,-2,0.5,true,false,null,"x\ny"],"b":{},"c":[],"big":9007199254740993})";
  EXPECT_EQ(JsonValue::Parse(text)->Dump(), text);
}

TEST(JsonValue, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1} x", "\xFF", "nul"}) {
    EXPECT_FALSE(JsonValue::Parse(text).ok()) << text;
  }
  EXPECT_FALSE(JsonValue::Parse(std::string(100'000, '[')).ok());
}

}  // namespace
}  // namespace routines::cli
