#include "src/config/message_reader.h"

#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "src/base/time_conversion.h"
#include "src/base/words.h"
#include "src/config/text_forms.h"

namespace routines {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::OneofDescriptor;
using Kind = Node::Kind;
using PlainKind = PlainScalar::Kind;

PlainScalar Resolve(const Node& node) {
  return node.kind == Kind::kScalar && node.plain ? ResolvePlainScalar(node.text) : PlainScalar();
}

// What stands in the file, for a message. Never the value of a text: it may be a secret.
std::string Found(const Node& node) {
  if (node.kind == Kind::kList) return "a list";
  if (node.kind == Kind::kMap) return "keys with values";
  if (node.kind == Kind::kNull) return node.written ? "null" : "nothing";
  const PlainScalar scalar = Resolve(node);
  if (scalar.kind == PlainKind::kText) return "text";
  if (scalar.kind == PlainKind::kBool) return node.text;
  return "a number";
}

std::string Item(const std::string& path, size_t index) {
  return absl::StrCat(path, "[", index, "]");
}

std::vector<std::string> FieldNames(const Descriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->name());
  return names;
}

// The oneof of `field` that is a choice in the file too: not the one that proto3 makes for
// `optional`.
const OneofDescriptor* Choice(const FieldDescriptor& field) {
  return field.real_containing_oneof();
}

// The field of `type` whose message has a field `key`, or null.
const FieldDescriptor* Owner(const Descriptor& type, const std::string& key) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->message_type() != nullptr && !field->is_repeated() &&
        field->message_type()->file() == type.file() &&
        field->message_type()->FindFieldByName(key) != nullptr) {
      return field;
    }
  }
  return nullptr;
}

std::string Parent(const std::string& path) {
  const size_t end = path.find_last_of(".[");
  return path.substr(0, end == std::string::npos ? 0 : end);
}

}  // namespace

void MessageReader::Read(const Node& root, Message* message) {
  positions_[""] = root.position;
  if (root.kind != Kind::kMap && root.kind != Kind::kBroken) {
    Expected("keys with values, such as \"name: nightly\"", root, "");
    return;
  }
  ReadMessage(root, "", message);
}

Position MessageReader::PositionOf(std::string path) const {
  while (true) {
    if (const auto found = positions_.find(path); found != positions_.end()) return found->second;
    path = Parent(path);
  }
}

bool MessageReader::Reported(const std::string& path) const {
  for (const char* separator : {".", "["}) {  // something in it
    const auto inner = reported_.lower_bound(path + separator);
    if (inner != reported_.end() && absl::StartsWith(*inner, path + separator)) return true;
  }
  for (std::string outer = path; !outer.empty(); outer = Parent(outer)) {
    if (reported_.count(outer) > 0) return true;
  }
  return reported_.count("") > 0;
}

void MessageReader::Report(Position position, const std::string& path, std::string message) {
  reported_.insert(path);
  problems_.push_back({"", position.line, position.column, path, std::move(message)});
}

void MessageReader::Expected(std::string_view what, const Node& node, const std::string& path) {
  const bool quoted = node.kind == Kind::kScalar && !node.plain &&
                      ResolvePlainScalar(node.text).kind != PlainKind::kText;
  Report(node.position, path,
         absl::StrCat("expected ", std::string(what), ", found ", Found(node),
                      quoted ? "; remove the quotes" : ""));
}

void MessageReader::ReadMessage(const Node& node, const std::string& path, Message* message) {
  if (node.kind == Kind::kBroken) {
    reported_.insert(path);
    return;
  }
  if (ReadWellKnown(node, path, message)) return;
  if (node.kind != Kind::kMap) {
    Expected(absl::StrCat("keys with values (", OneOf(FieldNames(*message->GetDescriptor())), ")"),
             node, path);
    return;
  }
  for (size_t i = 0; i < node.children.size(); ++i) ReadKey(node, i, path, message);
}

void MessageReader::ReadKey(const Node& map, size_t index, const std::string& path,
                            Message* message) {
  const Node::Key& key = map.keys[index];
  const Node& value = map.children[index];
  const std::string key_path = KeyPath(path, key.text);
  if (!CheckKey(key, path, *message)) return;
  const FieldDescriptor& field = *message->GetDescriptor()->FindFieldByName(key.text);
  positions_[key_path] = value.kind == Kind::kScalar ? value.position : key.position;
  const bool is_value = field.message_type() == google::protobuf::Value::descriptor();
  if (value.kind == Kind::kNull && !(is_value && value.written)) {
    const bool block = field.message_type() != nullptr && !field.is_repeated() && !is_value;
    Report(key.position, key_path,
           block ? "has no value; write {} for one without keys, or remove the key"
                 : "has no value; write one, or remove the key");
    return;
  }
  ReadField(value, key_path, field, message);
}

bool MessageReader::CheckKey(const Node::Key& key, const std::string& parent,
                             const Message& message) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(key.text);
  if (field == nullptr) {
    ReportUnknownKey(key, parent, message);
    return false;
  }
  const std::string path = KeyPath(parent, key.text);
  if (const auto first = positions_.find(path); first != positions_.end()) {
    Report(key.position, path,
           absl::StrCat("is written twice, first in line ", first->second.line, "; keep one"));
    return false;
  }
  const OneofDescriptor* choice = Choice(*field);
  if (choice != nullptr && message.GetReflection()->HasOneof(message, choice)) {
    const FieldDescriptor* first =
        message.GetReflection()->GetOneofFieldDescriptor(message, choice);
    Report(key.position, path,
           absl::StrCat("cannot stand beside ", Quoted(first->name()), "; keep one of the two"));
    return false;
  }
  return true;
}

void MessageReader::ReportUnknownKey(const Node::Key& key, const std::string& parent,
                                     const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const std::string path = KeyPath(parent, key.text);
  if (const FieldDescriptor* owner = Owner(type, key.text)) {
    reported_.insert(KeyPath(parent, owner->name()));
    Report(key.position, path,
           absl::StrCat("unknown key ", Quoted(key.text), "; it belongs into ",
                        Quoted(owner->name())));
    return;
  }
  const std::vector<std::string> known = FieldNames(type);
  if (known.empty()) {
    Report(key.position, path, absl::StrCat("unknown key ", Quoted(key.text), "; write {} here"));
    return;
  }
  // The key that was meant is not missing as well.
  const std::string nearest = NearestWord(key.text, known);
  if (!nearest.empty()) reported_.insert(KeyPath(parent, nearest));
  Report(key.position, path, UnknownWord("key", key.text, known));
}

void MessageReader::ReadField(const Node& node, const std::string& path,
                              const FieldDescriptor& field, Message* message) {
  if (node.kind == Kind::kBroken) {
    reported_.insert(path);
  } else if (field.is_map()) {
    ReadMap(node, path, field, message);
  } else if (field.is_repeated()) {
    ReadList(node, path, field, message);
  } else if (field.message_type() != nullptr) {
    ReadMessage(node, path, message->GetReflection()->MutableMessage(message, &field));
  } else {
    ReadScalar(node, path, field, message);
  }
}

// Maps of the data model are from text to text. A plain number or boolean is taken as it is
// written: environment variables and headers are nothing but text.
void MessageReader::ReadMap(const Node& node, const std::string& path, const FieldDescriptor& field,
                            Message* message) {
  if (node.kind != Kind::kMap) return Expected("names with values", node, path);
  std::map<std::string, int> lines;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Node::Key& key = node.keys[i];
    const Node& value = node.children[i];
    const std::string key_path = KeyPath(path, key.text);
    positions_.emplace(key_path, key.position);
    const auto [first, inserted] = lines.emplace(key.text, key.position.line);
    if (!inserted) {
      Report(key.position, key_path,
             absl::StrCat("is written twice, first in line ", first->second, "; keep one"));
    } else if (value.kind == Kind::kNull) {
      Report(key.position, key_path, "has no value; write \"\" for an empty one");
    } else if (value.kind == Kind::kScalar) {
      Message* entry = message->GetReflection()->AddMessage(message, &field);
      const Descriptor& type = *entry->GetDescriptor();
      entry->GetReflection()->SetString(entry, type.map_key(), key.text);
      entry->GetReflection()->SetString(entry, type.map_value(), value.text);
    } else if (value.kind != Kind::kBroken) {
      Expected("text", value, key_path);
    }
  }
}

void MessageReader::ReadList(const Node& node, const std::string& path,
                             const FieldDescriptor& field, Message* message) {
  if (node.kind != Kind::kList) {
    const bool one = node.kind == Kind::kScalar;
    Report(node.position, path,
           absl::StrCat("expected a list, found ", Found(node),
                        one ? "; write it in brackets: [ … ]" : "; begin each item with \"- \""));
    return;
  }
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Node& item = node.children[i];
    const std::string item_path = Item(path, i);
    positions_[item_path] = item.position;
    const bool is_value = field.message_type() == google::protobuf::Value::descriptor();
    if (item.kind == Kind::kNull && !(is_value && item.written)) {
      Report(item.position, item_path, "is an empty item; write its value, or remove it");
    } else if (field.message_type() != nullptr) {
      ReadMessage(item, item_path, message->GetReflection()->AddMessage(message, &field));
    } else if (item.kind == Kind::kBroken) {
      reported_.insert(item_path);
    } else {
      ReadScalar(item, item_path, field, message);
    }
  }
}

void MessageReader::ReadScalar(const Node& node, const std::string& path,
                               const FieldDescriptor& field, Message* message) {
  const auto& reflection = *message->GetReflection();
  const PlainScalar scalar = Resolve(node);
  const bool number = scalar.kind == PlainKind::kInteger || scalar.kind == PlainKind::kNumber;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return ReadText(node, path, field, message);
    case FieldDescriptor::CPPTYPE_BOOL:
      if (scalar.kind != PlainKind::kBool) return Expected("true or false", node, path);
      return reflection.SetBool(message, &field, scalar.boolean);
    case FieldDescriptor::CPPTYPE_INT32:
      if (scalar.kind != PlainKind::kInteger ||
          !(std::abs(scalar.number) <= std::numeric_limits<int32_t>::max())) {
        return Expected("a whole number", node, path);
      }
      return reflection.SetInt32(message, &field, static_cast<int32_t>(scalar.number));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (!number || !std::isfinite(scalar.number))
        return Expected("a number such as 5.00", node, path);
      return reflection.SetDouble(message, &field, scalar.number);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto& type = *field.enum_type();
      if (node.kind != Kind::kScalar) return Expected(OneOf(EnumWords(type)), node, path);
      const auto* value = FindEnumWord(type, node.text);
      if (value == nullptr) {
        return Report(node.position, path, UnknownWord("word", node.text, EnumWords(type)));
      }
      return reflection.SetEnum(message, &field, value);
    }
    default:
      Report(node.position, path,
             absl::StrCat("has the type ", field.cpp_type_name(), ", which files cannot hold"));
  }
}

void MessageReader::ReadText(const Node& node, const std::string& path,
                             const FieldDescriptor& field, Message* message) {
  if (node.kind != Kind::kScalar) return Expected("text", node, path);
  if (Resolve(node).kind != PlainKind::kText) {
    Report(node.position, path,
           absl::StrCat("expected text, found ", Found(node),
                        "; write it in quotes: ", Quoted(node.text)));
    return;
  }
  const auto& reflection = *message->GetReflection();
  if (field.is_repeated()) {
    reflection.AddString(message, &field, node.text);
  } else {
    reflection.SetString(message, &field, node.text);
  }
}

bool MessageReader::ReadWellKnown(const Node& node, const std::string& path, Message* message) {
  const Descriptor* type = message->GetDescriptor();
  if (type == google::protobuf::Duration::descriptor()) {
    ReadDuration(node, path, message);
  } else if (type == google::protobuf::Timestamp::descriptor()) {
    ReadTimestamp(node, path, message);
  } else if (type == google::protobuf::Value::descriptor()) {
    ReadValue(node, path, message);
  } else if (type == google::protobuf::Struct::descriptor()) {
    ReadStruct(node, path, message);
  } else {
    return false;
  }
  return true;
}

void MessageReader::ReadDuration(const Node& node, const std::string& path, Message* message) {
  if (node.kind != Kind::kScalar)
    return Expected("a duration such as 90s, 5m or 1h30m", node, path);
  if (const auto duration = ParseDurationText(node.text)) {
    message->CopyFrom(ToProto(*duration));
  } else if (Resolve(node).kind == PlainKind::kInteger) {
    const std::string number = Abbreviated(node.text);
    Report(node.position, path, absl::StrCat("needs a unit; write ", number, "s or ", number, "m"));
  } else {
    Report(node.position, path,
           absl::StrCat("expected a duration such as 90s, 5m or 1h30m, found ", Quoted(node.text)));
  }
}

void MessageReader::ReadTimestamp(const Node& node, const std::string& path, Message* message) {
  constexpr std::string_view kExpected = "a time such as \"2027-01-31T09:00:00+01:00\"";
  if (node.kind != Kind::kScalar) return Expected(kExpected, node, path);
  if (const auto time = ParseTimestampText(node.text)) {
    message->CopyFrom(ToProto(*time));
  } else if (ParseTimestampText(node.text + "Z")) {
    Report(node.position, path,
           absl::StrCat("needs an offset from UTC; write ", Quoted(node.text + "Z"), " or ",
                        Quoted(node.text + "+01:00")));
  } else {
    Report(node.position, path,
           absl::StrCat("expected ", std::string(kExpected), ", found ", Quoted(node.text)));
  }
}

void MessageReader::ReadValue(const Node& node, const std::string& path, Message* message) {
  constexpr double kLargestExact = 9007199254740991;  // 2^53 - 1; the next may have been rounded
  auto* value = google::protobuf::DynamicCastToGenerated<google::protobuf::Value>(message);
  const PlainScalar scalar = Resolve(node);
  if (node.kind == Kind::kNull) {
    value->set_null_value(google::protobuf::NULL_VALUE);
  } else if (node.kind != Kind::kScalar) {
    Expected("one value", node, path);
  } else if (scalar.kind == PlainKind::kText) {
    value->set_string_value(node.text);
  } else if (scalar.kind == PlainKind::kBool) {
    value->set_bool_value(scalar.boolean);
  } else if (std::isfinite(scalar.number) &&
             (scalar.kind == PlainKind::kNumber || std::abs(scalar.number) <= kLargestExact)) {
    value->set_number_value(scalar.number);
  } else {
    Report(node.position, path,
           absl::StrCat("cannot be held as a number; write it in quotes: ", Quoted(node.text)));
  }
}

// What a host's own JSON may have: keys of any name, lists and keys in them, and null.
void MessageReader::ReadStruct(const Node& node, const std::string& path, Message* message) {
  auto* object = google::protobuf::DynamicCastToGenerated<google::protobuf::Struct>(message);
  if (node.kind != Kind::kMap) return Expected("keys with values", node, path);
  std::map<std::string, int> lines;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Node::Key& key = node.keys[i];
    const std::string key_path = KeyPath(path, key.text);
    positions_.emplace(key_path, key.position);
    const auto [first, inserted] = lines.emplace(key.text, key.position.line);
    if (inserted) {
      ReadAnything(node.children[i], key_path, &(*object->mutable_fields())[key.text]);
    } else {
      Report(key.position, key_path,
             absl::StrCat("is written twice, first in line ", first->second, "; keep one"));
    }
  }
}

void MessageReader::ReadAnything(const Node& node, const std::string& path, Message* message) {
  auto* value = google::protobuf::DynamicCastToGenerated<google::protobuf::Value>(message);
  if (node.kind == Kind::kBroken) {
    reported_.insert(path);
  } else if (node.kind == Kind::kMap) {
    ReadStruct(node, path, value->mutable_struct_value());
  } else if (node.kind == Kind::kList) {
    value->mutable_list_value();
    for (size_t i = 0; i < node.children.size(); ++i) {
      ReadAnything(node.children[i], Item(path, i), value->mutable_list_value()->add_values());
    }
  } else {
    ReadValue(node, path, message);
  }
}

}  // namespace routines
