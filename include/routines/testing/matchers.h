// GoogleMock matchers for tests of configurations, sessions and calls.
//
//   EXPECT_THAT(routine, FiresOn(PullRequestEvent().BaseBranch("main").Build()));
//   EXPECT_THAT(routine, DoesNotFireOn(PullRequestEvent().Draft().Build(), "is_draft"));
//   EXPECT_THAT(engine->Put(routine), IsOk());
//   EXPECT_THAT(engine->GetSession(id), IsOkAndHolds(SessionSucceeded()));
//   EXPECT_THAT(engine->Fire({}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no API
//   trigger")));
//
// FiresOn and DoesNotFireOn say why: the decision, and each condition with what was expected and
// seen. They try the event on an engine of their own, gates included, with simulated time.
//
// Needs GoogleTest. Thread-safety: as GoogleMock's matchers. Ownership: events and words are
// copied. The names of the status matchers and their meaning are those of
// absl/status/status_matchers.h.
#ifndef ROUTINES_TESTING_MATCHERS_H_
#define ROUTINES_TESTING_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/json.h"
#include "routines/testing/cases.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines::testing {

// ---- statuses ----

namespace internal {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& value) {
  return value.status();
}

}  // namespace internal

// Of an absl::Status or absl::StatusOr.
MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << status.ToString();
  return status.ok();
}

MATCHER_P(StatusIs, code, "") {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code;
}

MATCHER_P2(StatusIs, code, message, "") {
  const absl::Status& status = internal::StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(message, std::string(status.message()), result_listener);
}

// Of an absl::StatusOr whose value `inner` matches.
MATCHER_P(IsOkAndHolds, inner, "") {
  if (!arg.ok()) {
    *result_listener << arg.status().ToString();
    return false;
  }
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

// ---- sessions ----

MATCHER(SessionSucceeded, negation ? "did not succeed" : "succeeded") {
  const v1::Session& session = arg;
  *result_listener << v1::SessionState_Name(session.state()) << " " << session.reason() << ": "
                   << session.message();
  return session.state() == v1::SESSION_STATE_SUCCEEDED;
}

// ---- events ----

namespace internal {

// The shared half of the two matchers below: what became of an event.
class EventMatcher {
 public:
  using is_gtest_matcher = void;

  EventMatcher(v1::Event event, bool fires, std::string because)
      : event_(std::move(event)), fires_(fires), because_(std::move(because)) {}

  bool MatchAndExplain(const v1::Routine& routine, std::ostream* listener) const {
    v1::TestCase expected;
    expected.set_expect(fires_ ? v1::TEST_VERDICT_FIRES : v1::TEST_VERDICT_DOES_NOT_FIRE);
    expected.set_because(because_);
    const v1::TestResult result = TryEvent(routine, event_, expected);
    if (listener != nullptr) *listener << CaseText(result);
    return result.passed();
  }
  bool MatchAndExplain(const v1::SavedRoutine& saved, std::ostream* listener) const {
    return MatchAndExplain(saved.routine(), listener);
  }

  void DescribeTo(std::ostream* out) const { Describe(fires_, out); }
  void DescribeNegationTo(std::ostream* out) const { Describe(!fires_, out); }

 private:
  void Describe(bool fires, std::ostream* out) const {
    *out << (fires ? "fires on" : "does not fire on") << " this " << event_.source() << " "
         << event_.type() << " event";
    if (!because_.empty()) *out << ", because of " << because_;
  }

  v1::Event event_;
  bool fires_;
  std::string because_;
};

}  // namespace internal

// Whether a v1::Routine or v1::SavedRoutine starts a session on the event, which is of source
// "github" (GithubEvent) or of a custom one.
inline internal::EventMatcher FiresOn(v1::Event event) {
  return {std::move(event), true, ""};
}

// `because`: as in a test file (docs/testing_configs.md), such as "untrusted_author", or "labels
// and is_draft"; empty: whatever the reason.
inline internal::EventMatcher DoesNotFireOn(v1::Event event, std::string because = "") {
  return {std::move(event), false, std::move(because)};
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_MATCHERS_H_
