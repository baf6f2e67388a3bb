// Random routines and events for tests of matching: every operator, every field of the eighteen
// events, custom events, pointers, groups; values that are absent, null, empty, of another kind,
// not ASCII, or escaped; and conditions made from an event's own values, so that about half of them
// hold.
//
//   RandomSets random(seed);
//   const RandomEvent event = random.Event();
//   const v1::Routine routine = random.Routine("r1", event);  // its conditions are near that event
//
// What is drawn depends on the seed alone. Routines are ones that CheckFilters takes; payloads ones
// that CheckPayload takes. One thread.
#ifndef ROUTINES_TESTS_UNIT_MATCH_RANDOM_SETS_H_
#define ROUTINES_TESTS_UNIT_MATCH_RANDOM_SETS_H_

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/map.h"
#include "routines/event.h"
#include "routines/v1/routine.pb.h"

namespace routines {

// JSON that can be changed.
struct RandomJson {
  enum class Kind { kNull, kBoolean, kNumber, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  // of a number: as it is written
  std::vector<RandomJson> elements;
  std::vector<std::string> keys;  // of an object
};

struct RandomEvent {
  std::string source, type, payload;
  google::protobuf::Map<std::string, std::string> attributes;
  std::vector<std::string> pointers;  // to what is in the payload

  EventView view() const {
    return {.source = source, .type = type, .payload = payload, .attributes = &attributes};
  }
  std::string ToString() const;
};

// Where the characters of UTF-8 begin, and the end.
std::vector<size_t> CharacterBoundaries(std::string_view text);

class RandomSets {
 public:
  explicit RandomSets(uint64_t seed) : random_(seed) {}

  // True in one of `n` times.
  bool OneIn(uint32_t n) { return Below(n) == 0; }
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }

  // Of one of the eighteen events, or a custom one.
  RandomEvent Event();
  RandomEvent GithubEvent(std::string_view type);
  RandomEvent CustomEvent();
  // Another of the same kind: most values are drawn again, so that scopes stay.
  RandomEvent Like(const RandomEvent& event);

  // One to three triggers, most of them with `near` in their scope.
  v1::Routine Routine(std::string_view name, const RandomEvent& near);
  v1::Trigger Trigger(const RandomEvent& near);

 private:
  std::string Pick(std::initializer_list<std::string_view> choices);
  std::string Text();
  std::string OtherCase(std::string text);
  std::string Near(const std::string& text);
  std::string Part(const std::string& text, bool from_start, bool to_end);

  RandomJson ValueFor(const FieldInfo& info);
  RandomJson AnyScalar();
  RandomJson Anything(int depth);
  void Place(RandomJson& root, std::string_view path, const FieldInfo& info);
  void Write(const RandomJson& json, std::string& out);
  void WriteText(std::string_view text, std::string& out);
  void Space(std::string& out);

  std::string FieldNear(const RandomEvent& event);
  v1::Condition Comparison(const RandomEvent& near);
  void FillOperand(const std::string& near, v1::Operator op, v1::Condition& condition);
  void FillScalar(const FieldValue& near, google::protobuf::Value& value);
  std::string Regex(const std::string& near);
  std::string GlobPattern(const std::string& near);
  v1::Condition ValidCondition(const RandomEvent& near, const v1::Trigger& scope);

  std::mt19937_64 random_;
};

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_MATCH_RANDOM_SETS_H_
