// JSON as a tree, read in the plainest way: for tests, where nothing may be shared with what they
// test.
#ifndef ROUTINES_SRC_TESTING_PLAIN_JSON_H_
#define ROUTINES_SRC_TESTING_PLAIN_JSON_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace routines::testing {

struct PlainJson {
  enum class Kind { kNull, kBoolean, kNumber, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0;
  std::string text;
  std::vector<PlainJson> elements;  // of an array; of an object: its values
  std::vector<std::string> keys;    // of an object

  bool IsScalar() const { return kind != Kind::kArray && kind != Kind::kObject; }

  // A member of an object, or an element of an array by its index as RFC 6901 writes it; null:
  // there is none.
  const PlainJson* Member(std::string_view token) const;
};

// `text` must be JSON that CheckPayload (routines/event.h) takes.
PlainJson ParsePlainJson(std::string_view text);

}  // namespace routines::testing

#endif  // ROUTINES_SRC_TESTING_PLAIN_JSON_H_
