#include "routines/json.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "routines/v1/event.pb.h"
#include "src/base/time_conversion.h"
#include "src/config/text_forms.h"

namespace routines {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string NumberJson(double number) {
  if (std::isfinite(number)) return NumberText(number);
  return std::isnan(number) ? "\"NaN\"" : number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
}

// What whoever sees the JSON must not have.
bool IsSecret(const FieldDescriptor& field) {
  return field.full_name() == "routines.v1.Session.read_key" ||
         field.full_name() == "routines.v1.Token.sha256";
}

class Writer {
 public:
  explicit Writer(JsonOptions options) : options_(options) {}

  void WriteMessage(const Message& message) {
    if (WriteWellKnown(message)) return;
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    Open('{');
    for (const FieldDescriptor* field : fields) {
      if (IsSecret(*field)) continue;
      Next();
      WriteKey(field->name());
      WriteField(message, *field);
    }
    Close('}');
  }

  std::string Take() { return std::move(out_); }

 private:
  void Open(char bracket) {
    out_.push_back(bracket);
    ++depth_;
    empty_ = true;
  }

  void Next() {
    if (!empty_) out_.push_back(',');
    empty_ = false;
    NewLine();
  }

  void Close(char bracket) {
    --depth_;
    if (!empty_) NewLine();
    out_.push_back(bracket);
    empty_ = false;
  }

  void NewLine() {
    if (options_.pretty) out_.append("\n").append(2 * depth_, ' ');
  }

  void WriteKey(std::string_view key) {
    absl::StrAppend(&out_, JsonString(key), options_.pretty ? ": " : ":");
  }

  void WriteField(const Message& message, const FieldDescriptor& field) {
    if (field.is_map()) return WriteMap(message, field);
    if (!field.is_repeated()) return WriteSingle(message, field, -1);
    Open('[');
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
      Next();
      WriteSingle(message, field, i);
    }
    Close(']');
  }

  // In the order of the keys, so that equal messages give equal texts.
  void WriteMap(const Message& message, const FieldDescriptor& field) {
    const auto& reflection = *message.GetReflection();
    std::map<std::string, const Message*> entries;
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
      const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
      const FieldDescriptor* key = entry.GetDescriptor()->map_key();
      entries[entry.GetReflection()->GetString(entry, key)] = &entry;
    }
    Open('{');
    for (const auto& [key, entry] : entries) {
      Next();
      WriteKey(key);
      WriteSingle(*entry, *entry->GetDescriptor()->map_value(), -1);
    }
    Close('}');
  }

  // The field's value, or its item `index` where that is not -1.
  void WriteSingle(const Message& message, const FieldDescriptor& field, int index) {
    const auto& reflection = *message.GetReflection();
    const bool item = index >= 0;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return WriteMessage(item ? reflection.GetRepeatedMessage(message, &field, index)
                                 : reflection.GetMessage(message, &field));
      case FieldDescriptor::CPPTYPE_STRING: {
        const std::string text = item ? reflection.GetRepeatedString(message, &field, index)
                                      : reflection.GetString(message, &field);
        const bool bytes = field.type() == FieldDescriptor::TYPE_BYTES;
        out_ += JsonString(bytes ? absl::Base64Escape(text) : text);
        return;
      }
      case FieldDescriptor::CPPTYPE_BOOL:
        out_ += (item ? reflection.GetRepeatedBool(message, &field, index)
                      : reflection.GetBool(message, &field))
                    ? "true"
                    : "false";
        return;
      case FieldDescriptor::CPPTYPE_INT32:
        absl::StrAppend(&out_, item ? reflection.GetRepeatedInt32(message, &field, index)
                                    : reflection.GetInt32(message, &field));
        return;
      case FieldDescriptor::CPPTYPE_INT64:
        absl::StrAppend(&out_, item ? reflection.GetRepeatedInt64(message, &field, index)
                                    : reflection.GetInt64(message, &field));
        return;
      case FieldDescriptor::CPPTYPE_DOUBLE:
        out_ += NumberJson(item ? reflection.GetRepeatedDouble(message, &field, index)
                                : reflection.GetDouble(message, &field));
        return;
      case FieldDescriptor::CPPTYPE_ENUM:
        return WriteEnum(field, item ? reflection.GetRepeatedEnumValue(message, &field, index)
                                     : reflection.GetEnumValue(message, &field));
      default:  // no message of the project has the other types; a test holds that
        out_ += "null";
    }
  }

  void WriteEnum(const FieldDescriptor& field, int number) {
    const auto* value = field.enum_type()->FindValueByNumber(number);
    out_ += value == nullptr ? absl::StrCat(number) : JsonString(EnumWord(*value));
  }

  bool WriteWellKnown(const Message& message) {
    using google::protobuf::DynamicCastToGenerated;
    if (const auto* time = DynamicCastToGenerated<google::protobuf::Timestamp>(&message)) {
      out_ += JsonString(TimestampText(FromProto(*time)));
    } else if (const auto* span = DynamicCastToGenerated<google::protobuf::Duration>(&message)) {
      out_ += JsonString(DurationText(FromProto(*span)));
    } else if (const auto* value = DynamicCastToGenerated<google::protobuf::Value>(&message)) {
      WriteValue(*value);
    } else {
      return false;
    }
    return true;
  }

  // Conditions hold scalars only.
  void WriteValue(const google::protobuf::Value& value) {
    switch (value.kind_case()) {
      case google::protobuf::Value::kStringValue:
        out_ += JsonString(value.string_value());
        break;
      case google::protobuf::Value::kNumberValue:
        out_ += NumberJson(value.number_value());
        break;
      case google::protobuf::Value::kBoolValue:
        out_ += value.bool_value() ? "true" : "false";
        break;
      default:
        out_ += "null";
    }
  }

  const JsonOptions options_;
  std::string out_;
  size_t depth_ = 0;
  bool empty_ = true;  // nothing was written into the innermost bracket yet
};

}  // namespace

std::string ToJson(const Message& message, JsonOptions options) {
  Writer writer(options);
  writer.WriteMessage(message);
  return writer.Take();
}

std::string EventJson(const v1::Event& event) {
  v1::Event shown = event;
  shown.clear_payload();
  std::string json = ToJson(shown);
  json.pop_back();
  return absl::StrCat(json, json == "{" ? "" : ",", "\"payload_bytes\":", event.payload().size(),
                      "}");
}

}  // namespace routines
