// The values of a routine file that are text in it and something else in the message: both ways.
#ifndef ROUTINES_SRC_CONFIG_TEXT_FORMS_H_
#define ROUTINES_SRC_CONFIG_TEXT_FORMS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"

namespace routines {

// "90s", "5m", "1h30m"; nullopt where it is none or longer than protobuf's 10,000 years.
std::optional<absl::Duration> ParseDurationText(std::string_view text);
std::string DurationText(absl::Duration duration);

// RFC 3339 with its offset, of the years 1 to 9999.
std::optional<absl::Time> ParseTimestampText(std::string_view text);
std::string TimestampText(absl::Time time);  // in UTC

// The words of an enum: its values in lower case without the type's prefix, the unspecified one
// left out.
std::vector<std::string> EnumWords(const google::protobuf::EnumDescriptor& type);
std::string EnumWord(const google::protobuf::EnumValueDescriptor& value);
// By its word or its full name; null where it is neither.
const google::protobuf::EnumValueDescriptor* FindEnumWord(
    const google::protobuf::EnumDescriptor& type, std::string_view word);

// What a plain scalar means by YAML 1.2's core schema.
struct PlainScalar {
  enum class Kind { kText, kBool, kInteger, kNumber };
  Kind kind = Kind::kText;
  bool boolean = false;
  double number = 0;  // kInteger too; may be infinite or no number
};
PlainScalar ResolvePlainScalar(std::string_view text);

// The shortest decimal form that reads back as the same number.
std::string NumberText(double number);

}  // namespace routines

#endif  // ROUTINES_SRC_CONFIG_TEXT_FORMS_H_
