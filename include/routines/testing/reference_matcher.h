// What filters mean, written to be read: slow, obvious, and without a line of code shared with the
// matcher. Where Matcher or Explain differ from it, they are wrong.
//
//   ReferenceMatcher reference;
//   reference.Put(routine);
//   for (const ReferenceMatch& match : reference.Match(event)) …
//
// It works through every condition of every trigger of every routine for each event.
//
// Thread-safety: none; one thread. Ownership: routines are copied. Nothing blocks.
#ifndef ROUTINES_TESTING_REFERENCE_MATCHER_H_
#define ROUTINES_TESTING_REFERENCE_MATCHER_H_

#include <compare>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "routines/event.h"
#include "routines/v1/routine.pb.h"

namespace routines::testing {

struct ReferenceMatch {
  std::string account;
  std::string routine;  // its name
  int trigger = 0;      // index in routine.triggers()

  friend auto operator<=>(const ReferenceMatch&, const ReferenceMatch&) = default;
};

class ReferenceMatcher {
 public:
  ReferenceMatcher();
  ~ReferenceMatcher();

  // Adds a routine, or replaces the one of the same account and name. It must be one that
  // ValidateRoutine (routines/routine.h) finds nothing wrong with.
  void Put(const v1::Routine& routine);
  // False: there is none.
  bool Remove(std::string_view account, std::string_view name);

  // The triggers that the event starts, sorted. Of a GitHub event whose payload CheckPayload
  // refuses: none.
  std::vector<ReferenceMatch> Match(const EventView& event) const;

  size_t size() const { return routines_.size(); }

 private:
  class Evaluation;
  struct Patterns;  // regular expressions, compiled once

  std::map<std::pair<std::string, std::string>, v1::Routine> routines_;  // by account and name
  std::unique_ptr<Patterns> patterns_;
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_REFERENCE_MATCHER_H_
